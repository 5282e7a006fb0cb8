"""Learned vectors for the levels of categorical columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet._operations import add_at_levels, look_up
from sknet.fields import whole
from sknet.initializers import Initializer
from sknet.network.layers._base import Layer, Training, only_columns
from sknet.network.layout import DECAYED, Declaration, Shape


@dataclass(frozen=True, repr=False)
class _Vectors(Initializer):
    """Standard normal vectors, with zeros for the first level of each column."""

    n_levels: tuple[int, ...]

    def draw(
        self,
        stream: np.random.RandomState,
        shape: tuple[int, ...],
        fan: tuple[int, int],
        gain: float,
    ) -> Array:
        """Draw a vector for each level."""
        del fan, gain
        vectors = stream.standard_normal(shape)
        vectors[np.cumsum((0, *self.n_levels[:-1]))] = 0.0
        return vectors


@dataclass(frozen=True, repr=False)
class Embedding(Layer):
    r"""A trainable vector for each level of each column.

    .. math:: y = [T_1[x_1],\, T_2[x_2],\, \ldots]

    Column j holds level numbers 0, 1, ..., and :math:`T_j` has a row for each level;
    larger numbers are treated as the last level. This is equivalent to a dense layer on
    one-hot columns, without creating them. The vectors are initialised from the
    standard normal distribution, except for that of level 0, which stands for levels
    that may be missing in training and starts at zero.

    Parameters
    ----------
    n_levels : tuple of int
        Number of levels of each column.
    size : int in [1, inf), default=8
        Length of the vectors.

    Notes
    -----
    Pullback: the gradient of a row of :math:`T_j` is the sum of :math:`dy` over the
    rows with its level. Level numbers have no gradient: if one is requested, it is
    zero.

    References
    ----------
    .. [1] C. Guo and F. Berkhahn, "Entity embeddings of categorical variables", 2016,
       arXiv:1604.06737.
    """

    n_levels: tuple[int, ...]
    size: int = whole(8, "[1, inf)")

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare ``table`` (all levels, size), the output and indices of the table."""
        n_in = only_columns(self, shape)
        if len(self.n_levels) != n_in:
            raise ValueError(
                f"Embedding has n_levels for {len(self.n_levels)} columns, but its "
                f"input has {n_in} columns."
            )
        n_all, n_out = sum(self.n_levels), n_in * self.size
        draw, table, out = _Vectors(self.n_levels), (n_all, self.size), (n_out,)
        declare.parameter("table", table, DECAYED, draw, table)
        declare.buffer("y", out)
        declare.index("rows", shape)
        declare.index("places", out, training=True)
        declare.scratch("scratch", out, training=True)
        if not declare.at_input:
            declare.buffer("dx", shape, training=True)
        return out

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return the vectors of each row's levels, concatenated."""
        del training
        cache.x = x
        y: Array = cache.y
        look_up(x, p.table, _bounds(self.n_levels), out=y, rows=cache.rows)
        return y

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array | None:
        """Sum the gradients of each level."""
        del p
        buffers = cache.rows, cache.places, cache.scratch
        add_at_levels(dy, cache.x, _bounds(self.n_levels), grad.table, buffers)
        dx: Array | None = getattr(cache, "dx", None)
        if dx is not None:
            dx[...] = 0.0
        return dx


@lru_cache(maxsize=32)
def _bounds(n_levels: tuple[int, ...]) -> Array:
    """Return the first row and the number of levels of each column, read-only."""
    first = np.cumsum((0, *n_levels[:-1]))
    bounds = np.column_stack([first, n_levels]).astype(np.float64)
    bounds.flags.writeable = False
    return bounds
