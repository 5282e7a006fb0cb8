"""Fields: hyperparameters of a component, declared with their valid values.

``slope: float = real(0.01, "[0, 1)")`` is a dataclass field with a default and a
domain, which ``fit`` validates and error messages name.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Domain:
    """The valid values of a field.

    Parameters
    ----------
    words : str
        A description of them, for messages.
    contains : callable
        Returns whether a value is valid.
    """

    words: str
    contains: Callable[[Any], bool]


def _within(interval: str, kind: type) -> Callable[[Any], bool]:
    """Return a test for numbers of a type in an interval such as '[0, 1)'."""
    low, high = (float(end) for end in interval[1:-1].split(","))

    def contains(value: Any) -> bool:
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, kind):
            return False
        number = float(value)  # type: ignore[arg-type]  # a Real
        above = number >= low if interval[0] == "[" else number > low
        below = number <= high if interval[-1] == "]" else number < high
        return above and below and (math.isfinite(number) or math.isinf(high))

    return contains


def _field(default: Any, domain: Domain, registry: Any = None) -> Any:
    """Return a dataclass field with its domain as metadata."""
    metadata = {"domain": domain, "registry": registry}
    return dataclasses.field(default=default, metadata=metadata)


def _number(default: Any, words: str, inside: Callable[[Any], bool]) -> Any:
    """Return a field for a number, which may also be None if that is the default."""
    if default is not None:
        return _field(default, Domain(words, inside))
    optional = Domain(f"{words}, or None", lambda v: v is None or inside(v))
    return _field(default, optional)


def real(default: float | None, interval: str) -> Any:
    """Declare a field that is a number in an interval.

    Parameters
    ----------
    default : float or None
        The default. If it is None, None is also a valid value.
    interval : str
        In the usual notation, e.g. ``"[0, 1)"`` or ``"(0, inf)"``.

    Returns
    -------
    field : dataclasses.Field
        The value to assign to a component's field.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from sknet.activations import Tanh
    >>> from sknet.fields import real
    >>> @dataclass(frozen=True, repr=False)
    ... class Stretched(Tanh):
    ...     "A tanh over a wider range."
    ...     width: float = real(1.0, "(0, inf)")
    >>> Stretched(width=-2.0).check()
    Traceback (most recent call last):
        ...
    ValueError: Stretched(width=-2.0): width must be a number in (0, inf), got -2.0.
    """
    return _number(default, f"a number in {interval}", _within(interval, Real))


def whole(default: int | None, interval: str) -> Any:
    """Declare a field that is a whole number in an interval.

    Parameters
    ----------
    default : int or None
        The default. If it is None, None is also a valid value.
    interval : str
        In the usual notation, e.g. ``"[1, inf)"``.

    Returns
    -------
    field : dataclasses.Field
        The value to assign to a component's field.

    Examples
    --------
    >>> from sknet.fields import whole
    >>> whole(None, "[1, inf)").metadata["domain"].words
    'a whole number in [1, inf), or None'
    """
    words = f"a whole number in {interval}"
    return _number(default, words, _within(interval, Integral))


def choice(default: Any, options: tuple[Any, ...]) -> Any:
    """Declare a field that is one of several options.

    Parameters
    ----------
    default : object
        The default.
    options : tuple
        The valid values.

    Returns
    -------
    field : dataclasses.Field
        The value to assign to a component's field.

    Examples
    --------
    >>> from sknet.fields import choice
    >>> choice("mean", ("mean", "median")).metadata["domain"].words
    "one of 'mean', 'median'"
    """
    words = "one of " + ", ".join(repr(option) for option in options)
    return _field(default, Domain(words, lambda value: value in options))


def flag(default: bool) -> Any:
    """Declare a field that is True or False.

    Parameters
    ----------
    default : bool
        The default.

    Returns
    -------
    field : dataclasses.Field
        The value to assign to a component's field.

    Examples
    --------
    >>> from sknet.fields import flag
    >>> flag(True).default
    True
    """
    kinds = (bool, np.bool_)
    return _field(default, Domain("True or False", lambda v: isinstance(v, kinds)))


def part(default: Any, registry: Any) -> Any:
    """Declare a field that is a component of a family, or the name of a component.

    Parameters
    ----------
    default : str, Component or None
        The default. If it is None, None is also a valid value.
    registry : Registry
        The family, such as ``sknet.activations.ACTIVATIONS``.

    Returns
    -------
    field : dataclasses.Field
        The value to assign to a component's field.

    Examples
    --------
    >>> from sknet.activations import ACTIVATIONS
    >>> from sknet.fields import part
    >>> part("tanh", ACTIVATIONS).metadata["domain"].words
    'the name of an activation, or an instance'
    """
    article = "an" if registry.title.startswith(tuple("aeiou")) else "a"
    words = f"the name of {article} {registry.title}, or an instance"
    optional = default is None
    domain = Domain(
        f"{words}, or None" if optional else words,
        lambda v: isinstance(v, str) or _is_component(v) or (optional and v is None),
    )
    return _field(default, domain, registry)


def _is_component(value: Any) -> bool:
    """Return whether a value is an instance of a dataclass, as all components are."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type)
