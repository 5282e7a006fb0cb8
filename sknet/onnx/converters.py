"""The registry of functions that convert components to ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sknet._component import Component
from sknet.activations import Activation
from sknet.losses import Loss
from sknet.network.layers import Layer
from sknet.onnx.graph import Graph


Function = TypeVar("Function", bound=Callable[..., str])

#: The functions that write components, by class.
CONVERTERS: dict[type[Component], Callable[..., str]] = {}

_FORMS: dict[type[Component], tuple[str, str]] = {
    Activation: ("activation", "graph, activation, z"),
    Layer: ("layer", "graph, layer, p, x, shape"),
    Loss: ("loss", "graph, loss, raw, n_raw"),
}


def converter(component: type[Component]) -> Callable[[Function], Function]:
    """Register a function that writes a component as ONNX nodes.

    The components of sknet are already registered. Components of your own must be
    registered before networks with them can be converted; registering a class again
    replaces its function.

    Parameters
    ----------
    component : type
        The class of an activation, a layer or a loss.

    Returns
    -------
    decorator : callable
        Takes the function, and returns it unchanged. Inputs and results of the function
        are names of values in the graph; ``graph.op`` writes a node.

        - Activation: ``function(graph, activation, z)`` returns the result of
          ``forward``.
        - Layer: ``function(graph, layer, p, x, shape)`` returns the result of
          ``forward``. ``p`` has the arrays of the layer's parameters, whose first axis
          is that of the members; ``shape`` is the shape of one row of ``x``.
        - Loss: ``function(graph, loss, raw, n_raw)`` returns the result of ``link``.

    See Also
    --------
    sknet.activations.Activation, sknet.network.layers.Layer, sknet.losses.Loss :
        Instead of registering a function, a class can define the method ``write_onnx``;
        its signature is in the Notes of the base class.
    sknet.onnx.Graph : The class of ``graph``.

    Raises
    ------
    TypeError
        If ``component`` is not the class of an activation, a layer or a loss.

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
            f"{component!r} is not a class of an activation, a layer or a loss."
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
        The graph to add nodes to.
    component : Component
        An activation, a layer or a loss.
    *inputs : object
        Further arguments of its function; see :func:`converter`.

    Returns
    -------
    value : str
        Name of the output.

    Raises
    ------
    NotImplementedError
        If no function is registered for the component; the message explains how to
        register one.
    """
    cls = type(component)
    # Only of the class itself: a subclass may compute something else.
    own = vars(cls).get("write_onnx")
    if cls not in CONVERTERS and own is not None:
        written: str = own(component, graph, *inputs)
        return written
    if cls not in CONVERTERS:
        kinds = (form for base, form in _FORMS.items() if isinstance(component, base))
        kind, arguments = next(kinds)
        raise NotImplementedError(
            f"The {kind} {component!r} has no ONNX form. Add a method write_onnx to "
            "its class, or register a function:\n\n"
            f"    @sknet.onnx.converter({cls.__name__})\n"
            f"    def convert_it({arguments}):\n"
            "        return graph.op(...)  # the name of the output\n\n"
            "See sknet.onnx.converter, and the page on ONNX in the user guide."
        )
    return CONVERTERS[cls](graph, component, *inputs)
