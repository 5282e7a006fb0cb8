"""Checkpoints: the state of a training on disk, so that it outlives its process."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from sknet._archive import remove_archive, write_archive
from sknet._component import Component
from sknet._rng import (
    noise_from_state,
    noise_state,
    stream_state,
)
from sknet.fields import real, whole
from sknet.training.member import EpochSnapshot, Member, Termination
from sknet.training.monitor import History
from sknet.training.state import TrainState


@dataclass(frozen=True, repr=False)
class Checkpoint(Component):
    """Where and how often a fit saves the state of its training.

    A fit that was killed goes on from there when it is called again with the same
    parameters and data, and ends with the same bits as if nothing had happened. When a
    fit is through, it removes the file.

    Parameters
    ----------
    path : str or path-like
        A file, of one fit at a time; or a folder that exists, in which each fit has a
        file of its own, named after its parameters and data: so the fits of a search do
        not meet.
    epochs : int in [1, inf) or None, default=None
        Save after so many epochs; None: see ``minutes`` only.
    minutes : float in (0, inf], default=1.0
        Save at the end of an epoch if the last time was so long ago.

    See Also
    --------
    SimpleMLPClassifier : Its parameter ``checkpoint`` takes one, or a path.

    Notes
    -----
    The file is a NumPy archive: parameters, the optimizer's memory, random streams, the
    order of the rows, and the epoch. It holds no pickle, and reading it runs no code.
    It is written beside its place, forced to the disk and then renamed, so that there
    is always a whole one, the old or the new. While a network is trained, a copy of
    its state stays in memory.

    Examples
    --------
    >>> import sknet
    >>> sknet.Checkpoint("network.npz", epochs=10)
    Checkpoint(path='network.npz', epochs=10)
    """

    path: str | os.PathLike[str]
    epochs: int | None = whole(None, "[1, inf)")
    minutes: float = real(1.0, "(0, inf]")

    def __post_init__(self) -> None:
        """Make text of the path, which a safe loader takes."""
        super().__post_init__()
        if isinstance(self.path, os.PathLike):
            object.__setattr__(self, "path", os.fsdecode(self.path))

    def check(self) -> None:
        """Refuse a path that is none, too."""
        super().check()
        if not isinstance(self.path, str) or not self.path:
            raise ValueError(
                f"{self!r}: path must be that of a file or a folder, got {self.path!r}."
            )


class Saver:
    """Saves the members of a training; an observer of its sessions.

    It keeps a copy of the newest state of every member, since those that train side by
    side end their epochs at different times.

    Parameters
    ----------
    checkpoint : Checkpoint
        How often.
    file : Path
        Where.
    run : dict
        Plain data that say which training it is; saved with the members.
    members : sequence of Member
        All of the training; saved at once, so that a path that cannot be written to
        is told of before the first epoch.

    Raises
    ------
    OSError
        If the file cannot be written, now or later.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        file: Path,
        run: dict[str, Any],
        members: Sequence[Member],
    ) -> None:
        self._checkpoint = checkpoint
        self._file = file
        self._run = run
        self._kept = {id(member): packed_member(member) for member in members}
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._clock = threading.local()  # each thread trains members of its own
        self._is_behind = False
        self._write()

    def __call__(self, snapshot: EpochSnapshot | None, left: list[Member]) -> None:
        """Note who has left; if it is time, note the others, too, and write.

        It is time when some have to leave before they are through, too.
        """
        for member in left:
            self._kept[id(member)] = packed_member(member)
        is_time = snapshot is not None and self._is_time(snapshot)
        if snapshot is not None and is_time:
            for member, now in snapshot.pairs():
                self._kept[id(member)] = packed_member(now)
        if is_time or not all(map(_is_over, left)):
            self._write()
        elif left:
            self._is_behind = True

    def catch_up(self, members: Sequence[Member]) -> None:
        """Write those that were through, if there was no time for others to begin."""
        late = any(
            m.termination is not None and m.termination.reason == "max_time"
            for m in members
        )
        if late and self._is_behind:
            self._write()

    def remove_if_through(self, members: Sequence[Member]) -> None:
        """Remove the file if no member has anything left to go on with."""
        if all(_is_over(member) for member in members):
            self._remove()

    def remove_if_hopeless(self, members: Sequence[Member]) -> None:
        """Remove the file if a training would end without a model each time."""
        if any(_is_hopeless(member) for member in members):
            self._remove()

    def _remove(self) -> None:
        """Remove the file; the model is there, so that a failure is no error."""
        try:
            remove_archive(self._file)
        except OSError as error:
            warnings.warn(
                f"The checkpoint {self._file} is needed no more, but it cannot be "
                f"removed ({error.strerror}).",
                stacklevel=2,
            )

    def _is_time(self, snapshot: EpochSnapshot) -> bool:
        """Tell whether the members of this thread are to be saved."""
        epochs, now = self._checkpoint.epochs, time.monotonic()
        last = getattr(self._clock, "last", self._began)
        late = now - last >= 60.0 * self._checkpoint.minutes
        return late or (epochs is not None and snapshot.n_done[0] % epochs == 0)

    def _write(self) -> None:
        """Write all members to the file."""
        with self._lock:
            self._is_behind = False
            tree = {"run": self._run, "members": list(self._kept.values())}
            try:
                write_archive(self._file, tree)
            except OSError as error:
                raise type(error)(
                    error.errno,
                    f"checkpoint={self._checkpoint.path!r} cannot be written "
                    f"({error.strerror}). What was saved there before is unharmed: "
                    "once there is room and permission, call fit again to go on from "
                    "it, or give another path",
                    str(self._file),
                ) from error
        self._clock.last = time.monotonic()


# Endings that another call of fit does not accept: it goes on.
_NOT_OVER = ("interrupted", "max_time")


def _is_over(member: Member) -> bool:
    """Tell whether a member has an ending, and not one to go on after."""
    return member.termination is not None and member.termination.reason not in _NOT_OVER


def _is_hopeless(member: Member) -> bool:
    """Tell whether a member has diverged in its first epoch."""
    diverged = (
        member.termination is not None and member.termination.reason == "diverged"
    )
    return diverged and member.best is None


def packed_member(member: Member) -> dict[str, Any]:
    """Return all about a member that changes in a training, as plain copies."""
    state, termination = member.state, member.termination
    n_done = member.n_done if termination is None else termination.n_iter
    arrays = {
        f.name: _copied(getattr(state, f.name))
        for f in fields(state)
        if f.name not in ("streams", "noise")
    }
    rows = getattr(member.validation_set, "rows", None)
    return {
        "state": {
            **arrays,
            "streams": [stream_state(stream) for stream in state.streams],
            "noise": [noise_state(stream) for stream in state.noise],
        },
        "history": asdict(member.history),
        "best": _copied(member.best),
        "seed": member.seed,
        "n_done": n_done,
        "reason": termination.reason
        if termination is not None and _is_over(member)
        else None,
        "validation_rows": _copied(rows),
    }


def unpack_member(member: Member, kept: dict[str, Any]) -> None:
    """Take up what :func:`packed_member` returned, but for the validation rows."""
    values, streams = kept["state"], member.state.streams
    for stream, state in zip(streams, values["streams"], strict=True):
        stream.set_state(state)  # that of a user, too, who may draw from it later
    noise = [noise_from_state(state) for state in values["noise"]]
    member.state = TrainState(**values | {"streams": streams, "noise": noise})
    member.history = History(**kept["history"])
    member.best, member.seed = kept["best"], kept["seed"]
    member.n_done, reason = kept["n_done"], kept["reason"]
    member.termination = None if reason is None else Termination(reason, member.n_done)


def _copied(value: Any) -> Any:
    """Return a copy of an array, of a list of arrays, or of nothing."""
    if isinstance(value, list):
        return [item.copy() for item in value]
    return None if value is None else value.copy()
