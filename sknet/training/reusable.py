"""Reusable arrays: the arrays in which a network is trained, kept between calls.

Their creation takes a tenth of the time of a ``partial_fit`` call with few rows, so the
arrays of a small network are kept for the next call.
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
    """Arrays of a single network, with the views, buffers and blocks bound to them.

    They hold no state of a training: each call copies the state of the estimator into
    the arrays, and copies it back to the estimator at the end.
    """

    def __init__(self) -> None:
        self._arrays: list[Array] = []
        self._parts: tuple[Any, ...] = ()
        self._sizes: tuple[int, ...] = ()
        self._tools: _Tools | None = None

    @classmethod
    def kept_for(cls, published: Array) -> ReusableArrays:
        """Return the arrays kept for published parameters, or an empty object."""
        return _reuse_cache.take(published) or cls()

    def keep_for(self, published: Array) -> None:
        """Keep the arrays until training resumes from published parameters."""
        _reuse_cache.leave(published, self)

    def copies(self, arrays: list[Array]) -> list[Array]:
        """Return copies of parameters and slots, in the kept arrays if they match.

        Parameters
        ----------
        arrays : list of ndarray
            The parameters (1, P), and each slot of the optimizer (1, P').

        Returns
        -------
        copies : list of ndarray
            The kept arrays, with the values copied into them.
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
        """Return the evaluation point and the update of a state, reused if possible.

        Parameters
        ----------
        state : TrainState
            The state; its arrays are the kept ones unless they have been replaced.
        parts : tuple of object
            The objects from which the tools are made; tools are reused as long as these
            are identical.
        sizes : tuple of int
            Number of rows of the data and of a batch; tools are only reused for the
            same sizes.
        make : callable
            Creates the tools.
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
    """Return shape and type of an array, which must match for it to be reused."""
    return array.shape, array.dtype


_reuse_cache: ReuseCache[ReusableArrays] = ReuseCache()
