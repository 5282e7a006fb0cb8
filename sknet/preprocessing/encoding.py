"""Encoding of categories and missing numbers as flags and codes."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.preprocessing.categories import fill_flags, n_flags, slots_of_rows
from sknet.preprocessing.columns import Table
from sknet.preprocessing.values import Levels


def read_levels(table: Table, j: int, rows: Any = slice(None)) -> Levels:
    """Return some rows of column ``j`` as a category."""
    levels = table.column(j).levels(table.label(j))
    return Levels(levels.codes[rows], levels.values)


def flags_of(
    found: list[Levels],
    categories: list[dict[str, Any]],
    numbers: Array,
    sometimes_missing: list[int],
) -> Array:
    """Return the flags of categories and missing numbers, not yet scaled.

    Parameters
    ----------
    found : list of Levels
        The categories of a table.
    categories : list of dict
        The encoding of each category.
    numbers : ndarray of shape (N, p)
        The numeric columns of the table, with NaN for missing values.
    sometimes_missing : list of int
        Indices of the numeric columns that get a flag.

    Returns
    -------
    flags : ndarray of shape (N, q)
        Values 0 and 1, or -1 and 1 for two levels in one column.
    """
    widths = [n_flags(category) for category in categories]
    flags = np.empty((len(numbers), sum(widths) + len(sometimes_missing)))
    start = 0
    for levels, category, width in zip(found, categories, widths, strict=True):
        if width:
            fill_flags(levels, category, flags[:, start : start + width])
        start += width
    flags[:, start:] = np.isnan(numbers[:, sometimes_missing])
    return flags


def codes_of(found: list[Levels], categories: list[dict[str, Any]]) -> list[Array]:
    """Return the codes of categories with many levels; 0 for unknown levels."""
    return [
        slots_of_rows(levels, category) + 1
        for levels, category in zip(found, categories, strict=True)
        if category["is_code"]
    ]
