"""The Gaussian likelihood: a mean and a standard deviation for each target."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sknet._numerics import Array, Scalar
from sknet.losses._base import VALUE_LOSSES, LossBuffers, ValueLoss
from sknet.losses.outputs import capped_exponential, largest_exponent


# Of the errors whose square is finite, with room for a sum of many.
_LARGEST_ERROR = 1e-3


@VALUE_LOSSES.register("gaussian")
@dataclass(frozen=True, repr=False)
class Gaussian(ValueLoss):
    r"""The negative log-likelihood of a normal distribution, of learned width.

    .. math:: \ell = \sum_c s_c + \tfrac12 (y_c - m_c)^2 e^{-2 s_c}
              + \tfrac12 \log 2\pi

    with the mean :math:`m` and the logarithm :math:`s` of the standard deviation, two
    raw outputs for each target.

    Notes
    -----
    ``predict`` gives the means, and with ``return_std=True`` the standard deviations
    too. Scale the target: the first steps take the deviation to be about one. Pullback:
    :math:`\nabla_m \ell = (m - y) e^{-2 s}`,
    :math:`\nabla_s \ell = 1 - (y - m)^2 e^{-2 s}`; the exponent is capped, so that a
    collapsed deviation costs much, but not infinitely much, and so is the error in
    deviations, which is squared.

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

    @property
    def link_name(self) -> str:
        """A mean, and the exponential of the logarithm of the deviation."""
        return "normal"

    def n_raw(self, n_columns: int) -> int:
        """Return two raw outputs a target."""
        return 2 * n_columns

    def report_factor(self, n_raw: int) -> float:
        """Return what makes the sum over the targets a mean."""
        return 2.0 / n_raw

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, work: LossBuffers
    ) -> Array:
        """Write the weighted gradient and return the mean negative log-likelihood."""
        mean, log_std = raw[..., 0::2], raw[..., 1::2]
        dmean, dlog_std = out[..., 0::2], out[..., 1::2]
        square, value = work.full[..., 0::2], work.full[..., 1::2]
        precision = value  # one over the standard deviation
        np.negative(log_std, out=precision)
        np.minimum(precision, 0.5 * largest_exponent(raw.dtype), out=precision)
        np.exp(precision, out=precision)
        np.subtract(mean, y, out=dmean)
        dmean *= precision
        limit = _LARGEST_ERROR * float(np.finfo(raw.dtype).max) ** 0.5
        np.clip(dmean, -limit, limit, out=dmean)
        np.multiply(dmean, dmean, out=square)
        dmean *= precision
        np.subtract(1.0, square, out=dlog_std)
        square *= 0.5
        np.add(log_std, 0.5 * math.log(2.0 * math.pi), out=value)
        np.matmul(work.full, work.ones_column, out=work.rows)
        out *= weight
        return work.weighted_sum(weight)

    def link(self, raw: Array) -> Array:
        """Return means and standard deviations, target by target."""
        prediction = raw.copy()
        prediction[..., 1::2] = capped_exponential(raw[..., 1::2])
        return prediction

    def point(self, prediction: Array) -> Array:
        """Return the means."""
        return prediction[..., 0::2]

    def spread(self, raw: Array) -> Array:
        """Return the standard deviations."""
        return capped_exponential(raw[..., 1::2])

    def constant(self, y: Array, weight: Array) -> Array:
        """Return mean and logarithm of the deviation of the targets."""
        mean = np.average(y, axis=0, weights=weight)
        variance = np.average((y - mean) ** 2, axis=0, weights=weight)
        return np.stack([mean, 0.5 * np.log(variance)], axis=1).ravel()
