"""Base class of the solvers, which find the weights of networks."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from sknet._component import Component, Registry


@dataclass(frozen=True, repr=False)
class Solver(Component):
    """Base class of the solvers, which train all networks of an estimator.

    An optimizer is also accepted as a solver; it makes the steps of minibatch training.

    Attributes
    ----------
    makes_steps : bool
        Whether the solver makes minibatch steps. If so, it has epochs, early stopping,
        checkpoints and ``partial_fit``, and trains many networks in one pass.
    """

    makes_steps: ClassVar[bool] = False

    @abstractmethod
    def solve(self, problem: Any, events: Any) -> Any:
        """Train the networks of an estimator.

        Parameters
        ----------
        problem : Problem
            Configuration, data, network, and the start of training.
        events : Events
            Callbacks, interrupts and cleanup.

        Returns
        -------
        fit : FitResult
            Trained parameters, the termination, and further fitted attributes.
        """


SOLVERS: Registry[Solver] = Registry("solver", Solver)
