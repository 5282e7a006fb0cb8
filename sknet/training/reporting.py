"""Progress reports during training; the only module of the package that prints."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Reporter:
    """Prints the progress of a training, with scikit-learn's messages.

    Parameters
    ----------
    verbose : bool
        Whether anything is printed.
    """

    verbose: bool

    def epoch(
        self, n_iter: int, losses: Sequence[float], scores: Sequence[float] = ()
    ) -> None:
        """Report an epoch, or an iteration of L-BFGS.

        Parameters
        ----------
        n_iter : int
            Its number in this call of fit.
        losses : sequence of float
            Training loss of each network that is still trained; their mean is printed.
        scores : sequence of float, default=()
            Validation scores of these networks, if there are any.
        """
        if not self.verbose:
            return
        several = f" ({len(losses)} networks)" if len(losses) > 1 else ""
        print(f"Iteration {n_iter}, loss = {_mean(losses):.8f}{several}")
        if scores:
            print(f"Validation score: {_mean(scores):f}")

    def message(self, text: str) -> None:
        """Print a message."""
        if self.verbose:
            print(text)


def _mean(values: Sequence[float]) -> float:
    """Return the mean."""
    return sum(values) / len(values)


class ProgressLine:
    """Prints the overall progress of many networks at regular intervals.

    Parameters
    ----------
    n_members : int
        Number of networks to train.
    seconds : float, default=1.0
        Approximate time between two lines.
    """

    def __init__(self, n_members: int, seconds: float = 1.0) -> None:
        self._n_members = n_members
        self._seconds = seconds
        self._next = time.perf_counter() + seconds
        self._done = 0
        self._best = float("inf")

    def finished(self, n_members: int) -> None:
        """Record that members have finished."""
        self._done += n_members

    def epoch(self, n_iter: int, losses: Sequence[float]) -> None:
        """Record the losses of some members after an epoch; print a line if due."""
        self._best = min(self._best, *losses)
        now = time.perf_counter()
        if now >= self._next:
            self._next = now + self._seconds
            alive = self._n_members - self._done
            print(
                f"{alive} of {self._n_members} networks in training, epoch {n_iter}, "
                f"least loss {self._best:.6f}",
                flush=True,
            )
