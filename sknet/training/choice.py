"""The choice between compiled code and NumPy, and of the number of threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from scipy import sparse

from sknet._numerics import Array
from sknet.engine.machine import MOST_THREADS
from sknet.engine.tape import NotRecordable
from sknet.network.network import Network
from sknet.training.forward import n_multiplied, n_threads_allowed


# Multiply-adds of the largest product of a step for which threads are worth waiting for
# each other after each instruction.
_WORTH_THREADS = 2**21

# Bytes of parameters above which compiled code would save no time, as everything waits
# for memory, while its first check takes the memory of several copies.
MOST_BYTES = 2**23
# Multiply-adds of the largest product of a step above which nearly all time is spent in
# products, and those of an optimised BLAS are faster (benchmarks/engine.py: "wide").
_MOST_WORK = 2**26

T = TypeVar("T")


def chosen(
    engine: str,
    network: Network,
    theta: Array,
    n_rows: int,
    make: Callable[[], T],
    x: Any = None,
) -> tuple[T | None, str]:
    """Choose between compiled code and NumPy.

    Parameters
    ----------
    engine : {"auto", "compiled", "numpy"}
        What the configuration demands.
    network : Network
        The network.
    theta : ndarray of shape (K, P)
        Its parameters.
    n_rows : int
        Number of rows of a batch.
    make : callable
        Returns the compiled code, or raises NotRecordable.
    x : ndarray or CSR matrix of shape (N, D), or None, default=None
        The features; None counts as dense. The size of a sparse product, or of a
        convolution, does not matter, because no optimised BLAS makes it in NumPy.

    Returns
    -------
    compiled : object or None
        The compiled code; None if NumPy computes.
    used : str
        "compiled", or "numpy: " and the reason.

    Raises
    ------
    ValueError
        If the configuration demands the compiled engine, and it is not possible.
    """
    if engine == "numpy":
        return None, "numpy: engine='numpy'."
    work = n_rows * network.n_largest_dense
    if sparse.issparse(x):
        work = n_rows * max(network.weight_sizes[1:], default=0)
    is_large = theta[0].nbytes > MOST_BYTES or work > _MOST_WORK
    if engine == "auto" and is_large:
        return None, "numpy: The network is so large that it would not be faster."
    try:
        return make(), "compiled"
    except NotRecordable as error:
        reason = str(error) or "It cannot be recorded."
    if engine == "compiled":
        raise ValueError(
            f"engine='compiled' is not possible here: {reason} Use engine='auto', "
            "which then computes in NumPy."
        )
    return None, f"numpy: {reason}"


def threads_of_steps(
    n_threads: int | None, n_rows: int, network: Network, x: Any = None
) -> int:
    """Return how many threads make a step; None for those that are worth it.

    Without the features ``x``, they count as dense.
    """
    if n_threads is not None:
        return min(int(n_threads), MOST_THREADS)
    work = n_rows * n_multiplied(network.weight_sizes, x)
    return n_threads_allowed() if work >= _WORTH_THREADS else 1
