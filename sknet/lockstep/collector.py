"""The place where a search hands over its fits: a backend of joblib.

A search of scikit-learn submits every fit as a call of its own. This backend takes all
calls of a round before the first of them runs, so that they can be looked at together.
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
    """A call that was submitted.

    Parameters
    ----------
    function : callable
        What to call.
    args : tuple
        Positional arguments.
    kwargs : dict
        Keyword arguments.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __call__(self, **changed: Any) -> Any:
        """Make the call, with other keyword arguments if wanted."""
        return self.function(*self.args, **self.kwargs | changed)


@dataclass
class _Job:
    """A call on its way: joblib asks it for the result, which answers the round."""

    collector: CollectingBackend
    position: int
    n_calls: int
    done: Callable[[Any], None]

    def get(self, timeout: float | None = None) -> list[Any]:
        """Return the results of the calls that were submitted as one."""
        del timeout
        results = self.collector.results()
        self.done(None)
        return results[self.position : self.position + self.n_calls]


class CollectingBackend(ParallelBackendBase):
    """Takes all calls of a round, and has them answered at once.

    Parameters
    ----------
    answer : callable
        From a list of ``Call`` to the list of their results.
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
        """Catch the first ``Parallel`` made inside, and no other."""
        self._context = joblib.parallel_config(backend=self)
        try:
            yield
        finally:
            self._context.unregister()

    # ---- what joblib asks for

    def configure(self, n_jobs: int = 1, parallel: Any = None, **options: Any) -> int:
        """Take the search's own ``Parallel``; from then on all is as without us."""
        self._context.unregister()
        parallel.pre_dispatch = "all"
        joblib.effective_n_jobs(n_jobs)  # refuses 0, in joblib's words
        del options
        return self.effective_n_jobs(n_jobs)

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Return a number at which joblib does not run the calls itself."""
        del n_jobs
        return 2

    def submit(self, func: Any, callback: Any = None) -> _Job:
        """Keep the calls for later."""
        if self._results is not None:  # of the round before
            self._calls, self._results = [], None
        job = _Job(self, len(self._calls), len(func.items), callback)
        self._calls += [Call(*item) for item in func.items]
        return job

    apply_async = submit  # its name before joblib 1.5

    def results(self) -> list[Any]:
        """Return the results of the round; whoever asks first sets it off."""
        if self._results is None:
            self._results = self._answer(self._calls)
            self._calls = []
        return self._results

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Forget a round that failed."""
        del ensure_ready
        self._calls, self._results = [], None
