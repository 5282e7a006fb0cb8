"""The fingerprint of a training: text and digests, the same in every process.

Functions are described by their code and not by ``joblib.hash``: a loss edited in a
notebook keeps its name and must not resume the old training, but ``joblib.hash``
pickles functions by name, and refuses lambdas.
"""

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


# The format stated in a checkpoint; the number changes with the contents.
FORMAT = "sknet checkpoint 1"

# Types that ``repr`` describes completely.
_PLAIN = (bool, int, float, complex, str, bytes)

# Bytes digested at a time: a memory map is never read as a whole, and an array in
# column-major order is never copied as a whole.
_CHUNK_BYTES = 2**22


def run_of(problem: Problem) -> dict[str, Any]:
    """Return the identity of a training: parameters, data and starting point.

    Parameters
    ----------
    problem : Problem
        The training problem.

    Returns
    -------
    run : dict
        Plain data: text, and digests of arrays.
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
    """Return digests of the validation set passed by the user."""
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
    """Return the target as columns and, unless it holds class names, as given."""
    return [data.y] if y.dtype.hasobject else [data.y, y]


def _weights_of(data: Dataset) -> list[Array]:
    """Return the sample weights, if there are any."""
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
    """Return a parameter's value as text that is the same in every process.

    Parameters
    ----------
    value : object
        The value as given by the user.

    Returns
    -------
    text : str
        A short text: for an array, its shape, type and a digest; for a function, its
        module, name and a digest of its code; for any other object, its ``repr`` and a
        digest of its contents. A ``RandomState`` is described by its type alone,
        because each fit advances it.
    """
    return _words(value, ())


def _words(value: Any, around: tuple[Any, ...]) -> str:
    """Return a value as text; ``around`` are the objects that contain it."""
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
    if isinstance(value, CodeType):  # without the file, whose name changes in notebooks
        return f"{value.co_qualname}{_inside(value, around)}"
    said = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    return f"{name}: {said}{_inside(value, around)}"


def _listed(value: Any, around: tuple[Any, ...]) -> str:
    """Return a list, a set or a dict as text."""
    if isinstance(value, dict):
        pairs = value.items()
        items = [f"{_words(key, around)}: {_words(v, around)}" for key, v in pairs]
        return f"{{{', '.join(items)}}}"
    items = [_words(item, around) for item in value]
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(items)}]"
    return f"{{{', '.join(sorted(items))}}}"  # the order of a set varies


def _inside(value: Any, around: tuple[Any, ...]) -> str:
    """Return a digest of the code of a function or the contents of an object."""
    if isinstance(value, (type, np.random.RandomState)):
        return ""
    if isinstance(value, FunctionType):
        held: Any = [_content(cell) for cell in value.__closure__ or ()]
        held += [value.__defaults__, value.__kwdefaults__, value.__code__]
    elif isinstance(value, CodeType):
        held = [value.co_code, value.co_names, value.co_consts]
    elif hasattr(value, "to_numpy"):  # a table, whose buffers may hold arbitrary bytes
        held = [list(getattr(value, "columns", ())), value.to_numpy()]
    else:
        held = _reduced(value)
    text = _words(held, around).encode()
    return f": {_digest([np.frombuffer(text, np.uint8)])}"


def _content(cell: CellType) -> Any:
    """Return the contents of a closure cell; None if it is still empty."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _reduced(value: Any) -> Any:
    """Return the parts of an object that a pickle would keep, or its type's name."""
    try:
        parts = value.__reduce_ex__(4)
    except Exception:  # a lock, or any other object that cannot be pickled
        return type(value).__qualname__
    if isinstance(parts, str):
        return parts
    return [list(p) if isinstance(p, Iterator) else p for p in parts]
