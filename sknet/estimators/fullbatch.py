"""Fitting by L-BFGS: from an estimator's parameters to trained ones."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet._rng import stream_state
from sknet.estimators.components import schedule_of
from sknet.estimators.ensemble import fitted_seeds, member_data, new_streams, worst
from sknet.estimators.initial import initial_theta
from sknet.estimators.task import Fit, Task, limits_of
from sknet.schedules import Constant
from sknet.training.batches import Dataset
from sknet.training.callbacks import Reporter
from sknet.training.lbfgs import FullBatch, minimize_lbfgs
from sknet.training.member import Ending


def fit_lbfgs(estimator: Any, task: Task) -> Fit:
    """Train on all rows at once by L-BFGS.

    Parameters
    ----------
    estimator : BaseMLP
        Its parameters say how; ``theta_`` is the start if training goes on.
    task : Task
        What is trained on what.

    Returns
    -------
    fit : Fit
        Trained parameters.
    """
    _refuse_what_needs_steps(estimator, task)
    _warn_of_what_needs_epochs(estimator, task)
    if task.going_on:
        kept, seeds = estimator._training["streams"], fitted_seeds(estimator)
        thetas = [theta[None].copy() for theta in estimator.theta_]
    else:
        streams = new_streams(estimator)
        seeds = streams.seeds
        thetas = [
            initial_theta(task, estimator.initializer, [stream])
            for stream in streams.members
        ]
        kept = [stream_state(stream) for stream in streams.members]
    data = member_data(estimator, task, seeds)
    solved = [
        _solve(estimator, task, dataset, theta)
        for dataset, theta in zip(data, thetas, strict=True)
    ]
    endings = [ending for ending, _ in solved]
    before = estimator.n_epochs_ if task.going_on else 0
    n_epochs = before + max(ending.n_iter for ending in endings)
    seen = estimator.t_ if task.going_on else 0
    n_members = len(thetas)
    attributes = {
        "loss_": float(np.mean([loss for _, loss in solved])),
        "n_epochs_": n_epochs,
        "t_": seen,
        "_training": {
            "streams": kept,
            "n_epochs": [n_epochs] * n_members,
            "n_seen": [seen] * n_members,
        },
    }
    if seeds is not None:
        attributes["member_seeds_"] = seeds
    return Fit(np.concatenate(thetas), worst(endings), attributes)


def _solve(
    estimator: Any, task: Task, data: Dataset, theta: Array
) -> tuple[Ending, float]:
    """Minimise for one network, in place; return how it ended, and the loss."""
    full = FullBatch(task.objective(estimator.alpha), data, theta)
    ending, x, loss = minimize_lbfgs(
        full,
        limits_of(estimator, incremental=False),
        estimator.max_fun,
        estimator.tol,
        Reporter(bool(estimator.verbose)),
    )
    theta[0, : len(x)] = x
    if not np.isfinite(loss) or not np.isfinite(theta).all():
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain "
            "large values and need to be preprocessed. L-BFGS found no finite value "
            "of the loss: scale X (e.g. StandardScaler) and y."
        )
    return ending, loss


def _warn_of_what_needs_epochs(estimator: Any, task: Task) -> None:
    """Warn about parameters that scikit-learn takes, and ignores, with L-BFGS."""
    for parameter, is_given in (
        ("early_stopping=True", estimator.early_stopping),
        ("X_val", task.holdout is not None),
    ):
        if is_given:
            warnings.warn(
                f"{parameter} has no effect with solver='lbfgs', which has no epochs; "
                "use solver='adam' or 'sgd'.",
                stacklevel=3,
            )


def _refuse_what_needs_steps(estimator: Any, task: Task) -> None:
    """Refuse parameters that say something about minibatch steps."""
    schedule, network = schedule_of(estimator), task.network
    for parameter, is_given, why in (
        (
            f"learning_rate={estimator.learning_rate!r}",
            not isinstance(schedule, Constant),
            "has no learning rate",
        ),
        (
            f"rate_factors={estimator.rate_factors!r}",
            isinstance(estimator.rate_factors, dict) and estimator.rate_factors,
            "has no learning rate",
        ),
        (
            f"clip_norm={estimator.clip_norm!r}",
            estimator.clip_norm is not None,
            "has no steps whose gradient could be clipped",
        ),
        (
            f"averaging={estimator.averaging!r}",
            estimator.averaging is not None,
            "has no steps to average over",
        ),
        (
            f"dropout={estimator.dropout!r}",
            network.draws_noise,
            "needs a loss without noise",
        ),
        (
            f"block={estimator.block!r} with normalization='batch'",
            network.mixes_rows,
            "evaluates the rows in chunks, whose statistics would differ",
        ),
    ):
        if is_given:
            raise ValueError(
                f"{parameter} does not go with solver='lbfgs', which {why}. Use "
                "solver='adam' or another stochastic solver, or leave it out."
            )
