"""Rescaling: multiplication by a fixed number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.fields import real
from sknet.network.layers._base import Layer, Training
from sknet.network.layout import Declaration, Shape


@dataclass(frozen=True, repr=False)
class Rescale(Layer):
    r"""All elements multiplied by a fixed number, :math:`y = c x`.

    Parameters
    ----------
    factor : float in (0, inf), default=1.0
        The number :math:`c`.
    """

    factor: float = real(1.0, "(0, inf)")

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare the output; the gradient by the input of a network stays unneeded."""
        declare.buffer("y", shape)
        declare.passes_input = True
        return shape

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return ``c x``."""
        del p, training
        y: Array = np.multiply(x, self.factor, out=cache.y)
        return y

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Multiply ``dy`` by the factor, in place."""
        del p, grad, cache
        dy *= self.factor
        return dy
