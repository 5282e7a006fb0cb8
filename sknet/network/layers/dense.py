r"""The dense layer, :math:`y = x W + b`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array, matmul, matmul_transposed
from sknet.fields import flag, part, real, whole
from sknet.initializers import INITIALIZERS, GlorotUniform, Initializer
from sknet.network.layers._base import Layer, Training, ones_for, rows_of
from sknet.network.layout import DECAYED, FREE, Declaration, Shape


@dataclass(frozen=True, repr=False)
class Dense(Layer):
    r"""An affine map from all inputs to all outputs.

    .. math:: y = s\, x W + b

    with the fixed factor :math:`s` of the initializer, which is 1 except for
    initializers that change the parametrisation (the NTK form).

    Parameters
    ----------
    units : int
        Number of outputs.
    gain : float, default=1.0
        Gain of the activation that follows, for the initial weights.
    initializer : Initializer, default=GlorotUniform()
        Draws the initial weights.
    use_bias : bool, default=True
        Whether there is a :math:`b`.
    bias : Initializer, optional
        Draws the initial biases; by default ``initializer.for_bias()``.

    Notes
    -----
    Pullback: :math:`dW = s\, x^T dy`, :math:`db = 1^T dy`, :math:`dx = s\, dy\, W^T`.
    The bias gradient is computed as a product with ones, which takes BLAS less than
    half the time of a sum over rows. A sparse ``x`` stays sparse in both products.
    """

    units: int = whole(1, "[1, inf)")
    gain: float = real(1.0, "(0, inf)")
    initializer: Initializer = part(GlorotUniform(), INITIALIZERS)
    use_bias: bool = flag(True)
    bias: Initializer | None = None

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare ``weight`` (n_in, units) and ``bias`` (1, units)."""
        fan, out = (shape[-1], self.units), (*shape[:-1], self.units)
        declare.parameter("weight", fan, DECAYED, self.initializer, fan, self.gain)
        if self.use_bias:
            draw = self.bias or self.initializer.for_bias()
            declare.parameter("bias", (1, self.units), FREE, draw, fan, self.gain)
        declare.buffer("y", out)
        if not declare.at_input:
            declare.buffer("dx", shape, training=True)
        return out

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return ``s x W + b``."""
        del training
        cache.x = rows_of(x)
        y = rows_of(cache.y)
        matmul(cache.x, p.weight, out=y)
        if self.initializer.rescales:
            y *= self.initializer.scale(p.weight.shape[-2:])
        if self.use_bias:
            y += p.bias
        out: Array = cache.y
        return out

    def adapt(self, p: Any, x: Any, cache: Any, weight: Array) -> Array:
        """Scale pre-activations to deviation one if the initializer adapts."""
        return adapt_products(self, p, x, cache, weight)

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array | None:
        """Write both gradients; return ``s dy W^T`` unless at the network's input."""
        self.write_gradient(p, grad, dy, cache)
        return self.hand_back(p, dy, cache)

    def write_gradient(self, p: Any, grad: Any, dy: Array, cache: Any) -> None:
        """Write both gradients; turn ``dy`` into ``s dy`` in place."""
        d = rows_of(dy)
        if self.use_bias:
            np.matmul(ones_for(d, cache), d, out=grad.bias)
        if self.initializer.rescales:
            d *= self.initializer.scale(p.weight.shape[-2:])
        matmul_transposed(cache.x, d, out=grad.weight)

    def hand_back(self, p: Any, dy: Array, cache: Any) -> Array | None:
        """Return ``dy W^T`` unless at the network's input."""
        dx: Array | None = getattr(cache, "dx", None)
        if dx is not None:
            # with a single output this is an outer product, for which BLAS is slow
            product = np.multiply if self.units == 1 else np.matmul
            product(rows_of(dy), self.feedback_matrix(p), out=rows_of(dx))
        return dx

    def feedback_matrix(self, p: Any) -> Array:
        """Return the matrix through which the layer hands back, the transposed W."""
        matrix: Array = p.weight.swapaxes(-1, -2)
        return matrix


def adapt_products(layer: Any, p: Any, x: Any, cache: Any, weight: Array) -> Array:
    """Scale pre-activations of a layer of products, if its initializer adapts.

    Parameters
    ----------
    layer : Layer
        A layer with ``initializer`` and ``use_bias``, whose outputs are linear in
        ``weight``; each column has a column of ``weight`` and an element of ``bias``.
    p, x, cache, weight
        As for :meth:`Layer.adapt`.

    Returns
    -------
    y : ndarray
        The output of the layer.
    """
    if layer.initializer.adapts:
        drawn = p.bias.copy() if layer.use_bias else None
        if drawn is not None:
            p.bias[...] = 0.0
        mean, deviation = _moments(layer.forward(p, x, cache, None), weight)
        p.weight /= deviation
        if drawn is not None:
            p.bias[...] = layer.initializer.fit_bias(drawn, mean / deviation)
    y: Array = layer.forward(p, x, cache, None)
    return y


def _moments(y: Array, weight: Array) -> tuple[Array, Array]:
    """Return weighted means and deviations of columns, 1 for constant columns.

    ``y`` (K, E * B, ..., n) holds E copies of the B rows of ``weight``, each with all
    its positions.
    """
    n_copies, n_positions = y.shape[1] // len(weight), math.prod(y.shape[2:-1])
    weight = np.repeat(np.tile(weight, n_copies), n_positions)[:, None]
    weight, z = weight / weight.sum(), rows_of(y)
    mean = (weight * z).sum(axis=-2, keepdims=True, dtype=np.float64)
    variance = (weight * np.square(z - mean)).sum(axis=-2, keepdims=True)
    least = np.square(1e-6 * np.abs(mean)) + np.finfo(np.float32).tiny
    return mean, np.sqrt(np.where(variance > least, variance, 1.0))
