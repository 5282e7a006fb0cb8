"""Averaging: the running average of the parameters, kept beside them."""

from __future__ import annotations

import numpy as np

from sknet.averages import Averaging
from sknet.training.state import TrainState


class Averager:
    """Lets the newest parameters enter the average of a training.

    Parameters
    ----------
    averaging : Averaging
        Says when, and how much.
    state : TrainState
        Gets an average, which starts as a copy of the parameters, if it has none.
    """

    def __init__(self, averaging: Averaging, state: TrainState) -> None:
        self._averaging = averaging
        if state.average is None:
            state.average = state.theta.copy()
        self._tmp = np.empty_like(state.theta)

    def after_step(self, state: TrainState, progress: float) -> None:
        """Average, if the averaging wants every step."""
        if self._averaging.each_step:
            self._enter(state, progress)

    def after_epoch(self, state: TrainState, progress: float) -> None:
        """Average, if the averaging wants every epoch."""
        if not self._averaging.each_step:
            self._enter(state, progress)

    def _enter(self, state: TrainState, progress: float) -> None:
        """Move the average towards the parameters by the share that is due."""
        average = state.average
        if average is None:
            return
        share = self._averaging.share(state.n_averaged, progress)
        if share == 1.0:
            np.copyto(average, state.theta)
        else:
            np.subtract(state.theta, average, out=self._tmp)
            self._tmp *= share
            average += self._tmp
        if self._averaging.starts(progress):
            state.n_averaged += 1
