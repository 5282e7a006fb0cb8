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

    @property
    def _overwrites(self) -> bool:
        """Whether the input is overwritten: allowed, and not needed backwards."""
        return self.in_place and not self.activation.needs_input

    def build(self, declare: Declaration, n_in: int) -> int:
        """Declare the output, unless in place, and a scratch buffer."""
        if not self._overwrites:
            declare.buffer("a", n_in)
        declare.buffer("tmp", n_in, training=True)
        return n_in

    def forward(self, p: Any, x: Any, cache: Any) -> Array:
        """Return ``f(x)``."""
        del p
        cache.z = x
        if self._overwrites:
            cache.a = x
        self.activation.forward(x, cache.a)
        return cache.a

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Turn ``dy`` into ``dx`` in place."""
        del p, grad
        self.activation.backward(cache.z, cache.a, dy, cache.tmp)
        return dy
