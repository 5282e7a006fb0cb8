"""Composition of layers, which is again a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sknet._numerics import Array
from sknet.network.layers._base import Layer, Training
from sknet.network.layout import Declaration, Shape


@dataclass(frozen=True, repr=False)
class Sequential(Layer):
    """Layers applied one after the other.

    Parameters
    ----------
    layers : tuple of Layer
        The layers, in the order of the forward pass; an empty tuple is the identity.
    """

    layers: tuple[Layer, ...]

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Build each layer on the outputs of the previous layer."""
        at_input = True
        for layer in self.layers:
            child = declare.child(at_input=at_input)
            shape = layer.build(child, shape)
            declare.n_copies = child.n_copies
            at_input = at_input and child.passes_input
        return shape

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Run the layers in order."""
        views, buffers = p.children, cache.children
        for i, layer in enumerate(self.layers):
            x = layer.forward(views[i], x, buffers[i], training)
        return x

    def adapt(self, p: Any, x: Any, cache: Any, weight: Array) -> Array:
        """Adapt the layers in order, each to the output of the previous layers."""
        for layer, views, buffers in zip(
            self.layers, p.children, cache.children, strict=True
        ):
            x = layer.adapt(views, x, buffers, weight)
        return x

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array | None:
        """Run the pullbacks in reverse order."""
        views, grads, buffers = p.children, grad.children, cache.children
        d: Any = dy
        for i in range(len(self.layers) - 1, -1, -1):
            d = self.layers[i].backward(views[i], grads[i], d, buffers[i])
            if d is None:  # the layers before it only pass on the network's input
                return None
        return d
