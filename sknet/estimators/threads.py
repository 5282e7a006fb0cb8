"""Threads: how many BLAS may use, set once for a fit."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController


# Multiply-adds of a network's largest matrix product in a step, from which on a second
# BLAS thread saves a quarter of the time or more on an idle machine. Below it saves
# little, and costs much where something else runs (benchmarks/threads.py).
_WORTH_A_THREAD = 2**23


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    """Return the controller; looking for the libraries takes a millisecond."""
    return ThreadpoolController()


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
        if n_rows * n_largest >= _WORTH_A_THREAD:
            return nullcontext()
        n_threads = 1
    return _controller().limit(limits=n_threads, user_api="blas")
