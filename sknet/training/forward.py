"""Compiled prediction: forward passes, each recorded for a number of rows."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from sknet._numerics import Array
from sknet.engine import library
from sknet.engine.lower import Memory, lower, lower_numbers
from sknet.engine.machine import (
    FORWARD,
    PREDICTION,
    REGIONS,
    Machine,
    aligned,
    feature_type,
    machine,
)
from sknet.engine.program import initial_numbers
from sknet.engine.record import Recorder
from sknet.engine.tape import NotRecordable, address_of
from sknet.network.network import Network
from sknet.training.programs import are_close, failures_refused


# Numbers of rows of the programs: a prediction uses the first as often as possible,
# then the second; the last is for a single row. For the first, products are fast, and
# the arrays fit in the cache; submodels of a shared backbone count as rows.
ROWS = (256, 16, 1)
# Largest difference from NumPy, relative to the largest raw output.
_TOLERANCES = {np.dtype(np.float32): 1e-3, np.dtype(np.float64): 1e-9}
# Multiply-adds for which another thread is worth its start.
_WORTH_A_THREAD = 2**24


class _Pass:
    """The program of a forward pass, for one number of rows."""

    def __init__(self, network: Network, dtype: np.dtype[Any], n_rows: int) -> None:
        recorder = Recorder(dtype)
        theta = recorder.adopt(
            np.zeros((1, network.layout.n_parameters), dtype=dtype), "theta"
        )
        x = recorder.adopt(np.zeros((1, n_rows, network.n_inputs), dtype=dtype), "work")
        workspace = network.workspace(1, theta.dtype, training=False, like=theta)
        views, cache = network.layout.bind(theta), workspace.cache(n_rows)
        recorder.tape.clear()
        with np.errstate(all="ignore"):
            raw = recorder.copy(network.forward(views, x, cache))
        memory = Memory(recorder, REGIONS)
        self.lowered = lower(recorder.tape, memory, dtype.itemsize)
        self.n_rows, self.dtype = n_rows, dtype
        once, every_step = lower_numbers(recorder.numbers, ())
        if len(once) or len(every_step):
            raise NotRecordable("It calculates with numbers at prediction.")
        self.numbers = np.array(initial_numbers(recorder.numbers)[0], dtype=np.float64)
        self._constants = memory.constants(dtype)
        self.header = np.zeros(1, dtype=FORWARD)
        self.header["n_rows"], self.header["n_code"] = n_rows, len(self.lowered.code)
        self.header["code"] = address_of(self.lowered.code)
        self.header["constants"] = address_of(self._constants)
        self.header["numbers"] = address_of(self.numbers)
        for name, array in (("x", x), ("raw", raw)):
            view = recorder.view(array)
            self.header[name] = memory.place(view.block, view.start)[1]
        self.n_work = memory.n_work
        recorder.forget()


class CompiledForward:
    """Computes raw outputs of a network in compiled code.

    Any number of threads may use it at the same time.

    Parameters
    ----------
    network : Network
        The network.
    dtype : dtype
        Type of the computation.

    Raises
    ------
    NotRecordable
        If the machine cannot compute them; the message is the reason.
    """

    def __init__(self, network: Network, dtype: np.dtype[Any]) -> None:
        compiled = machine()
        if compiled is None:
            raise NotRecordable(library.reason())
        self._machine: Machine = compiled
        self._n_inputs, self._n_heads = network.n_inputs, network.n_heads
        self._n_outputs, self._n_largest = network.n_outputs, network.n_largest
        self._dtype = dtype
        self._rows = (max(ROWS[1], ROWS[0] // network.n_heads), *ROWS[1:])
        self._passes = [_Pass(network, dtype, n) for n in self._rows]
        self._n_work = max(p.n_work for p in self._passes)
        self._n_kept = max(p.n_work for p in self._passes[1:])
        is_double = dtype == np.float64
        self._scratch_bytes = max(
            compiled.scratch_bytes(p.lowered.code, is_double) for p in self._passes
        )
        self._of_thread = threading.local()
        self._job = np.zeros(1, dtype=PREDICTION)
        for name, forward in zip(("many", "some", "one"), self._passes, strict=True):
            self._job[name] = address_of(forward.header)
        self._job["is_double"], self._job["kernels"] = is_double, compiled.kernels
        self._job["n_features"] = network.n_inputs
        self._job["n_heads"], self._job["n_outputs"] = (
            network.n_heads,
            network.n_outputs,
        )
        self._check(network)

    def _check(self, network: Network) -> None:
        """Compare the raw outputs of some made-up rows with NumPy's."""
        n_rows = sum(self._rows)
        x = self._scattered(n_rows, self._n_inputs) - self._dtype.type(0.5)
        theta = self._scattered(1, network.layout.n_parameters)
        found = np.empty((self._n_heads, n_rows, self._n_outputs), dtype=self._dtype)
        self.fill(found, theta, x)
        cache = network.workspace(1, self._dtype, training=False).cache(n_rows)
        views = network.layout.bind(theta)
        with np.errstate(all="ignore"):
            expected = network.forward(views, x[None], cache)
        if not are_close(found, expected, _TOLERANCES[self._dtype]):
            raise NotRecordable("Its first prediction differs from NumPy's.")

    def _scattered(self, n_rows: int, n_columns: int) -> Array:
        """Return numbers in [0, 1) without a pattern, the same in every call."""
        numbers = np.arange(1, n_rows * n_columns + 1) * np.sqrt(np.e)
        return np.fmod(numbers, 1.0).reshape(n_rows, n_columns).astype(self._dtype)

    def lines(self) -> list[tuple[str, list[str]]]:
        """Return the instructions for many rows as text, with a title."""
        first = self._passes[0]
        title = f"prediction, {first.n_rows} rows, {first.dtype}"
        return [(title, list(first.lowered.lines))]

    def takes(self, x: Any) -> bool:
        """Return whether it can read features without copying them."""
        return bool(
            isinstance(x, np.ndarray)
            and feature_type(x.dtype) is not None
            and x.flags.aligned
        )

    def fill(
        self, out: Array, theta: Array, x: Array, order: Array | None = None
    ) -> None:
        """Compute the raw outputs of one network.

        Parameters
        ----------
        out : ndarray of shape (E, N, C)
            Overwritten; its rows are contiguous.
        theta : ndarray of shape (1, P)
            The parameters.
        x : ndarray of shape (M, D)
            Features; see :meth:`takes`.
        order : ndarray of int64, of shape (N,), or None, default=None
            The rows of ``x``; None for all of them.
        """
        n_rows = out.shape[1]
        work = n_rows * self._n_largest
        n_threads = min(n_threads_allowed(), 1 + work // _WORTH_A_THREAD)
        most = self._rows[0]
        ends = [n_rows * i // n_threads // most * most for i in range(n_threads)]
        parts = list(zip(ends, [*ends[1:], n_rows], strict=True))
        if len(parts) == 1:
            self._fill_part(out, theta, x, order, parts[0])
            return
        with ThreadPoolExecutor(len(parts)) as pool:
            jobs = [
                pool.submit(self._fill_part, out, theta, x, order, p) for p in parts
            ]
            for job in jobs:
                job.result()

    def _fill_part(
        self, out: Array, theta: Array, x: Array, order: Array | None, rows: Any
    ) -> None:
        """Compute the raw outputs of some of the rows."""
        job = self._job.copy()
        work, scratch = self._memory(rows[1] - rows[0])
        job["theta"], job["x"] = address_of(theta), address_of(x)
        job["x_type"], job["x_step"] = feature_type(x.dtype), x.strides[0]
        job["x_column_step"] = x.strides[1]
        if order is not None:
            order = np.ascontiguousarray(order, dtype=np.int64)
            job["order"] = address_of(order)
        job["first"], job["last"] = rows
        job["out"], job["out_is_double"] = address_of(out), out.dtype == np.float64
        job["head_step"] = out.strides[0] // out.itemsize
        job["work"], job["scratch"] = address_of(work), address_of(scratch)
        self._machine.predict(job)

    def _memory(self, n_rows: int) -> tuple[Array, Array]:
        """Return the workspace; this thread keeps the one for few rows."""
        if n_rows >= self._rows[0]:
            return self._new_memory(self._n_work)
        try:
            memory: tuple[Array, Array] = self._of_thread.memory
        except AttributeError:
            memory = self._of_thread.memory = self._new_memory(self._n_kept)
        return memory

    def _new_memory(self, n_work: int) -> tuple[Array, Array]:
        """Return a new workspace, and scratch memory."""
        scratch = self._scratch_bytes // self._dtype.itemsize + 1
        return aligned(n_work + 1, self._dtype), aligned(scratch, self._dtype)


def n_threads_allowed() -> int:
    """Return how many threads a prediction may use: as many as BLAS would."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        if (value := os.environ.get(name, "")).isdigit():
            return max(1, int(value))
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return (os.cpu_count() or 1) if affinity is None else len(affinity(0))


_KEPT: WeakKeyDictionary[Network, dict[Any, CompiledForward | str]] = (
    WeakKeyDictionary()
)
_LOCK = threading.Lock()


def compiled_forward(network: Network, dtype: np.dtype[Any]) -> CompiledForward | str:
    """Return the compiled forward pass of a network, or why there is none."""
    kept = _KEPT.get(network, {}).get(dtype)
    if kept is not None:
        return kept
    try:
        with failures_refused():
            made: CompiledForward | str = CompiledForward(network, dtype)
    except NotRecordable as reason:
        made = str(reason) or "It cannot be recorded."
    with _LOCK:
        return _KEPT.setdefault(network, {}).setdefault(dtype, made)
