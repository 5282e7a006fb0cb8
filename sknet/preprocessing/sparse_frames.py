"""Sparse columns of pandas frames, read without conversion to objects."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from sknet._numerics import Array


def is_sparse_type(dtype: Any) -> bool:
    """Return whether a dtype is pandas' type of sparse numbers or booleans."""
    is_sparse = type(dtype).__name__ == "SparseDtype"
    return is_sparse and getattr(dtype.subtype, "kind", "O") in "biuf"


def filled(column: Any) -> Array:
    """Return all values of a sparse column, including those that are not stored.

    Parameters
    ----------
    column : SparseArray of shape (N,)
        A column of numbers or booleans.

    Returns
    -------
    values : ndarray of shape (N,)
        Values of the column's subtype.
    """
    values = np.full(len(column), column.fill_value, dtype=column.dtype.subtype)
    values[column.sp_index.indices] = column.sp_values
    return values


def is_mostly_zero(X: Any) -> bool:
    """Return whether a frame has only sparse columns, and zeros in half of its cells.

    Other frames are not read as a matrix: it would take more memory, and is not
    centred.
    """
    if not hasattr(X, "sparse") or not all(map(is_sparse_type, X.dtypes)):
        return False
    n_others = sum(_n_others(series.array) for _, series in X.items())
    return 2 * n_others <= X.shape[0] * X.shape[1]


def _n_others(column: Any) -> int:
    """Return the number of nonzero values of a sparse column."""
    n_kept = len(column.sp_values)
    n_filled = 0 if column.fill_value == 0 else len(column) - n_kept
    return n_filled + int(np.count_nonzero(column.sp_values))


def sparse_matrix_of(X: Any) -> Any:
    """Return a frame with only sparse columns as a sparse matrix.

    Parameters
    ----------
    X : object
        A table of any kind.

    Returns
    -------
    matrix : CSR matrix of shape (N, D), or None
        A matrix of float64. None if X is any other table, or if values are missing,
        because sparse matrices with missing values are not supported. Columns with a
        nonzero fill value are stored in full.

    Raises
    ------
    ValueError
        If X contains infinities.
    """
    types: Any = getattr(X, "dtypes", None)
    if not hasattr(X, "sparse") or not all(is_sparse_type(dtype) for dtype in types):
        return None
    rows, values = [], []
    for _, series in X.items():
        column = series.array
        if column.fill_value == 0:
            rows.append(column.sp_index.indices)
            values.append(column.sp_values.astype(np.float64))
        else:
            rows.append(np.arange(len(column)))
            values.append(filled(column).astype(np.float64))
        if np.isnan(values[-1]).any():
            return None
    ends = np.cumsum([0, *map(len, rows)])
    parts = (np.concatenate(values), np.concatenate(rows), ends)
    if np.isinf(parts[0]).any():
        j = int(np.searchsorted(ends, np.isinf(parts[0]).argmax(), side="right")) - 1
        raise ValueError(
            "Input X contains infinity or a value too large for dtype('float64') in "
            f"column {X.columns[j]!r}."
        )
    return sparse.csc_matrix(parts, shape=X.shape).tocsr()
