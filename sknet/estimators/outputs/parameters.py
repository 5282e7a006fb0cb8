"""The parameters of a fitted network layer by layer, as scikit-learn shows them."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.losses import Loss
from sknet.network.architecture import Architecture
from sknet.network.network import Network, perceptron


class Views(list[Array]):
    """A list of views; assigning to an item writes through to what it views."""

    def __setitem__(self, position: Any, value: Any) -> None:
        """Overwrite the array at a position; its shape stays."""
        if not isinstance(position, (int, np.integer)):
            raise TypeError("Assign one array at a time, or the whole list.")
        self[position][...] = _copy_like(self[position], value)


def _copy_like(view: Array, value: Any) -> Array:
    """Return a copy of a value that fits a view.

    A transposed matrix has as many numbers, but does not fit.
    """
    array = np.array(value, dtype=view.dtype)
    if array.shape != view.shape:
        raise ValueError(
            f"An array of shape {view.shape} belongs here, got {array.shape}."
        )
    return array


@lru_cache(maxsize=128)
def network_from_json(n_inputs: int, text: str, n_raw: int) -> Network:
    """Return the network that a fitted estimator describes.

    Found by its text, whose hash Python keeps: that of an architecture would have to
    be computed for every prediction.
    """
    return perceptron(n_inputs, Architecture.from_config(json.loads(text)), n_raw)


def n_fitted_networks(estimator: Any) -> int:
    """Return how many networks predict together in a fitted estimator."""
    if "_head" in vars(estimator):  # one of the networks of a shared trunk
        return 1
    n_heads = _architecture_from_json(estimator._architecture).n_heads
    return len(estimator.theta_) * n_heads


@lru_cache(maxsize=128)
def _architecture_from_json(text: str) -> Architecture:
    """Return the description of a fitted network."""
    return Architecture.from_config(json.loads(text))


class LayerParameters:
    """Mixin that shows ``theta_`` as ``coefs_`` and ``intercepts_``.

    It reads ``theta_``, ``n_features_in_``, ``n_outputs_``, and ``_architecture``, a
    description as JSON: text is the plainest state there is, and a key to a cache.
    """

    theta_: Array
    n_features_in_: int
    n_outputs_: int
    _architecture: str

    def _fitted_network(self) -> Network:
        """Return the fitted network's description."""
        n_raw = self._fitted_loss().n_raw(self.n_outputs_)
        return network_from_json(self._n_inputs(), self._architecture, n_raw)

    def _fitted_loss(self) -> Loss:
        """Return the loss of the fitted network."""
        raise NotImplementedError

    def _n_inputs(self) -> int:
        """Return the columns that the fitted network takes."""
        return self.n_features_in_

    @property
    def coefs_(self) -> list[Array]:
        """Weight matrices, layer by layer: views of ``theta_``, and assignable.

        Those of an ensemble have an axis for its networks in front.
        """
        return self._layer_parameters("weight")

    @coefs_.setter
    def coefs_(self, values: list[Array]) -> None:
        _assign(self.coefs_, values)

    @property
    def intercepts_(self) -> list[Array]:
        """Bias vectors, layer by layer: views of ``theta_``, and assignable."""
        biases = self._layer_parameters("bias")
        return Views(bias.reshape(*bias.shape[:-2], -1) for bias in biases)

    @intercepts_.setter
    def intercepts_(self, values: list[Array]) -> None:
        _assign(self.intercepts_, values)

    def _layer_parameters(self, name: str) -> list[Array]:
        """Return the views of one kind of parameter."""
        if "theta_" not in vars(self):
            raise AttributeError(f"This {type(self).__name__} is not fitted yet.")
        views = self._fitted_network().layout.named(self.theta_, name)
        return Views(view if len(view) > 1 else view[0] for view in views)


def _assign(views: list[Array], values: list[Array]) -> None:
    """Overwrite all views, or none if an array does not fit.

    The values may be views of the same memory, in another order.
    """
    if len(values) != len(views):
        raise ValueError(f"Expected {len(views)} arrays, got {len(values)}.")
    pairs = zip(views, values, strict=True)
    copies = [_copy_like(view, value) for view, value in pairs]
    for view, copy in zip(views, copies, strict=True):
        view[...] = copy
