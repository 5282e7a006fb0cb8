"""The trainer: epochs of minibatch steps, as a generator of records.

Stopping, verbosity, time limits and validation are implemented outside of the loop: the
caller decides whether to continue. To stop after epoch 7 and resume later is the same
as not to stop at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sknet._numerics import Array, Scalar
from sknet._operations import clip_by_norm
from sknet._rng import noise_state
from sknet.averages import Averaging
from sknet.objective import Batch, Objective, Point
from sknet.optimizers import Optimizer
from sknet.training.averaging import Averager
from sknet.training.batches import Batches
from sknet.training.learning_rates import LearningRates
from sknet.training.reusable import ReusableArrays
from sknet.training.state import TrainState
from sknet.training.update import Update


# Number of steps between two checks of whether the loss is still finite.
_LOOK_EVERY = 64


class Record(NamedTuple):
    """The results of one epoch.

    Parameters
    ----------
    loss : ndarray of shape (K,)
        Training losses, averaged over the batches while the parameters changed.
    """

    loss: Array


@dataclass(frozen=True)
class Trainer:
    """Immutable description of a minibatch training of K members.

    Hyperparameters that differ between members are rows, of shape (K, 1).

    Parameters
    ----------
    objective : Objective
        The objective to minimise.
    optimizer : Optimizer
        Turns gradients into steps.
    learning_rates : LearningRates
        The learning rates.
    shuffle : bool
        Whether the rows are shuffled in each epoch.
    clip_norm : float or None, default=None
        Maximum norm of a member's gradient; longer gradients are scaled down.
    averaging : Averaging or None, default=None
        The running average of the parameters, if one is kept.
    learning_rate_multipliers : tuple of (str, float), default=()
        Factors that multiply the learning rate, by parameter name.
    shares_noise : bool, default=False
        Whether all rows of a batch share the same noise.
    """

    objective: Objective
    optimizer: Optimizer
    learning_rates: LearningRates
    shuffle: bool
    clip_norm: float | None = None
    averaging: Averaging | None = None
    learning_rate_multipliers: tuple[tuple[str, float], ...] = ()
    shares_noise: bool = False

    def epochs(
        self,
        state: TrainState,
        batches: Batches,
        reusable: ReusableArrays | None = None,
    ) -> Iterator[Record]:
        """Train indefinitely, yielding a record after each epoch.

        Parameters
        ----------
        state : TrainState
            The state, which is changed in place and consistent at every record.
        batches : Batches
            The data.
        reusable : ReusableArrays or None, default=None
            The arrays in which a single member is trained; None to create new ones.

        Yields
        ------
        record : Record
            The results of the epoch. If the losses are not finite, the epoch may have
            ended early.
        """
        if reusable is None:
            point, update = self._tools(state)
        else:
            objective = self.objective
            parts = (
                objective.network,
                objective.loss,
                self.optimizer,
                self.learning_rate_multipliers,
            )
            point, update = reusable.tools(state, parts, batches.sizes, self._tools)
        point.training.shares_noise = self.shares_noise
        averager = None if self.averaging is None else Averager(self.averaging, state)
        while True:
            if self.shuffle:
                _shuffle(state)
            epoch = _Epoch(self, state, batches, point, update)
            loss = epoch.run(averager)
            state.n_epochs += 1
            yield Record(loss)

    def _tools(self, state: TrainState) -> tuple[Point, Update]:
        """Create the point of evaluation and the update."""
        point = self.objective.point(state.theta, state.noise)
        layout = self.objective.network.layout
        update = Update(
            self.optimizer,
            state.theta,
            point.grad,
            state.slots,
            layout.n_decayed,
            layout.learning_rate_multipliers(dict(self.learning_rate_multipliers)),
        )
        return point, update


class _Epoch:
    """One epoch of all members.

    Parameters
    ----------
    trainer : Trainer
        The trainer.
    state : TrainState
        The state, which is changed in place except for the number of epochs.
    batches : Batches
        The data.
    point : Point
        The point of evaluation, at the parameters of ``state``.
    update : Update
        Makes the steps.
    """

    def __init__(
        self,
        trainer: Trainer,
        state: TrainState,
        batches: Batches,
        point: Point,
        update: Update,
    ) -> None:
        self._trainer = trainer
        self._state = state
        self._batches = batches
        self._point = point
        self._update = update
        self._learning_rates = trainer.learning_rates.epoch(state)
        self._t = _shared(state.t)
        self._total = _Total(trainer.objective, state.n_members)
        self._lost = _Lost(state)

    def run(self, averager: Averager | None) -> Array:
        """Make the steps; return the mean losses (K,)."""
        state, trainer, rates = self._state, self._trainer, self._learning_rates
        rate, planned = rates.rate(), trainer.learning_rates.is_planned
        n_batches = self._batches.n_batches(state.order)
        n_rows = 0
        try:
            for i, batch in enumerate(self._batches.epoch(state.order)):
                n_rows += batch.n_rows
                if planned:
                    rate = rates.rate(i / n_batches)
                stepped = self._step(batch, rate)
                if stepped and averager is not None:
                    averager.after_step(state, rates.progress((i + 1) / n_batches))
                if (i + 1) % _LOOK_EVERY == 0:
                    self._lost.look(self._total, self._t, n_rows)
                    if self._lost.are_all:
                        break
        finally:  # after an interrupt, slots and step counter must be consistent
            state.t[:] = np.ravel(self._t)
        state.n_seen += n_rows
        self._lost.put_back(n_rows)
        if averager is not None:
            averager.after_epoch(state, rates.progress(1.0))
        loss = self._total.mean()
        self._lost.put_back_losses(loss)
        return loss

    def _step(self, batch: Batch, rate: Scalar) -> bool:
        """Make one step; return whether any member had rows of positive weight."""
        idle = _idle_members(batch)
        kept = None
        if idle is None:
            self._t = self._t + 1
        elif idle.all():
            nothing = np.zeros(self._state.n_members, dtype=self._state.theta.dtype)
            all_members = np.ones(len(nothing), dtype=bool)
            self._total.add(nothing, nothing, batch.n_rows, all_members)
            return False
        else:
            self._t = self._t + ~idle[:, None]
            kept = _Kept(self._state, idle)
        objective, clip_norm = self._trainer.objective, self._trainer.clip_norm
        data, penalty = objective.value_and_gradient(self._point, batch)
        self._total.add(data, penalty, batch.n_rows, idle)
        if clip_norm is not None:
            clip_by_norm(self._point.grad, clip_norm)
        self._update(self._t, rate)
        if kept is not None:
            kept.put_back()
        return True


def _shared(t: Array) -> Any:
    """Return the numbers of steps as one number if they agree, else as rows (K, 1)."""
    alike = len(t) == 1 or (t == t[0]).all()
    return int(t[0]) if alike else t[:, None]


class _Total:
    """The loss of an epoch, summed over many batches at a time for speed."""

    def __init__(self, objective: Objective, n_members: int) -> None:
        self._report = objective.loss.report_factor(objective.network.n_outputs)
        self._total = np.zeros(n_members)
        self._n_rows = 0
        self._n_idle: Array | int = 0
        self._data: list[Array] = []
        self._penalty: list[Array] = []
        self._rows: list[int] = []

    def add(self, data: Array, penalty: Array, n_rows: int, idle: Array | None) -> None:
        """Add the two terms (K,) of a batch, except for idle members."""
        if idle is not None:
            data[idle] = penalty[idle] = 0.0
            self._n_idle = self._n_idle + n_rows * idle
        self._data.append(data)
        self._penalty.append(penalty)
        self._rows.append(n_rows)
        if len(self._rows) == _LOOK_EVERY:
            self._sum()

    def _sum(self) -> None:
        """Add the batches in the lists to the total, and clear the lists."""
        if not self._rows:
            return
        if len(self._rows) == 1:
            shown = self._report * self._data[0] + self._penalty[0]
            self._total += shown.astype(np.float64) * self._rows[0]
        else:
            self._total += self._sum_of_batches()
        self._n_rows += sum(self._rows)
        self._data, self._penalty, self._rows = [], [], []

    def _sum_of_batches(self) -> Array:
        """Return the sum over the batches in the lists, (K,)."""
        shape = (len(self._rows), len(self._total))
        shown = self._report * np.concatenate(self._data) + np.concatenate(
            self._penalty
        )
        weighted = shown.reshape(shape).T * np.array(self._rows, dtype=np.float64)
        # Contiguous rows are summed in the same way for any number of members.
        total: Array = np.ascontiguousarray(weighted).sum(axis=1)
        return total

    def finite_members(self) -> Array:
        """Return which members' losses are still finite, (K,)."""
        self._sum()
        return np.isfinite(self._total)

    def mean(self) -> Array:
        """Return the mean loss per row, of shape (K,)."""
        self._sum()
        counted = self._n_rows - self._n_idle
        return self._total / np.maximum(counted, 1) if self._n_rows else self._total


class _Kept:
    """State of the members whose batch has weight zero, restored after the step.

    A learning rate of zero would not freeze them: their optimizer slots, average,
    statistics and noise stream would still advance, and K members trained together must
    equal each one trained alone, bit for bit.
    """

    def __init__(self, state: TrainState, idle: Array) -> None:
        self._state = state
        self._idle = idle
        self._rows = [array[idle].copy() for array in state.arrays()]
        self._noise = [
            noise_state(state.noise[k]) if state.noise else None
            for k in np.flatnonzero(idle)
        ]

    def put_back(self) -> None:
        """Undo the step of the idle members."""
        for array, rows in zip(self._state.arrays(), self._rows, strict=True):
            array[self._idle] = rows
        for k, kept in zip(np.flatnonzero(self._idle), self._noise, strict=True):
            if kept is not None:
                self._state.noise[k].bit_generator.state = kept


class _Lost:
    """Members with a loss that is no longer finite.

    Trained alone, they would have stopped there. In a stack they remain until the end
    of the epoch, when their counters and noise are restored: a learning rate of zero
    would let both advance, and a stack must equal its members alone, bit for bit.
    """

    def __init__(self, state: TrainState) -> None:
        self._state = state
        self._found: dict[int, tuple[int, int, dict[str, Any] | None]] = {}
        self._losses: dict[int, float] = {}

    @property
    def are_all(self) -> bool:
        """Whether all members are lost."""
        return len(self._found) == self._state.n_members

    def look(self, total: _Total, t: Scalar, n_rows: int) -> None:
        """Find members that were lost since the last check."""
        finite = total.finite_members()
        if finite.all():
            return
        steps, losses = np.broadcast_to(np.ravel(t), finite.shape), total.mean()
        for k in np.flatnonzero(~finite).tolist():
            if k not in self._found:
                noise = self._state.noise
                kept = noise_state(noise[k]) if noise else None
                self._found[k] = int(steps[k]), n_rows, kept
                self._losses[k] = losses[k]

    def put_back(self, n_rows: int) -> None:
        """Restore the counters of the lost members."""
        for k, (t, seen, noise) in self._found.items():
            self._state.t[k] = t
            self._state.n_seen[k] += seen - n_rows
            if noise is not None:
                self._state.noise[k].bit_generator.state = noise

    def put_back_losses(self, losses: Array) -> None:
        """Restore the losses of the lost members at the time when they were lost."""
        for k, loss in self._losses.items():
            losses[k] = loss


def _idle_members(batch: Batch) -> Array | None:
    """Return which members' rows all have weight zero, or None if there are none."""
    if isinstance(batch.total, float):
        return None
    idle: Array = batch.total[:, 0] == 0.0
    if not idle.any():
        return None
    batch.total = np.where(idle[:, None], 1.0, batch.total).astype(batch.total.dtype)
    return idle


def _shuffle(state: TrainState) -> None:
    """Permute each member's order further, with the same draws as scikit-learn.

    scikit-learn shuffles the numbers 0, 1, ... and indexes the order by them; to
    shuffle the order itself makes the same swaps.
    """
    if state.order is None:
        raise ValueError("shuffle=True requires a state with an order of the rows.")
    for order, stream in zip(state.order, state.streams, strict=True):
        stream.shuffle(order)
