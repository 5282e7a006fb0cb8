"""Values of one column: numbers, a category, or arbitrary objects."""

from __future__ import annotations

import datetime
import math
import numbers
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.preprocessing.containers import NUMBERS_FROM_DATES


# Integers up to this are represented exactly in float64.
EXACT = 2.0**53

_MISSING = ("NoneType", "NAType", "NaTType")
_DATES = (datetime.date, datetime.time, datetime.timedelta)
_NUMPY_DATES = (np.datetime64, np.timedelta64)


@dataclass(frozen=True)
class Levels:
    """A column read as a category.

    Parameters
    ----------
    codes : ndarray of int of shape (N,)
        Index into ``values`` for each row; -1 if it is missing.
    values : list
        Plain values: strings, numbers and booleans. They are compared as in Python: 1,
        1.0 and True are the same level, and "1" is another.
    """

    codes: Array
    values: list[Any]

    def translated(self, numbers_of: dict[Any, int], unknown: int) -> Array:
        """Return a number for each row by its level, or -1 if it is missing."""
        table = [numbers_of.get(value, unknown) for value in self.values]
        return np.array([*table, -1], dtype=np.intp)[self.codes]


@dataclass(frozen=True)
class Numbers:
    """A column of numbers or booleans.

    Parameters
    ----------
    values : ndarray of shape (N,)
        Values of a real or boolean type.
    missing : ndarray of bool of shape (N,), optional
        Mask of missing values for types without NaN. Integers are not converted to
        float64, which would round those beyond 2**53.
    """

    values: Array
    missing: Array | None = None

    @property
    def is_category(self) -> bool:
        """Whether the column is a category by its type."""
        return self.values.dtype.kind == "b"

    def numbers(self, label: str) -> Array:
        """Return float64 values, with NaN for missing values."""
        del label
        values = self.values.astype(np.float64, copy=False)
        return (
            values if self.missing is None else np.where(self.missing, np.nan, values)
        )

    def levels(self, label: str) -> Levels:
        """Return the column read as a category."""
        del label
        missing = np.isnan(self.values) if self.missing is None else self.missing
        values, codes = np.unique(self.values[~missing], return_inverse=True)
        all_codes = np.full(len(missing), -1)
        all_codes[~missing] = codes.ravel()
        return Levels(all_codes, values.tolist())


@dataclass(frozen=True)
class Coded:
    """A column of a categorical type: codes and levels.

    Parameters
    ----------
    codes : ndarray of int of shape (N,)
        Index of the level of each row; -1 if it is missing.
    categories : list
        The levels; some may not occur.
    """

    codes: Array
    categories: list[Any]

    is_category = True

    def numbers(self, label: str) -> Array:
        """Return the values as float64, if the levels are numbers."""
        values = Objects(_objects(self.categories)).numbers(label)
        return np.append(values, np.nan)[self.codes]

    def levels(self, label: str) -> Levels:
        """Return the column read as a category, with plain values as levels."""
        del label
        # Levels in Arrow may be missing values, too.
        missing = [*map(_is_missing, self.categories), True]
        codes = np.where(np.array(missing)[self.codes], -1, self.codes)
        return Levels(codes, [_plain(value) for value in self.categories])


@dataclass(frozen=True)
class Objects:
    """A column of text, or of arbitrary Python objects.

    Parameters
    ----------
    values : ndarray of object, of shape (N,)
        Values, with None, NaN or pandas' NA for missing values.
    is_text : bool, default=False
        Whether the column has a text type, even if all values are missing.
    """

    values: Array
    is_text: bool = False

    @property
    def is_category(self) -> bool:
        """Whether the column contains text, or only booleans."""
        if self.is_text:
            return True
        types = self._types()
        if any(issubclass(kind, str) for kind in types):
            return True
        if not types or any(not issubclass(t, bool | np.bool_ | float) for t in types):
            return False
        present = (v for v in self.values if type(v).__name__ not in _MISSING)
        found = [v for v in present if v == v]  # without NaN
        return bool(found) and all(isinstance(v, bool | np.bool_) for v in found)

    def numbers(self, label: str) -> Array:
        """Return float64 values, with NaN for missing values."""
        types = self._types()
        _refuse_odd_types(types, label)
        if any(issubclass(kind, str) for kind in types):
            text = next(value for value in self.values if isinstance(value, str))
            raise ValueError(
                f"{label} of X should be numeric, but contains text, e.g. "
                f"{str(text)!r}: could not convert string to float. Convert it to "
                "numbers (pandas.to_numeric), or fit with this column in "
                "categorical_features."
            )
        missing = [type(value).__name__ in _MISSING for value in self.values]
        return np.where(missing, np.nan, self.values).astype(np.float64)

    def levels(self, label: str) -> Levels:
        """Return the column read as a category."""
        _refuse_odd_types(self._types(), label)
        index: dict[Any, int] = {}
        codes = [index.setdefault(value, len(index)) for value in self.values]
        present = [value for value in index if not _is_missing(value)]
        number = {value: n for n, value in enumerate(present)}
        table = np.array([number.get(value, -1) for value in index], dtype=np.intp)
        return Levels(table[codes], [_plain(value) for value in present])

    def _types(self) -> set[type]:
        """Return the types of non-missing values; NaN counts as a number."""
        types = set(map(type, self.values))
        return {kind for kind in types if kind.__name__ not in _MISSING}


Column = Numbers | Coded | Objects


def _refuse_odd_types(types: Iterable[type], label: str) -> None:
    """Raise an error for types that are neither text nor numbers."""
    for kind in sorted(types, key=lambda kind: kind.__name__):
        if issubclass(kind, _DATES + _NUMPY_DATES):
            raise TypeError(
                f"{label} of X holds values of type {kind.__name__}; "
                f"{NUMBERS_FROM_DATES}"
            )
        if issubclass(kind, complex | np.complexfloating):
            raise ValueError(f"Complex data not supported: {label} of X.")
        if issubclass(kind, bytes):
            raise TypeError(
                f"{label} of X holds values of type {kind.__name__}, but their text "
                'encoding is unknown. Decode them first, e.g. value.decode("utf-8").'
            )
        if not issubclass(kind, str | numbers.Number | np.bool_):
            raise TypeError(
                f"{label} of X holds values of type {kind.__name__}: an argument must "
                "be a string or a real number. Convert it to columns of strings or "
                "numbers."
            )


def _plain(value: Any) -> Any:
    """Return a level as a str, bool, int or float."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, numbers.Number) and not isinstance(value, complex):
        return _plain_number(value)
    return str(value)  # intervals, dates or periods of a categorical column


def _plain_number(value: Any) -> Any:
    """Return a Decimal, a Fraction or a long double as a plain level.

    Integers become int, and other numbers float. Decimals with more digits than a float
    become text, because as floats different ones could be equal.
    """
    near = float(value)
    if near.is_integer() and int(value) == value:
        return int(value)
    is_like_it = not math.isfinite(near) or Decimal(repr(near)) == value
    if is_like_it or not isinstance(value, Decimal):
        return near
    return f"{value:f}".rstrip("0")


def _is_missing(value: Any) -> bool:
    """Return whether a value stands for a missing one."""
    return type(value).__name__ in _MISSING or value != value


def _objects(values: Sequence[Any]) -> Array:
    """Return values as a one-dimensional array of objects."""
    return np.fromiter(values, dtype=object, count=len(values))
