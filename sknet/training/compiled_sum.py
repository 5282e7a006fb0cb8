"""Compiled sums: the data term of an objective and its gradient, by recorded programs.

The machine evaluates a batch as a step of training that has a gradient, but no update.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from sknet._numerics import Array
from sknet.engine import library
from sknet.engine.machine import (
    JOB,
    MEMBER,
    REGIONS,
    Machine,
    aligned,
    feature_type,
    machine,
    readable,
)
from sknet.engine.program import Program
from sknet.engine.tape import NotRecordable, address_of
from sknet.objective import Batch, Objective, Point
from sknet.training.batches import Batches
from sknet.training.choice import threads_of_steps
from sknet.training.programs import BatchKind, program_of_sum, scratch_for
from sknet.training.recording import FirstBatch, leaves_of_component


_THETA = REGIONS.index("theta")


class CompiledSum:
    """Evaluates the data term of an objective for one network, as an Objective does.

    Parameters
    ----------
    objective : Objective
        The objective, of which the penalty is not used.
    point : Point
        Where it is evaluated, with one network; programs are checked at its parameters.
    batches : Batches
        The batches on which it is evaluated later. Programs are recorded on the first
        one of each size.
    n_threads : int or None, default=None
        Number of threads that evaluate a batch together; None to decide by its size.

    Raises
    ------
    NotRecordable
        If the machine cannot evaluate it; the message is the reason.
    """

    def __init__(
        self,
        objective: Objective,
        point: Point,
        batches: Batches,
        n_threads: int | None = None,
    ) -> None:
        compiled = machine()
        if compiled is None:
            raise NotRecordable(library.reason())
        self._machine: Machine = compiled
        x = batches.data[0].x
        self._is_sparse = sparse.issparse(x)
        self._leaves = leaves_of_component("loss", objective.loss)
        self._programs: dict[int, Program] = {}
        for batch in batches.epoch(None):
            if batch.n_rows not in self._programs:
                first = self._first_batch(point, batch)
                is_weighted = first.weight is not None
                n_rows, n_targets = first.y.shape[1:]
                kind = BatchKind(
                    *(n_rows, n_targets, point.theta.dtype),
                    *(is_weighted, self._is_sparse),
                )
                program = program_of_sum(objective, compiled, kind, first)
                self._programs[batch.n_rows] = program
        size, network = max(self._programs), objective.network
        n_threads = threads_of_steps(n_threads, size, network, x)
        self._job = self._new_job(point, n_threads)

    def _first_batch(self, point: Point, batch: Any) -> FirstBatch:
        """Return a batch in the form for recording."""
        weight = batch.weight if isinstance(batch.weight, np.ndarray) else None
        total, leaves = float(batch.n_rows), self._leaves
        x = readable(batch.x.members[0]) if self._is_sparse else batch.x
        return FirstBatch(x, batch.y, weight, total, point.theta, [], None, leaves)

    def _new_job(self, point: Point, n_threads: int) -> Array:
        """Return the parts of the job that are the same for all batches."""
        programs, dtype = list(self._programs.values()), point.theta.dtype
        self._numbers = {n: p.numbers(self._leaves) for n, p in self._programs.items()}
        self._work = aligned(max(p.n_work for p in programs) + 1, dtype)
        self._scratch = scratch_for(self._machine, programs, n_threads)
        self._member = np.zeros(1, dtype=MEMBER)
        self._unused = np.zeros(1)  # rates, shares and the loss of the epoch
        for name in ("rates", "shares", "losses"):
            self._member[name] = address_of(self._unused)
        job = np.zeros(1, dtype=JOB)
        job["members"], job["n_members"] = address_of(self._member), 1
        job["n_batches"] = job["rates_per_epoch"] = job["shares_per_epoch"] = 1
        job["is_double"] = dtype == np.float64
        job["kernels"], job["x_type"] = self._machine.kernels, feature_type(dtype)
        job["n_parameters"], job["n_trainable"] = point.theta.size, point.grad.size
        job["work"], job["scratch"] = address_of(self._work), address_of(self._scratch)
        job["look_every"] = 2**62  # never: a call evaluates one batch
        job["n_threads"] = n_threads
        job["scratch_step"] = self._scratch.nbytes // n_threads
        return job

    def data_value_and_gradient(self, point: Point, batch: Batch) -> Array:
        """Evaluate the data term; see :meth:`Objective.data_value_and_gradient`.

        Parameters
        ----------
        point : Point
            The point to evaluate at; the gradient goes to ``point.grad``.
        batch : Batch
            The rows to evaluate on, as many as a batch had before.

        Returns
        -------
        data : ndarray of shape (1,)
            The sum of the weighted losses, which is valid until the next call.
        """
        program, work = self._programs[batch.n_rows], self._work
        header, member, job = program.header[0], self._member[0], self._job[0]
        y = np.ascontiguousarray(batch.y)
        if isinstance(batch.weight, np.ndarray):
            # The machine would skip a batch whose weights sum to zero.
            start = int(header["weight"])
            work[start : start + batch.n_rows] = batch.weight.ravel()
        member["regions"][_THETA] = address_of(point.theta)
        kept = self._set_features(batch.x)  # until the call returns
        member["y"] = address_of(y)
        member["numbers"] = address_of(self._numbers[batch.n_rows])
        member["epoch"], member["batch"], member["n_epochs"] = 0, 0, 1
        member["is_lost"], member["total"], member["n_counted"] = 0, 0.0, 0
        job["programs"], job["current"] = address_of(program.header), 0
        job["n_targets"] = y.shape[2]
        self._machine.train(self._job)
        del kept
        start = program.grad_place
        point.grad[0] = work[start : start + program.n_trainable]
        place = int(header["data"])
        return work[place : place + 1]

    def _set_features(self, x: Any) -> Any:
        """Enter the features of a batch; return what the machine reads."""
        member, job = self._member[0], self._job[0]
        if not self._is_sparse:
            x = np.ascontiguousarray(x)
            member["x"], job["n_features"] = address_of(x), x.shape[2]
            job["x_step"], job["x_column_step"] = x.shape[2] * x.itemsize, x.itemsize
            return x
        rows = readable(x.members[0])
        member["x"], member["x_columns"] = map(address_of, (rows.data, rows.indices))
        member["x_starts"], job["index_bytes"] = (
            address_of(rows.indptr),
            rows.indptr.itemsize,
        )
        return rows
