"""Fitting many estimators in one pass, with their networks batched together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from warnings import catch_warnings, simplefilter

from numpy.random import RandomState
from sklearn import get_config

from sknet._numerics import Array
from sknet._sklearn import has_callbacks
from sknet.config.components import averaging_of, makes_steps, schedule_of
from sknet.estimators._base import BaseMLP
from sknet.estimators.fitting import publish
from sknet.estimators.preparation import prepare_problem
from sknet.problem.input_cache import InputCache
from sknet.problem.validation import rollback
from sknet.solvers.executor import Executor, train, was_interrupted
from sknet.solvers.minibatch import finalize, prepare_members
from sknet.solvers.problem import FitRequest, Problem, warn_of
from sknet.solvers.start import FitKind
from sknet.solvers.threads import blas_threads
from sknet.training.member import Member
from sknet.training.reporting import ProgressLine


@dataclass
class Request:
    """One of several fits.

    Parameters
    ----------
    estimator : BaseMLP
        The estimator to fit, in place.
    X, y : object
        Training data. Requests with the same objects share them.
    fit_params : dict, default={}
        Other arguments of ``fit`` by name: ``sample_weight``, ``X_val`` and so on.
    resume : bool, default=False
        Whether the estimator is already fitted and resumes training, up to ``max_iter``
        epochs in total. Nothing happens if it has already converged.
    resumable : bool, default=False
        Whether to keep the state that a later request with ``resume`` needs.
    rows : ndarray of int, or None, default=None
        Rows of X to train on, one for each entry of y; None for all. Requests with the
        same X share it, unless the reader must copy the rows.
    """

    estimator: BaseMLP
    X: Any
    y: Any
    fit_params: dict[str, Any] = field(default_factory=dict)
    resume: bool = False
    resumable: bool = False
    rows: Array | None = None

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to train."""
        estimator = self.estimator
        if not self.resume:
            return False
        exhausted = estimator.n_epochs_ >= estimator.max_iter
        return exhausted or estimator._training["ended"] != "max_iter"

    def fit_request(self) -> FitRequest:
        """Return the request that ``fit`` would create."""
        given = self.fit_params
        return FitRequest(
            self.X,
            self.y,
            given.get("sample_weight"),
            (given.get("X_val"), given.get("y_val"), given.get("sample_weight_val")),
            kind=FitKind.RUNG if self.resumable else FitKind.FIT,
            rows=self.rows,
        )


@dataclass
class Outcome:
    """The outcome of a request.

    Parameters
    ----------
    error : Exception or None
        The exception that ``fit`` would have raised; the estimator is then unchanged.
    seconds : float
        The request's share of the time.
    finished : bool
        False if the fit was interrupted; the estimator is then unchanged.
    """

    error: Exception | None = None
    seconds: float = 0.0
    finished: bool = True


@dataclass
class _Fitting:
    """A request in progress."""

    request: Request
    outcome: Outcome
    problem: Problem | None = None
    members: list[Member] = field(default_factory=list)
    stream: Any = None

    def begin(self, cache: InputCache) -> None:
        """Validate the request and prepare its members; an error ends the fit."""
        start, estimator = perf_counter(), self.request.estimator
        try:
            with rollback(estimator):
                _validate_once(estimator, cache)
                config = estimator._config()
                request = self.request.fit_request()
                self.problem = prepare_problem(estimator, config, request, cache)
                if isinstance(estimator.random_state, RandomState):
                    self.stream = estimator.random_state.get_state()
                self.members = prepare_members(self.problem)
        except Exception as error:
            self.fail(error)
        self.outcome.seconds = perf_counter() - start

    def restart(self) -> None:
        """Prepare the members again after a failed training run."""
        estimator = self.request.estimator
        if self.stream is not None:
            estimator.random_state.set_state(self.stream)
        try:
            with rollback(estimator), catch_warnings():
                simplefilter("ignore")  # already issued the first time
                self.members = (
                    [] if self.problem is None else prepare_members(self.problem)
                )
        except Exception as error:
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """End the fit with an error."""
        self.outcome.error, self.outcome.finished = error, True
        self.problem, self.members = None, []

    def end(self, seconds_an_epoch: float) -> None:
        """Publish the trained networks."""
        estimator, problem = self.request.estimator, self.problem
        if problem is None:
            return
        self.outcome.finished = True
        terminations = [member.termination for member in self.members]
        if any(e is None or e.reason == "interrupted" for e in terminations):
            self.outcome.finished = False
            return
        start, n_epochs = perf_counter(), self.n_epochs
        try:
            with rollback(estimator):
                fit = finalize(problem, self.members)
                publish(estimator, problem.model, problem.description, fit)
            warn_of(fit.termination, problem.config, FitKind.FIT)
        except Exception as error:
            self.fail(error)
        self.problem, self.members = None, []
        self.outcome.seconds += perf_counter() - start
        self.outcome.seconds += seconds_an_epoch * n_epochs

    @property
    def was_interrupted(self) -> bool:
        """Whether any member was interrupted."""
        return any(map(was_interrupted, self.members))

    @property
    def n_epochs(self) -> int:
        """Total number of epochs over all members."""
        return sum(
            m.termination.n_iter for m in self.members if m.termination is not None
        )


def _validate_once(estimator: BaseMLP, cache: InputCache) -> None:
    """Validate the parameters, unless equal parameters were validated before."""
    if get_config()["skip_parameter_validation"]:
        return
    params = estimator.get_params(deep=False).values()
    key = (type(estimator), *((type(value), value) for value in params))
    cache.memoize(key, estimator._validate_params)


def reason_not_batchable(estimator: BaseMLP) -> str:
    """Return why an estimator cannot be fitted in a batch with others, "" if it can."""
    if not isinstance(estimator, BaseMLP):
        return type(estimator).__name__
    if not makes_steps({"solver": estimator.solver}):
        return f"solver={estimator.solver!r}"
    for name in ("max_time", "checkpoint"):
        if getattr(estimator, name) is not None:
            return name
    if has_callbacks(estimator):
        return "callbacks"
    return ""


def follows_a_plan(estimator: BaseMLP) -> bool:
    """Return whether training depends on ``max_iter`` before it ends there.

    If so, n epochs followed by m more are not the same as n + m.
    """
    given = estimator._given()
    averaging, planned = averaging_of(given), schedule_of(given).is_planned
    return planned or (averaging is not None and averaging.is_planned)


def shares_rows(estimator: BaseMLP) -> bool:
    """Return whether fits to different rows of a table can read it without copies.

    If not, each fit has its own preprocessor and its own encoded table.
    """
    return not estimator._reader.inputs.encodes_tables


def fit_many(
    requests: Sequence[Request], n_jobs: int | None = None, verbose: int = 0
) -> list[Outcome]:
    """Fit many estimators, whose networks are trained as rows of the same arrays.

    The results are those of each estimator's own ``fit``, bit for bit.

    Parameters
    ----------
    requests : sequence of Request
        The fits; :func:`reason_not_batchable` is "" for each estimator.
    n_jobs : int or None, default=None
        Number of threads, or of workers if a joblib backend is active.
    verbose : int, default=0
        Whether to print progress.

    Returns
    -------
    outcomes : list of Outcome
        One for each request. An interrupt ends the training, and is recorded in the
        outcomes.
    """
    outcomes = [Outcome() for _ in requests]
    pairs = zip(requests, outcomes, strict=True)
    fittings = [_Fitting(request, outcome) for request, outcome in pairs]
    waiting = [fitting for fitting in fittings if not fitting.request.is_done]
    for fitting in waiting:
        fitting.outcome.finished = False
    try:
        cache = InputCache()
        for fitting in waiting:
            fitting.begin(cache)
        del cache  # data read for the preprocessors are no longer needed
        start = perf_counter()
        _train_all([fitting for fitting in waiting if fitting.members], n_jobs, verbose)
        seconds = perf_counter() - start
        share = seconds / max(1, sum(fitting.n_epochs for fitting in waiting))
        for fitting in waiting:
            fitting.end(share)
    except KeyboardInterrupt:
        pass  # the outcomes of unfinished fits record it
    return outcomes


def _train_all(fittings: list[_Fitting], n_jobs: int | None, verbose: int) -> None:
    """Train all networks; an error ends only the fit that caused it.

    An error in shared arrays does not show which row caused it. So a block that failed
    is trained again in halves, until the failing fit is trained alone.
    """
    groups = [fittings] if fittings else []
    while groups:
        group = groups.pop()
        executor = _train(group, n_jobs, verbose)
        if executor.is_halted() or any(fitting.was_interrupted for fitting in group):
            return
        again = _assign_errors(group, executor)
        for fitting in again:
            fitting.restart()
        again = [fitting for fitting in again if fitting.members]
        middle = (len(again) + 1) // 2
        groups += [half for half in (again[middle:], again[:middle]) if half]


def _assign_errors(group: Sequence[_Fitting], executor: Executor) -> list[_Fitting]:
    """Assign errors of blocks with a single fit; return the fits of other blocks."""
    owner = {id(member): fitting for fitting in group for member in fitting.members}
    lost: dict[int, _Fitting] = {}
    for block, error in executor.failures or ():
        owners = {
            id(f): f for f in (owner[id(m)] for m in block if m.termination is None)
        }
        if len(owners) == 1:
            next(iter(owners.values())).fail(error)
        lost |= owners
    return [fitting for fitting in lost.values() if fitting.outcome.error is None]


def _train(fittings: Sequence[_Fitting], n_jobs: int | None, verbose: int) -> Executor:
    """Train the networks of requests; return the executor with the failed blocks."""
    members = [member for fitting in fittings for member in fitting.members]
    executor = Executor.active(n_jobs, ProgressLine(len(members)) if verbose else None)
    executor.failures = []
    configs = [member.config for member in members]
    largest = max(r.network.n_largest * r.batch_size for r in configs)
    with blas_threads(None if executor.n_jobs == 1 else 1, 1, largest):
        train(members, executor)
    return executor
