"""Limits on the number of BLAS threads, set once per fit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController


# Number of multiply-adds in a network's largest matrix product of a step above which a
# second BLAS thread saves at least a quarter of the time on an idle machine. Below, it
# saves little, and costs much if something else is running (benchmarks/threads.py).
_WORTH_A_BLAS_THREAD = 2**23
# More threads than any machine has, but still within the range of a C int.
_MOST_THREADS = 2**15


class BlasLimit:
    """The limit on the number of BLAS threads of the process.

    The setting is global to the process, so fits that run concurrently in threads would
    restore it while others still need it. Therefore, the smallest requested number is
    in force, and the original setting is restored when the last request has ended.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[object, int] = {}
        self._before: list[tuple[Any, int]] = []
        self._now = 0  # the limit in force; 0 for the original setting

    @contextmanager
    def to(self, n_threads: int) -> Iterator[None]:
        """Limit the number of threads inside the block."""
        asking = object()
        try:
            with self._lock:
                if not self._asked:
                    libraries = _blas_libraries()
                    self._before = [(blas, blas.num_threads) for blas in libraries]
                # BLAS only accepts a plain int, not other integer types.
                self._asked[asking] = min(int(n_threads), _MOST_THREADS)
                self._apply()
            yield
        finally:
            with self._lock:
                if self._asked.pop(asking, None) is not None:
                    self._apply()

    def _apply(self) -> None:
        """Set the smallest requested number, or restore the original setting."""
        least = min(self._asked.values(), default=0)
        wanted = [(blas, before, least or before) for blas, before in self._before]
        if not self._now and all(before == number for _, before, number in wanted):
            return  # the setting is already right
        self._now = least
        for blas, _, number in wanted:
            _set_threads(blas, number)


def _set_threads(blas: Any, n_threads: int) -> None:
    """Set the number of threads of one BLAS library, from any thread.

    Since version 3.8, threadpoolctl only obeys the thread that set the number first,
    and silently ignores all others. Here a lock orders the calls, so the control is
    released before and after, and limits set by the program itself stay effective.
    """
    release = getattr(blas, "clear_controlling_thread", None)
    if release is not None:
        release(force=True)
    blas.set_num_threads(n_threads)
    if release is not None:
        release(force=True)


_LIMIT = BlasLimit()


@lru_cache(maxsize=1)
def _blas_libraries() -> list[Any]:
    """Return the controller of each BLAS library; the search takes a millisecond."""
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def blas_threads(
    n_threads: int | None, n_rows: int, n_largest: int
) -> AbstractContextManager[Any]:
    """Limit the threads of BLAS while a network is trained.

    Parameters
    ----------
    n_threads : int or None
        The number of threads. None uses one thread for small matrix products, and
        leaves BLAS unchanged for large ones.
    n_rows : int
        Batch size.
    n_largest : int
        Number of elements of the network's largest weight matrix.

    Returns
    -------
    context : context manager
        Removes the limit on exit.
    """
    if n_threads is None:
        if n_rows * n_largest >= _WORTH_A_BLAS_THREAD:
            return nullcontext()
        n_threads = 1
    return _LIMIT.to(n_threads)
