"""Values of one column: numbers, a category, or whatever objects there are."""

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


# Whole numbers up to this are told apart as float64.
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
        Which of ``values`` a row has; -1 where it is missing.
    values : list
        Plain values: strings, numbers and truth values. They compare as Python
        compares: 1, 1.0 and True are one level, "1" is another.
    """

    codes: Array
    values: list[Any]

    def translated(self, numbers_of: dict[Any, int], unknown: int) -> Array:
        """Return for each row a number by its level, and -1 where it is missing."""
        table = [numbers_of.get(value, unknown) for value in self.values]
        return np.array([*table, -1], dtype=np.intp)[self.codes]


@dataclass(frozen=True)
class Numbers:
    """A column of numbers, or of truth values.

    Parameters
    ----------
    values : ndarray of shape (N,)
        Of a real or boolean type.
    missing : ndarray of bool of shape (N,), optional
        Where a number is missing, of a type that has no NaN: whole numbers stay what
        they are, for as float64 those beyond 2**53 are no longer told apart.
    """

    values: Array
    missing: Array | None = None

    @property
    def is_category(self) -> bool:
        """Whether the type says that this is a category."""
        return self.values.dtype.kind == "b"

    def numbers(self, label: str) -> Array:
        """Return float64 values, NaN where they are missing."""
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
    """A column that came as a category: numbers of levels, and the levels.

    Parameters
    ----------
    codes : ndarray of int of shape (N,)
        -1 where the level is missing.
    categories : list
        The levels; some may not occur.
    """

    codes: Array
    categories: list[Any]

    is_category = True

    def numbers(self, label: str) -> Array:
        """Return float64 values of levels that are numbers."""
        values = Objects(_objects(self.categories)).numbers(label)
        return np.append(values, np.nan)[self.codes]

    def levels(self, label: str) -> Levels:
        """Return the column as it is, with plain values for levels."""
        del label
        missing = [*map(_is_missing, self.categories), True]  # Arrow's may be, too
        codes = np.where(np.array(missing)[self.codes], -1, self.codes)
        return Levels(codes, [_plain(value) for value in self.categories])


@dataclass(frozen=True)
class Objects:
    """A column of text, or of Python objects that must be looked at.

    Parameters
    ----------
    values : ndarray of object, of shape (N,)
        None, NaN or pandas' NA where they are missing.
    is_text : bool, default=False
        Whether the container says that this is text, even where all is missing.
    """

    values: Array
    is_text: bool = False

    @property
    def is_category(self) -> bool:
        """Whether there is text, or nothing but truth values."""
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
        """Return float64 values, NaN where they are missing."""
        types = self._types()
        _refuse_odd_types(types, label)
        if any(issubclass(kind, str) for kind in types):
            text = next(value for value in self.values if isinstance(value, str))
            raise ValueError(
                f"{label} of X is to be numbers, but holds text, e.g. {str(text)!r}: "
                "could not convert string to float as it is. Make numbers of it "
                "(pandas.to_numeric), or fit with this column among "
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
        """Return the types of what is not missing; NaN has the type of a number."""
        types = set(map(type, self.values))
        return {kind for kind in types if kind.__name__ not in _MISSING}


Column = Numbers | Coded | Objects


def _refuse_odd_types(types: Iterable[type], label: str) -> None:
    """Refuse what is neither text nor a number."""
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
                f"{label} of X holds values of type {kind.__name__}, which may be text "
                'in any encoding. Decode them first, e.g. value.decode("utf-8").'
            )
        if not issubclass(kind, str | numbers.Number | np.bool_):
            raise TypeError(
                f"{label} of X holds values of type {kind.__name__}: an argument must "
                "be a string or a real number. Make columns of such out of it."
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
    return str(value)  # intervals, dates, periods that were made a category


def _plain_number(value: Any) -> Any:
    """Return a Decimal, a Fraction or a long double as a plain level.

    It is the int that it equals, if it is whole, or the float that it is written like.
    Decimals of more digits than floats have are written out, for as floats different
    ones would be one level.
    """
    near = float(value)
    if near.is_integer() and int(value) == value:
        return int(value)
    is_like_it = not math.isfinite(near) or Decimal(repr(near)) == value
    if is_like_it or not isinstance(value, Decimal):
        return near
    return f"{value:f}".rstrip("0")


def _is_missing(value: Any) -> bool:
    """Tell whether a value stands for a missing one."""
    return type(value).__name__ in _MISSING or value != value


def _objects(values: Sequence[Any]) -> Array:
    """Return an array of objects, whatever they are."""
    return np.fromiter(values, dtype=object, count=len(values))
