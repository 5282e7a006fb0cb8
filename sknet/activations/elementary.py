"""The classic activations: identity, logistic, tanh and the rectifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sknet._numerics import Array, constant_row, logistic
from sknet.activations._base import ACTIVATIONS, Activation


@ACTIVATIONS.register("identity")
@dataclass(frozen=True, repr=False)
class Identity(Activation):
    r"""The identity, which makes a linear bottleneck.

    .. math:: f(z) = z, \qquad f'(z) = 1

    Examples
    --------
    >>> from sknet import SimpleMLPRegressor
    >>> SimpleMLPRegressor(activation="identity").activation
    'identity'
    """

    def forward(self, z: Array, out: Array) -> None:
        """Copy ``z``, unless it is ``out`` already."""
        if out is not z:
            np.copyto(out, z)

    def backward(self, z: Array, a: Array, da: Array, tmp: Array) -> None:
        """Leave ``da``: it is ``dz``."""


@ACTIVATIONS.register("logistic")
@dataclass(frozen=True, repr=False)
class Logistic(Activation):
    r"""The logistic sigmoid.

    .. math:: f(z) = \frac{1}{1 + e^{-z}}, \qquad f'(z) = a (1 - a)

    Notes
    -----
    ``gain`` is 1/3, which turns Glorot's bound :math:`\sqrt{6 / (n_{in} + n_{out})}`
    into scikit-learn's :math:`\sqrt{2 / (n_{in} + n_{out})}` for this activation.

    References
    ----------
    .. [1] G. E. Hinton, "Connectionist learning procedures", Artificial Intelligence
       40, 1989.
    """

    gain: ClassVar[float] = 1.0 / 3.0

    def forward(self, z: Array, out: Array) -> None:
        """Write the sigmoid of ``z``."""
        logistic(z, out=out)

    def backward(self, z: Array, a: Array, da: Array, tmp: Array) -> None:
        """Multiply with ``a`` and ``1 - a``."""
        np.subtract(1.0, a, out=tmp)
        da *= a
        da *= tmp


@ACTIVATIONS.register("tanh")
@dataclass(frozen=True, repr=False)
class Tanh(Activation):
    r"""The hyperbolic tangent.

    .. math:: f(z) = \tanh z, \qquad f'(z) = 1 - a^2

    References
    ----------
    .. [1] Y. LeCun et al., "Efficient BackProp", Neural Networks: Tricks of the
       Trade, 1998.
    """

    def forward(self, z: Array, out: Array) -> None:
        """Write the hyperbolic tangent of ``z``."""
        np.tanh(z, out=out)

    def backward(self, z: Array, a: Array, da: Array, tmp: Array) -> None:
        """Multiply with ``1 - a * a``."""
        np.multiply(a, a, out=tmp)
        np.subtract(1.0, tmp, out=tmp)
        da *= tmp


@ACTIVATIONS.register("relu")
@dataclass(frozen=True, repr=False)
class ReLU(Activation):
    r"""The rectifier; its derivative at 0 is taken to be 0.

    .. math:: f(z) = \max(0, z), \qquad f'(z) = [z > 0]

    References
    ----------
    .. [1] V. Nair and G. E. Hinton, "Rectified linear units improve restricted
       Boltzmann machines", ICML 2010.
    """

    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    def forward(self, z: Array, out: Array) -> None:
        """Write the positive part of ``z``."""
        np.maximum(z, constant_row(z.shape[-1], z.dtype), out=out)

    def backward(self, z: Array, a: Array, da: Array, tmp: Array) -> None:
        """Multiply with a mask of floats: a third of the time of a boolean one."""
        np.greater(a, 0.0, out=tmp)
        da *= tmp
