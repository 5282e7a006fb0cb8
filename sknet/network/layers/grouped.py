"""The grouped dense layer: a separate map for each group of columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.fields import flag, part, real, whole
from sknet.initializers import INITIALIZERS, GlorotUniform, Initializer
from sknet.network.layers._base import Layer, Training, ones_for, rows_of
from sknet.network.layout import DECAYED, FREE, Declaration, Shape


@dataclass(frozen=True, repr=False)
class GroupedDense(Layer):
    r"""Affine maps side by side, one for each group of neighbouring columns.

    .. math:: y_g = s\, x_g W_g + b_g

    It is a dense layer whose weight matrix is zero outside the blocks on its diagonal.

    Parameters
    ----------
    groups : int
        Number of groups; it must divide the number of inputs.
    units : int
        Number of outputs of each group.
    gain : float, default=1.0
        Gain of the activation that follows, for the initial weights.
    initializer : Initializer, default=GlorotUniform()
        Draws the initial weights and, with its ``for_bias``, the biases.
    use_bias : bool, default=True
        Whether there is a :math:`b`.
    """

    groups: int = whole(1, "[1, inf)")
    units: int = whole(1, "[1, inf)")
    gain: float = real(1.0, "(0, inf)")
    initializer: Initializer = part(GlorotUniform(), INITIALIZERS)
    use_bias: bool = flag(True)

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare ``weight`` (groups, n_in / groups, units) and ``bias``."""
        n_in = shape[-1]
        if n_in % self.groups:
            raise ValueError(
                f"{n_in} columns cannot be divided into {self.groups} equal groups."
            )
        inside, n_out = n_in // self.groups, self.groups * self.units
        fan, each = (inside, self.units), (self.groups, inside, self.units)
        declare.parameter("weight", each, DECAYED, self.initializer, fan, self.gain)
        if self.use_bias:
            draw = self.initializer.for_bias()
            declare.parameter("bias", (1, n_out), FREE, draw, fan, self.gain)
        out = (*shape[:-1], n_out)
        declare.buffer("y", out)
        declare.buffer("dx", shape, training=True)
        return out

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return ``s x_g W_g + b_g``, group by group."""
        del training
        cache.x = rows_of(x)
        y = rows_of(cache.y)
        np.matmul(self._split(cache.x), p.weight, out=self._split(y))
        if self.initializer.rescales:
            y *= self.initializer.scale(p.weight.shape[-2:])
        if self.use_bias:
            y += p.bias
        out: Array = cache.y
        return out

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Write both gradients; return ``s dy_g W_g^T``, group by group."""
        rows = rows_of(dy)
        if self.use_bias:
            np.matmul(ones_for(rows, cache), rows, out=grad.bias)
        if self.initializer.rescales:
            rows *= self.initializer.scale(p.weight.shape[-2:])
        x, d = self._split(cache.x), self._split(rows)
        np.matmul(x.swapaxes(-1, -2), d, out=grad.weight)
        np.matmul(d, p.weight.swapaxes(-1, -2), out=self._split(rows_of(cache.dx)))
        dx: Array = cache.dx
        return dx

    def _split(self, x: Array) -> Array:
        """View rows (K, B, groups * n) as grouped rows (K, groups, B, n)."""
        n_members, n_rows, _ = x.shape
        return x.reshape(n_members, n_rows, self.groups, -1).swapaxes(1, 2)
