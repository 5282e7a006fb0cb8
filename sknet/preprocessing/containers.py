"""Unsupported containers: errors with advice on conversion."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from scipy import sparse


NUMBERS_FROM_DATES = (
    "convert dates and durations to numbers first (year, weekday, seconds ...)."
)

WIDE = ("Int128", "UInt128")  # types of polars that NumPy does not have


_CHECK = "Call X.check_format() where the matrix is made."


def refuse_odd_containers(X: Any) -> None:
    """Raise errors for containers that scikit-learn accepts, or rejects without advice.

    Parameters
    ----------
    X : object
        The features passed by the user.

    Raises
    ------
    ValueError
        For masked arrays, sparse matrices that are damaged, and dataframes with
        duplicate column names.
    TypeError
        For matrices, lazy dataframes, and for dates and durations.
    """
    if type(X) is np.ndarray and X.dtype.kind not in "mM":
        return
    refuse_mask(
        X,
        "X",
        "Impute the masked values first, e.g. "
        "SimpleImputer().fit_transform(X.filled(np.nan)).",
    )
    if isinstance(X, np.matrix):
        raise TypeError(
            "np.matrix is not supported. Convert it to an array with np.asarray."
        )
    if type(X).__name__ == "LazyFrame":
        raise TypeError("X is a polars LazyFrame; call .collect() on it first.")
    kind = getattr(getattr(X, "dtype", None), "kind", "")
    if kind in ("m", "M"):
        raise TypeError(f"X has the type {X.dtype}; {NUMBERS_FROM_DATES}")
    if sparse.issparse(X):
        if X.format in ("csr", "csc"):
            _refuse_damaged(X)
        return
    if isinstance(getattr(X, "columns", None), property):
        return
    _refuse_odd_columns(X)


def _refuse_damaged(X: Any) -> None:
    """Raise an error if the index arrays of a sparse matrix point outside of it.

    SciPy only looks at them if asked to, and otherwise reads foreign memory.
    """
    starts, indices, is_csr = X.indptr, X.indices, X.format == "csr"
    n_starts, n_indices = X.shape[not is_csr] + 1, X.shape[is_csr]
    arrays = starts, indices, X.data
    if starts.shape != (n_starts,) or any(array.ndim != 1 for array in arrays):
        raise ValueError(
            "Input X is a damaged sparse matrix: its indptr must have shape "
            f"({n_starts},), and indices and data one axis. {_CHECK}"
        )
    n_stored = min(len(indices), len(X.data))
    if starts[0] != 0 or (starts[1:] < starts[:-1]).any() or starts[-1] > n_stored:
        raise ValueError(
            "Input X is a damaged sparse matrix: its indptr must start at 0, never "
            f"decrease, and end at {n_stored} at most. {_CHECK}"
        )
    used = indices[: starts[-1]]
    if used.size and not 0 <= used.min() <= used.max() < n_indices:
        raise ValueError(
            "Input X is a damaged sparse matrix: its indices must be from 0 to "
            f"{n_indices - 1}, got {used.min()} to {used.max()}. {_CHECK}"
        )


def refuse_mask(values: Any, name: str, instead: str) -> None:
    """Raise an error for masked arrays, because their mask would be ignored.

    Parameters
    ----------
    values : object
        The object passed by the user.
    name : str
        Name of the argument.
    instead : str
        Advice for the message.

    Raises
    ------
    ValueError
        If ``values`` is a masked array.
    """
    if isinstance(values, np.ma.MaskedArray):
        raise ValueError(
            f"{name} is a masked array, whose mask would be ignored. {instead}"
        )


def narrowed(X: Any) -> Any:
    """Convert 128-bit integers of polars, which NumPy does not have, to float64.

    Parameters
    ----------
    X : object
        The features passed by the user.

    Returns
    -------
    X : object
        The converted frame; X itself if it has no such columns.
    """
    if not hasattr(X, "collect_schema"):
        return X
    types = X.collect_schema()
    wide = {name: float for name, kind in types.items() if str(kind) in WIDE}
    return X.cast(wide) if wide else X


def _refuse_odd_columns(X: Any) -> None:
    """Raise errors for columns of dates, and for duplicate names, in a dataframe."""
    names, types = _names_and_types(X)
    if names is None or types is None:
        return
    names = list(names)
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise ValueError(f"X has several columns of the same name: {doubled}.")
    for name, dtype in zip(names, types, strict=False):
        text = str(dtype).lower()
        if text.startswith(("date", "time", "duration")):
            raise TypeError(
                f"Column {name!r} of X has the type {dtype}; {NUMBERS_FROM_DATES}"
            )


def _names_and_types(X: Any) -> tuple[Any, Any]:
    """Return the names and types of the columns; None if X has none."""
    if hasattr(X, "schema") and hasattr(X, "column_names"):  # Arrow's tables
        return X.column_names, X.schema.types
    return getattr(X, "columns", None), getattr(X, "dtypes", None)
