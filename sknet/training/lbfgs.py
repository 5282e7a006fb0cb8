"""L-BFGS on the full batch, by SciPy.

The objective is evaluated in float64 whatever the type of the data, a chunk of rows
at a time: line searches need the digits, and memory stays bounded.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from sknet._numerics import Array
from sknet.objective import Objective
from sknet.training.batches import Batches, Dataset
from sknet.training.callbacks import Reporter
from sknet.training.interrupts import Interrupts
from sknet.training.member import Ending
from sknet.training.recipe import Limits


# Rows that are evaluated at once.
_CHUNK_ROWS = 2048


# What users write for it, as the solver of an estimator.
FULL_BATCH_SOLVER = "lbfgs"


class _OutOfTime(Exception):
    """Raised from inside an evaluation to leave SciPy's loop."""


class _Stopped(Exception):
    """Raised after an iteration because whoever watches wants it."""


# Why a minimisation ended, by what left the loop.
_STOPS: dict[type[BaseException], str] = {
    KeyboardInterrupt: "interrupted",
    _OutOfTime: "max_time",
    _Stopped: "stopped",
}


class FullBatch:
    """The objective on all rows as a function of one flat vector.

    Parameters
    ----------
    objective : Objective
        What is minimised.
    data : Dataset
        All rows.
    theta : ndarray of shape (1, P)
        Starting point; copied.

    Attributes
    ----------
    best : tuple of (float, ndarray) or None
        The least finite value met so far, and where.
    """

    def __init__(self, objective: Objective, data: Dataset, theta: Array) -> None:
        self._objective = objective
        self._point = objective.point(theta.astype(np.float64))
        self._batches = Batches(
            data, _CHUNK_ROWS, np.dtype(np.float64), normalize=False
        )
        self._total = (
            float(data.n_rows) if data.weight is None else float(data.weight.sum())
        )
        self.best: tuple[float, Array] | None = None

    @property
    def start(self) -> Array:
        """The trainable part of the current point, as a copy."""
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
            The value is their sum.
        grad : ndarray of shape (P',)
            Its gradient, a new array.
        """
        point, objective = self._point, self._objective
        point.theta[0, : len(x)] = x
        # Sums first, the division last: scikit-learn's order of rounding.
        data, grad = 0.0, np.zeros((1, len(x)))
        for batch in self._batches.epoch(None):
            data += float(objective.data_value_and_gradient(point, batch)[0])
            grad += point.grad
        np.copyto(point.grad, grad)
        penalty = objective.penalty_value_and_gradient(point, objective.alpha)
        np.divide(point.grad, self._total, out=grad)
        return data / self._total, float(penalty[0]) / self._total, grad[0]

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Return value and gradient at ``x``, and remember the best point."""
        data, penalty, grad = self.terms(x)
        value = data + penalty
        if np.isfinite(value) and (self.best is None or value < self.best[0]):
            self.best = value, x.copy()
        return value, grad

    def shown(self, data: float, penalty: float) -> float:
        """Return the value as it is shown to users."""
        n_outputs = self._objective.network.n_outputs
        return self._objective.loss.report_factor(n_outputs) * data + penalty


def minimize_lbfgs(
    full: FullBatch,
    limits: Limits,
    max_fun: int,
    tol: float,
    reporter: Reporter,
    interrupts: Interrupts,
    watch: Callable[[Array, int], bool] | None = None,
) -> tuple[Ending, Array, float]:
    """Minimise by L-BFGS.

    Parameters
    ----------
    full : FullBatch
        The function, and where to start.
    limits : Limits
        Iterations and seconds.
    max_fun : int
        Evaluations of the function.
    tol : float
        Largest element of the gradient at which it has converged.
    reporter : Reporter
        Told of every iteration.
    interrupts : Interrupts
        Let in while it minimises.
    watch : callable or None, default=None
        Gets the trainable parameters after every iteration, and its number; may return
        True to stop.

    Returns
    -------
    ending : Ending
        Why it stopped; ``'diverged'`` if no value was finite.
    x : ndarray of shape (P',)
        Trainable parameters: SciPy's, or the best evaluated ones if it was stopped
        from outside or went astray.
    loss : float
        The value there, as it is shown to users.
    """
    deadline, n_iter = time.perf_counter() + limits.max_time, 0

    def function(x: Array) -> tuple[float, Array]:
        if full.best is not None and time.perf_counter() >= deadline:
            raise _OutOfTime
        return full.value_and_gradient(x)

    def after_iteration(x: Array) -> None:
        nonlocal n_iter
        n_iter += 1
        reporter.epoch(n_iter, [full.best[0] if full.best else np.nan])
        if watch is not None and watch(x, n_iter):
            raise _Stopped
        interrupts.raise_if_came()

    start = full.start
    options = {"maxfun": max_fun, "maxiter": limits.max_iter, "gtol": tol}
    try:
        with interrupts.let_in():
            result = minimize(
                function,
                start,
                method="L-BFGS-B",
                jac=True,
                options=options,
                callback=after_iteration,
            )
        x, n_iter = result.x, min(int(result.nit), limits.max_iter)
        reason = "converged" if result.status == 0 else "max_iter"
        ending = Ending(reason, n_iter, _text(result.message))
    except tuple(_STOPS) as stop:
        x = start if full.best is None else full.best[1]
        ending = Ending(_STOPS[type(stop)], n_iter)
    return _finished(full, ending, x)


def _text(message: str | bytes) -> str:
    """Return SciPy's message, which old versions give as bytes."""
    return message.decode() if isinstance(message, bytes) else message


def _finished(full: FullBatch, ending: Ending, x: Array) -> tuple[Ending, Array, float]:
    """Replace a point that went astray by the best one; compute the loss shown."""
    data, penalty, _ = full.terms(x)
    if not np.isfinite(data + penalty):
        ending = Ending("diverged", ending.n_iter)
        x = x if full.best is None else full.best[1]
        data, penalty, _ = full.terms(x)
    return ending, x, full.shown(data, penalty)
