"""A session: epochs of one training until there is a reason to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sknet._numerics import Array
from sknet.training.batches import Batches
from sknet.training.callbacks import Reporter
from sknet.training.monitor import Monitor, Progress, Verdict
from sknet.training.state import TrainState
from sknet.training.trainer import Trainer


# From parameters (1, P) to the validation loss and the validation score.
Validate = Callable[[Array], tuple[float, float]]


@dataclass(frozen=True)
class Limits:
    """When to stop at the latest.

    Parameters
    ----------
    max_iter : int
        Epochs, or iterations of L-BFGS.
    max_time : float
        Seconds; may be infinite.
    """

    max_iter: int
    max_time: float = math.inf


@dataclass(frozen=True)
class Ending:
    """How a training ended.

    Parameters
    ----------
    reason : str
        Why it stopped: 'converged', 'max_iter', 'max_time', 'interrupted', 'diverged',
        or 'finished', which is the end of a planned learning rate.
    n_iter : int
        Epochs, or iterations of L-BFGS, in this call.
    detail : str, default=""
        What a solver from outside said about it.
    """

    reason: str
    n_iter: int
    detail: str = ""


class Session:
    """Runs epochs, watches them and keeps the best parameters.

    Parameters
    ----------
    trainer : Trainer
        Makes the epochs.
    monitor : Monitor
        Judges them.
    validate : callable or None
        Gives the validation loss and score; None without a validation set.
    reporter : Reporter
        Tells about them.
    """

    def __init__(
        self,
        trainer: Trainer,
        monitor: Monitor,
        validate: Validate | None,
        reporter: Reporter,
    ) -> None:
        self._trainer = trainer
        self._monitor = monitor
        self._validate = validate
        self._reporter = reporter

    def run(
        self,
        state: TrainState,
        progress: Progress,
        batches: Batches,
        limits: Limits,
        best: Array | None = None,
    ) -> tuple[Ending, Array | None]:
        """Train until a limit, a plateau, an interrupt or a divergence.

        Parameters
        ----------
        state : TrainState
            Changed in place: the state after the last epoch.
        progress : Progress
            Extended by an entry an epoch.
        batches : Batches
            The data.
        limits : Limits
            When to stop at the latest.
        best : ndarray of shape (1, P), optional
            The best parameters of an earlier session that this one continues.

        Returns
        -------
        ending : Ending
            Why it stopped.
        best : ndarray of shape (1, P) or None
            With a watched score, the parameters after the best epoch; otherwise those
            *before* the epoch of the least loss, since that loss was measured on the
            way from there. None if no epoch was finite.
        """
        deadline = time.perf_counter() + limits.max_time
        first = state.clock.n_epochs
        epochs = self._trainer.epochs(state, batches)
        before = state.theta.copy()
        reason = "max_iter"
        try:
            while state.clock.n_epochs - first < limits.max_iter:
                progress.loss_curve.append(float(next(epochs).loss[0]))
                verdict, is_best = self._judge(state, progress, first)
                if is_best:
                    source = state.published if self._monitor.on_score else before
                    best = source.copy() if best is None else _copy_into(best, source)
                if verdict is not Verdict.GO_ON:
                    diverged = verdict is Verdict.DIVERGED
                    reason = "diverged" if diverged else "converged"
                    break
                if time.perf_counter() >= deadline:
                    reason = "max_time"
                    break
                np.copyto(before, state.theta)
        except KeyboardInterrupt:
            reason = "interrupted"
        return Ending(reason, state.clock.n_epochs - first), best

    def _judge(
        self, state: TrainState, progress: Progress, first: int
    ) -> tuple[Verdict, bool]:
        """Validate, report and judge the newest epoch; tell whether it is the best."""
        loss, score = progress.loss_curve[-1], None
        finite = math.isfinite(loss) and state.is_finite()
        if self._validate is not None:
            pair = self._validate(state.published) if finite else (math.nan, math.nan)
            progress.validation_loss_curve.append(pair[0])
            progress.validation_scores.append(pair[1])
            score = pair[1]
        self._reporter.epoch(state.clock.n_epochs - first, loss, score)
        if not finite:
            return Verdict.DIVERGED, False
        is_best = self._monitor.improved(progress)
        verdict, message = self._monitor.verdict(
            progress, state, lambda: self._trainer.rate_now(state)
        )
        if message:
            self._reporter.message(message)
        return verdict, is_best


def _copy_into(target: Array, source: Array) -> Array:
    """Overwrite ``target`` and return it."""
    np.copyto(target, source)
    return target
