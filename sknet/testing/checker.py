"""Checker: how a check says what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from sknet._component import Component
from sknet._numerics import Array


DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


class Checker:
    """Raises AssertionError in the name of one component.

    Parameters
    ----------
    component : Component
        What is checked.
    """

    def __init__(self, component: Component) -> None:
        self.component = component

    def require(self, condition: Any, what: str) -> None:
        """Refuse the component, with the words of what it breaks, unless it holds."""
        if not condition:
            raise AssertionError(f"{self.component!r}: {what}")

    def same_bits(self, now: Any, before: Any, what: str) -> None:
        """Refuse unless two arrays agree bit for bit; one may stand for all members."""
        now, before = np.broadcast_arrays(now, before)
        if not np.array_equal(now, before, equal_nan=True):
            differ = (now != before) & ~(np.isnan(now) & np.isnan(before))
            where = tuple(int(i) for i in np.argwhere(differ)[0])
            raise AssertionError(
                f"{self.component!r}: {what}; the element {where} is "
                f"{now[where]!r} instead of {before[where]!r}"
            )

    def finite(self, array: Array, what: str) -> None:
        """Refuse a NaN or an infinity."""
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            where = tuple(int(i) for i in bad[0])
            raise AssertionError(
                f"{self.component!r}: {what}; the element {where} is {array[where]!r}"
            )

    @contextmanager
    def converting_errors(self, what: str) -> Iterator[None]:
        """Turn an exception inside into a refusal that says what was tried."""
        try:
            yield
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            raise AssertionError(
                f"{self.component!r}: {what} raises {type(error).__name__}: {error}"
            ) from error


def filled_with_nan(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return an array in which everything that is not written shows."""
    return np.full(shape, np.nan, dtype=dtype)
