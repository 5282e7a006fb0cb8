"""The L-BFGS solver, by SciPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import minimize

from sknet._numerics import Array
from sknet.fields import real, whole
from sknet.solvers._base import (
    FullBatchSolver,
    Function,
    MinimizationResult,
    StoppingCriteria,
)
from sknet.training.solver import SOLVERS


@SOLVERS.register("lbfgs")
@dataclass(frozen=True, repr=False)
class LBFGS(FullBatchSolver):
    """Limited-memory BFGS: quasi-Newton steps with a line search.

    SciPy does not expose the state of the method, so training could not resume exactly
    from a checkpoint.

    Parameters
    ----------
    max_fun : int in [1, inf) or None, default=None
        Maximum number of loss function calls. None uses the ``max_fun`` of the
        estimator, or 15,000 if it has none.
    tol : float in [0, inf) or None, default=None
        Largest element of the gradient at convergence. None uses the ``tol`` of the
        estimator, or 0 if it has none.

    References
    ----------
    .. [1] D. C. Liu and J. Nocedal, "On the limited memory BFGS method for large scale
       optimization", Mathematical Programming 45, 1989.

    Examples
    --------
    >>> from sknet import TabularMLPRegressor
    >>> from sknet.solvers import LBFGS
    >>> TabularMLPRegressor(solver=LBFGS(max_fun=500, tol=1e-4)).solver
    LBFGS(max_fun=500, tol=0.0001)
    """

    max_fun: int | None = whole(None, "[1, inf)")
    tol: float | None = real(None, "[0, inf)")

    def minimize(
        self,
        function: Function,
        start: Array,
        after_iteration: Callable[[Array], None],
        criteria: StoppingCriteria,
    ) -> MinimizationResult:
        """Minimise a function; see :meth:`FullBatchSolver.minimize`."""
        max_fun = criteria.max_fun if self.max_fun is None else self.max_fun
        tol = criteria.tol if self.tol is None else self.tol
        options = {"maxfun": max_fun, "maxiter": criteria.max_iter, "gtol": tol}
        result = minimize(
            function,
            start,
            method="L-BFGS-B",
            jac=True,
            options=options,
            callback=after_iteration,
        )
        message = _text(result.message)
        return MinimizationResult(
            result.x, int(result.nit), result.status == 0, message
        )


def _text(message: str | bytes) -> str:
    """Return SciPy's message, which is bytes in old versions."""
    return message.decode() if isinstance(message, bytes) else message
