"""Conversion to scikit-learn's class of the same kind, and back."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sknet._rng import stream_state
from sknet._sklearn import make_trainable, mlp_target_kind, set_mlp_labels
from sknet.config.components import (
    loss_to_fit,
    optimizer_of,
    schedule_of,
    solver_of,
)
from sknet.config.table import PARAMETERS
from sknet.estimators.export.plain import (
    VALUE_LOSS_OF_LINK,
    activation_name,
    affine_maps,
    defaults_of,
    obstacles,
)
from sknet.losses import VALUE_LOSSES, ClassLoss, LogLoss, Loss
from sknet.model.state import model_of, to_attributes, untrained
from sknet.network.architecture import Architecture
from sknet.network.blocks import Plain
from sknet.network.input_embedding import InputEmbedding
from sknet.optimizers import SGD, Adam
from sknet.problem.class_target import ClassTarget
from sknet.problem.images import ImageReader
from sknet.problem.inputs import Columns
from sknet.problem.value_target import ValueTarget
from sknet.schedules import Adaptive, Clock, Constant, InvScaling
from sknet.solvers import LBFGS
from sknet.solvers.ensemble import plain_history
from sknet.training.monitor import History


if TYPE_CHECKING:
    from sknet.estimators._base import BaseMLP


# Fitted attributes with the same name and meaning in both classes.
_SHARED = (
    "n_features_in_",
    "feature_names_in_",
    "n_outputs_",
    "out_activation_",
    "n_iter_",
    "t_",
    "loss_",
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
)


def to_sklearn(estimator: BaseMLP) -> Any:
    """Return a fitted estimator of scikit-learn's class; see ``BaseMLP.to_sklearn``."""
    check_is_fitted(estimator)
    reasons = list(obstacles(estimator))
    if reasons:
        raise ValueError(
            f"This {type(estimator).__name__} cannot be converted to "
            f"{estimator._counterpart.__name__}: {'; '.join(reasons)}. It can be "
            "exported to ONNX with sknet.onnx.register() and skl2onnx."
        )
    parameters, left_out = _parameters_for_counterpart(estimator)
    if left_out:
        warnings.warn(
            f"{estimator._counterpart.__name__} does not support "
            f"{', '.join(left_out)}. Its predictions are the same, but further "
            "training would ignore these settings.",
            stacklevel=2,
        )
    mlp = clone(estimator._counterpart(**parameters))  # copies the random state
    vars(mlp).update(_shared(estimator))
    if mlp.early_stopping and vars(mlp).get("validation_scores_", ()) is None:
        # No rows were held out; scikit-learn will append to the list.
        mlp.validation_scores_, mlp.best_validation_score_ = [], -np.inf
    mlp.coefs_, mlp.intercepts_ = affine_maps(estimator)
    mlp.n_layers_ = len(mlp.coefs_) + 1
    _label(estimator, mlp)
    make_trainable(mlp, check_random_state(mlp.random_state))
    return mlp


def from_sklearn(cls: Any, mlp: Any) -> Any:
    """Return the estimator for a fitted one of scikit-learn; see ``from_sklearn``."""
    if cls._reader.inputs.encodes_tables:
        raise ValueError(
            f"{cls.__name__} encodes tables before its networks, but "
            f"{cls._counterpart.__name__} does not. Use "
            f"{cls.__name__.replace('Tabular', 'Simple')}.from_sklearn."
        )
    if isinstance(cls._reader.inputs, ImageReader):
        raise ValueError(
            f"{cls.__name__} takes images, but {cls._counterpart.__name__} does not. "
            f"Use {cls.__name__.replace('CNN', 'MLP')}.from_sklearn."
        )
    if not isinstance(mlp, cls._counterpart):
        raise TypeError(
            f"{cls.__name__}.from_sklearn takes a fitted {cls._counterpart.__name__}, "
            f"got {type(mlp).__name__}."
        )
    check_is_fitted(mlp)
    parameters = clone(mlp).get_params(deep=False)
    if mlp.solver != SGD.name:  # scikit-learn ignores it, but sknet would not
        parameters["learning_rate"] = Constant.name
    estimator = cls(**parameters)
    hidden = tuple(len(bias) for bias in mlp.intercepts_[:-1])
    config = replace(estimator._config(), hidden_layer_sizes=hidden)
    architecture = config.architecture(InputEmbedding())
    target = _target_of(estimator, mlp)
    if target.loss.link_name != mlp.out_activation_:
        raise ValueError(
            f"out_activation_={mlp.out_activation_!r} was changed by hand: "
            f"{type(mlp).__name__} sets it to {target.loss.link_name!r} for a network "
            "like this one. Restore that value before converting."
        )
    model = untrained(Columns(mlp.n_features_in_), architecture, target)
    vars(estimator).update(_shared(mlp) | to_attributes(model))
    n_parameters = model.network.layout.n_parameters
    estimator.theta_ = np.empty((1, n_parameters), dtype=mlp.coefs_[0].dtype)
    estimator.coefs_, estimator.intercepts_ = mlp.coefs_, mlp.intercepts_
    vars(estimator).update(_training_of_counterpart(estimator, mlp))
    return estimator


def _label(estimator: BaseMLP, mlp: Any) -> None:
    """Set the classes of scikit-learn's estimator, if there are any."""
    target = model_of(estimator).target
    if isinstance(target, ClassTarget):
        several = target.kind == "multilabel-indicator"
        set_mlp_labels(mlp, target.classes, several)


def _target_of(estimator: BaseMLP, mlp: Any) -> ClassTarget | ValueTarget:
    """Return the target of a fitted estimator of scikit-learn."""
    loss = loss_to_fit(estimator._given(), estimator._losses)
    if not is_classifier(mlp):
        return ValueTarget(mlp.n_outputs_, loss)
    if len(mlp.classes_) == 1:
        raise ValueError(
            f"This {type(mlp).__name__} cannot be converted to "
            f"{type(estimator).__name__}: it was fitted to a single class, for which "
            "its predict_proba returns two columns. Fit it to two classes."
        )
    kind = mlp_target_kind(mlp)
    loss = loss.with_param("exclusive", kind == "multiclass")
    return ClassTarget(kind, mlp.classes_.copy(), loss)


def _training_of_counterpart(estimator: BaseMLP, mlp: Any) -> dict[str, Any]:
    """Return the state for continuing the training of scikit-learn's estimator.

    The optimizer of the counterpart is not converted: it is in private attributes.

    Parameters
    ----------
    estimator : BaseMLP
        The estimator with its parameters and its network.
    mlp : MLPClassifier or MLPRegressor
        The fitted estimator of scikit-learn.

    Returns
    -------
    attributes : dict
        ``_training``, and the public attributes that scikit-learn does not have.
    """
    state = vars(mlp)
    curve = list(state.get("loss_curve_") or ())
    n_epochs = len(curve) or mlp.n_iter_
    training = {
        "streams": [stream_state(check_random_state(mlp.random_state))],
        "n_epochs": [n_epochs],
        "n_seen": [mlp.t_],
    }
    found = {"n_epochs_": n_epochs, "_training": training}
    found["engine_"] = "numpy: scikit-learn trained the network."
    if mlp.solver == LBFGS.name or "loss_curve_" not in state:
        return found  # L-BFGS records no curves
    scores = list(state["validation_scores_"] or ())
    # scikit-learn keeps no validation losses: their values are unknown.
    losses = [math.nan] * len(scores)
    on_score = state["best_loss_"] is None
    history = History([curve], [losses], [scores])
    if on_score:
        history.best_score[:] = state["best_validation_score_"]
    else:
        history.best_loss[:] = state["best_loss_"]
    training["history"] = plain_history([history], on_score)
    factor = schedule_of(estimator._given()).factor(Clock(n_epochs, mlp.t_))
    return found | {
        "loss_curve_": list(curve),
        "validation_scores_": list(scores) or None,
        "validation_loss_curve_": list(losses) or None,
        "n_no_improvement_": 0,
        "learning_rate_": mlp.learning_rate_init * factor,
    }


def _shared(fitted: Any) -> dict[str, Any]:
    """Return copies of the fitted attributes that both classes have, as plain data."""
    state = {name: vars(fitted)[name] for name in _SHARED if name in vars(fitted)}
    return {name: _plain(value) for name, value in state.items()}


def _plain(value: Any) -> Any:
    """Return a copy of an attribute, with numbers as Python scalars."""
    if isinstance(value, list):
        return [float(number) for number in value]
    if isinstance(value, np.ndarray):
        return value.copy()
    return value.item() if isinstance(value, np.generic) else value


# ------------------------------------------------------------------ to scikit-learn


def _parameters_for_counterpart(estimator: BaseMLP) -> tuple[dict[str, Any], list[str]]:
    """Return the counterpart's parameters, and those it does not support."""
    network = estimator._model.architecture
    names, ours = defaults_of(estimator._counterpart), defaults_of(type(estimator))
    found = {name: getattr(estimator, name) for name in names}
    found["hidden_layer_sizes"] = network.hidden_layer_sizes
    found["activation"] = activation_name(network)
    own = [p.name for p in PARAMETERS if not p.kept_by_conversion]
    given = {n: getattr(estimator, n) for n in own if n in ours and n not in names}
    left_out = {name: value for name, value in given.items() if value != ours[name]}
    left_out |= _parts_left_out(network)
    loss, own_loss = estimator._model.loss, _loss_of_counterpart(estimator)
    if loss != own_loss:
        left_out["loss"] = loss
    if "loss" in names:
        found["loss"] = own_loss.name
    for name, read in {"solver": _solver, "learning_rate": _learning_rate}.items():
        values = read(estimator)
        if values is None:
            left_out[name] = getattr(estimator, name)
            values = {name: names[name]}
        found |= values
    return found, [f"{name}={value!r}" for name, value in left_out.items()]


def _parts_left_out(network: Architecture) -> dict[str, Any]:
    """Return the parts that the counterpart lacks, or has only within its weights."""
    found: dict[str, Any] = {}
    if not network.use_bias:
        found["use_bias"] = False
    if network.block != Plain():
        found["block"] = network.block
    if network.initializer.rescales:
        found["initializer"] = network.initializer
    return found


def _loss_of_counterpart(estimator: BaseMLP) -> Loss:
    """Return the loss that scikit-learn's class uses for a network of this kind."""
    loss = estimator._model.loss
    if isinstance(loss, ClassLoss):
        return LogLoss(exclusive=loss.exclusive)
    return VALUE_LOSSES.make(VALUE_LOSS_OF_LINK[loss.link_name])


def _solver(estimator: BaseMLP) -> dict[str, Any] | None:
    """Return the parameters for the solver, or None if scikit-learn lacks it.

    A subclass of an optimizer may make other steps, and is not converted.
    """
    given, named = estimator._given(), estimator._preset.optimizers
    solver = solver_of(given)
    if type(solver) is LBFGS:
        own = {"max_fun": solver.max_fun, "tol": solver.tol}
        said = {name: value for name, value in own.items() if value is not None}
        return {"solver": solver.name, **said}
    if solver is not None:
        return None
    optimizer = optimizer_of(given, named)
    if type(optimizer) is Adam and not optimizer.weight_decay:
        moments = {name: getattr(optimizer, name) for name in _MOMENTS}
        return {"solver": "adam", **moments}
    if type(optimizer) is SGD and not optimizer.weight_decay:
        momentum, nesterov = optimizer.momentum, optimizer.nesterov
        found = {"momentum": momentum, "nesterovs_momentum": nesterov}
        return {"solver": "sgd", **found}
    return None


_MOMENTS = ("beta_1", "beta_2", "epsilon")


def _learning_rate(estimator: BaseMLP) -> dict[str, Any] | None:
    """Return the parameters for the schedule, or None if scikit-learn lacks it."""
    schedule = schedule_of(estimator._given())
    if schedule == Constant():
        return {"learning_rate": schedule.name}
    if (_solver(estimator) or {}).get("solver") != SGD.name:
        return None  # scikit-learn would ignore it
    if type(schedule) is InvScaling:
        return {"learning_rate": "invscaling", "power_t": schedule.power_t}
    if schedule == Adaptive():
        return {"learning_rate": schedule.name}
    return None
