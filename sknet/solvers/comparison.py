"""The yardstick: what the epochs of a training are compared by.

A best score belongs to validation rows and to a scorer, a least loss to training rows.
Where a training goes on with others, the best starts anew, and so does what is counted
from it. Checksums tell; they are kept in the progress, as plain data.
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


# Bytes that are looked at a time: a memory map is never read as a whole.
_CHUNK_BYTES = 2**22


def compare_with_before(problem: Problem, members: Sequence[Member]) -> None:
    """Let the best start anew where it was measured on something else.

    Where the rows to train on are others, the epochs without an improvement count anew
    in any case, and the course of the learning rate begins again.

    Parameters
    ----------
    problem : Problem
        What is trained on what. The rungs of a search all have the same data.
    members : sequence of Member
        About to be trained; their progress notes what it is measured on from now on.
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
            anew = edited or history.measure[0] != measure
            if anew:
                history.forget_best()
            if anew or others:
                history.count_anew(state.n_epochs)
            if others:
                state.cycle_start[:], state.plateau_scale[:] = state.n_epochs, 1.0
        history.data, history.measure = [data], [measure]


def _measure(problem: Problem, member: Member, checksums: _Checksums) -> str:
    """Return which rows a network is judged on and by what, in short."""
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
    who = "together" if validation_set.pools else "alone"
    rows = checksums.of(validation_set.data, validation_set.rows)
    return f"{rows} {who} {type(validation_set.score).__name__} {by}"


class _Checksums:
    """Checksums of rows; each array is looked at once.

    They are taken of what the network computes with, whatever type it came in.

    Parameters
    ----------
    dtype : dtype
        The type of the computation.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype
        self._known: dict[tuple[int, int, int], str] = {}

    def of(self, data: Dataset, rows: Array | None = None) -> str:
        """Return the checksum of some rows, or of all."""
        parts = [self._of_array(data.x, rows, data.rows), self._of_array(data.y, rows)]
        if data.weight is not None:
            parts.append(self._of_array(data.weight, rows))
        return "-".join(parts)

    def _of_array(
        self, array: Any, rows: Array | None, places: Array | None = None
    ) -> str:
        """Return the checksum of some rows of an array, at their places in it."""
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
    """Iterate over what makes some rows of an array, in small pieces."""
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
        yield np.add(piece, 0, dtype=dtype, order="C")  # and no zero has a sign
