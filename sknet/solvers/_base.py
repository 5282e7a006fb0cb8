"""Base class of the solvers that use all rows at once."""

from __future__ import annotations

import time
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from sknet._numerics import Array, mean_of_members
from sknet._rng import StreamState, stream_state
from sknet.config.table import NEED_STEPS
from sknet.config.training_config import TrainingConfig
from sknet.solvers.calibration import calibration_attributes
from sknet.solvers.ensemble import left_out, member_data, new_streams, worst
from sknet.solvers.events import Events
from sknet.solvers.initial import initial_theta
from sknet.solvers.problem import FitResult, Problem
from sknet.solvers.threads import blas_threads
from sknet.training.batches import Dataset
from sknet.training.full_batch import STOPS, FullBatch, OutOfTime, Stopped, finished
from sknet.training.interrupts import Interrupts
from sknet.training.member import Termination
from sknet.training.member_config import Budget
from sknet.training.reporting import Reporter
from sknet.training.solver import Solver


Watch = Callable[[Array, int], bool]
Function = Callable[[Array], tuple[float, Array]]


class StoppingCriteria(NamedTuple):
    """Stopping criteria of a minimisation.

    Parameters
    ----------
    tol : float
        Largest element of the gradient at which it has converged.
    max_iter : int
        Maximum number of iterations.
    max_fun : int
        Maximum number of function evaluations.
    """

    tol: float
    max_iter: int
    max_fun: int


class MinimizationResult(NamedTuple):
    """Result of a minimisation.

    Parameters
    ----------
    x : ndarray of shape (P,)
        The last point.
    n_iter : int
        Number of iterations.
    converged : bool
        Whether the minimisation converged.
    message : str, default=""
        Why the minimisation ended, for the warning if it did not converge.
    """

    x: Array
    n_iter: int
    converged: bool
    message: str = ""


class _Solved(NamedTuple):
    """How the training of one network ended, its loss, and what has computed it."""

    termination: Termination
    loss: float
    engine: str


@dataclass(frozen=True, repr=False)
class FullBatchSolver(Solver):
    """Base class of the solvers that minimise a function of all rows.

    A subclass implements how a function is minimised from a starting point. Networks
    are trained one after the other, in double precision. There are no epochs, and the
    order of the rows does not matter, so parameters of minibatch training are not
    supported.
    """

    @abstractmethod
    def minimize(
        self,
        function: Function,
        start: Array,
        after_iteration: Callable[[Array], None],
        criteria: StoppingCriteria,
    ) -> MinimizationResult:
        """Minimise a function.

        Parameters
        ----------
        function : callable
            Takes a point (P,), and returns the value and the gradient (P,), a new
            array. It may raise an exception to end the minimisation, which must not be
            caught.
        start : ndarray of shape (P,)
            The starting point.
        after_iteration : callable
            Must be called with the current point after every iteration. It may also
            raise an exception.
        criteria : StoppingCriteria
            The stopping criteria.

        Returns
        -------
        found : MinimizationResult
            The last point, and whether the minimisation converged.
        """

    def solve(self, problem: Problem, events: Events) -> FitResult:
        """Train the networks of an estimator, one after the other.

        Parameters
        ----------
        problem : Problem
            Configuration, data and network.
        events : Events
            Callbacks, which get the parameters (k, P) of the networks so far after
            every iteration and may stop the training.

        Returns
        -------
        fit : FitResult
            Trained parameters; after an interrupt, of the networks that were started.

        Raises
        ------
        ValueError
            If a parameter needs minibatch steps, or no finite loss was found.
        """
        callbacks = events.callbacks
        watch = None if callbacks is None else callbacks.of_full_batch(problem)
        n_rows, n_largest = problem.data.n_rows, problem.network.n_largest
        threads = blas_threads(problem.config.n_threads, n_rows, n_largest)
        events.afterwards.enter_context(threads)
        self._refuse_what_needs_steps(problem)
        self._warn_of_what_needs_epochs(problem)
        with np.errstate(all="ignore"):
            return self._solve_all(problem, events.interrupts, watch)

    def _solve_all(
        self, problem: Problem, interrupts: Interrupts, watch: Watch | None
    ) -> FitResult:
        """Train one network after the other."""
        thetas, kept, seeds = _start(problem)
        data = member_data(problem, seeds)
        solved: list[_Solved] = []
        interrupts.raise_if_came()
        for k, budget in enumerate(_shared_budgets(problem.config, len(data))):
            callback = None
            if watch is not None:
                callback = partial(_notify, watch, np.concatenate(thetas[: k + 1]))
            full = _full_batch(problem, data[k], thetas[k])
            one = self._solve_one(
                problem.config, full, thetas[k], budget, interrupts, callback
            )
            solved.append(one)
            was_interrupted = interrupts.came or interrupts.raised
            if was_interrupted or one.termination.reason == "interrupted":
                break
        # Networks that were not started keep the parameters of the earlier fit.
        n_published = len(data) if problem.start.earlier is not None else len(solved)
        seeds = None if seeds is None else seeds[:n_published]
        theta = np.concatenate(thetas[:n_published])
        attributes = _attributes(problem, solved, kept[:n_published], seeds)
        attributes |= calibration_attributes(problem, theta, [])
        missing = left_out(len(data), n_published)
        termination = _termination(
            solved, len(data), interrupts.came or interrupts.raised
        )
        return FitResult(theta, replace(termination, left_out=missing), attributes)

    def _solve_one(
        self,
        config: TrainingConfig,
        full: FullBatch,
        theta: Array,
        budget: Budget,
        interrupts: Interrupts,
        callback: Watch | None,
    ) -> _Solved:
        """Train one network in place."""
        termination, x, loss = self._minimize_within(
            config, full, budget, interrupts, callback
        )
        theta[0, : len(x)] = x
        if not np.isfinite(loss) or not np.isfinite(theta).all():
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may "
                "contain large values and need to be preprocessed. The solver found no "
                "finite value of the loss: scale X (e.g. StandardScaler) and y."
            )
        return _Solved(termination, loss, full.engine)

    def _minimize_within(
        self,
        config: TrainingConfig,
        full: FullBatch,
        budget: Budget,
        interrupts: Interrupts,
        callback: Watch | None,
    ) -> tuple[Termination, Array, float]:
        """Minimise until convergence, the end of the budget, or an event."""
        deadline, n_iter = time.perf_counter() + budget.max_time, 0
        reporter = Reporter(bool(config.verbose))

        def function(x: Array) -> tuple[float, Array]:
            if full.best is not None and time.perf_counter() >= deadline:
                raise OutOfTime
            return full.value_and_gradient(x)

        def after_iteration(x: Array) -> None:
            nonlocal n_iter
            n_iter += 1
            reporter.epoch(n_iter, [full.best[0] if full.best else np.nan])
            if callback is not None and callback(x, n_iter):
                raise Stopped
            interrupts.raise_if_came()

        start, criteria = (
            full.start,
            StoppingCriteria(config.tol, budget.max_iter, config.max_fun),
        )
        try:
            with interrupts.allowed():
                found = self.minimize(function, start, after_iteration, criteria)
            x, n_iter = found.x, min(found.n_iter, budget.max_iter)
            reason = "converged" if found.converged else "max_iter"
            termination = Termination(reason, n_iter, found.message)
        except tuple(STOPS) as stop:
            x = start if full.best is None else full.best[1]
            termination = Termination(STOPS[type(stop)], n_iter)
        return finished(full, termination, x)

    def _refuse_what_needs_steps(self, problem: Problem) -> None:
        """Raise an error for parameters that need minibatch steps."""
        config, network = problem.config, problem.network
        found = [
            (f"{name}={config.given[name]!r}", why)
            for name, why in NEED_STEPS.items()
            if name in config.given and config.has_effect(name)
        ]
        if network.draws_noise:
            dropout = f"dropout={config.given['dropout']!r}"
            found.append((dropout, "needs a loss without noise"))
        if network.mixes_rows:
            block = f"block={config.given['block']!r} with normalization='batch'"
            why = "evaluates the rows in chunks, which differ in their statistics"
            found.append((block, why))
        for parameter, why in found:
            raise ValueError(
                f"{parameter} is not supported with solver={self.name!r}, which {why}. "
                "Use solver='adam' or another stochastic solver, or omit the parameter."
            )

    def _warn_of_what_needs_epochs(self, problem: Problem) -> None:
        """Warn about parameters that scikit-learn takes, and ignores, with L-BFGS."""
        for parameter, is_given in (
            ("early_stopping=True", problem.config.early_stopping),
            ("X_val", problem.validation_set is not None),
        ):
            if is_given:
                warnings.warn(
                    f"{parameter} has no effect with solver={self.name!r}, which has "
                    "no epochs; use solver='adam' or 'sgd'.",
                    stacklevel=4,
                )


def _full_batch(problem: Problem, data: Dataset, theta: Array) -> FullBatch:
    """Return the objective of one network on all rows of its data."""
    config = problem.config
    objective = problem.objective(config.alpha)
    return FullBatch(objective, data, theta, str(config.engine), config.n_threads)


def _shared_budgets(config: TrainingConfig, n_members: int) -> Iterator[Budget]:
    """Yield the budget of each network: an equal share of the remaining time.

    Networks for which no time remains get none.
    """
    budget = config.budget(False)
    deadline = time.perf_counter() + budget.max_time
    for k in range(n_members):
        left = deadline - time.perf_counter()
        if k and left <= 0.0:
            return
        yield replace(budget, max_time=left / (n_members - k))


def _termination(
    solved: Sequence[_Solved], n_members: int, was_interrupted: bool
) -> Termination:
    """Return the worst termination, including that of networks never started."""
    terminations = [one.termination for one in solved]
    if len(solved) < n_members:
        terminations.append(
            Termination("interrupted" if was_interrupted else "max_time", 0)
        )
    return worst(terminations)


def _start(problem: Problem) -> tuple[list[Array], list[StreamState], Array | None]:
    """Return the initial parameters, the states of random streams, and the seeds."""
    earlier = problem.start.earlier
    if earlier is not None:
        thetas = [theta[None].copy() for theta in earlier.model.theta]
        return thetas, earlier.training["streams"], earlier.seeds
    streams = new_streams(problem.config)
    thetas = [initial_theta(problem, [stream]) for stream in streams.members]
    kept = [stream_state(stream) for stream in streams.members]
    return thetas, kept, streams.seeds


def _attributes(
    problem: Problem,
    solved: Sequence[_Solved],
    kept: Sequence[StreamState],
    seeds: Array | None,
) -> dict[str, Any]:
    """Return the fitted attributes that describe the training."""
    earlier = problem.start.earlier
    before, seen = (earlier.n_epochs, earlier.n_seen) if earlier else (0, 0)
    n_epochs = before + max(one.termination.n_iter for one in solved)
    attributes: dict[str, Any] = {
        "loss_": float(mean_of_members(np.array([one.loss for one in solved]))),
        "n_epochs_": n_epochs,
        "t_": seen,
        "engine_": max(one.engine for one in solved),  # "numpy: ..." comes last
        "_training": {
            "streams": list(kept),
            "n_networks": problem.config.n_networks,
            "n_iter": [one.termination.n_iter for one in solved],
            "n_epochs": [n_epochs] * len(kept),
            "n_seen": [seen] * len(kept),
        },
    }
    if seeds is not None:
        attributes["member_seeds_"] = seeds
    return attributes


def _notify(watch: Watch, begun: Array, x: Array, n_iter: int) -> bool:
    """Call a callback after an iteration of the network that is being trained."""
    begun[-1, : len(x)] = x
    return watch(begun, n_iter)
