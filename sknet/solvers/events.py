"""Events of a fit: callbacks, interrupts and cleanup."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from sknet._numerics import Array
from sknet.solvers.problem import Problem
from sknet.training.interrupts import Interrupts
from sknet.training.member import EpochSnapshot, Member


class Callbacks(Protocol):
    """Callbacks that are called after every epoch, and return whether to stop."""

    def of_members(
        self, problem: Problem, members: Sequence[Member]
    ) -> Callable[[EpochSnapshot], bool]:
        """Return the callback for training by minibatch steps."""

    def of_full_batch(self, problem: Problem) -> Callable[[Array, int], bool]:
        """Return the callback for a solver that uses all rows at once."""


@dataclass(frozen=True)
class Events:
    """Callbacks, interrupts and cleanup of a fit.

    Parameters
    ----------
    callbacks : Callbacks or None
        The callbacks of the estimator.
    interrupts : Interrupts
        The interrupts, which are raised while networks are trained.
    afterwards : ExitStack
        Contexts to exit when the model has been published, when, for example, a
        checkpoint is removed.
    """

    callbacks: Callbacks | None
    interrupts: Interrupts
    afterwards: ExitStack
