"""Members: networks in training, how their training ended, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sknet._numerics import Array
from sknet.training.batches import Dataset
from sknet.training.member_config import MemberConfig
from sknet.training.monitor import History
from sknet.training.reporting import ProgressLine
from sknet.training.reusable import ReusableArrays
from sknet.training.state import TrainState


@dataclass(frozen=True)
class Termination:
    """How a training ended.

    Parameters
    ----------
    reason : str
        Why it stopped: 'converged', 'max_iter', 'max_time', 'interrupted', 'diverged',
        'stopped' by whoever watches it, or 'finished', which is the end of a planned
        learning rate.
    n_iter : int
        Epochs, or iterations of L-BFGS, in this call.
    detail : str, default=""
        What a solver from outside said about it.
    left_out : str, default=""
        How many networks of an ensemble were never begun: "3 of 5", "" for none.
    """

    reason: str
    n_iter: int
    detail: str = ""
    left_out: str = ""


@dataclass
class Member:
    """One network in training.

    Parameters
    ----------
    config : MemberConfig
        How it is trained.
    data : Dataset
        On what.
    state : TrainState
        Of this member alone: where it begins, and after a session where it ended.
    history : History
        Its course; extended by a session.
    validation_set : object, optional
        What it is validated on; for whoever validates.
    seed : int, optional
        What its streams were seeded with.
    best : ndarray of shape (1, P), optional
        Its best parameters so far, with a watched score; and of a member that has
        diverged, or was stopped and may diverge later, those *before* the epoch of the
        least loss, since that loss was measured on the way from there.
    termination : Termination, optional
        How its last session ended.
    n_done : int, default=0
        Epochs of this call of fit that were made before this session.
    reusable : ReusableArrays, optional
        Where it is trained, if it is the only one, and will go on.
    """

    config: MemberConfig
    data: Dataset
    state: TrainState
    history: History
    validation_set: Any = None
    best: Array | None = None
    seed: int | None = None
    termination: Termination | None = None
    n_done: int = 0
    reusable: ReusableArrays | None = None


@dataclass(frozen=True)
class EpochSnapshot:
    """Where the members of a session stand at the end of an epoch.

    Its arrays and lists are those of the session, which go on to change.

    Parameters
    ----------
    members : list of Member
        Those in training.
    n_done : list of int
        Epochs that each has made in this call of fit.
    state : TrainState
        Of all of them.
    history : History
        Their courses.
    best : ndarray of shape (K, P), or None
        Their best parameters, where ``has_best``.
    has_best : ndarray of bool, of shape (K,)
        Whose best parameters are known.
    """

    members: list[Member]
    n_done: list[int]
    state: TrainState
    history: History
    best: Array | None
    has_best: Array

    def pairs(self) -> list[tuple[Member, Member]]:
        """Return each member, and a view of how it is now."""
        pairs = []
        for k, member in enumerate(self.members):
            best = None
            if self.best is not None and self.has_best[k]:
                best = self.best[k : k + 1]
            changed = replace(
                member,
                state=self.state.member(k),
                history=self.history.members([k]),
                best=best,
                n_done=self.n_done[k],
            )
            pairs.append((member, changed))
        return pairs


def _never() -> bool:
    """Return False."""
    return False


@dataclass(frozen=True)
class Hooks:
    """Who is told of every epoch.

    Parameters
    ----------
    line : ProgressLine or None, default=None
        Prints how far all have come.
    halted : callable, default=never
        Asked whether somebody wants all to stop.
    watch : callable or None, default=None
        Gets the standing before anybody leaves; may return True to stop all.
    save : callable or None, default=None
        Gets the standing of those who go on, or None if there are none; and the members
        that have just left.
    """

    line: ProgressLine | None = None
    halted: Callable[[], bool] = _never
    watch: Callable[[EpochSnapshot], bool] | None = None
    save: Callable[[EpochSnapshot | None, list[Member]], None] | None = None
