"""Comparability of the epochs of a resumed training with the earlier ones.

A best score is specific to validation rows and a scorer, a lowest loss to training
rows. When training resumes with different ones, the best values are reset, and so is
the count of epochs without an improvement. Changes are detected by checksums, which are
kept in the history as plain data.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from sknet._numerics import Array
from sknet.solvers import resume
from sknet.solvers.fingerprint import described
from sknet.solvers.problem import Problem
from sknet.solvers.validation_set import ScorerScore
from sknet.training.batches import Dataset
from sknet.training.member import Member


# Bytes per piece, since a memory map must never be read as a whole.
_CHUNK_BYTES = 2**22


def compare_with_before(problem: Problem, members: Sequence[Member]) -> None:
    """Reset the best values of members if they were measured on something else.

    If the training rows differ, patience and the learning rate schedule restart in any
    case.

    Parameters
    ----------
    problem : Problem
        Configuration, data and network. The rungs of a search all have the same data.
    members : sequence of Member
        Members about to be trained; their history records what it is measured on.
    """
    if problem.start.is_rung:
        return
    looks = problem.config.warm_start and not problem.start.is_partial
    if not looks:
        for member in members:
            member.history.data, member.history.measure = [""], [""]
        return
    checksums = _Checksums(problem.dtype)
    earlier = problem.start.earlier
    edited = earlier is not None and resume.is_edited(
        earlier.training, earlier.model.theta
    )
    for member in members:
        data = checksums.of(member.data)
        measure = _measure(problem, member, checksums)
        history, state = member.history, member.state
        if earlier is not None:
            others = history.data[0] not in ("", data)
            is_new = edited or history.measure[0] != measure
            if is_new:
                history.forget_best()
            if is_new or others:
                history.restart_patience(state.n_epochs)
            if others:
                state.cycle_start[:], state.plateau_scale[:] = state.n_epochs, 1.0
        history.data, history.measure = [data], [measure]


def _measure(problem: Problem, member: Member, checksums: _Checksums) -> str:
    """Return a short text for the rows and the measure that a network is scored by."""
    config, validation_set, loss = (
        member.config,
        member.validation_set,
        described(problem.loss),
    )
    if not config.stopping_rule.on_score:
        loss += (
            f" {config.alpha} {config.batch_size} {problem.model.architecture.dropout}"
        )
        return f"{checksums.of(member.data)} {loss}"
    named = described(problem.config.scoring)
    by = named if isinstance(validation_set.score, ScorerScore) else loss
    pooling = "together" if validation_set.pools else "alone"
    rows = checksums.of(validation_set.data, validation_set.rows)
    return f"{rows} {pooling} {type(validation_set.score).__name__} {by}"


class _Checksums:
    """Checksums of rows; each array is read only once.

    They are computed in the type of the computation, whatever the type of the data.

    Parameters
    ----------
    dtype : dtype
        The type of the computation.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype
        self._known: dict[tuple[int, int, int], str] = {}

    def of(self, data: Dataset, rows: Array | None = None) -> str:
        """Return the checksum of some rows, or of all rows."""
        parts = [self._of_array(data.x, rows, data.rows), self._of_array(data.y, rows)]
        if data.weight is not None:
            parts.append(self._of_array(data.weight, rows))
        return "-".join(parts)

    def _of_array(
        self, array: Any, rows: Array | None, places: Array | None = None
    ) -> str:
        """Return the checksum of some rows of an array, at their positions in it."""
        key = id(array), id(rows), id(places)
        if key not in self._known:
            checksum, chosen = 0, rows
            if places is not None:
                chosen = places if rows is None else places[rows]
            for part in _pieces(array, chosen, self._dtype):
                checksum = zlib.crc32(part.data, checksum)
            self._known[key] = f"{checksum:08x}"
        return self._known[key]


def _pieces(array: Any, rows: Array | None, dtype: np.dtype[Any]) -> Iterator[Array]:
    """Iterate over the contents of some rows of an array, in small pieces."""
    n_rows = array.shape[0] if rows is None else len(rows)
    yield np.array([n_rows, *array.shape[1:]])
    size = array.nnz * 12 if sparse.issparse(array) else array.nbytes
    step = max(1, _CHUNK_BYTES * array.shape[0] // max(1, size))
    for start in range(0, n_rows, step):
        stop = start + step
        piece = array[start:stop] if rows is None else array[rows[start:stop]]
        if sparse.issparse(piece):
            piece.sum_duplicates()
            piece.eliminate_zeros()
            yield piece.indptr.astype(np.int64)
            yield piece.indices.astype(np.int64)
            piece = piece.data
        yield np.add(piece, 0, dtype=dtype, order="C")  # -0.0 becomes 0.0
