"""The monitor: whether a training has improved, and whether it goes on.

It is the only place with feedback from the loss: patience, plateaus of an adaptive
learning rate, and which epoch was best.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from sknet.schedules import Schedule
from sknet.training.state import TrainState


class Verdict(Enum):
    """What the monitor makes of an epoch."""

    GO_ON = auto()
    STOP = auto()
    DIVERGED = auto()


@dataclass
class Progress:
    """The course of a training as the monitor sees it; plain and storable.

    Parameters
    ----------
    loss_curve, validation_loss_curve, validation_scores : list of float
        A number an epoch; the last two stay empty without a validation set.
    best_loss : float
        Least training loss.
    best_score : float
        Best validation score.
    n_no_improvement : int
        Epochs since the last improvement by more than the tolerance.
    """

    loss_curve: list[float] = field(default_factory=list)
    validation_loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    best_loss: float = math.inf
    best_score: float = -math.inf
    n_no_improvement: int = 0


@dataclass(frozen=True)
class Monitor:
    """Frozen rules of stopping.

    Parameters
    ----------
    tol : float
        An improvement must be larger than this.
    patience : float
        Epochs without one that are tolerated; may be infinite.
    on_score : bool
        Whether the validation score is watched (early stopping), else the training
        loss.
    schedule : Schedule
        Says what a plateau does to the learning rate.
    """

    tol: float
    patience: float
    on_score: bool
    schedule: Schedule

    def improved(self, progress: Progress) -> bool:
        """Note the newest epoch in ``progress``; tell whether it is the best so far.

        Parameters
        ----------
        progress : Progress
            The curves end with the newest epoch; the rest is updated.

        Returns
        -------
        best : bool
            Whether the watched quantity was never better. NaN is never better.
        """
        loss = progress.loss_curve[-1]
        if self.on_score:
            score = progress.validation_scores[-1]
            enough = score >= progress.best_score + self.tol
            best = score > progress.best_score
            progress.best_score = score if best else progress.best_score
        else:
            enough = loss <= progress.best_loss - self.tol
            best = loss < progress.best_loss
        progress.best_loss = min(progress.best_loss, loss)
        progress.n_no_improvement = 0 if enough else progress.n_no_improvement + 1
        return best

    def verdict(
        self, progress: Progress, state: TrainState, rate_now: Callable[[], float]
    ) -> tuple[Verdict, str]:
        """Decide whether to go on; on a plateau an adaptive rate is lowered.

        Parameters
        ----------
        progress : Progress
            As :meth:`improved` left it.
        state : TrainState
            Its ``plateau_scale`` may be changed.
        rate_now : callable
            Gives the learning rate of the next epoch as things stand.

        Returns
        -------
        verdict : Verdict
            Go on, or stop.
        message : str
            What to tell, or nothing.
        """
        if progress.n_no_improvement <= self.patience:
            return Verdict.GO_ON, ""
        message = (
            f"{'Validation score' if self.on_score else 'Training loss'} did not "
            f"improve more than tol={self.tol:f} for {self.patience} consecutive "
            "epochs."
        )
        factor = self.schedule.plateau_factor
        if factor == 1.0:
            return Verdict.STOP, f"{message} Stopping."
        rate = rate_now()
        if rate <= self.schedule.rate_floor:
            return Verdict.STOP, f"{message} Learning rate too small. Stopping."
        state.plateau_scale *= factor
        progress.n_no_improvement = 0
        return Verdict.GO_ON, f"{message} Setting learning rate to {rate * factor:f}"
