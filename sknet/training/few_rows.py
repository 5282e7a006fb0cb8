"""Compiled prediction of a few rows, in arrays that are kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.engine.tape import address_of
from sknet.training.forward import MOST_KEPT, PLACES, CompiledForward


_LAST, _IS_FINITE = PLACES["last"], PLACES["is_finite"]


class FewRows:
    """Outputs of up to :data:`MOST_KEPT` rows, in arrays that are kept.

    It is for the thread that creates it.

    Parameters
    ----------
    forward : CompiledForward
        The forward pass of the network.
    theta : ndarray of shape (K, P)
        Its parameters, which may change later.
    n_columns, n_heads : int
        Numbers of features and of submodels.
    """

    def __init__(
        self, forward: CompiledForward, theta: Array, n_columns: int, n_heads: int
    ) -> None:
        self._forward, dtype = forward, theta.dtype
        self._x = np.empty((MOST_KEPT, n_columns), dtype=dtype)
        shape = (len(theta) * n_heads, MOST_KEPT, forward.n_outputs)
        self._out = np.empty(shape, dtype=dtype)
        self._memory = forward.memory_of_thread()
        self._jobs = [
            forward.job(
                theta[k : k + 1], self._x, self._out[k * n_heads :], self._memory
            )
            for k in range(len(theta))
        ]
        self._theta = theta  # which must not be freed
        self._addresses = [address_of(job) for job in self._jobs]

    def __call__(self, x: Array, dtype: np.dtype[Any]) -> Array:
        """Compute the outputs (K * E, N, C) of rows (N, D), as a new array."""
        n_rows = len(x)
        self._x[:n_rows] = x
        for job, address in zip(self._jobs, self._addresses, strict=True):
            job[_LAST] = n_rows
            self._forward.run(address)
        return self._out[:, :n_rows].astype(dtype)

    def finite(self, x: Array) -> Array | None:
        """Compute the outputs as a new array; None if a raw output is not finite."""
        n_rows, are_finite = len(x), True
        self._x[:n_rows] = x
        for job, address in zip(self._jobs, self._addresses, strict=True):
            job[_LAST] = n_rows
            self._forward.run(address)
            are_finite = are_finite and job[_IS_FINITE]
        return self._out[:, :n_rows].copy() if are_finite else None
