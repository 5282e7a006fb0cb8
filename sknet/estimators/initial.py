"""Initial parameters: drawn, or those that the user gave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.initializers import Constant
from sknet.network.layout import Layout, Parameter
from sknet.network.network import Network


def initial_theta(
    initializer: Any,
    network: Network,
    streams: Sequence[np.random.RandomState],
    dtype: np.dtype[Any],
) -> Array:
    """Draw initial parameters, and overwrite them by a user's arrays.

    Parameters
    ----------
    initializer : str, Initializer or list
        A list holds a weight array for each dense layer, or a tuple ``(weights,
        biases)``. Biases that are not given are zero, but for those of gates, which
        stay as the block sets them.
    network : Network
        What is initialised.
    streams : sequence of RandomState
        One a member; each is advanced, whatever is overwritten.
    dtype : dtype
        Type of the parameters.

    Returns
    -------
    theta : ndarray of shape (K, P)
        Initial parameters.

    Raises
    ------
    ValueError
        If number or shapes of the arrays do not fit the network.
    """
    theta = network.initial(streams, dtype)
    if isinstance(initializer, (list, tuple)):
        _overwrite_all(theta, network.layout, initializer)
    return theta


def _overwrite_all(theta: Array, layout: Layout, initializer: Sequence[Any]) -> None:
    """Write a user's arrays over all weights and biases."""
    weights = {_layer(p): p for p in layout.parameters if p.name == "weight"}
    biases = {_layer(p): p for p in layout.parameters if p.name == "bias"}
    for p in biases.values():
        if not isinstance(p.initializer, Constant):
            layout.view(theta, p)[...] = 0.0
    if len(initializer) != len(weights):
        raise ValueError(
            f"initializer holds {len(initializer)} arrays, but the network has "
            f"{len(weights)} layers of weights, of the shapes "
            f"{[p.shape for p in weights.values()]}."
        )
    for i, (layer, given) in enumerate(zip(weights, initializer, strict=True)):
        view, what = layout.view(theta, weights[layer]), f"initializer[{i}]"
        if not isinstance(given, tuple):
            _overwrite(view, given, what)
            continue
        if len(given) != 2 or layer not in biases:
            raise ValueError(
                f"{what} is a tuple of {len(given)}: it must be (weights, biases), or "
                "weights alone where the layer has no biases (with use_bias=False, or "
                "before a batch normalization)."
            )
        _overwrite(view, given[0], f"{what}[0]")
        _overwrite(layout.view(theta, biases[layer]), given[1], f"{what}[1]")


def _layer(parameter: Parameter) -> str:
    """Return the path of a parameter's layer."""
    return parameter.path.rpartition(".")[0]


def _overwrite(view: Array, given: Any, what: str) -> None:
    """Write a user's array over every member's."""
    shape = view.shape[1:]
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} must be numbers of the shape {shape}.") from error
    if array.shape not in (shape, shape[1:] if shape[0] == 1 else shape):
        raise ValueError(f"{what} must have the shape {shape}, got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} must hold finite numbers.")
    view[...] = array.reshape(shape)
