"""Custom losses, given as a pair of functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sknet._numerics import Array, Scalar
from sknet.fields import flag
from sknet.losses._base import (
    CLASS_LOSSES,
    VALUE_LOSSES,
    ClassLoss,
    Loss,
    LossBuffers,
    ValueLoss,
)


Function = Callable[[Array, Array], Any]


class _Pair(Loss):
    """Base of both kinds: functions of the raw outputs and targets of one member.

    They may do anything, so a step with them is not recorded.
    """

    recordable: ClassVar[bool] = False

    value: Function | None
    gradient: Function | None

    def check(self) -> None:
        """Raise ValueError if a function is missing."""
        super().check()
        if not callable(self.value) or not callable(self.gradient):
            raise ValueError(
                "loss='custom' needs two functions, loss=(value, gradient), which take "
                "raw outputs (B, C) and targets (B, C) and return losses (B,) and "
                "their gradient (B, C)."
            )

    @property
    def link_name(self) -> str:
        """The identity."""
        return "identity"

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, buffers: LossBuffers
    ) -> Array:
        """Call both functions for each member and weight the results."""
        for k in range(len(raw)):
            targets = y[k % len(y)]
            value = _result(self.value, raw[k], targets, "value", raw.shape[1:2])
            buffers.rows[k, :, 0] = value
            out[k] = _result(self.gradient, raw[k], targets, "gradient", raw.shape[1:])
        out *= weight
        return buffers.weighted_sum(weight)

    def link(self, raw: Array) -> Array:
        """Return a copy of ``raw``."""
        return raw.copy()

    def constant(self, y: Array, weight: Array) -> Array:
        """Raise NotImplementedError: there is no formula for it."""
        del y, weight
        raise NotImplementedError(
            "The best constant raw output of a custom loss is not known."
        )


def _result(
    function: Any, raw: Array, y: Array, what: str, shape: tuple[int, ...]
) -> Array:
    """Call a function on copies and check its result."""
    result = np.asarray(function(raw.copy(), y.copy()))
    if result.shape != shape:
        raise ValueError(
            f"loss=(value, gradient): {what} returned an array of shape "
            f"{result.shape}, but {shape} was expected for {len(raw)} rows of "
            f"{raw.shape[1]} raw outputs."
        )
    if result.dtype.kind not in "fiu":
        raise ValueError(
            f"loss=(value, gradient): {what} returned an array of type {result.dtype}, "
            f"but real numbers were expected, e.g. of type {raw.dtype}."
        )
    return result


@CLASS_LOSSES.register("custom")
@dataclass(frozen=True, repr=False)
class CustomClassLoss(_Pair, ClassLoss):
    r"""A custom classification loss, given as two functions.

    .. math:: \ell = \mathrm{value}(r, y), \qquad
              \nabla_r \ell = \mathrm{gradient}(r, y)

    The short form is ``loss=(value, gradient)``. The raw outputs themselves are the
    predictions: there are no probabilities, and an independent column is a yes if it is
    above zero. For anything else, write a class.

    Parameters
    ----------
    value : callable
        Takes raw outputs (B, C) and targets (B, C) of zeros and ones, and returns the
        losses of the rows (B,).
    gradient : callable
        Takes the same arguments, and returns the gradient with respect to the raw
        outputs (B, C).
    exclusive : bool, default=True
        Whether a sample has exactly one class; set by the estimator.

    See Also
    --------
    sknet.testing.check_gradient : Check that the gradient matches the value.

    Examples
    --------
    >>> from sknet.losses import CustomClassLoss
    >>> def value(raw, y):
    ...     return ((raw - y) ** 2).sum(axis=1)
    >>> def gradient(raw, y):
    ...     return 2 * (raw - y)
    >>> CustomClassLoss(value, gradient).link_name
    'identity'
    """

    threshold: ClassVar[float] = 0.0
    gives_probability: ClassVar[bool] = False

    value: Function | None = None
    gradient: Function | None = None
    exclusive: bool = flag(True)


@VALUE_LOSSES.register("custom")
@dataclass(frozen=True, repr=False)
class CustomValueLoss(_Pair, ValueLoss):
    r"""A custom regression loss, given as two functions.

    .. math:: \ell = \mathrm{value}(r, y), \qquad
              \nabla_r \ell = \mathrm{gradient}(r, y)

    The short form is ``loss=(value, gradient)``. The raw outputs are the predictions;
    for any other link, write a class.

    Parameters
    ----------
    value : callable
        Takes raw outputs (B, C) and targets (B, C), and returns the losses of the rows
        (B,).
    gradient : callable
        Takes the same arguments, and returns the gradient with respect to the raw
        outputs (B, C).

    See Also
    --------
    sknet.testing.check_gradient : Check that the gradient matches the value.

    Examples
    --------
    >>> from sknet import SimpleMLPRegressor
    >>> def value(raw, y):
    ...     return ((raw - y) ** 4).sum(axis=1)
    >>> def gradient(raw, y):
    ...     return 4 * (raw - y) ** 3
    >>> network = SimpleMLPRegressor(loss=(value, gradient), solver="lbfgs")
    >>> network.fit([[0.0], [1.0]], [0.0, 1.0]).out_activation_
    'identity'
    """

    value: Function | None = None
    gradient: Function | None = None
