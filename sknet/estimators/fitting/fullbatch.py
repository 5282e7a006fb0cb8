"""Fitting by L-BFGS: from an estimator's parameters to trained ones."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from sknet._numerics import Array, mean_of_members
from sknet._rng import StreamState, stream_state
from sknet.config.training_config import TrainingConfig
from sknet.estimators.fitting.calibration import judged
from sknet.estimators.fitting.ensemble import (
    left_out,
    member_data,
    new_streams,
    worst,
)
from sknet.estimators.fitting.events import Events
from sknet.estimators.fitting.initial import initial_theta
from sknet.estimators.fitting.task import Fit, Task
from sknet.estimators.threads import blas_threads
from sknet.network.network import Network
from sknet.schedules import Constant
from sknet.training.callbacks import Reporter
from sknet.training.interrupts import Interrupts
from sknet.training.lbfgs import FullBatch, minimize_lbfgs
from sknet.training.member import Ending
from sknet.training.recipe import Limits


Watch = Callable[[Array, int], bool]


def solve_full_batch(task: Task, events: Events) -> Fit:
    """Train on all rows at once by L-BFGS.

    Parameters
    ----------
    task : Task
        What is trained on what.
    events : Events
        Callbacks get the parameters (k, P) of the networks so far after every
        iteration, and may stop the training.

    Returns
    -------
    fit : Fit
        Trained parameters; after an interrupt of the networks that were begun.
    """
    callbacks = events.callbacks
    watch = None if callbacks is None else callbacks.of_full_batch(task)
    n_rows, n_largest = task.data.n_rows, task.network.n_largest
    threads = blas_threads(task.config.n_threads, n_rows, n_largest)
    events.afterwards.enter_context(threads)
    with np.errstate(all="ignore"):
        return _solve_all(task, events.interrupts, watch)


def _solve_all(task: Task, interrupts: Interrupts, watch: Watch | None) -> Fit:
    """Train one network after the other."""
    _refuse_what_needs_steps(task)
    _warn_of_what_needs_epochs(task)
    thetas, kept, seeds = _start(task)
    data = member_data(task, seeds)
    solved: list[tuple[Ending, float]] = []
    interrupts.raise_if_came()
    for k, limits in enumerate(_shared_limits(task.config, len(data))):
        begun = np.concatenate(thetas[: k + 1]) if watch else None
        told = partial(_tell, watch, begun) if watch else None
        full = FullBatch(task.objective(task.config.alpha), data[k], thetas[k])
        solved.append(_solve(task.config, full, thetas[k], limits, interrupts, told))
        is_over = solved[-1][0].reason == "interrupted"
        if is_over or interrupts.came or interrupts.raised:
            break
    # What is not begun again keeps what an earlier fit has found.
    n_published = len(data) if task.start.earlier is not None else len(solved)
    seeds = None if seeds is None else seeds[:n_published]
    theta = np.concatenate(thetas[:n_published])
    attributes = _attributes(task, solved, kept[:n_published], seeds)
    attributes |= judged(task, theta, [])
    missing = left_out(len(data), n_published)
    ending = _ending(solved, len(data), interrupts.came or interrupts.raised)
    return Fit(theta, replace(ending, left_out=missing), attributes)


def _shared_limits(config: TrainingConfig, n_members: int) -> Iterator[Limits]:
    """Yield the limits of each network: an equal share of the time that is left.

    There is none for those for which no time is left.
    """
    limits = config.limits(False)
    deadline = time.perf_counter() + limits.max_time
    for k in range(n_members):
        left = deadline - time.perf_counter()
        if k and left <= 0.0:
            return
        yield replace(limits, max_time=left / (n_members - k))


def _ending(
    solved: Sequence[tuple[Ending, float]], n_members: int, was_interrupted: bool
) -> Ending:
    """Return the worst ending, that of networks that were not begun among them."""
    endings = [ending for ending, _ in solved]
    if len(solved) < n_members:
        endings.append(Ending("interrupted" if was_interrupted else "max_time", 0))
    return worst(endings)


def _start(task: Task) -> tuple[list[Array], list[StreamState], Array | None]:
    """Return where each network begins, its stream's state, and the seeds."""
    earlier = task.start.earlier
    if earlier is not None:
        thetas = [theta[None].copy() for theta in earlier.model.theta]
        return thetas, earlier.training["streams"], earlier.seeds
    streams = new_streams(task.config)
    thetas = [initial_theta(task, [stream]) for stream in streams.members]
    kept = [stream_state(stream) for stream in streams.members]
    return thetas, kept, streams.seeds


def _attributes(
    task: Task,
    solved: Sequence[tuple[Ending, float]],
    kept: Sequence[StreamState],
    seeds: Array | None,
) -> dict[str, Any]:
    """Return the fitted attributes that tell of the training."""
    earlier = task.start.earlier
    before, seen = (earlier.n_epochs, earlier.n_seen) if earlier else (0, 0)
    n_epochs = before + max(ending.n_iter for ending, _ in solved)
    attributes: dict[str, Any] = {
        "loss_": float(mean_of_members(np.array([loss for _, loss in solved]))),
        "n_epochs_": n_epochs,
        "t_": seen,
        "_training": {
            "streams": list(kept),
            "n_networks": task.config.n_networks,
            "n_epochs": [n_epochs] * len(kept),
            "n_seen": [seen] * len(kept),
        },
    }
    if seeds is not None:
        attributes["member_seeds_"] = seeds
    return attributes


def _tell(watch: Watch, begun: Array, x: Array, n_iter: int) -> bool:
    """Tell who watches of an iteration of the last network that was begun."""
    begun[-1, : len(x)] = x
    return watch(begun, n_iter)


def _solve(
    config: TrainingConfig,
    full: FullBatch,
    theta: Array,
    limits: Limits,
    interrupts: Interrupts,
    told: Watch | None,
) -> tuple[Ending, float]:
    """Minimise for one network, in place; return how it ended, and the loss."""
    ending, x, loss = minimize_lbfgs(
        full,
        limits,
        config.max_fun,
        config.tol,
        Reporter(bool(config.verbose)),
        interrupts,
        told,
    )
    theta[0, : len(x)] = x
    if not np.isfinite(loss) or not np.isfinite(theta).all():
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain "
            "large values and need to be preprocessed. L-BFGS found no finite value "
            "of the loss: scale X (e.g. StandardScaler) and y."
        )
    return ending, loss


def _warn_of_what_needs_epochs(task: Task) -> None:
    """Warn about parameters that scikit-learn takes, and ignores, with L-BFGS."""
    for parameter, is_given in (
        ("early_stopping=True", task.config.early_stopping),
        ("X_val", task.holdout is not None),
    ):
        if is_given:
            warnings.warn(
                f"{parameter} has no effect with solver='lbfgs', which has no epochs; "
                "use solver='adam' or 'sgd'.",
                stacklevel=3,
            )


def _what_needs_steps(
    config: TrainingConfig, network: Network
) -> tuple[tuple[str, Any, str], ...]:
    """Return parameters that speak of minibatch steps, if they are given, and why."""
    given = config.given
    return (
        (
            f"learning_rate={given['learning_rate']!r}",
            not isinstance(config.schedule, Constant),
            "has no learning rate",
        ),
        (
            f"rate_factors={given['rate_factors']!r}",
            isinstance(given["rate_factors"], dict) and given["rate_factors"],
            "has no learning rate",
        ),
        (
            f"checkpoint={given['checkpoint']!r}",
            given["checkpoint"] is not None,
            "keeps its memory to itself (SciPy), so that it could not go on exactly",
        ),
        (
            f"clip_norm={given['clip_norm']!r}",
            given["clip_norm"] is not None,
            "has no steps whose gradient could be clipped",
        ),
        (
            f"averaging={given['averaging']!r}",
            given["averaging"] is not None,
            "has no steps to average over",
        ),
        (
            f"dropout={given['dropout']!r}",
            network.draws_noise,
            "needs a loss without noise",
        ),
        (
            f"block={given['block']!r} with normalization='batch'",
            network.mixes_rows,
            "evaluates the rows in chunks, whose statistics would differ",
        ),
    )


def _refuse_what_needs_steps(task: Task) -> None:
    """Refuse parameters that say something about minibatch steps."""
    for parameter, is_given, why in _what_needs_steps(task.network):
        if is_given:
            raise ValueError(
                f"{parameter} does not go with solver='lbfgs', which {why}. Use "
                "solver='adam' or another stochastic solver, or leave it out."
            )
