"""The state of a training: everything that changes during it, one row per member."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from sknet._numerics import Array, finite_members


def _zeros() -> Array:
    """Return the counter of a single member that has not started."""
    return np.zeros(1, dtype=np.int64)


@dataclass
class TrainState:
    """Everything that a training needs to resume where it stopped.

    Parameters
    ----------
    theta : ndarray of shape (K, P)
        The parameters.
    slots : list of ndarray of shape (K, P')
        The optimizer slots.
    streams : list of RandomState
        The random stream of each member.
    order : ndarray of shape (K, M), or None
        Row numbers in the order of the last epoch, which the next shuffle permutes
        further; None for all rows in the given order.
    noise : list of Generator
        The noise generator of each member; empty if the network draws no noise.
    average : ndarray of shape (K, P), or None
        The running average of the parameters, if one is kept.
    t : ndarray of int, of shape (K,)
        Number of steps so far.
    n_epochs, n_seen : ndarray of int, of shape (K,)
        Number of epochs and of samples so far.
    plateau_scale : ndarray of shape (K,)
        Factor by which plateaus have lowered the learning rate.
    n_averaged : ndarray of int, of shape (K,)
        Number of times that parameters have entered the average.
    cycle_start : ndarray of int, of shape (K,)
        Number of epochs before the current plan of the learning rate.
    """

    theta: Array
    slots: list[Array]
    streams: list[np.random.RandomState]
    order: Array | None = None
    noise: list[np.random.Generator] = field(default_factory=list)
    average: Array | None = None
    t: Array = field(default_factory=_zeros)
    n_epochs: Array = field(default_factory=_zeros)
    n_seen: Array = field(default_factory=_zeros)
    plateau_scale: Array = field(default_factory=lambda: np.ones(1))
    n_averaged: Array = field(default_factory=_zeros)
    cycle_start: Array = field(default_factory=_zeros)

    @property
    def n_members(self) -> int:
        """Number of members, K."""
        return len(self.theta)

    @property
    def n_shuffled(self) -> int:
        """Number of rows that an epoch shuffles; fewer than two need no draws."""
        return 0 if self.order is None else self.order.shape[1]

    @property
    def published(self) -> Array:
        """The parameters to validate and publish: the average, if one is kept."""
        return self.theta if self.average is None else self.average

    def arrays(self) -> list[Array]:
        """Return the arrays that a step changes, with one row per member."""
        kept = [] if self.average is None else [self.average]
        return [self.theta, *self.slots, *kept]

    def go_back(self, theta: Array) -> None:
        """Reset the parameters, and clear the optimizer slots."""
        np.copyto(self.theta, theta)
        if self.average is not None:
            np.copyto(self.average, theta)
            self.n_averaged[:] = 0
        self.forget_momentum()

    def is_finite(self) -> bool:
        """Return whether parameters and optimizer slots of all members are finite.

        If not, :meth:`finite_members` returns which members' are.
        """
        return all(
            math.isfinite(np.vdot(array, array)) for array in (self.theta, *self.slots)
        )

    def finite_members(self) -> Array:
        """Return which members' parameters and optimizer slots are finite, (K,).

        A second moment that has overflowed stops Adam without any other sign.
        """
        finite = [finite_members(array) for array in (self.theta, *self.slots)]
        together: Array = np.logical_and.reduce(finite)
        return together

    def forget_momentum(self) -> None:
        """Clear the optimizer slots."""
        for slot in self.slots:
            slot.fill(0.0)
        self.t[:] = 0

    def own_arrays(self) -> None:
        """Replace parameters and slots by copies, since their arrays are reused."""
        self.theta, self.slots = self.theta.copy(), [s.copy() for s in self.slots]

    def members(self, which: Sequence[int]) -> TrainState:
        """Return the state of some members; its arrays are copies."""
        return self._chosen(which, list(which))

    def member(self, k: int) -> TrainState:
        """Return the state of one member; its arrays are views."""
        return self._chosen([k], slice(k, k + 1))

    def _chosen(self, which: Sequence[int], index: Any) -> TrainState:
        """Return the state of some members, whose rows an index picks."""
        chosen = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name == "slots":
                value = [slot[index] for slot in value]
            elif isinstance(value, list):  # an empty list stays empty
                value = [value[k] for k in which] if value else []
            elif value is not None:
                value = value[index]
            chosen[f.name] = value
        return TrainState(**chosen)


def stack_states(states: Sequence[TrainState], spend: bool = False) -> TrainState:
    """Combine several states into one; a single state is returned unchanged.

    Parameters
    ----------
    states : sequence of TrainState
        The states; their arrays have the same shapes, and lack the same parts.
    spend : bool, default=False
        Whether the states are no longer needed. If so, each array is released as soon
        as it is copied, so that there are never two copies of all arrays.

    Returns
    -------
    state : TrainState
        The state of all members, in order; its arrays are new if there are several
        states.
    """
    first = states[0]
    if len(states) == 1:
        return first
    stacked: dict[str, Any] = {}
    for f in fields(first):
        values = [getattr(state, f.name) for state in states]
        if f.name == "slots":
            stacked[f.name] = [np.concatenate(s) for s in zip(*values, strict=True)]
        elif isinstance(values[0], list):
            stacked[f.name] = [item for value in values for item in value]
        else:
            none = values[0] is None
            stacked[f.name] = None if none else np.concatenate(values)
        for state in states if spend else ():
            vars(state)[f.name] = None
    return TrainState(**stacked)
