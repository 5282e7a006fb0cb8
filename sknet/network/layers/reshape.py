"""Reshaping of rows: the same numbers with other axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sknet._numerics import Array, SparseRows
from sknet.network.layers._base import Layer, Training
from sknet.network.layout import Declaration, Shape


@dataclass(frozen=True, repr=False)
class Reshape(Layer):
    """A view of rows with other axes; nothing is copied.

    Parameters
    ----------
    shape : tuple of int
        The shape of one row of the output, such as ``(height, width, channels)``; it
        must have as many elements as a row of the input.
    """

    shape: tuple[int, ...]

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare nothing; check that the numbers of elements agree."""
        del declare
        if math.prod(shape) != math.prod(self.shape):
            raise ValueError(
                f"Rows of shape {shape} cannot be reshaped to {self.shape}: they have "
                f"{math.prod(shape)} elements, not {math.prod(self.shape)}."
            )
        return self.shape

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return the view."""
        del p, training
        if isinstance(x, SparseRows):
            x = x.to_dense()
        cache.shape = x.shape[2:]
        view: Array = x.reshape(*x.shape[:2], *self.shape)
        return view

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Return the gradient in the shape of the input."""
        del p, grad
        return dy.reshape(*dy.shape[:2], *cache.shape)


@dataclass(frozen=True, repr=False)
class Flatten(Layer):
    """All axes of a row flattened to columns; the last axis varies fastest."""

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare nothing."""
        del declare
        return (math.prod(shape),)

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return the view; sparse rows are made dense."""
        del p, training
        if isinstance(x, SparseRows):
            x = x.to_dense()
        cache.shape = x.shape[2:]
        view: Array = x.reshape(*x.shape[:2], -1)
        return view

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Return the gradient in the shape of the input."""
        del p, grad
        return dy.reshape(*dy.shape[:2], *cache.shape)
