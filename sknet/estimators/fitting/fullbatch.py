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
from sknet.config.components import schedule_of
from sknet.estimators.fitting.ensemble import (
    fitted_seeds,
    left_out,
    member_data,
    n_networks,
    new_streams,
    worst,
)
from sknet.estimators.fitting.initial import initial_theta
from sknet.estimators.fitting.task import Fit, Task, limits_of
from sknet.network.network import Network
from sknet.schedules import Constant
from sknet.training.callbacks import Reporter
from sknet.training.interrupts import Interrupts
from sknet.training.lbfgs import FullBatch, minimize_lbfgs
from sknet.training.member import Ending
from sknet.training.recipe import Limits


Watch = Callable[[Array, int], bool]


def fit_lbfgs(
    estimator: Any, task: Task, interrupts: Interrupts, watch: Watch | None = None
) -> Fit:
    """Train on all rows at once by L-BFGS.

    Parameters
    ----------
    estimator : BaseMLP
        Its parameters say how; ``theta_`` is the start if training goes on.
    task : Task
        What is trained on what.
    interrupts : Interrupts
        Let in while it trains.
    watch : callable or None, default=None
        Gets the parameters (k, P) of the networks so far after every iteration, and its
        number; may return True to stop.

    Returns
    -------
    fit : Fit
        Trained parameters; after an interrupt of the networks that were begun.
    """
    _refuse_what_needs_steps(estimator, task)
    _warn_of_what_needs_epochs(estimator, task)
    thetas, kept, seeds = _start(estimator, task)
    data = member_data(estimator, task, seeds)
    solved: list[tuple[Ending, float]] = []
    interrupts.raise_if_came()
    for k, limits in enumerate(_shared_limits(estimator, len(data))):
        begun = np.concatenate(thetas[: k + 1]) if watch else None
        told = partial(_tell, watch, begun) if watch else None
        full = FullBatch(task.objective(estimator.alpha), data[k], thetas[k])
        solved.append(_solve(estimator, full, thetas[k], limits, interrupts, told))
        is_over = solved[-1][0].reason == "interrupted"
        if is_over or interrupts.came or interrupts.raised:
            break
    # What is not begun again keeps what an earlier fit has found.
    n_published = len(data) if task.going_on else len(solved)
    seeds = None if seeds is None else seeds[:n_published]
    theta = np.concatenate(thetas[:n_published])
    attributes = _attributes(estimator, task, solved, kept[:n_published], seeds)
    attributes |= estimator._judged(task, theta, [])
    missing = left_out(len(data), n_published)
    ending = _ending(solved, len(data), interrupts.came or interrupts.raised)
    return Fit(theta, replace(ending, left_out=missing), attributes)


def _shared_limits(estimator: Any, n_members: int) -> Iterator[Limits]:
    """Yield the limits of each network: an equal share of the time that is left.

    There is none for those for which no time is left.
    """
    limits = limits_of(estimator, incremental=False)
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


def _start(
    estimator: Any, task: Task
) -> tuple[list[Array], list[StreamState], Array | None]:
    """Return where each network begins, its stream's state, and the seeds."""
    if task.going_on:
        thetas = [theta[None].copy() for theta in estimator.theta_]
        return thetas, estimator._training["streams"], fitted_seeds(estimator)
    streams = new_streams(estimator)
    thetas = [initial_theta(estimator, task, [stream]) for stream in streams.members]
    kept = [stream_state(stream) for stream in streams.members]
    return thetas, kept, streams.seeds


def _attributes(
    estimator: Any,
    task: Task,
    solved: Sequence[tuple[Ending, float]],
    kept: Sequence[StreamState],
    seeds: Array | None,
) -> dict[str, Any]:
    """Return the fitted attributes that tell of the training."""
    before = estimator.n_epochs_ if task.going_on else 0
    n_epochs = before + max(ending.n_iter for ending, _ in solved)
    seen = estimator.t_ if task.going_on else 0
    attributes: dict[str, Any] = {
        "loss_": float(mean_of_members(np.array([loss for _, loss in solved]))),
        "n_epochs_": n_epochs,
        "t_": seen,
        "_training": {
            "streams": list(kept),
            "n_networks": n_networks(estimator),
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
    estimator: Any,
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
        estimator.max_fun,
        estimator.tol,
        Reporter(bool(estimator.verbose)),
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


def _what_needs_steps(
    estimator: Any, network: Network
) -> tuple[tuple[str, Any, str], ...]:
    """Return parameters that speak of minibatch steps, if they are given, and why."""
    return (
        (
            f"learning_rate={estimator.learning_rate!r}",
            not isinstance(schedule_of(estimator), Constant),
            "has no learning rate",
        ),
        (
            f"rate_factors={estimator.rate_factors!r}",
            isinstance(estimator.rate_factors, dict) and estimator.rate_factors,
            "has no learning rate",
        ),
        (
            f"checkpoint={estimator.checkpoint!r}",
            estimator.checkpoint is not None,
            "keeps its memory to itself (SciPy), so that it could not go on exactly",
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
    )


def _refuse_what_needs_steps(estimator: Any, task: Task) -> None:
    """Refuse parameters that say something about minibatch steps."""
    for parameter, is_given, why in _what_needs_steps(estimator, task.network):
        if is_given:
            raise ValueError(
                f"{parameter} does not go with solver='lbfgs', which {why}. Use "
                "solver='adam' or another stochastic solver, or leave it out."
            )
