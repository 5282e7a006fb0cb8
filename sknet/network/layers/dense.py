r"""The dense layer, :math:`y = x W + b`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array, matmul, matmul_transposed
from sknet.initializers import GlorotUniform, Initializer
from sknet.network.layers._base import Layer
from sknet.network.layout import DECAYED, FREE, Declaration


@dataclass(frozen=True, repr=False)
class Dense(Layer):
    r"""An affine map from all inputs to all outputs.

    .. math:: y = x W + b

    Parameters
    ----------
    units : int
        Number of outputs.
    gain : float, default=1.0
        Gain of the activation that follows, for the initial weights.
    initializer : Initializer, default=GlorotUniform()
        Draws the initial weights and biases.

    Notes
    -----
    Pullback: :math:`dW = x^T dy`, :math:`db = 1^T dy`, :math:`dx = dy\, W^T`. The
    bias gradient is written as a product with ones, which BLAS does in less than half
    of the time of a sum over rows. A sparse ``x`` stays sparse in both products.
    """

    units: int
    gain: float = 1.0
    initializer: Initializer = GlorotUniform()

    def build(self, declare: Declaration, n_in: int) -> int:
        """Declare ``weight`` (n_in, units) and ``bias`` (1, units)."""
        fan = (n_in, self.units)
        declare.parameter("weight", fan, DECAYED, self.initializer, fan, self.gain)
        declare.parameter(
            "bias", (1, self.units), FREE, self.initializer, fan, self.gain
        )
        declare.buffer("y", self.units)
        if not declare.at_input:
            declare.buffer("dx", n_in, training=True)
        return self.units

    def forward(self, p: Any, x: Any, cache: Any) -> Array:
        """Return ``x W + b``."""
        cache.x = x
        y: Array = cache.y
        matmul(x, p.weight, out=y)
        y += p.bias
        return y

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array | None:
        """Write both gradients; return ``dy W^T`` unless at the network's input."""
        matmul_transposed(cache.x, dy, out=grad.weight)
        np.matmul(cache.ones, dy, out=grad.bias)
        dx: Array | None = getattr(cache, "dx", None)
        if dx is not None:
            np.matmul(dy, p.weight.swapaxes(-1, -2), out=dx)
        return dx
