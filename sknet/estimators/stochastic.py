"""Fitting by minibatch steps: from an estimator's parameters to trained ones."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sknet._numerics import Array
from sknet._rng import noise_stream
from sknet.estimators import memory
from sknet.estimators.components import averaging_of, optimizer_of, schedule_of
from sknet.estimators.holdout import Holdout, NoSplitError, split_rows, validator
from sknet.estimators.initial import initial_theta
from sknet.estimators.task import Fit, Task, batch_rows, limits_of
from sknet.schedules import Clock
from sknet.training.batches import Batches
from sknet.training.callbacks import Reporter
from sknet.training.monitor import Monitor, Progress
from sknet.training.session import Ending, Session
from sknet.training.state import TrainState
from sknet.training.trainer import Trainer


def fit_stochastic(estimator: Any, task: Task) -> Fit:
    """Train by minibatches, from scratch or from where an earlier fit stopped.

    Parameters
    ----------
    estimator : BaseMLP
        Its parameters say how; its fitted attributes are read if training goes on.
    task : Task
        What is trained on what.

    Returns
    -------
    fit : Fit
        Trained parameters and curves.
    """
    trainer = _trainer(estimator, task)
    state, progress = _start(estimator, task, trainer)
    holdout, validation_rows = _arrange_rows(estimator, task, state, progress)
    n_rows = task.data.n_rows if state.order is None else state.order.shape[1]
    n_batch = batch_rows(estimator.batch_size, n_rows, estimator.shuffle)
    least = _least_rows(task, n_batch, estimator.batch_size)
    validate = None
    if holdout is not None:
        score = estimator._score_on(task, holdout)
        validate = validator(task.network, task.loss, holdout, score)
    monitor = Monitor(
        estimator.tol,
        estimator.n_iter_no_change,
        estimator.early_stopping and validate is not None,
        trainer.schedule,
    )
    session = Session(trainer, monitor, validate, Reporter(bool(estimator.verbose)))
    limits = limits_of(estimator, task.incremental)
    if trainer.schedule.is_planned and not task.incremental:
        left = trainer.horizon - (state.clock.n_epochs - state.cycle_start)
        limits = replace(limits, max_iter=left)
    batches = Batches(task.data, n_batch, task.dtype, least=least)
    best = estimator.theta_.copy() if progress.best_score > -math.inf else None
    ending, best = session.run(state, progress, batches, limits, best)
    if trainer.schedule.is_planned and ending.reason == "max_iter":
        ending = replace(ending, reason="finished")  # as it was planned
    theta = _settle(state, ending, monitor, best)
    attributes = _attributes(trainer, state, progress, monitor)
    keep = estimator.warm_start or task.incremental
    attributes["_training"] = memory.remember(
        state, trainer.optimizer, validation_rows, theta, keep
    )
    return Fit(theta, ending, attributes)


def _trainer(estimator: Any, task: Task) -> Trainer:
    """Return the description of the training that the parameters ask for."""
    clip = estimator.clip_norm
    return Trainer(
        task.objective(estimator.alpha),
        optimizer_of(estimator),
        schedule_of(estimator),
        float(estimator.learning_rate_init),
        estimator.shuffle,
        int(estimator.max_iter),
        None if clip is None else float(clip),
        averaging_of(estimator),
    )


def _least_rows(task: Task, n_batch: int, batch_size: int | str) -> int:
    """Return the rows that a batch must have; refuse batches that have fewer."""
    if not task.network.mixes_rows:
        return 1
    if n_batch < 2:
        raise ValueError(
            "Batch normalization needs batches of at least two samples, and there is "
            f"one sample in a batch (batch_size={batch_size!r}): raise batch_size, "
            "pass more rows, or use normalization='layer'."
        )
    return 2


def _start(estimator: Any, task: Task, trainer: Trainer) -> tuple[TrainState, Progress]:
    """Return a new state, or the one that an earlier fit has left."""
    layout = task.network.layout
    if task.going_on:
        clock = Clock(estimator.n_epochs_, estimator.t_)
        state = memory.recall(
            estimator._training, estimator.theta_, clock, trainer.optimizer
        )
        progress = _progress_of(estimator)
    else:
        streams = [check_random_state(estimator.random_state)]
        theta = initial_theta(estimator.initializer, task.network, streams, task.dtype)
        state, progress = TrainState(theta, [], streams), Progress()
    if task.network.draws_noise and not state.noise:
        state.noise = [noise_stream(stream) for stream in state.streams]
    if trainer.averaging is None:
        state.average, state.n_averaged = None, 0
    if state.clock.n_epochs - state.cycle_start >= trainer.horizon:
        state.cycle_start = state.clock.n_epochs
    if not state.slots:
        shape = (len(state.theta), layout.n_trainable)
        state.slots = [
            np.zeros(shape, dtype=task.dtype) for _ in range(trainer.optimizer.n_slots)
        ]
    return state, progress


def _progress_of(estimator: Any) -> Progress:
    """Return the course of the earlier fits, as copies."""
    best_loss = getattr(estimator, "best_loss_", None)
    best_score = None
    if best_loss is None:
        # Early stopping watched the score, and published the weights it belongs to.
        best_score = getattr(estimator, "best_validation_score_", None)
    return Progress(
        list(getattr(estimator, "loss_curve_", None) or []),
        list(getattr(estimator, "validation_loss_curve_", None) or []),
        list(getattr(estimator, "validation_scores_", None) or []),
        math.inf if best_loss is None else best_loss,
        -math.inf if best_score is None else best_score,
        getattr(estimator, "n_no_improvement_", 0),
    )


def _arrange_rows(
    estimator: Any, task: Task, state: TrainState, progress: Progress
) -> tuple[Holdout | None, Array | None]:
    """Split off a validation set if one is asked for; set the order of the rest."""
    n_rows = task.data.n_rows
    order, validation = memory.recalled_rows(
        estimator._training if task.going_on else {}, n_rows
    )
    splits = estimator.early_stopping and task.holdout is None and not task.incremental
    if splits and validation is None:
        training, validation = _try_split(estimator, task, state)
        if training is not None:
            order = training[None]
            # Scores on other rows do not compare.
            progress.best_score, progress.n_no_improvement = -math.inf, 0
    elif not splits and validation is not None:
        order = validation = None
    if order is None and estimator.shuffle:
        order = np.arange(n_rows, dtype=memory.row_type(n_rows))[None]
    state.order = order
    if validation is None:
        return task.holdout, None
    return Holdout(task.data.subset(validation), task.y[validation]), validation


def _try_split(
    estimator: Any, task: Task, state: TrainState
) -> tuple[Array | None, Array | None]:
    """Split the rows, or warn that training goes on without a split."""
    labels = task.y if getattr(task.target, "kind", "") == "binary" else None
    weight = task.data.weight
    try:
        parts = split_rows(
            task.data.n_rows, estimator.validation_fraction, labels, state.streams[0]
        )
        if weight is not None and not all(weight[rows].any() for rows in parts):
            raise NoSplitError("all rows of one part have weight zero")
        return parts
    except NoSplitError as reason:
        warnings.warn(
            f"early_stopping=True finds no validation set: {reason}. Training goes "
            "on without one and watches the training loss. Pass X_val and y_val, or "
            "set another validation_fraction.",
            stacklevel=2,
        )
        return None, None


def _settle(
    state: TrainState, ending: Ending, monitor: Monitor, best: Array | None
) -> Array:
    """Return the parameters to publish; after a divergence restore the best ones."""
    if ending.reason == "diverged":
        if best is None:
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may "
                "contain large values and need to be preprocessed. Training diverged "
                "in its first epoch: scale X (e.g. StandardScaler) and y, or lower "
                "learning_rate_init."
            )
        state.go_back(best)
        return state.published
    if monitor.on_score and best is not None:
        return best
    return state.published


def _attributes(
    trainer: Trainer,
    state: TrainState,
    progress: Progress,
    monitor: Monitor,
) -> dict[str, Any]:
    """Return the fitted attributes of a stochastic fit."""
    scores = progress.validation_scores
    return {
        "loss_": progress.loss_curve[-1] if progress.loss_curve else math.nan,
        "loss_curve_": progress.loss_curve,
        "best_loss_": None if monitor.on_score else progress.best_loss,
        "validation_scores_": scores or None,
        "validation_loss_curve_": progress.validation_loss_curve or None,
        "best_validation_score_": (
            progress.best_score
            if monitor.on_score
            else (max(scores) if scores else None)
        ),
        "n_no_improvement_": progress.n_no_improvement,
        "learning_rate_": trainer.rate_now(state),
        "n_epochs_": state.clock.n_epochs,
        "t_": state.clock.n_seen,
    }
