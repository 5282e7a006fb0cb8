"""Buffers: memory that arrays of many shapes take in turn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sknet._numerics import Array


class Buffers:
    """Memory for arrays of which one is in use at a time, as large as the largest.

    Full batches, the last one of an epoch and chunks of a validation set have shapes of
    their own, and are never needed together.
    """

    def __init__(self) -> None:
        self._flat: dict[np.dtype[Any], Array] = {}
        self._arrays: dict[tuple[np.dtype[Any], tuple[int, ...]], Array] = {}
        self._converted: dict[tuple[int, np.dtype[Any]], tuple[Any, Any]] = {}

    def array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Return an array in the memory of all others of its type, not cleared."""
        array = self._arrays.get((dtype, shape))
        return self._make(shape, dtype) if array is None else array

    def _make(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Make an array; if it is the largest so far, memory for it and all others."""
        size, flat = math.prod(shape), self._flat.get(dtype)
        if flat is None or flat.size < size:
            self._arrays = {k: a for k, a in self._arrays.items() if k[0] != dtype}
            flat = self._flat[dtype] = np.empty(size, dtype=dtype)
        array = self._arrays[dtype, shape] = flat[:size].reshape(shape)
        return array

    def converted(self, source: Any, dtype: np.dtype[Any]) -> Any:
        """Return an array or matrix in a type, converted once for all who read it."""
        if source.dtype == dtype:
            return source
        key = id(source), dtype
        if key not in self._converted:  # an id means something while its object lives
            self._converted[key] = source, source.astype(dtype)
        return self._converted[key][1]
