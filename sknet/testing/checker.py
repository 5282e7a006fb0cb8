"""Checker: raises the errors of the checks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from sknet._component import Component
from sknet._numerics import Array


DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


class Checker:
    """Raises AssertionError for one component.

    Parameters
    ----------
    component : Component
        The component to check; its representation begins each message.
    """

    def __init__(self, component: Component) -> None:
        self.component = component

    def require(self, condition: Any, what: str) -> None:
        """Raise AssertionError with the text ``what`` unless the condition holds."""
        if not condition:
            raise AssertionError(f"{self.component!r}: {what}")

    def same_bits(self, now: Any, before: Any, what: str) -> None:
        """Require that two arrays, after broadcasting, agree bit for bit."""
        now, before = np.broadcast_arrays(now, before)
        if not np.array_equal(now, before, equal_nan=True):
            differ = (now != before) & ~(np.isnan(now) & np.isnan(before))
            where = tuple(int(i) for i in np.argwhere(differ)[0])
            raise AssertionError(
                f"{self.component!r}: {what}; the element {where} is "
                f"{now[where]!r} instead of {before[where]!r}"
            )

    def finite(self, array: Array, what: str) -> None:
        """Require that all elements are finite."""
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            where = tuple(int(i) for i in bad[0])
            raise AssertionError(
                f"{self.component!r}: {what}; the element {where} is {array[where]!r}"
            )

    @contextmanager
    def converting_errors(self, what: str) -> Iterator[None]:
        """Convert an exception into an AssertionError that states what was tried."""
        try:
            yield
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            raise AssertionError(
                f"{self.component!r}: {what} raises {type(error).__name__}: {error}"
            ) from error


def filled_with_nan(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return an array of NaN, which reveals elements that are never written."""
    return np.full(shape, np.nan, dtype=dtype)
