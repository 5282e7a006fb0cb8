"""Parts: what a component is made of, and where the parameters of a network are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import NamedTuple

import numpy as np

from sknet._component import Component
from sknet._numerics import Array
from sknet.activations import Activation
from sknet.network.layers import Layer
from sknet.network.layout import STATISTIC, Layout


class Section(NamedTuple):
    """One array among the columns of a vector.

    Parameters
    ----------
    name : str
        What it is called.
    kind : str
        What it belongs to.
    columns : ndarray of int
        Its places in the vector, in its own shape.
    """

    name: str
    kind: str
    columns: Array


def parts_of(component: Component) -> Iterator[Component]:
    """Iterate over a component and all that are inside it, depth first.

    Parameters
    ----------
    component : Component
        For example a layer that holds layers.

    Yields
    ------
    part : Component
        The component itself, then what its fields hold; of a name, what it stands for.
    """
    yield component
    for f in fields(component):  # type: ignore[arg-type]  # a dataclass
        value, registry = getattr(component, f.name), f.metadata.get("registry")
        if registry is not None:
            value = registry.make(value)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Component):
                yield from parts_of(item)


def is_surrogate(component: Component) -> bool:
    """Tell whether a component holds an activation with a surrogate gradient."""
    activations = (p for p in parts_of(component) if isinstance(p, Activation))
    return any(activation.surrogate for activation in activations)


def sections_of(layout: Layout, root: Layer) -> list[Section]:
    """Return the trainable arrays of a network.

    Parameters
    ----------
    layout : Layout
        Where the parameters live.
    root : Layer
        The composition of all layers.

    Returns
    -------
    sections : list of Section
        In the order of declaring.
    """
    numbers = np.arange(layout.n_parameters)[None]
    return [
        Section(p.path, _layer_name(root, p.path), layout.view(numbers, p)[0])
        for p in layout.parameters
        if p.zone != STATISTIC
    ]


def _layer_name(layer: Layer, path: str) -> str:
    """Return the class of the layer that a parameter's path leads to, if it does."""
    for number in path.split(".")[:-1]:
        inside = [
            item
            for value in vars(layer).values()
            for item in (value if isinstance(value, tuple) else (value,))
            if isinstance(item, Layer)
        ]
        if int(number) >= len(inside):
            return ""
        layer = inside[int(number)]
    return type(layer).__name__
