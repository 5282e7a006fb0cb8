"""Levels of a category: which are told apart, and what columns become of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.preprocessing.values import Levels


# With min_frequency="auto", levels of an embedding that have fewer rows are merged.
MIN_ROWS_OF_A_VECTOR = 3


@dataclass(frozen=True)
class LevelRules:
    """What decides about levels.

    Parameters
    ----------
    max_one_hot : int
        Up to so many levels become columns.
    min_frequency : int, float or "auto", or None
        See ``TabularPreprocessor``.
    weight : ndarray of shape (N,)
        Positive weights of the rows.
    unit : float
        The weight of one row.
    """

    max_one_hot: int
    min_frequency: int | float | str | None
    weight: Array
    unit: float

    def is_long(self, n_levels: int) -> bool:
        """Tell whether a category has too many levels for columns."""
        return n_levels > max(self.max_one_hot, 2)

    def least_weight(self, n_levels: int) -> float:
        """Return the weight below which a level is merged with others."""
        frequency: Any = self.min_frequency
        if frequency == "auto":
            frequency = MIN_ROWS_OF_A_VECTOR if self.is_long(n_levels) else None
        if frequency is None:
            return 0.0
        is_share = isinstance(frequency, float) and frequency < 1
        whole = self.weight.sum() if is_share else self.unit
        return float(frequency * whole) * (1 - 1e-9)  # sums of weights are rounded


def fit_category(levels: Levels, rules: LevelRules) -> dict[str, Any]:
    """Decide what becomes of a category.

    Parameters
    ----------
    levels : Levels
        The column, rows of weight zero left out.
    rules : LevelRules
        What decides.

    Returns
    -------
    category : dict
        Plain data. ``"slots"``: a number from 0 on by level; ``"n_slots"``; ``"rare"``
        and ``"missing"``: the slots of merged and of missing levels, or -1;
        ``"is_code"``: whether there are too many levels for columns.
    """
    index = {v: k for k, v in enumerate(dict.fromkeys(levels.values))}
    codes = levels.translated(index, -1)
    present = codes >= 0
    sums = np.bincount(codes[present], rules.weight[present], minlength=len(index))
    known = [value for value, k in index.items() if sums[k] > 0]
    least = rules.least_weight(len(known))
    merged = [value for value in known if sums[index[value]] < least]
    kept = sorted(set(known) - set(merged), key=_in_order)
    slots = {value: slot for slot, value in enumerate(kept)}
    n_real = len(kept) + bool(merged)
    slots |= dict.fromkeys(sorted(merged, key=_in_order), len(kept))
    has_missing = not present.all()
    return {
        "slots": slots,
        "n_slots": n_real + has_missing,
        "rare": len(kept) if merged else -1,
        "missing": n_real if has_missing else -1,
        "is_code": rules.is_long(n_real),
    }


def _in_order(value: Any) -> tuple[bool, Any]:
    """Return what levels are sorted by: numbers before text."""
    return isinstance(value, str), value


def slots_of_rows(levels: Levels, category: dict[str, Any]) -> Array:
    """Return the slot of each row, and -1 where it has none.

    A level that was not seen in training is as rare as those that were merged, and
    gets their slot, if there is one; a missing value does not.
    """
    table = [category["slots"].get(v, category["rare"]) for v in levels.values]
    return np.array([*table, category["missing"]], dtype=np.intp)[levels.codes]


def n_flags(category: dict[str, Any]) -> int:
    """Return how many columns of flags a category becomes."""
    if category["is_code"]:
        return 0
    return 1 if category["n_slots"] == 2 else category["n_slots"]


def fill_flags(levels: Levels, category: dict[str, Any], out: Array) -> None:
    """Write the flags of a category; rows without a slot get zeros.

    Parameters
    ----------
    levels : Levels
        The column.
    category : dict
        What :func:`fit_category` gave.
    out : ndarray of shape (N, n_flags)
        Two slots are -1 and 1 in one column, more of them a 1 in a column of each.
    """
    slots = slots_of_rows(levels, category)
    out[...] = 0.0
    if category["n_slots"] == 2:
        np.multiply(slots, 2.0, out=out[:, 0])
        out[:, 0] -= 1.0
        out[slots < 0, 0] = 0.0
        return
    rows = np.flatnonzero(slots >= 0)
    out[rows, slots[rows]] = 1.0


def kept_levels(category: dict[str, Any]) -> list[Any]:
    """Return the levels that have a slot of their own, in the order of the slots."""
    return [v for v, slot in category["slots"].items() if slot != category["rare"]]


def merged_levels(category: dict[str, Any]) -> list[Any]:
    """Return the levels that share the slot of rare ones."""
    return [v for v, slot in category["slots"].items() if slot == category["rare"]]


def listed(category: dict[str, Any]) -> dict[str, Any]:
    """Return a category for a file: levels and slots as two lists.

    Formats that are made of text have text for keys, in which True and "True" are one.
    """
    slots = category["slots"]
    return category | {"slots": [list(slots), list(slots.values())]}


def looked_up(category: dict[str, Any]) -> dict[str, Any]:
    """Return a category of a file as :func:`fit_category` gave it."""
    slots = category["slots"]
    if isinstance(slots, dict):  # in pickles of 0.1.0 while it was in the making
        return category
    return category | {"slots": dict(zip(*slots, strict=True))}
