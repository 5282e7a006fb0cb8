"""Things that wait beside an array for whoever comes with it again.

What a fitted estimator holds is plain data. What was made of them and is dear to make
anew waits here instead, as long as the array lives, and is handed out once.
"""

from __future__ import annotations

import weakref
from typing import Generic, TypeVar

import numpy as np


T = TypeVar("T")


class ReuseCache(Generic[T]):
    """Things of one kind, each beside an array.

    They are found by the array itself, not by its numbers: a copy of it finds nothing.
    Threads may leave and take at the same time.
    """

    def __init__(self) -> None:
        self._things: dict[int, tuple[weakref.ref[np.ndarray], T]] = {}

    def leave(self, array: np.ndarray, thing: T) -> None:
        """Let a thing wait that the caller lets go of.

        Parameters
        ----------
        array : ndarray
            When it dies, the thing is dropped.
        thing : object
            Must not hold the array.
        """
        things, place = self._things, id(array)

        def forget(_: object) -> None:
            things.pop(place, None)

        things[place] = weakref.ref(array, forget), thing

    def take(self, array: np.ndarray) -> T | None:
        """Return what waits beside an array, which nobody else gets, or None."""
        reference, thing = self._things.pop(id(array), (None, None))
        return thing if reference is not None and reference() is array else None
