"""Which component has an ONNX form: one table from classes to functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sknet._component import Component
from sknet.activations import Activation
from sknet.losses import Loss
from sknet.network.layers import Layer
from sknet.onnx.graph import Graph


Function = TypeVar("Function", bound=Callable[..., str])

#: The functions that write components, by their classes.
CONVERTERS: dict[type[Component], Callable[..., str]] = {}

_FORMS: dict[type[Component], tuple[str, str]] = {
    Activation: ("activation", "graph, activation, z"),
    Layer: ("layer", "graph, layer, p, x, shape"),
    Loss: ("loss", "graph, loss, raw, n_raw"),
}


def converter(component: type[Component]) -> Callable[[Function], Function]:
    """Register the function that writes a component as ONNX nodes.

    A component of sknet has one already. One of your own needs one before networks with
    it can be converted; another function for the same class replaces the first.

    Parameters
    ----------
    component : type
        The class: an activation, a layer or a loss.

    Returns
    -------
    decorator : callable
        Takes the function, and returns it unchanged. The function returns the name of a
        value, from names of values: of an activation ``function(graph, activation, z)``
        returns what ``forward`` gives; of a layer ``function(graph, layer, p, x,
        shape)`` likewise, with the arrays ``p`` of the layer's parameters, which count
        members first, and the shape of one row of ``x``; of a loss ``function(graph,
        loss, raw, n_raw)`` returns what ``link`` gives. ``graph.op`` writes a node.

    See Also
    --------
    sknet.activations.Activation : A class may carry its form, as ``write_onnx(self,
        graph, ...)``, which takes the rest; then nothing has to be registered.

    Raises
    ------
    TypeError
        If the class is none of these.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import sknet
    >>> from sknet.activations import Tanh
    >>> @sknet.onnx.converter(Tanh)
    ... def tanh(graph, activation, z):
    ...     return graph.op("Tanh", z)
    """
    if not (isinstance(component, type) and issubclass(component, tuple(_FORMS))):
        raise TypeError(
            f"{component!r} is no class of an activation, a layer or a loss."
        )

    def enter(function: Function) -> Function:
        CONVERTERS[component] = function
        return function

    return enter


def convert(graph: Graph, component: Component, *inputs: Any) -> str:
    """Write a component.

    Parameters
    ----------
    graph : Graph
        Gets the nodes.
    component : Component
        An activation, a layer or a loss.
    *inputs : object
        What its function takes; see :func:`converter`.

    Returns
    -------
    value : str
        What comes out.

    Raises
    ------
    NotImplementedError
        If nobody has said how; the message says where to do it.
    """
    cls = type(component)
    # Of the class itself: what inherits may compute something else.
    own = vars(cls).get("write_onnx")
    if cls not in CONVERTERS and own is not None:
        written: str = own(component, graph, *inputs)
        return written
    if cls not in CONVERTERS:
        kinds = (form for base, form in _FORMS.items() if isinstance(component, base))
        kind, arguments = next(kinds)
        raise NotImplementedError(
            f"The {kind} {component!r} has no ONNX form. Give its class a method "
            "write_onnx, or register one:\n\n"
            f"    @sknet.onnx.converter({cls.__name__})\n"
            f"    def convert_it({arguments}):\n"
            "        return graph.op(...)  # the name of what comes out\n\n"
            "See sknet.onnx.converter, and the page on ONNX in the user guide."
        )
    return CONVERTERS[cls](graph, component, *inputs)
