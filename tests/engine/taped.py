"""A training step of one network: made in NumPy, recorded, replayed from the tape."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.testing import assert_array_equal
from scipy import special

from sknet import _operations, _pooling, _warping, _windows
from sknet._operations import clip_by_norm, move_towards
from sknet._rows import is_in_use
from sknet.engine.lower import lower
from sknet.engine.memory import Memory
from sknet.engine.operations import NUMBERS, WINDOW_OPERATIONS
from sknet.engine.record import Recorder
from sknet.engine.tape import View
from sknet.engine.traced import Noise
from sknet.losses import LogLoss
from sknet.network.architecture import Architecture
from sknet.network.network import Network
from sknet.objective import Batch, Objective
from sknet.optimizers import Adam
from sknet.penalties import L2
from sknet.training.update import Update


N_IN = 6
PLAIN = Architecture((6, 4))
ONE_BLOCK = 2**60
NAMED = {
    "overflow_shift": _operations._shift,
    "clip_by_norm": _operations._clip_by_norm,
    "first_largest": _operations._first_largest,
    "move_towards": _operations._move_towards,
    "look_up": _operations._look_up,
    "add_at_levels": _operations._add_at_levels,
}
CONVOLUTIONS = ("convolve", "filter_gradient", "image_gradient")
WINDOWED = {
    name: getattr(module, f"_{name}")
    for module in (_windows, _pooling, _warping)
    for name in WINDOW_OPERATIONS
    if hasattr(module, f"_{name}")
}


@dataclass
class Step:
    """What is trained, and how: one step of a network."""

    architecture: Architecture = PLAIN
    loss: object = LogLoss()
    n_columns: int = 3
    optimizer: object = Adam()
    alpha: float = 0.01
    weighted: bool = False
    shares_noise: bool = False
    clip_norm: float | None = None
    share: float | None = None
    multipliers: tuple = ()
    scale: float = 1.0
    n_rows: int = 7
    dtype: type = np.float32

    def network(self, numbers=float):
        """The network; ``numbers`` makes its dropout rates."""
        rates = self.architecture.dropout
        rates = tuple(numbers(rate) if rate else rate for rate in rates)
        architecture = replace(self.architecture, dropout=rates)
        n_raw = self.loss.n_raw(self.n_columns)
        return Network(architecture.layers(N_IN, n_raw), (N_IN,))

    def arrays(self, seed):
        """All arrays of a step, by name: parameters, optimizer slots and rows."""
        rng, network = np.random.default_rng(seed), self.network()
        theta = network.initial([np.random.RandomState(seed)], np.dtype(float))
        theta += 0.1 * np.abs(rng.normal(size=theta.shape))
        n = network.layout.n_trainable
        slots = rng.uniform(0.1, 1.0, size=(self.optimizer.n_slots, 1, n))
        weight = rng.uniform(0.1, 1.0, size=(1, self.n_rows, 1))
        arrays = {
            "theta": theta,
            **{f"slot{i}": slot for i, slot in enumerate(slots)},
            "average": theta + 0.1,
            "x": rng.normal(size=(1, self.n_rows, N_IN)) * self.scale,
            "y": self._targets(rng),
            "weight": weight / weight.sum(),
            "total": weight.sum(axis=1),
        }
        return {name: array.astype(self.dtype) for name, array in arrays.items()}

    def _targets(self, rng):
        """Targets that suit the loss."""
        shape = (1, self.n_rows, self.n_columns)
        exclusive = getattr(self.loss, "exclusive", None)
        if exclusive is None:
            return rng.uniform(0.1, 0.9, size=shape)
        if exclusive:
            return np.eye(self.n_columns)[rng.integers(self.n_columns, size=shape[:2])]
        return rng.integers(2, size=shape)

    def make(self, arrays, stream, numbers, block_bytes=2**20):
        """Return a function that makes the step on arrays, and returns both losses."""
        a, network = SimpleNamespace(**arrays), self.network(numbers)
        loss = with_numbers(self.loss, numbers)
        optimizer = with_numbers(self.optimizer, numbers)
        alpha = numbers(self.alpha) if self.alpha else self.alpha
        objective = Objective(network, loss, L2(), alpha)
        point = objective.point(a.theta, [stream])
        point.training.shares_noise = self.shares_noise
        slots = [arrays[f"slot{i}"] for i in range(self.optimizer.n_slots)]
        factors = network.layout.learning_rate_multipliers(dict(self.multipliers))
        update = Update(
            optimizer,
            a.theta,
            point.grad,
            slots,
            network.layout.n_decayed,
            factors,
            block_bytes,
        )
        shares = (
            (a.weight, a.total)
            if self.weighted
            else (1.0 / self.n_rows, float(self.n_rows))
        )
        batch = Batch(a.x, a.y, *shares, self.n_rows)

        def step(t, rate):
            values = objective.value_and_gradient(point, batch)
            if self.clip_norm is not None:
                clip_by_norm(point.grad, numbers(self.clip_norm))
            update(t, rate)
            if self.share is not None:
                scratch = np.empty_like(a.theta)
                move_towards(a.average, a.theta, numbers(self.share), scratch)
            return values

        return step


def with_numbers(component, numbers):
    """A component whose rows are numbers, unless zero: then a part is missing."""
    rows = {name: getattr(component, name) for name in component.rows}
    used = {name: numbers(value) for name, value in rows.items() if is_in_use(value)}
    return replace(component, **used)


def stream_of(seed):
    """A noise stream."""
    return np.random.Generator(np.random.PCG64(seed))


def leaves_of(recorder):
    """A function that makes numbers of their own, as if members differed in them."""
    return lambda value: recorder.leaf(f"own{value}", value)


def adopted(recorder, arrays):
    """Traced copies of arrays, in regions with their names."""
    return {name: recorder.adopt(a.copy(), name) for name, a in arrays.items()}


def replay(recorder, tape, arrays, leaves, stream):
    """Run a tape on other arrays, numbers and noise, as compiled code would."""
    values = []
    for number in recorder.numbers:
        name, *operands = number.key
        if name == "leaf":
            values.append(leaves.get(operands[0], number.value))
        elif name == "constant":
            values.append(number.value)
        else:
            values.append(NUMBERS[name](*(values[place] for place in operands)))
    for block in recorder.blocks:
        if block.region == "work":
            block.array[...] = np.nan  # nothing is left of the recorded step
        elif block.region != "constant":
            block.array[...] = arrays[block.region]
    for operation in tape:
        inputs = [
            array_of(v) if isinstance(v, View) else values[v.place]
            for v in operation.inputs
        ]
        compute(operation, array_of(operation.out), inputs, stream)


def array_of(view):
    """The array that a view of a block describes."""
    flat = view.block.array.reshape(-1)[view.start :]
    strides = [s * flat.itemsize for s in view.strides]
    return as_strided(flat, view.shape, strides)


def compute(operation, out, inputs, stream):
    """Compute one operation."""
    name = operation.name
    if name == "noise":
        out[...] = stream.random(size=out.shape, dtype=out.dtype)
    elif name in NAMED:
        NAMED[name](out, *inputs)
    elif name in WINDOWED:
        n_groups, *words = operation.options
        how = {"n_groups": n_groups} if name in CONVOLUTIONS else {}
        WINDOWED[name](out, *inputs, windows=windows_of(*words), **how)
    elif operation.options:
        function = {"sum": np.add, "max": np.maximum}[name]
        function.reduce(*inputs, axis=operation.options[0], keepdims=True, out=out)
    else:
        name = {"copy": "positive"}.get(name, name)
        function = getattr(special if name in ("expit", "xlogy") else np, name)
        function(*inputs, out=out, casting="unsafe")


def windows_of(h, w, sh, sw, top, left, dh, dw):
    """The windows that the words of an operation describe."""
    return _windows.Windows((h, w), (sh, sw), (top, left), dilation=(dh, dw))


def lowered(recorder, tape):
    """Lower a tape; raises NotRecordable if there is no instruction for it."""
    regions = ["work", "constant", *{b.region for b in recorder.blocks}]
    regions = list(dict.fromkeys(regions))
    return lower(tape, Memory(recorder, regions), recorder.dtype.itemsize)


def plain(array):
    """A plain copy of an array, which may be a traced one."""
    return np.array(array.view(np.ndarray))


def check_step(step):
    """Recorded, a step gives the same bits; and so does its tape on other data."""
    with np.errstate(all="ignore"):  # of rows that are far too large
        recorder, tape = _compared(step)
    lowered(recorder, tape)


def _compared(step):
    """Record a step, compare it and its replays with plain steps; return the tape."""
    recorder = Recorder(np.dtype(step.dtype))
    traced = adopted(recorder, step.arrays(0))
    noise = Noise(recorder, stream_of(0))
    make = step.make(traced, noise, leaves_of(recorder), ONE_BLOCK)
    start = len(recorder.tape)
    values = make(recorder.leaf("t", 3.0), recorder.leaf("rate", 0.01))
    tape = recorder.tape[start:]
    for seed, (t, rate, size) in enumerate([(3, 0.01, 1), (4, 0.02, 1), (9, 0.1, 1e5)]):
        arrays = step.arrays(seed)
        arrays["x"] *= step.dtype(size)
        if seed:
            leaves = {"t": float(t), "rate": rate}
            replay(recorder, tape, arrays, leaves, stream_of(seed))
        expected = step.make(arrays, stream_of(seed), float)(t, rate)
        for found, value in zip(values, expected, strict=True):
            assert_array_equal(plain(found), value)
        for name, array in arrays.items():
            assert_array_equal(plain(traced[name]), array, err_msg=name)
    return recorder, tape
