"""Names of the output columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.preprocessing.categories import kept_levels


def names_of_columns(
    names_in: Array,
    is_categorical: Array,
    categories: list[dict[str, Any]],
    sometimes_missing: list[int],
) -> Array:
    """Return the names of numbers, flags and codes.

    Parameters
    ----------
    names_in : ndarray of str of shape (D,)
        Names of the features.
    is_categorical : ndarray of bool of shape (D,)
        Whether each feature is a category.
    categories : list of dict
        The encoding of each category.
    sometimes_missing : list of int
        Indices of the numeric columns with a flag for missing numbers.

    Returns
    -------
    names : ndarray of str
        Unique names.
    """
    numeric, flags, codes = list(names_in[~is_categorical]), [], []
    for name, category in zip(names_in[is_categorical], categories, strict=True):
        if category["is_code"]:
            codes.append(name)
        else:
            flags += _names_of_flags(category, name)
    flags += [f"{numeric[k]}_missing" for k in sometimes_missing]
    return np.array(_distinct([*numeric, *flags, *codes], names_in), dtype=object)


def _names_of_flags(category: dict[str, Any], name: str) -> list[str]:
    """Return the names of the flags of a category."""
    if category["n_slots"] == 2:
        return [name]
    levels = [str(value) for value in kept_levels(category)]
    levels += ["infrequent"] * (category["rare"] >= 0)
    levels += ["missing"] * (category["missing"] >= 0)
    return [f"{name}_{level}" for level in levels]


def _distinct(names: list[str], names_in: Array) -> list[str]:
    """Append underscores to duplicate names; names of features are kept."""
    features, taken, found = set(names_in), set(names_in), []
    for name in names:
        is_feature = name in features
        features.discard(name)
        while not is_feature and name in taken:
            name += "_"
        taken.add(name)
        found.append(name)
    return found
