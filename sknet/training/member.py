"""Members: networks in training, how their training ended, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sknet._numerics import Array
from sknet.training.batches import Dataset
from sknet.training.bench import Bench
from sknet.training.callbacks import ProgressLine
from sknet.training.monitor import Progress
from sknet.training.recipe import Recipe
from sknet.training.state import TrainState


@dataclass(frozen=True)
class Ending:
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
    recipe : Recipe
        How it is trained.
    data : Dataset
        On what.
    state : TrainState
        Of this member alone: where it begins, and after a session where it ended.
    progress : Progress
        Its course; extended by a session.
    holdout : object, optional
        What it is validated on; for whoever validates.
    seed : int, optional
        What its streams were seeded with.
    best : ndarray of shape (1, P), optional
        Its best parameters so far, with a watched score; and of a member that has
        diverged, or was stopped and may diverge later, those *before* the epoch of the
        least loss, since that loss was measured on the way from there.
    ending : Ending, optional
        How its last session ended.
    n_done : int, default=0
        Epochs of this call of fit that were made before this session.
    bench : Bench, optional
        Where it is trained, if it is the only one, and will go on.
    """

    recipe: Recipe
    data: Dataset
    state: TrainState
    progress: Progress
    holdout: Any = None
    best: Array | None = None
    seed: int | None = None
    ending: Ending | None = None
    n_done: int = 0
    bench: Bench | None = None


@dataclass(frozen=True)
class Standing:
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
    progress : Progress
        Their courses.
    best : ndarray of shape (K, P), or None
        Their best parameters, where ``has_best``.
    has_best : ndarray of bool, of shape (K,)
        Whose best parameters are known.
    """

    members: list[Member]
    n_done: list[int]
    state: TrainState
    progress: Progress
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
                progress=self.progress.members([k]),
                best=best,
                n_done=self.n_done[k],
            )
            pairs.append((member, changed))
        return pairs


def _never() -> bool:
    """Return False."""
    return False


@dataclass(frozen=True)
class Observers:
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
    watch: Callable[[Standing], bool] | None = None
    save: Callable[[Standing | None, list[Member]], None] | None = None
