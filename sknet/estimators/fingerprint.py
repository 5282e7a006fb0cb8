"""The fingerprint of a training: in words and digests, the same in every process."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from types import CodeType, FunctionType
from typing import Any

import numpy as np
from scipy import sparse

from sknet._component import Component
from sknet._numerics import Array
from sknet._version import __version__
from sknet.estimators.task import Task
from sknet.training.batches import Dataset


# What a file of ours says of itself; the number changes with what is in it.
FORMAT = "sknet checkpoint 1"

# Parameters that change nothing about the result, or only when it comes.
_FREE = ("checkpoint", "max_time", "n_jobs", "n_threads", "verbose")

# Rows whose digest is taken at a time: a memory map is never read as a whole.
_CHUNK_ROWS = 2**14


def run_of(estimator: Any, task: Task) -> dict[str, Any]:
    """Return what makes a training this one: parameters, data, and where it starts.

    Parameters
    ----------
    estimator : BaseMLP
        What is fitted.
    task : Task
        What is trained on what.

    Returns
    -------
    run : dict
        Plain data; in words, but for digests of arrays.
    """
    parameters = estimator.get_params(deep=False)
    holdout = None if task.holdout is None else task.holdout.data
    start = "new"
    if task.going_on:
        start = _digest([estimator.theta_, np.array([estimator.t_])])
    return {
        "format": FORMAT,
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
        Short; of arrays shape, type and a digest, of functions where they come from and
        a digest of what they do, of other objects what they say of themselves.
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
    if isinstance(value, FunctionType):
        held = [cell.cell_contents for cell in value.__closure__ or ()]
        does = _code(value.__code__) + described([held, value.__defaults__]).encode()
        origin = f"{value.__module__}.{value.__qualname__}"
        return f"{origin}: {_digest([np.frombuffer(does, np.uint8)])}"
    said = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
    return f"{type(value).__module__}.{type(value).__qualname__}: {said}"


def _code(code: CodeType) -> bytes:
    """Return what a function does: its instructions, names, and the numbers in it."""
    parts = [code.co_code, repr(code.co_names).encode()]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):  # a function inside
            parts.append(_code(constant))
        elif not isinstance(constant, frozenset):  # whose order is another each time
            parts.append(repr(constant).encode())
    return b"".join(parts)
