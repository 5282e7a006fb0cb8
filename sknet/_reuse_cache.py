"""A cache of objects that are expensive to create, each kept for one array.

A fitted estimator holds only plain data. An object that was created from these data and
is expensive to create again is kept here as long as the array exists, and is handed out
once.
"""

from __future__ import annotations

import weakref
from typing import Generic, TypeVar

import numpy as np


T = TypeVar("T")


class ReuseCache(Generic[T]):
    """A cache of objects of one type, each stored with an array as its key.

    The key is the array object itself, not its values: a copy of the array finds
    nothing. Threads may call ``leave`` and ``take`` at the same time.
    """

    def __init__(self) -> None:
        self._things: dict[int, tuple[weakref.ref[np.ndarray], T]] = {}

    def leave(self, array: np.ndarray, thing: T) -> None:
        """Store an object that the caller no longer uses.

        Parameters
        ----------
        array : ndarray
            The key; when it is deleted, the object is dropped.
        thing : object
            The object; it must not hold a reference to the array.
        """
        things, place = self._things, id(array)

        def forget(_: object) -> None:
            things.pop(place, None)

        things[place] = weakref.ref(array, forget), thing

    def take(self, array: np.ndarray) -> T | None:
        """Remove and return the object stored with an array; None if there is none."""
        reference, thing = self._things.pop(id(array), (None, None))
        return thing if reference is not None and reference() is array else None
