"""Batches: rows gathered into kept buffers, dense or sparse.

Data stay where they are. An epoch gathers them in the members' orders, a batch at a
time, and converts what has another type on the way, so that a memory map or an
integer table is never copied as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from sknet._numerics import Array, Scalar, SparseRows
from sknet.objective import Batch


# A source of another type that takes less than this is converted at once: then no
# batch pays for it.
_CONVERT_AT_ONCE = 2**22


@dataclass(frozen=True)
class Dataset:
    """Validated data.

    Parameters
    ----------
    x : ndarray or CSR matrix of shape (N, D)
        Features, of any real type; C-contiguous if dense.
    y : ndarray of shape (N, C)
        Encoded targets.
    weight : ndarray of shape (N,), or None
        Sample weights.
    """

    x: Any
    y: Array
    weight: Array | None

    @property
    def n_rows(self) -> int:
        """N."""
        return self.y.shape[0]

    def subset(self, rows: Array) -> Dataset:
        """Return a copy of some rows."""
        weight = None if self.weight is None else self.weight[rows]
        return Dataset(self.x[rows], self.y[rows], weight)


class _Source:
    """One dense array to gather rows from, converted to the computing type."""

    def __init__(self, array: Array, dtype: np.dtype[Any]) -> None:
        if array.dtype != dtype and array.size * dtype.itemsize <= _CONVERT_AT_ONCE:
            array = array.astype(dtype)
        self.array = array
        self.dtype = dtype
        self._buffers: dict[tuple[int, ...], tuple[Array, Array]] = {}

    def take(self, rows: Array) -> Array:
        """Gather rows: indices of shape (K, B) give an array (K, B, columns)."""
        pair = self._buffers.get(rows.shape)
        taken, out = self._make_pair(rows.shape) if pair is None else pair
        # mode="clip" writes straight into ``out``, where the default buffers a copy;
        # the method takes a fifth of the time of np.take on small batches.
        self.array.take(rows, 0, taken, "clip")
        if taken is not out:
            np.copyto(out, taken, casting="unsafe")
        return out

    def slice(self, start: int, stop: int) -> Array:
        """Return consecutive rows (1, B, columns): a view where the type fits."""
        rows = self.array[None, start:stop]
        return rows if rows.dtype == self.dtype else rows.astype(self.dtype)

    def _make_pair(self, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """Make the buffers to gather into and to convert into, often the same."""
        full = (*shape, self.array.shape[1])
        out = np.empty(full, dtype=self.dtype)
        same = self.array.dtype == self.dtype
        taken = out if same else np.empty(full, dtype=self.array.dtype)
        self._buffers[shape] = taken, out
        return taken, out


class _SparseSource:
    """A CSR matrix to gather rows from; batches stay sparse."""

    def __init__(self, matrix: Any, dtype: np.dtype[Any]) -> None:
        self.matrix = matrix if matrix.dtype == dtype else matrix.astype(dtype)

    def take(self, rows: Array) -> SparseRows:
        """Gather rows for each member."""
        return SparseRows([self.matrix[member_rows] for member_rows in rows])

    def slice(self, start: int, stop: int) -> SparseRows:
        """Return consecutive rows."""
        return SparseRows([self.matrix[start:stop]])


class Batches:
    """Cuts data into batches.

    Parameters
    ----------
    data : Dataset
        The data.
    batch_size : int
        Rows of a batch; the last one of an epoch may be smaller.
    dtype : dtype
        Type of the computation.
    normalize : bool, default=True
        Whether a batch's weights are shares of their sum, for means, or the weights
        themselves, for sums.
    least : int, default=1
        Rows of a batch at least: what is left at the end of an epoch joins the batch
        before if it is less.
    """

    def __init__(
        self,
        data: Dataset,
        batch_size: int,
        dtype: np.dtype[Any],
        normalize: bool = True,
        least: int = 1,
    ) -> None:
        make = _SparseSource if sparse.issparse(data.x) else _Source
        self._x: Any = make(data.x, dtype)
        self._y = _Source(data.y, dtype)
        self._weight = data.weight
        self._dtype = dtype
        self._n_rows = data.n_rows
        self._batch_size = batch_size
        self._normalize = normalize
        self._least = least

    def n_batches(self, order: Array | None) -> int:
        """Return the number of batches of an epoch."""
        return len(self._cuts(order))

    def _cuts(self, order: Array | None) -> range:
        """Return where the batches of an epoch begin."""
        n_rows = self._n_rows if order is None else order.shape[1]
        size = self._batch_size
        short = n_rows > size and 0 < n_rows % size < self._least
        return range(0, n_rows - (n_rows % size if short else 0), size)

    def epoch(self, order: Array | None) -> Iterator[Batch]:
        """Iterate over the batches of one epoch.

        Parameters
        ----------
        order : ndarray of shape (K, M), or None
            Row numbers in each member's order; None stands for all rows as they are.

        Yields
        ------
        batch : Batch
            Valid until the next one is asked for: the buffers are kept.
        """
        n_rows = self._n_rows if order is None else order.shape[1]
        cuts = self._cuts(order)
        last = cuts[-1] if cuts else 0
        for start in cuts:
            stop = start + self._batch_size if start < last else n_rows
            if order is None:
                x, y = self._x.slice(start, stop), self._y.slice(start, stop)
                weight, total = self._weights(slice(start, stop), stop - start)
            else:
                rows = order[:, start:stop]
                x, y = self._x.take(rows), self._y.take(rows)
                weight, total = self._weights(rows, stop - start)
            yield Batch(x, y, weight, total, stop - start)

    def _weights(self, rows: Any, n_rows: int) -> tuple[Scalar, Scalar]:
        """Return the weights (K or 1, B, 1), or one for all, and their sums."""
        if self._weight is None:
            return 1.0 / n_rows if self._normalize else 1.0, float(n_rows)
        weight = np.atleast_2d(self._weight[rows])
        total = weight.sum(axis=1, keepdims=True)
        if self._normalize:
            weight = weight / np.where(total > 0.0, total, 1.0)
        return weight[:, :, None].astype(self._dtype), total.astype(self._dtype)
