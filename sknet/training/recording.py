"""Programs of training steps: recorded, checked against NumPy, and kept for later."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from sknet._component import C, Component
from sknet._numerics import Array
from sknet._operations import clip_by_norm, move_towards
from sknet._rng import noise_from_state, noise_state
from sknet._rows import shared
from sknet.engine.machine import Machine, aligned, bit_generator, sparse_rows
from sknet.engine.program import Program, Step
from sknet.engine.record import (
    Noise,
    NotRecordable,
    RecordedRows,
    Recorder,
    address_of,
)
from sknet.network.network import Network
from sknet.objective import Batch, Objective
from sknet.penalties import L2
from sknet.training.member_config import MemberConfig
from sknet.training.update import Update


# Largest difference between a recorded step and NumPy's, relative to the largest
# element: of the gradient, in which sums are rounded in another order, and of the new
# parameters for the same gradient.
_TOLERANCES = {
    np.dtype(np.float32): (2e-3, 1e-5),
    np.dtype(np.float64): (1e-9, 1e-12),
}
# Number of programs that are kept for later calls of fit.
_MOST_PROGRAMS = 256


@dataclass(frozen=True)
class FirstBatch:
    """The batch on which a step is recorded, and where training stands before it.

    Parameters
    ----------
    x : ndarray of shape (1, B, D) or CSR matrix of shape (B, D)
        Features, in the type of the computation.
    y : ndarray of shape (1, B, C)
        Targets, likewise.
    weight : ndarray of shape (1, B, 1), or None
        Shares of the rows; None if they are equal.
    total : float
        The sum of the weights.
    theta : ndarray of shape (1, P)
        The parameters.
    slots : list of ndarray of shape (1, P')
        The slots of the optimizer.
    noise : Generator or None
        The noise stream, which is not advanced.
    leaves : dict of str to float
        The numbers of this step: hyperparameters, rate and number of the step.
    """

    x: Any
    y: Array
    weight: Array | None
    total: float
    theta: Array
    slots: list[Array]
    noise: np.random.Generator | None
    leaves: dict[str, float]

    def stream(self) -> np.random.Generator | None:
        """Return a copy of the noise stream."""
        return None if self.noise is None else noise_from_state(noise_state(self.noise))


@dataclass(frozen=True)
class Expected:
    """What NumPy has computed in a recorded step."""

    data: float
    penalty: float
    grad: Array
    after_gradient: Array
    theta: Array
    slots: list[Array]


def leaves_of(config: MemberConfig) -> dict[str, float]:
    """Return the hyperparameters that a program keeps as numbers, by name.

    Zeros are not among them, since they change what is computed.
    """
    leaves = {"alpha": float(config.alpha)} if config.alpha else {}
    for prefix, component in (("loss", config.loss), ("optimizer", config.optimizer)):
        for name in component.rows:
            value = getattr(component, name)
            if value:
                leaves[f"{prefix}.{name}"] = float(value)
    for i, rate in enumerate(config.architecture.dropout):
        if rate:
            leaves[f"dropout.{i}"] = float(rate)
    return leaves


def program_key(config: MemberConfig, n_rows: int, dtype: Any, kind: Any) -> Any:
    """Return what a program depends on, as a hashable object."""
    averaging = config.averaging is not None
    return (
        shared(config.architecture),
        *(config.n_inputs, config.n_raw, shared(config.loss), shared(config.optimizer)),
        *(config.clip_norm, averaging, config.learning_rate_multipliers),
        *(config.shares_noise, n_rows, dtype, kind),
        *(frozenset(leaves_of(config)), tuple(map(bool, config.architecture.dropout))),
    )


def check_recordable(config: MemberConfig) -> None:
    """Raise NotRecordable if a component says that it cannot be recorded."""
    for part in _components((config.architecture, config.loss, config.optimizer)):
        if not part.recordable:
            raise NotRecordable(f"{type(part).__name__} cannot be recorded.")


def _components(value: Any) -> Iterator[Component]:
    """Iterate over all components inside a value."""
    if isinstance(value, Component):
        yield value
    if isinstance(value, tuple):
        for item in value:
            yield from _components(item)
    elif dataclasses.is_dataclass(value):
        for f in dataclasses.fields(value):
            yield from _components(getattr(value, f.name))


# --------------------------------------------------------------------------- recording


def record_step(config: MemberConfig, batch: FirstBatch) -> tuple[Step, Expected]:
    """Make one step in NumPy, and record it.

    Raises
    ------
    NotRecordable
        If an operation cannot be recorded.
    """
    recorder = Recorder(batch.theta.dtype)
    leaves = {n: recorder.leaf(n, value) for n, value in batch.leaves.items()}
    theta = recorder.adopt(batch.theta.copy(), "theta")
    slots = [recorder.adopt(s.copy(), f"slot{i}") for i, s in enumerate(batch.slots)]
    y, n_rows = recorder.adopt(batch.y.copy(), "work"), batch.y.shape[1]
    is_sparse = sparse.issparse(batch.x)
    x: Any = RecordedRows(recorder, batch.x) if is_sparse else None
    if x is None:
        x = recorder.adopt(batch.x.copy(), "work")
    weight, total = 1.0 / n_rows, float(n_rows)
    if batch.weight is not None:
        weight = recorder.adopt(batch.weight.copy(), "work")
        total = recorder.leaf("total", batch.total)  # type: ignore[assignment]
    stream = batch.stream()
    streams = () if stream is None else (Noise(recorder, stream),)
    objective, optimizer = _with_numbers(config, leaves)
    point = objective.point(theta, streams)  # type: ignore[arg-type]  # as a Generator
    point.training.shares_noise = config.shares_noise
    layout = objective.network.layout
    factors = layout.learning_rate_multipliers(dict(config.learning_rate_multipliers))
    update = Update(
        optimizer, theta, point.grad, slots, layout.n_decayed, factors, block_bytes=2**62
    )
    recorder.tape.clear()  # creating arrays is not part of a step
    rows = Batch(x, y, weight, total, n_rows)
    data, penalty = objective.value_and_gradient(point, rows)
    ends = [len(recorder.tape)]
    grad, after_gradient = _values(point.grad), _values(theta)
    if config.clip_norm is not None:
        clip_by_norm(point.grad, config.clip_norm)
    update(leaves["t"], leaves["rate"])
    ends.append(len(recorder.tape))
    expected = Expected(
        *(float(_values(v)[0]) for v in (data, penalty)),
        *(grad, after_gradient, _values(theta), [_values(s) for s in slots]),
    )
    if config.averaging is not None:
        average = recorder.adopt(batch.theta.copy(), "average")
        move_towards(average, theta, recorder.leaf("share", 0.5), recorder.allocate(theta.shape))
    tape, view = recorder.tape, recorder.view
    step = Step(
        *(recorder, tape[: ends[0]], tape[ends[0] : ends[1]], tape[ends[1] :]),
        *(None if is_sparse else view(x), view(y), None if batch.weight is None else view(weight)),
        *(view(point.grad), view(data), view(penalty), n_rows),
    )
    return step, expected


def _values(array: Any) -> Array:
    """Return a copy of a traced array as a plain one."""
    return np.array(array.view(np.ndarray))


def _with_numbers(config: MemberConfig, leaves: Any) -> tuple[Objective, Any]:
    """Return objective and optimizer, whose hyperparameters are recorded numbers."""
    dropout = tuple(
        leaves.get(f"dropout.{i}", 0.0) for i in range(len(config.architecture.dropout))
    )
    network = config.network
    if any(config.architecture.dropout):
        architecture = replace(config.architecture, dropout=dropout)
        layers = architecture.layers(config.n_inputs, config.n_raw)
        network = Network(layers, (config.n_inputs,))
    loss = _component_with(config.loss, "loss", leaves)
    optimizer = _component_with(config.optimizer, "optimizer", leaves)
    return Objective(network, loss, L2(), leaves.get("alpha", 0.0)), optimizer


def _component_with(component: C, prefix: str, leaves: Any) -> C:
    """Return a component with recorded numbers in its rows."""
    names = {n: f"{prefix}.{n}" for n in component.rows}
    values = {n: leaves[leaf] for n, leaf in names.items() if leaf in leaves}
    return replace(component, **values) if values else component  # type: ignore[type-var]


# ---------------------------------------------------------------------------- checking


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
    for name in ("x", "y", "weight"):
        array = getattr(batch, name)
        if isinstance(array, np.ndarray):
            work[header[name] : header[name] + array.size] = array.ravel()
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
    close = are_close(np.array(terms), np.array([expected.data, expected.penalty]), loose)
    close = close and are_close(work[where], expected.grad.ravel(), loose)
    close = close and are_close(theta, expected.after_gradient, loose)
    work[where] = expected.grad.ravel()
    np.copyto(theta, expected.after_gradient)
    machine.run(program.update.code, regions, numbers, generator, scratch)
    close = close and are_close(theta, expected.theta, tight)
    return close and all(map(are_close, slots, expected.slots, [tight] * len(slots)))


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


def scratch_for(
    machine: Machine, programs: list[Program], n_threads: int = 1
) -> Array:
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
        """Return a program, or None."""
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
        with self._lock:
            while len(self._programs) >= _MOST_PROGRAMS:
                del self._programs[next(iter(self._programs))]
            self._programs[key] = program


_PROGRAMS = _Programs()


def program_of(config: MemberConfig, machine: Machine, batch: FirstBatch) -> Program:
    """Return the program for batches of this size, recorded now or earlier.

    Raises
    ------
    NotRecordable
        If the step cannot be recorded, or if the machine computes something else.
    """
    is_weighted = batch.weight is not None
    kind = is_weighted, sparse.issparse(batch.x)
    key = program_key(config, batch.y.shape[1], batch.theta.dtype, kind)
    program = _PROGRAMS.get(key)
    if program is None:
        check_recordable(config)
        with np.errstate(all="ignore"):
            step, expected = record_step(config, batch)
            program = Program(step)
            if not is_right(program, machine, batch, expected):
                raise NotRecordable("Its first step differs from NumPy's.")
        _PROGRAMS.keep(key, program)
    return program

