"""Programs of steps: recorded, checked against NumPy, and kept for later."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from sknet._numerics import Array
from sknet._rows import shared
from sknet.engine.machine import Machine, aligned, bit_generator, sparse_rows
from sknet.engine.program import Program, Step
from sknet.engine.tape import NotRecordable, address_of
from sknet.objective import Objective
from sknet.training.member_config import MemberConfig
from sknet.training.recording import (
    Expected,
    FirstBatch,
    check_recordable,
    leaves_of,
    make_step,
    make_sum,
    record_step,
    record_sum,
)


# Largest difference between a recorded step and NumPy's, relative to the largest
# element: of the gradient, in which sums are rounded in another order, and of the new
# parameters for the same gradient.
_TOLERANCES = {
    np.dtype(np.float32): (2e-3, 1e-5),
    np.dtype(np.float64): (1e-9, 1e-12),
}
_Record = Callable[[FirstBatch], tuple[Step, Expected]]
_Make = Callable[[FirstBatch], Expected]

# Number of programs that are kept for later calls of fit.
_MOST_PROGRAMS = 256


def is_right(
    program: Program, machine: Machine, batch: FirstBatch, expected: Expected
) -> bool:
    """Return whether the machine computes what NumPy has computed in the first step."""
    dtype = program.dtype
    loose, tight = _TOLERANCES[dtype]
    work = aligned(program.n_work + 1, dtype)
    work.fill(np.nan)
    numbers = program.numbers(batch.leaves)
    program.calculate(numbers, {**batch.leaves, "total": batch.total})
    theta, slots = batch.theta.copy(), [s.copy() for s in batch.slots]
    bound = {"theta": theta, **{f"slot{i}": s for i, s in enumerate(slots)}}
    regions = program.regions(bound, work)
    header = program.header[0]
    _write_batch(batch, header, work)
    stream = batch.stream()
    generator = 0 if stream is None else bit_generator(stream)
    scratch = scratch_for(machine, [program])
    rows = sparse_rows(batch.x) if sparse.issparse(batch.x) else None
    machine.run(
        *(program.gradient.code, regions, numbers, generator, scratch),
        0 if rows is None else address_of(rows),
    )
    where = slice(program.grad_place, program.grad_place + program.n_trainable)
    places = {2: theta.ravel(), 0: work}
    terms = [
        float(places[int(header[f"{name}_region"])][header[name]])
        for name in ("data", "penalty")
    ]
    close = are_close(
        np.array(terms), np.array([expected.data, expected.penalty]), loose
    )
    close = close and are_close(work[where], expected.grad.ravel(), loose)
    close = close and are_close(theta, expected.after_gradient, loose)
    work[where] = expected.grad.ravel()
    np.copyto(theta, expected.after_gradient)
    machine.run(program.update.code, regions, numbers, generator, scratch)
    close = close and are_close(theta, expected.theta, tight)
    return close and all(map(are_close, slots, expected.slots, [tight] * len(slots)))


def _is_trusted(
    program: Program,
    machine: Machine,
    batch: FirstBatch,
    expected: Expected,
    make: _Make,
) -> bool:
    """Return whether the machine computes what NumPy does, up to rounding.

    In float32, NumPy's sums over the positions of many images may be further from the
    truth than the tolerance. If there is a difference, a step in float64 decides.
    """
    if is_right(program, machine, batch, expected):
        return True
    if program.dtype == np.float64:
        return False
    exact = make(batch.in_double()).in_type(program.dtype)
    return is_right(program, machine, batch, exact)


def _write_batch(batch: FirstBatch, header: Any, work: Array) -> None:
    """Write a batch where the program expects it; sparse rows are read elsewhere."""
    for name in ("x", "y", "weight"):
        array = getattr(batch, name)
        if isinstance(array, np.ndarray):
            work[header[name] : header[name] + array.size] = array.ravel()


def are_close(found: Array, expected: Array, tolerance: float) -> bool:
    """Return whether arrays agree up to a fraction of the largest element."""
    finite = np.isfinite(expected)
    if not np.array_equal(finite, np.isfinite(found)):
        return False
    found, expected = found[finite], expected[finite]
    if not expected.size:
        return True
    largest = float(np.abs(expected).max())
    return bool(np.abs(found - expected).max() <= tolerance * largest)


def scratch_for(machine: Machine, programs: list[Program], n_threads: int = 1) -> Array:
    """Return scratch memory for programs, for each of several threads."""
    dtype = programs[0].dtype
    is_double = dtype == np.float64
    n_bytes = max(
        machine.scratch_bytes(part.code, is_double)
        for program in programs
        for part in program.parts
    )
    n_bytes = (n_bytes // 64 + 1) * 64  # each thread's memory is aligned
    return aligned(n_threads * n_bytes // dtype.itemsize, dtype)


# ------------------------------------------------------------------------------ keeping


class _Programs:
    """Programs of earlier fits, by what they depend on."""

    def __init__(self) -> None:
        self._programs: dict[Any, Program] = {}
        self._lock = threading.Lock()

    def get(self, key: Any) -> Program | None:
        """Return a program, or None; there is none for the key None."""
        try:
            return self._programs.get(key)
        except TypeError:  # a component that is not hashable
            return None

    def keep(self, key: Any, program: Program) -> None:
        """Keep a program, in place of the oldest one if there are too many."""
        try:
            hash(key)
        except TypeError:
            return
        if key is None:
            return
        with self._lock:
            while len(self._programs) >= _MOST_PROGRAMS:
                del self._programs[next(iter(self._programs))]
            self._programs[key] = program


_PROGRAMS = _Programs()
# One program of each kind of step that was also checked on other numbers: what such a
# check finds does not depend on the number of rows.
_CHECKED = _Programs()


class BatchKind(NamedTuple):
    """What a program depends on in the batches that it is for.

    Parameters
    ----------
    n_rows, n_targets : int
        Number of rows, and of columns of the target.
    dtype : dtype
        Type of the computation.
    is_weighted, is_sparse : bool
        Whether rows have weights, and whether the features are sparse.
    """

    n_rows: int
    n_targets: int
    dtype: np.dtype[Any]
    is_weighted: bool
    is_sparse: bool = False


def program_key(config: MemberConfig, kind: BatchKind) -> Any:
    """Return what a program depends on, as a hashable object."""
    dropout = config.architecture.dropout
    return (
        *map(_shared, (config.architecture, config.loss, config.optimizer)),
        *(config.n_inputs, config.n_raw, config.clip_norm, config.averaging is None),
        *(config.learning_rate_multipliers, config.shares_noise, kind),
        *(tuple(map(bool, dropout)), frozenset(leaves_of(config))),
    )


@lru_cache(maxsize=256)
def _shared(component: Any) -> Any:
    """Return what networks with the same program share of a component."""
    return shared(component)


def program_of(
    config: MemberConfig,
    machine: Machine,
    kind: BatchKind,
    first_batch: Callable[[], FirstBatch],
) -> Program:
    """Return the program for batches of a kind, recorded now or earlier.

    Parameters
    ----------
    config : MemberConfig
        The training configuration.
    machine : Machine
        Runs the program.
    kind : BatchKind
        The kind of batches.
    first_batch : callable
        Returns a batch of this kind, on which the program is recorded if necessary.

    Returns
    -------
    program : Program
        The program, which has been compared with NumPy.

    Raises
    ------
    NotRecordable
        If the step cannot be recorded, or if the machine computes something else.
    """
    try:
        key, family = (program_key(config, k) for k in (kind, kind._replace(n_rows=0)))
    except TypeError:  # a component that is not hashable
        key = family = None
    program = _PROGRAMS.get(key)
    if program is not None:
        return program
    parts, batch = (config.architecture, config.loss, config.optimizer), first_batch()
    ways = partial(record_step, config), partial(make_step, config)
    return _recorded(key, family, machine, batch, parts, ways)


def program_of_sum(
    objective: Objective, machine: Machine, kind: BatchKind, batch: FirstBatch
) -> Program:
    """Return the program of a data term on batches of this size, without a penalty.

    Raises
    ------
    NotRecordable
        If it cannot be recorded, or if the machine computes something else.
    """
    network, loss = objective.network, objective.loss
    # A network is equal to itself only, but those of equal estimators are one object.
    key = network, shared(loss), kind, frozenset(batch.leaves)
    family = (*key[:2], kind._replace(n_rows=0), key[3])
    program = _PROGRAMS.get(key)
    if program is not None:
        return program
    ways = partial(record_sum, objective), partial(make_sum, objective)
    return _recorded(key, family, machine, batch, (network.layers, loss), ways)


def _recorded(
    key: Any,
    family: Any,
    machine: Machine,
    batch: FirstBatch,
    components: Any,
    ways: tuple[_Record, _Make],
) -> Program:
    """Return a program that is recorded now, checked, and kept.

    It is checked on the batch on which it was recorded, and on one of other numbers:
    what was copied unnoticed while it was recorded suits the first batch only.
    Programs of one family differ in the number of rows; the first is checked so.
    """
    check_recordable(components)
    record, make = ways
    with np.errstate(all="ignore"), failures_refused():
        step, expected = record(batch)
        program = Program(step)
        step.recorder.forget()
        del step  # the check needs as much memory again
        if not _is_trusted(program, machine, batch, expected, make):
            raise NotRecordable("Its first step differs from NumPy's.")
        if _CHECKED.get(family) is None:
            other = batch.rearranged()
            if not _is_trusted(program, machine, other, make(other), make):
                raise NotRecordable("A step on other numbers differs from NumPy's.")
            _CHECKED.keep(family, program)
    _PROGRAMS.keep(key, program)
    return program


@contextmanager
def failures_refused() -> Iterator[None]:
    """Turn any error into NotRecordable: if it is the user's, NumPy raises it again."""
    try:
        yield
    except NotRecordable:
        raise
    except Exception as error:
        raise NotRecordable(f"Recording fails: {error!r}.") from None
