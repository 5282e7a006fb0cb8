"""Losses of a regression on values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import xlogy

from sknet._numerics import Array, Scalar
from sknet.losses._base import VALUE_LOSSES, LossBuffers, ValueLoss


@VALUE_LOSSES.register("squared_error")
@dataclass(frozen=True, repr=False)
class SquaredError(ValueLoss):
    r"""Half the squared error, summed over the outputs.

    .. math:: \ell = \tfrac12 \sum_c (r_c - y_c)^2, \qquad \nabla_r \ell = r - y

    Notes
    -----
    The value shown to users is averaged over the outputs (``averages_outputs``).

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

    averages_outputs: ClassVar[bool] = True

    @property
    def link_name(self) -> str:
        """The identity."""
        return "identity"

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, work: LossBuffers
    ) -> Array:
        """Write ``weight * (raw - y)`` and return half the mean squared error."""
        np.subtract(raw, y, out=out)
        np.multiply(out, out, out=work.full)
        np.matmul(work.full, work.ones_column, out=work.rows)
        out *= weight
        return 0.5 * work.weighted_sum(weight)

    def link(self, raw: Array) -> Array:
        """Return a copy of ``raw``."""
        return raw.copy()

    def constant(self, y: Array, weight: Array) -> Array:
        """Return the weighted mean."""
        return np.average(y, axis=0, weights=weight)


@VALUE_LOSSES.register("poisson")
@dataclass(frozen=True, repr=False)
class Poisson(ValueLoss):
    r"""Half the Poisson deviance, for counts and rates, with the logarithm as link.

    .. math:: \ell = \sum_c e^{r_c} - y_c r_c + y_c \log y_c - y_c, \qquad
              \nabla_r \ell = e^r - y

    Notes
    -----
    The exponent is capped just below the logarithm of the largest number of the type,
    so that a far-off prediction is huge but finite.

    References
    ----------
    .. [1] P. McCullagh and J. A. Nelder, "Generalized Linear Models", 1989, 6.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import Poisson
    >>> Poisson().link(np.log([[2.0, 3.0]]))
    array([[2., 3.]])
    """

    @property
    def link_name(self) -> str:
        """The exponential function."""
        return "exp"

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, work: LossBuffers
    ) -> Array:
        """Write ``weight * (exp(raw) - y)`` and return half the mean deviance."""
        xlogy(y, y, out=work.full)
        work.full -= y
        np.multiply(raw, y, out=out)
        work.full -= out
        np.minimum(raw, self._largest_exponent(raw.dtype), out=out)
        np.exp(out, out=out)
        work.full += out
        np.matmul(work.full, work.ones_column, out=work.rows)
        out -= y
        out *= weight
        return work.weighted_sum(weight)

    @staticmethod
    def _largest_exponent(dtype: np.dtype) -> float:
        """Return an exponent whose exponential is finite, with room for a sum."""
        return 80.0 if dtype == np.float32 else 700.0

    def link(self, raw: Array) -> Array:
        """Return the rates."""
        return np.exp(np.minimum(raw, self._largest_exponent(raw.dtype)))

    def constant(self, y: Array, weight: Array) -> Array:
        """Return the logarithm of the weighted mean."""
        return np.log(np.average(y, axis=0, weights=weight))

    def check_target(self, y: Array) -> None:
        """Refuse negative values."""
        if (y < 0).any():
            raise ValueError(
                "loss='poisson' needs y >= 0, but some values of y are negative "
                f"(the least is {y.min():g}). Use loss='squared_error', or shift y."
            )
