"""Precision: predictions have the type of the rows, whatever was computed in."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknet._numerics import Array


_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


def type_of_rows(X: Any) -> np.dtype[Any]:
    """Return the type that predictions for a table have.

    Parameters
    ----------
    X : {array-like, sparse matrix, dataframe} of shape (N, D)
        Features, as they were handed in.

    Returns
    -------
    dtype : dtype
        float32 where scikit-learn would make such an array of it: of an array of
        float32, and of a pandas table whose columns have that type in common. Else
        float64: whole numbers, text and other objects are as exact as they can be.
    """
    dtype = getattr(X, "dtype", None)
    if dtype is None:
        dtype = _common_type(getattr(X, "dtypes", None))
    single = isinstance(dtype, np.dtype) and dtype == _SINGLE
    return _SINGLE if single else _DOUBLE


def _common_type(types: Any) -> np.dtype[Any] | None:
    """Return the common type of a table's columns, if they are of NumPy's numbers."""
    found = () if types is None else tuple(set(types))
    if not found or not all(isinstance(t, np.dtype) for t in found):
        return None
    return np.result_type(*found) if all(t.kind in "biuf" for t in found) else None


def in_type(values: Array, dtype: np.dtype[Any]) -> Array:
    """Return numbers in another type; those beyond its range become its ends.

    Parameters
    ----------
    values : ndarray
        Finite.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    values : ndarray
        Finite; the same array where it has that type already.
    """
    if dtype.itemsize < values.dtype.itemsize:
        end = np.finfo(dtype).max
        values = np.clip(values, -end, end)
    return values.astype(dtype, copy=False)
