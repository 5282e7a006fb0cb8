"""The state that a fitted estimator keeps so that training can resume.

It consists of plain arrays, numbers, strings, lists, tuples and dicts only, so that any
safe loader can read it. Arrays and lists have one row, or item, per network.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet._rng import (
    StreamState,
    noise_from_state,
    noise_state,
    stream_from_state,
)
from sknet.optimizers import Optimizer
from sknet.training.reusable import ReusableArrays
from sknet.training.state import TrainState


# Names of the counters in the state of a training.
_COUNTERS = ("t", "n_epochs", "n_seen", "plateau_scale", "n_averaged", "cycle_start")


def to_plain(
    state: TrainState,
    optimizer: Optimizer,
    validation_rows: Array | None,
    published: Array,
    keep_order: bool,
    streams: list[StreamState],
) -> dict[str, Any]:
    """Convert the state of a training to plain data.

    Parameters
    ----------
    state : TrainState
        The state after training.
    optimizer : Optimizer
        The optimizer that the slots belong to.
    validation_rows : ndarray of int, of shape (K or 1, V), or None
        The rows that were split off.
    published : ndarray of shape (K, P)
        The parameters of the fitted estimator: the best, which need not be the last.
    keep_order : bool
        Whether to keep the order of the rows, which takes one number per row.
    streams : list of StreamState
        The states of the random streams of ``state``.

    Returns
    -------
    plain : dict
        Plain data, from which :func:`from_plain` restores the state.
    """
    is_last = published is state.theta or np.array_equal(state.theta, published)
    order = state.order if keep_order else None
    return {
        "optimizer": optimizer.name,
        "slots": list(state.slots),
        "streams": streams,
        "order": _compact(order),
        "validation_rows": _compact(validation_rows) if keep_order else None,
        "noise": [noise_state(stream) for stream in state.noise],
        "average": state.average,
        "last_theta": None if is_last else state.theta,
        "published": _checksum(published),
        **{name: getattr(state, name).tolist() for name in _COUNTERS},
    }


def from_plain(
    plain: dict[str, Any],
    theta: Array,
    optimizer: Optimizer,
    from_published: bool = False,
    reusable: ReusableArrays | None = None,
) -> TrainState:
    """Restore the state of a training from plain data; no arrays are shared.

    Parameters
    ----------
    plain : dict
        The result of :func:`to_plain`, or a part of it that has at least the streams.
    theta : ndarray of shape (K, P)
        The published parameters.
    optimizer : Optimizer
        The optimizer; if it is not the same as before, its slots start empty.
    from_published : bool, default=False
        Whether to resume from the published parameters instead of the last ones.
    reusable : ReusableArrays or None, default=None
        Arrays to use for a single network; None for new arrays.

    Returns
    -------
    state : TrainState
        The state, without an order of the rows, which depends on the new data.
    """
    last, average = plain.get("last_theta"), plain.get("average")
    if from_published or is_edited(plain, theta):
        # If the user has edited the published parameters, training resumes from them.
        last = average = None
    kept = plain.get("slots", [])
    same = plain.get("optimizer") == optimizer.name and len(kept) == optimizer.n_slots
    first, k = TrainState(theta, [], []), len(theta)
    counters = {
        name: np.array(plain.get(name, getattr(first, name).tolist() * k))
        for name in _COUNTERS
    }
    if not same:
        counters["t"] = np.zeros_like(counters["t"])
    if average is None:
        counters["n_averaged"] = np.zeros_like(counters["n_averaged"])
    arrays = [theta if last is None else last, *(kept if same else ())]
    copied = [a.copy() for a in arrays] if reusable is None else reusable.copies(arrays)
    return TrainState(
        theta=copied[0],
        slots=copied[1:],
        streams=[stream_from_state(state) for state in plain["streams"]],
        noise=[noise_from_state(state) for state in plain.get("noise", [])],
        average=None if average is None else average.copy(),
        **counters,
    )


def is_edited(plain: dict[str, Any], theta: Array) -> bool:
    """Return whether published parameters (K, P) were edited since they were saved."""
    return bool(plain.get("published") != _checksum(theta))


def rows_from_plain(plain: dict[str, Any], n_rows: int) -> tuple[Any, Any]:
    """Return the saved order and validation rows if they match the data.

    Parameters
    ----------
    plain : dict
        The result of :func:`to_plain`.
    n_rows : int
        Number of rows of the new data.

    Returns
    -------
    order : ndarray of shape (K, M), or None
        The order of the training rows.
    validation_rows : ndarray of int, of shape (K or 1, V), or None
        The rows that were split off.
    """
    order, validation = plain.get("order"), plain.get("validation_rows")
    known = sum(rows.shape[1] for rows in (order, validation) if rows is not None)
    if order is None or known != n_rows:
        return None, None
    if validation is not None:
        validation = validation.astype(row_type(n_rows))
    return order.astype(row_type(n_rows)), validation


def row_type(n_rows: int) -> type[np.signedinteger[Any]]:
    """Return the type of row numbers, which takes half the memory for many rows."""
    return np.intp if n_rows < 2**20 else np.int32


def _checksum(theta: Array) -> int:
    """Return a checksum by which edited parameters are detected."""
    return zlib.crc32(np.ascontiguousarray(theta).data)


def _compact(rows: Array | None) -> Array | None:
    """Return row numbers in the smallest type that can hold them."""
    if rows is None or not rows.size:
        return rows
    return rows.astype(np.min_scalar_type(rows.max()))
