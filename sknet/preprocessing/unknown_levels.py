"""Warnings of levels that ``fit`` did not see, or saw as another type."""

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
    """Warn where the levels of a column are not what they were in ``fit``.

    That is where not one is known, where some are unknown and of another type than
    those of ``fit``, and where whole numbers have come as floats that round them. Other
    unknown levels are daily business. A column without any level in ``fit`` has nothing
    to compare with.

    Parameters
    ----------
    levels : Levels
        The column.
    category : dict
        What :func:`~sknet.preprocessing.categories.fit_category` gave.
    label : str
        How the message calls the column.
    """
    known = category["slots"]
    if not known:
        return
    present = np.unique(levels.codes[levels.codes >= 0]).tolist()
    values = [levels.values[code] for code in present]
    unknown = [value for value in values if value not in known]
    if _are_rounded(values, known):
        warnings.warn(
            f"{label} of X holds floats, in which whole numbers beyond 2**53 are "
            f"rounded, but fit had such of type int, e.g. {_largest(known)}: different "
            "levels may have become one. Read the column as whole numbers, of a type "
            'that may have gaps (e.g. "Int64" of pandas).',
            stacklevel=2,
        )
    elif unknown:
        _warn_of_strangers(unknown, len(unknown) == len(values), known, label)


def _warn_of_strangers(
    unknown: list[Any], no_level: bool, known: dict[Any, int], label: str
) -> None:
    """Warn if no level is known, or if an unknown one is of another type."""
    others = _of_another_type(unknown, known)
    pair = _same_but_rounded(unknown, known)
    if pair is not None:
        warnings.warn(
            f"{label} of X has floats of another precision than in fit, e.g. "
            f"{pair[0]!r} where fit had {pair[1]!r}: they are other levels, and count "
            "as unknown. Convert the column as it was in fit (float32 or float64), or "
            "make its levels text or whole numbers.",
            stacklevel=2,
        )
    elif others:
        now, fitted = others[0], _like(others[0], known)
        warnings.warn(
            f"{label} of X has levels of type {_types(others)}, e.g. "
            f"{reprlib.repr(now)}, but in fit its levels were of type {_types(known)}, "
            f"e.g. {reprlib.repr(fitted)}. Levels of another type are other levels: "
            f"{'all' if no_level else 'these'} count as unknown. Convert them as they "
            f"were in fit: {_conversion(now, fitted)}.",
            stacklevel=2,
        )
    elif no_level:
        warnings.warn(
            f"{label} of X has no level that fit knows: all here count as unknown. "
            f"They are of type {_types(unknown)}, in fit levels were of type "
            f"{_types(known)}, e.g. {reprlib.repr(next(iter(known)))}. If they are the "
            "same levels, write them as in fit (type, case, blanks); if they are new, "
            "fit with rows that have them.",
            stacklevel=2,
        )


def _same_but_rounded(
    unknown: list[Any], known: dict[Any, int]
) -> tuple[float, float] | None:
    """Return a level and the one of ``fit`` that it is but for rounding, or None."""
    floats = [value for value in unknown if type(value) is float]
    for dtype in (np.float32, np.float16) if floats else ():
        with np.errstate(over="ignore"):
            of_fit = {dtype(v).item(): v for v in known if type(v) is float}
            for value in floats:
                if dtype(value).item() in of_fit:
                    return value, of_fit[dtype(value).item()]
    return None


def _of_another_type(unknown: list[Any], known: dict[Any, int]) -> list[Any]:
    """Return the levels that are text where ``fit`` had numbers, or the other way.

    Where it had both, it is those which it knows in the other way.
    """
    kinds = {isinstance(value, str) for value in known}
    if len(kinds) == 1:
        return [value for value in unknown if isinstance(value, str) not in kinds]
    return [v for v in unknown if any(other in known for other in _readings(v))]


def _like(value: Any, known: dict[Any, int]) -> Any:
    """Return the level of ``fit`` that a level of another type reads like, or any."""
    readings = [other for other in _readings(value) if other in known]
    if not readings:
        return next(
            v for v in known if isinstance(v, str) is not isinstance(value, str)
        )
    return next(v for v in known if v == readings[0])


def _conversion(now: Any, fitted: Any) -> str:
    """Return how to make one level the other."""
    if isinstance(fitted, bool):  # of text, bool() would make True whatever it says
        return "map 'True' to True and 'False' to False"
    if isinstance(now, float) and now.is_integer() and fitted == str(int(now)):
        return "to int, with gaps as missing values, and then to str"
    return f"to {type(fitted).__name__}"


def _readings(value: Any) -> Iterator[Any]:
    """Return what a text is as a number or truth value, or a number as a text."""
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
    """Tell whether there are large floats, and known levels that floats would round."""
    large = any(
        type(value) is float and abs(value) >= EXACT and math.isfinite(value)
        for value in values
    )
    return large and any(not holds(np.float64, v) for v in known if type(v) is int)


def holds(dtype: Any, value: Any) -> bool:
    """Tell whether a floating-point type has a number exactly.

    Parameters
    ----------
    dtype : type
        ``np.float64``, say.
    value : int or float
        The number.

    Returns
    -------
    holds : bool
        Whether nothing is rounded.
    """
    try:
        with np.errstate(over="ignore"):
            return bool(dtype(value).item() == value)
    except OverflowError:
        return False


def _largest(known: Iterable[Any]) -> int:
    """Return the largest whole number."""
    return max((v for v in known if type(v) is int), key=abs)


def _types(values: Iterable[Any]) -> str:
    """Return the names of the types of levels."""
    return " and ".join(sorted({type(value).__name__ for value in values}))
