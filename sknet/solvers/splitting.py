"""Splitting: which rows are trained on, in which order, and which judge."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.problem.class_target import ClassTarget
from sknet.solvers import memory
from sknet.solvers.holdout import (
    Holdout,
    NoSplitError,
    ScorerScore,
    split_in_proportion,
    split_rows,
)
from sknet.solvers.scoring import loss_on, score_on
from sknet.solvers.task import Task
from sknet.training.member import Member
from sknet.training.monitor import Progress
from sknet.training.state import TrainState


def arrange_rows(
    task: Task,
    states: Sequence[TrainState],
    progress: Sequence[Progress],
    splitter: np.random.RandomState,
) -> list[Holdout | None]:
    """Split off validation sets if they are asked for; set the orders of the rest.

    Parameters
    ----------
    task : Task
        Whose rows they are. A training that goes on keeps its split.
    states : sequence of TrainState
        One a network; each gets the order of its training rows.
    progress : sequence of Progress
        One a network. What was scored on other rows is forgotten.
    splitter : RandomState
        Splits for networks that are judged together; else the stream of each does.

    Returns
    -------
    holdouts : list of (Holdout or None)
        One a network.
    """
    n_members, n_rows = len(states), task.data.n_rows
    pools = n_members > 1 and bool(task.config.stop_together)
    orders, validation = _kept_split(task, 1 if pools else n_members)
    splits = not task.start.is_partial and task.holdout is None
    splits = splits and task.config.splits(n_rows)
    if splits and validation is None:
        streams = [splitter] if pools else [state.streams[0] for state in states]
        training, validation = _split_all(task, streams)
        if validation is not None:
            orders = training
            for state, so_far in zip(states, progress, strict=True):
                so_far.forget_best()  # scores on other rows do not compare
                so_far.count_anew(state.n_epochs)
    elif not splits and validation is not None:
        orders = validation = None
    if orders is None and task.config.shuffle:
        orders = np.arange(n_rows, dtype=memory.row_type(n_rows))[None]
    for k, state in enumerate(states):
        state.order = None if orders is None else orders[[k % len(orders)]]
    thetas = [state.theta for state in states]
    if pools:
        thetas = [np.concatenate(thetas)]
    if validation is None:
        return [_handed_in(task, thetas[0], pools)] * n_members
    holdouts = [
        split_off(task, rows, thetas[k], pools) for k, rows in enumerate(validation)
    ]
    return [holdouts[k % len(holdouts)] for k in range(n_members)]


def _kept_split(task: Task, n_most: int) -> tuple[Any, Any]:
    """Return the kept order and validation rows, if they are what is asked for."""
    kept, n_rows = task.start.kept, task.data.n_rows
    orders, validation = memory.recalled_rows(kept, n_rows)
    if validation is not None:
        n_asked = math.ceil(task.config.validation_fraction * n_rows)
        if validation.shape[1] != n_asked or len(validation) > n_most:
            return None, None
    return orders, validation


def _handed_in(task: Task, theta: Array, pools: bool) -> Holdout | None:
    """Return the validation set that was handed in, if there was one."""
    if task.holdout is None:
        return None
    return _scored(task, replace(task.holdout, pools=pools), theta)


def split_off(task: Task, rows: Array, theta: Array, pools: bool) -> Holdout:
    """Return some rows of the data as a validation set.

    Parameters
    ----------
    task : Task
        Whose rows they are.
    rows : ndarray of int, of shape (V,)
        Their numbers.
    theta : ndarray of shape (K, P)
        Parameters to try a scorer with.
    pools : bool
        Whether the networks are judged by their averaged prediction.

    Returns
    -------
    holdout : Holdout
        The validation set.
    """
    holdout = Holdout(task.data, task.y, rows, None, pools)
    return _scored(task, holdout, theta)


def _scored(task: Task, holdout: Holdout, theta: Array) -> Holdout:
    """Return a validation set with its score; where it lacks a class, it is tried.

    Many scorers need rows of every class. The loss does not, and stands in for them.
    """
    score = score_on(task, holdout)
    reason = ""
    if isinstance(score, ScorerScore) and isinstance(task.target, ClassTarget):
        reason = _why_not(task.target, holdout, score, theta)
    if not reason:
        return replace(holdout, score=score)
    warnings.warn(
        f"scoring={task.config.scoring!r} cannot score the validation rows: {reason}. "
        "Their negative loss takes its place, for early stopping and in "
        "validation_scores_. Pass X_val and y_val with rows of all classes, or set a "
        "larger validation_fraction, or another scoring.",
        stacklevel=2,
    )
    return replace(holdout, score=loss_on(task, holdout), stands_in=True)


def _why_not(
    target: ClassTarget, holdout: Holdout, score: ScorerScore, theta: Array
) -> str:
    """Return which classes rows lack and what a scorer says to it; "" if it can do."""
    weight = holdout.data.weight
    weight = None if weight is None else holdout.chosen(weight)
    absent = target.absent(holdout.chosen(holdout.data.y), weight)
    if not len(absent):
        return ""
    several = target.kind == "multilabel-indicator"
    n_left, words = len(target.classes) - len(absent), absent.tolist()
    said = score.trouble(theta, alone=n_left < (1 if several else 2))
    if not said:
        return ""
    if several:
        return f"all of them, or none, have the labels {words} ({said})"
    weighing = "" if weight is None else "rows of positive weight of "
    return f"they lack {weighing}the classes {words} ({said})"


def _split_all(
    task: Task, streams: Sequence[np.random.RandomState]
) -> tuple[Array | None, Array | None]:
    """Split the rows once for each stream, or warn that training goes on without."""
    try:
        parts = [_split(task, stream) for stream in streams]
    except NoSplitError as reason:
        warnings.warn(
            f"early_stopping=True finds no validation set: {reason}. Training goes "
            "on without one and watches the training loss. Pass X_val and y_val, or "
            "set another validation_fraction.",
            stacklevel=2,
        )
        return None, None
    return np.stack([p[0] for p in parts]), np.stack([p[1] for p in parts])


def _split(task: Task, stream: np.random.RandomState) -> tuple[Array, Array]:
    """Split the rows, so that neither part weighs nothing."""
    n_rows, fraction = task.data.n_rows, task.config.validation_fraction
    kind, weight = getattr(task.target, "kind", ""), task.data.weight
    if kind == "multiclass" and task.config.preset.stratifies_all:
        parts = split_in_proportion(n_rows, fraction, task.y, stream)
    else:
        labels = task.y if kind == "binary" else None
        parts = split_rows(n_rows, fraction, labels, stream)
    if weight is not None and not all(weight[rows].any() for rows in parts):
        raise NoSplitError("all rows of one part have weight zero")
    _warn_of_unseen(task, *parts)
    return parts


def _warn_of_unseen(task: Task, training: Array, validation: Array) -> None:
    """Say so if all rows of a class are held out."""
    target, data = task.target, task.data
    if not isinstance(target, ClassTarget) or target.kind == "multilabel-indicator":
        return
    lacking, lacking_too = (
        target.absent(data.y[rows], None if data.weight is None else data.weight[rows])
        for rows in (training, validation)
    )
    unseen = np.setdiff1d(lacking, lacking_too)
    if len(unseen):
        warnings.warn(
            f"Early stopping holds out all rows of the classes {unseen.tolist()}, so "
            "that the network never sees one. Pass X_val and y_val, or more rows of "
            "these classes, or take another random_state.",
            stacklevel=2,
        )


def validation_rows(members: Sequence[Member]) -> Array | None:
    """Return the rows that were split off.

    Parameters
    ----------
    members : sequence of Member
        The networks.

    Returns
    -------
    rows : ndarray of int, of shape (K or 1, V), or None
        None if none were.
    """
    first = members[0].holdout
    if first is None or first.rows is None:
        return None
    shared = members[:1] if first.pools else members
    return np.stack([member.holdout.rows for member in shared])
