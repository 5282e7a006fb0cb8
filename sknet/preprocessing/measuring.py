"""The statistics of a table: levels, quantiles, and the scaling derived from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from sknet._numerics import Array
from sknet.preprocessing.categories import (
    LevelRules,
    fit_category,
    kept_levels,
    merged_levels,
)
from sknet.preprocessing.columns import Table
from sknet.preprocessing.encoding import flags_of, read_levels
from sknet.preprocessing.merged_levels import warn_of_merged_levels
from sknet.preprocessing.quantiles import (
    columns_of_sparse,
    quantiles_of_columns,
    quantiles_of_sparse_columns,
    unit_weight,
)
from sknet.preprocessing.scaling import SCALINGS
from sknet.preprocessing.selection import categorical_mask, named_mask
from sknet.preprocessing.sparse_frames import is_mostly_zero, sparse_matrix_of
from sknet.preprocessing.spread import of_columns, of_sparse_columns


def measure(preprocessor: Any, X: Any, weight: Array | None) -> dict[str, Any]:
    """Return the fitted attributes of a preprocessor.

    Parameters
    ----------
    preprocessor : TabularPreprocessor
        The preprocessor, with its parameters and the names of the features.
    X : ndarray, CSR matrix or dataframe of shape (N, D)
        The validated table.
    weight : ndarray of shape (N,), or None
        Weights of the rows, not all zero; rows of weight zero are ignored.

    Returns
    -------
    attributes : dict
        Plain data.
    """
    if is_mostly_zero(X) and not _names_categories(preprocessor, X):
        matrix = sparse_matrix_of(X)
        X = X if matrix is None else matrix
    by_kind = _measure_sparse if sparse.issparse(X) else _measure_dense
    return by_kind(preprocessor, X, Weighting.of(weight))


def _names_categories(preprocessor: Any, X: Any) -> bool:
    """Return whether ``categorical_features`` names some of the columns."""
    named, names = preprocessor.categorical_features, vars(preprocessor)
    if named is None or isinstance(named, str):
        return False
    return bool(named_mask(named, X.shape[1], names.get("feature_names_in_")).any())


@dataclass(frozen=True)
class Weighting:
    """The rows that count, and their weights.

    Parameters
    ----------
    rows : slice or ndarray of bool of shape (N,)
        Rows with a positive weight.
    weight : ndarray, or None
        Weights of those rows; None if they are all equal.
    unit : float
        The weight of one row.
    """

    rows: Any
    weight: Array | None
    unit: float

    @classmethod
    def of(cls, weight: Array | None) -> Weighting:
        """Return the weighting for the weights of all rows."""
        if weight is None:
            return cls(slice(None), None, 1.0)
        rows, unit = weight > 0, unit_weight(weight)
        weight = weight[rows]
        if (weight == unit).all():
            return cls(rows, None, 1.0)
        return cls(rows, weight, unit)


def _measure_dense(preprocessor: Any, X: Any, weighting: Weighting) -> dict[str, Any]:
    """Return the fitted attributes for an array or a dataframe."""
    rows, weight, unit = weighting.rows, weighting.weight, weighting.unit
    table = Table(X, vars(preprocessor).get("feature_names_in_"))
    mask = categorical_mask(table, preprocessor.categorical_features)
    numbers = table.numbers(np.flatnonzero(~mask))[rows]
    places = np.flatnonzero(mask).tolist()
    found = [read_levels(table, j, rows) for j in places]
    counts = np.ones(len(numbers)) if weight is None else weight
    rules = LevelRules(
        preprocessor.max_one_hot, preprocessor.min_frequency, counts, unit
    )
    categories = [fit_category(levels, rules) for levels in found]
    warn_of_merged_levels(table, places, found, categories, rules)
    sometimes = _sometimes_missing(numbers) if preprocessor.missing_indicator else []
    flags = flags_of(found, categories, numbers, sometimes)
    of_numbers = quantiles_of_columns(numbers, weight, unit)
    of_flags = quantiles_of_columns(flags, weight, unit)
    spreads = [
        of_columns(numbers, of_numbers, weight, unit),
        of_columns(flags, of_flags, weight, unit),
    ]
    return {
        "n_numeric_": numbers.shape[1],
        "n_flags_": flags.shape[1],
        **_of_categories(mask, categories),
        "median_": np.nan_to_num(of_numbers[2]),
        **_scaling(preprocessor, *spreads),
        "_sometimes_missing": sometimes,
        "_from_sparse": False,
    }


def _measure_sparse(preprocessor: Any, X: Any, weighting: Weighting) -> dict[str, Any]:
    """Return the fitted attributes for a sparse matrix."""
    n_columns = X.shape[1]
    if _names_categories(preprocessor, X):
        raise TypeError(
            "A sparse matrix holds numbers only, but categorical_features names some "
            "of its columns. Pass a dense table: X.toarray()."
        )
    weight, unit = weighting.weight, weighting.unit
    columns = columns_of_sparse(X[weighting.rows])
    quantiles = quantiles_of_sparse_columns(columns, weight, unit)
    half = of_sparse_columns(columns, quantiles, weight, unit)
    none = np.empty(0)
    return {
        "n_numeric_": n_columns,
        "n_flags_": 0,
        **_of_categories(np.zeros(n_columns, dtype=bool), []),
        "median_": np.zeros(n_columns),
        **_scaling(preprocessor, (np.zeros(n_columns), half), (none, none)),
        "_sometimes_missing": [],
        "_from_sparse": True,
    }


def _sometimes_missing(numbers: Array) -> list[int]:
    """Return the columns in which some but not all numbers are missing."""
    missing = np.isnan(numbers)
    return np.flatnonzero(missing.any(axis=0) & ~missing.all(axis=0)).tolist()


def _scaling(
    preprocessor: Any,
    of_numbers: tuple[Array, Array],
    of_flags: tuple[Array, Array],
) -> dict[str, Array]:
    """Return the centers and factors of numbers and flags."""
    numeric = preprocessor.numeric
    pairs = [
        SCALINGS[numeric](*of_numbers),
        SCALINGS[numeric if preprocessor.scale_flags else None](*of_flags),
    ]
    center, scale = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    return {"center_": center, "scale_": scale}


def _of_categories(mask: Array, categories: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the attributes that describe the encoding of categories."""
    return {
        "is_categorical_": mask,
        "n_levels_": [c["n_slots"] + 1 for c in categories if c["is_code"]],
        "categories_": [
            kept_levels(category) + [None] * (category["missing"] >= 0)
            for category in categories
        ],
        "infrequent_categories_": [merged_levels(category) for category in categories],
        "_categories": categories,
    }
