"""The parameters of a fitted plain network by layer, as scikit-learn shows them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.activations import Blend
from sknet.losses import Loss
from sknet.network.architecture import Architecture
from sknet.network.blocks import Plain
from sknet.network.entrance import Entrance
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


def departures(estimator: Any) -> Iterator[str]:
    """Iterate over what a fitted estimator has beside dense layers and activations.

    Parameters
    ----------
    estimator : BaseMLP
        Fitted.

    Yields
    ------
    reason : str
        Why whoever multiplies ``coefs_`` in a row would compute something else.
    """
    if "preprocessor_" in vars(estimator):
        yield "it encodes tables (preprocessor_) before its networks"
    network = _architecture_from_json(estimator._architecture)
    n_networks = n_fitted_networks(estimator)
    if n_networks > 1:
        yield f"it is an ensemble of {n_networks} networks"
    elif network.n_heads > 1:
        yield "it shares its hidden layers with other networks (share_trunk=True)"
    if network.entrance != Entrance():
        yield "its columns are embedded or scaled by trained factors"
    if network.block != Plain():
        yield f"block={network.block!r}"
    if network.initializer.rescales:
        yield f"initializer={network.initializer!r} multiplies its weights"


def _other_activations(estimator: Any) -> Iterator[str]:
    """Iterate over activations that have parameters, or more inputs than outputs."""
    network = _architecture_from_json(estimator._architecture)
    pairs = zip(network.hidden_layer_sizes, _one_a_layer(network), strict=True)
    for width, activation in pairs:
        if isinstance(activation, Blend) or activation.n_outputs(width) != width:
            yield f"activation={activation!r}"


def _one_a_layer(network: Architecture) -> list[Any]:
    """Return the activation of each hidden layer."""
    n_layers = len(network.hidden_layer_sizes)
    return [network.style(i).activation for i in range(n_layers)]


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
    """Mixin that shows ``theta_`` of a plain network as ``coefs_`` and ``intercepts_``.

    Readers of these take the network for a plain one: dense layers with an activation
    each. Any other network has none of them.

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
    def n_layers_(self) -> int:
        """Number of layers of a plain network, inputs and outputs included."""
        self._check_plain("n_layers_")
        network = _architecture_from_json(self._architecture)
        return len(network.hidden_layer_sizes) + 2

    @property
    def coefs_(self) -> list[Array]:
        """Weight matrices of a plain network: views of ``theta_``, and assignable."""
        self._check_plain("coefs_")
        return self._layer_parameters("weight")

    @coefs_.setter
    def coefs_(self, values: list[Array]) -> None:
        _assign(self.coefs_, values)

    @property
    def intercepts_(self) -> list[Array]:
        """Bias vectors of a plain network: views of ``theta_``, and assignable."""
        self._check_plain("intercepts_")
        return Views(bias[0] for bias in self._layer_parameters("bias"))

    @intercepts_.setter
    def intercepts_(self, values: list[Array]) -> None:
        _assign(self.intercepts_, values)

    def _check_plain(self, name: str) -> None:
        """Refuse an attribute where the network is more than a plain one."""
        if "theta_" not in vars(self):
            raise AttributeError(f"This {type(self).__name__} is not fitted yet.")
        reasons = dict.fromkeys([*departures(self), *_other_activations(self)])
        if reasons:
            several = n_fitted_networks(self) > 1
            each = "Its networks one by one are in estimators_. " if several else ""
            raise AttributeError(
                f"This {type(self).__name__} has no {name}, which would show a plain "
                f"network, of dense layers and activations alone: {'; '.join(reasons)}."
                f" {each}All parameters are in theta_, and by layer in "
                "named_parameters of sknet.inspection."
            )

    def _layer_parameters(self, name: str) -> list[Array]:
        """Return the views of one kind of parameter, of a single network."""
        views = self._fitted_network().layout.named(self.theta_, name)
        return Views(view[0] for view in views)


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
