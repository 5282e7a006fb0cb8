r"""The schedule: a factor on the learning rate, as a pure function of the clock.

Reacting to the loss is not a schedule's work: a schedule that wants it says so by
``plateau_factor``, and the monitor multiplies.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

from sknet._component import Component, Registry


class Clock(NamedTuple):
    """How far a training has come.

    Parameters
    ----------
    n_epochs : int
        Finished epochs, over all calls of fit.
    n_seen : int
        Samples seen in them.
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

        If not, it is asked for once an epoch.
        """
        return False

    @property
    def plateau_factor(self) -> float:
        """What a plateau multiplies the rate with; 1 ends the training instead."""
        return 1.0

    @property
    def rate_floor(self) -> float:
        """A plateau at a learning rate not above this ends the training."""
        return 1e-6

    @abstractmethod
    def factor(self, clock: Clock) -> float:
        """Return the factor on the initial learning rate for what comes next."""


SCHEDULES: Registry[Schedule] = Registry("learning rate schedule", Schedule)
