"""Convertibility of a fitted network to scikit-learn, and the converted weights."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from sknet._numerics import Array
from sknet.activations import ACTIVATIONS
from sknet.losses import Loss
from sknet.network.architecture import Architecture
from sknet.network.blocks import Plain
from sknet.network.image_layers import ImageLayers
from sknet.network.input_embedding import InputEmbedding
from sknet.network.layers import BatchNorm, Dense, Layer, Sequential


if TYPE_CHECKING:
    from sknet.estimators._base import BaseMLP


# Activations of hidden layers that both libraries have.
_ACTIVATIONS = ("identity", "logistic", "tanh", "relu")

# The loss of scikit-learn's regressor for each output activation.
VALUE_LOSS_OF_LINK = {"identity": "squared_error", "exp": "poisson"}


def defaults_of(cls: type) -> dict[str, Any]:
    """Return the defaults of an estimator class by parameter name."""
    return {name: p.default for name, p in inspect.signature(cls).parameters.items()}


def activation_name(architecture: Architecture) -> str:
    """Return the activation of all hidden layers; without any, it is arbitrary."""
    name = architecture.activations[0].name
    return name if architecture.hidden_layer_sizes else _ACTIVATIONS[0]


# ------------------------------------------------------------------------ obstacles


def obstacles(estimator: BaseMLP) -> Iterator[str]:
    """Iterate over the reasons why a fitted network cannot be converted.

    Each reason ends with a setting that can be converted, if there is one.
    """
    if estimator._reader.inputs.encodes_tables:
        yield (
            "it encodes tables (preprocessor_) before its networks (fit "
            f"{type(estimator).__name__.replace('Tabular', 'Simple')} on the output of "
            "a scikit-learn transformer)"
        )
    model = estimator._model
    network = model.architecture
    if model.n_networks > 1:
        one = "set n_estimators=1" if network.n_heads > 1 else "use one of estimators_"
        yield f"it is an ensemble of {model.n_networks} networks ({one})"
    elif network.n_heads > 1:
        yield "it shares its hidden layers with other networks (shared_backbone=True)"
    if isinstance(network.input_embedding, ImageLayers):
        yield "it takes images, for convolutional layers (conv_layers)"
    elif network.input_embedding != InputEmbedding():
        yield "its columns are embedded or scaled by trained factors"
    if network.hidden_layer_sizes:
        yield from _obstacles_of_hidden_layers(network)
    yield from _obstacles_of_target(estimator, model.loss)


def _obstacles_of_hidden_layers(network: Architecture) -> Iterator[str]:
    """Iterate over the reasons due to the blocks and the activations."""
    if network.block not in (Plain(), Plain(normalization="batch")):
        yield (
            f"block={network.block!r} (use block='plain', without normalization or "
            "with batch normalization, which can be folded into the weights)"
        )
    known = ", ".join(map(repr, _ACTIVATIONS))
    if len(set(network.activations)) > 1:
        yield f"its hidden layers have several activations (use one of {known})"
    elif network.activations[0] not in map(ACTIVATIONS.make, _ACTIVATIONS):
        yield f"activation={network.activations[0]!r} (use one of {known})"


def _obstacles_of_target(estimator: BaseMLP, loss: Loss) -> Iterator[str]:
    """Iterate over the reasons due to the loss and the classes."""
    if "classes_" not in vars(estimator):
        yield from _obstacles_of_values(estimator, loss)
        return
    if len(estimator.classes_) == 1:
        yield (
            "it was fitted to a single class, for which scikit-learn's predict_proba "
            "returns two columns (fit it to two classes)"
        )
    elif not loss.gives_probability:  # type: ignore[attr-defined]  # of classes
        yield f"loss={loss!r} gives no probabilities (use loss='log_loss')"
    else:
        yield from _obstacles_of_probabilities(estimator, loss)


def _obstacles_of_probabilities(estimator: BaseMLP, loss: Any) -> Iterator[str]:
    """Iterate over the reasons due to the link and the threshold."""
    exclusive = estimator._model.target.kind == "multiclass"
    link = "softmax" if exclusive else "logistic"
    if loss.link_name != link:
        yield (
            f"loss={loss!r} has the output activation {loss.link_name!r} (for these "
            f"classes use {link!r})"
        )
    elif not exclusive and loss.threshold != 0.5:
        yield (
            f"loss={loss!r} has the decision threshold {loss.threshold:g} (use targets "
            "whose mean is 0.5)"
        )


def _obstacles_of_values(estimator: BaseMLP, loss: Loss) -> Iterator[str]:
    """Iterate over the reasons due to the loss of a regressor."""
    n_raw, n_outputs = loss.n_raw(estimator.n_outputs_), estimator.n_outputs_
    if n_raw != n_outputs:
        yield (
            f"loss={loss!r} has {n_raw} raw outputs for {n_outputs} target columns "
            "(use a loss that predicts a single number)"
        )
    elif loss.link_name not in VALUE_LOSS_OF_LINK:
        yield (
            f"loss={loss!r} has output_activation={loss.link_name!r} (use 'identity' "
            "or 'exp')"
        )
    elif loss.link_name == "exp" and "loss" not in defaults_of(estimator._counterpart):
        yield (
            f"loss={loss!r} has the output activation 'exp', which requires "
            "scikit-learn 1.7 or later (as loss='poisson')"
        )


# -------------------------------------------------------------------------- weights


def affine_maps(estimator: BaseMLP) -> tuple[list[Array], list[Array]]:
    """Return weights and biases of a convertible network, as new arrays.

    A fixed factor of the weights (NTK) and a normalisation by running statistics,
    which in prediction act on single columns, are multiplied into them; layers without
    biases get zeros.

    Parameters
    ----------
    estimator : BaseMLP
        A fitted estimator of one network.

    Returns
    -------
    weights, biases : list of ndarray
        The arrays of each layer, in the dtype of ``theta_``.
    """
    model = estimator._model
    network, theta = model.network, model.theta
    views = network.layout.bind(theta)
    maps: list[tuple[Array, Array]] = []
    for layer, p in _flat(network.root, views):
        if isinstance(layer, Dense):
            maps.append(_map_of_dense(layer, p))
        elif isinstance(layer, BatchNorm):
            maps[-1] = _normalised(layer, p, *maps[-1])
    weights, biases = zip(*maps, strict=True)
    dtype = theta.dtype
    return [w.astype(dtype) for w in weights], [b.astype(dtype) for b in biases]


def _flat(root: Sequential, views: Any) -> Iterator[tuple[Layer, Any]]:
    """Iterate over layers and the views of their parameters, also inside others."""
    for layer, p in zip(root.layers, views.children, strict=True):
        if isinstance(layer, Sequential):
            yield from _flat(layer, p)
        else:
            yield layer, p


def _map_of_dense(layer: Dense, p: Any) -> tuple[Array, Array]:
    """Return the weights and biases of a dense layer."""
    weights, bias = p.weight[0], np.zeros(layer.units)
    if layer.initializer.rescales:
        weights = weights * layer.initializer.scale(weights.shape)
    if layer.use_bias:
        bias = p.bias[0, 0]
    return weights, bias


def _normalised(
    layer: BatchNorm, p: Any, weights: Array, bias: Array
) -> tuple[Array, Array]:
    """Return weights and biases with a subsequent normalisation folded in."""
    variance, mean = (
        view[0, 0].astype(np.float64) for view in (p.running_variance, p.running_mean)
    )
    factor = p.scale[0, 0] / np.sqrt(variance + layer.epsilon)
    return weights * factor, (bias - mean) * factor + p.shift[0, 0]
