"""Whether an operation may write into memory that it reads.

NumPy copies an input first if writing the output would change what is still to be read;
the machine does not. It may only read an element and then write to the same place.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.engine.operations import WINDOW_OPERATIONS


# They write elements before they have read all others, even in the same place.
_NEVER_IN_PLACE = ("matmul", "look_up", "add_at_levels", *WINDOW_OPERATIONS)
# Steps that a search for a common element may take.
_MOST_STEPS = 10_000


def reads_what_it_writes(name: str, out: Array, inputs: tuple[Any, ...]) -> bool:
    """Return whether an output overlaps an input, other than element by element.

    Parameters
    ----------
    name : str
        Name of the operation.
    out : ndarray
        What is written.
    inputs : tuple
        The operands; only arrays are looked at.
    """
    return any(
        isinstance(array, np.ndarray)
        and np.may_share_memory(out, array)  # their bounds, which is fast
        and (name in _NEVER_IN_PLACE or not _are_the_same(out, array))
        and _overlap(out, array)
        for array in inputs
    )


def _are_the_same(out: Array, array: Array) -> bool:
    """Return whether arrays have the same elements in the same places."""
    return out.ctypes.data == array.ctypes.data and _steps(out) == _steps(array)


def _steps(array: Array) -> list[tuple[int, int]]:
    """Return lengths and strides of the axes that are longer than one."""
    axes = zip(array.shape, array.strides, strict=True)
    return [(n, step) for n, step in axes if n != 1]


def _overlap(a: Array, b: Array) -> bool:
    """Return whether arrays have a common element, or whether it is hard to tell."""
    try:
        return bool(np.shares_memory(a, b, max_work=_MOST_STEPS))  # type: ignore[arg-type]
    except RuntimeError:  # TooHardError, which NumPy 1.24 has elsewhere
        return True
