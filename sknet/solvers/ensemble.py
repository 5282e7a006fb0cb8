"""The ensemble: what differs between its networks, and the summary of them all.

A single network is an ensemble of one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sknet._numerics import Array, mean_of_members
from sknet._rng import bootstrap_counts, member_seeds
from sknet.config.training_config import TrainingConfig
from sknet.solvers.problem import Problem
from sknet.training.batches import Dataset
from sknet.training.member import Member, Termination
from sknet.training.monitor import History, stack_histories


# Reasons of termination, the worst first. The termination of an ensemble is the worst
# among its networks.
_REASONS = (
    "interrupted",
    "diverged",
    "max_time",
    "stopped",
    "max_iter",
    "finished",
    "converged",
)


@dataclass(frozen=True)
class Streams:
    """The random streams of an estimator.

    Parameters
    ----------
    members : list of RandomState
        One stream per network.
    splitter : RandomState
        The stream that splits off a shared validation set.
    seeds : ndarray of int, of shape (K,), or None
        Seeds of the members' streams; None for a single network, whose stream is
        ``random_state`` itself.
    """

    members: list[np.random.RandomState]
    splitter: np.random.RandomState
    seeds: Array | None


def new_streams(config: TrainingConfig) -> Streams:
    """Return the random streams of a new training."""
    main = check_random_state(config.random_state)
    if config.n_networks == 1:
        return Streams([main], main, None)
    seeds = member_seeds(main, config.n_networks)
    return Streams([check_random_state(seed) for seed in seeds.tolist()], main, seeds)


def member_data(problem: Problem, seeds: Array | None) -> list[Dataset]:
    """Return the data of each network, which only differ in bootstrap weights."""
    if seeds is None:
        return [problem.data]
    if not problem.config.bootstrap:
        return [problem.data] * len(seeds)
    data, n_rows = problem.data, problem.data.n_rows
    weight = np.ones(n_rows) if data.weight is None else data.weight
    return [
        replace(data, weight=weight * bootstrap_counts(seed, n_rows))
        for seed in seeds.tolist()
    ]


def history_of(problem: Problem, k: int) -> History:
    """Return a copy of the history of network ``k`` in earlier fits."""
    kept = (
        problem.start.kept.get("history") if problem.start.earlier is not None else None
    )
    if kept is None:
        return History()
    history = History.from_plain(kept, k)
    # Early stopping monitored the score, and published the weights that achieved it.
    if kept["on_score"]:
        history.best_loss[0] = math.inf
    else:
        history.best_score[0] = -math.inf
    return history


def trained_members(members: Sequence[Member]) -> Sequence[Member]:
    """Return the networks to publish, which need not be all of them.

    After an interrupt, or when the time is up, networks without an epoch are left out.

    Parameters
    ----------
    members : sequence of Member
        The networks after training.

    Returns
    -------
    members : sequence of Member
        A single network if its training has started; of several networks, those that
        have completed an epoch, in this fit or an earlier one.

    Raises
    ------
    KeyboardInterrupt
        If no network was trained in this fit.
    """
    least = 0 if len(members) == 1 else 1
    if not any(
        m.termination is not None and m.termination.n_iter >= least for m in members
    ):
        raise KeyboardInterrupt
    return members if len(members) == 1 else [m for m in members if _has_epochs(m)]


def _has_epochs(member: Member) -> bool:
    """Return whether a network was ever trained for an epoch.

    An interrupt while states are being stacked loses the states of the block.
    """
    state = vars(member.state)
    return state["theta"] is not None and int(member.state.n_epochs[0]) > 0


def termination_of(
    members: Sequence[Member], n_asked: int, n_published: int
) -> Termination:
    """Return the worst termination, with the epochs of the longest training.

    It also records how many of the ``n_asked`` networks are not published because they
    were never started, or because there was no time to draw their weights.
    """
    terminations = []
    for member in members:
        termination = member.termination or Termination("interrupted", 0)
        if (
            member.config.learning_rate.schedule.is_planned
            and termination.reason == "max_iter"
        ):
            termination = replace(termination, reason="finished")  # as it was planned
        terminations.append(termination)
    if len(members) < n_asked:
        terminations.append(Termination("max_time", 0))
    missing, termination = left_out(n_asked, n_published), worst(terminations)
    return replace(termination, left_out=missing) if missing else termination


def left_out(n_networks: int, n_published: int) -> str:
    """Return the number of networks that were never started as text; "" if none."""
    missing = n_networks - n_published
    return f"{missing} of {n_networks}" if missing else ""


def worst(terminations: Sequence[Termination]) -> Termination:
    """Return the worst of several terminations, with the epochs of the longest one."""
    if len(terminations) == 1:
        return terminations[0]
    termination = min(
        terminations, key=lambda termination: _REASONS.index(termination.reason)
    )
    return replace(
        termination, n_iter=max(termination.n_iter for termination in terminations)
    )


def summary(members: Sequence[Member], termination: Termination) -> dict[str, Any]:
    """Return the fitted attributes that describe the training.

    Parameters
    ----------
    members : sequence of Member
        The networks after a session.
    termination : Termination
        The termination of the ensemble.

    Returns
    -------
    attributes : dict
        Curves and numbers, averaged over the networks. ``_training`` holds what is
        needed to resume the training of each network.
    """
    history = [member.history for member in members]
    curves = [p.loss_curves[0] for p in history]
    loss_curve = _mean_curve(curves)
    scored = [m.history for m in members if not _stands_in(m)] or history
    scores = _mean_curve([p.validation_scores[0] for p in scored])
    on_score = members[0].config.stopping_rule.on_score
    states = [member.state for member in members]
    rates = [member.config.learning_rate.next_rate(member.state) for member in members]
    best_score = _mean([p.best_score[0] for p in scored])
    attributes: dict[str, Any] = {
        "loss_": loss_curve[-1] if loss_curve else math.nan,
        "loss_curve_": loss_curve,
        "best_loss_": None if on_score else _mean([p.best_loss[0] for p in history]),
        "validation_scores_": scores or None,
        "validation_loss_curve_": _mean_curve(
            [p.validation_loss_curves[0] for p in history]
        )
        or None,
        "best_validation_score_": best_score
        if on_score
        else (max(scores) if scores else None),
        "n_no_improvement_": min(int(p.n_no_improvement[0]) for p in history),
        "learning_rate_": _mean(rates),
        "n_epochs_": max(int(state.n_epochs[0]) for state in states),
        "t_": max(int(state.n_seen[0]) for state in states),
        "engine_": max(member.engine for member in members),  # "numpy: ..." comes last
        "_training": {
            "history": plain_history(history, on_score),
            "ended": termination.reason,
        },
    }
    if members[0].seed is not None:
        attributes["member_loss_curves_"] = curves
        attributes["member_seeds_"] = np.array([member.seed for member in members])
    return attributes


def _stands_in(member: Member) -> bool:
    """Return whether a network is scored by the loss in place of a scorer."""
    return member.validation_set is not None and member.validation_set.stands_in


def plain_history(history: Sequence[History], on_score: bool) -> dict[str, Any]:
    """Return histories as plain data, from which :func:`history_of` restores them."""
    return {"on_score": on_score, **stack_histories(history).to_plain()}


def _mean(values: Sequence[float]) -> float:
    """Return the mean; a single number is returned unchanged."""
    if len(values) == 1:
        return float(values[0])
    return float(mean_of_members(np.array(values, dtype=np.float64)))


def _mean_curve(curves: Sequence[list[float]]) -> list[float]:
    """Return the mean of curves; shorter ones are extended by their last value."""
    if len(curves) == 1:
        return curves[0]
    longest = max(len(curve) for curve in curves)
    if not longest:
        return []
    full = [curve + curve[-1:] * (longest - len(curve)) for curve in curves]
    mean: list[float] = mean_of_members(np.array(full)).tolist()
    return mean
