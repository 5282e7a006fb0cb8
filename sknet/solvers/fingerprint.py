"""The fingerprint of a training: in words and digests, the same in every process."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from types import CellType, CodeType, FunctionType
from typing import Any

import numpy as np
from scipy import sparse

from sknet._component import Component
from sknet._numerics import Array
from sknet._version import __version__
from sknet.config.table import WITHOUT_RESULT
from sknet.solvers.problem import Problem
from sknet.solvers.validation_set import ValidationSet
from sknet.training.batches import Dataset


# What a file of ours says of itself; the number changes with what is in it.
FORMAT = "sknet checkpoint 1"

# What ``repr`` says all about.
_PLAIN = (bool, int, float, complex, str, bytes)

# Bytes whose digest is taken at a time: a memory map is never read as a whole, and
# columns are never put in rows as a whole.
_CHUNK_BYTES = 2**22


def run_of(problem: Problem) -> dict[str, Any]:
    """Return what makes a training this one: parameters, data, and where it starts.

    Parameters
    ----------
    problem : Problem
        What is trained on what.

    Returns
    -------
    run : dict
        Plain data; in words, but for digests of arrays.
    """
    start = "new"
    earlier = problem.start.earlier
    if earlier is not None:
        start = _digest([earlier.model.theta, np.array([earlier.n_seen])])
    return {
        "format": FORMAT,
        "sknet": __version__,
        "estimator": problem.name,
        "parameters": {
            name: described(value)
            for name, value in sorted(problem.config.given.items())
            if name not in WITHOUT_RESULT
        },
        "data": {
            "X": _digest(_arrays_of(problem.data.features())),
            "y": _digest(_targets_of(problem.data, problem.y)),
            "sample_weight": _digest(_weights_of(problem.data)),
            **_validation_digests(problem.validation_set),
            "the names of the classes": described(problem.description.get("classes_")),
            "the fitted network that it starts from": start,
        },
    }


def _validation_digests(validation_set: ValidationSet | None) -> dict[str, str]:
    """Return digests of the validation set that was handed in."""
    if validation_set is None:
        return dict.fromkeys(("X_val", "y_val", "sample_weight_val"), "none")
    return {
        "X_val": _digest(_arrays_of(validation_set.data.x)),
        "y_val": _digest(_targets_of(validation_set.data, validation_set.y)),
        "sample_weight_val": _digest(_weights_of(validation_set.data)),
    }


def _arrays_of(x: Any) -> list[Array]:
    """Return the arrays that features consist of."""
    return [x.data, x.indices, x.indptr] if sparse.issparse(x) else [x]


def _targets_of(data: Dataset, y: Array) -> list[Array]:
    """Return a target as columns, and in the user's units; objects are class names."""
    return [data.y] if y.dtype.hasobject else [data.y, y]


def _weights_of(data: Dataset) -> list[Array]:
    """Return the weights, if there are any."""
    return [] if data.weight is None else [data.weight]


def _digest(arrays: Sequence[Array]) -> str:
    """Return a digest of shapes, types and contents."""
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(f"{array.shape} {array.dtype.str}".encode())
        n_rows = max(1, _CHUNK_BYTES * len(array) // max(1, array.nbytes))
        for start in range(0, len(array), n_rows):
            chunk = np.ascontiguousarray(array[start : start + n_rows])
            digest.update(chunk.view(np.uint8).data)
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
        a digest of what they do, of other objects what they say of themselves and a
        digest of what they hold. Of a ``RandomState`` it is the kind alone: each fit
        moves it on.
    """
    return _words(value, ())


def _words(value: Any, around: tuple[Any, ...]) -> str:
    """Return a value in words; ``around`` are the objects that it lies in."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, _PLAIN):
        return repr(value)
    if any(value is outer for outer in around):
        return "itself"
    around = (*around, value)
    if isinstance(value, (list, tuple, set, frozenset, dict)):
        return _listed(value, around)
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            return _words(value.tolist(), around)
        return f"array{value.shape} of {value.dtype}: {_digest([value])}"
    if isinstance(value, Component):
        fields = _words(value.get_params(deep=False), around)
        return f"{type(value).__qualname__}({fields})"
    if isinstance(value, (type, FunctionType)):
        return f"{value.__module__}.{value.__qualname__}{_inside(value, around)}"
    if isinstance(value, CodeType):  # a notebook's file has another name each time
        return f"{value.co_qualname}{_inside(value, around)}"
    said = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    return f"{name}: {said}{_inside(value, around)}"


def _listed(value: Any, around: tuple[Any, ...]) -> str:
    """Return a list, a set or a dict in words."""
    if isinstance(value, dict):
        pairs = value.items()
        items = [f"{_words(key, around)}: {_words(v, around)}" for key, v in pairs]
        return f"{{{', '.join(items)}}}"
    items = [_words(item, around) for item in value]
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(items)}]"
    return f"{{{', '.join(sorted(items))}}}"  # its order is another each time


def _inside(value: Any, around: tuple[Any, ...]) -> str:
    """Return a digest of what a function does, or of what an object holds."""
    if isinstance(value, (type, np.random.RandomState)):
        return ""
    if isinstance(value, FunctionType):
        held: Any = [_content(cell) for cell in value.__closure__ or ()]
        held += [value.__defaults__, value.__kwdefaults__, value.__code__]
    elif isinstance(value, CodeType):
        held = [value.co_code, value.co_names, value.co_consts]
    elif hasattr(value, "to_numpy"):  # a table, which may hold bytes without a meaning
        held = [list(getattr(value, "columns", ())), value.to_numpy()]
    else:
        held = _reduced(value)
    text = _words(held, around).encode()
    return f": {_digest([np.frombuffer(text, np.uint8)])}"


def _content(cell: CellType) -> Any:
    """Return what a function holds of the one around it; None before it is there."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _reduced(value: Any) -> Any:
    """Return the parts of an object that a pickle would keep, or its kind's name."""
    try:
        parts = value.__reduce_ex__(4)
    except Exception:  # a lock, say, or whatever else cannot be pickled
        return type(value).__qualname__
    if isinstance(parts, str):
        return parts
    return [list(p) if isinstance(p, Iterator) else p for p in parts]
