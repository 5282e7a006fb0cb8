"""Rows: hyperparameters of several networks that are trained as rows of one array.

A hyperparameter that all share stays a number. One that differs is an array of shape
(K, 1) in float64, so that everything computed of it is what Python computes of the
number, and is rounded where it meets the arrays of the network.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from sknet._component import C, Component
from sknet._numerics import Scalar


def shared(value: Any) -> Any:
    """Return what members must share in order to be rows of one array.

    It is derived: all fields of a dataclass, and of those in it, but the ones that its
    class names as ``rows``.

    Parameters
    ----------
    value : object
        A dataclass, a component, or anything else, which is shared as it is.

    Returns
    -------
    shared : object
        Can be compared; hashable if all parts are.
    """
    if isinstance(value, Component):
        return without_rows(value)
    if not dataclasses.is_dataclass(value):
        return value
    names = [f.name for f in dataclasses.fields(value)]
    common = [name for name in names if name not in getattr(value, "rows", ())]
    return type(value), *(shared(getattr(value, name)) for name in common)


def without_rows(component: C) -> C:
    """Return a component with the defaults in its ``rows``: what members must share."""
    defaults = {f.name: f.default for f in component._fields()}
    return dataclasses.replace(  # type: ignore[type-var]  # a dataclass
        component, **{name: defaults[name] for name in component.rows}
    )


def in_rows(components: Sequence[C]) -> C:
    """Return one component that stands for several, a row for each.

    Parameters
    ----------
    components : sequence of Component
        One a member. They differ at most in their ``rows``.

    Returns
    -------
    component : Component
        Fields in which all agree stay numbers; the others are arrays of shape (K, 1)
        in float64, to be rounded where they meet an array.
    """
    first = components[0]
    if len(components) == 1:
        return first
    columns = {}
    for name in first.rows:
        values = [getattr(component, name) for component in components]
        if any(value != values[0] for value in values):
            columns[name] = np.array(values, dtype=np.float64)[:, None]
    return dataclasses.replace(first, **columns) if columns else first  # type: ignore[type-var]  # a dataclass


def repeat_rows(component: C, times: int) -> C:
    """Return a component for several networks a member, next to each other.

    Parameters
    ----------
    component : Component
        Of K members; see :func:`in_rows`.
    times : int
        Networks of each member.

    Returns
    -------
    component : Component
        With each of its rows that many times; itself, if it has none.
    """
    columns = {
        name: np.repeat(getattr(component, name), times, axis=0)
        for name in component.rows
        if isinstance(getattr(component, name), np.ndarray)
    }
    return dataclasses.replace(component, **columns) if columns else component  # type: ignore[type-var]  # a dataclass


def is_in_use(value: Scalar) -> bool:
    """Tell whether a hyperparameter is above zero, for any member.

    Of rows one is: they differ.
    """
    return isinstance(value, np.ndarray) or value > 0.0


def rounded(value: Scalar, dtype: np.dtype[Any]) -> Scalar:
    """Return a hyperparameter as it meets an array of ``dtype``.

    A Python number is rounded by NumPy as it meets the array; rows, which are kept in
    float64, are rounded here, so that a row gives the same bits as the number.
    """
    return value.astype(dtype) if isinstance(value, np.ndarray) else value


def power(base: Scalar, exponent: Scalar) -> Scalar:
    """Return ``base ** exponent``, elementwise, with the bits that Python gives.

    NumPy's loops round powers of arrays in another way than powers of numbers; a row
    has to have what the member has alone.
    """
    if base.__class__ is float and exponent.__class__ is not np.ndarray:
        return base**exponent
    bases, exponents = np.broadcast_arrays(base, exponent)
    pairs = zip(bases.ravel().tolist(), exponents.ravel().tolist(), strict=True)
    return np.array([b**e for b, e in pairs]).reshape(bases.shape)


def one_or_rows(values: Sequence[float]) -> Scalar:
    """Return one number where all agree, else a row for each, of shape (K, 1)."""
    if len(values) == 1 or all(value == values[0] for value in values):
        return float(values[0])
    return np.array(values, dtype=np.float64)[:, None]
