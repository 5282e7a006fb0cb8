"""The update: one fused pass of the optimizer over the parameters.

The pass proceeds in blocks of columns, so that the parameters, the gradient and the
optimizer slots of a block are read from memory once and then stay in cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sknet._numerics import Array, Scalar
from sknet._rows import is_in_use, rounded
from sknet.network.layout import RateFactor
from sknet.optimizers import Optimizer


# Size in bytes of all arrays of a block together. Measured best from 1 to 4 MB, with
# 1 MB of second-level cache: in smaller blocks, the calls cost more than the cache
# saves.
_BLOCK_BYTES = 2**20


class Update:
    """Applies an optimizer to parameters in place.

    Parameters
    ----------
    optimizer : Optimizer
        Turns gradients into steps.
    theta : ndarray of shape (K, P)
        The parameters.
    grad : ndarray of shape (K, P')
        The gradient of the first P' parameters.
    slots : sequence of ndarray of shape (K, P')
        The optimizer slots.
    n_decayed : int, default=0
        Number of parameters, from the first on, that are subject to weight decay.
    factors : sequence of RateFactor, default=()
        Factors that multiply the steps of some parameters.
    block_bytes : int, default=2**20
        Size in bytes of all arrays of a block together.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        theta: Array,
        grad: Array,
        slots: Sequence[Array],
        n_decayed: int = 0,
        factors: Sequence[RateFactor] = (),
        block_bytes: int = _BLOCK_BYTES,
    ) -> None:
        self._optimizer = optimizer
        self._decayed = theta[:, :n_decayed]
        self._decays = is_in_use(optimizer.weight_decay)
        n_members, n_trainable = grad.shape
        column_bytes = n_members * grad.itemsize * (3 + len(slots))
        width = max(64, block_bytes // column_bytes)
        shape = (n_members, min(width, n_trainable))
        scratch = np.empty(shape, dtype=grad.dtype, like=grad)
        self._blocks = [
            (
                theta[:, start : min(start + width, n_trainable)],
                grad[:, start : start + width],
                [slot[:, start : start + width] for slot in slots],
                scratch[:, : min(width, n_trainable - start)],
                _factors_of(
                    factors, start, min(start + width, n_trainable), scratch.dtype
                ),
            )
            for start in range(0, n_trainable, width)
        ]

    def __call__(self, t: Scalar, rate: Scalar) -> None:
        """Make step number ``t`` at the learning rate ``rate``; overwrite ``grad``.

        Both are numbers, or have one row per member, of shape (K, 1).
        """
        if self._decays:
            kept = 1.0 - rate * self._optimizer.weight_decay
            self._decayed *= rounded(kept, self._decayed.dtype)
        for theta, grad, slots, scratch, factors in self._blocks:
            self._optimizer.step(grad, slots, t, rate, scratch)
            if factors is not None:
                grad *= factors
            theta -= grad


def _factors_of(
    factors: Sequence[RateFactor], start: int, stop: int, dtype: np.dtype[Any]
) -> Array | None:
    """Return the factors of the columns of a block, or None if all are one."""
    inside = [f for f in factors if f.start < stop and f.stop > start]
    if not inside:
        return None
    block = np.ones(stop - start, dtype=dtype)
    for f in inside:
        block[max(f.start - start, 0) : f.stop - start] = f.factor
    block.flags.writeable = False
    return block
