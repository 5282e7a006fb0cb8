"""The monitor: which members have improved, and which have converged.

This is the only module in which training depends on the loss: patience, plateaus of an
adaptive learning rate, and the choice of the best epoch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from sknet._numerics import Array
from sknet.training.learning_rates import LearningRates
from sknet.training.state import TrainState


def _curves() -> list[list[float]]:
    """Return the empty curve of a single member."""
    return [[]]


@dataclass
class History:
    """The training history of members, as plain data.

    Parameters
    ----------
    loss_curves, validation_loss_curves, validation_scores : list of list of float
        For each member, one number per epoch; the last two are empty without a
        validation set.
    best_loss : ndarray of shape (K,)
        Lowest training losses.
    best_score : ndarray of shape (K,)
        Best validation scores.
    n_no_improvement : ndarray of int, of shape (K,)
        Number of epochs since the last improvement by more than the tolerance.
    first_epoch : ndarray of int, of shape (K,)
        Number of earlier epochs that do not count for patience.
    data, measure : list of str
        For each member, checksums of its training rows, and of the rows and the measure
        of its best values; "" if not known.
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
        """Return the history of some members."""
        return History(*(_chosen(values, which) for values in vars(self).values()))

    def to_plain(self) -> dict[str, list[Any]]:
        """Return the fields as lists, of which the curves are shared."""
        return {name: list(_items(values)) for name, values in vars(self).items()}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], k: int) -> History:
        """Return a copy of the history of member ``k`` from :meth:`to_plain`."""
        history = cls()
        for name, values in vars(history).items():
            value = plain[name][k]
            values[0] = list(value) if isinstance(value, list) else value
        return history

    def forget_best(self) -> None:
        """Reset the best values, which are not comparable with later ones."""
        self.best_loss[:], self.best_score[:] = math.inf, -math.inf

    def restart_patience(self, n_epochs: Array) -> None:
        """Restart patience after the given numbers of epochs, of shape (K,)."""
        self.n_no_improvement[:], self.first_epoch[:] = 0, n_epochs


def stack_histories(histories: Sequence[History]) -> History:
    """Combine several histories into one, which shares the curves.

    A single history is returned unchanged.
    """
    if len(histories) == 1:
        return histories[0]
    fields = zip(*(vars(history).values() for history in histories), strict=True)
    return History(*map(_joined, fields))


def _chosen(values: Any, which: Sequence[int]) -> Any:
    """Return the items of some members, of a list or an array."""
    if isinstance(values, np.ndarray):
        return values[which]
    return [values[k] for k in which]


def _items(values: Any) -> list[Any]:
    """Return the items of a list or an array, as Python's numbers."""
    return values.tolist() if isinstance(values, np.ndarray) else values  # type: ignore[no-any-return]  # a list


def _joined(parts: Sequence[Any]) -> Any:
    """Return lists, or arrays, as one."""
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    return [item for part in parts for item in part]


@dataclass(frozen=True)
class StoppingRule:
    """The rule by which a member stops when it no longer improves.

    Parameters
    ----------
    tol : float
        Minimum size of an improvement.
    patience : float
        Number of epochs without an improvement that are tolerated; may be infinite.
    on_score : bool
        Whether the validation score is monitored (early stopping) instead of the
        training loss.
    later_ties : bool, default=False
        Whether the last of several equally good epochs counts as the best.
    growth : float, default=0.0
        Additional epochs that are tolerated, per epoch up to the best one, since
        improvements become rare if a schedule has restarts or a long tail.
    """

    rows: ClassVar[tuple[str, ...]] = ("tol", "patience", "growth")

    tol: float
    patience: float
    on_score: bool
    later_ties: bool = False
    growth: float = 0.0


class Monitor:
    """Applies the stopping rules of all members.

    Parameters
    ----------
    stopping_rules : sequence of StoppingRule
        The rule of each member; all monitor the same quantity.
    learning_rates : LearningRates
        The learning rates, which determine the effect of a plateau.
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
        """Update ``history`` after an epoch; return for which members it is the best.

        Parameters
        ----------
        history : History
            The history, which is updated except for the curves.
        loss, score : ndarray of shape (K,)
            Loss and score of the epoch; the score is None without a validation set.
        counts : ndarray of bool, of shape (K,), or None, default=None
            Members for which the epoch counts, because they have not diverged; None
            for all.

        Returns
        -------
        best : ndarray of bool, of shape (K,)
            Whether the monitored quantity is the best so far, so that the weights are
            to be kept. NaN is never the best.
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
        report: Callable[[str], None] | None = None,
    ) -> Array:
        """Return which members stop; on a plateau, lower an adaptive rate instead.

        Parameters
        ----------
        history : History
            The history, as updated by :meth:`improved`.
        state : TrainState
            The state; its ``plateau_scale`` may be changed.
        report : callable or None, default=None
            Called with a message for each member on a plateau.

        Returns
        -------
        stops : ndarray of bool, of shape (K,)
            Whether each member has converged.
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
        if report is None and (factor == 1.0).all():
            return plateau  # nothing to lower, and nothing to report
        rates = np.array(self._learning_rates.epoch(state).rates())
        stops = plateau & ((factor == 1.0) | (rates <= floor))
        if report is not None:
            for k in np.flatnonzero(plateau).tolist():
                report(self._message(k, rates[k], stops[k]))
        lowered = plateau & ~stops
        state.plateau_scale[lowered] *= factor[lowered]
        history.n_no_improvement[lowered] = 0
        return stops

    def _message(self, k: int, rate: float, stops: bool) -> str:
        """Return scikit-learn's message about a plateau."""
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
