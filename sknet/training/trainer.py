"""The trainer: epochs of minibatch steps, as a generator of records.

Stopping, verbosity, time limits and validation live outside of the loop: whoever
iterates decides whether to go on. Stopping after epoch 7 and going on later equals
never having stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sknet._numerics import Array
from sknet.objective import Batch, Objective, Point
from sknet.optimizers import Optimizer
from sknet.schedules import Clock, Schedule
from sknet.training.batches import Batches
from sknet.training.state import Record, TrainState
from sknet.training.update import Update


# Steps between two looks at whether the loss is still finite.
_LOOK_EVERY = 64


@dataclass(frozen=True)
class Trainer:
    """Frozen description of a minibatch training.

    Parameters
    ----------
    objective : Objective
        What is minimised.
    optimizer : Optimizer
        How a gradient becomes a step.
    schedule : Schedule
        The course of the learning rate.
    rate : float
        The initial learning rate.
    shuffle : bool
        Whether each epoch has an order of its own.
    """

    objective: Objective
    optimizer: Optimizer
    schedule: Schedule
    rate: float
    shuffle: bool

    def rate_now(self, state: TrainState) -> float:
        """Return the learning rate of the next epoch."""
        return self.rate * self.schedule.factor(state.clock) * state.plateau_scale

    def epochs(self, state: TrainState, batches: Batches) -> Iterator[Record]:
        """Train without end, an epoch between two records.

        Parameters
        ----------
        state : TrainState
            Changed in place; consistent at every record.
        batches : Batches
            The data.

        Yields
        ------
        record : Record
            What the epoch gave. A loss that is not finite may come before the end
            of the epoch.
        """
        point = self.objective.point(state.theta)
        update = Update(self.optimizer, state.theta, point.grad, state.slots)
        while True:
            if self.shuffle:
                _shuffle(state)
            loss, n_rows = self._epoch(state, batches, point, update)
            state.clock = Clock(state.clock.n_epochs + 1, state.clock.n_seen + n_rows)
            yield Record(state.clock, loss)

    def _epoch(
        self, state: TrainState, batches: Batches, point: Point, update: Update
    ) -> tuple[Array, int]:
        """Run one epoch; return the mean loss (K,) and the number of rows seen."""
        rate = self.rate_now(state)
        report = self.objective.loss.report_factor(self.objective.network.n_outputs)
        total = np.zeros(len(state.theta))
        n_rows = n_used = 0
        for batch in batches.epoch(state.order):
            n_rows += batch.n_rows
            idle = _idle_members(batch)
            if idle is not None and idle.all():
                continue
            state.t += 1
            kept = None if idle is None else _Kept(state, idle)
            data, penalty = self.objective.value_and_gradient(point, batch)
            data *= report
            data += penalty
            data *= batch.n_rows
            total += data
            n_used += batch.n_rows
            update(state.t, rate)
            if kept is not None:
                kept.put_back(state)
            if state.t % _LOOK_EVERY == 0 and not np.isfinite(total).any():
                break
        return total / max(n_used, 1), n_rows


class _Kept:
    """The rows of members whose batch has no weight, put back after the step."""

    def __init__(self, state: TrainState, idle: Array) -> None:
        self._idle = idle
        self._rows = [array[idle].copy() for array in (state.theta, *state.slots)]

    def put_back(self, state: TrainState) -> None:
        """Undo the step of the idle members."""
        arrays = (state.theta, *state.slots)
        for array, rows in zip(arrays, self._rows, strict=True):
            array[self._idle] = rows


def _idle_members(batch: Batch) -> Array | None:
    """Return which members' rows all have weight zero, or None if none has."""
    if isinstance(batch.total, float):
        return None
    idle: Array = batch.total[:, 0] == 0.0
    if not idle.any():
        return None
    batch.total = np.where(idle[:, None], 1.0, batch.total).astype(batch.total.dtype)
    return idle


def _shuffle(state: TrainState) -> None:
    """Permute each member's order further, with scikit-learn's draws."""
    if state.order is None:
        raise ValueError("A shuffled training needs an order to permute.")
    for order, stream in zip(state.order, state.streams, strict=True):
        order[:] = order[stream.permutation(len(order))]
