"""Training by minibatch steps: from an estimator's parameters to trained networks.

An estimator is a single network, or an ensemble. In both cases, its networks become
members, which are trained as rows of one array, possibly together with members of other
estimators.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from joblib import effective_n_jobs

from sknet._numerics import Array
from sknet._rng import noise_stream
from sknet.config.training_config import TrainingConfig
from sknet.optimizers import Optimizer
from sknet.solvers import resume
from sknet.solvers.calibration import calibration_attributes
from sknet.solvers.checkpoints import saving
from sknet.solvers.comparison import compare_with_before
from sknet.solvers.continuation import prepare_next
from sknet.solvers.ensemble import (
    Streams,
    history_of,
    member_data,
    new_streams,
    summary,
    termination_of,
    trained_members,
)
from sknet.solvers.events import Events
from sknet.solvers.executor import Executor, train
from sknet.solvers.incremental import (
    left_streams,
    rate_reference,
    rate_share,
    reusable_arrays,
)
from sknet.solvers.initial import initial_theta
from sknet.solvers.problem import FitResult, Problem, batch_rows, diverged_at_once
from sknet.solvers.splitting import arrange_rows, validation_rows
from sknet.solvers.threads import blas_threads
from sknet.solvers.validation_set import ValidationSet
from sknet.training.learning_rates import LearningRate, begin_plan
from sknet.training.member import Member
from sknet.training.member_config import Budget, MemberConfig
from sknet.training.monitor import StoppingRule
from sknet.training.reusable import ReusableArrays
from sknet.training.solver import Solver
from sknet.training.state import TrainState, stack_states


# Fraction of ``max_time`` in which the weights of an ensemble are drawn.
_TO_DRAW = 0.25


@dataclass(frozen=True, repr=False)
class Minibatch(Solver):
    """The solver that trains by minibatch steps of an optimizer.

    Parameters
    ----------
    optimizer : Optimizer
        Makes the steps.
    """

    makes_steps: ClassVar[bool] = True

    optimizer: Optimizer

    def solve(self, problem: Problem, events: Events) -> FitResult:
        """Train the networks of an estimator in one pass; see :meth:`Solver.solve`."""
        began, interrupts = time.perf_counter(), events.interrupts
        members = prepare_members(problem)
        saver = events.afterwards.enter_context(saving(problem, members, interrupts))
        n_jobs = _jobs(problem.config, len(members))
        executor = Executor(
            n_jobs,
            n_threads=problem.config.n_threads if n_jobs == 1 else 1,
            save=saver,
            interrupts=interrupts,
            began=began,
        )
        if events.callbacks is not None:
            executor.watch = events.callbacks.of_members(problem, members)
        events.afterwards.enter_context(_threads(problem, len(members)))
        with suppress(KeyboardInterrupt), interrupts.allowed():
            train([m for m in members if m.termination is None], executor)
        if saver is not None:
            saver.catch_up(members)
        fit = finalize(problem, members)
        prepare_next(problem, members, fit)
        return fit


def _jobs(config: TrainingConfig, n_members: int) -> int:
    """Return the number of blocks of members that are trained at the same time."""
    if n_members == 1 and config.n_jobs is None:
        return 1  # to call joblib takes longer
    return min(effective_n_jobs(config.n_jobs), n_members)


def _threads(problem: Problem, n_members: int) -> AbstractContextManager[Any]:
    """Limit the threads of BLAS: one thread each if blocks are trained in parallel."""
    config, n_threads = problem.config, problem.config.n_threads
    if _jobs(config, n_members) > 1:
        n_threads = 1
    n_rows = config.rows_at_once(problem.data.n_rows)
    return blas_threads(n_threads, n_rows, problem.network.n_largest)


def prepare_members(problem: Problem) -> list[Member]:
    """Return the networks to train, from scratch or from where a fit stopped.

    A new ensemble lacks networks for whose weights there was no time.

    Parameters
    ----------
    problem : Problem
        Configuration, data and network.

    Returns
    -------
    members : list of Member
        A single member, or all members of an ensemble.
    """
    optimizer, earlier = problem.config.steps_by, problem.start.earlier
    reusable = reusable_arrays(problem)
    states, streams = _start(problem, optimizer, reusable)
    history = [history_of(problem, k) for k in range(len(states))]
    validation_sets = arrange_rows(problem, states, history, streams.splitter)
    config = _member_config(problem, optimizer, states[0], validation_sets[0])
    seeds_drawn = None if streams.seeds is None else streams.seeds[: len(states)]
    data = member_data(problem, seeds_drawn)
    seeds = [None] * len(states) if seeds_drawn is None else seeds_drawn.tolist()
    parts = zip(data, states, history, validation_sets, seeds, strict=True)
    members = [
        Member(
            config, dataset, state, so_far, validation_set, seed=seed, reusable=reusable
        )
        for dataset, state, so_far, validation_set, seed in parts
    ]
    compare_with_before(problem, members)
    for k, member in enumerate(members):
        budget = _budget(problem, config.learning_rate, member.state)
        if budget != config.budget:
            member.config = replace(config, budget=budget)
        if earlier is not None and member.history.best_score[0] > -math.inf:
            member.best = earlier.model.theta[k : k + 1].copy()
    return members


def finalize(problem: Problem, members: Sequence[Member]) -> FitResult:
    """Return the fit result of trained networks.

    Parameters
    ----------
    problem : Problem
        Configuration, data and network.
    members : sequence of Member
        The networks after a session. Networks that were never started are left out.

    Returns
    -------
    fit : FitResult
        Trained parameters and curves.

    Raises
    ------
    KeyboardInterrupt
        If no network was trained.
    """
    trained = trained_members(members)
    n_asked = (
        len(members) if problem.start.earlier is not None else problem.config.n_networks
    )
    termination, members = termination_of(members, n_asked, len(trained)), trained
    if problem.start.is_rung:  # all rungs together count as one training
        n_epochs = max(int(member.state.n_epochs[0]) for member in members)
        termination = replace(termination, n_iter=n_epochs)
    thetas = [final_parameters(member) for member in members]
    attributes = summary(members, termination)
    _warn_of_no_score(members)
    last = all(s is m.state.theta for s, m in zip(thetas, members, strict=True))
    theta = None if last else np.concatenate(thetas)
    del thetas
    state = stack_states([member.state for member in members], spend=True)
    reusable = members[0].reusable
    if reusable is not None:
        state.own_arrays()
    theta = state.theta if theta is None else theta
    attributes |= calibration_attributes(problem, theta, members)
    start, before = problem.start, problem.start.kept.get("streams")
    keep = problem.config.warm_start or start.is_partial or start.is_rung
    streams = left_streams(state, before, not start.is_partial or state.n_shuffled > 1)
    rows, optimizer = validation_rows(members), members[0].config.optimizer
    ends = [member.termination for member in members]
    attributes["_training"]["n_iter"] = [0 if e is None else e.n_iter for e in ends]
    attributes["_training"]["n_networks"] = problem.config.n_networks
    attributes["_training"] |= resume.to_plain(
        state, optimizer, rows, theta, keep, streams
    )
    attributes["_training"] |= rate_reference(problem, members[0].config)
    if reusable is not None:
        reusable.keep_for(theta)
    return FitResult(theta, termination, attributes)


def _warn_of_no_score(members: Sequence[Member]) -> None:
    """Warn if the validation score was NaN in all epochs."""
    if not members[0].config.stopping_rule.on_score:
        return
    for member in members:
        n_new = 0 if member.termination is None else member.termination.n_iter
        scores = member.history.validation_scores[0][-n_new:] if n_new else []
        if scores and np.isnan(scores).all():
            warnings.warn(
                "The validation score is NaN in every epoch, so early stopping has no "
                "effect and the last epoch is kept. Check the validation set (R^2 "
                "needs two rows) and scoring.",
                stacklevel=2,
            )
            return


def _member_config(
    problem: Problem,
    optimizer: Optimizer,
    state: TrainState,
    validation_set: ValidationSet | None,
) -> MemberConfig:
    """Return the training configuration of the members."""
    n_rows = problem.data.n_rows if state.order is None else state.order.shape[1]
    batch_size = problem.config.batch_size
    if isinstance(batch_size, str):  # "auto"
        n_batch = problem.config.preset.batch_rule.rows(n_rows)
    else:
        n_batch = batch_rows(batch_size, n_rows, problem.config.shuffle)
    clip = problem.config.clip_norm
    return MemberConfig(
        architecture=problem.model.architecture,
        n_inputs=problem.network.n_inputs,
        n_raw=problem.network.n_outputs,
        loss=problem.loss,
        optimizer=optimizer,
        learning_rate=LearningRate(
            float(problem.config.learning_rate_init) * rate_share(problem, n_batch),
            problem.config.schedule_in(problem.start.is_partial),
            int(problem.config.max_iter),
        ),
        stopping_rule=_stopping_rule(problem.config, validation_set),
        budget=problem.config.budget(problem.start.is_partial),
        alpha=float(problem.config.alpha),
        batch_size=n_batch,
        least_rows=_least_rows(problem, n_batch, problem.config.batch_size),
        shuffle=bool(problem.config.shuffle),
        clip_norm=None if clip is None else float(clip),
        averaging=problem.config.averaging,
        learning_rate_multipliers=problem.config.learning_rate_multipliers,
        shares_noise=not problem.start.is_partial
        and n_batch == n_rows <= problem.config.preset.full_batch_rows,
        verbose=bool(problem.config.verbose),
        engine=str(problem.config.engine),
    )


def _stopping_rule(
    config: TrainingConfig, validation_set: ValidationSet | None
) -> StoppingRule:
    """Return the stopping rule of the members."""
    return StoppingRule(
        float(config.tol),
        float(config.n_iter_no_change),
        bool(config.early_stopping) and validation_set is not None,
        config.preset.later_ties,
        config.preset.patience_growth,
    )


def _budget(problem: Problem, learning_rate: LearningRate, state: TrainState) -> Budget:
    """Return the budget of a network; a learning rate plan is finished first."""
    begin_plan(learning_rate, state)
    budget = problem.config.budget(problem.start.is_partial)
    if problem.start.is_rung and problem.start.earlier is not None:
        return replace(budget, max_iter=budget.max_iter - int(state.n_epochs[0]))
    if learning_rate.schedule.is_planned and not problem.start.is_partial:
        left = learning_rate.horizon - int(state.n_epochs[0] - state.cycle_start[0])
        return replace(budget, max_iter=left)
    return budget


def _least_rows(problem: Problem, n_batch: int, batch_size: int | str) -> int:
    """Return the minimum batch size; raise an error if batches are smaller."""
    if not problem.network.mixes_rows:
        return 1
    if n_batch < 2:
        raise ValueError(
            "Batch normalization needs batches of at least two samples, got batches of "
            f"one sample (batch_size={batch_size!r}). Raise batch_size, pass more "
            "rows, or use normalization='layer'."
        )
    return 2


def _start(
    problem: Problem, optimizer: Optimizer, reusable: ReusableArrays | None
) -> tuple[list[TrainState], Streams]:
    """Return the states of a new training, or those of an earlier fit."""
    earlier = problem.start.earlier
    if earlier is not None:
        # New rows continue from the epoch that early stopping selected.
        watched = earlier.training.get("history", {}).get("on_score", False)
        from_best = problem.start.is_partial and watched
        theta = earlier.model.theta
        state = resume.from_plain(
            earlier.training, theta, optimizer, from_best, reusable
        )
        n_members = state.n_members
        one = n_members == 1
        states = [state] if one else [state.members([k]) for k in range(n_members)]
        seeds = earlier.seeds
        streams = Streams([s.streams[0] for s in states], states[0].streams[0], seeds)
    else:
        streams = new_streams(problem.config)
        states = _drawn(problem, streams)
    for state in states:
        _complete(problem, optimizer, state)
    return states, streams


def _drawn(problem: Problem, streams: Streams) -> list[TrainState]:
    """Return the states of new networks: at least one, and more as time allows.

    With a checkpoint all networks are drawn, so that a later call can train them.
    """
    budget = problem.config.budget(problem.start.is_partial)
    seconds = math.inf if problem.config.checkpoint is not None else budget.max_time
    states: list[TrainState] = []
    end = time.perf_counter() + _TO_DRAW * seconds
    for stream in streams.members:
        if states and seconds < math.inf and time.perf_counter() >= end:
            break
        theta = initial_theta(problem, [stream])
        states.append(TrainState(theta, [], [stream]))
    return states


def _complete(problem: Problem, optimizer: Optimizer, state: TrainState) -> None:
    """Add to a state what the configuration needs and it does not have yet."""
    if problem.network.draws_noise and not state.noise:
        state.noise = [noise_stream(stream) for stream in state.streams]
    if problem.config.averaging is None:
        state.average = None
        state.n_averaged[:] = 0
    if not state.slots:
        shape = (1, problem.network.layout.n_trainable)
        state.slots = [
            np.zeros(shape, dtype=problem.dtype) for _ in range(optimizer.n_slots)
        ]


def final_parameters(member: Member) -> Array:
    """Return the parameters to publish; after a divergence, restore the best ones.

    Parameters
    ----------
    member : Member
        A trained member. After a divergence, its state is also reset.

    Returns
    -------
    theta : ndarray of shape (1, P)
        The array of its state, or its best parameters.

    Raises
    ------
    ValueError
        If it diverged in its first epoch.
    """
    state, best = member.state, member.best
    if member.termination is not None and member.termination.reason == "diverged":
        if best is None:
            raise diverged_at_once()
        state.go_back(best)
        return state.published
    if member.config.stopping_rule.on_score and best is not None:
        return best
    return state.published
