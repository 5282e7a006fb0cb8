"""The check of an optimizer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sknet._numerics import Array, Scalar
from sknet._rows import in_rows
from sknet.optimizers import Optimizer
from sknet.testing.checker import DTYPES, Checker, filled_with_nan
from sknet.testing.recorded import (
    Given,
    Named,
    Trial,
    numbers_of,
    require_agreement,
    scaled,
    with_numbers,
)


_N_STEPS = 5
_N_DESCENT = 400
_DESCENT_RATE = 0.02


def check_optimizer(optimizer: Optimizer, *, random_state: Any = 0) -> None:
    """Check that an optimizer meets the requirements of its family.

    Steps made block by block equal a step on the whole; members give the same bits as
    alone, also if they differ in learning rate, number of steps or fields in ``rows``;
    every slot is used; a gradient that has always been zero gives no step; huge and
    tiny gradients give finite steps; and the optimizer descends a convex quadratic. All
    but the last are checked in float32 and in float64. If it can be compiled, it
    computes the same in this way; see :func:`check_compiled`.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer to check.
    random_state : int, RandomState or None, default=0
        Determines the gradients.

    Raises
    ------
    AssertionError
        If a requirement is violated; the message states which one, and where.

    Examples
    --------
    >>> from sknet.optimizers import Adam
    >>> from sknet.testing import check_optimizer
    >>> check_optimizer(Adam())
    """
    checker = Checker(optimizer)
    with checker.converting_errors("check()"):
        optimizer.check()
    n_slots = optimizer.n_slots
    good = isinstance(n_slots, int) and n_slots >= 0
    checker.require(good, f"n_slots must be a whole number >= 0, got {n_slots!r}")
    checker.require(
        np.all(np.asarray(optimizer.weight_decay) >= 0.0), "weight_decay must be >= 0"
    )
    stream = check_random_state(random_state)
    gradients = stream.standard_normal((_N_STEPS, 3, 7))
    with np.errstate(all="ignore"):
        for dtype in DTYPES:
            _check_steps(optimizer, gradients.astype(dtype), checker)
            _check_rows(optimizer, gradients.astype(dtype), checker)
            _check_extremes(optimizer, dtype, checker)
        _check_descent(optimizer, stream, checker)
    require_agreement(optimizer, optimizer_trials(optimizer, stream))


def optimizer_trials(optimizer: Optimizer, stream: Any) -> Iterator[Trial]:
    """Iterate over a step for each type, with other numbers and extreme gradients.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer, which has passed the other checks.
    stream : RandomState
        Determines the gradients.

    Yields
    ------
    trial : Trial
        A trial.
    """
    names = [f"slot {i}" for i in range(optimizer.n_slots)]
    gradients = stream.standard_normal((2, 1, 7))
    memory = stream.uniform(0.1, 1.0, size=(len(names), 1, 7))

    def compute(a: Named, numbers: Named, streams: Sequence[Any]) -> dict[str, Any]:
        """Make a step."""
        del streams
        grad, slots = a["step"], [a[name] for name in names]
        own = with_numbers(optimizer, numbers)
        own.step(grad, slots, numbers["t"], numbers["rate"], np.empty_like(grad))
        return dict(a)

    for dtype in DTYPES:
        given = []
        for what, gradient, (t, rate, factor) in (
            ("the recorded data", gradients[0], (3.0, 0.01, 1.0)),
            ("other data", gradients[1], (4.0, 0.02, 1.0)),
            ("other numbers", gradients[1], (9.0, 0.1, 0.5)),
        ):
            slots = memory if what != "other data" else 0.5 * memory[:, :, ::-1]
            arrays = {"step": gradient, **dict(zip(names, slots, strict=True))}
            arrays = {name: array.astype(dtype) for name, array in arrays.items()}
            numbers = {**numbers_of(optimizer, factor), "t": t, "rate": rate}
            given.append(Given(what, arrays, numbers))
        first = {name: np.zeros_like(array) for name, array in arrays.items()}
        numbers = {**numbers_of(optimizer), "t": 1.0, "rate": 0.1}
        given.append(Given("a first gradient of zero", first, numbers))
        yield Trial("", compute, given + scaled(given[1], "step", (-1.0, 1e-30, 1e10)))


def _steps(
    optimizer: Optimizer, gradients: Array, rate: Scalar, checker: Checker
) -> tuple[list[Array], list[Array]]:
    """Return the steps for successive gradients, and the slots."""
    shape, dtype = gradients.shape[1:], gradients.dtype
    slots = [np.zeros(shape, dtype=dtype) for _ in range(optimizer.n_slots)]
    steps = []
    for t, gradient in enumerate(gradients, 1):
        step = gradient.copy()
        with checker.converting_errors(f"step() with {optimizer.n_slots} slots"):
            optimizer.step(step, slots, t, rate, filled_with_nan(shape, dtype))
        steps.append(step)
    return steps, slots


def _check_steps(optimizer: Optimizer, gradients: Array, checker: Checker) -> None:
    """Check steps in blocks, by member, with a rate for each member, and slots."""
    steps, slots = _steps(optimizer, gradients, 0.1, checker)
    all_steps = np.array(steps)
    checker.finite(
        all_steps, "a step is not finite, or scratch is read before it is written"
    )
    moved = not np.array_equal(all_steps, gradients)
    checker.require(moved, "step leaves the gradient as it is")
    for i, slot in enumerate(slots):
        checker.finite(slot, f"slot {i} is not finite")
        checker.require(slot.any(), f"slot {i} of {len(slots)} is never written")
    again, _ = _steps(optimizer, gradients, 0.1, checker)
    checker.same_bits(
        np.array(again), all_steps, "step is not a pure function: two calls differ"
    )
    for part in (slice(0, 3), slice(3, 7)):
        block, _ = _steps(optimizer, gradients[:, :, part].copy(), 0.1, checker)
        checker.same_bits(
            np.array(block), all_steps[:, :, part], "steps in blocks differ"
        )
    rates = np.array([[0.1], [0.02], [0.5]])
    several, _ = _steps(optimizer, gradients, rates, checker)
    for k in range(3):
        one = gradients[:, k : k + 1].copy()
        alone, _ = _steps(optimizer, one, 0.1, checker)
        checker.same_bits(
            all_steps[:, k : k + 1], np.array(alone), f"step mixes member {k}"
        )
        alone, _ = _steps(optimizer, one, float(rates[k, 0]), checker)
        checker.same_bits(
            np.array(several)[:, k : k + 1],
            np.array(alone),
            f"with its own learning rate, member {k} differs from that alone",
        )


def _check_rows(optimizer: Optimizer, gradients: Array, checker: Checker) -> None:
    """Check members that differ in a field of ``rows``, or in the number of steps."""
    for name in optimizer.rows:
        value = getattr(optimizer, name)
        if not value:
            continue  # zero may change the number of slots
        other = optimizer.with_param(name, 0.5 * value)
        mixed = [optimizer, other, optimizer]
        several, _ = _steps(in_rows(mixed), gradients, 0.1, checker)
        for k, own in enumerate(mixed):
            alone, _ = _steps(own, gradients[:, k : k + 1].copy(), 0.1, checker)
            checker.same_bits(
                np.array(several)[:, k : k + 1],
                np.array(alone),
                f"with {name} in rows, member {k} differs from that alone",
            )
    shape, dtype = gradients.shape[1:], gradients.dtype
    slots = [np.ones(shape, dtype=dtype) for _ in range(optimizer.n_slots)]
    steps = np.array([[1], [7], [1000]])
    together = gradients[0].copy()
    with checker.converting_errors("step() with t of shape (K, 1)"):
        optimizer.step(together, slots, steps, 0.1, np.empty_like(together))
    for k, t in enumerate(steps.ravel().tolist()):
        memory = [np.ones((1, shape[1]), dtype=dtype) for _ in slots]
        step = gradients[0, k : k + 1].copy()
        optimizer.step(step, memory, t, 0.1, np.empty_like(step))
        checker.same_bits(
            together[k : k + 1],
            step,
            f"with t in rows, member {k} differs from that alone",
        )


def _check_extremes(optimizer: Optimizer, dtype: Any, checker: Checker) -> None:
    """Check the steps for zero, tiny and huge gradients."""
    for size in (0.0, 1e-30, 1e-10, 1e10):
        gradients = np.full((_N_STEPS, 1, 2), size, dtype=dtype)
        steps, _ = _steps(optimizer, gradients, 0.1, checker)
        all_steps = np.array(steps)
        checker.finite(
            all_steps, f"a step is not finite for gradients of {size:g} ({dtype})"
        )
        if not size:
            checker.require(not all_steps.any(), "gradients of zero give a step")


def _check_descent(
    optimizer: Optimizer, stream: np.random.RandomState, checker: Checker
) -> None:
    """Check that the optimizer descends a convex quadratic."""
    curvature = stream.uniform(0.5, 2.0, size=(1, 7))
    theta = stream.uniform(-1.0, 1.0, size=(1, 7))
    slots = [np.zeros_like(theta) for _ in range(optimizer.n_slots)]
    values = []
    for t in range(1, _N_DESCENT + 1):
        values.append(float((curvature * theta**2).sum()))
        gradient = 2.0 * curvature * theta
        optimizer.step(gradient, slots, t, _DESCENT_RATE, np.empty_like(theta))
        theta -= gradient
    lowest = min(values)
    checker.require(
        lowest <= 0.1 * values[0],
        f"{_N_DESCENT} steps at the rate {_DESCENT_RATE} lower a convex quadratic only "
        f"from {values[0]:.4g} to {lowest:.4g}",
    )
