"""Groups of columns, each with its own layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.network.layers._base import Layer, Training, only_columns
from sknet.network.layout import Declaration, Shape


@dataclass(frozen=True, repr=False)
class Partition(Layer):
    r"""Layers side by side, one for each group of neighbouring columns.

    .. math:: y = [f_1(x_{1 \ldots n_1}),\, f_2(x_{n_1 + 1 \ldots n_1 + n_2}),\, \ldots]

    Parameters
    ----------
    widths : tuple of int
        Number of columns in each group, from the left; they must add up to all columns.
    layers : tuple of Layer
        The layer of each group.
    """

    widths: tuple[int, ...]
    layers: tuple[Layer, ...]

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Build the layers next to each other; declare the joined output."""
        n_in = only_columns(self, shape)
        if sum(self.widths) != n_in:
            raise ValueError(
                f"Partition has groups of {self.widths} columns, but its input has "
                f"{n_in} columns."
            )
        n_out = 0
        for width, layer in zip(self.widths, self.layers, strict=True):
            out = layer.build(declare.child(at_input=True), (width,))
            n_out += only_columns(layer, out)
        declare.buffer("y", (n_out,))
        if not declare.at_input:
            declare.buffer("dx", shape, training=True)
        return (n_out,)

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Run each layer on its columns and join the outputs."""
        if not isinstance(x, np.ndarray):
            raise ValueError(
                "Sparse features cannot be divided into groups of columns: use "
                "X.toarray()."
            )
        y: Array = cache.y
        start = place = 0
        cache.places = []
        for i, (width, layer) in enumerate(zip(self.widths, self.layers, strict=True)):
            part = x[..., start : start + width]
            part = layer.forward(p.children[i], part, cache.children[i], training)
            stop = place + part.shape[-1]
            y[..., place:stop] = part
            cache.places.append((place, stop))
            start, place = start + width, stop
        return y

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array | None:
        """Run the pullbacks on the parts of ``dy`` and join the gradients."""
        dx: Array | None = getattr(cache, "dx", None)
        start = 0
        for i, (width, layer) in enumerate(zip(self.widths, self.layers, strict=True)):
            place, stop = cache.places[i]
            part = dy[..., place:stop]
            d = layer.backward(p.children[i], grad.children[i], part, cache.children[i])
            if dx is not None:
                dx[..., start : start + width] = d
            start += width
        return dx
