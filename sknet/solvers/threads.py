"""Threads: how many BLAS may use, set once for a fit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController


# Multiply-adds of a network's largest matrix product in a step, from which on a second
# BLAS thread saves a quarter of the time or more on an idle machine. Below it saves
# little, and costs much where something else runs (benchmarks/threads.py).
_WORTH_A_BLAS_THREAD = 2**23
# More than any machine has, and still a number of C.
_MOST_THREADS = 2**15


class BlasLimit:
    """The number of BLAS threads while somebody asks for fewer; one for a process.

    The setting belongs to the process. Fits that run side by side in threads would
    restore it under each other's feet: here the least number that anybody asks for is
    in force, and what was there before comes back when the last one is through.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[object, int] = {}
        self._before: list[tuple[Any, int]] = []
        self._now = 0  # in force; 0 for what was there before

    @contextmanager
    def to(self, n_threads: int) -> Iterator[None]:
        """Limit the threads inside of the block; whatever happens, not longer."""
        asking = object()
        try:
            with self._lock:
                if not self._asked:
                    libraries = _blas_libraries()
                    self._before = [(blas, blas.num_threads) for blas in libraries]
                # BLAS takes a plain int, and no other whole number.
                self._asked[asking] = min(int(n_threads), _MOST_THREADS)
                self._apply()
            yield
        finally:
            with self._lock:
                if self._asked.pop(asking, None) is not None:
                    self._apply()

    def _apply(self) -> None:
        """Set the least number that is asked for, or what was there before."""
        least = min(self._asked.values(), default=0)
        wanted = [(blas, before, least or before) for blas, before in self._before]
        if not self._now and all(before == number for _, before, number in wanted):
            return  # what is there is what is asked for
        self._now = least
        for blas, _, number in wanted:
            _set_threads(blas, number)


def _set_threads(blas: Any, n_threads: int) -> None:
    """Set the threads of one BLAS, whichever thread asks for it.

    From version 3.8 on, threadpoolctl obeys the thread that set them first, and passes
    over all others without a word. Here a lock orders them; so none is in control
    before, and none stays in control, that the program's own limits have an effect.
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
    """Return what controls each BLAS; looking for them takes a millisecond."""
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def blas_threads(
    n_threads: int | None, n_rows: int, n_largest: int
) -> AbstractContextManager[Any]:
    """Limit the threads of BLAS while a network is trained.

    Parameters
    ----------
    n_threads : int or None
        How many; None leaves BLAS as it is where products are large, and takes one
        thread where they are small.
    n_rows : int
        Rows of a batch.
    n_largest : int
        Elements of the network's largest weight matrix.

    Returns
    -------
    context : context manager
        Undoes the limit at the end.
    """
    if n_threads is None:
        if n_rows * n_largest >= _WORTH_A_BLAS_THREAD:
            return nullcontext()
        n_threads = 1
    return _LIMIT.to(n_threads)
