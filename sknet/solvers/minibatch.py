"""Fitting by minibatch steps: from an estimator's parameters to trained networks.

An estimator is one network, or an ensemble of several. Either way it becomes members,
which are trained as rows of one array, maybe together with those of other estimators.
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
from sknet.solvers import memory
from sknet.solvers.calibration import judged
from sknet.solvers.checkpoints import saving
from sknet.solvers.crew import Crew, train
from sknet.solvers.ensemble import (
    Streams,
    begun,
    ending_of,
    member_data,
    new_streams,
    progress_of,
    summary,
)
from sknet.solvers.events import Events
from sknet.solvers.going_on import (
    bench_of,
    left_streams,
    rate_share,
    remembered_pace,
)
from sknet.solvers.holdout import Holdout
from sknet.solvers.initial import initial_theta
from sknet.solvers.splitting import arrange_rows, validation_rows
from sknet.solvers.task import Fit, Task, batch_rows
from sknet.solvers.threads import blas_threads
from sknet.solvers.yardstick import compare_with_before
from sknet.training.bench import Bench
from sknet.training.member import Member
from sknet.training.monitor import Rule
from sknet.training.pace import Pace
from sknet.training.recipe import Limits, Recipe
from sknet.training.solver import Solver
from sknet.training.state import TrainState, stack_states


# Share of ``max_time`` in which the networks of an ensemble are drawn.
_TO_DRAW = 0.25


@dataclass(frozen=True, repr=False)
class Minibatch(Solver):
    """Training by minibatch steps, which an optimizer makes.

    Parameters
    ----------
    optimizer : Optimizer
        Makes the steps.
    """

    makes_steps: ClassVar[bool] = True

    optimizer: Optimizer

    def solve(self, task: Task, events: Events) -> Fit:
        """Train the networks of an estimator in one pass; see :meth:`Solver.solve`."""
        began, interrupts = time.perf_counter(), events.interrupts
        members = prepare(task)
        saver = events.afterwards.enter_context(saving(task, members, interrupts))
        crew = Crew(
            _jobs(task.config, len(members)),
            save=saver,
            interrupts=interrupts,
            began=began,
        )
        if events.callbacks is not None:
            crew.watch = events.callbacks.of_members(task, members)
        events.afterwards.enter_context(_threads(task, len(members)))
        with suppress(KeyboardInterrupt), interrupts.let_in():
            train([m for m in members if m.ending is None], crew)
        if saver is not None:
            saver.catch_up(members)
        return conclude(task, members)


def _jobs(config: TrainingConfig, n_members: int) -> int:
    """Return how many blocks of members are trained at a time."""
    if n_members == 1 and config.n_jobs is None:
        return 1  # joblib takes longer to say so
    return min(effective_n_jobs(config.n_jobs), n_members)


def _threads(task: Task, n_members: int) -> AbstractContextManager[Any]:
    """Limit the threads of BLAS: blocks of members have one each."""
    config, n_threads = task.config, task.config.n_threads
    if _jobs(config, n_members) > 1:
        n_threads = 1
    n_rows, n_largest = config.rows_at_once(task.data.n_rows), task.network.n_largest
    return blas_threads(n_threads, n_rows, n_largest)


def prepare(task: Task) -> list[Member]:
    """Return the networks to train, from scratch or from where a fit stopped.

    Of a new ensemble, networks are missing that there was no time to draw.

    Parameters
    ----------
    task : Task
        What is trained on what.

    Returns
    -------
    members : list of Member
        One, or as many as the ensemble has.
    """
    optimizer, earlier = task.config.steps_by, task.start.earlier
    bench = bench_of(task)
    states, streams = _start(task, optimizer, bench)
    progress = [progress_of(task, k) for k in range(len(states))]
    holdouts = arrange_rows(task, states, progress, streams.splitter)
    recipe = _recipe(task, optimizer, states[0], holdouts[0])
    seeds_drawn = None if streams.seeds is None else streams.seeds[: len(states)]
    data = member_data(task, seeds_drawn)
    seeds = [None] * len(states) if seeds_drawn is None else seeds_drawn.tolist()
    parts = zip(data, states, progress, holdouts, seeds, strict=True)
    members = [
        Member(recipe, dataset, state, so_far, holdout, seed=seed, bench=bench)
        for dataset, state, so_far, holdout, seed in parts
    ]
    compare_with_before(task, members)
    for k, member in enumerate(members):
        limits = _limits(task, recipe.pace, member.state)
        if limits != recipe.limits:
            member.recipe = replace(recipe, limits=limits)
        if earlier is not None and member.progress.best_score[0] > -math.inf:
            member.best = earlier.model.theta[k : k + 1].copy()
    return members


def conclude(task: Task, members: Sequence[Member]) -> Fit:
    """Return what to publish of trained networks.

    Parameters
    ----------
    task : Task
        What was trained on what.
    members : sequence of Member
        As a session left them. Those that were never begun are left out.

    Returns
    -------
    fit : Fit
        Trained parameters and curves.

    Raises
    ------
    KeyboardInterrupt
        If none of them was trained.
    """
    trained = begun(members)
    n_asked = len(members) if task.start.earlier is not None else task.config.n_networks
    ending, members = ending_of(members, n_asked, len(trained)), trained
    if task.start.is_rung:  # as if it had been one training
        n_epochs = max(int(member.state.n_epochs[0]) for member in members)
        ending = replace(ending, n_iter=n_epochs)
    thetas = [settled(member) for member in members]
    attributes = summary(members, ending)
    _warn_of_no_score(members)
    last = all(s is m.state.theta for s, m in zip(thetas, members, strict=True))
    theta = None if last else np.concatenate(thetas)
    del thetas
    state = stack_states([member.state for member in members], spend=True)
    bench = members[0].bench
    if bench is not None:
        state.own_arrays()
    theta = state.theta if theta is None else theta
    attributes |= judged(task, theta, members)
    keep = task.config.warm_start or task.start.is_partial or task.start.is_rung
    rows, optimizer = validation_rows(members), members[0].recipe.optimizer
    ends = [member.ending for member in members]
    attributes["_training"]["n_iter"] = [0 if e is None else e.n_iter for e in ends]
    attributes["_training"]["n_networks"] = task.config.n_networks
    attributes["_training"] |= memory.remember(
        state, optimizer, rows, theta, keep, left_streams(task, state)
    )
    attributes["_training"] |= remembered_pace(task, members[0].recipe)
    if bench is not None:
        bench.wait_beside(theta)
    return Fit(theta, ending, attributes)


def _warn_of_no_score(members: Sequence[Member]) -> None:
    """Say so if early stopping had nothing to tell the epochs by."""
    if not members[0].recipe.rule.on_score:
        return
    for member in members:
        n_new = 0 if member.ending is None else member.ending.n_iter
        scores = member.progress.validation_scores[0][-n_new:] if n_new else []
        if scores and np.isnan(scores).all():
            warnings.warn(
                "The validation score is NaN in every epoch, so that early stopping "
                "ends nothing and keeps the last one. Look at the validation set (R^2 "
                "needs two rows) and at scoring.",
                stacklevel=2,
            )
            return


def _recipe(
    task: Task,
    optimizer: Optimizer,
    state: TrainState,
    holdout: Holdout | None,
) -> Recipe:
    """Return how each network is trained."""
    n_rows = task.data.n_rows if state.order is None else state.order.shape[1]
    batch_size = task.config.batch_size
    if isinstance(batch_size, str):  # "auto"
        n_batch = task.config.preset.batch_rule.rows(n_rows)
    else:
        n_batch = batch_rows(batch_size, n_rows, task.config.shuffle)
    clip = task.config.clip_norm
    return Recipe(
        architecture=task.model.architecture,
        n_inputs=task.network.n_inputs,
        n_raw=task.network.n_outputs,
        loss=task.loss,
        optimizer=optimizer,
        pace=Pace(
            float(task.config.learning_rate_init) * rate_share(task, n_batch),
            task.config.schedule_in(task.start.is_partial),
            int(task.config.max_iter),
        ),
        rule=_rule(task.config, holdout),
        limits=task.config.limits(task.start.is_partial),
        alpha=float(task.config.alpha),
        batch_size=n_batch,
        least_rows=_least_rows(task, n_batch, task.config.batch_size),
        shuffle=bool(task.config.shuffle),
        clip_norm=None if clip is None else float(clip),
        averaging=task.config.averaging,
        rate_factors=task.config.rate_factors,
        shares_noise=not task.start.is_partial
        and n_batch == n_rows <= task.config.preset.full_batch_rows,
        verbose=bool(task.config.verbose),
    )


def _rule(config: TrainingConfig, holdout: Holdout | None) -> Rule:
    """Return when a network has improved, and how long it may do without."""
    return Rule(
        float(config.tol),
        float(config.n_iter_no_change),
        bool(config.early_stopping) and holdout is not None,
        config.preset.later_ties,
        config.preset.patience_growth,
    )


def _limits(task: Task, pace: Pace, state: TrainState) -> Limits:
    """Return when a network stops; a plan of the learning rate is finished first."""
    if int(state.n_epochs[0] - state.cycle_start[0]) >= pace.horizon:
        state.cycle_start[:] = state.n_epochs
    limits = task.config.limits(task.start.is_partial)
    if task.start.is_rung and task.start.earlier is not None:
        return replace(limits, max_iter=limits.max_iter - int(state.n_epochs[0]))
    if pace.schedule.is_planned and not task.start.is_partial:
        left = pace.horizon - int(state.n_epochs[0] - state.cycle_start[0])
        return replace(limits, max_iter=left)
    return limits


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


def _start(
    task: Task, optimizer: Optimizer, bench: Bench | None
) -> tuple[list[TrainState], Streams]:
    """Return new states, or those that an earlier fit has left."""
    earlier = task.start.earlier
    if earlier is not None:
        # What early stopping chose is what new rows are to be added to.
        watched = earlier.training.get("progress", {}).get("on_score", False)
        from_best = task.start.is_partial and watched
        theta = earlier.model.theta
        state = memory.recall(earlier.training, theta, optimizer, from_best, bench)
        n_members = state.n_members
        one = n_members == 1
        states = [state] if one else [state.members([k]) for k in range(n_members)]
        seeds = earlier.seeds
        streams = Streams([s.streams[0] for s in states], states[0].streams[0], seeds)
    else:
        streams = new_streams(task.config)
        states = _drawn(task, streams)
    for state in states:
        _complete(task, optimizer, state)
    return states, streams


def _drawn(task: Task, streams: Streams) -> list[TrainState]:
    """Return the states of new networks: of one at least, as time allows of more.

    With a checkpoint all are drawn, so that a later run can train them.
    """
    limits = task.config.limits(task.start.is_partial)
    seconds = math.inf if task.config.checkpoint is not None else limits.max_time
    states: list[TrainState] = []
    end = time.perf_counter() + _TO_DRAW * seconds
    for stream in streams.members:
        if states and seconds < math.inf and time.perf_counter() >= end:
            break
        theta = initial_theta(task, [stream])
        states.append(TrainState(theta, [], [stream]))
    return states


def _complete(task: Task, optimizer: Optimizer, state: TrainState) -> None:
    """Add to a state what the parameters ask for and it does not have yet."""
    if task.network.draws_noise and not state.noise:
        state.noise = [noise_stream(stream) for stream in state.streams]
    if task.config.averaging is None:
        state.average = None
        state.n_averaged[:] = 0
    if not state.slots:
        shape = (1, task.network.layout.n_trainable)
        state.slots = [
            np.zeros(shape, dtype=task.dtype) for _ in range(optimizer.n_slots)
        ]


def settled(member: Member) -> Array:
    """Return the parameters to publish; after a divergence restore the best ones.

    Parameters
    ----------
    member : Member
        Trained. After a divergence its state goes back, too.

    Returns
    -------
    theta : ndarray of shape (1, P)
        The array of its state, or that of its best parameters.

    Raises
    ------
    ValueError
        If it has diverged in its first epoch.
    """
    state, best = member.state, member.best
    if member.ending is not None and member.ending.reason == "diverged":
        if best is None:
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may "
                "contain large values and need to be preprocessed. Training diverged "
                "in its first epoch: scale X (e.g. StandardScaler) and y, or lower "
                "learning_rate_init."
            )
        state.go_back(best)
        return state.published
    if member.recipe.rule.on_score and best is not None:
        return best
    return state.published
