"""A warning about categories of which almost all levels were merged."""

from __future__ import annotations

import warnings
from typing import Any

from sknet._numerics import Array
from sknet.preprocessing.categories import LevelRules, merged_levels, slots_of_rows
from sknet.preprocessing.columns import Table
from sknet.preprocessing.text_numbers import how_to_convert, reading_of
from sknet.preprocessing.values import Levels


# Minimum share of merged levels for a warning: a few frequent levels among many rare
# ones are worth a category.
_ALMOST_ALL = 0.9
# A category is lost if merged levels hold more than this share of the rows.
_LOST = 0.5
# Minimum share of rows with merged levels for a warning about numbers and dates, which
# may have one frequent level besides.
_SOME = 0.1


def warn_of_merged_levels(
    table: Table,
    places: list[int],
    found: list[Levels],
    categories: list[dict[str, Any]],
    rules: LevelRules,
) -> None:
    """Warn about categories of which most rows or levels were merged.

    The warning depends only on the column, so that it is shown once for the fits to
    several folds.

    Parameters
    ----------
    table : Table
        The table.
    places : list of int
        Indices of the categorical columns.
    found : list of Levels
        The categorical columns.
    categories : list of dict
        The encoding of each category.
    rules : LevelRules
        The rules of the encoding. If the user has set ``min_frequency``, there is no
        warning about text that is neither numbers nor dates.
    """
    for j, levels, category in zip(places, found, categories, strict=True):
        if category["rare"] < 0:
            continue
        share = _merged_share(levels, category, rules.weight)
        nearly_all, is_lost = _are_nearly_all_merged(category), share > _LOST
        if not is_lost and not (nearly_all and share >= _SOME):
            continue
        reading = reading_of(list(category["slots"]))
        if reading is not None:
            name = j if table.names is None else table.names[j]
            advice = how_to_convert(reading, name, table.library)
        elif rules.min_frequency == "auto" and nearly_all and is_lost:
            advice = (
                "They are neither numbers nor dates. Drop the column if it is an "
                "identifier; convert free text to numeric columns first, e.g. with "
                "TfidfVectorizer; else merge rare levels into larger groups."
            )
        else:
            continue
        warnings.warn(
            f"{table.label(j)} of X is a category, but almost all of its levels have "
            "too few rows and were merged into one, so that the model learns almost "
            f"nothing from it. {advice}",
            stacklevel=2,
        )


def _are_nearly_all_merged(category: dict[str, Any]) -> bool:
    """Return whether almost all levels were merged."""
    return len(merged_levels(category)) >= _ALMOST_ALL * len(category["slots"])


def _merged_share(levels: Levels, category: dict[str, Any], weight: Array) -> float:
    """Return the share of rows with a merged level among non-missing rows."""
    slots = slots_of_rows(levels, category)
    total = float(weight[levels.codes >= 0].sum())
    return float(weight[slots == category["rare"]].sum()) / total if total else 0.0
