"""Smooth rectifiers: softplus, SiLU, GELU, Mish."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import erfc

from sknet._numerics import Array, constant_row, logistic, softplus
from sknet.activations._base import ACTIVATIONS, Activation


@ACTIVATIONS.register("softplus")
@dataclass(frozen=True, repr=False)
class Softplus(Activation):
    r"""The smooth rectifier, whose derivative is the logistic function.

    .. math:: f(z) = \log(1 + e^z), \qquad f'(z) = \frac{1}{1 + e^{-z}}

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

    def forward(self, z: Array, out: Array, tmp: Array) -> None:
        """Write ``max(z, 0) + log1p(exp(-|z|))``."""
        softplus(z, out=out, tmp=tmp)

    def backward(self, z: Array, a: Array, da: Array, tmp: Array) -> None:
        """Multiply with the logistic function."""
        logistic(z, out=tmp)
        da *= tmp


@ACTIVATIONS.register("silu")
@dataclass(frozen=True, repr=False)
class SiLU(Activation):
    r"""The sigmoid-weighted linear unit, also called swish.

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

    def forward(self, z: Array, out: Array, tmp: Array) -> None:
        """Write ``z`` times its sigmoid."""
        del tmp
        logistic(z, out=out)
        out *= z

    def backward(self, z: Array, a: Array, da: Array, tmp: Array) -> None:
        r"""Multiply with :math:`\sigma`, then with :math:`1 + z (1 - \sigma)`."""
        logistic(z, out=tmp)
        da *= tmp
        np.subtract(1.0, tmp, out=tmp)
        tmp *= z
        tmp += 1.0
        da *= tmp


@ACTIVATIONS.register("gelu")
@dataclass(frozen=True, repr=False)
class GELU(Activation):
    r"""The Gaussian error linear unit, in its exact form.

    .. math:: f(z) = z\, \Phi(z), \qquad f'(z) = \Phi(z) + z\, \varphi(z)

    with distribution :math:`\Phi` and density :math:`\varphi` of the standard normal.

    Notes
    -----
    :math:`\Phi(z) = \mathrm{erfc}(-z / \sqrt2) / 2`, which keeps its digits where it is
    tiny.

    References
    ----------
    .. [1] D. Hendrycks and K. Gimpel, "Gaussian error linear units (GELUs)", 2016,
       arXiv:1606.08415.

    Examples
    --------
    >>> from sknet import SimpleMLPRegressor
    >>> SimpleMLPRegressor(activation="gelu").activation
    'gelu'
    """

    needs_input: ClassVar[bool] = True
    n_scratch: ClassVar[int] = 2

    def forward(self, z: Array, out: Array, tmp: Array) -> None:
        """Write ``z`` times the distribution function."""
        del tmp
        _normal_distribution(z, out=out)
        out *= z

    def backward(self, z: Array, a: Array, da: Array, tmp: Array) -> None:
        """Multiply with distribution plus ``z`` times density."""
        slope, density = tmp
        np.multiply(z, z, out=density)
        density *= -0.5
        np.exp(density, out=density)
        density *= z
        density *= 1.0 / math.sqrt(2.0 * math.pi)
        _normal_distribution(z, out=slope)
        slope += density
        da *= slope


def _normal_distribution(z: Array, out: Array) -> None:
    """Write the distribution function of the standard normal."""
    np.multiply(z, -1.0 / math.sqrt(2.0), out=out)
    erfc(out, out=out)
    out *= 0.5


@ACTIVATIONS.register("mish")
@dataclass(frozen=True, repr=False)
class Mish(Activation):
    r"""A smooth rectifier that dips below zero, by one exponential.

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

    def forward(self, z: Array, out: Array, tmp: Array) -> None:
        """Write ``z`` times the quotient."""
        e = tmp[0]
        np.minimum(z, constant_row(z.shape[-1], z.dtype, _CAP), out=e)
        np.exp(e, out=e)
        np.add(e, 2.0, out=out)
        out *= e
        np.add(out, 2.0, out=e)
        out /= e
        out *= z

    def backward(self, z: Array, a: Array, da: Array, tmp: Array) -> None:
        r"""Multiply with :math:`e ((e + 2) m + 4 z (e + 1)) / m^2`, m being n + 2."""
        e, m, capped = tmp
        np.minimum(z, constant_row(z.shape[-1], z.dtype, _CAP), out=capped)
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


_CAP = 20.0
