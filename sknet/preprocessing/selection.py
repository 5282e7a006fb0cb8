"""Selection of the categorical columns of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.preprocessing.columns import Table


def categorical_mask(table: Table, categorical_features: Any) -> Array:
    """Return the mask of the categorical columns.

    Parameters
    ----------
    table : Table
        The table.
    categorical_features : array-like, "from_dtype" or None
        The parameter of the preprocessor.

    Returns
    -------
    mask : ndarray of bool of shape (D,)
        True for categories.

    Raises
    ------
    ValueError
        If ``categorical_features`` has columns that the table does not have, or entries
        that are not bool, int or str.
    """
    n_columns = table.n_columns
    if categorical_features is None:
        return np.zeros(n_columns, dtype=bool)
    if isinstance(categorical_features, str):  # "from_dtype"
        found = [table.is_category(j) for j in range(n_columns)]
        return np.array(found, dtype=bool)
    return named_mask(categorical_features, n_columns, table.names)


def named_mask(categorical_features: Any, n_columns: int, names: Any) -> Array:
    """Return the mask of columns given by a mask, indices or names.

    Parameters
    ----------
    categorical_features : array-like of bool, int or str
        The parameter of the preprocessor.
    n_columns : int
        Number of columns D.
    names : sequence of str, or None
        Names of the columns.

    Returns
    -------
    mask : ndarray of bool of shape (D,)
        True for the given columns.
    """
    entries = np.asarray(categorical_features, dtype=object).ravel().tolist()
    if not entries:
        return np.zeros(n_columns, dtype=bool)
    _check_types(entries)
    chosen = np.array(entries)
    if chosen.dtype.kind == "U":
        chosen = _numbers_of_names(entries, names)
    if chosen.dtype.kind == "b":
        if chosen.shape != (n_columns,):
            raise ValueError(
                "categorical_features set as a boolean mask must have shape "
                f"(n_features,), got: {chosen.shape}"
            )
        return chosen.copy()
    if chosen.max() >= n_columns or chosen.min() < 0:
        raise ValueError(
            "categorical_features set as integer indices must be in "
            f"[0, n_features - 1], got {chosen.tolist()} for {n_columns} features"
        )
    mask = np.zeros(n_columns, dtype=bool)
    mask[chosen] = True
    return mask


def _check_types(entries: list[Any]) -> None:
    """Raise an error for entries that are not all bool, all int or all str."""
    kinds = {"bool": bool | np.bool_, "int": int | np.integer, "str": str}
    types = {type(entry) for entry in entries}
    names = {
        next((name for name, kind in kinds.items() if issubclass(t, kind)), t.__name__)
        for t in types
    }
    if len(names) > 1 or not names <= set(kinds):
        raise ValueError(
            "categorical_features must be an array-like of bool, int or str, got: "
            f"{', '.join(sorted(names))}."
        )


def _numbers_of_names(chosen: list[str], names: Any) -> Array:
    """Return the indices of the columns with given names."""
    if names is None:
        raise ValueError(
            "categorical_features should be passed as an array of integers or as a "
            "boolean mask when the model is fitted on data without feature names."
        )
    numbers = {name: j for j, name in enumerate(names)}
    unknown = [name for name in chosen if name not in numbers]
    if unknown:
        raise ValueError(
            f"categorical_features has an item value {unknown[0]!r} which is not a "
            "valid feature name of the training data. Observed feature names: "
            f"{list(names)}"
        )
    return np.array([numbers[name] for name in chosen])
