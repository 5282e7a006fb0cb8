"""The classic activations: identity, threshold, sigmoids and the rectifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sknet._numerics import Array, constant_row, logistic
from sknet.activations._base import ACTIVATIONS, Activation


# A batch of up to this many elements is rectified as one long row, which takes half
# the time if the rows are short. The zeros to compare with stay in memory.
_LONGEST_ROW = 2**17


@ACTIVATIONS.register("identity", "linear")
@dataclass(frozen=True, repr=False)
class Identity(Activation):
    r"""The identity, for linear bottleneck layers.

    .. math:: f(z) = z, \qquad f'(z) = 1

    Examples
    --------
    >>> from sknet import SimpleMLPRegressor
    >>> SimpleMLPRegressor(activation="identity").activation
    'identity'
    """

    forward_scratch: ClassVar[bool] = False

    def forward(self, z: Array, out: Array, scratch: Array) -> None:
        """Copy ``z`` unless it already is ``out``."""
        del scratch
        if out is not z:
            np.copyto(out, z)

    def backward(self, z: Array, a: Array, da: Array, scratch: Array) -> None:
        """Leave ``da`` unchanged: it equals ``dz``."""


@ACTIVATIONS.register("hard_threshold", "heaviside")
@dataclass(frozen=True, repr=False)
class HardThreshold(Activation):
    r"""The threshold unit of McCulloch, Pitts and Rosenblatt: on or off.

    .. math:: f(z) = [z > 0], \qquad \tilde{f}'(z) = [\,|z| \le 1\,]

    The derivative is zero wherever it exists, so nothing could be learned from it.
    :math:`\tilde{f}'` is a *surrogate*, the "straight-through" gradient: near the
    threshold the unit is treated as the identity, far from it as a constant. Training
    works, but the direction it follows is not a gradient of the loss, and a gradient
    check cannot confirm it.

    References
    ----------
    .. [1] Y. Bengio, N. Léonard and A. Courville, "Estimating or propagating gradients
       through stochastic neurons for conditional computation", 2013, arXiv:1308.3432.
    .. [2] I. Hubara et al., "Binarized neural networks", NIPS 2016, arXiv:1602.02830.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.activations import HardThreshold
    >>> z = np.array([[[-2.0, 0.0, 0.5]]])
    >>> out, scratch = np.empty_like(z), np.empty_like(z)
    >>> HardThreshold().forward(z, out, scratch)
    >>> out
    array([[[0., 0., 1.]]])
    """

    kinks: ClassVar[tuple[float, ...]] = (0.0, -1.0, 1.0)
    needs_input: ClassVar[bool] = True
    surrogate: ClassVar[bool] = True
    forward_scratch: ClassVar[bool] = False

    def forward(self, z: Array, out: Array, scratch: Array) -> None:
        """Write one where ``z`` is positive, zero elsewhere."""
        del scratch
        np.greater(z, 0.0, out=out)

    def backward(self, z: Array, a: Array, da: Array, scratch: Array) -> None:
        """Pass ``da`` through where ``z`` is between -1 and 1."""
        np.abs(z, out=scratch)
        np.less_equal(scratch, 1.0, out=scratch)
        da *= scratch


@ACTIVATIONS.register("logistic", "sigmoid")
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

    Examples
    --------
    >>> from sknet.activations import Logistic
    >>> round(Logistic.gain, 3)
    0.333
    """

    gain: ClassVar[float] = 1.0 / 3.0
    forward_scratch: ClassVar[bool] = False

    def forward(self, z: Array, out: Array, scratch: Array) -> None:
        """Write the sigmoid of ``z``."""
        del scratch
        logistic(z, out=out)

    def backward(self, z: Array, a: Array, da: Array, scratch: Array) -> None:
        """Multiply ``da`` by ``a`` and ``1 - a``."""
        np.subtract(1.0, a, out=scratch)
        da *= a
        da *= scratch


@ACTIVATIONS.register("tanh")
@dataclass(frozen=True, repr=False)
class Tanh(Activation):
    r"""The hyperbolic tangent.

    .. math:: f(z) = \tanh z, \qquad f'(z) = 1 - a^2

    References
    ----------
    .. [1] Y. LeCun et al., "Efficient BackProp", Neural Networks: Tricks of the
       Trade, 1998.

    Examples
    --------
    >>> from sknet import SimpleMLPClassifier
    >>> SimpleMLPClassifier((5, 5), activation=["tanh", "relu"]).activation
    ['tanh', 'relu']
    """

    forward_scratch: ClassVar[bool] = False

    def forward(self, z: Array, out: Array, scratch: Array) -> None:
        """Write the hyperbolic tangent of ``z``."""
        del scratch
        np.tanh(z, out=out)

    def backward(self, z: Array, a: Array, da: Array, scratch: Array) -> None:
        """Multiply ``da`` by ``1 - a * a``."""
        np.multiply(a, a, out=scratch)
        np.subtract(1.0, scratch, out=scratch)
        da *= scratch


@ACTIVATIONS.register("relu")
@dataclass(frozen=True, repr=False)
class ReLU(Activation):
    r"""The rectified linear unit; its derivative at 0 is taken to be 0.

    .. math:: f(z) = \max(0, z), \qquad f'(z) = [z > 0]

    References
    ----------
    .. [1] V. Nair and G. E. Hinton, "Rectified linear units improve restricted
       Boltzmann machines", ICML 2010.

    Examples
    --------
    >>> from sknet.activations import ReLU
    >>> ReLU.kinks
    (0.0,)
    """

    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    forward_scratch: ClassVar[bool] = False

    def forward(self, z: Array, out: Array, scratch: Array) -> None:
        """Write the positive part of ``z``."""
        del scratch
        several = 1 < z.shape[-2] <= _LONGEST_ROW // z.shape[-1]
        whole = several and z.flags.c_contiguous and out.flags.c_contiguous
        if whole and z.shape == out.shape:
            z, out = z.reshape(1, len(z), -1), out.reshape(1, len(z), -1)  # long rows
        np.maximum(z, constant_row(z.shape[-1], z.dtype), out=out)

    def backward(self, z: Array, a: Array, da: Array, scratch: Array) -> None:
        """Multiply by a float mask, in a third of the time of a boolean mask."""
        np.greater(a, 0.0, out=scratch)
        da *= scratch
