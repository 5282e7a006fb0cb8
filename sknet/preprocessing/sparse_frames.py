"""Sparse columns of pandas frames, read without making objects of their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from sknet._numerics import Array


def is_sparse_type(dtype: Any) -> bool:
    """Return whether this is pandas' type of sparse numbers or truth values."""
    is_sparse = type(dtype).__name__ == "SparseDtype"
    return is_sparse and getattr(dtype.subtype, "kind", "O") in "biuf"


def filled(column: Any) -> Array:
    """Return the values of a sparse column, those that are not stored included.

    Parameters
    ----------
    column : SparseArray of shape (N,)
        A column of numbers or truth values.

    Returns
    -------
    values : ndarray of shape (N,)
        Of the type that the column's type names.
    """
    values = np.full(len(column), column.fill_value, dtype=column.dtype.subtype)
    values[column.sp_index.indices] = column.sp_values
    return values


def is_mostly_zero(X: Any) -> bool:
    """Return whether the columns of a frame are sparse, with zeros in half their cells.

    A matrix, which is not centred, would take more memory for any other.
    """
    if not hasattr(X, "sparse") or not all(map(is_sparse_type, X.dtypes)):
        return False
    n_others = sum(_n_others(series.array) for _, series in X.items())
    return 2 * n_others <= X.shape[0] * X.shape[1]


def _n_others(column: Any) -> int:
    """Return how many values of a sparse column are not zero."""
    n_kept = len(column.sp_values)
    n_filled = 0 if column.fill_value == 0 else len(column) - n_kept
    return n_filled + int(np.count_nonzero(column.sp_values))


def sparse_matrix_of(X: Any) -> Any:
    """Return the matrix of a frame all of whose columns are sparse.

    Parameters
    ----------
    X : object
        A table of any kind.

    Returns
    -------
    matrix : CSR matrix of shape (N, D), or None
        float64. None if X is another table, or if numbers are missing, which a matrix
        cannot tell from zeros. Columns whose fill value is not zero are stored whole.

    Raises
    ------
    ValueError
        If there is an infinity.
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
