"""The state of a training: everything that changes while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from sknet._numerics import Array, all_finite
from sknet.schedules import Clock


@dataclass
class TrainState:
    """All that a training needs to go on where it stopped.

    Parameters
    ----------
    theta : ndarray of shape (K, P)
        Parameters.
    slots : list of ndarray of shape (K, P')
        The optimizer's memory.
    streams : list of RandomState
        One a member.
    order : ndarray of shape (K, M), or None
        Row numbers in the order of the last epoch, which the next shuffle permutes
        further; None for all rows as they are.
    t : int
        Steps so far.
    clock : Clock
        Epochs and samples so far.
    plateau_scale : float
        What plateaus have made of the learning rate.
    """

    theta: Array
    slots: list[Array]
    streams: list[np.random.RandomState]
    order: Array | None = None
    t: int = 0
    clock: Clock = field(default_factory=Clock)
    plateau_scale: float = 1.0

    def is_finite(self) -> bool:
        """Tell whether the parameters and the optimizer's memory are finite.

        A second moment that has overflowed stops Adam without any other sign.
        """
        return all_finite(self.theta) and all(all_finite(s) for s in self.slots)

    def forget_momentum(self) -> None:
        """Empty the optimizer's memory."""
        for slot in self.slots:
            slot.fill(0.0)
        self.t = 0


class Record(NamedTuple):
    """What one epoch gave.

    Parameters
    ----------
    clock : Clock
        Epochs and samples at its end.
    loss : ndarray of shape (K,)
        Training loss, averaged over the batches while the parameters moved.
    """

    clock: Clock
    loss: Array
