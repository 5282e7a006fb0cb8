"""Going on: what a training finds of the one before, besides what ``resume`` holds.

Between two calls of ``partial_fit``, things wait that are dear to make. They change no
number: without them, as after a pickle or a call that failed, they are made anew.
"""

from __future__ import annotations

from typing import Any

from sknet._rng import StreamState, leave_stream, stream_state
from sknet.solvers.problem import Problem
from sknet.training.member_config import MemberConfig
from sknet.training.reusable import ReusableArrays
from sknet.training.state import TrainState


# Bytes of the parameters and of what the hidden layers give for a batch, up to which
# arrays are kept between calls of ``partial_fit``: some four times as many in all.
_MOST_REUSED_BYTES = 2**19


def left_streams(problem: Problem, state: TrainState) -> list[StreamState]:
    """Return where the streams stand; they wait for the call that goes on from there.

    Those of a new training may be a user's, who draws from them later.
    """
    earlier = problem.start.earlier
    if earlier is None:
        return [stream_state(stream) for stream in state.streams]
    kept: list[StreamState] = earlier.training["streams"]
    moved = not problem.start.is_partial or state.n_shuffled > 1
    if moved or len(kept) != len(state.streams):
        kept = [stream_state(stream) for stream in state.streams]
    for stream, stands in zip(state.streams, kept, strict=True):
        leave_stream(stream, stands)
    return kept


def rate_reference(problem: Problem, config: MemberConfig) -> dict[str, Any]:
    """Return what later calls of ``partial_fit`` measure their learning rate by."""
    before = problem.start.kept
    planned = config.learning_rate.schedule.is_planned or before.get(
        "was_planned", False
    )
    n_batch = max(config.batch_size, before.get("largest_batch", 0))
    return {"was_planned": planned, "largest_batch": n_batch}


def rate_share(problem: Problem, n_batch: int) -> float:
    """Return the share of the learning rate for a call with batches of some rows."""
    kept = problem.start.kept
    if not kept or not problem.start.is_partial:
        return 1.0
    largest = max(n_batch, kept.get("largest_batch", n_batch))
    was_planned = kept.get("was_planned", False)
    return problem.config.preset.later_rate(n_batch / largest, was_planned)


def reusable_arrays(problem: Problem) -> ReusableArrays | None:
    """Return where a call of ``partial_fit`` trains a network that is small enough.

    Of a large one the arrays would take memory for nothing: their making is not what
    a call takes.
    """
    earlier, network = problem.start.earlier, problem.network
    if earlier is None or not problem.start.is_partial or len(earlier.model.theta) > 1:
        return None
    theta, config = earlier.model.theta, problem.config
    n_rows = config.rows_at_once(problem.data.n_rows)
    n_columns = network.n_inputs + sum(config.hidden_layer_sizes)
    if theta.nbytes + n_rows * n_columns * theta.itemsize > _MOST_REUSED_BYTES:
        return None
    return ReusableArrays.beside(theta)
