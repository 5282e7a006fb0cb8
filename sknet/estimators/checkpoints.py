"""Checkpoints of a fit: which training a file belongs to, and how it is taken up."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from sknet._archive import DamagedArchiveError, read_archive
from sknet._component import Component
from sknet._numerics import Array
from sknet._version import __version__
from sknet.estimators.components import checkpoint_of
from sknet.estimators.ensemble import member_data
from sknet.estimators.holdout import Holdout
from sknet.estimators.stochastic import split_off
from sknet.estimators.task import Task
from sknet.training.batches import Dataset
from sknet.training.checkpoint import Checkpoint, Saver, unpack_member
from sknet.training.member import Member


# What a file of ours says of itself; the number changes with what is in it.
_FORMAT = "sknet checkpoint 1"

# Parameters that change nothing about the result, or only when it comes.
_FREE = ("checkpoint", "max_time", "n_jobs", "n_threads", "verbose")

# Rows whose digest is taken at a time: a memory map is never read as a whole.
_CHUNK_ROWS = 2**14


def saver_of(estimator: Any, task: Task, members: Sequence[Member]) -> Saver | None:
    """Return who saves a training; take up what an earlier process has saved of it.

    Parameters
    ----------
    estimator : BaseMLP
        Its ``checkpoint`` says where and how often.
    task : Task
        What is trained on what.
    members : sequence of Member
        All that are to be trained; those of which something was saved go on from there.

    Returns
    -------
    saver : Saver or None
        None without ``checkpoint``, and for ``partial_fit``.

    Raises
    ------
    ValueError
        If the file is none of ours, is damaged, or holds another training.
    OSError
        If it cannot be read or written.
    """
    checkpoint = checkpoint_of(estimator)
    if checkpoint is None or task.incremental:
        return None
    checkpoint.check()
    run = _run_of(estimator, task)
    file = _file_of(checkpoint, run)
    kept = _read(file, run)
    if kept is not None:
        _take_up(estimator, task, members, kept, file)
    return Saver(checkpoint, file, run, members)


def _file_of(checkpoint: Checkpoint, run: Mapping[str, Any]) -> Path:
    """Return the file of a training; in a folder it is named after the training."""
    path = Path(os.path.abspath(checkpoint.path))
    if not path.is_dir():
        return path
    digest = hashlib.blake2b(repr(sorted(run.items())).encode(), digest_size=12)
    return path / f"{run['estimator']}-{digest.hexdigest()}.npz"


def _read(file: Path, run: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the members that a file holds, or None if there is no file."""
    try:
        kept = read_archive(file)
    except FileNotFoundError:
        return None
    except DamagedArchiveError as error:
        raise ValueError(
            f"{file} is no checkpoint of sknet, or it is damaged ({error}). It was "
            "left as it is. Delete it to train from the start, or give another path."
        ) from error
    before = kept.get("run") if isinstance(kept, dict) else None
    if not isinstance(before, dict) or before.get("format") != _FORMAT:
        raise ValueError(
            f"{file} is no checkpoint of this version of sknet. It was left as it is. "
            "Delete it to train from the start, or give another path."
        )
    different = _differences(before, run)
    if different:
        raise _another(file, different)
    members: list[dict[str, Any]] = kept["members"]
    return members


def _another(file: Path, different: Sequence[str]) -> ValueError:
    """Return the error about a file of another training."""
    return ValueError(
        f"{file} is the checkpoint of another training: {'; '.join(different)}. It was "
        "left as it is. Finish that training with what it was begun with, delete the "
        "file to train from the start, or give another path."
    )


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return in words where two trainings differ."""
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


def _take_up(
    estimator: Any,
    task: Task,
    members: Sequence[Member],
    kept: Sequence[dict[str, Any]],
    file: Path,
) -> None:
    """Put members where they were when they were saved."""
    shapes = [(m.state.theta.shape, m.state.theta.dtype) for m in members]
    saved = [(k["state"]["theta"].shape, k["state"]["theta"].dtype) for k in kept]
    if shapes != saved:
        raise _another(file, ["its networks have other shapes"])
    splits: dict[bytes, Holdout] = {}
    for member, state in zip(members, kept, strict=True):
        unpack_member(member, state)
        rows, now = state["validation_rows"], member.holdout
        if (rows is None) != (now is None or now.rows is None):
            raise _another(file, ["its validation rows cannot be split off"])
        if rows is not None:
            key = rows.tobytes()
            if key not in splits:
                splits[key] = split_off(estimator, task, rows, now.pools)
            member.holdout = splits[key]
    if members[0].seed is not None:
        seeds = np.array([member.seed for member in members])
        for member, data in zip(
            members, member_data(estimator, task, seeds), strict=True
        ):
            member.data = data


def _run_of(estimator: Any, task: Task) -> dict[str, Any]:
    """Return what makes a training this one: parameters, data, and where it starts."""
    parameters = estimator.get_params(deep=False)
    holdout = None if task.holdout is None else task.holdout.data
    start = "new"
    if task.going_on:
        start = _digest([estimator.theta_, np.array([estimator.t_])])
    return {
        "format": _FORMAT,
        "sknet": __version__,
        "estimator": type(estimator).__name__,
        "parameters": {
            name: described(value)
            for name, value in sorted(parameters.items())
            if name not in _FREE
        },
        "data": {
            "X": _digest(_arrays_of(task.data.x)),
            "y": _digest([task.data.y]),
            "sample_weight": _digest(_weights_of(task.data)),
            "X_val": "none" if holdout is None else _digest(_arrays_of(holdout.x)),
            "y_val": "none" if holdout is None else _digest([holdout.y]),
            "sample_weight_val": "none"
            if holdout is None
            else _digest(_weights_of(holdout)),
            "the names of the classes": described(
                estimator._target_attributes(task.target).get("classes_")
            ),
            "the fitted network that it starts from": start,
        },
    }


def _arrays_of(x: Any) -> list[Array]:
    """Return the arrays that features consist of."""
    return [x.data, x.indices, x.indptr] if sparse.issparse(x) else [x]


def _weights_of(data: Dataset) -> list[Array]:
    """Return the weights, if there are any."""
    return [] if data.weight is None else [data.weight]


def _digest(arrays: Sequence[Array]) -> str:
    """Return a digest of shapes, types and contents."""
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(f"{array.shape} {array.dtype.str}".encode())
        for start in range(0, len(array), _CHUNK_ROWS):
            chunk = np.ascontiguousarray(array[start : start + _CHUNK_ROWS])
            digest.update(chunk.view(np.uint8))
    return digest.hexdigest()


def described(value: Any) -> str:
    """Return a parameter's value in words that are the same in every process.

    Parameters
    ----------
    value : object
        As a user gave it.

    Returns
    -------
    text : str
        Short; of arrays shape, type and a digest, of functions and other objects where
        they come from.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(described, value))}]"
    if isinstance(value, dict):
        items = (f"{described(key)}: {described(v)}" for key, v in value.items())
        return f"{{{', '.join(items)}}}"
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            return described(value.tolist())
        return f"array{value.shape} of {value.dtype}: {_digest([value])}"
    if isinstance(value, Component):
        fields = described(value.get_params(deep=False))
        return f"{type(value).__qualname__}({fields})"
    origin = (
        value if callable(value) and hasattr(value, "__qualname__") else type(value)
    )
    return f"{origin.__module__}.{origin.__qualname__}"
