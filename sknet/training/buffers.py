"""Buffers: memory that is reused by arrays of different shapes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sknet._numerics import Array


class Buffers:
    """Memory shared by arrays of which only one is in use at a time.

    It is as large as the largest array. Full batches, the last batch of an epoch and
    chunks of a validation set have different shapes, but are never needed at the same
    time.
    """

    def __init__(self) -> None:
        self._flat: dict[np.dtype[Any], Array] = {}
        self._arrays: dict[tuple[np.dtype[Any], tuple[int, ...]], Array] = {}
        self._converted: dict[tuple[int, np.dtype[Any]], tuple[Any, Any]] = {}

    def array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Return an uninitialised array in the memory shared by all of its type."""
        array = self._arrays.get((dtype, shape))
        return self._make(shape, dtype) if array is None else array

    def _make(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Create an array; if it is the largest so far, allocate new shared memory."""
        size, flat = math.prod(shape), self._flat.get(dtype)
        if flat is None or flat.size < size:
            self._arrays = {k: a for k, a in self._arrays.items() if k[0] != dtype}
            flat = self._flat[dtype] = np.empty(size, dtype=dtype)
        array = self._arrays[dtype, shape] = flat[:size].reshape(shape)
        return array

    def converted(self, source: Any, dtype: np.dtype[Any]) -> Any:
        """Return an array or matrix in a type; the conversion is cached."""
        if source.dtype == dtype:
            return source
        key = id(source), dtype
        if key not in self._converted:  # an id is valid while its object lives
            self._converted[key] = source, source.astype(dtype)
        return self._converted[key][1]
