"""Predictions as ONNX nodes: classes and their probabilities, and values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.losses import Gaussian, MeanQuantiles, ValueLoss
from sknet.losses.outputs import LINKS
from sknet.model.fitted import FittedModel
from sknet.network.layers import EnsembleView, Partition, Scale, Sequential
from sknet.onnx.converters import convert
from sknet.onnx.graph import Graph
from sknet.onnx.links import inverse
from sknet.problem.class_target import ClassTarget
from sknet.problem.value_target import ValueTarget


@dataclass(frozen=True)
class Raw:
    """Raw outputs of all members.

    Parameters
    ----------
    value : str
        The outputs, of shape (N, R) for a single member, else (M, N, R).
    n_members : int
        Number M of networks, or of submodels that share a backbone.
    n_outputs : int
        Number R of raw outputs.
    """

    value: str
    n_members: int
    n_outputs: int


def raw_outputs(graph: Graph, model: FittedModel, x: str) -> Raw:
    """Write the raw outputs of a fitted model for the columns ``x``."""
    network, theta = model.network, model.theta
    views = network.layout.bind(theta)
    if len(network.input_shape) > 1:
        x = graph.reshaped(x, -1, *network.input_shape)
    if len(theta) > 1 and not _makes_members(network.root):
        # ONNX broadcasts one matrix against several, but OpenVINO does not.
        ones = [1] * (1 + len(network.input_shape))
        x = graph.op("Expand", x, np.array([len(theta), *ones]))
    raw = convert(graph, network.root, views, x, network.input_shape)
    if model.temperature != 1.0:
        raw = graph.op("Div", raw, float(model.temperature))
    if model.head is not None:  # one network of a shared backbone
        raw = graph.op("Gather", raw, np.array(model.head), axis=0)
    return Raw(raw, model.n_networks, network.n_outputs)


def _makes_members(root: Sequential) -> bool:
    """Return whether the first layer adds the axis of members to the rows."""
    return isinstance(root.layers[0], (Partition, Scale, EnsembleView))


# ---------------------------------------------------------------------------- classes


def write_classes(
    graph: Graph, target: ClassTarget, raw: Raw, as_scores: bool
) -> tuple[str, str]:
    """Write the predicted classes and their probabilities or scores.

    Parameters
    ----------
    graph : Graph
        The graph to add nodes to.
    target : ClassTarget
        The fitted target encoder.
    raw : Raw
        The raw outputs.
    as_scores : bool
        Whether to return the scores of ``decision_function`` in place of
        probabilities. Losses without probabilities always return scores.

    Returns
    -------
    place : str
        Indices of the predicted classes, (N,); zeros and ones for multilabel, (N, C).
    probability : str
        Probabilities or scores, of shape (N, C). Two classes have two scores, one the
        negative of the other.
    """
    linked = convert(graph, target.loss, raw.value, raw.n_outputs)
    prediction = graph.mean_of_members(linked, raw.n_members)
    place = _places(graph, target, prediction)
    if not as_scores and target.loss.gives_probability:
        members = _probability(graph, target, raw, linked)
        return place, graph.mean_of_members(members, raw.n_members)
    scores = _decision(graph, target, raw, prediction)
    if target.kind == "binary" and len(target.classes) == 2:
        scores = graph.joined([graph.op("Neg", scores), scores])
    return place, scores


def _places(graph: Graph, target: ClassTarget, prediction: str) -> str:
    """Return the indices of the predicted classes."""
    if target.kind == "multiclass":
        return graph.op("ArgMax", prediction, axis=1, keepdims=0)
    threshold = float(target.loss.threshold)
    yes = graph.cast(graph.op("Greater", prediction, threshold), np.int64)
    if target.kind == "multilabel-indicator":
        return yes
    if len(target.classes) == 1:
        yes = graph.op("Mul", yes, np.array(0))
    return graph.reshaped(yes, -1)


def _probability(graph: Graph, target: ClassTarget, raw: Raw, linked: str) -> str:
    """Return the probabilities of each member, as ``ClassTarget.probability`` does."""
    limits, loss = np.finfo(graph.dtype), target.loss
    if target.kind == "multilabel-indicator":
        return graph.op("Max", graph.op("Min", linked, 1.0 - limits.eps), limits.tiny)
    if target.kind == "binary":
        if len(target.classes) == 1:
            return graph.op("Add", graph.op("Mul", raw.value, 0.0), 1.0)
        pair = graph.joined([graph.op("Neg", raw.value), raw.value])
        return graph.op("Max", convert(graph, loss, pair, 2), limits.tiny)
    p = graph.op("Max", linked, limits.tiny)
    if loss.link_name == "softmax":
        return p
    total = graph.op("ReduceSum", p, np.array([-1]), keepdims=1)
    return graph.op("Max", graph.op("Div", p, total), limits.tiny)


def _decision(graph: Graph, target: ClassTarget, raw: Raw, prediction: str) -> str:
    """Return the scores of ``decision_function`` as columns."""
    link_name = target.loss.link_name
    if raw.n_members == 1:
        softmax = link_name == "softmax"
        return graph.op("LogSoftmax", raw.value, axis=-1) if softmax else raw.value
    if link_name not in LINKS:
        return graph.mean_of_members(raw.value, raw.n_members)
    return inverse(graph, link_name, prediction)


# ----------------------------------------------------------------------------- values


def write_values(graph: Graph, target: ValueTarget, raw: Raw) -> str:
    """Write the predictions of a regressor; a single target gives one column.

    Parameters
    ----------
    graph : Graph
        The graph to add nodes to.
    target : ValueTarget
        The fitted target encoder.
    raw : Raw
        The raw outputs.

    Returns
    -------
    values : str
        Predictions of shape (N, C), or (N, Q) or (N, C, Q) for Q quantile levels.
    """
    values = _everything(graph, target, raw)
    if target.loss.shows_point:
        return graph.chosen(values, point_columns(target.loss, raw.n_outputs))
    shape = shape_of_values(target)
    return graph.reshaped(values, -1, *shape) if len(shape) > 1 else values


def _everything(graph: Graph, target: ValueTarget, raw: Raw) -> str:
    """Return all predicted columns, (N, R), in units of the target."""
    linked = convert(graph, target.loss, raw.value, raw.n_outputs)
    values = graph.mean_of_members(linked, raw.n_members)
    if target.scale is None:
        return values
    return _in_units(graph, target, values, raw.n_outputs)


def point_columns(loss: ValueLoss, n_raw: int) -> Array:
    """Return the indices of the predicted columns that are point predictions."""
    numbers: Array = loss.point(np.arange(n_raw)[None])[0]
    return numbers


def shape_of_values(target: Any) -> tuple[int, ...]:
    """Return the shape of the prediction for one row."""
    n_outputs, n_raw = target.n_outputs, target.n_raw
    if target.loss.shows_point or n_raw == n_outputs:
        return (n_outputs,)
    n_each = n_raw // n_outputs
    return (n_each,) if n_outputs == 1 else (n_outputs, n_each)


def _in_units(graph: Graph, target: Any, values: str, n_raw: int) -> str:
    """Return predictions in units of the target, computed in float64."""
    mean, deviation, least, largest = target.scale.by_output(n_raw)
    exact = graph.at(np.float64)
    y = exact.op("Mul", exact.cast(values, np.float64), deviation)
    y = exact.op("Add", y, mean)
    if np.isfinite(least).all():
        y = exact.op("Min", exact.op("Max", y, least), largest)
    return graph.cast(y, graph.dtype)


def write_deviations(graph: Graph, target: ValueTarget, raw: Raw) -> str:
    """Write the standard deviations of ``predict(X, return_std=True)``, (N, C).

    Parameters
    ----------
    graph : Graph
        The graph to add nodes to.
    target : ValueTarget
        The fitted target encoder, with a Gaussian loss unless there are several
        members.
    raw : Raw
        The raw outputs.

    Returns
    -------
    deviation : str
        Standard deviations.
    """
    linked = convert(graph, target.loss, raw.value, raw.n_outputs)
    gaussian = isinstance(target.loss, Gaussian)
    deviation = graph.columns(linked, 1, step=2) if gaussian else None
    if raw.n_members > 1:
        columns = point_columns(target.loss, raw.n_outputs)
        points = graph.chosen(linked, columns)
        deviation = _total_deviation(graph, points, deviation, raw.n_members)
    if deviation is None:
        raise ValueError(
            f"return_std: loss={target.loss.name!r} has no standard deviation; use "
            "loss='gaussian', or an ensemble (n_estimators)."
        )
    if target.scale is None:
        return deviation
    return graph.op("Mul", deviation, target.unit_of_points)


def _total_deviation(graph: Graph, points: str, own: str | None, n_members: int) -> str:
    """Return the deviation between the members, including their own deviations."""
    away = graph.op("Sub", points, graph.mean_of_members(points, n_members))
    variance = graph.mean_of_members(graph.op("Mul", away, away), n_members)
    if own is not None:
        within = graph.mean_of_members(graph.op("Mul", own, own), n_members)
        variance = graph.op("Add", variance, within)
    return graph.op("Sqrt", variance)


def write_quantiles(graph: Graph, target: ValueTarget, raw: Raw) -> str:
    """Write the quantiles that were trained along with a mean, (N, Q) or (N, C, Q).

    Parameters
    ----------
    graph : Graph
        The graph to add nodes to.
    target : ValueTarget
        The fitted target encoder.
    raw : Raw
        The raw outputs.

    Returns
    -------
    quantiles : str
        Quantiles in increasing order of their levels.
    """
    if not isinstance(target.loss, MeanQuantiles):
        raise ValueError(
            "return_quantiles: this network was not trained for quantiles along with a "
            "mean; use TabularMLPRegressor(quantiles=...) or loss='mean_quantiles'."
        )
    means = point_columns(target.loss, raw.n_outputs)
    others = np.setdiff1d(np.arange(raw.n_outputs), means)
    values = graph.chosen(_everything(graph, target, raw), others)
    if target.n_outputs == 1:
        return values
    return graph.reshaped(values, -1, target.n_outputs, len(others) // target.n_outputs)
