"""Solvers: from a task to trained networks, and going on."""

from sknet.solvers._base import Found, FullBatchSolver, Goal
from sknet.solvers.lbfgs import LBFGS
from sknet.training.solver import SOLVERS, Solver


__all__ = ["LBFGS", "SOLVERS", "Found", "FullBatchSolver", "Goal", "Solver"]
