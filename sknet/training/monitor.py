"""The monitor: which members have improved, and which go on.

It is the only place with feedback from the loss: patience, plateaus of an adaptive
learning rate, and which epoch was best.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from sknet._numerics import Array
from sknet.training.learning_rates import LearningRates
from sknet.training.state import TrainState


def _curves() -> list[list[float]]:
    """Return an empty curve for a single member."""
    return [[]]


@dataclass
class History:
    """The course of a training as the monitor sees it; plain and storable.

    Parameters
    ----------
    loss_curves, validation_loss_curves, validation_scores : list of list of float
        For each member a number an epoch; the last two stay empty without a validation
        set.
    best_loss : ndarray of shape (K,)
        Least training losses.
    best_score : ndarray of shape (K,)
        Best validation scores.
    n_no_improvement : ndarray of int, of shape (K,)
        Epochs since the last improvement by more than the tolerance.
    first_epoch : ndarray of int, of shape (K,)
        Epochs that were made before those which patience counts.
    data, measure : list of str
        For each member, in short, which rows it is trained on, and what the best values
        were measured on and by; "" where that is not known.
    """

    loss_curves: list[list[float]] = field(default_factory=_curves)
    validation_loss_curves: list[list[float]] = field(default_factory=_curves)
    validation_scores: list[list[float]] = field(default_factory=_curves)
    best_loss: Array = field(default_factory=lambda: np.full(1, math.inf))
    best_score: Array = field(default_factory=lambda: np.full(1, -math.inf))
    n_no_improvement: Array = field(default_factory=lambda: np.zeros(1, dtype=int))
    first_epoch: Array = field(default_factory=lambda: np.zeros(1, dtype=int))
    data: list[str] = field(default_factory=lambda: [""])
    measure: list[str] = field(default_factory=lambda: [""])

    def members(self, which: Sequence[int]) -> History:
        """Return the course of some members."""
        return History(
            [self.loss_curves[k] for k in which],
            [self.validation_loss_curves[k] for k in which],
            [self.validation_scores[k] for k in which],
            self.best_loss[which],
            self.best_score[which],
            self.n_no_improvement[which],
            self.first_epoch[which],
            [self.data[k] for k in which],
            [self.measure[k] for k in which],
        )

    def forget_best(self) -> None:
        """Let the best values start anew; they do not compare with what comes."""
        self.best_loss[:], self.best_score[:] = math.inf, -math.inf

    def count_anew(self, n_epochs: Array) -> None:
        """Let patience begin again after so many epochs, of shape (K,)."""
        self.n_no_improvement[:], self.first_epoch[:] = 0, n_epochs


def stack_histories(histories: Sequence[History]) -> History:
    """Return the courses of several trainings as one; the curves are shared.

    A single one is taken as it is.
    """
    if len(histories) == 1:
        return histories[0]
    return History(
        [curve for history in histories for curve in history.loss_curves],
        [curve for history in histories for curve in history.validation_loss_curves],
        [curve for history in histories for curve in history.validation_scores],
        np.concatenate([history.best_loss for history in histories]),
        np.concatenate([history.best_score for history in histories]),
        np.concatenate([history.n_no_improvement for history in histories]),
        np.concatenate([history.first_epoch for history in histories]),
        [words for history in histories for words in history.data],
        [words for history in histories for words in history.measure],
    )


@dataclass(frozen=True)
class StoppingRule:
    """When a member has improved, and how long it may do without.

    Parameters
    ----------
    tol : float
        An improvement must be larger than this.
    patience : float
        Epochs without one that are tolerated; may be infinite.
    on_score : bool
        Whether the validation score is watched (early stopping), else the training
        loss.
    later_ties : bool, default=False
        Whether of equally good epochs the last one counts as the best.
    growth : float, default=0.0
        Further epochs that are tolerated, in epochs up to the best one: where a
        schedule has restarts or a long end, improvements come seldom later on.
    """

    rows: ClassVar[tuple[str, ...]] = ("tol", "patience", "growth")

    tol: float
    patience: float
    on_score: bool
    later_ties: bool = False
    growth: float = 0.0


class Monitor:
    """Applies the rules of all members.

    Parameters
    ----------
    stopping_rules : sequence of StoppingRule
        One a member; all watch the same.
    learning_rates : LearningRates
        What a plateau does to their learning rates.
    """

    def __init__(
        self, stopping_rules: Sequence[StoppingRule], learning_rates: LearningRates
    ) -> None:
        self.on_score = stopping_rules[0].on_score
        self._better = np.greater_equal if stopping_rules[0].later_ties else np.greater
        self._tol = np.array([stopping_rule.tol for stopping_rule in stopping_rules])
        self._patience = np.array(
            [stopping_rule.patience for stopping_rule in stopping_rules], dtype=float
        )
        self._growth = np.array(
            [stopping_rule.growth for stopping_rule in stopping_rules]
        )
        self._learning_rates = learning_rates

    def improved(
        self,
        history: History,
        loss: Array,
        score: Array | None,
        counts: Array | None = None,
    ) -> Array:
        """Note the newest epoch in ``history``; tell for whom it is the best so far.

        Parameters
        ----------
        history : History
            Updated, but for the curves.
        loss, score : ndarray of shape (K,)
            Of the newest epoch; the score is None without a validation set.
        counts : ndarray of bool, of shape (K,), or None, default=None
            For whom the epoch counts at all, as they have not diverged; None for all.

        Returns
        -------
        best : ndarray of bool, of shape (K,)
            Whether the watched quantity was never better, by which the weights to keep
            are chosen. NaN is never better.
        """
        watched = score if self.on_score else None
        less = loss < history.best_loss
        if watched is None:
            enough, best = loss <= history.best_loss - self._tol, less
        else:
            enough = watched >= history.best_score + self._tol
            best = self._better(watched, history.best_score)
        if counts is not None:
            best, less, enough = best & counts, less & counts, enough | ~counts
        if watched is not None:
            np.copyto(history.best_score, watched, where=best)
        np.copyto(history.best_loss, loss, where=less)
        count = history.n_no_improvement
        np.add(count, 1, out=count, where=True if counts is None else counts)
        np.copyto(count, 0, where=enough if counts is None else enough & counts)
        return best

    def stops(
        self,
        history: History,
        state: TrainState,
        tell: Callable[[str], None] | None = None,
    ) -> Array:
        """Tell who is done; on a plateau an adaptive rate is lowered instead.

        Parameters
        ----------
        history : History
            As :meth:`improved` left it.
        state : TrainState
            Its ``plateau_scale`` may be changed.
        tell : callable or None, default=None
            Gets a sentence for each member on a plateau.

        Returns
        -------
        stops : ndarray of bool, of shape (K,)
            Who has converged.
        """
        count = history.n_no_improvement
        n_before = state.n_epochs - history.first_epoch - count
        plateau = count > self._patience + self._growth * n_before
        if not np.count_nonzero(plateau):
            return plateau
        factor, floor = (
            self._learning_rates.plateau_factor,
            self._learning_rates.rate_floor,
        )
        if tell is None and (factor == 1.0).all():
            return plateau  # nothing to lower, and nobody to tell
        rates = np.array(self._learning_rates.epoch(state).rates())
        stops = plateau & ((factor == 1.0) | (rates <= floor))
        if tell is not None:
            for k in np.flatnonzero(plateau).tolist():
                tell(self._message(k, rates[k], stops[k]))
        lowered = plateau & ~stops
        state.plateau_scale[lowered] *= factor[lowered]
        history.n_no_improvement[lowered] = 0
        return stops

    def _message(self, k: int, rate: float, stops: bool) -> str:
        """Return what is told of a plateau, in scikit-learn's words."""
        watched = "Validation score" if self.on_score else "Training loss"
        patience = self._patience[k]
        text = (
            f"{watched} did not improve more than tol={self._tol[k]:f} for "
            f"{int(patience) if math.isfinite(patience) else patience} consecutive "
            "epochs."
        )
        factor = self._learning_rates.plateau_factor[k]
        if not stops:
            return f"{text} Setting learning rate to {rate * factor:f}"
        too_small = "" if factor == 1.0 else " Learning rate too small."
        return f"{text}{too_small} Stopping."
