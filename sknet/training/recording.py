"""Recorded steps: made once in NumPy, of which a recorder notes the operations."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from sknet._component import C, Component
from sknet._numerics import Array, SparseRows
from sknet._operations import clip_by_norm, move_towards
from sknet._rng import noise_from_state, noise_state
from sknet.engine.program import Step
from sknet.engine.record import Recorder
from sknet.engine.tape import NotRecordable, Operation
from sknet.engine.traced import RecordedRows
from sknet.network.network import Network
from sknet.objective import Batch, Objective, Point
from sknet.penalties import L2
from sknet.training.member_config import MemberConfig
from sknet.training.update import Update


# Factor between the parameters of the two batches on which a program is checked.
_OTHER_SCALE = 0.9375


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
        The noise stream, which is not advanced; or one of :class:`_SingleNoise`.
    leaves : dict of str to float
        The numbers of this step: hyperparameters, rate and number of the step.
    """

    x: Any
    y: Array
    weight: Array | None
    total: float
    theta: Array
    slots: list[Array]
    noise: Any
    leaves: dict[str, float]

    def stream(self) -> Any:
        """Return a copy of the noise stream."""
        if self.noise is None or isinstance(self.noise, _SingleNoise):
            return self.noise
        return noise_from_state(noise_state(self.noise))

    def in_double(self) -> FirstBatch:
        """Return the batch in float64, with the same noise as in float32."""
        x, y, theta = (a.astype(np.float64) for a in (self.x, self.y, self.theta))
        weight = None if self.weight is None else self.weight.astype(np.float64)
        noise = self.stream()
        return FirstBatch(
            *(x, y, weight, self.total),
            *(theta, [slot.astype(np.float64) for slot in self.slots]),
            *(None if noise is None else _SingleNoise(noise), self.leaves),
        )

    def rearranged(self) -> FirstBatch:
        """Return a batch of other numbers, all of which are as valid.

        Features, targets and weights are combined in another way, and noise, parameters
        and slots are others, too.
        """
        x, y, weight, noise = self.x, self.y, self.weight, self.stream()
        if sparse.issparse(x):
            x = x[np.roll(np.arange(x.shape[0]), 1)]
        else:
            x = np.roll(x, 1, axis=1)
        if noise is not None:
            noise.random()
        leaves = dict(self.leaves)
        if "t" in leaves:
            leaves["t"] += 1.0
        return FirstBatch(
            *(x, np.roll(y, 2, axis=1), weight, self.total),
            *(self.theta * _OTHER_SCALE, [slot * _OTHER_SCALE for slot in self.slots]),
            *(noise, leaves),
        )


class _SingleNoise:
    """A noise stream whose draws are those for float32, in whatever array."""

    def __init__(self, stream: np.random.Generator) -> None:
        self._stream = stream

    def random(self, *, out: Array, dtype: Any) -> Array:
        """Draw uniform numbers into an array."""
        del dtype
        out[...] = self._stream.random(size=out.shape, dtype=np.float32)
        return out


@dataclass(frozen=True)
class Expected:
    """What NumPy has computed in a recorded step."""

    data: float
    penalty: float
    grad: Array
    after_gradient: Array
    theta: Array
    slots: list[Array]

    def in_type(self, dtype: np.dtype[Any]) -> Expected:
        """Return it rounded to a type."""
        grad, before, after = (
            array.astype(dtype)
            for array in (self.grad, self.after_gradient, self.theta)
        )
        slots = [slot.astype(dtype) for slot in self.slots]
        return Expected(self.data, self.penalty, grad, before, after, slots)


def leaves_of(config: MemberConfig) -> dict[str, float]:
    """Return the hyperparameters that a program keeps as numbers, by name.

    Zeros are not among them, since they change what is computed.
    """
    leaves = {"alpha": float(config.alpha)} if config.alpha else {}
    leaves |= leaves_of_component("loss", config.loss)
    leaves |= leaves_of_component("optimizer", config.optimizer)
    for i, rate in enumerate(config.architecture.dropout):
        if rate:
            leaves[f"dropout.{i}"] = float(rate)
    return leaves


def leaves_of_component(prefix: str, component: Component) -> dict[str, float]:
    """Return those hyperparameters of a component that a program keeps as numbers."""
    values = {name: getattr(component, name) for name in component.rows}
    return {f"{prefix}.{n}": float(value) for n, value in values.items() if value}


def check_recordable(value: Any) -> None:
    """Raise NotRecordable if a component in a value says that it cannot be recorded."""
    for part in _components(value):
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


class _Unrecorded:
    """Stands in for a recorder in a step of which nothing is noted."""

    def __init__(self) -> None:
        self.tape: list[Operation] = []

    def leaf(self, name: str, value: float) -> float:
        """Return the number itself."""
        del name
        return value

    def adopt(self, array: Array, region: str) -> Array:
        """Return the array itself."""
        del region
        return array

    def noise(self, stream: np.random.Generator) -> np.random.Generator:
        """Return the stream itself."""
        return stream


class _TracedBatch(NamedTuple):
    """A batch, and where training stands before it, as traced arrays and numbers."""

    recorder: Any
    leaves: dict[str, Any]
    theta: Any
    x: Any
    y: Any
    weight: Any  # None if all rows have the same share

    @classmethod
    def of(cls, batch: FirstBatch, recorder: Any) -> _TracedBatch:
        """Return copies of all arrays, of which a recorder knows."""
        leaves = {n: recorder.leaf(n, value) for n, value in batch.leaves.items()}
        theta = recorder.adopt(batch.theta.copy(), "theta")
        y = recorder.adopt(batch.y.copy(), "work")
        if sparse.issparse(batch.x):
            x: Any = SparseRows([batch.x])
            if isinstance(recorder, Recorder):
                x = RecordedRows(recorder, batch.x)
        else:
            x = recorder.adopt(batch.x.copy(), "work")
        weight = batch.weight
        if weight is not None:
            weight = recorder.adopt(weight.copy(), "work")
        return cls(recorder, leaves, theta, x, y, weight)

    def step(
        self, grad: Any, data: Any, penalty: Any, parts: Sequence[Sequence[Operation]]
    ) -> Step:
        """Return the recorded step; its parts are gradient, update and averaging."""
        view, is_dense = self.recorder.view, isinstance(self.x, np.ndarray)
        gradient, update, averaging = parts
        return Step(
            *(self.recorder, gradient, update, averaging),
            x=view(self.x) if is_dense else None,
            y=view(self.y),
            weight=None if self.weight is None else view(self.weight),
            grad=view(grad),
            data=view(data),
            penalty=view(penalty),
            n_rows=self.y.shape[1],
        )


class _Made(NamedTuple):
    """A step that was made in NumPy: its arrays, the ends of its parts, its results."""

    traced: _TracedBatch
    grad: Any
    data: Any
    penalty: Any
    ends: list[int]
    expected: Expected


def record_step(config: MemberConfig, batch: FirstBatch) -> tuple[Step, Expected]:
    """Make one step in NumPy, and record it.

    Raises
    ------
    NotRecordable
        If an operation cannot be recorded.
    """
    recorder = Recorder(batch.theta.dtype)
    made = _made_step(config, batch, recorder)
    if config.averaging is not None:
        average = recorder.adopt(batch.theta.copy(), "average")
        share: Any = recorder.leaf("share", 0.5)
        scratch = recorder.allocate(batch.theta.shape)
        move_towards(average, made.traced.theta, share, scratch)
    tape, (first, second) = recorder.tape, made.ends
    parts = tape[:first], tape[first:second], tape[second:]
    return made.traced.step(*made[1:4], parts), made.expected


def make_step(config: MemberConfig, batch: FirstBatch) -> Expected:
    """Make one step in NumPy, without recording it."""
    return _made_step(config, batch, _Unrecorded()).expected


def _made_step(config: MemberConfig, batch: FirstBatch, recorder: Any) -> _Made:
    """Make one step in NumPy, of which a recorder notes the operations."""
    traced = _TracedBatch.of(batch, recorder)
    _, leaves, theta, x, y, weight = traced
    slots = [recorder.adopt(s.copy(), f"slot{i}") for i, s in enumerate(batch.slots)]
    n_rows, total = y.shape[1], float(y.shape[1])
    if weight is not None:
        total = recorder.leaf("total", batch.total)
    streams = [recorder.noise(s) for s in (batch.stream(),) if s is not None]
    objective, optimizer = _with_numbers(config, leaves)
    point = objective.point(theta, streams)
    point.training.shares_noise = config.shares_noise
    update = _update(config, objective, optimizer, point, slots)
    recorder.tape.clear()  # creating arrays is not part of a step
    rows = Batch(x, y, 1.0 / n_rows if weight is None else weight, total, n_rows)
    data, penalty = objective.value_and_gradient(point, rows)
    ends = [len(recorder.tape)]
    terms = float(_values(data)[0]), float(_values(penalty)[0])
    grad, after_gradient = _values(point.grad), _values(theta)
    if config.clip_norm is not None:
        clip_by_norm(point.grad, config.clip_norm)
    update(leaves["t"], leaves["rate"])
    ends.append(len(recorder.tape))
    after = _values(theta), [_values(s) for s in slots]
    expected = Expected(*terms, grad, after_gradient, *after)
    return _Made(traced, point.grad, data, penalty, ends, expected)


def _update(
    config: MemberConfig, objective: Objective, optimizer: Any, point: Point, slots: Any
) -> Update:
    """Return the update of a recorded step, which is not cut into blocks."""
    layout = objective.network.layout
    factors = layout.learning_rate_multipliers(dict(config.learning_rate_multipliers))
    arrays = point.theta, point.grad, slots
    return Update(optimizer, *arrays, layout.n_decayed, factors, block_bytes=2**62)


def record_sum(objective: Objective, batch: FirstBatch) -> tuple[Step, Expected]:
    """Evaluate the data term on a batch in NumPy, and record it.

    It is recorded as a step without penalty, update and averaging.

    Raises
    ------
    NotRecordable
        If an operation cannot be recorded.
    """
    recorder = Recorder(batch.theta.dtype)
    made = _made_sum(objective, batch, recorder)
    return made.traced.step(*made[1:4], (recorder.tape, (), ())), made.expected


def make_sum(objective: Objective, batch: FirstBatch) -> Expected:
    """Evaluate the data term on a batch in NumPy, without recording it."""
    return _made_sum(objective, batch, _Unrecorded()).expected


def _made_sum(objective: Objective, batch: FirstBatch, recorder: Any) -> _Made:
    """Evaluate the data term in NumPy, while a recorder notes the operations."""
    traced = _TracedBatch.of(batch, recorder)
    loss = _component_with(objective.loss, "loss", traced.leaves)
    objective = replace(objective, loss=loss)
    point, n_rows = objective.point(traced.theta), traced.y.shape[1]
    recorder.tape.clear()
    weight = 1.0 if traced.weight is None else traced.weight
    rows = Batch(traced.x, traced.y, weight, float(n_rows), n_rows)
    data = objective.data_value_and_gradient(point, rows)
    penalty, theta = np.zeros_like(data), _values(traced.theta)
    value, grad = float(_values(data)[0]), _values(point.grad)
    expected = Expected(value, 0.0, grad, theta, theta, [])
    return _Made(traced, point.grad, data, penalty, [], expected)


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
        network = Network(layers, network.input_shape)
    loss = _component_with(config.loss, "loss", leaves)
    optimizer = _component_with(config.optimizer, "optimizer", leaves)
    return Objective(network, loss, L2(), leaves.get("alpha", 0.0)), optimizer


def _component_with(component: C, prefix: str, leaves: Any) -> C:
    """Return a component with recorded numbers in its rows."""
    names = {n: f"{prefix}.{n}" for n in component.rows}
    values = {n: leaves[leaf] for n, leaf in names.items() if leaf in leaves}
    return replace(component, **values) if values else component  # type: ignore[type-var]
