"""Incremental training: what is kept between calls besides the state in ``resume``.

Between two calls of ``partial_fit``, objects that are expensive to create are kept.
They do not affect the results: if they are missing, as after unpickling or a failed
call, they are created again.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from sknet._rng import (
    StreamState,
    leave_stream,
    stream_from_state,
    stream_state,
)
from sknet.engine.machine import twister_bytes
from sknet.solvers.problem import Problem
from sknet.training.member_config import MemberConfig
from sknet.training.reusable import ReusableArrays
from sknet.training.state import TrainState


# Largest size in bytes of the parameters and the hidden layers' outputs for a batch for
# which arrays are kept between calls of ``partial_fit``. All arrays together take about
# four times as much.
_MOST_REUSED_BYTES = 2**19


def left_streams(
    state: TrainState,
    before: list[StreamState] | None,
    draws: bool,
    only_integers: bool = False,
) -> list[StreamState]:
    """Return the states of the random streams; keep the streams for the next call.

    Parameters
    ----------
    state : TrainState
        The state after training.
    before : list of StreamState or None
        The states before; None for a new training, whose streams are not kept, because
        they may belong to the user, who may draw from them later.
    draws : bool
        Whether anything may have been drawn from the streams.
    only_integers : bool, default=False
        Whether nothing but integers has been drawn, as in a shuffle.

    Returns
    -------
    states : list of StreamState
        The states, which are those before if nothing was drawn.
    """
    if before is None:
        return [stream_state(stream) for stream in state.streams]
    kept = before
    if draws and only_integers:
        kept = list(map(moved_state, state.streams, before))
    elif draws or len(kept) != len(state.streams):
        kept = [stream_state(stream) for stream in state.streams]
    for stream, stands in zip(state.streams, kept, strict=True):
        leave_stream(stream, stands)
    return kept


def moved_state(stream: np.random.RandomState, before: StreamState) -> StreamState:
    """Return the state of a stream that has only drawn integers since another state.

    NumPy copies the key number by number, which takes as long as a compiled epoch of a
    few rows. Here it is copied as a whole, from the address that NumPy gives.

    Parameters
    ----------
    stream : RandomState
        The stream; it is not changed.
    before : tuple
        An earlier state. What is kept of normal numbers has not changed since.

    Returns
    -------
    state : tuple
        As from :func:`stream_state`.
    """
    if not _key_is_first():
        return stream_state(stream)
    name, key, _, has_gauss, cached = before
    raw, n_bytes = twister_bytes(stream), key.nbytes
    (position,) = np.frombuffer(raw, np.intc, 1, n_bytes).tolist()
    moved = np.frombuffer(raw, key.dtype, len(key)).copy()
    return name, moved, position, has_gauss, cached


@cache
def _key_is_first() -> bool:
    """Return whether the memory of a stream is as expected."""
    key, position = np.arange(1, 625, dtype=np.uint32), 3
    stream = stream_from_state(("MT19937", key, position, 0, 0.0))
    try:
        return twister_bytes(stream) == key.tobytes() + np.intc(position).tobytes()
    except AttributeError:
        return False


def rate_reference(problem: Problem, config: MemberConfig) -> dict[str, Any]:
    """Return the reference for the learning rate of later ``partial_fit`` calls."""
    before = problem.start.kept
    planned = config.learning_rate.schedule.is_planned or before.get(
        "was_planned", False
    )
    n_batch = max(config.batch_size, before.get("largest_batch", 0))
    return {"was_planned": planned, "largest_batch": n_batch}


def rate_share(problem: Problem, n_batch: int) -> float:
    """Return the fraction of the learning rate for a call with some batch size."""
    kept = problem.start.kept
    if not kept or not problem.start.is_partial:
        return 1.0
    largest = max(n_batch, kept.get("largest_batch", n_batch))
    was_planned = kept.get("was_planned", False)
    return problem.config.preset.later_rate(n_batch / largest, was_planned)


def reusable_arrays(problem: Problem) -> ReusableArrays | None:
    """Return the reusable arrays of a small network in ``partial_fit``, or None.

    For a large network they would waste memory, since their creation takes only a small
    part of the time of a call.
    """
    earlier, network = problem.start.earlier, problem.network
    if earlier is None or not problem.start.is_partial or len(earlier.model.theta) > 1:
        return None
    theta, config = earlier.model.theta, problem.config
    n_rows = config.rows_at_once(problem.data.n_rows)
    n_columns = network.n_inputs + sum(config.hidden_layer_sizes)
    if theta.nbytes + n_rows * n_columns * theta.itemsize > _MOST_REUSED_BYTES:
        return None
    return ReusableArrays.kept_for(theta)
