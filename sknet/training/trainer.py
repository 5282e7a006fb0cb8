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
from sknet.averages import Averaging
from sknet.objective import Batch, Objective, Point
from sknet.optimizers import Optimizer
from sknet.schedules import Clock, Schedule
from sknet.training.averaging import Averager
from sknet.training.batches import Batches
from sknet.training.state import Record, TrainState
from sknet.training.update import Update, clip_by_norm


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
    horizon : int, default=1
        Epochs over which the schedule runs, if it is a planned one.
    clip_norm : float or None, default=None
        Largest norm of a member's gradient; longer ones are scaled down.
    averaging : Averaging or None, default=None
        Which average of the parameters is kept.
    """

    objective: Objective
    optimizer: Optimizer
    schedule: Schedule
    rate: float
    shuffle: bool
    horizon: int = 1
    clip_norm: float | None = None
    averaging: Averaging | None = None

    def progress(self, state: TrainState, share: float = 0.0) -> float:
        """Return the fraction of the plan that is done, ``share`` into an epoch."""
        n_epochs = state.clock.n_epochs - state.cycle_start + share
        return min(1.0, n_epochs / self.horizon)

    def rate_now(self, state: TrainState, share: float = 0.0) -> float:
        """Return the learning rate of the next step, ``share`` into an epoch."""
        clock = state.clock._replace(progress=self.progress(state, share))
        return self.rate * self.schedule.factor(clock) * state.plateau_scale

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
        point = self.objective.point(state.theta, state.noise)
        n_decayed = self.objective.network.layout.n_decayed
        update = Update(self.optimizer, state.theta, point.grad, state.slots, n_decayed)
        averager = None if self.averaging is None else Averager(self.averaging, state)
        while True:
            if self.shuffle:
                _shuffle(state)
            loss, n_rows = self._epoch(state, batches, point, update, averager)
            if averager is not None:
                averager.after_epoch(state, self.progress(state, 1.0))
            state.clock = Clock(state.clock.n_epochs + 1, state.clock.n_seen + n_rows)
            yield Record(state.clock, loss)

    def _epoch(
        self,
        state: TrainState,
        batches: Batches,
        point: Point,
        update: Update,
        averager: Averager | None,
    ) -> tuple[Array, int]:
        """Run one epoch; return the mean loss (K,) and the number of rows seen."""
        rate, planned = self.rate_now(state), self.schedule.is_planned
        n_batches = batches.n_batches(state.order)
        total = _Total(self.objective, len(state.theta))
        n_rows = 0
        for i, batch in enumerate(batches.epoch(state.order)):
            n_rows += batch.n_rows
            idle = _idle_members(batch)
            if idle is not None and idle.all():
                continue
            state.t += 1
            kept = None if idle is None else _Kept(state, idle)
            data, penalty = self.objective.value_and_gradient(point, batch)
            total.add(data, penalty, batch.n_rows)
            if self.clip_norm is not None:
                clip_by_norm(point.grad, self.clip_norm)
            if planned:
                rate = self.rate_now(state, i / n_batches)
            update(state.t, rate)
            if averager is not None:
                averager.after_step(state, self.progress(state, (i + 1) / n_batches))
            if kept is not None:
                kept.put_back(state)
            if state.t % _LOOK_EVERY == 0 and not total.is_finite():
                break
        return total.mean(), n_rows


class _Total:
    """The loss of an epoch, summed over batches; many at a time, which is faster."""

    def __init__(self, objective: Objective, n_members: int) -> None:
        self._report = objective.loss.report_factor(objective.network.n_outputs)
        self._total = np.zeros(n_members)
        self._n_rows = 0
        self._data: list[Array] = []
        self._penalty: list[Array] = []
        self._rows: list[int] = []

    def add(self, data: Array, penalty: Array, n_rows: int) -> None:
        """Add the two terms (K,) of a batch."""
        self._data.append(data)
        self._penalty.append(penalty)
        self._rows.append(n_rows)
        if len(self._rows) == _LOOK_EVERY:
            self._sum()

    def _sum(self) -> None:
        """Empty the lists into the total."""
        if not self._rows:
            return
        shape = (len(self._rows), len(self._total))
        shown = self._report * np.concatenate(self._data) + np.concatenate(
            self._penalty
        )
        weighted = shown.reshape(shape).T * np.array(self._rows, dtype=np.float64)
        # Contiguous rows are summed alike for any number of members.
        self._total += np.ascontiguousarray(weighted).sum(axis=1)
        self._n_rows += sum(self._rows)
        self._data, self._penalty, self._rows = [], [], []

    def is_finite(self) -> bool:
        """Tell whether any member's loss is still finite."""
        self._sum()
        return bool(np.isfinite(self._total).any())

    def mean(self) -> Array:
        """Return the mean loss a row, of shape (K,)."""
        self._sum()
        return self._total / max(self._n_rows, 1)


class _Kept:
    """The rows of members whose batch has no weight, put back after the step."""

    def __init__(self, state: TrainState, idle: Array) -> None:
        self._idle = idle
        self._rows = [array[idle].copy() for array in state.arrays()]

    def put_back(self, state: TrainState) -> None:
        """Undo the step of the idle members."""
        for array, rows in zip(state.arrays(), self._rows, strict=True):
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
    """Permute each member's order further, with scikit-learn's draws.

    scikit-learn shuffles the numbers 0, 1, ... and picks the order by them; shuffling
    the order itself makes the same swaps.
    """
    if state.order is None:
        raise ValueError("A shuffled training needs an order to permute.")
    for order, stream in zip(state.order, state.streams, strict=True):
        stream.shuffle(order)
