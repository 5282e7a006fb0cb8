"""Nested parameters: those of a component, by a path such as ``solver__beta_2``."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Self

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


class NestedParameters:
    """Mixin: parameters of components are reached as ``solver__beta_2``, in a grid too.

    Components are frozen, so that setting a parameter puts a new one in their place; a
    name becomes an instance with the values that the other parameters describe.
    """

    def set_params(self, **params: Any) -> Self:
        """Set parameters of this estimator and of its components.

        Parameters
        ----------
        **params : dict
            Parameters by name; ``solver__beta_2`` is the ``beta_2`` of the solver.

        Returns
        -------
        self : object
            The estimator.
        """
        plain = {key: value for key, value in params.items() if "__" not in key}
        super().set_params(**plain)  # type: ignore[misc]  # scikit-learn's
        for key in sorted(params.keys() - plain.keys()):  # a part before its parameters
            name, _, path = key.partition("__")
            if name not in _READERS:
                super().set_params(**{key: params[key]})  # type: ignore[misc]  # raises
            setattr(self, name, self._component(name).with_param(path, params[key]))
        return self

    def _component(self, name: str) -> Component:
        """Return the component that stands behind a parameter; fit will look at it."""
        given: Any = getattr(self, name)
        if isinstance(given, (str, os.PathLike)):
            given = _READERS[name](self)
        if not isinstance(given, Component):
            raise ValueError(f"{name}={given!r} has no parameters to set.")
        return given
