"""The Gaussian likelihood: a mean and a standard deviation for each target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sknet._numerics import Array, Scalar, constant_row
from sknet.losses._base import VALUE_LOSSES, LossBuffers, ValueLoss
from sknet.losses.outputs import largest_exponent


# The least logarithm of a deviation, and the largest error in units of it: their
# product, and the square of the error, are still finite.
LIMITS = {
    np.dtype(np.float32): (-34.0, 1e17),
    np.dtype(np.float64): (-230.0, 1e150),
}


@VALUE_LOSSES.register("gaussian", "gaussian_nll")
@dataclass(frozen=True, repr=False)
class Gaussian(ValueLoss):
    r"""The negative log-likelihood of a normal distribution with learned width.

    .. math:: \ell = \sum_c s_c + \tfrac12 (y_c - m_c)^2 e^{-2 s_c}
              + \tfrac12 \log 2\pi

    with the mean :math:`m` and the logarithm :math:`s` of the standard deviation as the
    two raw outputs for each target.

    Notes
    -----
    ``predict`` returns the means, and with ``return_std=True`` the standard deviations
    too. Training starts at the mean and deviation of the targets. Pullback:
    :math:`\nabla_m \ell = (m - y) e^{-2 s}`,
    :math:`\nabla_s \ell = 1 - (y - m)^2 e^{-2 s}`. Deviations below :math:`e^{-34}`
    (:math:`e^{-230}` in float64) are raised to that, and errors of more than
    :math:`10^{17}` (:math:`10^{150}`) deviations are cut to that, so that the loss of a
    prediction that is far off is large but finite.

    References
    ----------
    .. [1] D. A. Nix and A. S. Weigend, "Estimating the mean and variance of the target
       probability distribution", ICNN 1994.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet import SimpleMLPRegressor
    >>> X = np.linspace(-1.0, 1.0, 400)[:, None]
    >>> y = np.random.default_rng(0).normal(X.ravel(), 0.5)
    >>> network = SimpleMLPRegressor("gaussian", (), solver="lbfgs", random_state=0)
    >>> mean, std = network.fit(X, y).predict([[0.0]], return_std=True)
    >>> std.round(1)
    array([0.5])
    """

    averages_outputs: ClassVar[bool] = True
    shows_point: ClassVar[bool] = True
    scaling: ClassVar[str] = "moments"

    @property
    def link_name(self) -> str:
        """The mean, and the exponential of the logarithm of the deviation."""
        return "normal"

    def n_raw(self, n_columns: int) -> int:
        """Return the number of raw outputs, two per target."""
        return 2 * n_columns

    def report_factor(self, n_raw: int) -> float:
        """Return the factor that turns the sum over the targets into a mean."""
        return 2.0 / n_raw

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, buffers: LossBuffers
    ) -> Array:
        """Write the weighted gradient and return the mean negative log-likelihood."""
        mean, log_std = raw[..., 0::2], raw[..., 1::2]
        dmean, dlog_std = out[..., 0::2], out[..., 1::2]
        square, value = buffers.full[..., 0::2], buffers.full[..., 1::2]
        n_columns, dtype = y.shape[-1], raw.dtype
        least, largest = LIMITS[dtype]
        scale = buffers.named("scale", n_columns)
        np.maximum(log_std, constant_row(n_columns, dtype, least), out=value)
        np.negative(value, out=scale)
        np.exp(scale, out=scale)
        np.subtract(mean, y, out=dmean)
        dmean *= scale
        np.maximum(dmean, constant_row(n_columns, dtype, -largest), out=dmean)
        np.minimum(dmean, constant_row(n_columns, dtype, largest), out=dmean)
        np.multiply(dmean, dmean, out=square)
        np.subtract(1.0, square, out=dlog_std)
        square *= 0.5
        value += 0.5 * math.log(2.0 * math.pi)
        dmean *= scale
        np.matmul(buffers.full, buffers.ones_column, out=buffers.rows)
        out *= weight
        return buffers.weighted_sum(weight)

    def link(self, raw: Array) -> Array:
        """Return means and standard deviations, target by target."""
        prediction = raw.copy()
        prediction[..., 1::2] = self.spread(raw)
        return prediction

    def point(self, prediction: Array) -> Array:
        """Return the means."""
        return prediction[..., 0::2]

    def spread(self, raw: Array) -> Array:
        """Return the standard deviations."""
        least, _ = LIMITS[raw.dtype]
        return np.exp(np.clip(raw[..., 1::2], least, largest_exponent(raw.dtype)))

    def constant(self, y: Array, weight: Array) -> Array:
        """Return the mean and the logarithm of the deviation of the targets."""
        mean = np.average(y, axis=0, weights=weight)
        variance = np.average((y - mean) ** 2, axis=0, weights=weight)
        least, _ = LIMITS[np.dtype(np.float64)]
        log_std = 0.5 * np.log(np.maximum(variance, math.exp(2.0 * least)))
        return np.stack([mean, log_std], axis=1).ravel()

    def start(self, y: Array, weight: Array) -> Array:
        """Return mean and logarithm of the deviation, taken as one if targets agree."""
        y = np.asarray(y[weight > 0.0], dtype=np.float64)
        weight = weight[weight > 0.0]
        largest = np.abs(y).max(axis=0)
        unit = np.where(largest > 0.0, largest, 1.0)  # so that squares do not overflow
        mean = np.average(y / unit, axis=0, weights=weight)
        variance = np.average((y / unit - mean) ** 2, axis=0, weights=weight)
        log_std = np.log(unit) + 0.5 * np.log(np.where(variance > 1e-24, variance, 1.0))
        log_std[variance <= 1e-24] = 0.0
        return np.stack([unit * mean, log_std], axis=1).ravel()
