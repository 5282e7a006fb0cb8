"""L-BFGS, by SciPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import minimize

from sknet._numerics import Array
from sknet.solvers._base import Found, FullBatchSolver, Function, Goal
from sknet.training.solver import SOLVERS


@SOLVERS.register("lbfgs")
@dataclass(frozen=True, repr=False)
class LBFGS(FullBatchSolver):
    """Limited-memory BFGS: quasi-Newton steps with a line search.

    SciPy keeps its memory to itself, so that a training could not go on exactly from a
    checkpoint.

    References
    ----------
    .. [1] D. C. Liu and J. Nocedal, "On the limited memory BFGS method for large scale
       optimization", Mathematical Programming 45, 1989.
    """

    def minimize(
        self,
        function: Function,
        start: Array,
        after_iteration: Callable[[Array], None],
        goal: Goal,
    ) -> Found:
        """Minimise a function; see :meth:`FullBatchSolver.minimize`."""
        options = {"maxfun": goal.max_fun, "maxiter": goal.max_iter, "gtol": goal.tol}
        result = minimize(
            function,
            start,
            method="L-BFGS-B",
            jac=True,
            options=options,
            callback=after_iteration,
        )
        message = _text(result.message)
        return Found(result.x, int(result.nit), result.status == 0, message)


def _text(message: str | bytes) -> str:
    """Return SciPy's message, which old versions give as bytes."""
    return message.decode() if isinstance(message, bytes) else message
