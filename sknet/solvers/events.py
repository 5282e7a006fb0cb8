"""Events of a fit: epochs, interrupts, and what is to be done at its end."""

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
    """What is called after every epoch; it returns whether to stop."""

    def of_members(
        self, problem: Problem, members: Sequence[Member]
    ) -> Callable[[EpochSnapshot], bool]:
        """Return the callback of a training by minibatch steps."""

    def of_full_batch(self, problem: Problem) -> Callable[[Array, int], bool]:
        """Return the callback of a solver that takes all rows at once."""


@dataclass(frozen=True)
class Events:
    """What happens beside a training.

    Parameters
    ----------
    callbacks : Callbacks or None
        Those of the estimator.
    interrupts : Interrupts
        Let in while it trains.
    afterwards : ExitStack
        Left when the model is published: a checkpoint goes then.
    """

    callbacks: Callbacks | None
    interrupts: Interrupts
    afterwards: ExitStack
