"""The workspace: the arrays a network computes in, one set for each batch size.

Nothing else in the package allocates while batches run. Training has at most three
batch sizes: full batches, the last batch of an epoch, and chunks of the validation set.
"""

from __future__ import annotations

import math
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from sknet._numerics import Array, constant_row
from sknet.network.layout import Buffer, Declaration


class _Needs(NamedTuple):
    """The arrays to allocate for a layer and the layers inside it."""

    kept: tuple[Buffer, ...]
    scratch: tuple[Buffer, ...]
    absent: dict[str, None]
    n_copies: int
    children: tuple[_Needs, ...]
    widest: int


@lru_cache(maxsize=256)
def _needs(node: Declaration, training: bool) -> _Needs:
    """Return the needs of a layer in training or prediction, cached for reuse."""
    wanted = [b for b in node.buffers if training or not b.training]
    scratch = tuple(b for b in wanted if b.n_scratch)
    children = tuple(_needs(child, training) for child in node.children)
    return _Needs(
        kept=tuple(b for b in wanted if not b.n_scratch),
        scratch=scratch,
        absent=dict.fromkeys(b.name for b in node.buffers if b not in wanted),
        n_copies=node.n_copies,
        children=children,
        widest=max(
            [b.size * b.n_scratch for b in scratch]
            + [child.widest for child in children],
            default=0,
        ),
    )


class Workspace:
    """Buffers of a network for K members, allocated on first use of a batch size.

    Parameters
    ----------
    declaration : Declaration
        The declaration of the root layer.
    n_members : int
        K.
    dtype : dtype
        Type of the computation.
    training : bool
        Whether the buffers of the backward pass are needed.
    like : ndarray or None, default=None
        An array of the computation: its class allocates the buffers.
    """

    def __init__(
        self,
        declaration: Declaration,
        n_members: int,
        dtype: np.dtype[Any],
        training: bool,
        like: Array | None = None,
    ) -> None:
        self._needs = _needs(declaration, training)
        self._n_members = n_members
        self._dtype = dtype
        self._like = like
        self._caches: dict[int, Any] = {}

    def cache(self, n_rows: int) -> Any:
        """Return the tree of buffers for ``n_rows`` rows per member.

        Parameters
        ----------
        n_rows : int
            B.

        Returns
        -------
        cache : SimpleNamespace
            The ``cache`` of the root layer: buffers by name, ``children`` by position,
            and a row of ``ones`` for sums over rows, with one element for each row of
            the layer's output. A buffer that is not needed is None.
        """
        if n_rows not in self._caches:
            size = self._n_members * n_rows * self._needs.widest
            scratch = np.empty(size, dtype=self._dtype, like=self._like)
            self._caches[n_rows] = self._allocate(self._needs, n_rows, scratch)
        return self._caches[n_rows]

    def _allocate(self, needs: _Needs, n_rows: int, scratch: Array) -> Any:
        """Allocate the buffers of one node; scratch arrays are views of ``scratch``."""
        n_members = self._n_members
        buffers: dict[str, Array | None] = {**needs.absent}
        for b in needs.kept:
            shape = (n_members, b.n_copies * n_rows, *b.shape)
            dtype = np.intp if b.holds_index else self._dtype
            buffers[b.name] = np.empty(shape, dtype=dtype, like=self._like)
        for b in needs.scratch:
            shape = (n_members, b.n_copies * n_rows, *b.shape)
            full = shape if b.n_scratch == 1 else (b.n_scratch, *shape)
            buffers[b.name] = scratch[: math.prod(full)].reshape(full)
        children = tuple([self._allocate(c, n_rows, scratch) for c in needs.children])
        ones = constant_row(needs.n_copies * n_rows, self._dtype, 1.0)
        return SimpleNamespace(children=children, ones=ones, **buffers)
