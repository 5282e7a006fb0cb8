"""A warning of categories of which nearly nothing is left: their levels were merged."""

from __future__ import annotations

import warnings
from typing import Any

from sknet._numerics import Array
from sknet.preprocessing.categories import LevelRules, merged_levels, slots_of_rows
from sknet.preprocessing.columns import Table
from sknet.preprocessing.text_numbers import how_to_convert, reading_of
from sknet.preprocessing.values import Levels


# Text is warned of from this share of merged levels on: a few frequent levels among
# many rare ones are worth a category.
_ALMOST_ALL = 0.9
# A category is lost if merged levels have more than this share of the rows.
_LOST = 0.5
# Numbers and dates are warned of from this share on, beside one frequent level.
_SOME = 0.1


def warn_of_merged_levels(
    table: Table,
    places: list[int],
    found: list[Levels],
    categories: list[dict[str, Any]],
    rules: LevelRules,
) -> None:
    """Warn of each category most of whose rows, or levels, were merged.

    The text of the warning depends on nothing but the column, so that fits to many
    folds are told of once.

    Parameters
    ----------
    table : Table
        For names.
    places : list of int
        Which columns are categories.
    found : list of Levels
        Those columns.
    categories : list of dict
        What becomes of them.
    rules : LevelRules
        What decided about it. Of text that is neither numbers nor dates nothing is said
        to a user who has set ``min_frequency``.
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
                "They read as neither numbers nor dates. Leave an identifier out; "
                "make columns of free text first, e.g. with TfidfVectorizer; merge "
                "rare levels into larger groups."
            )
        else:
            continue
        warnings.warn(
            f"{table.label(j)} of X is a category, but almost all of its levels have "
            "too few rows and were merged into one, so that the model learns next to "
            f"nothing from it. {advice}",
            stacklevel=2,
        )


def _are_nearly_all_merged(category: dict[str, Any]) -> bool:
    """Return whether hardly a level has a slot of its own."""
    return len(merged_levels(category)) >= _ALMOST_ALL * len(category["slots"])


def _merged_share(levels: Levels, category: dict[str, Any], weight: Array) -> float:
    """Return the share of merged levels in the rows that have a level."""
    slots = slots_of_rows(levels, category)
    total = float(weight[levels.codes >= 0].sum())
    return float(weight[slots == category["rare"]].sum()) / total if total else 0.0
