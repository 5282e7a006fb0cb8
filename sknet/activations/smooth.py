"""Smooth rectifiers: softplus, SiLU, GELU and Mish."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.polynomial import chebyshev
from scipy.special import erfcx

from sknet._numerics import Array, constant_row, logistic, softplus
from sknet.activations._base import ACTIVATIONS, Activation


@ACTIVATIONS.register("softplus")
@dataclass(frozen=True, repr=False)
class Softplus(Activation):
    r"""A smooth rectifier whose derivative is the logistic function.

    For networks that must be smooth or positive. It takes several times as long as the
    rectifier.

    .. math:: f(z) = \log(1 + e^z), \qquad f'(z) = \frac{1}{1 + e^{-z}}

    Notes
    -----
    The pullback reads ``z``, because :math:`1 - e^{-a}` would lose its digits where it
    is small, or need ``expm1``, which is slow on many processors.

    References
    ----------
    .. [1] C. Dugas et al., "Incorporating second-order functional knowledge for better
       option pricing", NIPS 2000.

    Examples
    --------
    >>> from sknet import SimpleMLPRegressor
    >>> SimpleMLPRegressor(activation="softplus").activation
    'softplus'
    """

    needs_input: ClassVar[bool] = True

    def forward(self, z: Array, out: Array, scratch: Array) -> None:
        """Write ``max(z, 0) + log1p(exp(-|z|))``."""
        softplus(z, out=out, scratch=scratch)

    def backward(self, z: Array, a: Array, da: Array, scratch: Array) -> None:
        """Multiply ``da`` by the logistic function."""
        logistic(z, out=scratch)
        da *= scratch


@ACTIVATIONS.register("silu", "swish")
@dataclass(frozen=True, repr=False)
class SiLU(Activation):
    r"""The sigmoid-weighted linear unit, also called swish.

    Smooth and not monotonic; the cheapest of softplus, SiLU, GELU and Mish.

    .. math:: f(z) = z\, \sigma(z), \qquad f'(z) = \sigma + f(z) (1 - \sigma)

    with the logistic function :math:`\sigma`.

    References
    ----------
    .. [1] S. Elfwing, E. Uchibe and K. Doya, "Sigmoid-weighted linear units for neural
       network function approximation in reinforcement learning", Neural Networks 107,
       2018, arXiv:1702.03118.
    .. [2] P. Ramachandran, B. Zoph and Q. V. Le, "Searching for activation functions",
       2017, arXiv:1710.05941.

    Examples
    --------
    >>> from sknet import SimpleMLPRegressor
    >>> SimpleMLPRegressor(activation="silu").activation
    'silu'
    """

    needs_input: ClassVar[bool] = True
    forward_scratch: ClassVar[bool] = False

    def forward(self, z: Array, out: Array, scratch: Array) -> None:
        """Write ``z / (1 + exp(-z))``, which is zero if the exponential overflows."""
        del scratch
        np.negative(z, out=out)
        with np.errstate(over="ignore"):
            np.exp(out, out=out)
        out += 1.0
        np.divide(z, out, out=out)

    def backward(self, z: Array, a: Array, da: Array, scratch: Array) -> None:
        r"""Multiply ``da`` by :math:`\sigma` and by :math:`1 + z (1 - \sigma)`."""
        logistic(z, out=scratch)
        da *= scratch
        np.subtract(1.0, scratch, out=scratch)
        scratch *= z
        scratch += 1.0
        da *= scratch


@ACTIVATIONS.register("gelu")
@dataclass(frozen=True, repr=False)
class GELU(Activation):
    r"""The Gaussian error linear unit, in its exact form.

    Similar in shape to SiLU but closer to the rectifier; common in large networks.

    .. math:: f(z) = z\, \Phi(z), \qquad f'(z) = \Phi(z) + z\, \varphi(z)

    with the distribution function :math:`\Phi` and the density :math:`\varphi` of the
    standard normal distribution.

    Notes
    -----
    With :math:`x = |z|`, :math:`f(z) = \max(z, 0) - x \Phi(-x)`, and

    .. math:: x \Phi(-x) = e^{-x^2 / 2}\, q\, p(2 q - 1), \qquad q = x / (x + 5)

    where :math:`p` is a polynomial of degree 9 in float32 and of degree 20 in float64.
    The tail keeps its digits: its error is at most 3 and 10 units in the last place,
    respectively, apart from that of rounding :math:`x^2 / 2`. SciPy's ``erfc`` takes
    14 ns per element, this takes 2 and 6.

    The pullback uses :math:`\Phi(z) = a / z`, and 1/2 at zero.

    References
    ----------
    .. [1] D. Hendrycks and K. Gimpel, "Gaussian error linear units (GELUs)", 2016,
       arXiv:1606.08415.
    .. [2] M. M. Shepherd and J. G. Laframboise, "Chebyshev approximation of
       (1 + 2x) exp(x^2) erfc x in 0 <= x < infinity", Mathematics of Computation 36,
       1981, for the form of the tail.

    Examples
    --------
    >>> from sknet import SimpleMLPRegressor
    >>> SimpleMLPRegressor(activation="gelu").activation
    'gelu'
    """

    needs_input: ClassVar[bool] = True
    n_scratch: ClassVar[int] = 2

    def forward(self, z: Array, out: Array, scratch: Array) -> None:
        """Write the positive part of ``z`` minus the tail."""
        power, u = scratch
        np.abs(z, out=power)
        np.add(power, TAIL_CENTRE, out=u)
        np.divide(power, u, out=u)
        power *= power
        power *= -0.5
        np.exp(power, out=power)
        power *= u
        u *= 2.0
        u -= 1.0
        leading, *others = tail_coefficients(z.dtype)
        np.multiply(u, leading, out=out)
        for coefficient in others[:-1]:
            out += coefficient
            out *= u
        out += others[-1]
        out *= power
        np.maximum(z, constant_row(z.shape[-1], z.dtype), out=power)
        np.subtract(power, out, out=out)

    def backward(self, z: Array, a: Array, da: Array, scratch: Array) -> None:
        """Multiply ``da`` by the distribution function plus ``z`` times the density."""
        slope, density = scratch
        np.abs(z, out=density)
        np.less(density, _TINY, out=density)
        np.multiply(density, 0.5, out=slope)
        slope += a
        density += z
        slope /= density
        np.multiply(z, z, out=density)
        density *= -0.5
        np.exp(density, out=density)
        density *= z
        density *= 1.0 / math.sqrt(2.0 * math.pi)
        slope += density
        da *= slope


# For the tail, |z| from 0 to infinity is mapped to u = (|z| - centre) / (|z| + centre).
TAIL_CENTRE = 5.0
# If |z| is below this, the distribution function is 1/2 to the last digit, and a / z
# may be 0 / 0.
_TINY = 1e-20


@lru_cache(maxsize=2)
def tail_coefficients(dtype: np.dtype[Any]) -> tuple[float, ...]:
    r"""Return the coefficients, highest power first, of :math:`p` in GELU's notes."""
    degree = 9 if dtype == np.float32 else 20
    u = chebyshev.chebpts1(degree + 1)
    x = TAIL_CENTRE * (1.0 + u) / (1.0 - u)
    tail = 0.5 * (x + TAIL_CENTRE) * erfcx(x / math.sqrt(2.0))
    fitted = chebyshev.cheb2poly(chebyshev.chebfit(u, tail, degree))
    return tuple(fitted[::-1].tolist())


@ACTIVATIONS.register("mish")
@dataclass(frozen=True, repr=False)
class Mish(Activation):
    r"""A smooth rectifier that dips below zero, computed with one exponential.

    Similar in shape to SiLU, with a slightly larger slope around zero.

    .. math::
        f(z) = z \tanh(\log(1 + e^z)) = z\, \frac{n}{n + 2}, \qquad
        f'(z) = \frac{n}{n + 2} + z\, \frac{4 e^z (e^z + 1)}{(n + 2)^2}, \qquad
        n = e^z (e^z + 2)

    Notes
    -----
    The exponent is capped at 20, where the quotient is one to the last digit.

    References
    ----------
    .. [1] D. Misra, "Mish: a self regularized non-monotonic activation function",
       BMVC 2020, arXiv:1908.08681.

    Examples
    --------
    >>> from sknet import SimpleMLPRegressor
    >>> SimpleMLPRegressor(activation="mish").activation
    'mish'
    """

    needs_input: ClassVar[bool] = True
    n_scratch: ClassVar[int] = 3

    def forward(self, z: Array, out: Array, scratch: Array) -> None:
        """Write ``z`` times the quotient."""
        e = scratch[0]
        np.minimum(z, constant_row(z.shape[-1], z.dtype, MISH_CAP), out=e)
        np.exp(e, out=e)
        np.add(e, 2.0, out=out)
        out *= e
        np.add(out, 2.0, out=e)
        out /= e
        out *= z

    def backward(self, z: Array, a: Array, da: Array, scratch: Array) -> None:
        r"""Multiply by :math:`e ((e + 2) m + 4 z (e + 1)) / m^2`, with m = n + 2."""
        e, m, capped = scratch
        np.minimum(z, constant_row(z.shape[-1], z.dtype, MISH_CAP), out=capped)
        np.exp(capped, out=e)
        np.add(e, 2.0, out=m)
        m *= e
        m += 2.0
        da *= e
        capped *= 4.0
        e += 1.0
        capped *= e
        e += 1.0
        e *= m
        e += capped
        e /= m
        e /= m
        da *= e


MISH_CAP = 20.0
