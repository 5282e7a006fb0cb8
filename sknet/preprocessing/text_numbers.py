"""Recognition of text that contains numbers or dates, and advice on converting it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any


# Minimum share of the levels that must match a pattern.
_MOST = 0.9
# Approximate maximum number of levels to look at.
_MANY = 2000

_MISSING = frozenset(
    ("", "-", "--", ".", "?", "n/a", "na", "nan", "nat", "none", "null", "missing")
)
_CURRENCY = r"(?:[$€£¥₹]|[A-Z]{3}\b)"
_BEFORE = re.compile(rf"^{_CURRENCY}\s*|(?<=^[-+]){_CURRENCY}\s*")
_AFTER = re.compile(rf"\s*(?:{_CURRENCY}|%)$")
_SIGN = re.compile(rf"{_CURRENCY}|%")
_UNIT = re.compile(r"\s?[^\W\d_]{1,4}$")
_PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_POINT = re.compile(r"[-+]?(?:(?:\d+|\d{1,3}(?:[,\s'_]\d{3})+)(?:\.\d*)?|\.\d+)")
_COMMA = re.compile(r"[-+]?(?:(?:\d+|\d{1,3}(?:[.\s'_]\d{3})+)(?:,\d*)?|,\d+)")
# Ambiguous: the comma, or point, may separate thousands or decimals.
_EITHER = re.compile(r"[-+]?\d{1,3}(?:,\d{3})?")
_EITHER_POINT = re.compile(r"[-+]?(?!0)\d{1,3}(?:\.\d{3})?")

_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[APap]\.?[Mm]\.?)?"
_ZONE = r"(?:\s?(?:Z|UTC|[-+]\d{2}:?\d{2}))?"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_AT_A_TIME = rf"(?:[T\s,]\s?{_TIME}{_ZONE})?"
_YEAR_FIRST = re.compile(rf"\d{{4}}([-/.])\d{{1,2}}(?:\1\d{{1,2}})?{_AT_A_TIME}")
_YEAR_LAST = re.compile(
    rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2\d{{2}}(?:\d{{2}})?{_AT_A_TIME}"
)
_NAMED_MONTH = re.compile(
    rf"(?:[a-z]+,?\s)?(?:\d{{1,2}}[-\s.]+)?{_MONTH}[-\s]+(?:\d{{1,2}},?\s)?\d{{2,4}}{_AT_A_TIME}",
    re.IGNORECASE,
)
_TIME_ALONE = re.compile(_TIME)


def reading_of(levels: Sequence[Any]) -> str | None:
    """Return the kind of numbers or dates that the levels of a category represent.

    Parameters
    ----------
    levels : sequence of str, int, float or bool
        Distinct values of a column.

    Returns
    -------
    reading : str or None
        "numbers" for values that are already numbers; "plain" for numbers as text, or
        some text among numbers; "point" and "comma" for text with a unit, a currency or
        thousands separators, by its decimal separator; "either" and "either by point"
        if the role of the comma or point is ambiguous; "date", "day first", "month
        first" or "times"; None for anything else.
    """
    step = len(levels) // _MANY + 1
    texts = [v.strip() for v in levels[::step] if isinstance(v, str)]
    texts = [text for text in texts if text.lower() not in _MISSING]
    n_numbers = len([v for v in levels[::step] if not isinstance(v, str)])
    most = _MOST * (n_numbers + len(texts))
    if n_numbers and n_numbers >= most:
        only = all(not isinstance(v, str) for v in levels)
        return "numbers" if only else "plain"
    if not texts:
        return None
    bare = _without_unit(texts)
    if any("." in text for text in bare) and all(map(_EITHER_POINT.fullmatch, bare)):
        return "either by point"
    readings = (
        ("plain", _PLAIN, texts),
        ("either", _EITHER, bare),
        ("point", _POINT, bare),
        ("comma", _COMMA, bare),
        ("date", _YEAR_FIRST, texts),
        ("year last", _YEAR_LAST, texts),
        ("date", _NAMED_MONTH, texts),
        ("times", _TIME_ALONE, texts),
    )
    for name, pattern, values in readings:
        n_alike = sum(pattern.fullmatch(v) is not None for v in values if v)
        if n_alike + n_numbers >= most:
            return _order_of_days(texts) if name == "year last" else name
    return None


def _without_unit(texts: list[str]) -> list[str]:
    """Return texts without their common unit or currency.

    Nothing is removed if they differ, because equal numbers then mean different things.
    """
    units = {found[0] if found else "" for found in map(_UNIT.search, texts)}
    if len(units) == 1:
        texts = [text.removesuffix(*units) for text in texts]
    signs = {tuple(_SIGN.findall(text)) for text in texts}
    if len(signs - {()}) > 1:
        return texts
    return [_AFTER.sub("", _BEFORE.sub("", text)) for text in texts]


def _order_of_days(texts: list[str]) -> str:
    """Return the order of day and month in dates that end with the year."""
    found = [m for m in map(_YEAR_LAST.fullmatch, texts) if m is not None]
    first = max(int(m[1]) for m in found)
    second = max(int(m[3]) for m in found)
    if first <= 12 < second:
        return "month first"
    return "day first" if second <= 12 < first else "date"


def how_to_convert(reading: str, name: Any, library: str | None) -> str:
    """Return advice on converting a column to numbers.

    Parameters
    ----------
    reading : str
        Result of :func:`reading_of`.
    name : object
        Name of the column, or its index in an array.
    library : str or None
        The library of the table; None for an array.

    Returns
    -------
    advice : str
        Text with an expression to copy.
    """
    if reading == "numbers":
        return (
            "They are numbers: leave the column out of categorical_features, or give "
            "it a numeric type."
        )
    write = _in_polars if library == "polars" else _in_pandas
    column = _column(name, library)
    if library == "polars" and reading not in _NUMBERS:
        # pandas parses time zones, names of months, and AM/PM.
        write, column = _in_pandas, f"X[{name!r}].to_pandas()"
    expression = write(reading, column)
    if reading in _EITHER_WAY:
        sign, thousands, decimals = _EITHER_WAY[reading]
        return (
            f"They look like numbers. Convert them first: if the {sign} separates "
            f"thousands, {write(thousands, column)}; if it separates decimals, "
            f"{write(decimals, column)}."
        )
    if reading in ("plain", "point", "comma"):
        return (
            "They look like numbers. Drop the column if it is an identifier; else "
            f"convert it first: {expression}."
        )
    parts = "the year, the month, the weekday, or the days since the first"
    if reading == "times":
        parts = "the hour, or the seconds since midnight"
    return (
        f"They look like {'times' if reading == 'times' else 'dates'}. Convert them to "
        f"numbers first: d = {expression}, then {parts}."
    )


def _column(name: Any, library: str | None) -> str:
    """Return an expression for a column."""
    match library:
        case "polars":
            return f"polars.col({name!r})"
        case "pyarrow":
            return f"X[{name!r}].to_pandas()"
        case "pandas":
            return f"X[{name!r}]" if isinstance(name, str) else f"X.iloc[:, {name}]"
        case _:
            return f"pandas.Series(numpy.asarray(X)[:, {name}])"


# Characters that are not part of a number, by decimal separator. Brackets are kept, so
# that amounts in brackets, which are negative, become missing values.
_NO_PART = {"point": r"[^\d.()+-]", "comma": r"[^\d,()+-]"}

# Ambiguous readings: the separator, and the readings if it separates thousands or
# decimals.
_EITHER_WAY = {
    "either": ("comma", "point", "comma"),
    "either by point": ("point", "comma", "point"),
}
_NUMBERS = ("plain", *_NO_PART, *_EITHER_WAY)


def _in_pandas(reading: str, column: str) -> str:
    """Return an expression that converts a column with pandas."""
    if reading in _NO_PART:
        # astype(str), because .str would turn numbers among the text into NaN.
        column += f'.astype(str).str.replace(r"{_NO_PART[reading]}", "", regex=True)'
    if reading == "comma":
        column += '.str.replace(",", ".")'
    if reading in ("plain", *_NO_PART):
        return f'pandas.to_numeric({column}, errors="coerce")'
    first = ", dayfirst=True" if reading == "day first" else ""
    return f'pandas.to_datetime({column}{first}, errors="coerce")'


def _in_polars(reading: str, column: str) -> str:
    """Return an expression that converts a column of numbers with polars."""
    column += ".cast(polars.String)"
    if reading in _NO_PART:
        column += f'.str.replace_all(r"{_NO_PART[reading]}", "")'
    if reading == "comma":
        column += '.str.replace(",", ".")'
    if reading == "plain":
        column += ".str.strip_chars()"
    return f"{column}.cast(polars.Float64, strict=False)"
