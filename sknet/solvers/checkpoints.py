"""Checkpoints of a fit: saving, and resuming from an earlier one."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from sknet._archive import DamagedArchiveError, read_archive
from sknet._filelock import FileLock
from sknet.solvers.ensemble import member_data
from sknet.solvers.fingerprint import FORMAT, run_of
from sknet.solvers.problem import Problem
from sknet.solvers.splitting import split_off
from sknet.solvers.validation_set import ValidationSet
from sknet.training.checkpoint import Checkpoint, Saver, unpack_member
from sknet.training.interrupts import Interrupts
from sknet.training.member import Member


def saving(
    problem: Problem, members: Sequence[Member], interrupts: Interrupts
) -> AbstractContextManager[Saver | None]:
    """Save a training while it runs, and remove the file when it has finished.

    The training first resumes from the file if an earlier process has saved it. The
    file is locked until the end, and is kept if anything fails.

    Parameters
    ----------
    problem : Problem
        Configuration, data and network.
    members : sequence of Member
        All members to be trained; saved ones resume from the saved state.
    interrupts : Interrupts
        Interrupts of this fit; if Ctrl-C was pressed at the end, the file is kept.

    Returns
    -------
    context : context manager
        Yields a saver; None without ``checkpoint``, and for ``partial_fit``.

    Raises
    ------
    ValueError
        If the file was not written by sknet, is damaged, belongs to another training,
        or is in use by a fit that is running.
    OSError
        If it cannot be read or written.
    """
    checkpoint = problem.config.checkpoint
    if checkpoint is None or problem.start.is_partial:
        return nullcontext()
    return _saving(checkpoint, problem, members, interrupts)


@contextmanager
def _saving(
    checkpoint: Checkpoint,
    problem: Problem,
    members: Sequence[Member],
    interrupts: Interrupts,
) -> Iterator[Saver]:
    """Save a training for which there is a checkpoint."""
    checkpoint.check()
    run = run_of(problem)
    with _own_file(checkpoint, run) as file:
        kept = _read(file, run)
        if kept is not None:
            _restore(problem, members, kept, file)
        saver = Saver(checkpoint, file, run, members)
        try:
            yield saver
        except Exception:
            saver.remove_if_hopeless(members)
            raise
        if not interrupts.came:
            saver.remove_if_finished(members)


@contextmanager
def _own_file(checkpoint: Checkpoint, run: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the file of a training, locked against other fits."""
    given, path = str(checkpoint.path), Path(os.path.realpath(checkpoint.path))
    files = _files_in(path, run) if path.is_dir() else iter([path])
    if given.endswith(("/", os.sep)) and not path.is_dir():
        raise FileNotFoundError(
            errno.ENOENT,
            f"checkpoint={given!r} is a folder; create it first",
            str(path),
        )
    for file in files:
        lock = FileLock(file)
        if lock.acquire():
            break
    else:
        raise ValueError(
            f"{path} is the checkpoint of another fit that is running. Wait until it "
            "has finished, or pass another path. With the path of a folder, each fit "
            "has its own file, as a search needs."
        )
    try:
        yield file
    finally:
        lock.release()


def _files_in(folder: Path, run: Mapping[str, Any]) -> Iterator[Path]:
    """Iterate over the file names of a training, those of existing files first.

    There is more than one if equal trainings run at the same time.
    """
    digest = hashlib.blake2b(repr(sorted(run.items())).encode(), digest_size=12)
    name = f"{run['estimator']}-{digest.hexdigest()}"
    yield from sorted(folder.glob(f"{name}*.npz"))
    for number in count(1):
        yield folder / (f"{name}.npz" if number == 1 else f"{name}-{number}.npz")


def _read(file: Path, run: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the members saved in a file, or None if there is no file."""
    try:
        kept = read_archive(file)
    except FileNotFoundError:
        return None
    except DamagedArchiveError as error:
        raise ValueError(
            f"{file} is not a checkpoint of sknet, or it is damaged ({error}). It was "
            "not changed. Delete it to train from scratch, or pass another path."
        ) from error
    before = kept.get("run") if isinstance(kept, dict) else None
    if not isinstance(before, dict) or before.get("format") != FORMAT:
        raise ValueError(
            f"{file} is not a checkpoint of this version of sknet. It was not changed. "
            "Delete it to train from scratch, or pass another path."
        )
    different = _differences(before, run)
    if different:
        raise _another(file, different)
    members: list[dict[str, Any]] = kept["members"]
    return members


def _another(file: Path, different: Sequence[str]) -> ValueError:
    """Return the error for a file of another training."""
    return ValueError(
        f"{file} is the checkpoint of another training: {'; '.join(different)}. It was "
        "not changed. Finish that training with the original parameters and data, "
        "delete the file to train from scratch, or pass another path. With the path of "
        "a folder, each fit has its own file, as a search needs."
    )


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the differences between two trainings as text."""
    found = []
    for name in sorted({*before, *now} - {"parameters", "data"}):
        if before.get(name) != now.get(name):
            found.append(f"{name} was {before.get(name)}, is {now.get(name)}")
    old, new = before["parameters"], now["parameters"]
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            found.append(f"{name} was {old.get(name)}, is {new.get(name)}")
    for name, digest in now["data"].items():
        if before["data"].get(name) != digest:
            found.append(f"{name} is not the same")
    return found


def _restore(
    problem: Problem,
    members: Sequence[Member],
    kept: Sequence[dict[str, Any]],
    file: Path,
) -> None:
    """Restore the saved state of members."""
    shapes = [(m.state.theta.shape, m.state.theta.dtype) for m in members]
    saved = [(k["state"]["theta"].shape, k["state"]["theta"].dtype) for k in kept]
    if shapes != saved:
        raise _another(file, ["its networks have other shapes"])
    for member, state in zip(members, kept, strict=True):
        rows, now = state["validation_rows"], member.validation_set
        if (rows is None) != (now is None or now.rows is None):
            raise _another(file, ["its validation rows cannot be split off"])
        unpack_member(member, state)
    _split_as_before(problem, members, kept)
    if members[0].seed is not None:
        seeds = np.array([member.seed for member in members])
        for member, data in zip(members, member_data(problem, seeds), strict=True):
            member.data = data


def _split_as_before(
    problem: Problem,
    members: Sequence[Member],
    kept: Sequence[dict[str, Any]],
) -> None:
    """Restore the validation rows of members that have drawn different ones."""
    splits: dict[bytes, ValidationSet] = {}
    thetas = np.concatenate([member.state.theta for member in members])
    for k, (member, state) in enumerate(zip(members, kept, strict=True)):
        rows, now = state["validation_rows"], member.validation_set
        if rows is None or np.array_equal(rows, now.rows):
            continue
        key = rows.tobytes()
        if key not in splits:
            theta = thetas if now.pools else thetas[k : k + 1]
            splits[key] = split_off(problem, rows, theta, now.pools)
        member.validation_set = splits[key]
