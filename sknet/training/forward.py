"""Compiled prediction: forward passes, each recorded for a number of rows."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from joblib import cpu_count
from scipy import sparse

from sknet._numerics import Array, SparseRows
from sknet.engine import library
from sknet.engine.lower import lower, lower_numbers
from sknet.engine.machine import (
    FORWARD,
    PREDICTION,
    REGIONS,
    Machine,
    aligned,
    feature_type,
    is_readable,
    machine,
)
from sknet.engine.memory import Memory
from sknet.engine.program import initial_numbers
from sknet.engine.record import Recorder
from sknet.engine.tape import NotRecordable, address_of
from sknet.engine.traced import RecordedRows
from sknet.network.network import Network
from sknet.training.programs import are_close, failures_refused


# Numbers of rows of the programs: a prediction uses the first as often as possible,
# then the second; the last is for a single row. For the first, products are fast, and
# the arrays fit in the cache; submodels of a shared backbone count as rows.
ROWS = (256, 16, 1)
# Largest difference from NumPy, relative to the largest raw output.
_TOLERANCES = {np.dtype(np.float32): 1e-3, np.dtype(np.float64): 1e-9}
# Number of rows for which arrays are kept between calls.
MOST_KEPT = ROWS[1]
# Places of the fields of a job, and of those that differ between calls, in the order in
# which they are set.
PLACES = {name: i for i, name in enumerate(PREDICTION.names or ())}
_CHANGING = [
    PLACES[name]
    for name in (
        *("theta", "x", "x_columns", "x_starts", "index_bytes", "x_type", "x_step"),
        *("x_column_step", "out", "out_is_double", "head_step", "work", "scratch"),
    )
]
# Number of elements in each sparse row of the check.
_MADE_UP_COLUMNS = 8
# Multiply-adds for which another thread is worth its start.
_WORTH_A_THREAD = 2**24


class Head(NamedTuple):
    """A function of raw outputs that a program computes after them.

    Parameters
    ----------
    key : tuple
        What it depends on; hashable.
    compute : callable
        Returns an array (N, C) for the raw outputs (N, R) of one network.
    n_columns : int
        C.
    """

    key: tuple[Any, ...]
    compute: Callable[[Any], Any]
    n_columns: int

    def of_each(self, raw: Array) -> Array:
        """Return an array (E, N, C) for the raw outputs (E, N, R) of E networks."""
        out = np.empty((*raw.shape[:2], self.n_columns), dtype=raw.dtype, like=raw)
        for e, of_network in enumerate(raw):
            out[e] = self.compute(of_network)
        return out


class _Pass:
    """The program of a forward pass, for one number of rows."""

    def __init__(
        self,
        network: Network,
        dtype: np.dtype[Any],
        n_rows: int,
        is_sparse: bool,
        head: Head | None,
    ) -> None:
        recorder, shape = Recorder(dtype), (n_rows, network.n_inputs)
        theta = recorder.adopt(
            np.zeros((1, network.layout.n_parameters), dtype=dtype), "theta"
        )
        if is_sparse:
            x: Any = RecordedRows(recorder, sparse.csr_matrix(shape, dtype=dtype))
        else:
            x = recorder.adopt(np.zeros((1, *shape), dtype=dtype), "work")
        workspace = network.workspace(1, theta.dtype, training=False, like=theta)
        views, cache = network.layout.bind(theta), workspace.cache(n_rows)
        recorder.tape.clear()
        with np.errstate(all="ignore"):
            raw = recorder.copy(network.forward(views, x, cache))
            out = raw if head is None else head.of_each(raw)
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
        self._place({"x": x, "checked": raw, "raw": out}, recorder, memory)
        self.n_work = memory.n_work
        recorder.forget()

    def _place(
        self, arrays: dict[str, Any], recorder: Recorder, memory: Memory
    ) -> None:
        """Note where the program finds its arrays."""
        self.header["n_checked"] = arrays["checked"].shape[-1]
        for name, array in arrays.items():
            if isinstance(array, np.ndarray):  # sparse rows are read elsewhere
                view = recorder.view(array)
                self.header[name] = memory.place(view.block, view.start)[1]


class CompiledForward:
    """Computes raw outputs of a network in compiled code.

    Any number of threads may use it at the same time.

    Parameters
    ----------
    network : Network
        The network.
    dtype : dtype
        Type of the computation.
    is_sparse : bool, default=False
        Whether features are CSR matrices.
    head : Head or None, default=None
        What to compute in place of raw outputs.

    Raises
    ------
    NotRecordable
        If the machine cannot compute them; the message is the reason.
    """

    def __init__(
        self,
        network: Network,
        dtype: np.dtype[Any],
        is_sparse: bool = False,
        head: Head | None = None,
    ) -> None:
        compiled = machine()
        if compiled is None:
            raise NotRecordable(library.reason())
        self._machine: Machine = compiled
        self._n_inputs, self._n_heads = network.n_inputs, network.n_heads
        self.n_outputs = network.n_outputs if head is None else head.n_columns
        self._weight_sizes = network.weight_sizes
        self._dtype, self._is_sparse = dtype, is_sparse
        most = network.rows_at_once(ROWS[0] // network.n_heads)
        self._rows = (max(ROWS[1], most), *ROWS[1:])
        self._passes = [_Pass(network, dtype, n, is_sparse, head) for n in self._rows]
        self._n_work = max(p.n_work for p in self._passes)
        self._n_kept = max(p.n_work for p in self._passes[1:])
        is_double = dtype == np.float64
        self._scratch_bytes = max(
            compiled.scratch_bytes(p.lowered.code, is_double) for p in self._passes
        )
        self._of_thread = threading.local()
        job = np.zeros(1, dtype=PREDICTION)
        for name, forward in zip(("many", "some", "one"), self._passes, strict=True):
            job[name] = address_of(forward.header)
        job["is_double"], job["kernels"] = is_double, compiled.kernels
        job["n_features"] = network.n_inputs
        job["n_heads"], job["n_outputs"] = network.n_heads, self.n_outputs
        self._job = job.view(np.int64)  # whose elements are set in less time
        self._check(network, head)

    def _check(self, network: Network, head: Head | None) -> None:
        """Compare the outputs of some made-up rows with NumPy's."""
        n_rows = sum(self._rows)
        x = self._made_up(n_rows)
        theta = self._scattered(1, network.layout.n_parameters)
        found = np.empty((self._n_heads, n_rows, self.n_outputs), dtype=self._dtype)
        self.fill(found, theta, x)
        cache = network.workspace(1, self._dtype, training=False).cache(n_rows)
        views = network.layout.bind(theta)
        rows = SparseRows([x]) if self._is_sparse else x[None]
        with np.errstate(all="ignore"):
            expected = network.forward(views, rows, cache)
            if head is not None:
                expected = head.of_each(expected)
        if not are_close(found, expected, _TOLERANCES[self._dtype]):
            raise NotRecordable("Its first prediction differs from NumPy's.")

    def _made_up(self, n_rows: int) -> Any:
        """Return some rows of features."""
        n_stored = self._n_inputs
        if self._is_sparse:
            n_stored = min(n_stored, _MADE_UP_COLUMNS)
        values = self._scattered(n_rows, n_stored) - self._dtype.type(0.5)
        if not self._is_sparse:
            return values
        columns = np.arange(values.size, dtype=np.int32) * 7 % self._n_inputs
        starts = np.arange(0, values.size + 1, n_stored, dtype=np.int32)
        shape = n_rows, self._n_inputs
        return sparse.csr_matrix((values.ravel(), columns, starts), shape=shape)

    def _scattered(self, n_rows: int, n_columns: int) -> Array:
        """Return numbers in [0, 1) without a pattern, the same in every call."""
        numbers = np.arange(1, n_rows * n_columns + 1) * np.sqrt(np.e)
        return np.fmod(numbers, 1.0).reshape(n_rows, n_columns).astype(self._dtype)

    def lines(self) -> list[tuple[str, list[str]]]:
        """Return the instructions for many rows as text, with a title."""
        first = self._passes[0]
        kind = "sparse rows" if self._is_sparse else "rows"
        title = f"prediction, {first.n_rows} {kind}, {first.dtype}"
        return [(title, list(first.lowered.lines))]

    def takes(self, x: Any) -> bool:
        """Return whether it can read features without copying them."""
        if feature_type(x.dtype) is None:
            return False
        if not self._is_sparse:
            return isinstance(x, np.ndarray) and x.flags.aligned
        return sparse.issparse(x) and x.format == "csr" and is_readable(x)

    def fill(
        self, out: Array, theta: Array, x: Any, order: Array | None = None
    ) -> bool:
        """Compute the outputs of one network.

        Parameters
        ----------
        out : ndarray of shape (E, N, C)
            Overwritten; its rows are contiguous.
        theta : ndarray of shape (1, P)
            The parameters.
        x : ndarray or CSR matrix of shape (M, D)
            Features; see :meth:`takes`.
        order : ndarray of int64, of shape (N,), or None, default=None
            The rows of ``x``; None for all of them.

        Returns
        -------
        are_finite : bool
            Whether all raw outputs are finite.
        """
        n_rows = out.shape[1]
        work, most = n_rows * n_multiplied(self._weight_sizes, x), self._rows[0]
        n_threads = 1 + work // _WORTH_A_THREAD
        if n_threads > 1:
            n_threads = min(n_threads, n_threads_allowed())
        if n_threads == 1 or n_rows <= most:
            return self._fill_part(out, theta, x, order, (0, n_rows))
        ends = [n_rows * i // n_threads // most * most for i in range(n_threads)]
        parts = list(zip(ends, [*ends[1:], n_rows], strict=True))
        with ThreadPoolExecutor(len(parts)) as pool:
            jobs = [
                pool.submit(self._fill_part, out, theta, x, order, p) for p in parts
            ]
            return all([job.result() for job in jobs])

    def _fill_part(
        self, out: Array, theta: Array, x: Any, order: Array | None, rows: Any
    ) -> bool:
        """Compute the outputs of some of the rows."""
        is_large = rows[1] - rows[0] >= self._rows[0]
        memory = self._memory(self._n_work) if is_large else self.memory_of_thread()
        job = self.job(theta, x, out, memory)
        if order is not None:
            order = np.ascontiguousarray(order, dtype=np.int64)
            job[PLACES["order"]] = address_of(order)
        job[PLACES["first"]], job[PLACES["last"]] = rows
        self._machine.predict_at(address_of(job))
        return bool(job[PLACES["is_finite"]])

    def job(self, theta: Array, x: Any, out: Array, memory: _Memory) -> Array:
        """Return a job for all features; its fields are found by ``PLACES``."""
        job = self._job.copy()
        if self._is_sparse:
            addresses = [address_of(a) for a in (x.data, x.indices, x.indptr)]
            features = (*addresses, x.indices.itemsize, feature_type(x.dtype), 0, 0)
        else:
            features = (address_of(x), 0, 0, 0, feature_type(x.dtype), *x.strides)
        job[_CHANGING] = (
            *(address_of(theta), *features, address_of(out), out.dtype.itemsize == 8),
            *(out.strides[0] // out.itemsize, memory.work, memory.scratch),
        )
        return job

    def memory_of_thread(self) -> _Memory:
        """Return the workspace for few rows, which this thread keeps."""
        try:
            memory: _Memory = self._of_thread.memory
        except AttributeError:
            memory = self._of_thread.memory = self._memory(self._n_kept)
        return memory

    def _memory(self, n_work: int) -> _Memory:
        """Return a new workspace."""
        scratch = self._scratch_bytes // self._dtype.itemsize + 1
        arrays = [aligned(n + 1, self._dtype) for n in (n_work, scratch)]
        work, scratch_memory = arrays
        return _Memory(address_of(work), address_of(scratch_memory), arrays)

    def run(self, address: int) -> None:
        """Run the job at an address."""
        self._machine.predict_at(address)


class _Memory(NamedTuple):
    """Addresses of a workspace and of scratch memory, and the arrays."""

    work: int
    scratch: int
    arrays: list[Array]


def n_multiplied(weight_sizes: Sequence[int], x: Any) -> int:
    """Return the number of multiply-adds of the largest product, for a row of features.

    Parameters
    ----------
    weight_sizes : sequence of int
        The sizes of the weight matrices, that of the input first.
    x : ndarray or CSR matrix of shape (N, D)
        Features; the first product reads only what is stored.
    """
    if not weight_sizes or not sparse.issparse(x):
        return max(weight_sizes, default=0)
    first = weight_sizes[0] * x.nnz // max(x.shape[0] * x.shape[1], 1)
    return int(max(first, *weight_sizes[1:], 0))


@lru_cache(maxsize=1)
def n_threads_allowed() -> int:
    """Return how many threads may be used: as many as BLAS would use."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        if (value := os.environ.get(name, "")).isdigit():
            return max(1, int(value))
    return int(cpu_count())  # those that this process may use, in containers, too


_KEPT: WeakKeyDictionary[Network, dict[Any, CompiledForward | str]] = (
    WeakKeyDictionary()
)
_LOCK = threading.Lock()


def compiled_forward(
    network: Network,
    dtype: np.dtype[Any],
    is_sparse: bool = False,
    head: Head | None = None,
) -> CompiledForward | str:
    """Return the compiled forward pass of a network, or why there is none."""
    key = dtype, is_sparse, None if head is None else head.key
    kept = _KEPT.get(network, {}).get(key)
    if kept is not None:
        return kept
    try:
        with failures_refused():
            made: CompiledForward | str
            made = CompiledForward(network, dtype, is_sparse, head)
    except NotRecordable as reason:
        made = str(reason) or "It cannot be recorded."
    with _LOCK:
        return _KEPT.setdefault(network, {}).setdefault(key, made)
