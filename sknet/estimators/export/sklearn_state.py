"""What training goes on with, handed over to scikit-learn's class, and back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state

from sknet._numerics import Array
from sknet._rng import stream_from_state, stream_state
from sknet._sklearn import MLPMemory, mlp_memory
from sknet.config.components import optimizer_of
from sknet.estimators.export.plain import is_folded
from sknet.schedules import Adaptive
from sknet.solvers import LBFGS
from sknet.solvers.ensemble import plain_history
from sknet.training.monitor import History


if TYPE_CHECKING:
    from sknet.estimators._base import BaseMLP


def memory_for_sister(estimator: BaseMLP, mlp: Any) -> MLPMemory:
    """Return what an estimator of scikit-learn goes on with.

    Parameters
    ----------
    estimator : BaseMLP
        Fitted, of a single plain network.
    mlp : MLPClassifier or MLPRegressor
        With its parameters.

    Returns
    -------
    memory : MLPMemory
        Without an optimizer if scikit-learn has none like ours, or its weights are not
        those that ours has moved.
    """
    memory = vars(estimator).get("_training")
    if memory is None:  # dropped by compact()
        return MLPMemory()
    stream = stream_from_state(memory["streams"][0])
    count = vars(estimator).get("n_no_improvement_", 0)
    folded = is_folded(estimator._model.architecture)
    if folded or memory.get("optimizer") != mlp.solver:
        return MLPMemory(stream, count)
    rate, n_steps = estimator.learning_rate_, memory["t"][0]
    factors = _slot_factors(mlp)
    slots = memory["slots"] or [np.zeros_like(estimator.theta_) for _ in factors]
    moments = [
        _by_layer(estimator, slot * slot.dtype.type(factor))
        for slot, factor in zip(slots, factors, strict=True)
    ]
    return MLPMemory(stream, count, rate, n_steps, moments)


def _slot_factors(mlp: Any) -> tuple[float, ...]:
    """Return what our slots are multiplied with to be scikit-learn's arrays.

    Adam's are sums here and means there; velocities are subtracted here, added there.
    """
    if mlp.solver == "adam":
        return 1.0 - mlp.beta_1, 1.0 - mlp.beta_2
    return (-1.0,)


def _by_layer(estimator: BaseMLP, row: Array) -> list[Array]:
    """Return weights, then biases, of an array like ``theta_``; without any, zeros."""
    layout = estimator._model.network.layout
    weights = [view[0] for view in layout.named(row, "weight")]
    biases = [view[0, 0] for view in layout.named(row, "bias")]
    return weights + (biases or [np.zeros_like(array[0]) for array in weights])


def memory_of_sister(estimator: BaseMLP, mlp: Any) -> dict[str, Any]:
    """Return what an estimator goes on with after one of scikit-learn.

    Parameters
    ----------
    estimator : BaseMLP
        With the parameters and the network.
    mlp : MLPClassifier or MLPRegressor
        Fitted.

    Returns
    -------
    attributes : dict
        ``_training``, and the public ones that scikit-learn does not have.
    """
    memory, state = mlp_memory(mlp), vars(mlp)
    stream = memory.random_state or check_random_state(mlp.random_state)
    curve = list(state.get("loss_curve_") or ())
    n_epochs = len(curve) or mlp.n_iter_
    training = {
        "streams": [stream_state(stream)],
        "n_epochs": [n_epochs],
        "n_seen": [mlp.t_],
    }
    found = {"n_epochs_": n_epochs, "_training": training}
    if mlp.solver == LBFGS.name or "loss_curve_" not in state:
        return found  # L-BFGS keeps nothing, and draws no curves
    rate = mlp.learning_rate_init if memory.rate is None else memory.rate
    scores = list(state["validation_scores_"] or ())
    # scikit-learn keeps no validation losses: not known, but as many.
    losses = [math.nan] * len(scores)
    on_score = state["best_loss_"] is None
    history = History([curve], [losses], [scores])
    if on_score:
        history.best_score[:] = state["best_validation_score_"]
    else:
        history.best_loss[:] = state["best_loss_"]
    history.n_no_improvement[:] = memory.n_no_improvement
    training["history"] = plain_history([history], on_score)
    if memory.rate is not None:
        training |= _slots_of_sister(estimator, mlp, memory)
    return found | {
        "loss_curve_": list(curve),
        "validation_scores_": list(scores) or None,
        "validation_loss_curve_": list(losses) or None,
        "n_no_improvement_": memory.n_no_improvement,
        "learning_rate_": rate,
    }


def _slots_of_sister(estimator: BaseMLP, mlp: Any, memory: MLPMemory) -> dict[str, Any]:
    """Return the sister's optimizer as our memory of one."""
    named, theta = estimator._preset.optimizers, estimator.theta_
    optimizer = optimizer_of(estimator._given(), named)
    slots = []
    for factor, arrays in zip(_slot_factors(mlp), memory.moments, strict=True):
        slot = np.empty_like(theta)
        for view, array in zip(_by_layer(estimator, slot), arrays, strict=True):
            view[...] = array / factor
        slots.append(slot)
    scale = memory.rate / mlp.learning_rate_init
    return {
        "optimizer": optimizer.name,
        "slots": slots[: optimizer.n_slots],  # without momentum there is none
        "t": [memory.n_steps],
        "plateau_scale": [scale if mlp.learning_rate == Adaptive.name else 1.0],
    }
