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
    noise : list of Generator
        One a member; empty if the network draws no noise.
    average : ndarray of shape (K, P), or None
        The running average of the parameters, if one is kept.
    n_averaged : int
        How many parameters have entered it.
    cycle_start : int
        Epochs that were finished when the current plan of the learning rate began.
    """

    theta: Array
    slots: list[Array]
    streams: list[np.random.RandomState]
    order: Array | None = None
    t: int = 0
    clock: Clock = field(default_factory=Clock)
    plateau_scale: float = 1.0
    noise: list[np.random.Generator] = field(default_factory=list)
    average: Array | None = None
    n_averaged: int = 0
    cycle_start: int = 0

    @property
    def published(self) -> Array:
        """What is validated and published: the average, if one is kept."""
        return self.theta if self.average is None else self.average

    def arrays(self) -> list[Array]:
        """Return the arrays that a step changes, a row for each member."""
        kept = [] if self.average is None else [self.average]
        return [self.theta, *self.slots, *kept]

    def go_back(self, theta: Array) -> None:
        """Start again from other parameters, with an empty memory."""
        np.copyto(self.theta, theta)
        if self.average is not None:
            np.copyto(self.average, theta)
            self.n_averaged = 0
        self.forget_momentum()

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
