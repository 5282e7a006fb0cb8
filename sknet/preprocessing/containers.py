"""Containers that are refused, each with what to do instead, or converted."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from scipy import sparse


NUMBERS_FROM_DATES = (
    "dates and durations must be made numbers first (year, weekday, seconds ...)."
)

WIDE = ("Int128", "UInt128")  # of polars; NumPy has no such types


def refuse_odd_containers(X: Any) -> None:
    """Refuse what scikit-learn takes without a word, or refuses without a hint.

    Parameters
    ----------
    X : object
        Features, as they were handed in.

    Raises
    ------
    ValueError
        For masked arrays, and for dataframes with two columns of one name.
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
            "np.matrix is not supported: it never has less than two dimensions. "
            "Convert it to an array with np.asarray."
        )
    if type(X).__name__ == "LazyFrame":
        raise TypeError("X is a polars LazyFrame; call .collect() on it first.")
    kind = getattr(getattr(X, "dtype", None), "kind", "")
    if kind in ("m", "M"):
        raise TypeError(f"X has the type {X.dtype}; {NUMBERS_FROM_DATES}")
    if isinstance(getattr(X, "columns", None), property) or sparse.issparse(X):
        return
    _refuse_odd_columns(X)


def refuse_mask(values: Any, name: str, instead: str) -> None:
    """Refuse a masked array, whose mask nobody would look at.

    Parameters
    ----------
    values : object
        What was handed in.
    name : str
        What the user calls it.
    instead : str
        What the message says to do.

    Raises
    ------
    ValueError
        If it is one.
    """
    if isinstance(values, np.ma.MaskedArray):
        raise ValueError(
            f"{name} is a masked array, whose mask would be ignored. {instead}"
        )


def narrowed(X: Any) -> Any:
    """Make float64 of integers of 128 bits, which polars has and NumPy has not.

    Parameters
    ----------
    X : object
        Features, as they were handed in.

    Returns
    -------
    X : object
        The same, if there are none.
    """
    if not hasattr(X, "collect_schema"):
        return X
    types = X.collect_schema()
    wide = {name: float for name, kind in types.items() if str(kind) in WIDE}
    return X.cast(wide) if wide else X


def _refuse_odd_columns(X: Any) -> None:
    """Refuse columns of dates, and columns of one name, in a dataframe."""
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
    """Return the names and types of the columns; None where X has none."""
    if hasattr(X, "schema") and hasattr(X, "column_names"):  # Arrow's tables
        return X.column_names, X.schema.types
    return getattr(X, "columns", None), getattr(X, "dtypes", None)
