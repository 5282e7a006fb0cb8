"""The bench: the arrays that a network is trained in, and what is bound to them.

To make them takes a tenth of a call of ``partial_fit`` with few rows. So the bench of
a small network waits for its next call.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet._reuse_cache import ReuseCache
from sknet.network.layers import Training
from sknet.objective import Point
from sknet.training.state import TrainState
from sknet.training.update import Update


_Tools = tuple[Point, Update]


class ReusableArrays:
    """Arrays of one network, with the views, buffers and blocks that belong to them.

    It holds nothing of a training: each call fills the arrays anew with what the
    estimator holds, and the estimator gets copies.
    """

    def __init__(self) -> None:
        self._arrays: list[Array] = []
        self._parts: tuple[Any, ...] = ()
        self._sizes: tuple[int, ...] = ()
        self._tools: _Tools | None = None

    @classmethod
    def beside(cls, published: Array) -> ReusableArrays:
        """Return the bench that waits beside published parameters, or an empty one."""
        return _reuse_cache.take(published) or cls()

    def keep_beside(self, published: Array) -> None:
        """Wait until the training goes on from published parameters."""
        _reuse_cache.leave(published, self)

    def copies(self, arrays: list[Array]) -> list[Array]:
        """Return copies of parameters and slots, in the arrays of before if they fit.

        Parameters
        ----------
        arrays : list of ndarray
            The parameters (1, P), and each slot of the optimizer (1, P').

        Returns
        -------
        copies : list of ndarray
            The arrays of the bench.
        """
        if list(map(_kind, arrays)) == list(map(_kind, self._arrays)):
            for kept, given in zip(self._arrays, arrays, strict=True):
                np.copyto(kept, given)
        else:
            self._arrays, self._tools = [array.copy() for array in arrays], None
        return self._arrays

    def tools(
        self,
        state: TrainState,
        parts: tuple[Any, ...],
        sizes: tuple[int, ...],
        make: Callable[[TrainState], _Tools],
    ) -> _Tools:
        """Return where a state is evaluated and how it is stepped; as before, if it is.

        Parameters
        ----------
        state : TrainState
            Its arrays are those of the bench, unless it has got new ones since.
        parts : tuple of object
            What the tools are made of, the same objects as long as they are the same.
        sizes : tuple of int
            Rows of the data and of a batch: buffers for others are not kept.
        make : callable
            Makes them.
        """
        arrays = [state.theta, *state.slots]
        is_own = len(arrays) == len(self._arrays) and all(
            map(is_, arrays, self._arrays)
        )
        if not is_own:
            return make(state)
        same = sizes == self._sizes and all(map(is_, parts, self._parts))
        if self._tools is None or not same:
            self._parts, self._sizes, self._tools = parts, sizes, make(state)
        point, update = self._tools
        point.training = Training(state.noise, 1.0)
        return point, update


def _kind(array: Array) -> tuple[Any, ...]:
    """Return what arrays share that can take each other's numbers."""
    return array.shape, array.dtype


_reuse_cache: ReuseCache[ReusableArrays] = ReuseCache()
