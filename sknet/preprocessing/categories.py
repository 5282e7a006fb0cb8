"""Levels of categorical columns: which of them are merged, and how they are encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.preprocessing.values import Levels


# With min_frequency="auto", embedded levels with fewer rows than this are merged.
MIN_ROWS_OF_A_VECTOR = 3


@dataclass(frozen=True)
class LevelRules:
    """The rules for merging and encoding levels.

    Parameters
    ----------
    max_one_hot : int
        Maximum number of levels that are encoded as flags.
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
        """Return whether a category has too many levels for flags."""
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
    """Determine the encoding of a category.

    Parameters
    ----------
    levels : Levels
        The column, without rows of weight zero.
    rules : LevelRules
        The rules.

    Returns
    -------
    category : dict
        Plain data. ``"slots"``: dict from levels to slots, numbered from 0;
        ``"n_slots"``: number of slots; ``"rare"`` and ``"missing"``: the slots of
        merged levels and of missing values, or -1; ``"is_code"``: whether there are too
        many levels for flags.
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
    """Return the sort key of a level: numbers before text."""
    return isinstance(value, str), value


def slots_of_rows(levels: Levels, category: dict[str, Any]) -> Array:
    """Return the slot of each row, or -1 if it has none.

    Levels that were not seen in training count as rare: they get the slot of the merged
    levels, if there is one. Missing values do not.
    """
    table = [category["slots"].get(v, category["rare"]) for v in levels.values]
    return np.array([*table, category["missing"]], dtype=np.intp)[levels.codes]


def n_flags(category: dict[str, Any]) -> int:
    """Return the number of flags of a category."""
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
        Result of :func:`fit_category`.
    out : ndarray of shape (N, n_flags)
        Output: -1 and 1 in a single column for two slots, else one-hot columns.
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
    """Return the levels with their own slot, in the order of the slots."""
    return [v for v, slot in category["slots"].items() if slot != category["rare"]]


def merged_levels(category: dict[str, Any]) -> list[Any]:
    """Return the levels that share the slot of rare levels."""
    return [v for v, slot in category["slots"].items() if slot == category["rare"]]


def listed(category: dict[str, Any]) -> dict[str, Any]:
    """Return a category in a form for files: levels and slots as two lists.

    Text formats convert dict keys to str, which would make True and "True" equal.
    """
    slots = category["slots"]
    return category | {"slots": [list(slots), list(slots.values())]}


def looked_up(category: dict[str, Any]) -> dict[str, Any]:
    """Return a category from a file in the form of :func:`fit_category`."""
    return category | {"slots": dict(zip(*category["slots"], strict=True))}
