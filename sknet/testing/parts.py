"""Parts: the components inside a component, and the arrays of a network."""

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
        Name of the array.
    kind : str
        Class of the layer that the array belongs to.
    columns : ndarray of int
        Positions of its elements in the vector, in the shape of the array.
    """

    name: str
    kind: str
    columns: Array


def parts_of(component: Component) -> Iterator[Component]:
    """Iterate over a component and all components inside it, depth first.

    Parameters
    ----------
    component : Component
        For example a layer that holds layers.

    Yields
    ------
    part : Component
        The component itself, then the components in its fields; a name is resolved by
        its registry.
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
    """Return whether a component holds a part with a surrogate gradient."""
    parts = (p for p in parts_of(component) if isinstance(p, (Activation, Layer)))
    return any(p.surrogate for p in parts)


def sections_of(layout: Layout, root: Layer) -> list[Section]:
    """Return the trainable arrays of a network.

    Parameters
    ----------
    layout : Layout
        The layout of the parameters.
    root : Layer
        The composition of all layers.

    Returns
    -------
    sections : list of Section
        In the order of declaration.
    """
    numbers = np.arange(layout.n_parameters)[None]
    return [
        Section(p.path, _layer_name(root, p.path), layout.view(numbers, p)[0])
        for p in layout.parameters
        if p.zone != STATISTIC
    ]


def _layer_name(layer: Layer, path: str) -> str:
    """Return the class name of the layer at a parameter's path, or an empty string."""
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
