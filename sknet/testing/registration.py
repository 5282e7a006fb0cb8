"""Temporary registration of a component."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sknet._component import Registry


@contextmanager
def temporarily_registered(
    registry: Registry[Any], name: str, cls: type[Any]
) -> Iterator[type[Any]]:
    """Register a component, and remove it when the context ends.

    Parameters
    ----------
    registry : Registry
        The registry of its family.
    name : str
        The name.
    cls : type
        The class, undecorated.

    Yields
    ------
    cls : type
        The class, registered under its name.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from sknet.schedules import SCHEDULES, Schedule
    >>> from sknet.testing import temporarily_registered
    >>> @dataclass(frozen=True, repr=False)
    ... class Half(Schedule):
    ...     "Half of the rate."
    ...
    ...     def factor(self, clock):
    ...         return 0.5
    >>> with temporarily_registered(SCHEDULES, "half", Half):
    ...     SCHEDULES.make("half")
    Half()
    >>> "half" in SCHEDULES
    False
    """
    registry.register(name)(cls)
    try:
        yield cls
    finally:
        # Registries have no public removal: elsewhere, names are permanent.
        del registry._classes[name]
        cls.name = ""
