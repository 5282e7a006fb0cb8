"""Cases of a loss: kinds of targets that it takes, and rows to evaluate it on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sknet._numerics import Array, Scalar
from sknet.losses import ClassLoss, Loss, ValueLoss
from sknet.testing.checker import Checker


N_ROWS = 6


class Case(NamedTuple):
    """A loss for one kind of target, and rows to evaluate it on.

    Parameters
    ----------
    loss : Loss
        The loss.
    raw : ndarray of shape (3, N_ROWS, R)
        Raw outputs.
    y : ndarray of shape (3, N_ROWS, C)
        Targets.
    weight : float or ndarray of shape (3, N_ROWS, 1)
        Shares of the rows.
    """

    loss: Loss
    raw: Array
    y: Array
    weight: Scalar


def cases_of(
    loss: Loss, stream: np.random.RandomState, checker: Checker
) -> Iterator[Case]:
    """Iterate over kinds of targets, numbers of columns and weights.

    Parameters
    ----------
    loss : Loss
        The loss.
    stream : RandomState
        Determines raw outputs and targets.
    checker : Checker
        Raises the errors of methods that refuse every target.

    Yields
    ------
    case : Case
        A case; for a loss of classes, its loss may differ in ``exclusive``.
    """
    weight = stream.uniform(0.1, 1.0, size=(3, N_ROWS, 1))
    weight /= weight.sum(axis=1, keepdims=True)
    for variant, n_columns in _variants(loss, checker):
        y = _targets(variant, (3, N_ROWS, n_columns), stream, checker)
        n_raw = variant.n_raw(n_columns)
        checker.require(n_raw >= 1, f"n_raw({n_columns}) must be >= 1, got {n_raw}")
        raw = 1.5 * stream.standard_normal((3, N_ROWS, n_raw))
        yield Case(variant, raw, y, 1.0 / N_ROWS)
        yield Case(variant, raw, y, weight)


def _variants(loss: Loss, checker: Checker) -> Iterator[tuple[Loss, int]]:
    """Iterate over the losses to check, with numbers of target columns."""
    if not isinstance(loss, ClassLoss):
        with checker.converting_errors("check()"):
            loss.check()
        yield from ((loss, 1), (loss, 2))
        return
    for exclusive, sizes in ((True, (2, 3)), (False, (1, 3))):
        variant = loss.with_param("exclusive", exclusive)
        try:
            variant.check()
        except ValueError:
            continue
        yield from ((variant, n_columns) for n_columns in sizes)


def _targets(
    loss: Loss,
    shape: tuple[int, int, int],
    stream: np.random.RandomState,
    checker: Checker,
) -> Array:
    """Return targets that the loss accepts; every class occurs."""
    if isinstance(loss, ClassLoss):
        first = stream.randint(shape[-1], size=(shape[0], 1))
        codes = (np.arange(shape[1]) + first) % shape[-1]
        if loss.exclusive:
            return np.eye(shape[-1])[codes]
        turn = (np.arange(shape[1])[:, None] + np.arange(shape[2])) % 2
        return np.broadcast_to(turn, shape).astype(float)
    assert isinstance(loss, ValueLoss)
    real = 1.5 * stream.standard_normal(shape)
    positive = stream.uniform(0.2, 3.0, size=shape)
    fraction = stream.uniform(0.1, 0.9, size=shape)
    # With a link, targets in the range of predictions, which a constant can reach.
    order = [real, positive, fraction]
    for y in order if loss.link_name == "identity" else order[::-1]:
        try:
            loss.check_target(y.reshape(-1, shape[-1]))
        except ValueError:
            continue
        return y
    checker.require(False, "check_target rejects real, positive and fractional targets")
    raise NotImplementedError
