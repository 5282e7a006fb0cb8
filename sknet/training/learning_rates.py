"""The learning rates of members, each with a schedule and a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sknet._numerics import Array, Scalar
from sknet._rows import one_or_rows
from sknet.schedules import Adaptive, Clock, Constant, Schedule
from sknet.training.state import TrainState


@dataclass(frozen=True)
class LearningRate:
    """The learning rate of one member.

    Parameters
    ----------
    rate : float
        The initial learning rate.
    schedule : Schedule, default=Constant()
        The learning rate schedule.
    horizon : int, default=1
        Number of epochs that a planned schedule spans.
    """

    rate: float
    schedule: Schedule = Constant()
    horizon: int = 1

    def progress(self, n_epochs: float) -> float:
        """Return the fraction of the plan that is done after some of its epochs."""
        return min(1.0, n_epochs / self.horizon)

    def factor(self, clock: Clock, n_epochs: float) -> float:
        """Return the factor of the schedule ``n_epochs`` into the plan."""
        return self.schedule.factor(clock._replace(progress=self.progress(n_epochs)))

    def next_rate(self, state: TrainState) -> float:
        """Return the learning rate of the next epoch of a single member."""
        n_epochs, n_seen = int(state.n_epochs[0]), int(state.n_seen[0])
        n_begun = n_epochs - int(state.cycle_start[0])
        factor = self.factor(Clock(n_epochs, n_seen), n_begun)
        return self.rate * factor * float(state.plateau_scale[0])


def begin_plan(learning_rate: LearningRate, state: TrainState) -> None:
    """Begin the plan of a single member again if all its epochs have been made."""
    if int(state.n_epochs[0] - state.cycle_start[0]) >= learning_rate.horizon:
        state.cycle_start[:] = state.n_epochs


class LearningRates:
    """The learning rates of all members.

    The factor of the schedule is computed once for all members that have the same
    schedule, plan and clock.

    Parameters
    ----------
    learning_rates : sequence of LearningRate
        The learning rate of each member.
    """

    def __init__(self, learning_rates: Sequence[LearningRate]) -> None:
        self._rates = [learning_rate.rate for learning_rate in learning_rates]
        self._initial = np.array(self._rates)
        kinds: dict[tuple[Schedule, int], int] = {}
        self._kind = [
            kinds.setdefault(
                (learning_rate.schedule, learning_rate.horizon), len(kinds)
            )
            for learning_rate in learning_rates
        ]
        self._learning_rates = [LearningRate(0.0, *kind) for kind in kinds]
        self.changes_at_plateaus_only = all(
            isinstance(learning_rate.schedule, (Constant, Adaptive))
            for learning_rate in learning_rates
        )
        self.is_planned = any(
            learning_rate.schedule.is_planned for learning_rate in learning_rates
        )
        self.plateau_factor = np.array(
            [p.schedule.plateau_factor for p in learning_rates]
        )
        self.rate_floor = np.array([p.schedule.rate_floor for p in learning_rates])

    def constant(self, state: TrainState) -> Array:
        """Return the learning rates, (K,), if they change at plateaus only."""
        return self._initial * state.plateau_scale

    def epoch(self, state: TrainState) -> EpochRates:
        """Return the learning rates of the next epoch."""
        begun = (state.n_epochs - state.cycle_start).tolist()
        clocks = zip(state.n_epochs.tolist(), state.n_seen.tolist(), strict=True)
        kinds: dict[tuple[int, int, tuple[int, int]], int] = {}
        places = [
            kinds.setdefault(kind, len(kinds))
            for kind in zip(self._kind, begun, clocks, strict=True)
        ]
        groups = [(self._learning_rates[i], n, Clock(*clock)) for i, n, clock in kinds]
        scales = state.plateau_scale.tolist()
        return EpochRates(groups, list(zip(self._rates, places, scales, strict=True)))


@dataclass(frozen=True)
class EpochRates:
    """The learning rates of one epoch.

    Parameters
    ----------
    groups : list of (LearningRate, int, Clock)
        For each group of members with the same factor: the learning rate, the number of
        epochs of the plan so far, and the clock.
    members : list of (float, int, float)
        For each member: its initial rate, its group, and its factor from plateaus.
    """

    groups: list[tuple[LearningRate, int, Clock]]
    members: list[tuple[float, int, float]]

    def rates(self, share: float = 0.0) -> list[float]:
        """Return the learning rate of each member, ``share`` into the epoch."""
        factors = [
            learning_rate.factor(clock, n + share)
            for learning_rate, n, clock in self.groups
        ]
        return [rate * factors[group] * scale for rate, group, scale in self.members]

    def rate(self, share: float = 0.0) -> Scalar:
        """Return the learning rates as one number, or as rows of shape (K, 1)."""
        return one_or_rows(self.rates(share))

    def progress(self, share: float = 0.0) -> list[float]:
        """Return the fraction of its plan that each member has done."""
        done = [
            learning_rate.progress(n + share) for learning_rate, n, _ in self.groups
        ]
        return [done[group] for _, group, _ in self.members]
