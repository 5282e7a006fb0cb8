"""Solvers: training of networks from scratch, and resuming it."""

from sknet.solvers._base import FullBatchSolver, MinimizationResult, StoppingCriteria
from sknet.solvers.lbfgs import LBFGS
from sknet.training.solver import SOLVERS, Solver


__all__ = [
    "LBFGS",
    "SOLVERS",
    "FullBatchSolver",
    "MinimizationResult",
    "Solver",
    "StoppingCriteria",
]
