"""Splitting of the rows into training rows, with their order, and validation sets."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.problem.class_target import ClassTarget
from sknet.solvers import resume
from sknet.solvers.problem import Problem
from sknet.solvers.scoring import loss_on, score_on
from sknet.solvers.validation_set import (
    NoSplitError,
    ScorerScore,
    ValidationSet,
    split_in_proportion,
    split_rows,
)
from sknet.training.member import Member
from sknet.training.monitor import History
from sknet.training.state import TrainState


def arrange_rows(
    problem: Problem,
    states: Sequence[TrainState],
    history: Sequence[History],
    splitter: np.random.RandomState,
) -> list[ValidationSet | None]:
    """Split off validation sets if needed, and set the order of the training rows.

    Parameters
    ----------
    problem : Problem
        Configuration, data and network. Resumed training keeps its split.
    states : sequence of TrainState
        The state of each network, in which the order of its training rows is set.
    history : sequence of History
        The history of each network, in which scores on different rows are reset.
    splitter : RandomState
        The random stream for networks that are scored together; otherwise each network
        uses its own stream.

    Returns
    -------
    validation_sets : list of (ValidationSet or None)
        The validation set of each network.
    """
    n_members, n_rows = len(states), problem.data.n_rows
    pools = n_members > 1 and bool(problem.config.joint_early_stopping)
    orders, validation = _kept_split(problem, 1 if pools else n_members)
    splits = not problem.start.is_partial and problem.validation_set is None
    splits = splits and problem.config.splits(n_rows)
    if splits and validation is None:
        streams = [splitter] if pools else [state.streams[0] for state in states]
        training, validation = _split_all(problem, streams)
        if validation is not None:
            orders = training
            for state, so_far in zip(states, history, strict=True):
                so_far.forget_best()  # scores on other rows are not comparable
                so_far.restart_patience(state.n_epochs)
    elif not splits and validation is not None:
        orders = validation = None
    if orders is None and problem.config.shuffle:
        orders = np.arange(n_rows, dtype=resume.row_type(n_rows))[None]
    for k, state in enumerate(states):
        state.order = None if orders is None else orders[[k % len(orders)]]
    thetas = [state.theta for state in states]
    if pools:
        thetas = [np.concatenate(thetas)]
    if validation is None:
        return [_handed_in(problem, thetas[0], pools)] * n_members
    validation_sets = [
        split_off(problem, rows, thetas[k], pools) for k, rows in enumerate(validation)
    ]
    return [validation_sets[k % len(validation_sets)] for k in range(n_members)]


def _kept_split(problem: Problem, n_most: int) -> tuple[Any, Any]:
    """Return the saved order and validation rows, if they match the configuration."""
    kept, n_rows = problem.start.kept, problem.data.n_rows
    orders, validation = resume.rows_from_plain(kept, n_rows)
    if validation is not None:
        n_asked = math.ceil(problem.config.validation_fraction * n_rows)
        if validation.shape[1] != n_asked or len(validation) > n_most:
            return None, None
    return orders, validation


def _handed_in(problem: Problem, theta: Array, pools: bool) -> ValidationSet | None:
    """Return the validation set that was passed by the user, if any."""
    if problem.validation_set is None:
        return None
    return _scored(problem, replace(problem.validation_set, pools=pools), theta)


def split_off(
    problem: Problem, rows: Array, theta: Array, pools: bool
) -> ValidationSet:
    """Return some rows of the data as a validation set.

    Parameters
    ----------
    problem : Problem
        Configuration, data and network.
    rows : ndarray of int, of shape (V,)
        Row numbers.
    theta : ndarray of shape (K, P)
        Parameters with which a scorer is tested.
    pools : bool
        Whether the networks are scored by their mean prediction.

    Returns
    -------
    validation_set : ValidationSet
        The validation set.
    """
    validation_set = ValidationSet(problem.data, problem.y, rows, None, pools)
    return _scored(problem, validation_set, theta)


def _scored(
    problem: Problem, validation_set: ValidationSet, theta: Array
) -> ValidationSet:
    """Return a validation set with its score, which is tested if a class is missing.

    Many scorers need rows of every class. If a scorer fails, the loss replaces it.
    """
    score = score_on(problem, validation_set)
    reason = ""
    if isinstance(score, ScorerScore) and isinstance(problem.target, ClassTarget):
        reason = _why_not(problem.target, validation_set, score, theta)
    if not reason:
        return replace(validation_set, score=score)
    warnings.warn(
        f"scoring={problem.config.scoring!r} cannot score the validation rows: "
        f"{reason}. Their negative loss is used instead, for early stopping and in "
        "validation_scores_. Pass X_val and y_val with rows of all classes, or set a "
        "larger validation_fraction, or another scoring.",
        stacklevel=2,
    )
    return replace(
        validation_set, score=loss_on(problem, validation_set), stands_in=True
    )


def _why_not(
    target: ClassTarget, validation_set: ValidationSet, score: ScorerScore, theta: Array
) -> str:
    """Return why a scorer fails, with the missing classes; "" if it does not."""
    weight = validation_set.data.weight
    weight = None if weight is None else validation_set.chosen(weight)
    absent = target.absent(validation_set.chosen(validation_set.data.y), weight)
    if not len(absent):
        return ""
    several = target.kind == "multilabel-indicator"
    n_left, words = len(target.classes) - len(absent), absent.tolist()
    reason = score.trouble(theta, alone=n_left < (1 if several else 2))
    if not reason:
        return ""
    if several:
        return f"all of them, or none, have the labels {words} ({reason})"
    weighing = "" if weight is None else "rows of positive weight of "
    return f"they lack {weighing}the classes {words} ({reason})"


def _split_all(
    problem: Problem, streams: Sequence[np.random.RandomState]
) -> tuple[Array | None, Array | None]:
    """Split the rows once per stream, or warn that there is no validation set."""
    try:
        parts = [_split(problem, stream) for stream in streams]
    except NoSplitError as reason:
        warnings.warn(
            f"early_stopping=True cannot split off a validation set: {reason}. "
            "Training continues without one and monitors the training loss. Pass X_val "
            "and y_val, or set another validation_fraction.",
            stacklevel=2,
        )
        return None, None
    return np.stack([p[0] for p in parts]), np.stack([p[1] for p in parts])


def _split(problem: Problem, stream: np.random.RandomState) -> tuple[Array, Array]:
    """Split the rows; raise an error if all rows of a part have weight zero."""
    n_rows, fraction = problem.data.n_rows, problem.config.validation_fraction
    kind, weight = getattr(problem.target, "kind", ""), problem.data.weight
    if kind == "multiclass" and problem.config.preset.stratifies_all:
        parts = split_in_proportion(n_rows, fraction, problem.y, stream)
    else:
        labels = problem.y if kind == "binary" else None
        parts = split_rows(n_rows, fraction, labels, stream)
    if weight is not None and not all(weight[rows].any() for rows in parts):
        raise NoSplitError("all rows of one part have weight zero")
    _warn_of_unseen(problem, *parts)
    return parts


def _warn_of_unseen(problem: Problem, training: Array, validation: Array) -> None:
    """Warn if all rows of a class are held out."""
    target, data = problem.target, problem.data
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
            "the network is not trained on them. Pass X_val and y_val, or more rows of "
            "these classes, or use another random_state.",
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
        None if no rows were split off.
    """
    first = members[0].validation_set
    if first is None or first.rows is None:
        return None
    shared = members[:1] if first.pools else members
    return np.stack([member.validation_set.rows for member in shared])
