"""Preparation of a fit: from the arguments of ``fit`` to a training problem."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sknet._numerics import Array
from sknet.config.components import check_multipliers
from sknet.config.training_config import TrainingConfig
from sknet.model.fitted import FittedModel
from sknet.model.state import to_attributes, untrained
from sknet.network.architecture import Architecture
from sknet.preprocessing.constant_columns import warn_of_constant_columns
from sknet.problem.input_cache import InputCache
from sknet.problem.inputs import Table
from sknet.problem.readers import no_way_on
from sknet.problem.validation import of_validation_set
from sknet.problem.weights import check_weight, class_weights, moderate_scale
from sknet.solvers.problem import FitRequest, Problem
from sknet.solvers.start import EarlierFit, FitKind, Start
from sknet.solvers.validation_set import ValidationSet
from sknet.training.batches import Dataset


if TYPE_CHECKING:
    from sknet.estimators._base import BaseMLP


def prepare_problem(
    estimator: BaseMLP, config: TrainingConfig, request: FitRequest, cache: InputCache
) -> Problem:
    """Validate the data and set up the training problem.

    Parameters
    ----------
    estimator : BaseMLP
        The estimator, possibly fitted; its feature attributes are set.
    config : TrainingConfig
        Its training configuration.
    request : FitRequest
        The arguments of ``fit``.
    cache : InputCache
        Cache of data that were read before for another estimator.

    Returns
    -------
    problem : Problem
        The model and the data to train it on.

    Raises
    ------
    ValueError
        If the data are invalid, or training cannot be resumed.
    """
    rows = read_rows(estimator, config, request, cache)
    return problem_of(estimator, config, request, rows, cache)


@dataclass(frozen=True)
class Rows:
    """The training data of a call of ``fit``, validated and encoded.

    Parameters
    ----------
    start : Start
        Where training starts.
    data : Dataset
        The encoded data.
    y : ndarray of shape (N,) or (N, C)
        The target, as passed by the user.
    inputs : Columns or Table
        The encoding of features as columns.
    target : ClassTarget or ValueTarget
        The encoding of targets as columns.
    """

    start: Start
    data: Dataset
    y: Array
    inputs: Any
    target: Any


def read_rows(
    estimator: BaseMLP, config: TrainingConfig, request: FitRequest, cache: InputCache
) -> Rows:
    """Validate and encode the data; see :func:`prepare_problem`."""
    start = _start(estimator, config, request)
    is_new = start.earlier is None
    X, y, rows = cache.read(
        estimator, estimator._reader, request.X, request.y, request.rows, is_new
    )
    weight = cache.intern(check_weight(request.sample_weight, y))
    target, encoded = _read_target(estimator, config, start, y, weight, request, cache)
    weight = cache.intern(_weight_by_class(config, target, y, weight))
    reader = estimator._reader.inputs
    if start.earlier is None:
        inputs = reader.inputs(config, X, weight, cache)
    else:
        inputs = reader.goes_on(config, start.earlier.model.inputs, X)
    columns = reader.columns(inputs, X, cache)
    return Rows(start, Dataset(columns, encoded, weight, rows), y, inputs, target)


def problem_of(
    estimator: BaseMLP,
    config: TrainingConfig,
    request: FitRequest,
    rows: Rows,
    cache: InputCache,
) -> Problem:
    """Set up the problem for data that were read; see :func:`prepare_problem`."""
    start, inputs = rows.start, rows.inputs
    embedding = estimator._reader.inputs.input_embedding(config, inputs)
    architecture = config.architecture(embedding)
    model = untrained(inputs, architecture, rows.target)
    model = replace(model, engine=config.engine)
    texts: tuple[tuple[Any, str], ...] = ()
    check_multipliers(config.given["learning_rate_multipliers"], model.network)
    if start.earlier is not None:
        _check_same_network(config, start.earlier, model)
        texts = start.earlier.texts
    problem = Problem(
        name=type(estimator).__name__,
        config=config,
        start=start,
        data=rows.data,
        y=rows.y,
        model=model,
        description=to_attributes(model, texts),
        dtype=_computing_dtype(config, rows.data.x, start),
        validation_set=_given_set(estimator, config, model, request.validation, cache),
        unfitted=lambda: _unfitted(estimator),
    )
    if start.is_partial and start.earlier is None and isinstance(inputs, Table):
        warn_of_constant_columns(inputs.encoder)
    return problem


def _start(estimator: BaseMLP, config: TrainingConfig, request: FitRequest) -> Start:
    """Return the start of training: from scratch, or from an earlier fit."""
    goes_on = request.kind is not FitKind.FIT or config.warm_start
    if not goes_on or "theta_" not in vars(estimator):
        return Start(request.kind)
    if "_training" not in vars(estimator):
        raise ValueError(
            f"Training of this {type(estimator).__name__} cannot be resumed "
            "(warm_start or partial_fit): compact() has dropped the optimizer state "
            "and the random streams, or this is one of the estimators_ of an ensemble, "
            "and only the ensemble has them. Refit it with warm_start=False, use a "
            "clone, or compact a copy next time: copy.deepcopy(estimator).compact()."
        )
    return Start(request.kind, EarlierFit.of(estimator))


def _unfitted(estimator: BaseMLP) -> Any:
    """Return an unfitted estimator with the same parameters and ``n_features_in_``."""
    view = type(estimator)(**estimator.get_params(deep=False))
    view.n_features_in_ = estimator.n_features_in_
    return view


def _read_target(
    estimator: BaseMLP,
    config: TrainingConfig,
    start: Start,
    y: Array,
    weight: Array | None,
    request: FitRequest,
    cache: InputCache,
) -> tuple[Any, Array]:
    """Return the fitted target encoder, and the encoded target."""
    reader, classes = estimator._reader.target, request.classes
    if start.earlier is not None:
        fitted = start.earlier.model.target
        target = reader.goes_on(config, fitted, y, weight, classes)
        return target, cache.intern(target.encode(y))

    def read() -> tuple[Any, Array]:
        target = reader.target(config, y, weight, classes)
        return target, cache.intern(target.encode(y))

    if classes is not None:
        return read()
    key = (type(estimator), id(y), id(weight), *reader.key(config))
    pair: tuple[Any, Array] = cache.memoize(key, read)
    return pair


def _weight_by_class(
    config: TrainingConfig, target: Any, y: Array, weight: Array | None
) -> Array | None:
    """Return the sample weights multiplied by the class weights, or None."""
    if config.class_weight is not None:
        weight = class_weights(config.class_weight, target, y, weight)
    if weight is None:
        return None
    if not weight.any():
        raise ValueError(
            "Sample weights must contain at least one non-zero number: all "
            "samples with a positive weight belong to classes with weight zero."
        )
    return moderate_scale(weight)


def _given_set(
    estimator: BaseMLP,
    config: TrainingConfig,
    model: FittedModel,
    validation: tuple[Any, Any, Any],
    cache: InputCache,
) -> ValidationSet | None:
    """Return the validation set that was passed to ``fit``, validated, or None."""
    X, y, sample_weight = validation
    if X is None and y is None and sample_weight is None:
        is_default = config.scoring == config.preset.default_scoring
        if not is_default and not config.early_stopping:
            warnings.warn(
                f"scoring={config.scoring!r} has no effect without a validation "
                "set: use early_stopping=True, or pass X_val and y_val to fit.",
                stacklevel=2,
            )
        return None
    if X is None or y is None:
        raise ValueError(
            "X_val and y_val must be given together, and sample_weight_val only "
            "with them."
        )
    reader, target = estimator._reader, model.target
    with of_validation_set():
        X, y = cache.read_validation(estimator, reader, X, y)
        target.check_labels(y, "y_val")
        weight = check_weight(sample_weight, X)
        weight = cache.intern(_weight_by_class(config, target, y, weight))
        columns = reader.inputs.columns(model.inputs, X, cache)
    return ValidationSet(Dataset(columns, cache.intern(target.encode(y)), weight), y)


def _computing_dtype(
    config: TrainingConfig, columns: Any, start: Start
) -> np.dtype[Any]:
    """Return the dtype to compute in; it is kept when training resumes."""
    if start.earlier is not None:
        return start.earlier.model.theta.dtype
    if config.dtype != "auto":
        return np.dtype(config.dtype)
    return np.dtype(np.float32 if columns.dtype == np.float32 else np.float64)


def _check_same_network(
    config: TrainingConfig, earlier: EarlierFit, model: FittedModel
) -> None:
    """Raise an error if training would resume with a different network."""
    fitted, target = earlier.model, model.target
    fitted_dtype = fitted.theta.dtype
    is_auto = config.dtype == "auto"
    pairs: dict[str, Any] = {
        "learning_rule": (
            model.architecture.learning_rule,
            fitted.architecture.learning_rule,
        ),
        "dtype": (fitted_dtype if is_auto else np.dtype(config.dtype), fitted_dtype),
        "number of networks": (config.n_networks, earlier.n_networks),
        "number of outputs": (target.n_outputs, fitted.target.n_outputs),
        "output activation": (target.loss.link_name, fitted.loss.link_name),
        "number of raw outputs": (target.n_raw, fitted.target.n_raw),
    }
    now, before = model.architecture.initializer, fitted.architecture.initializer
    if now.rescales or before.rescales:
        pairs["initializer"] = (now, before)
    parts = _differences(model.architecture, fitted.architecture)
    for what, (now, before) in {**parts, **pairs}.items():
        if now != before:
            raise no_way_on(what, now, before)


def _differences(now: Architecture, before: Architecture) -> dict[str, Any]:
    """Return pairs of the settings of two architectures, by their names for users.

    The initializer and dropout are left out: they may change.
    """
    if now is before or now == before:
        return {}
    pairs, fitted = _settings(now), _settings(before)
    return {name: (value, fitted[name]) for name, value in pairs.items()}


def _settings(architecture: Architecture) -> dict[str, Any]:
    """Return the settings of an architecture that may not change, as plain data."""
    config = architecture.to_config()
    return {
        "hidden_layer_sizes": config["hidden_layer_sizes"],
        "activation": config["activations"],
        "block": config["block"],
        "use_bias": config["use_bias"],
        "number of networks with a shared backbone": config["n_heads"],
        # the type of the pixels may change
        **{n: v for n, v in config["input_embedding"].items() if n != "are_bytes"},
    }
