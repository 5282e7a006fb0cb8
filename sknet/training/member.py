"""Members: networks in training, their termination, and the hooks of training."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
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
        Why training stopped: 'converged', 'max_iter', 'max_time', 'interrupted',
        'diverged', 'stopped' by a callback, or 'finished', at the end of a planned
        learning rate schedule.
    n_iter : int
        Number of epochs, or of iterations of L-BFGS, in this call.
    detail : str, default=""
        The message of an external solver.
    left_out : str, default=""
        How many networks of an ensemble were never started: "3 of 5", or "" for none.
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
        Its training configuration.
    data : Dataset
        The training data.
    state : TrainState
        The state of this member alone, at the start or after a session.
    history : History
        Its training history, which a session extends.
    validation_set : object, optional
        Its validation set.
    seed : int, optional
        The seed of its random streams.
    best : ndarray of shape (1, P), optional
        Its best parameters so far, if a score is monitored. Otherwise, for a member
        that has diverged, or was stopped and may diverge later, the parameters *before*
        the epoch of the lowest loss, because that loss was measured during the epoch.
    termination : Termination, optional
        How its last session ended.
    n_done : int, default=0
        Number of epochs of this call of fit before this session.
    reusable : ReusableArrays, optional
        The arrays in which it is trained, if it is a single member that will resume.
    engine : str, default=""
        What trains it: "compiled", or "numpy" with the reason.
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
    engine: str = ""


@dataclass(frozen=True)
class EpochSnapshot:
    """The members of a session at the end of an epoch.

    It shares the arrays and lists of the session, which change in later epochs.

    Parameters
    ----------
    members : list of Member
        The members in training.
    n_done : list of int
        Number of epochs of each member in this call of fit.
    state : TrainState
        The state of all members.
    history : History
        The history of all members.
    best : ndarray of shape (K, P), or None
        The best parameters of members for which ``has_best`` is true.
    has_best : ndarray of bool, of shape (K,)
        Whether the best parameters of each member are known.
    """

    members: list[Member]
    n_done: list[int]
    state: TrainState
    history: History
    best: Array | None
    has_best: Array

    def pairs(self) -> list[tuple[Member, Member]]:
        """Return each member, paired with a view of its current state."""
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
    """Functions that are called after every epoch.

    Parameters
    ----------
    line : ProgressLine or None, default=None
        Prints the progress of all members.
    halted : callable, default=never
        Returns whether all members are to stop.
    deferred : callable, default=nullcontext
        Returns a context in which interrupts only make ``halted`` return True.
    watch : callable or None, default=None
        Called with a snapshot before any member leaves; may return True to stop all.
    save : callable or None, default=None
        Called with a snapshot of the remaining members, or None if there are none, and
        the list of members that have just left.
    """

    line: ProgressLine | None = None
    halted: Callable[[], bool] = _never
    deferred: Callable[[], AbstractContextManager[Any]] = nullcontext
    watch: Callable[[EpochSnapshot], bool] | None = None
    save: Callable[[EpochSnapshot | None, list[Member]], None] | None = None
