"""Solvers: how the weights are found."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from sknet._component import Component, Registry


@dataclass(frozen=True, repr=False)
class Solver(Component):
    """Base of the solvers, which train all networks of an estimator.

    An optimizer is taken for a solver, too: it makes the steps of minibatch training.

    Attributes
    ----------
    makes_steps : bool
        Whether it makes minibatch steps. Such a solver has epochs, early stopping,
        checkpoints and ``partial_fit``, and trains many networks in one pass.
    """

    makes_steps: ClassVar[bool] = False

    @abstractmethod
    def solve(self, problem: Any, events: Any) -> Any:
        """Train the networks of an estimator.

        Parameters
        ----------
        problem : Problem
            Configuration, data, network, and where training begins.
        events : Events
            Callbacks, interrupts, and what is to be done at the end.

        Returns
        -------
        fit : Fit
            Trained parameters, the reason of the end, and further fitted attributes.
        """


SOLVERS: Registry[Solver] = Registry("solver", Solver)
