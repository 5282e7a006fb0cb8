"""Initial parameters: drawn, or those that the user gave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sknet._numerics import Array
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
        A list holds a weight array for each dense layer, or pairs of weights and
        biases. Biases that are not given are zero.
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
    weights = network.layout.named(theta, "weight")
    biases = network.layout.named(theta, "bias")
    for bias in biases:
        bias[...] = 0.0
    if len(initializer) != len(weights):
        raise ValueError(
            f"initializer holds {len(initializer)} arrays, but the network has "
            f"{len(weights)} layers of weights, of the shapes "
            f"{[view.shape[1:] for view in weights]}."
        )
    for i, given in enumerate(initializer):
        pair = given if isinstance(given, (list, tuple)) and len(given) == 2 else None
        _overwrite(weights[i], given if pair is None else pair[0], f"initializer[{i}]")
        if pair is not None:
            if len(biases) != len(weights):
                raise ValueError(
                    f"initializer[{i}] has biases, but the layers have none: give "
                    "weight arrays only, or set use_bias=True."
                )
            _overwrite(biases[i], pair[1], f"initializer[{i}][1]")
    return theta


def _overwrite(view: Array, given: Any, what: str) -> None:
    """Write a user's array over every member's."""
    array = np.asarray(given, dtype=np.float64)
    shape = view.shape[1:]
    if array.shape not in (shape, shape[1:] if shape[0] == 1 else shape):
        raise ValueError(f"{what} must have the shape {shape}, got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} must hold finite numbers.")
    view[...] = array.reshape(shape)
