"""Conversion of the label types of dataframes to plain arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknet.preprocessing.columns import frame_library


def plain_labels(y: Any) -> Any:
    """Convert labels of dataframe types, and NumPy's variable-width strings.

    scikit-learn would convert nullable integers and booleans to floats.

    Parameters
    ----------
    y : object
        Labels, as passed by the user.

    Returns
    -------
    y : object
        Labels of a plain type, or ``y`` itself if it needs no conversion. A dataframe
        of a single column becomes an array of shape (N, 1).

    Raises
    ------
    ValueError
        If a label is missing.
    """
    column = _only_column(y)
    if column is not None:
        return np.asarray(plain_labels(column)).reshape(-1, 1)
    dtype = getattr(y, "dtype", None)
    if getattr(dtype, "kind", "") == "T":
        return y.astype(object)
    if isinstance(dtype, np.dtype) or not hasattr(y, "isna"):
        return y
    if np.any(y.isna()):
        raise ValueError("Input y contains NaN: labels must not be missing.")
    plain = getattr(dtype, "numpy_dtype", None)
    is_number = plain is not None and plain.kind in "biuf"
    return y.to_numpy(dtype=plain) if is_number else y


def _only_column(y: Any) -> Any:
    """Return the column of a single-column dataframe; None for anything else."""
    library = frame_library(y)
    if library is None or len(y.shape) != 2 or y.shape[1] != 1:
        return None
    if library == "pandas":
        return y.iloc[:, 0]
    return y.to_series(0) if library == "polars" else y.column(0)
