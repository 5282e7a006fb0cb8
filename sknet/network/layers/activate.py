"""The layer that carries an activation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sknet._numerics import Array
from sknet.activations import Activation
from sknet.network.layers._base import Layer
from sknet.network.layout import Declaration


@dataclass(frozen=True, repr=False)
class Activate(Layer):
    """An activation, element by element.

    Parameters
    ----------
    activation : Activation
        The function and its pullback.
    in_place : bool, default=False
        Whether the output may be written over the input. Right behind a dense layer,
        which needs its output no more; wrong where another layer reads the input too.
        It saves a buffer, and the memory traffic of one.
    """

    activation: Activation
    in_place: bool = False

    def build(self, declare: Declaration, n_in: int) -> int:
        """Declare a scratch buffer, and one for the output unless it overwrites."""
        if not self.in_place or self.activation.needs_input:
            declare.buffer("out", n_in)
        declare.buffer("tmp", n_in, training=True)
        return n_in

    def forward(self, p: Any, x: Any, cache: Any) -> Array:
        """Return ``f(x)``."""
        del p
        a: Array = getattr(cache, "out", x)
        self.activation.forward(x, a)
        cache.z, cache.a = x, a
        return a

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Turn ``dy`` into ``dx`` in place."""
        del p, grad
        self.activation.backward(cache.z, cache.a, dy, cache.tmp)
        return dy
