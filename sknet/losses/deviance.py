"""Deviances with a logarithmic link: Poisson and gamma."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from sknet._numerics import Array, Scalar, constant_row
from sknet.losses._base import VALUE_LOSSES, LossBuffers, ValueLoss, log_mean
from sknet.losses.outputs import capped_exponential, largest_exponent


def _cap(raw: Array) -> Array:
    """Return a row filled with the largest exponent."""
    return constant_row(raw.shape[-1], raw.dtype, largest_exponent(raw.dtype))


@VALUE_LOSSES.register("poisson")
@dataclass(frozen=True, repr=False)
class Poisson(ValueLoss):
    r"""Half the Poisson deviance, for counts and rates, with a logarithmic link.

    .. math:: \ell = \sum_c e^{r_c} - y_c r_c + y_c \log y_c - y_c, \qquad
              \nabla_r \ell = e^r - y

    Notes
    -----
    The exponent is capped just below the logarithm of the largest number of the dtype,
    so that a prediction that is far off is huge but finite.

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
        self, raw: Array, y: Array, weight: Scalar, out: Array, buffers: LossBuffers
    ) -> Array:
        """Write ``weight * (exp(raw) - y)`` and return half the mean deviance."""
        xlogy(y, y, out=buffers.full)
        buffers.full -= y
        np.multiply(raw, y, out=out)
        buffers.full -= out
        np.minimum(raw, _cap(raw), out=out)
        np.exp(out, out=out)
        buffers.full += out
        np.matmul(buffers.full, buffers.ones_column, out=buffers.rows)
        out -= y
        out *= weight
        return buffers.weighted_sum(weight)

    def link(self, raw: Array) -> Array:
        """Return the rates."""
        return capped_exponential(raw, largest_exponent(raw.dtype))

    def constant(self, y: Array, weight: Array) -> Array:
        """Return the logarithm of the weighted mean."""
        return log_mean(y, weight)

    def check_target(self, y: Array) -> None:
        """Raise ValueError if there are negative values."""
        if (y < 0).any():
            raise ValueError(
                "loss='poisson' needs y >= 0, but some values of y are negative "
                f"(the least is {y.min():g}). Use loss='squared_error', or shift y."
            )


@VALUE_LOSSES.register("gamma")
@dataclass(frozen=True, repr=False)
class Gamma(ValueLoss):
    r"""Half the gamma deviance, for positive amounts whose spread grows with the mean.

    .. math:: \ell = \sum_c r_c + y_c e^{-r_c} - \log y_c - 1, \qquad
              \nabla_r \ell = 1 - y e^{-r}

    with the raw outputs :math:`r` and a logarithmic link.

    Notes
    -----
    With :math:`t = \log y - r` the loss is :math:`e^t - 1 - t` and its gradient
    :math:`1 - e^t`, so that large targets cannot overflow. The exponent is capped as in
    :class:`Poisson`.

    References
    ----------
    .. [1] P. McCullagh and J. A. Nelder, "Generalized Linear Models", 1989, 8.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import Gamma
    >>> Gamma().constant(np.array([[1.0], [3.0]]), np.ones(2)).round(3)
    array([0.693])
    """

    @property
    def link_name(self) -> str:
        """The exponential function."""
        return "exp"

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, buffers: LossBuffers
    ) -> Array:
        """Write ``weight * (1 - y exp(-raw))`` and return half the mean deviance."""
        np.log(y, out=buffers.full, dtype=raw.dtype)
        buffers.full -= raw
        np.minimum(buffers.full, _cap(raw), out=buffers.full)
        np.expm1(buffers.full, out=out)
        np.subtract(out, buffers.full, out=buffers.full)
        np.matmul(buffers.full, buffers.ones_column, out=buffers.rows)
        np.negative(out, out=out)
        out *= weight
        return buffers.weighted_sum(weight)

    def link(self, raw: Array) -> Array:
        """Return the means."""
        return capped_exponential(raw, largest_exponent(raw.dtype))

    def constant(self, y: Array, weight: Array) -> Array:
        """Return the logarithm of the weighted mean."""
        return log_mean(y, weight)

    def check_target(self, y: Array) -> None:
        """Raise ValueError unless all values are positive."""
        if (y <= 0).any():
            raise ValueError(
                "loss='gamma' needs y > 0, but some values of y are not positive (the "
                f"least is {y.min():g}). Use loss='poisson' for y >= 0, or "
                "loss='squared_error'."
            )
