"""A joblib backend that collects the fits of a search.

A search of scikit-learn submits each fit as a separate call. This backend collects all
calls of a round before the first of them runs, so that they can be run in batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import joblib
from joblib.parallel import ParallelBackendBase


@dataclass
class Call:
    """A submitted call.

    Parameters
    ----------
    function : callable
        The function to call.
    args : tuple
        Positional arguments.
    kwargs : dict
        Keyword arguments.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __call__(self, **changed: Any) -> Any:
        """Make the call, optionally with some keyword arguments replaced."""
        return self.function(*self.args, **self.kwargs | changed)


@dataclass
class _Job:
    """A submitted batch of calls; the first request for a result runs the round."""

    collector: CollectingBackend
    position: int
    n_calls: int
    done: Callable[[Any], None]

    def get(self, timeout: float | None = None) -> list[Any]:
        """Return the results of the calls of this job."""
        del timeout
        results = self.collector.results()
        self.done(None)
        return results[self.position : self.position + self.n_calls]


class CollectingBackend(ParallelBackendBase):
    """Collects all calls of a round, and runs them at once.

    Parameters
    ----------
    answer : callable
        Function that takes a list of ``Call`` and returns the list of their results.
    """

    uses_threads = True
    supports_sharedmem = True

    def __init__(self, answer: Callable[[list[Call]], list[Any]]) -> None:
        super().__init__(nesting_level=0)
        self._answer = answer
        self._context: Any = None
        self._calls: list[Call] = []
        self._results: list[Any] | None = None

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Use this backend for the first ``Parallel`` in the context, and no other."""
        self._context = joblib.parallel_config(backend=self)
        try:
            yield
        finally:
            self._context.unregister()

    # ---- joblib's interface

    def configure(self, n_jobs: int = 1, parallel: Any = None, **options: Any) -> int:
        """Take over the search's own ``Parallel``, and uninstall the backend."""
        self._context.unregister()
        parallel.pre_dispatch = "all"
        joblib.effective_n_jobs(n_jobs)  # raises joblib's own error for 0
        del options
        return self.effective_n_jobs(n_jobs)

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Return 2, since with 1 joblib would run the calls itself."""
        del n_jobs
        return 2

    def submit(self, func: Any, callback: Any = None) -> _Job:
        """Collect the calls; they run when the first result is requested."""
        if self._results is not None:  # of the previous round
            self._calls, self._results = [], None
        job = _Job(self, len(self._calls), len(func.items), callback)
        self._calls += [Call(*item) for item in func.items]
        return job

    apply_async = submit  # its name before joblib 1.5

    def results(self) -> list[Any]:
        """Return the results of the round; the first call runs it."""
        if self._results is None:
            self._results = self._answer(self._calls)
            self._calls = []
        return self._results

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Discard a round that failed."""
        del ensure_ready
        self._calls, self._results = [], None
