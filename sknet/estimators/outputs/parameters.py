"""The parameters of a fitted plain network by layer, as in scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from sknet._numerics import Array
from sknet.activations import Blend
from sknet.model.fitted import FittedModel
from sknet.model.state import model_of
from sknet.network.architecture import Architecture
from sknet.network.blocks import Plain
from sknet.network.image_layers import ImageLayers
from sknet.network.input_embedding import InputEmbedding
from sknet.problem.inputs import Table


if TYPE_CHECKING:
    from sknet.estimators._base import BaseMLP


class Views(list[Array]):
    """A list of views; assigning to an item overwrites the viewed array."""

    def __setitem__(self, position: Any, value: Any) -> None:
        """Overwrite the array at a position; its shape cannot change."""
        if not isinstance(position, (int, np.integer)):
            raise TypeError("Assign one array at a time, or the whole list.")
        self[position][...] = _copy_like(self[position], value)


def _copy_like(view: Array, value: Any) -> Array:
    """Return a copy of a value with the shape and dtype of a view.

    The shapes must be equal: a transposed matrix has the same size, but is refused.
    """
    array = np.array(value, dtype=view.dtype)
    if array.shape != view.shape:
        raise ValueError(f"Expected an array of shape {view.shape}, got {array.shape}.")
    return array


def departures(model: FittedModel) -> Iterator[str]:
    """Iterate over the parts of a model other than dense layers and activations.

    Parameters
    ----------
    model : FittedModel
        The model of a fitted estimator.

    Yields
    ------
    reason : str
        Why multiplying by ``coefs_`` layer by layer would compute something else.
    """
    if isinstance(model.inputs, Table):
        yield "it encodes tables (preprocessor_) before its networks"
    architecture = model.architecture
    if model.n_networks > 1:
        yield f"it is an ensemble of {model.n_networks} networks"
    elif architecture.n_heads > 1:
        yield "it shares its hidden layers with other networks (shared_backbone=True)"
    if isinstance(architecture.input_embedding, ImageLayers):
        yield "it takes images, for convolutional layers (conv_layers)"
    elif architecture.input_embedding != InputEmbedding():
        yield "its columns are embedded or scaled by trained factors"
    if architecture.block != Plain():
        yield f"block={architecture.block!r}"
    if architecture.initializer.rescales:
        yield f"initializer={architecture.initializer!r} multiplies its weights"


def _other_activations(architecture: Architecture) -> Iterator[str]:
    """Iterate over activations with parameters, or with more inputs than outputs."""
    for i, width in enumerate(architecture.hidden_layer_sizes):
        activation = architecture.style(i).activation
        if isinstance(activation, Blend) or activation.n_outputs(width) != width:
            yield f"activation={activation!r}"


def check_plain(estimator: BaseMLP, name: str) -> None:
    """Raise an error for an attribute that only plain networks have.

    Code that reads ``coefs_`` assumes a plain network: dense layers, each followed by
    an activation. Other networks do not have the attribute.

    Parameters
    ----------
    estimator : BaseMLP
        The estimator.
    name : str
        Name of the attribute.

    Raises
    ------
    AttributeError
        If the estimator is not fitted, or has other parts; the message lists them.
    """
    kind = type(estimator).__name__
    if "theta_" not in vars(estimator):
        raise AttributeError(f"This {kind} is not fitted yet.")
    model = model_of(estimator)
    others = _other_activations(model.architecture)
    reasons = dict.fromkeys([*departures(model), *others])
    if reasons:
        several = model.n_networks > 1
        each = "The single networks are in estimators_. " if several else ""
        raise AttributeError(
            f"This {kind} has no {name}: only plain networks, of dense layers and "
            f"activations alone, have it, but {'; '.join(reasons)}. {each}All "
            "parameters are in theta_; sknet.inspection.named_parameters returns them "
            "by layer."
        )


def weights_by_layer(model: FittedModel) -> list[Array]:
    """Return views of the weight matrices of a single network."""
    return Views(view[0] for view in model.network.layout.named(model.theta, "weight"))


def biases_by_layer(model: FittedModel) -> list[Array]:
    """Return views of the bias vectors of a single network."""
    return Views(view[0, 0] for view in model.network.layout.named(model.theta, "bias"))


def assign(views: list[Array], values: list[Array]) -> None:
    """Overwrite all views, or none if an array has a wrong shape.

    The values may be views of the same memory, in another order.
    """
    if len(values) != len(views):
        raise ValueError(f"Expected {len(views)} arrays, got {len(values)}.")
    pairs = zip(views, values, strict=True)
    copies = [_copy_like(view, value) for view, value in pairs]
    for view, copy in zip(views, copies, strict=True):
        view[...] = copy
