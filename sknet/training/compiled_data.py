"""The data of members in the form that compiled code reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from sknet._numerics import Array
from sknet.engine.machine import feature_type, is_readable
from sknet.engine.tape import NotRecordable
from sknet.network.layout import Layout
from sknet.training.batches import Dataset
from sknet.training.programs import BatchKind
from sknet.training.state import TrainState


@dataclass(frozen=True)
class Cut:
    """How the rows of an epoch are cut into batches."""

    n_rows: int
    size: int
    n_batches: int

    @classmethod
    def of(cls, n_rows: int, size: int, least: int) -> Cut:
        """Return the cut, in which no batch has fewer than the least rows."""
        n_left = n_rows % size
        short = n_rows > size and 0 < n_left < least
        return cls(
            n_rows,
            min(size, n_rows),
            (n_rows - (n_left if short else 0) + size - 1) // size,
        )

    @property
    def last(self) -> int:
        """Number of rows of the last batch."""
        return self.n_rows - (self.n_batches - 1) * self.size


class CompiledData:
    """The data of all members, in the form that the machine reads."""

    def __init__(self, data: Sequence[Dataset], dtype: np.dtype[Any]) -> None:
        self._data, self._dtype = data, dtype
        self._kept: dict[tuple[str, int], Any] = {}
        self.n_features, self.n_targets = data[0].x.shape[1], data[0].y.shape[1]
        self.is_sparse = sparse.issparse(data[0].x)
        layouts = {self._layout(d.x) for d in data}
        if len(layouts) > 1:
            raise NotRecordable("The features of the networks differ in type.")
        self.x_type, self.x_step, self.x_column_step, self.index_bytes = layouts.pop()
        self._arrays = [self._arrays_of(d) for d in data]

    def _layout(self, x: Any) -> tuple[int, int, int, int]:
        """Return type, steps between rows and columns, and bytes of an index."""
        if sparse.issparse(x):
            if not is_readable(x):
                raise NotRecordable(
                    "indices and indptr of a sparse matrix are not of the same type, "
                    "int32 or int64, or its arrays are not contiguous."
                )
            return 0, 0, 0, x.indices.itemsize
        x_type = feature_type(x.dtype)
        if x_type is None:
            raise NotRecordable(f"The features have the type {x.dtype}.")
        if not x.flags.aligned:
            raise NotRecordable("The features are not aligned in memory.")
        return x_type, *x.strides, 0

    @property
    def form(self) -> tuple[Any, ...]:
        """What programs and jobs depend on: data of the same form may replace these."""
        weighted = [arrays["weight"] is None for arrays in self._arrays]
        placed = [arrays["places"] is None for arrays in self._arrays]
        n_rows = [data.n_rows for data in self._data]
        return (
            *(self.n_features, self.n_targets, self.is_sparse),
            *(self.x_type, self.index_bytes, weighted, placed, n_rows),
        )

    @property
    def has_zero_weights(self) -> bool:
        """Whether a row has the weight zero."""
        weights = {
            id(w): w for w in (a["weight"] for a in self._arrays) if w is not None
        }
        return any((w == 0.0).any() for w in weights.values())

    def _arrays_of(self, data: Dataset) -> dict[str, Any]:
        """Return the arrays of a member; None for those that it does not have."""
        arrays = {
            "y": self._converted("y", data.y, self._dtype),
            "weight": self._converted("weight", data.weight, np.float64),
            "places": self._converted("places", data.rows, np.int64),
        }
        x = data.x
        if not self.is_sparse:
            return {**arrays, "x": x}
        values = self._converted("values", x.data, self._dtype)
        return {**arrays, "x": values, "x_columns": x.indices, "x_starts": x.indptr}

    def _converted(self, name: str, array: Any, dtype: Any) -> Any:
        """Return an array in a type, converted once for all members that share it."""
        if array is None:
            return None
        key = name, id(array)
        if key not in self._kept:
            converted = np.ascontiguousarray(array, dtype=dtype)
            self._kept[key] = array, converted  # an id is valid while its object lives
        return self._kept[key][1]

    def arrays(self, k: int) -> dict[str, Any]:
        """Return the arrays of a member by name; None for those that it lacks."""
        return self._arrays[k]

    def kind(self, k: int, n_rows: int) -> BatchKind:
        """Return the kind of batches of a member with a number of rows."""
        is_weighted = self._arrays[k]["weight"] is not None
        return BatchKind(
            n_rows, self.n_targets, self._dtype, is_weighted, self.is_sparse
        )

    def batch(self, k: int, rows: Any) -> tuple[Any, Array, Array | None, float]:
        """Return features, targets, shares and total weight of some rows."""
        data, arrays = self._data[k], self._arrays[k]
        x = data.features(rows).astype(self._dtype)
        if not self.is_sparse:
            x = np.ascontiguousarray(x)[None]
        y = np.ascontiguousarray(arrays["y"][rows])[None]
        if arrays["weight"] is None:
            return x, y, None, float(y.shape[1])
        weight = arrays["weight"][rows]
        total = float(weight.sum())
        weight = weight / (total if total > 0.0 else 1.0)
        return x, y, weight.astype(self._dtype)[None, :, None], total or 1.0


def check_state(state: TrainState, layout: Layout) -> None:
    """Raise NotRecordable unless arrays fit the network, with contiguous rows."""
    sizes = [(state.theta, layout.n_parameters), (state.average, layout.n_parameters)]
    sizes += [(slot, layout.n_trainable) for slot in state.slots]
    for array, size in sizes:
        if array is not None and array.shape != (state.n_members, size):
            raise NotRecordable("The state of a network has another size than itself.")
    for array in [array for array, _ in sizes] + [state.order]:
        if array is not None and array.size and not array[0].flags.c_contiguous:
            raise NotRecordable("The state of a network is not contiguous in memory.")
