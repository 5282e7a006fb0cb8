"""The running average of the parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sknet._operations import move_towards
from sknet.averages import Averaging
from sknet.training.state import TrainState


class Averager:
    """Updates the running average of the parameters in a training.

    Parameters
    ----------
    averaging : Averaging
        Determines when, and with which share, parameters enter the average.
    state : TrainState
        The state. If it has no average, a copy of the parameters is added to it.
    """

    def __init__(self, averaging: Averaging, state: TrainState) -> None:
        self._averaging = averaging
        if state.average is None:
            state.average = state.theta.copy()
        self._scratch = np.empty_like(state.theta)

    def after_step(self, state: TrainState, progress: Sequence[float]) -> None:
        """Update the average, if it includes every step."""
        if self._averaging.each_step:
            self._enter(state, progress)

    def after_epoch(self, state: TrainState, progress: Sequence[float]) -> None:
        """Update the average, if it includes the end of every epoch."""
        if not self._averaging.each_step:
            self._enter(state, progress)

    def _enter(self, state: TrainState, progress: Sequence[float]) -> None:
        """Move the average towards the parameters by the current share."""
        counts = state.n_averaged.tolist()
        shares = [
            self._averaging.share(n, done)
            for n, done in zip(counts, progress, strict=True)
        ]
        if all(share == shares[0] for share in shares):
            self._move(state, slice(None), shares[0])
        else:
            for k, share in enumerate(shares):
                self._move(state, slice(k, k + 1), share)
        state.n_averaged += [self._averaging.starts(done) for done in progress]

    def _move(self, state: TrainState, members: slice, share: float) -> None:
        """Move the average of some members by one share."""
        if state.average is None:
            return
        average, theta = state.average[members], state.theta[members]
        move_towards(average, theta, share, self._scratch[members])
