"""The check of an activation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sknet._numerics import Array
from sknet.activations import Activation
from sknet.testing.checker import DTYPES, Checker, filled_with_nan
from sknet.testing.parts import is_surrogate
from sknet.testing.recorded import Given, Named, Trial, require_agreement, scaled
from sknet.testing.slopes import Surface, slopes_along


# Differences reach 2e-3 to both sides; closer to a declared kink they are meaningless.
_STEPS = (1e-3, 1e-4, 1e-5, 1e-6)  # the smallest for derivatives that bend sharply
_RTOL = 1e-6
# Points where functions often have undeclared kinks, and points far from zero.
_SPECIAL = (0.0, 1.0, -1.0, 3.0, -3.0, 6.0, -6.0, 20.0, -20.0, 1e-3, -1e-3)


def check_activation(activation: Activation, *, random_state: Any = 0) -> None:
    """Check that an activation meets the requirements of its family.

    The pullback is compared with differences, away from the declared ``kinks``, unless
    the activation is a ``surrogate``. Input and output are not modified, every element
    is written, ``needs_input`` is correct, members do not mix, and finite input gives
    neither NaN nor infinity, in float32 and in float64. If it can be compiled, it
    computes the same in this way; see :func:`check_compiled`.

    Parameters
    ----------
    activation : Activation
        The activation to check.
    random_state : int, RandomState or None, default=0
        Determines the inputs at which it is checked.

    Raises
    ------
    AssertionError
        If a requirement is violated; the message states which one, and where.

    Examples
    --------
    >>> from sknet.activations import Tanh
    >>> from sknet.testing import check_activation
    >>> check_activation(Tanh())
    """
    checker = Checker(activation)
    with checker.converting_errors("check()"):
        activation.check()
    checker.require(0.0 < float(activation.gain) < np.inf, "gain must be positive")
    n_in = _width(activation, checker)
    stream = check_random_state(random_state)
    z = 2.0 * stream.standard_normal((3, 5, n_in))
    z.ravel()[: len(_SPECIAL)] = _SPECIAL
    with np.errstate(all="ignore"):
        for dtype in DTYPES:
            _check_manners(activation, z.astype(dtype), checker)
            _check_extremes(activation, n_in, dtype, checker)
        if not is_surrogate(activation):
            _check_pullback(activation, _away_from_kinks(activation, z), checker)
    require_agreement(activation, activation_trials(activation, stream))


def activation_trials(activation: Activation, stream: Any) -> Iterator[Trial]:
    """Iterate over both passes, for each type, and in place if that is allowed.

    Parameters
    ----------
    activation : Activation
        The activation, which has passed the other checks.
    stream : RandomState
        Determines the inputs.

    Yields
    ------
    trial : Trial
        A trial.
    """
    n_in = _width(activation, Checker(activation))
    z = 2.0 * stream.standard_normal((2, 1, 5, n_in))
    da = stream.standard_normal(z.shape)

    def apart(a: Named, numbers: Named, streams: Sequence[Any]) -> dict[str, Any]:
        """Compute both passes, with an array for the output."""
        del numbers, streams
        shape = (*a["z"].shape[:-1], activation.n_outputs(n_in))
        out = np.empty(shape, dtype=a["z"].dtype, like=a["z"])
        return _both_passes(activation, a, out)

    def in_place(a: Named, numbers: Named, streams: Sequence[Any]) -> dict[str, Any]:
        """Compute both passes; the output overwrites the input."""
        del numbers, streams
        return _both_passes(activation, a, a["z"])

    for dtype in DTYPES:
        first, second = (
            Given(what, {"z": z[k].astype(dtype), "da": da[k].astype(dtype)}, {})
            for k, what in enumerate(["the recorded data", "other data"])
        )
        given = [first, second, *scaled(second, "z", (-1.0, 30.0, 1e3, 1e15))]
        yield Trial("", apart, given)
        if not activation.needs_input and activation.n_outputs(n_in) == n_in:
            yield Trial(" in place", in_place, given)


def _both_passes(activation: Activation, a: Named, out: Any) -> Any:
    """Return the output and the pullback of arrays that may be traced."""
    z, da = a["z"], a["da"]
    activation.forward(z, out, activation.scratch(z))
    activation.backward(z, out, da, activation.scratch(z))
    return {"output": out, "pullback": da}


def _width(activation: Activation, checker: Checker) -> int:
    """Return a number of columns that the activation accepts."""
    for n_in in range(5, 100):  # odd, so that no register is filled
        try:
            n_out = activation.n_outputs(n_in)
        except ValueError:
            continue
        checker.require(
            0 < n_out <= n_in and n_in % n_out == 0,
            f"n_outputs({n_in}) must divide {n_in}, got {n_out}",
        )
        return n_in
    raise AssertionError(f"{activation!r}: n_outputs accepts no width from 5 to 99")


def _away_from_kinks(activation: Activation, z: Array) -> Array:
    """Move inputs that are close to a kink away from it."""
    z = z.copy()
    for kink in activation.kinks:
        z[np.abs(z - kink) < 4.0 * _STEPS[0]] = kink + 8.0 * _STEPS[0]
    return z


def _forward(activation: Activation, z: Array) -> Array:
    """Return the output, in an array that reveals unwritten elements."""
    shape = (*z.shape[:-1], activation.n_outputs(z.shape[-1]))
    out = filled_with_nan(shape, z.dtype)
    activation.forward(z, out, _scratch(activation, z))
    return out


def _backward(activation: Activation, z: Array, a: Array, da: Array) -> Array:
    """Return the pullback of ``da``, which is spread over the columns of ``z``."""
    dz = da.copy()
    activation.backward(z, a, dz, _scratch(activation, z))
    return dz


def _scratch(activation: Activation, z: Array) -> Array:
    """Return scratch arrays filled with NaN, to reveal reads before the first write."""
    scratch = activation.scratch(z)
    scratch.fill(np.nan)
    return scratch


def _check_pullback(activation: Activation, z: Array, checker: Checker) -> None:
    """Compare the pullback with differences, for each output separately."""
    a = _forward(activation, z)
    joined = z.shape[-1] // a.shape[-1]
    da = np.repeat(1.0 + 0.5 * np.sin(np.arange(a.size)).reshape(a.shape), joined, -1)
    claimed = (_backward(activation, z, a, da) / da).reshape(-1, joined)

    def value(points: Array) -> Array:
        """Return the outputs for groups of joined columns."""
        return _forward(activation, points[:, None]).ravel()

    points = z.reshape(-1, joined)
    surface = Surface(value, points, claimed, may_kink=False, size=1.0)
    for piece, direction in enumerate(np.eye(joined)):
        slopes = slopes_along(surface, direction, _RTOL, _STEPS)
        k = int(np.argmax(slopes.error))
        checker.require(
            slopes.error[k] <= _RTOL,
            f"the derivative at z={points[k, piece]:.6g} is {slopes.analytic[k]:.10g} "
            f"in backward, but {slopes.numeric[k]:.10g} by differences",
        )


def _check_manners(activation: Activation, z: Array, checker: Checker) -> None:
    """Check which arrays are written or left unmodified, and member independence."""
    kept = z.copy()
    a = _forward(activation, z)
    checker.same_bits(z, kept, "forward changes its input")
    checker.require(not np.isnan(a).any(), "forward does not write every element")
    checker.same_bits(
        _forward(activation, z), a, "two calls of forward give different outputs"
    )
    out = a.copy()
    da = np.cos(np.arange(z.size, dtype=z.dtype)).reshape(z.shape)
    dz = _backward(activation, z, a, da)
    checker.same_bits(z, kept, "backward changes z")
    checker.same_bits(a, out, "backward changes a")
    checker.require(
        not np.isnan(dz).any(), "backward gives NaN, or reads scratch before writing it"
    )
    if a.shape == z.shape and not activation.needs_input:
        over = z.copy()
        activation.forward(over, over, _scratch(activation, z))
        checker.same_bits(over, a, "forward gives another output in place")
        lost = filled_with_nan(z.shape, z.dtype)
        again = _backward(activation, lost, a, da)
        checker.same_bits(again, dz, "backward reads z, but needs_input is False")
    for k in range(len(z)):
        one = slice(k, k + 1)
        alone = _forward(activation, z[one])
        checker.same_bits(a[one], alone, f"forward mixes member {k} with others")
        alone = _backward(activation, z[one], a[one], da[one])
        checker.same_bits(dz[one], alone, f"backward mixes member {k} with others")


def _check_extremes(
    activation: Activation, n_in: int, dtype: Any, checker: Checker
) -> None:
    """Check that huge and tiny input gives neither NaN nor infinity."""
    powers = 10.0 ** np.arange(-44, 31)
    sizes = np.concatenate([[0.0, 30.0, 88.0, 90.0, 104.0, 710.0, 746.0], powers])
    ladder = np.concatenate([sizes, -sizes]).astype(dtype)
    z = np.resize(ladder, (3, len(sizes), n_in))
    a = _forward(activation, z)
    checker.finite(a, f"forward is not finite for some |z| <= 1e30 ({dtype})")
    dz = _backward(activation, z, a, np.ones_like(z))
    checker.finite(dz, f"backward is not finite for some |z| <= 1e30 ({dtype})")
