"""Precision: predictions have the type of the input, whatever the computation's."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknet._numerics import Array


_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


def type_of_rows(X: Any) -> np.dtype[Any]:
    """Return the type of the predictions for a table.

    Parameters
    ----------
    X : {array-like, sparse matrix, dataframe} of shape (N, D)
        Features, as passed by the user.

    Returns
    -------
    dtype : dtype
        float32 if scikit-learn would convert the input to it: for a float32 array, and
        for a pandas table whose columns have it as their common type. Otherwise
        float64, which keeps integers, text and other objects as exact as possible.
    """
    dtype = getattr(X, "dtype", None)
    if dtype is None:
        dtype = _common_type(getattr(X, "dtypes", None))
    single = isinstance(dtype, np.dtype) and dtype == _SINGLE
    return _SINGLE if single else _DOUBLE


def _common_type(types: Any) -> np.dtype[Any] | None:
    """Return the common type of a table's columns, if all are numeric NumPy types."""
    found = () if types is None else tuple(set(types))
    if not found or not all(isinstance(t, np.dtype) for t in found):
        return None
    return np.result_type(*found) if all(t.kind in "biuf" for t in found) else None


def in_type(values: Array, dtype: np.dtype[Any]) -> Array:
    """Convert numbers to another type, clipped to its range.

    Parameters
    ----------
    values : ndarray
        Finite numbers.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    values : ndarray
        Finite numbers; the same array if it already has this type.
    """
    if dtype.itemsize < values.dtype.itemsize:
        end = np.finfo(dtype).max
        values = np.clip(values, -end, end)
    return values.astype(dtype, copy=False)
