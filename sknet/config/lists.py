"""Validation of parameters that are lists: one value per layer, or several levels."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknet._sklearn import InvalidParameterError


def check_hidden_layer_sizes(hidden_layer_sizes: Any) -> tuple[int, ...]:
    """Return the widths of the hidden layers as a tuple of ints.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int
        The widths as given by the user.

    Returns
    -------
    sizes : tuple of int
        The widths; empty for a linear model.

    Raises
    ------
    ValueError
        If a width is not positive, or not an integer.
    """
    sizes = list(np.atleast_1d(np.asarray(hidden_layer_sizes, dtype=object)))
    for size in sizes:
        if isinstance(size, (bool, np.bool_)) or not isinstance(
            size, (int, np.integer)
        ):
            raise InvalidParameterError(
                "The 'hidden_layer_sizes' parameter must hold whole numbers, got "
                f"{size!r} of type {type(size).__name__} in {hidden_layer_sizes!r}."
            )
        if size <= 0:
            raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return tuple(int(size) for size in sizes)


def check_flat(name: str, values: Any) -> tuple[Any, ...]:
    """Return the items of a flat list as a tuple.

    Parameters
    ----------
    name : str
        Name of the parameter, for the message.
    values : array-like
        The list as given by the user.

    Returns
    -------
    values : tuple
        Its items.

    Raises
    ------
    InvalidParameterError
        If ``values`` is not a flat list, but a dict, a set, a nested list, or an array
        without an axis.
    """
    if np.asarray(values, dtype=object).ndim != 1:
        raise InvalidParameterError(
            f"The {name!r} parameter must be a flat list, tuple or array, got "
            f"{values!r} of type {type(values).__name__}."
        )
    return tuple(values)
