"""The full batch: the objective on all rows, as a function of a single vector.

The objective is evaluated in float64, regardless of the type of the data, because line
searches need the precision. Rows are processed in chunks to limit memory.
"""

from __future__ import annotations

import numpy as np

from sknet._numerics import Array
from sknet.objective import Objective
from sknet.training.batches import Batches, Dataset
from sknet.training.choice import chosen
from sknet.training.compiled_sum import CompiledSum
from sknet.training.member import Termination


# Number of rows that are evaluated at once.
_CHUNK_ROWS = 2048


class OutOfTime(Exception):
    """Raised during an evaluation to end a minimisation when the time is up."""


class Stopped(Exception):
    """Raised after an iteration if a callback stops the minimisation."""


# Reasons of termination, by the exception that ended the minimisation.
STOPS: dict[type[BaseException], str] = {
    KeyboardInterrupt: "interrupted",
    OutOfTime: "max_time",
    Stopped: "stopped",
}


class FullBatch:
    """The objective on all rows as a function of a single flat vector.

    Parameters
    ----------
    objective : Objective
        The objective to minimise.
    data : Dataset
        The data.
    theta : ndarray of shape (1, P)
        The starting point, which is copied.
    engine : {"auto", "compiled", "numpy"}, default="auto"
        What evaluates the data term; the penalty is NumPy's.
    n_threads : int or None, default=None
        Number of threads of compiled code; None to decide by the size of the network.

    Attributes
    ----------
    engine : str
        What is used: "compiled", or "numpy: " and the reason.
    best : tuple of (float, ndarray) or None
        The lowest finite value so far, and its point.

    Raises
    ------
    ValueError
        If the compiled engine is demanded, and it is not possible.
    """

    def __init__(
        self,
        objective: Objective,
        data: Dataset,
        theta: Array,
        engine: str = "auto",
        n_threads: int | None = None,
    ) -> None:
        self._objective = objective
        self._point = objective.point(theta.astype(np.float64))
        at_once = objective.network.rows_at_once(_CHUNK_ROWS)
        double = np.dtype(np.float64)
        self._batches = Batches(data, at_once, double, normalize=False)
        compiled, self.engine = chosen(
            engine,
            objective.network,
            self._point.theta,
            min(at_once, data.n_rows),
            lambda: CompiledSum(objective, self._point, self._batches, n_threads),
            data.x,
        )
        self._sums = objective if compiled is None else compiled
        self._total = (
            float(data.n_rows) if data.weight is None else float(data.weight.sum())
        )
        self.best: tuple[float, Array] | None = None

    @property
    def start(self) -> Array:
        """A copy of the trainable part of the current point."""
        return self._point.theta[0, : self._point.grad.shape[1]].copy()

    def terms(self, x: Array) -> tuple[float, float, Array]:
        """Return the data term, the penalty and the gradient at ``x``.

        Parameters
        ----------
        x : ndarray of shape (P',)
            Trainable parameters.

        Returns
        -------
        data, penalty : float
            The two terms; the value is their sum.
        grad : ndarray of shape (P',)
            The gradient of the value, a new array.
        """
        point, objective = self._point, self._objective
        point.theta[0, : len(x)] = x
        # Divide after summation, to round in the same order as scikit-learn.
        data, grad = 0.0, np.zeros((1, len(x)))
        for batch in self._batches.epoch(None):
            data += float(self._sums.data_value_and_gradient(point, batch)[0])
            grad += point.grad
        np.copyto(point.grad, grad)
        penalty = objective.penalty_value_and_gradient(point, objective.alpha)
        np.divide(point.grad, self._total, out=grad)
        return data / self._total, float(penalty[0]) / self._total, grad[0]

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Return value and gradient at ``x``, and update the best point."""
        data, penalty, grad = self.terms(x)
        value = data + penalty
        if np.isfinite(value) and (self.best is None or value < self.best[0]):
            self.best = value, x.copy()
        return value, grad

    def shown(self, data: float, penalty: float) -> float:
        """Return the value as it is shown to users."""
        n_outputs = self._objective.network.n_outputs
        return self._objective.loss.report_factor(n_outputs) * data + penalty


def finished(
    full: FullBatch, termination: Termination, x: Array
) -> tuple[Termination, Array, float]:
    """Replace a point that has diverged by the best one; compute the reported loss."""
    data, penalty, _ = full.terms(x)
    if not np.isfinite(data + penalty):
        termination = Termination("diverged", termination.n_iter)
        x = x if full.best is None else full.best[1]
        data, penalty, _ = full.terms(x)
    return termination, x, full.shown(data, penalty)
