"""Rows: hyperparameters of several networks that are trained as rows of one array.

A hyperparameter with the same value for all members stays a number. If the values
differ, it is an array of shape (K, 1) in float64, so that calculations with it give the
same results as with Python numbers, and it is rounded when combined with the arrays of
the network.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from sknet._component import C, Component
from sknet._numerics import Scalar


def shared(value: Any) -> Any:
    """Return the parts of a value that members must share to be rows of one array.

    These are all fields of a dataclass, and of nested dataclasses, except those that
    its class lists in ``rows``.

    Parameters
    ----------
    value : object
        A dataclass, a component, or any other object, which is shared as a whole.

    Returns
    -------
    shared : object
        Supports comparison, and is hashable if all parts are.
    """
    if isinstance(value, Component):
        return without_rows(value)
    if not dataclasses.is_dataclass(value):
        return value
    names = [f.name for f in dataclasses.fields(value)]
    common = [name for name in names if name not in getattr(value, "rows", ())]
    return type(value), *(shared(getattr(value, name)) for name in common)


def without_rows(component: C) -> C:
    """Return a component with defaults in its ``rows``, which need not be shared."""
    defaults = {f.name: f.default for f in component._fields()}
    return dataclasses.replace(  # type: ignore[type-var]  # a dataclass
        component, **{name: defaults[name] for name in component.rows}
    )


def in_rows(components: Sequence[C]) -> C:
    """Return one component that represents several components, one row for each.

    Parameters
    ----------
    components : sequence of Component
        One component per member. They may differ only in their ``rows``.

    Returns
    -------
    component : Component
        Fields with equal values stay numbers; other fields are arrays of shape (K, 1)
        in float64, to be rounded when combined with an array.
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
    """Return a component for several networks per member, next to each other.

    Parameters
    ----------
    component : Component
        A component for K members; see :func:`in_rows`.
    times : int
        Number of networks per member.

    Returns
    -------
    component : Component
        The component with each row repeated, or itself if it has no rows.
    """
    columns = {
        name: np.repeat(getattr(component, name), times, axis=0)
        for name in component.rows
        if isinstance(getattr(component, name), np.ndarray)
    }
    return dataclasses.replace(component, **columns) if columns else component  # type: ignore[type-var]  # a dataclass


def is_in_use(value: Scalar) -> bool:
    """Return whether a hyperparameter is above zero for any member.

    If it has rows, they differ, so at least one of them is above zero. In a recorded
    step, a hyperparameter that may differ is not a number that could be compared.
    """
    return not isinstance(value, Real) or value > 0.0


def rounded(value: Scalar, dtype: np.dtype[Any]) -> Scalar:
    """Return a hyperparameter rounded for use with an array of ``dtype``.

    NumPy rounds a Python number when it is combined with the array; rows, which are
    kept in float64, are rounded here, so that a row gives the same bits as the number.
    """
    return value.astype(dtype) if isinstance(value, np.ndarray) else value


def power(base: Scalar, exponent: Scalar) -> Scalar:
    """Return ``base ** exponent`` elementwise, with the same bits as in Python.

    NumPy rounds powers of arrays differently from powers of numbers, but a row must
    equal the value of the member when trained alone.
    """
    if not (isinstance(base, np.ndarray) or isinstance(exponent, np.ndarray)):
        result: Scalar = base**exponent
        return result
    bases, exponents = np.broadcast_arrays(base, exponent)
    pairs = zip(bases.ravel().tolist(), exponents.ravel().tolist(), strict=True)
    return np.array([b**e for b, e in pairs]).reshape(bases.shape)


def one_or_rows(values: Sequence[float]) -> Scalar:
    """Return one number if all values agree, otherwise rows of shape (K, 1)."""
    if len(values) == 1 or all(value == values[0] for value in values):
        return float(values[0])
    return np.array(values, dtype=np.float64)[:, None]
