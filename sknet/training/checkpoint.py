"""Checkpoints: the state of a training on disk, which survives the process."""

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

    If a fit was killed, calling it again with the same parameters and data resumes
    training from the file, with bit-identical results. When a fit has finished, it
    removes the file.

    Parameters
    ----------
    path : str or path-like
        Path of a file, for one fit at a time; or of an existing folder, in which each
        fit has its own file, named after its parameters and data, so that the fits of a
        search do not collide.
    epochs : int in [1, inf) or None, default=None
        Save after every so many epochs; None to use ``minutes`` only.
    minutes : float in (0, inf], default=1.0
        Save at the end of an epoch if at least this much time has passed since the
        last save.

    See Also
    --------
    SimpleMLPClassifier : Its parameter ``checkpoint`` accepts a checkpoint or a path.

    Notes
    -----
    The file is a NumPy archive of the parameters, the optimizer slots, the random
    streams, the order of the rows, and the epoch. It contains no pickles, and reading
    it does not run any code. It is written to a temporary file in the same folder,
    flushed to disk and then renamed, so that there always is a complete file, either
    the old one or the new one. While a network is trained, a copy of its state is kept
    in memory.

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
        """Convert the path to text, which a safe loader can read."""
        super().__post_init__()
        if isinstance(self.path, os.PathLike):
            object.__setattr__(self, "path", os.fsdecode(self.path))

    def check(self) -> None:
        """Raise an error for invalid values, including the path."""
        super().check()
        if not isinstance(self.path, str) or not self.path:
            raise ValueError(
                f"{self!r}: path must be the path of a file or a folder, got "
                f"{self.path!r}."
            )


class Saver:
    """Saves the members of a training; a hook of its sessions.

    It keeps a copy of the latest state of every member, because members that are
    trained in parallel finish their epochs at different times.

    Parameters
    ----------
    checkpoint : Checkpoint
        Determines how often the members are saved.
    file : Path
        The file to write.
    run : dict
        Plain data that identify the training; saved with the members.
    members : sequence of Member
        All members of the training. They are saved immediately, so that a path that
        cannot be written to raises an error before the first epoch.

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
        self._clock = threading.local()  # each thread trains its own members
        self._is_behind = False
        self._write()

    def __call__(self, snapshot: EpochSnapshot | None, left: list[Member]) -> None:
        """Record the members that have left; if a save is due, record all and write.

        A save is also due when members have to leave before they have finished.
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
        """Write finished members, if there was no time for other members to start."""
        late = any(
            m.termination is not None and m.termination.reason == "max_time"
            for m in members
        )
        if late and self._is_behind:
            self._write()

    def remove_if_finished(self, members: Sequence[Member]) -> None:
        """Remove the file if no member is to be trained any further."""
        if all(_is_over(member) for member in members):
            self._remove()

    def remove_if_hopeless(self, members: Sequence[Member]) -> None:
        """Remove the file if a resumed training could not yield a model either."""
        if any(_is_hopeless(member) for member in members):
            self._remove()

    def _remove(self) -> None:
        """Remove the file; a failure only causes a warning, since the model exists."""
        try:
            remove_archive(self._file)
        except OSError as error:
            warnings.warn(
                f"The checkpoint {self._file} is no longer needed, but it cannot be "
                f"removed ({error.strerror}).",
                stacklevel=2,
            )

    def _is_time(self, snapshot: EpochSnapshot) -> bool:
        """Return whether the members of this thread are to be saved."""
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
                    f"({error.strerror}). The last complete checkpoint is unharmed: "
                    "when the problem is solved, call fit again to resume from it, or "
                    "pass another path",
                    str(self._file),
                ) from error
        self._clock.last = time.monotonic()


# Reasons of termination after which another call of fit resumes training.
_NOT_OVER = ("interrupted", "max_time")


def _is_over(member: Member) -> bool:
    """Return whether the training of a member has terminated and will not resume."""
    return member.termination is not None and member.termination.reason not in _NOT_OVER


def _is_hopeless(member: Member) -> bool:
    """Return whether a member has diverged in its first epoch."""
    diverged = (
        member.termination is not None and member.termination.reason == "diverged"
    )
    return diverged and member.best is None


def packed_member(member: Member) -> dict[str, Any]:
    """Return copies of everything that changes in a member during training."""
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
    """Restore a member from :func:`packed_member`, except for the validation rows."""
    values, streams = kept["state"], member.state.streams
    for stream, state in zip(streams, values["streams"], strict=True):
        stream.set_state(state)  # in place: the stream may belong to the user
    noise = [noise_from_state(state) for state in values["noise"]]
    member.state = TrainState(**values | {"streams": streams, "noise": noise})
    member.history = History(**kept["history"])
    member.best, member.seed = kept["best"], kept["seed"]
    member.n_done, reason = kept["n_done"], kept["reason"]
    member.termination = None if reason is None else Termination(reason, member.n_done)


def _copied(value: Any) -> Any:
    """Return a copy of an array or of a list of arrays; None stays None."""
    if isinstance(value, list):
        return [item.copy() for item in value]
    return None if value is None else value.copy()
