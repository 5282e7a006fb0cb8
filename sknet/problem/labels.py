"""Labels of dataframes, made plain arrays of what they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknet.preprocessing.columns import frame_library


def plain_labels(y: Any) -> Any:
    """Turn labels of the types of dataframes, and NumPy's new text, into plain ones.

    scikit-learn makes floats of whole numbers and booleans that might be missing.

    Parameters
    ----------
    y : object
        Labels, as they were handed in.

    Returns
    -------
    y : object
        The same, if they are of another kind; of a dataframe of one column an array of
        shape (N, 1).

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
        raise ValueError("Input y contains NaN: labels are missing.")
    plain = getattr(dtype, "numpy_dtype", None)
    is_number = plain is not None and plain.kind in "biuf"
    return y.to_numpy(dtype=plain) if is_number else y


def _only_column(y: Any) -> Any:
    """Return the column of a dataframe that has only one; None for anything else."""
    library = frame_library(y)
    if library is None or len(y.shape) != 2 or y.shape[1] != 1:
        return None
    if library == "pandas":
        return y.iloc[:, 0]
    return y.to_series(0) if library == "polars" else y.column(0)
