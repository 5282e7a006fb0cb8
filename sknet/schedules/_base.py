r"""The schedule: a factor on the learning rate, as a pure function of the clock.

A schedule does not see the loss: if the rate should change on a plateau, it sets
``plateau_factor``, and the monitor applies it.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

from sknet._component import Component, Registry


class Clock(NamedTuple):
    """How far training has progressed.

    Parameters
    ----------
    n_epochs : int
        Number of finished epochs, over all calls of fit.
    n_seen : int
        Number of samples seen in them.
    progress : float
        Fraction of the planned steps that are done, in [0, 1].
    """

    n_epochs: int = 0
    n_seen: int = 0
    progress: float = 0.0


class Schedule(Component):
    """Base of the schedules."""

    @property
    def is_planned(self) -> bool:
        """Whether the factor depends on ``clock.progress``, and so changes each step.

        If not, it is evaluated once per epoch.
        """
        return False

    @property
    def plateau_factor(self) -> float:
        """Factor on the learning rate at a plateau; with 1, training ends instead."""
        return 1.0

    @property
    def rate_floor(self) -> float:
        """Learning rate at or below which a plateau ends training."""
        return 1e-6

    @abstractmethod
    def factor(self, clock: Clock) -> float:
        """Return the factor on the initial learning rate for the next step or epoch."""


SCHEDULES: Registry[Schedule] = Registry("learning rate schedule", Schedule)
