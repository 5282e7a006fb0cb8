"""The state of a training: everything that changes while it runs, a row a member."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from sknet._numerics import Array, finite_members


def _zeros() -> Array:
    """Return the counter of a single member that has not begun."""
    return np.zeros(1, dtype=np.int64)


@dataclass
class TrainState:
    """All that a training needs to go on where it stopped.

    Parameters
    ----------
    theta : ndarray of shape (K, P)
        Parameters.
    slots : list of ndarray of shape (K, P')
        The optimizer's memory.
    streams : list of RandomState
        One a member.
    order : ndarray of shape (K, M), or None
        Row numbers in the order of the last epoch, which the next shuffle permutes
        further; None for all rows as they are.
    noise : list of Generator
        One a member; empty if the network draws no noise.
    average : ndarray of shape (K, P), or None
        The running average of the parameters, if one is kept.
    t : ndarray of int, of shape (K,)
        Steps so far.
    n_epochs, n_seen : ndarray of int, of shape (K,)
        Epochs and samples so far.
    plateau_scale : ndarray of shape (K,)
        What plateaus have made of the learning rate.
    n_averaged : ndarray of int, of shape (K,)
        How many parameters have entered the average.
    cycle_start : ndarray of int, of shape (K,)
        Epochs that were finished when the current plan of the learning rate began.
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
        """K."""
        return len(self.theta)

    @property
    def n_shuffled(self) -> int:
        """Rows that an epoch may shuffle; of fewer than two nothing is drawn."""
        return 0 if self.order is None else self.order.shape[1]

    @property
    def published(self) -> Array:
        """What is validated and published: the average, if one is kept."""
        return self.theta if self.average is None else self.average

    def arrays(self) -> list[Array]:
        """Return the arrays that a step changes, a row for each member."""
        kept = [] if self.average is None else [self.average]
        return [self.theta, *self.slots, *kept]

    def go_back(self, theta: Array) -> None:
        """Start again from other parameters, with an empty memory."""
        np.copyto(self.theta, theta)
        if self.average is not None:
            np.copyto(self.average, theta)
            self.n_averaged[:] = 0
        self.forget_momentum()

    def is_finite(self) -> bool:
        """Tell whether parameters and memories of all members are finite.

        If not, :meth:`finite_members` tells whose are.
        """
        return all(
            math.isfinite(np.vdot(array, array)) for array in (self.theta, *self.slots)
        )

    def finite_members(self) -> Array:
        """Tell whose parameters and whose optimizer's memory are finite, (K,).

        A second moment that has overflowed stops Adam without any other sign.
        """
        finite = [finite_members(array) for array in (self.theta, *self.slots)]
        together: Array = np.logical_and.reduce(finite)
        return together

    def forget_momentum(self) -> None:
        """Empty the optimizer's memory."""
        for slot in self.slots:
            slot.fill(0.0)
        self.t[:] = 0

    def own_arrays(self) -> None:
        """Take copies of parameters and slots: somebody else goes on with theirs."""
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
            elif isinstance(value, list):  # of a list that has none there is none
                value = [value[k] for k in which] if value else []
            elif value is not None:
                value = value[index]
            chosen[f.name] = value
        return TrainState(**chosen)


def stack_states(states: Sequence[TrainState], spend: bool = False) -> TrainState:
    """Return one state for the members of several; a single one is taken as it is.

    Parameters
    ----------
    states : sequence of TrainState
        They agree in their shapes, and in what they keep.
    spend : bool, default=False
        Whether the states are needed no more: each array is let go of as soon as it
        is copied, so that there are never two copies of all.

    Returns
    -------
    state : TrainState
        The members, in order; the arrays are new if there are several states.
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
