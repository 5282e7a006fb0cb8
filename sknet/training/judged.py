"""Stopping rules of members, as the machine applies them after each epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sknet._numerics import Array
from sknet.engine.tape import address_of
from sknet.training.monitor import History, StoppingRule
from sknet.training.state import TrainState


@dataclass(frozen=True)
class Judged:
    """The stopping rules of members, and their values so far.

    Parameters
    ----------
    rules : sequence of StoppingRule
        The rule of each member.
    history : History
        Its best losses and counters are updated.
    before, best : ndarray of shape (K, P), or None
        Memory for the parameters before an epoch, and those before the best epoch;
        None if they are not kept.
    has_best : ndarray of bool, of shape (K,)
        Updated.
    """

    rules: Sequence[StoppingRule]
    history: History
    before: Array | None
    best: Array | None
    has_best: Array

    def write(self, members: Array, state: TrainState) -> None:
        """Write rules and values for the machine."""
        history = self.history
        for name in StoppingRule.rows:
            members[name] = [getattr(rule, name) for rule in self.rules]
        members["best_loss"] = history.best_loss
        members["n_no_improvement"] = history.n_no_improvement
        members["n_judged"] = state.n_epochs - history.first_epoch
        for name, array in (("before", self.before), ("best", self.best)):
            members[name] = 0 if array is None else addresses_of_rows(array)
        members["has_best"] = self.has_best

    def read(self, members: Array) -> None:
        """Read the values."""
        self.history.best_loss[:] = members["best_loss"]
        self.history.n_no_improvement[:] = members["n_no_improvement"]
        self.has_best[:] = members["has_best"] != 0


def addresses_of_rows(array: Array) -> Array | int:
    """Return the addresses of the rows of an array."""
    if len(array) == 1:
        return address_of(array)
    return address_of(array) + array.strides[0] * np.arange(len(array))
