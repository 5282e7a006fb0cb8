"""Initial parameters: drawn, or those that the user gave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.initializers import Constant
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
    if not isinstance(initializer, (list, tuple)):
        return theta
    layout = network.layout
    weights = layout.named(theta, "weight")
    biases = {
        p.path.rpartition(".")[0]: layout.view(theta, p)
        for p in layout.parameters
        if p.name == "bias"
    }
    for p in layout.parameters:
        if p.name == "bias" and not isinstance(p.initializer, Constant):
            layout.view(theta, p)[...] = 0.0
    if len(initializer) != len(weights):
        raise ValueError(
            f"initializer holds {len(initializer)} arrays, but the network has "
            f"{len(weights)} layers of weights, of the shapes "
            f"{[view.shape[1:] for view in weights]}."
        )
    layers = [
        p.path.rpartition(".")[0] for p in layout.parameters if p.name == "weight"
    ]
    for i, given in enumerate(initializer):
        if not isinstance(given, tuple):
            _overwrite(weights[i], given, f"initializer[{i}]")
            continue
        if len(given) != 2 or layers[i] not in biases:
            raise ValueError(
                f"initializer[{i}] is a tuple of {len(given)}: it must be (weights, "
                "biases), or weights alone where the layer has no biases (with "
                "use_bias=False, or before a batch normalization)."
            )
        _overwrite(weights[i], given[0], f"initializer[{i}][0]")
        _overwrite(biases[layers[i]], given[1], f"initializer[{i}][1]")
    return theta


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
