"""The check of a loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sknet._numerics import Array, Scalar
from sknet.losses import ClassLoss, Loss, LossBuffers, ValueLoss
from sknet.testing.checker import DTYPES, Checker, filled_with_nan
from sknet.testing.loss_cases import N_ROWS, Case, cases_of
from sknet.testing.parts import Section
from sknet.testing.recorded import (
    Compute,
    Given,
    Named,
    Trial,
    numbers_of,
    require_agreement,
    scaled,
    with_numbers,
)
from sknet.testing.report import GradientReport
from sknet.testing.slopes import Surface, Survey


def check_loss(loss: Loss, *, random_state: Any = 0, rtol: float = 1e-6) -> None:
    """Check that a loss meets the requirements of its family.

    The gradient is compared with differences of the value. A row of weight zero has no
    effect, raw outputs and targets are not modified, every element is written, members
    do not mix, types are kept, ``constant`` is the best constant, and finite raw
    outputs give neither NaN nor infinity. A loss for classes is checked for exclusive
    classes and for independent columns, unless its ``check`` rejects one of these kinds
    of target. If it can be compiled, it computes the same in this way; see
    :func:`check_compiled`.

    Parameters
    ----------
    loss : Loss
        The loss to check.
    random_state : int, RandomState or None, default=0
        Determines raw outputs and targets.
    rtol : float, default=1e-6
        Largest relative error allowed for the gradient.

    Raises
    ------
    AssertionError
        If a requirement is violated; the message states which one, and where.

    Examples
    --------
    >>> from sknet.losses import LogLoss
    >>> from sknet.testing import check_loss
    >>> check_loss(LogLoss())
    """
    stream = check_random_state(random_state)
    checker = Checker(loss)
    n_cases = 0
    with np.errstate(all="ignore"):
        for case in cases_of(loss, stream, checker):
            n_cases += 1
            checker = Checker(case.loss)
            for dtype in DTYPES:
                raw, y = case.raw.astype(dtype), case.y.astype(dtype)
                weight = case.weight
                if isinstance(weight, np.ndarray):
                    weight = weight.astype(dtype)
                _check_manners(Case(case.loss, raw, y, weight), checker)
                _check_predictions(case.loss, raw, y, checker)
                _check_extremes(case.loss, raw, y, checker)
            _check_gradient(case, rtol, stream, checker)
            _check_zero_weight(case, checker)
            _check_start(case, checker)
            _check_constant(case, checker)
    checker.require(n_cases, "check() rejects every kind of target")
    require_agreement(loss, loss_trials(loss, stream))


def loss_trials(loss: Loss, stream: np.random.RandomState) -> Iterator[Trial]:
    """Iterate over value and gradient for each type and kind of target.

    Parameters
    ----------
    loss : Loss
        The loss, which has passed the other checks.
    stream : RandomState
        Determines raw outputs and targets.

    Yields
    ------
    trial : Trial
        A trial.
    """
    for case in cases_of(loss, stream, Checker(loss)):
        for dtype in DTYPES:
            given = []
            for k, what in enumerate(["the recorded data", "other data"]):
                arrays = {"raw": case.raw[k : k + 1], "y": case.y[k : k + 1]}
                if isinstance(case.weight, np.ndarray):
                    arrays["weight"] = case.weight[k : k + 1]
                arrays = {name: array.astype(dtype) for name, array in arrays.items()}
                given.append(Given(what, arrays, numbers_of(case.loss)))
            numbers = numbers_of(case.loss, 0.5)
            given.append(given[1]._replace(what="other numbers", numbers=numbers))
            given += scaled(given[1], "raw", (-1.0, 1e-30, 1e3, 1e15))
            where = f" for {case.raw.shape[-1]} raw outputs"
            where += " with weights" if "weight" in arrays else ""
            yield Trial(where, _computation(case.loss), given)


def _computation(loss: Loss) -> Compute:
    """Return the computation of a value and its gradient."""

    def compute(a: Named, numbers: Named, streams: Sequence[Any]) -> dict[str, Any]:
        """Compute them for arrays that may be traced."""
        del streams
        raw, out = a["raw"], np.empty_like(a["raw"])
        n_members, n_rows, n_raw = raw.shape
        buffers = LossBuffers(n_members, n_rows, n_raw, raw.dtype, raw)
        weight = a.get("weight", 1.0 / N_ROWS)
        own = with_numbers(loss, numbers)
        value = own.value_and_gradient(raw, a["y"], weight, out, buffers)
        return {"value": value, "gradient": out}

    return compute


def _buffers(raw: Array) -> LossBuffers:
    """Return buffers filled with NaN, to reveal reads before the first write."""
    n_members, n_rows, n_raw = raw.shape
    buffers = LossBuffers(n_members, n_rows, n_raw, raw.dtype)
    for scratch in (buffers.rows, buffers.sums, buffers.full):
        scratch.fill(np.nan)
    return buffers


def _evaluate(
    loss: Loss, raw: Array, y: Array, weight: Scalar, buffers: LossBuffers | None = None
) -> tuple[Array, Array]:
    """Return values (K,) and the gradient, in which unwritten elements are NaN."""
    out = filled_with_nan(raw.shape, raw.dtype)
    if buffers is None:
        buffers = _buffers(raw)
    return loss.value_and_gradient(raw, y, weight, out, buffers), out


def _check_gradient(
    case: Case, rtol: float, stream: np.random.RandomState, checker: Checker
) -> None:
    """Compare the gradient with differences, raw output by raw output."""
    loss, raw, y, weight = case
    shape = raw.shape

    def value(vectors: Array) -> Array:
        """Return the values at given raw outputs."""
        return _evaluate(loss, vectors.reshape(shape), y, weight)[0].copy()

    _, gradient = _evaluate(loss, raw, y, weight)
    n_members = len(raw)
    surface = Surface(
        value,
        raw.reshape(n_members, -1),
        gradient.reshape(n_members, -1),
        may_kink=loss.kinks,
    )
    survey = Survey(surface, rtol, stream)
    columns = np.arange(raw[0].size).reshape(shape[1:])
    found = survey.coordinates(Section("raw", "", columns), columns.size)
    complaint = GradientReport("", rtol, (found,), survey.worst).complaint
    checker.require(not complaint, complaint)


def _check_zero_weight(case: Case, checker: Checker) -> None:
    """Check that a row of weight zero has the effect of an absent row."""
    loss, raw, y, weight = case
    if not isinstance(weight, np.ndarray):
        return
    weight = weight.copy()
    weight[:, 0] = 0.0
    value, gradient = _evaluate(loss, raw, y, weight)
    absent, rest = _evaluate(
        loss, raw[:, 1:].copy(), y[:, 1:].copy(), weight[:, 1:].copy()
    )
    zero = np.zeros_like(gradient[:, 0])
    checker.same_bits(gradient[:, 0], zero, "a row of weight zero has a gradient")
    same = np.allclose(value, absent, rtol=1e-12, atol=1e-14)
    same = same and np.allclose(gradient[:, 1:], rest, rtol=1e-12, atol=1e-14)
    checker.require(same, "a row of weight zero differs from an absent row")


def _check_start(case: Case, checker: Checker) -> None:
    """Check that ``start`` is a valid initial value for the raw outputs."""
    shape = case.raw.shape[-1:]
    start = case.loss.start(case.y[0], np.ones(N_ROWS))
    checker.require(
        start is None or (np.shape(start) == shape and np.isfinite(start).all()),
        f"start must be None, or finite and of shape {shape}, got {start}",
    )


def _check_constant(case: Case, checker: Checker) -> None:
    """Check the best constant: no slope there, or no lower value next to it."""
    loss, raw, y, weight = case
    n_raw = raw.shape[-1]
    shares = np.full(N_ROWS, 1.0 / N_ROWS)
    if isinstance(weight, np.ndarray):
        shares = weight[0, :, 0]
    try:
        best = loss.constant(y[0], shares)
    except NotImplementedError:
        return
    checker.require(
        np.shape(best) == (n_raw,) and np.isfinite(best).all(),
        f"constant must be finite and of shape {(n_raw,)}, got {best}",
    )
    if isinstance(loss, ValueLoss) and loss.link_name == "softmax":
        return  # a softmax may not reach these values: only nearly the best

    def at(constant: Array) -> tuple[float, Array]:
        """Return the value and the gradient over all rows at one constant."""
        rows = np.broadcast_to(constant, (1, N_ROWS, n_raw)).copy()
        value, gradient = _evaluate(loss, rows, y[:1], shares[None, :, None])
        return float(value[0]), gradient

    lowest, gradient = at(best)
    if not loss.kinks:
        left = np.abs(gradient.sum(axis=1)).max()
        scale = max(1.0, float(np.abs(gradient).sum()))
        checker.require(
            left <= 1e-7 * scale, f"the gradient at constant {best} is {left:.3g}"
        )
        return
    room = 1e-9 * max(1.0, abs(lowest))
    for size in (1e-4, 1e-2, 1.0):
        for step in (*np.eye(n_raw), *-np.eye(n_raw)):
            value, _ = at(best + size * step)
            checker.require(
                value >= lowest - room,
                f"constant {best} with the value {lowest:.10g} is not the best one: "
                f"{best + size * step} has {value:.10g}",
            )


def _check_manners(case: Case, checker: Checker) -> None:
    """Check which arrays are written or left unmodified, types, and members."""
    loss, raw, y, weight = case
    kept_raw, kept_y, kept_weight = raw.copy(), y.copy(), np.copy(weight)
    buffers = _buffers(raw)
    value, gradient = _evaluate(loss, raw, y, weight, buffers)
    value = value.copy()
    checker.require(value.shape == (len(raw),), f"values have shape {value.shape}")
    checker.require(
        value.dtype == raw.dtype, f"values are {value.dtype} for {raw.dtype} raw"
    )
    checker.same_bits(raw, kept_raw, "value_and_gradient changes raw")
    checker.same_bits(y, kept_y, "value_and_gradient changes y")
    checker.same_bits(weight, kept_weight, "value_and_gradient changes weight")
    checker.require(
        not np.isnan(gradient).any(),
        "not every gradient is written, or buffers are read before they are written",
    )
    _evaluate(loss, raw[::-1].copy(), y[::-1].copy(), 1.0, buffers)
    again, same = _evaluate(loss, raw, y, weight, buffers)
    checker.same_bits(again, value, "two calls give different values")
    checker.same_bits(same, gradient, "two calls give different gradients")
    for k in range(len(raw)):
        one = slice(k, k + 1)
        share = weight[one] if isinstance(weight, np.ndarray) else weight
        alone, own = _evaluate(loss, raw[one].copy(), y[one].copy(), share)
        checker.same_bits(value[one], alone, f"the value mixes member {k} with others")
        checker.same_bits(gradient[one], own, f"the gradient mixes member {k}")
    shared = np.broadcast_to(y[:1], y.shape).copy()
    value, gradient = _evaluate(loss, raw, shared, weight)
    value = value.copy()
    again, same = _evaluate(loss, raw, y[:1].copy(), weight)
    checker.same_bits(again, value, "a target shared by members gives another value")
    checker.same_bits(same, gradient, "a shared target gives another gradient")


def _check_predictions(loss: Loss, raw: Array, y: Array, checker: Checker) -> None:
    """Check the link and the values derived from predictions."""
    rows, kept = raw[0], raw[0].copy()
    prediction = loss.link(rows)
    checker.same_bits(rows, kept, "link changes raw")
    checker.require(not np.shares_memory(prediction, rows), "link returns raw itself")
    checker.require(
        prediction.shape == rows.shape and prediction.dtype == rows.dtype,
        f"link turns {rows.dtype} {rows.shape} into "
        f"{prediction.dtype} {prediction.shape}",
    )
    checker.require(isinstance(loss.link_name, str), "link_name must be a string")
    factor = loss.report_factor(raw.shape[-1])
    checker.require(factor > 0.0, f"report_factor must be > 0, got {factor}")
    if isinstance(loss, ClassLoss) and loss.gives_probability:
        inside = (prediction >= 0.0).all() and (prediction <= 1.0).all()
        checker.require(inside, "link gives probabilities outside of [0, 1]")
        logarithm = np.exp(loss.log_link(rows))
        close = np.allclose(logarithm, prediction, rtol=1e-4, atol=1e-6)
        checker.require(close, "log_link is not the logarithm of link")
    if isinstance(loss, ValueLoss):
        shape, point = y[0].shape, loss.point(prediction)
        checker.require(
            point.shape == shape,
            f"point must have shape {shape}, got {point.shape}",
        )
        asked = loss.scaling if isinstance(loss.scaling, tuple) else (loss.scaling,)
        checker.require(
            asked == (None,) or set(asked) <= {"moments", "quantiles"},
            f"scaling must be 'moments', 'quantiles' or None, got {loss.scaling!r}",
        )
        spread = loss.spread(rows)
        good = spread is None or (spread.shape == shape and (spread > 0.0).all())
        checker.require(good, "spread must be None, or positive, one for each target")


def _check_extremes(loss: Loss, raw: Array, y: Array, checker: Checker) -> None:
    """Check that huge raw outputs of either sign give neither NaN nor infinity."""
    huge = 1e15 if raw.dtype == np.float32 else 1e30
    for size in (0.0, 1e-30, 100.0, 800.0, 1e6, huge):
        for signs in (np.ones_like(raw), -np.ones_like(raw), np.sign(raw)):
            far = signs * raw.dtype.type(size)
            value, gradient = _evaluate(loss, far, y, 1.0 / N_ROWS)
            where = f"at raw outputs of size {size:g} ({raw.dtype})"
            checker.finite(value, f"the value is not finite {where}")
            checker.finite(gradient, f"the gradient is not finite {where}")
            checker.finite(loss.link(far[0]), f"link is not finite {where}")
