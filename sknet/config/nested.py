"""Nested parameters: those of a component, by a path such as ``solver__beta_2``."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from sknet._component import Component
from sknet.config.components import (
    activations_of,
    averaging_of,
    block_of,
    checkpoint_of,
    initializer_of,
    loss_of,
    optimizer_of,
    schedule_of,
    solver_of,
)
from sknet.network.entrance import NUMERIC_EMBEDDINGS


# Parameters that choose a component, and how an estimator's choice is read.
_READERS: dict[str, Callable[[Any], Component | None]] = {
    "activation": lambda estimator: activations_of(estimator)[0],
    "loss": lambda estimator: loss_of(estimator, estimator._losses),
    "solver": lambda estimator: solver_of(estimator) or optimizer_of(estimator),
    "learning_rate": schedule_of,
    "averaging": averaging_of,
    "block": block_of,
    "initializer": initializer_of,
    "numeric_embedding": lambda estimator: NUMERIC_EMBEDDINGS.make(
        estimator.numeric_embedding
    ),
    "checkpoint": checkpoint_of,
}


def set_nested(
    estimator: Any, params: dict[str, Any], set_plain: Callable[..., Any]
) -> None:
    """Set parameters of an estimator and of its components.

    Components are frozen, so that setting a parameter puts a new one in their place; a
    name becomes an instance with the values that the other parameters describe.

    Parameters
    ----------
    estimator : BaseMLP
        The estimator.
    params : dict of str to object
        Parameters by name; ``solver__beta_2`` is the ``beta_2`` of the solver.
    set_plain : callable
        scikit-learn's own ``set_params``.
    """
    plain = {key: value for key, value in params.items() if "__" not in key}
    set_plain(**plain)
    for key in sorted(params.keys() - plain.keys()):  # a part before its parameters
        name, _, path = key.partition("__")
        if name not in _READERS:
            set_plain(**{key: params[key]})  # raises, with its own words
        component = _component(estimator, name).with_param(path, params[key])
        setattr(estimator, name, component)


def _component(estimator: Any, name: str) -> Component:
    """Return the component that stands behind a parameter; fit will look at it."""
    given: Any = getattr(estimator, name)
    if isinstance(given, (str, os.PathLike)):
        given = _READERS[name](estimator)
    if not isinstance(given, Component):
        raise ValueError(f"{name}={given!r} has no parameters to set.")
    return given
