"""Nested parameters of components, by paths such as ``solver__beta_2``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from sknet._component import Component, Registry
from sknet.config.components import (
    Params,
    activations_of,
    augment_of,
    averaging_of,
    block_of,
    checkpoint_of,
    initializer_of,
    learning_rule_of,
    loss_of,
    optimizer_of,
    schedule_of,
    solver_of,
)
from sknet.config.presets import Preset
from sknet.network.input_embedding import NUMERIC_EMBEDDINGS


# Parameters that choose a component, and the functions that return it.
_READERS: dict[str, Callable[[Params], Component | None]] = {
    "activation": lambda params: activations_of(params)[0],
    "learning_rate": schedule_of,
    "augment": augment_of,
    "averaging": averaging_of,
    "block": block_of,
    "initializer": initializer_of,
    "learning_rule": learning_rule_of,
    "numeric_embedding": lambda params: NUMERIC_EMBEDDINGS.make(
        params["numeric_embedding"]
    ),
    "checkpoint": checkpoint_of,
}

# Parameters that are sequences of components, which are named by their positions.
_SEQUENCES = ("conv_layers",)


def component_of(
    name: str, params: Params, preset: Preset, losses: Registry[Any]
) -> Component | None:
    """Return the component that a parameter describes; it is validated by ``fit``.

    Parameters
    ----------
    name : str
        Name of the parameter.
    params : mapping of str to object
        All parameters; scalar parameters set the options of a component given by name.
    preset : Preset
        The preset of the kind of estimator.
    losses : Registry
        The registered losses of a classifier or of a regressor.

    Returns
    -------
    component : Component or None
        None for a parameter that is never a component.

    Raises
    ------
    ValueError
        If the current value of the parameter does not describe a component.
    """
    readers = _READERS | {
        "loss": lambda params: loss_of(params, losses),
        "solver": lambda params: (
            solver_of(params) or optimizer_of(params, preset.optimizers)
        ),
    }
    if name not in readers:
        return None
    given = params[name]
    if isinstance(given, (str, os.PathLike)):
        given = readers[name](params)
    if not isinstance(given, Component):
        raise ValueError(f"{name}={given!r} has no parameters to set.")
    return given


def is_sequence(name: str) -> bool:
    """Return whether a parameter is a sequence of components."""
    return name in _SEQUENCES


def with_item(name: str, given: Any, path: str, value: Any) -> tuple[Any, ...]:
    """Return a sequence of components in which one, or a field of one, is replaced.

    Parameters
    ----------
    name : str
        Name of the parameter, for messages.
    given : sequence of Component
        Its value.
    path : str
        Position of the component, as in ``"0"``; ``"0__filters"`` for its field.
    value : object
        The new component, or the new value of the field.

    Returns
    -------
    changed : tuple
        The sequence with the new component.

    Raises
    ------
    ValueError
        If there is no component at this position, or it has no such field.
    """
    position, _, inner = path.partition("__")
    items = list(given) if isinstance(given, (list, tuple)) else []
    if not position.isdecimal() or int(position) >= len(items):
        known = ", ".join(f"{name}__{i}" for i in range(len(items)))
        raise ValueError(
            f"There is no parameter {name}__{path}: {name}={given!r} has "
            f"{known or 'no items'}."
        )
    item = items[int(position)]
    if inner:
        if not isinstance(item, Component):
            raise ValueError(f"{name}[{position}]={item!r} has no parameters to set.")
        value = item.with_param(inner, value)
    items[int(position)] = value
    return tuple(items)


def items_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the components in sequences, and their fields, by nested names."""
    found: dict[str, Any] = {}
    for name in _SEQUENCES:
        given = params.get(name)
        for i, item in enumerate(given if isinstance(given, (list, tuple)) else ()):
            found[f"{name}__{i}"] = item
            if isinstance(item, Component):
                fields = item.get_params().items()
                found |= {f"{name}__{i}__{key}": value for key, value in fields}
    return found
