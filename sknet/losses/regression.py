"""Losses that compare predictions with targets element by element."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sknet._numerics import Array, Scalar, constant_row
from sknet.fields import choice, real
from sknet.losses import outputs
from sknet.losses._base import VALUE_LOSSES, LossBuffers, ValueLoss


_OUTPUTS = ("identity", "logistic", "softmax", "tanh", "softplus", "exp")


def weighted_quantile(y: Array, weight: Array, level: float) -> float:
    """Return the least value with a share ``level`` of the weight at or below it.

    Parameters
    ----------
    y, weight : ndarray of shape (N,)
        The values and their weights.
    level : float in (0, 1)
        The share.

    Returns
    -------
    quantile : float
        One of the values.
    """
    order = np.argsort(y, kind="stable")
    below = np.cumsum(weight[order])
    return float(y[order[np.searchsorted(below, level * below[-1])]])


class _Pointwise(ValueLoss):
    """Base of the losses of an error: the prediction minus the target."""

    averages_outputs: ClassVar[bool] = True
    _scaling_of_errors: ClassVar[str] = "quantiles"

    output_activation: str

    @property
    def scaling(self) -> str | None:  # type: ignore[override]  # here computed
        """The scaling of errors; None with an output activation, which has a range."""
        return self._scaling_of_errors if self.link_name == "identity" else None

    @property
    def link_name(self) -> str:
        """The output activation."""
        return self.output_activation

    @abstractmethod
    def _value_and_slope(
        self, error: Array, value: Array, buffers: LossBuffers
    ) -> float:
        """Turn errors into slopes in place, write values and return their factor."""

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, buffers: LossBuffers
    ) -> Array:
        """Write the weighted gradient and return the mean loss."""
        p = outputs.forward(self.output_activation, raw, buffers)
        np.subtract(p, y, out=out)
        factor = self._value_and_slope(out, buffers.full, buffers)
        np.matmul(buffers.full, buffers.ones_column, out=buffers.rows)
        outputs.pull_back(self.output_activation, raw, p, out, buffers)
        out *= weight
        total = buffers.weighted_sum(weight)
        return total if factor == 1.0 else factor * total

    def error(
        self, raw: Array, y: Array, weight: Scalar, d_raw: Array, buffers: LossBuffers
    ) -> Array:
        """Return the weighted slopes by the predictions."""
        if self.output_activation == "identity":
            return d_raw
        error = buffers.named("error", raw.shape[-1])
        p = outputs.forward(self.output_activation, raw, buffers)
        np.subtract(p, y, out=error)
        self._value_and_slope(error, buffers.full, buffers)
        error *= weight
        return error

    def link(self, raw: Array) -> Array:
        """Return predictions."""
        return outputs.LINKS[self.output_activation](raw)

    def constant(self, y: Array, weight: Array) -> Array:
        """Return the raw output at which the slopes of the rows cancel, if any."""
        return outputs.inverse(self.output_activation, self._centre(y, weight))

    def _centre(self, y: Array, weight: Array) -> Array:
        """Return the best constant prediction, by bisection."""
        low, high = y.min(axis=0).astype(float), y.max(axis=0).astype(float)
        n_rows, n_columns = y.shape
        buffers = LossBuffers(1, n_rows, n_columns, np.dtype(np.float64))
        for _ in range(200):
            middle = 0.5 * (low + high)
            error = (middle - y)[None].astype(np.float64)
            self._value_and_slope(error, buffers.full, buffers)
            above = (weight[:, None] * error[0]).sum(axis=0) > 0.0
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return 0.5 * (low + high)


@VALUE_LOSSES.register("squared_error", "mse")
@dataclass(frozen=True, repr=False)
class SquaredError(_Pointwise):
    r"""Half the squared error, summed over the outputs.

    .. math:: \ell = \tfrac12 \sum_c (p_c - y_c)^2, \qquad
              \nabla_p \ell = p - y

    with predictions :math:`p`, which are the raw outputs unless there is an output
    activation.

    Parameters
    ----------
    output_activation : str, default="identity"
        The function from raw outputs to predictions: "identity", "logistic",
        "softmax", "tanh", "softplus" or "exp".

    Notes
    -----
    The reported value is averaged over the outputs (``averages_outputs``).

    References
    ----------
    .. [1] C. M. Bishop, "Pattern Recognition and Machine Learning", 2006, 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import SquaredError
    >>> SquaredError().constant(np.array([[1.0], [3.0]]), np.ones(2))
    array([2.])
    """

    _scaling_of_errors: ClassVar[str] = "moments"

    output_activation: str = choice("identity", _OUTPUTS)

    def _value_and_slope(
        self, error: Array, value: Array, buffers: LossBuffers
    ) -> float:
        """Write the squares, with the factor 1/2; the slope is the error."""
        del buffers
        np.multiply(error, error, out=value)
        return 0.5

    def _centre(self, y: Array, weight: Array) -> Array:
        """Return the weighted mean."""
        return np.average(y, axis=0, weights=weight)


@VALUE_LOSSES.register("absolute_error", "mae")
@dataclass(frozen=True, repr=False)
class AbsoluteError(_Pointwise):
    r"""The absolute error, which is robust to outliers and estimates the median.

    .. math:: \ell = \sum_c |p_c - y_c|, \qquad \nabla_p \ell = \mathrm{sign}(p - y)

    with predictions :math:`p`.

    Parameters
    ----------
    output_activation : str, default="identity"
        The function from raw outputs to predictions; see :class:`SquaredError`.

    Notes
    -----
    The slope does not decrease near the minimum: use a decreasing learning rate.

    References
    ----------
    .. [1] T. Hastie, R. Tibshirani and J. Friedman, "The Elements of Statistical
       Learning", 2009, 10.6.

    Examples
    --------
    >>> from sknet import SimpleMLPRegressor
    >>> SimpleMLPRegressor("absolute_error", learning_rate="cosine").loss
    'absolute_error'
    """

    kinks: ClassVar[bool] = True

    output_activation: str = choice("identity", _OUTPUTS)

    def _value_and_slope(
        self, error: Array, value: Array, buffers: LossBuffers
    ) -> float:
        """Write the absolute values; the slope is the sign."""
        del buffers
        np.abs(error, out=value)
        np.sign(error, out=error)
        return 1.0

    def _centre(self, y: Array, weight: Array) -> Array:
        """Return the weighted median."""
        return np.array([weighted_quantile(column, weight, 0.5) for column in y.T])


@VALUE_LOSSES.register("huber")
@dataclass(frozen=True, repr=False)
class Huber(_Pointwise):
    r"""The Huber loss: squared for small errors, absolute for large ones.

    .. math::
        \ell = \sum_c h(p_c - y_c), \qquad h(e) = \begin{cases}
        \tfrac12 e^2 & |e| \le \delta \\ \delta (|e| - \tfrac12 \delta) & \text{else}
        \end{cases}, \qquad h'(e) = \max(-\delta, \min(\delta, e))

    with predictions :math:`p` and ``delta`` :math:`\delta`.

    Parameters
    ----------
    delta : float in (0, inf), default=1.0
        The error up to which the loss is squared, in the units of the target: scale the
        target first.
    output_activation : str, default="identity"
        The function from raw outputs to predictions; see :class:`SquaredError`.

    References
    ----------
    .. [1] P. J. Huber, "Robust estimation of a location parameter", Annals of
       Mathematical Statistics 35, 1964.

    Examples
    --------
    >>> from sknet import SimpleMLPRegressor
    >>> from sknet.losses import Huber
    >>> SimpleMLPRegressor(Huber(delta=0.5)).loss
    Huber(delta=0.5)
    """

    delta: float = real(1.0, "(0, inf)")
    output_activation: str = choice("identity", _OUTPUTS)

    def _value_and_slope(
        self, error: Array, value: Array, buffers: LossBuffers
    ) -> float:
        """Write s (2 e - s), with the factor 1/2; the slope is s, the clipped error."""
        del buffers
        n_columns, delta = error.shape[-1], float(self.delta)
        np.multiply(error, 2.0, out=value)
        np.maximum(error, constant_row(n_columns, error.dtype, -delta), out=error)
        np.minimum(error, constant_row(n_columns, error.dtype, delta), out=error)
        value -= error
        value *= error
        return 0.5


@VALUE_LOSSES.register("log_cosh")
@dataclass(frozen=True, repr=False)
class LogCosh(_Pointwise):
    r"""A smooth loss between the squared and the absolute error.

    .. math:: \ell = \sum_c \log \cosh(p_c - y_c), \qquad
              \nabla_p \ell = \tanh(p - y)

    with predictions :math:`p`.

    Parameters
    ----------
    output_activation : str, default="identity"
        The function from raw outputs to predictions; see :class:`SquaredError`.

    Notes
    -----
    :math:`\log \cosh e = |e| - \log(1 + \tanh |e|)` does not overflow, and keeps more
    digits of small errors than the form with :math:`\log 2` does.

    References
    ----------
    .. [1] R. A. Saleh and A. K. M. E. Saleh, "Statistical properties of the log-cosh
       loss function used in machine learning", 2022, arXiv:2208.04564.

    Examples
    --------
    >>> from sknet import SimpleMLPRegressor
    >>> SimpleMLPRegressor("log_cosh").loss
    'log_cosh'
    """

    output_activation: str = choice("identity", _OUTPUTS)

    def _value_and_slope(
        self, error: Array, value: Array, buffers: LossBuffers
    ) -> float:
        """Write the logarithms of cosh; the slope is tanh."""
        logarithm = buffers.named("logarithm", error.shape[-1])
        np.abs(error, out=value)
        np.tanh(error, out=error)
        np.abs(error, out=logarithm)
        np.log1p(logarithm, out=logarithm)
        value -= logarithm
        return 1.0
