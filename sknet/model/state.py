"""Conversion between models and fitted attributes.

An estimator holds its model as plain data, which can also be written to files. The
model itself is built from them when it is first needed, and cached until they change.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from sklearn.base import BaseEstimator

from sknet._numerics import Array
from sknet.losses import CLASS_LOSSES, VALUE_LOSSES
from sknet.model.class_model import ClassModel
from sknet.model.fitted import FittedModel
from sknet.model.value_model import ValueModel
from sknet.network.architecture import Architecture
from sknet.network.network import perceptron
from sknet.problem.class_target import ClassTarget
from sknet.problem.images import Images
from sknet.problem.inputs import Columns, Encoded, Table
from sknet.problem.value_target import TargetScale, ValueTarget


# Fitted attributes that a model is built from.
_PARTS = (
    *("theta_", "_architecture", "_loss", "n_features_in_", "n_outputs_"),
    *("classes_", "_target_kind", "preprocessor_", "temperature_", "_head"),
    "image_shape_",
    *("target_mean_", "target_deviation_", "target_range_", "engine"),
)

_Key = tuple[Any, ...]
_models: WeakKeyDictionary[Any, tuple[_Key, FittedModel]] = WeakKeyDictionary()


def model_of(estimator: BaseEstimator) -> Any:
    """Return the model of a fitted estimator.

    Parameters
    ----------
    estimator : BaseMLP
        A fitted estimator.

    Returns
    -------
    model : ClassModel or ValueModel
        The same object until a fitted attribute is rebound. It shares the arrays of
        the estimator.
    """
    key = _key(estimator)
    kept = _models.get(estimator)
    if kept is not None and all(map(_is, kept[0], key)):
        return kept[1]
    model = from_attributes(vars(estimator))
    _models[estimator] = key, model
    return model


def keep_model(estimator: BaseEstimator, model: FittedModel) -> None:
    """Cache the model that the fitted attributes of an estimator describe."""
    _models[estimator] = _key(estimator), model


def _key(estimator: BaseEstimator) -> _Key:
    """Return the fitted attributes that an estimator's model is built from."""
    return tuple(map(vars(estimator).get, _PARTS))


def _is(a: object, b: object) -> bool:
    """Return whether two objects are identical."""
    return a is b


def to_attributes(
    model: FittedModel, known: Sequence[tuple[Any, str]] = ()
) -> dict[str, Any]:
    """Return the fitted attributes of a model, except for those set by training.

    Parameters
    ----------
    model : FittedModel
        The model; its parameters and temperature are left out.
    known : sequence of (object, str), default=()
        Parts of a model that were already serialised, with their text.

    Returns
    -------
    attributes : dict of str to object
        Plain data, and the preprocessor of a table.
    """
    target = model.target
    attributes = {
        "n_outputs_": target.n_outputs,
        "out_activation_": model.loss.link_name,
        "_architecture": _text_of(model.architecture, known),
        "_loss": _text_of(model.loss, known),
    }
    is_table = isinstance(model.inputs, Table)
    if isinstance(target, ClassTarget):
        attributes |= {"classes_": target.classes, "_target_kind": target.kind}
    elif is_table:
        attributes |= _scale_to_attributes(target.scale)
    if isinstance(model.inputs, Images):
        attributes["image_shape_"] = model.inputs.shape
    if is_table:
        attributes["preprocessor_"] = model.inputs.encoder
    return attributes


def _text_of(part: Any, known: Sequence[tuple[Any, str]]) -> str:
    """Return an architecture or a loss as JSON text."""
    for other, text in known:
        if part is other:
            return text
    return json.dumps(part.to_config())


def from_attributes(state: Mapping[str, Any]) -> FittedModel:
    """Return the model that fitted attributes describe.

    Parameters
    ----------
    state : mapping of str to object
        Attributes of a fitted estimator.

    Returns
    -------
    model : ClassModel or ValueModel
        The model, which shares the arrays of ``state``.
    """
    architecture = Architecture.from_config(json.loads(state["_architecture"]))
    model = untrained(_inputs(state), architecture, _target(state))
    theta = state["theta_"]
    n_parameters = model.network.layout.n_parameters
    if np.ndim(theta) != 2 or theta.shape[1] != n_parameters:
        raise ValueError(
            f"theta_ has shape {np.shape(theta)}, but this network has {n_parameters} "
            f"parameters, so that it must be (n_networks, {n_parameters}). Change "
            "weights by coefs_ and intercepts_, and fit again for another network."
        )
    return replace(
        model,
        theta=theta,
        temperature=state.get("temperature_", 1.0),
        head=state.get("_head"),
        engine=state.get("engine", "auto"),
    )


def untrained(
    inputs: Columns | Table | Images | Encoded,
    architecture: Architecture,
    target: ClassTarget | ValueTarget,
) -> FittedModel:
    """Return a model without parameters.

    Parameters
    ----------
    inputs : Columns, Table, Images or Encoded
        The encoding of rows as columns.
    architecture : Architecture
        The description of the network.
    target : ClassTarget or ValueTarget
        The target that raw outputs are decoded to.

    Returns
    -------
    model : ClassModel or ValueModel
        A model with an empty ``theta``.
    """
    network = perceptron(inputs.n_columns, architecture, target.n_raw)
    parts = inputs, architecture, network, np.empty((0, 0))
    if isinstance(target, ClassTarget):
        return ClassModel(*parts, target)
    return ValueModel(*parts, target)


def _inputs(state: Mapping[str, Any]) -> Columns | Table | Images | Encoded:
    """Return the encoding of rows as columns."""
    encoder = state.get("preprocessor_")
    if encoder is None:
        shape = state.get("image_shape_")
        return Columns(state["n_features_in_"]) if shape is None else Images(shape)
    return encoder if isinstance(encoder, Encoded) else Table(encoder)


def _target(state: Mapping[str, Any]) -> ClassTarget | ValueTarget:
    """Return the target that raw outputs are decoded to."""
    loss = json.loads(state["_loss"])
    if "classes_" in state:
        kind, classes = state["_target_kind"], state["classes_"]
        return ClassTarget(kind, classes, CLASS_LOSSES.from_config(loss))
    scale, mean = None, state.get("target_mean_")
    if mean is not None:
        scale = TargetScale(mean, state["target_deviation_"], *state["target_range_"])
    return ValueTarget(state["n_outputs_"], VALUE_LOSSES.from_config(loss), scale)


def _scale_to_attributes(scale: TargetScale | None) -> dict[str, Array | None]:
    """Return the scale of a target as attributes, None if it is not standardised."""
    names = ("target_mean_", "target_deviation_", "target_range_")
    if scale is None:
        return dict.fromkeys(names)
    ends = np.stack([scale.least, scale.largest])
    return dict(zip(names, (scale.mean, scale.deviation, ends), strict=True))
