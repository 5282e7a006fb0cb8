"""Rectifiers that are not zero for negative input: leaky ReLU, ELU and SELU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sknet._numerics import Array, constant_row
from sknet.activations._base import ACTIVATIONS, Activation
from sknet.fields import real


@ACTIVATIONS.register("leaky_relu")
@dataclass(frozen=True, repr=False)
class LeakyReLU(Activation):
    r"""The leaky rectifier, with a small slope for negative input.

    A unit that is off for all rows still gets a gradient, and may recover.

    .. math:: f(z) = \max(z, \mathrm{slope}\; z), \qquad
              f'(z) = 1 \text{ if } z > 0, \text{ else } \mathrm{slope}

    Parameters
    ----------
    slope : float in [0, 1), default=0.01
        Slope for negative input.

    References
    ----------
    .. [1] A. L. Maas, A. Y. Hannun and A. Y. Ng, "Rectifier nonlinearities improve
       neural network acoustic models", ICML 2013.

    Examples
    --------
    >>> from sknet import SimpleMLPClassifier
    >>> from sknet.activations import LeakyReLU
    >>> SimpleMLPClassifier(activation=LeakyReLU(slope=0.1)).activation
    LeakyReLU(slope=0.1)
    """

    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    slope: float = real(0.01, "[0, 1)")

    def forward(self, z: Array, out: Array, scratch: Array) -> None:
        """Write the larger of ``z`` and ``slope * z``."""
        np.multiply(z, float(self.slope), out=scratch)
        np.maximum(z, scratch, out=out)

    def backward(self, z: Array, a: Array, da: Array, scratch: Array) -> None:
        """Multiply ``da`` by one or ``slope``; ``a`` has the sign of ``z``."""
        slope = float(self.slope)
        np.greater(a, 0.0, out=scratch)
        scratch *= 1.0 - slope
        scratch += slope
        da *= scratch


@ACTIVATIONS.register("elu")
@dataclass(frozen=True, repr=False)
class ELU(Activation):
    r"""The exponential linear unit: smooth, with a bounded negative part.

    Negative outputs bring the mean of a layer's outputs close to zero, as a
    normalisation would.

    .. math::
        f(z) = \max(z, 0) + \alpha (e^{\min(z, 0)} - 1), \qquad
        f'(z) = 1 \text{ if } z > 0, \text{ else } \alpha e^z

    with ``alpha`` :math:`\alpha`.

    Parameters
    ----------
    alpha : float in (0, inf), default=1.0
        How far the negative part reaches down; 1 makes the slope continuous.

    Notes
    -----
    The pullback reads ``z``, because the slope ``a + alpha`` would lose its digits
    where it is small.

    References
    ----------
    .. [1] D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Fast and accurate deep
       network learning by exponential linear units", ICLR 2016, arXiv:1511.07289.

    Examples
    --------
    >>> from sknet.activations import ELU
    >>> ELU(alpha=0.5)
    ELU(alpha=0.5)
    """

    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    needs_input: ClassVar[bool] = True

    alpha: float = real(1.0, "(0, inf)")

    def forward(self, z: Array, out: Array, scratch: Array) -> None:
        """Write the sum of the two parts, one of which is always zero."""
        _exponential_unit(z, out, scratch, float(self.alpha), 1.0)

    def backward(self, z: Array, a: Array, da: Array, scratch: Array) -> None:
        """Multiply ``da`` by one or the exponential."""
        _exponential_pullback(z, da, scratch, float(self.alpha), 1.0)


@ACTIVATIONS.register("selu")
@dataclass(frozen=True, repr=False)
class SELU(Activation):
    r"""The scaled exponential linear unit, which keeps signals at unit variance.

    Use it with weights of variance :math:`1 / n_{in}` (``"lecun_normal"``) and inputs
    of unit variance.

    .. math:: f(z) = \lambda \bigl( \max(z, 0) + \alpha (e^{\min(z, 0)} - 1) \bigr)

    with :math:`\lambda = 1.0507009873554805` and :math:`\alpha = 1.6732632423543772`.

    References
    ----------
    .. [1] G. Klambauer et al., "Self-normalizing neural networks", NIPS 2017,
       arXiv:1706.02515.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import SELU
    >>> z = np.array([[[-1.0, 1.0]]])
    >>> out, scratch = np.empty_like(z), np.empty_like(z)
    >>> SELU().forward(z, out, scratch)
    >>> out.round(4)
    array([[[-1.1113,  1.0507]]])
    """

    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    needs_input: ClassVar[bool] = True

    def forward(self, z: Array, out: Array, scratch: Array) -> None:
        """Write the scaled sum of the two parts, one of which is always zero."""
        _exponential_unit(z, out, scratch, SELU_ALPHA, SELU_SCALE)

    def backward(self, z: Array, a: Array, da: Array, scratch: Array) -> None:
        """Multiply ``da`` by the scale, and by one or the exponential."""
        _exponential_pullback(z, da, scratch, SELU_ALPHA, SELU_SCALE)


SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def _exponential_unit(
    z: Array, out: Array, scratch: Array, alpha: float, scale: float
) -> None:
    """Write ``scale * (max(z, 0) + alpha * (exp(min(z, 0)) - 1))``, not over ``z``."""
    zeros = constant_row(z.shape[-1], z.dtype)
    np.minimum(z, zeros, out=out)
    # exp(x) - 1 = 2 t / (1 - t) with t = tanh(x / 2), to 1.5 units in the last place.
    # NumPy's expm1 is SIMD code on AVX-512 only. In float32 an element takes 1.2 ns
    # instead of 7.4 on AVX2, and 0.5 instead of 0.4 on AVX-512; in float64 5.2 instead
    # of 7.2, and 1.6 instead of 1.0.
    out *= 0.5
    np.tanh(out, out=out)
    np.subtract(1.0, out, out=scratch)
    out /= scratch
    out *= 2.0 * alpha * scale
    np.maximum(z, zeros, out=scratch)
    if scale != 1.0:
        scratch *= scale
    out += scratch


def _exponential_pullback(
    z: Array, da: Array, scratch: Array, alpha: float, scale: float
) -> None:
    """Multiply ``da`` by ``scale`` and, below zero, by ``alpha * exp(z)``."""
    np.minimum(z, constant_row(z.shape[-1], z.dtype), out=scratch)
    np.exp(scratch, out=scratch)
    da *= scratch
    if (alpha, scale) != (1.0, 1.0):
        np.greater(z, 0.0, out=scratch)
        scratch *= scale * (1.0 - alpha)
        scratch += scale * alpha
        da *= scratch
