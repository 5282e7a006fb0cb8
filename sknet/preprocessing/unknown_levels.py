"""Warnings about levels that are unknown, or of another type than in ``fit``."""

from __future__ import annotations

import math
import reprlib
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from sknet.preprocessing.values import EXACT, Levels


def warn_of_unknown_levels(
    levels: Levels, category: dict[str, Any], label: str
) -> None:
    """Warn if the levels of a column do not match those in ``fit``.

    There is a warning if no level is known, if unknown levels have another type than
    in ``fit``, or if integers were converted to floats that round them. Other unknown
    levels are normal. A column without any level in ``fit`` cannot be compared.

    Parameters
    ----------
    levels : Levels
        The column.
    category : dict
        Result of :func:`~sknet.preprocessing.categories.fit_category`.
    label : str
        Label of the column in the message.
    """
    known = category["slots"]
    if not known:
        return
    present = np.unique(levels.codes[levels.codes >= 0]).tolist()
    values = [levels.values[code] for code in present]
    unknown = [value for value in values if value not in known]
    if _are_rounded(values, known):
        warnings.warn(
            f"{label} of X holds floats, which round integers beyond 2**53, but fit "
            f"had such integers, e.g. {_largest(known)}: different levels may have "
            "become equal. Read the column with an integer type that supports missing "
            'values (e.g. "Int64" in pandas).',
            stacklevel=2,
        )
    elif unknown:
        _warn_of_unknown(unknown, len(unknown) == len(values), known, label)


def _warn_of_unknown(
    unknown: list[Any], no_level: bool, known: dict[Any, int], label: str
) -> None:
    """Warn if no level is known, or if an unknown one is of another type."""
    others = _of_another_type(unknown, known)
    pair = _same_but_rounded(unknown, known)
    if pair is not None:
        warnings.warn(
            f"{label} of X has floats of another precision than in fit, e.g. "
            f"{pair[0]!r} where fit had {pair[1]!r}: they are different levels, and "
            "count as unknown. Convert the column to its type in fit (float32 or "
            "float64), or convert its levels to text or integers.",
            stacklevel=2,
        )
    elif others:
        now, fitted = others[0], _like(others[0], known)
        warnings.warn(
            f"{label} of X has levels of type {_types(others)}, e.g. "
            f"{reprlib.repr(now)}, but in fit its levels were of type {_types(known)}, "
            f"e.g. {reprlib.repr(fitted)}. Levels of another type are different "
            f"levels: {'all' if no_level else 'these'} count as unknown. Convert them "
            f"as in fit: {_conversion(now, fitted)}.",
            stacklevel=2,
        )
    elif no_level:
        warnings.warn(
            f"{label} of X has no level that is known from fit: all levels count as "
            f"unknown. They are of type {_types(unknown)}; in fit, levels were of type "
            f"{_types(known)}, e.g. {reprlib.repr(next(iter(known)))}. If they should "
            "be the same levels, write them as in fit (type, case, blanks); if they "
            "are new, refit with rows that have them.",
            stacklevel=2,
        )


def _same_but_rounded(
    unknown: list[Any], known: dict[Any, int]
) -> tuple[float, float] | None:
    """Return a level and a level of ``fit`` equal to it up to rounding, or None."""
    floats = [value for value in unknown if type(value) is float]
    for dtype in (np.float32, np.float16) if floats else ():
        with np.errstate(over="ignore"):
            of_fit = {dtype(v).item(): v for v in known if type(v) is float}
            for value in floats:
                if dtype(value).item() in of_fit:
                    return value, of_fit[dtype(value).item()]
    return None


def _of_another_type(unknown: list[Any], known: dict[Any, int]) -> list[Any]:
    """Return the levels that are text while ``fit`` had numbers, or vice versa.

    If ``fit`` had both, return the levels that are known if converted to the other
    type.
    """
    kinds = {isinstance(value, str) for value in known}
    if len(kinds) == 1:
        return [value for value in unknown if isinstance(value, str) not in kinds]
    return [v for v in unknown if any(other in known for other in _readings(v))]


def _like(value: Any, known: dict[Any, int]) -> Any:
    """Return the level of ``fit`` that a level converts to, or else any level."""
    readings = [other for other in _readings(value) if other in known]
    if not readings:
        return next(
            v for v in known if isinstance(v, str) is not isinstance(value, str)
        )
    return next(v for v in known if v == readings[0])


def _conversion(now: Any, fitted: Any) -> str:
    """Return a description of how to convert one level to the other."""
    if isinstance(fitted, bool):  # bool() of any text but "" is True
        return "map 'True' to True and 'False' to False"
    if isinstance(now, float) and now.is_integer() and fitted == str(int(now)):
        return "to int, keeping missing values, and then to str"
    return f"to {type(fitted).__name__}"


def _readings(value: Any) -> Iterator[Any]:
    """Yield a text converted to numbers or a boolean, or a number converted to text."""
    if not isinstance(value, str):
        yield str(value)
        if isinstance(value, float) and value.is_integer():
            yield str(int(value))
        return
    if value in ("True", "False"):
        yield value == "True"
    for kind in (int, float):
        with suppress(ValueError):
            yield kind(value)


def _are_rounded(values: list[Any], known: dict[Any, int]) -> bool:
    """Return whether there are large floats, and known levels that floats round."""
    large = any(
        type(value) is float and abs(value) >= EXACT and math.isfinite(value)
        for value in values
    )
    return large and any(not holds(np.float64, v) for v in known if type(v) is int)


def holds(dtype: Any, value: Any) -> bool:
    """Return whether a floating-point type represents a number exactly.

    Parameters
    ----------
    dtype : type
        The type, e.g. ``np.float64``.
    value : int or float
        The number.

    Returns
    -------
    holds : bool
        Whether the number is not rounded.
    """
    try:
        with np.errstate(over="ignore"):
            return bool(dtype(value).item() == value)
    except OverflowError:
        return False


def _largest(known: Iterable[Any]) -> int:
    """Return the integer of largest magnitude."""
    return max((v for v in known if type(v) is int), key=abs)


def _types(values: Iterable[Any]) -> str:
    """Return the names of the types of levels."""
    return " and ".join(sorted({type(value).__name__ for value in values}))
