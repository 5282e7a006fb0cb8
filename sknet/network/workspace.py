"""Workspace: the arrays a network computes in, one set for each batch size.

Nothing else in the package allocates while batches run. A training has at most three
sizes: full batches, the last one of an epoch, and chunks of the validation set.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np

from sknet._numerics import Array, constant_row
from sknet.network.layout import Buffer, Declaration


class Workspace:
    """Buffers of a network for K members, made on first use of a batch size.

    Parameters
    ----------
    declaration : Declaration
        What the root layer declared.
    n_members : int
        K.
    dtype : dtype
        Type of the computation.
    training : bool
        Whether the buffers of the backward pass are needed.
    """

    def __init__(
        self,
        declaration: Declaration,
        n_members: int,
        dtype: np.dtype[Any],
        training: bool,
    ) -> None:
        self._declaration = declaration
        self._n_members = n_members
        self._dtype = dtype
        self._training = training
        self._caches: dict[int, Any] = {}

    def cache(self, n_rows: int) -> Any:
        """Return the tree of buffers for ``n_rows`` rows a member.

        Parameters
        ----------
        n_rows : int
            B.

        Returns
        -------
        cache : SimpleNamespace
            What a layer gets as ``cache``: buffers by name, ``children`` by position,
            and a row of ``ones`` to sum over rows with, as long as the rows are that
            the layer hands on. A buffer that is not needed is None.
        """
        if n_rows not in self._caches:
            nodes = self._declaration.walk()
            buffers = [b for node in nodes for b in node.buffers if self._is_needed(b)]
            widths = [b.n_copies * b.columns * b.n_scratch for b in buffers]
            size = self._n_members * n_rows * max(widths, default=0)
            scratch = np.empty(size, dtype=self._dtype)
            self._caches[n_rows] = self._allocate(self._declaration, n_rows, scratch)
        return self._caches[n_rows]

    def _is_needed(self, buffer: Buffer) -> bool:
        """Tell whether a buffer is of use here."""
        return self._training or not buffer.training

    def _allocate(self, node: Declaration, n_rows: int, scratch: Array) -> Any:
        """Allocate the buffers of one node; scratch arrays are parts of ``scratch``."""
        buffers: dict[str, Array | None] = {}
        for b in node.buffers:
            shape = (self._n_members, b.n_copies * n_rows, b.columns)
            if not self._is_needed(b):
                buffers[b.name] = None
            elif b.n_scratch:
                full = shape if b.n_scratch == 1 else (b.n_scratch, *shape)
                buffers[b.name] = scratch[: math.prod(full)].reshape(full)
            else:
                dtype = np.intp if b.holds_index else self._dtype
                buffers[b.name] = np.empty(shape, dtype=dtype)
        children = tuple([self._allocate(c, n_rows, scratch) for c in node.children])
        ones = constant_row(node.n_copies * n_rows, self._dtype, 1.0)
        return SimpleNamespace(children=children, ones=ones, **buffers)
