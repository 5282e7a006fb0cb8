"""Batches: rows gathered into reused buffers, dense or sparse.

Data are not copied as a whole. An epoch gathers the rows in the members' orders, one
batch at a time, and converts them to the computing type if necessary, so that memory
maps and integer tables are never copied entirely.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from sknet._numerics import Array, Scalar, SparseRows
from sknet.objective import Batch
from sknet.training.buffers import Buffers


# A source of another type that takes less than this number of bytes is converted as a
# whole, so that batches need no conversion.
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
    rows : ndarray of int, of shape (N,), or None, default=None
        The rows of ``x`` that ``y`` and ``weight`` belong to, if ``x`` has more rows
        because folds share it; None for all rows.
    """

    x: Any
    y: Array
    weight: Array | None
    rows: Array | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows, N."""
        return self.y.shape[0]

    def features(self, rows: Any = None) -> Any:
        """Return the features of some of the N rows, or of all, maybe ``x`` itself."""
        if rows is None:
            return self.x if self.rows is None else self.x[self.rows]
        return self.x[rows if self.rows is None else self.rows[rows]]


class _Source:
    """A dense array from which rows are gathered, in the computing type."""

    def __init__(self, array: Array, dtype: np.dtype[Any], buffers: Buffers) -> None:
        if array.size * dtype.itemsize <= _CONVERT_AT_ONCE:
            array = buffers.converted(array, dtype)
        self.array = array
        self.dtype = dtype
        self._buffers = buffers

    def take(self, rows: Array) -> Array:
        """Gather rows: indices of shape (K, B) give an array (K, B, columns)."""
        shape = (*rows.shape, self.array.shape[1])
        out = self._buffers.array(shape, self.dtype)
        self.take_into(out, rows)
        return out

    def take_into(self, out: Array, rows: Array) -> None:
        """Gather rows into an array (K, B, columns), or into a part of a larger one."""
        array, fits = self.array, self.array.dtype == self.dtype
        taken = out if fits else self._buffers.array(out.shape, array.dtype)
        # mode="clip" writes directly into ``taken``, whereas the default mode buffers a
        # copy. On small batches the method takes a fifth of the time of np.take.
        array.take(rows, 0, taken, "clip")
        if not fits:
            np.copyto(out, taken, casting="unsafe")

    def consecutive(self, start: int, stop: int) -> Array:
        """Return consecutive rows (1, B, columns), as a view if the type matches."""
        rows = self.array[None, start:stop]
        return rows if rows.dtype == self.dtype else rows.astype(self.dtype)


class _SparseSource:
    """A CSR matrix from which rows are gathered; batches are sparse, too."""

    def __init__(self, matrix: Any, dtype: np.dtype[Any], buffers: Buffers) -> None:
        self.matrix = buffers.converted(matrix, dtype)

    def take(self, rows: Array) -> SparseRows:
        """Gather rows for each member."""
        return SparseRows([self.matrix[member_rows] for member_rows in rows])

    def consecutive(self, start: int, stop: int) -> SparseRows:
        """Return consecutive rows."""
        return SparseRows([self.matrix[start:stop]])


class _Sources:
    """The sources of all members: a shared source, or several in sequence.

    Parameters
    ----------
    arrays : sequence of ndarray or CSR matrix
        The array of each member; consecutive members with the same object share a
        source.
    dtype : dtype
        Type of the computation.
    buffers : Buffers
        Buffers for the rows, which all sources use in turn.
    """

    def __init__(
        self, arrays: Sequence[Any], dtype: np.dtype[Any], buffers: Buffers
    ) -> None:
        make = _SparseSource if sparse.issparse(arrays[0]) else _Source
        self._is_sparse = make is _SparseSource
        self._dtype = dtype
        self._parts: list[tuple[Any, slice]] = []
        for start, stop in _runs(arrays):
            source = make(arrays[start], dtype, buffers)
            self._parts.append((source, slice(start, stop)))
        self._buffers = buffers

    def take(self, rows: Array) -> Any:
        """Gather rows: indices of shape (K, B) give rows (K, B, columns)."""
        if len(self._parts) == 1:
            return self._parts[0][0].take(rows)
        if self._is_sparse:
            parts = [source.take(rows[part]) for source, part in self._parts]
            return self._join(parts, [part for _, part in self._parts], len(rows))
        shape = (*rows.shape, self._parts[0][0].array.shape[1])
        out = self._buffers.array(shape, self._dtype)
        for source, part in self._parts:
            source.take_into(out[part], rows[part])
        return out

    def consecutive(self, start: int, stop: int) -> Any:
        """Return consecutive rows, (1, B, columns) if all members share them."""
        if len(self._parts) == 1:
            return self._parts[0][0].consecutive(start, stop)
        parts = [source.consecutive(start, stop) for source, _ in self._parts]
        places = [part for _, part in self._parts]
        return self._join(parts, places, places[-1].stop)

    def _join(self, parts: list[Any], places: list[slice], n_members: int) -> Any:
        """Join the rows of all members."""
        if self._is_sparse:
            matrices: list[Any] = []
            for rows, place in zip(parts, places, strict=True):
                n = place.stop - place.start
                matrices += rows.members if len(rows.members) == n else rows.members * n
            return SparseRows(matrices)
        out = self._buffers.array((n_members, *parts[0].shape[1:]), self._dtype)
        for rows, place in zip(parts, places, strict=True):
            out[place] = rows
        return out


class _Places:
    """Positions of each member's rows in the array that holds its features.

    Parameters
    ----------
    rows : sequence of (ndarray of int of shape (N,), or None)
        The positions for each member; None for all rows.
    """

    def __init__(self, rows: Sequence[Array | None]) -> None:
        self._parts = [(rows[a], slice(a, b)) for a, b in _runs(rows)]
        self._n_members = len(rows)
        self.are_all = all(part is None for part, _ in self._parts)

    def of(self, order: Array) -> Array:
        """Return the positions of rows (K, B), or (1, B) if all members share them."""
        if self.are_all:
            return order
        if len(self._parts) == 1:
            return self._one_of(self._parts[0][0], order)
        return np.concatenate(
            [self._one_of(rows, order[part]) for rows, part in self._parts]
        )

    def consecutive(self, start: int, stop: int) -> Array:
        """Return the positions of consecutive rows, as :meth:`of` does."""
        n_members = 1 if len(self._parts) == 1 else self._n_members
        return self.of(
            np.broadcast_to(np.arange(start, stop), (n_members, stop - start))
        )

    @staticmethod
    def _one_of(rows: Array | None, order: Array) -> Array:
        """Return the positions of rows for members that share them."""
        return order if rows is None else rows[order]


def _runs(arrays: Sequence[Any]) -> list[tuple[int, int]]:
    """Return the bounds of runs of the same object."""
    ends = [
        k + 1
        for k in range(len(arrays))
        if k + 1 == len(arrays) or arrays[k + 1] is not arrays[k]
    ]
    return list(zip([0, *ends[:-1]], ends, strict=True))


class Batches:
    """Divides data into batches.

    Parameters
    ----------
    data : Dataset or sequence of Dataset
        The data of all members, or one dataset per member with the same number of rows.
    batch_size : int
        Number of rows in a batch; the last batch of an epoch may be smaller.
    dtype : dtype
        Type of the computation.
    normalize : bool, default=True
        Whether the weights of a batch are divided by their sum, for means; if not, they
        are unchanged, for sums.
    least : int, default=1
        Minimum number of rows in a batch: fewer remaining rows at the end of an epoch
        are added to the batch before.
    buffers : Buffers or None, default=None
        Buffers for the features of a batch, if they are shared with other batches.

    Attributes
    ----------
    data : sequence of Dataset
        The data of each member, or of all members.
    """

    def __init__(
        self,
        data: Dataset | Sequence[Dataset],
        batch_size: int,
        dtype: np.dtype[Any],
        normalize: bool = True,
        least: int = 1,
        buffers: Buffers | None = None,
    ) -> None:
        members = [data] if isinstance(data, Dataset) else data
        self.data = members
        self._x = _Sources([d.x for d in members], dtype, buffers or Buffers())
        self._places = _Places([d.rows for d in members])
        self._y = _Sources([d.y for d in members], dtype, Buffers())
        weights = [d.weight for d in members]
        runs = _runs(weights)
        self._weights: list[Any] = [(weights[a], slice(a, b)) for a, b in runs]
        self._is_weighted = weights[0] is not None
        self._dtype = dtype
        self._n_rows = members[0].n_rows
        self._batch_size = batch_size
        self._normalize = normalize
        self._least = least

    @property
    def sizes(self) -> tuple[int, int]:
        """Number of rows of the data, and of a batch."""
        return self._n_rows, self._batch_size

    def n_batches(self, order: Array | None) -> int:
        """Return the number of batches of an epoch."""
        return len(self._cuts(order))

    def _cuts(self, order: Array | None) -> range:
        """Return the start positions of the batches of an epoch."""
        n_rows = self._n_rows if order is None else order.shape[1]
        size = self._batch_size
        short = n_rows > size and 0 < n_rows % size < self._least
        return range(0, n_rows - (n_rows % size if short else 0), size)

    def epoch(self, order: Array | None) -> Iterator[Batch]:
        """Iterate over the batches of one epoch.

        Parameters
        ----------
        order : ndarray of shape (K, M), or None
            Row numbers in each member's order; None for all rows in the given order.

        Yields
        ------
        batch : Batch
            The batch, which is valid until the next one, since buffers are reused.
        """
        n_rows = self._n_rows if order is None else order.shape[1]
        cuts = self._cuts(order)
        last = cuts[-1] if cuts else 0
        for start in cuts:
            stop = start + self._batch_size if start < last else n_rows
            rows = None if order is None else order[:, start:stop]
            x = self._features(rows, start, stop)
            if rows is not None:
                y = self._y.take(rows)
            else:
                y = self._y.consecutive(start, stop)
            weight, total = self._shares(rows, start, stop)
            yield Batch(x, y, weight, total, stop - start)

    def _features(self, rows: Array | None, start: int, stop: int) -> Any:
        """Return the features of a batch."""
        if rows is not None:
            return self._x.take(self._places.of(rows))
        if self._places.are_all:
            return self._x.consecutive(start, stop)
        return self._x.take(self._places.consecutive(start, stop))

    def _shares(
        self, rows: Array | None, start: int, stop: int
    ) -> tuple[Scalar, Scalar]:
        """Return the weights (K or 1, B, 1), or a single number, and their sums."""
        if not self._is_weighted:
            n_rows = stop - start
            return 1.0 / n_rows if self._normalize else 1.0, float(n_rows)
        weight = self._gather_weights(rows, start, stop)
        total = weight.sum(axis=1, keepdims=True)
        if self._normalize:
            weight = weight / np.where(total > 0.0, total, 1.0)
        return weight[:, :, None].astype(self._dtype), total.astype(self._dtype)

    def _gather_weights(self, rows: Array | None, start: int, stop: int) -> Array:
        """Return the weights of a batch, (K, B), or (1, B) if members share them."""
        weight: Any = self._weights[0][0]
        if len(self._weights) == 1:
            return np.atleast_2d(weight[slice(start, stop) if rows is None else rows])
        gathered = np.empty((self._weights[-1][1].stop, stop - start))
        for weight, part in self._weights:
            gathered[part] = weight[start:stop] if rows is None else weight[rows[part]]
        return gathered
