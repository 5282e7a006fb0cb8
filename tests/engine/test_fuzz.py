"""Random programs give the same numbers as NumPy, and unsafe overlaps are refused."""

import fuzz
import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided
from numpy.testing import assert_array_equal

from sknet.engine.lower import lower
from sknet.engine.machine import REGIONS, machine
from sknet.engine.memory import Memory
from sknet.engine.overlaps import reads_what_it_writes
from sknet.engine.record import Recorder
from sknet.engine.tape import NotRecordable


needs_machine = pytest.mark.skipif(
    machine() is None, reason="The engine is not compiled."
)


@needs_machine
def test_random_programs():
    assert fuzz.run(seed=0, n_instructions=2000) >= 2000


@needs_machine
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
def test_many_random_programs(seed):
    assert fuzz.run(seed, n_instructions=100_000) >= 100_000


def traced(*shape):
    """A traced array."""
    recorder = Recorder(np.dtype(float))
    return recorder.adopt(np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape), "work")


UNSAFE = {
    "shifted": lambda x: np.copyto(x[1:], x[:-1]),
    "first column": lambda x: x.__itruediv__(x[:, :1]),
    "first row": lambda x: x.__iadd__(x[0]),
    "transposed": lambda x: x.__iadd__(x.T),
    "other steps": lambda x: np.exp(x[0, ::2], out=x[0, :3]),
    "sum": lambda x: np.add.reduce(x, axis=-1, keepdims=True, out=x[:, :1]),
    "product": lambda x: np.matmul(x, x.copy(), out=x),
}
SAFE = {
    "in place": lambda x: x.__iadd__(x),
    "the same part": lambda x: np.exp(x[:, 1:], out=x[:, 1:]),
    "with an axis of one": lambda x: np.exp(x[:, None], out=x[None, :, None][0]),
    "halves that interleave": lambda x: np.exp(x[:, ::2], out=x[:, 1::2]),
    "rows": lambda x: np.copyto(x[1], x[0]),
}


@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe_overlaps_are_refused(name):
    with pytest.raises(NotRecordable, match="overlaps an input"):
        UNSAFE[name](traced(6, 6))


@pytest.mark.parametrize("name", SAFE)
def test_safe_overlaps_are_recorded(name):
    SAFE[name](traced(6, 6))


def test_overlaps_that_are_hard_to_find_are_refused():
    memory = np.empty(192163377, dtype=np.int8)  # the example of np.shares_memory
    first = as_strided(memory, (1049,) * 3, (36674, 61119, 85569))
    second = as_strided(memory[64023025:], (1049,) * 3, (12223, 12224, 1))
    assert reads_what_it_writes("copy", first, (second,))


@needs_machine
def test_the_product_itself_is_no_bias():
    x = traced(1, 4)
    w, y = x.recorder.adopt(np.eye(4), "theta"), x.recorder.allocate((1, 4))
    np.matmul(x, w, out=y)
    y += y
    code = lower(x.recorder.tape, Memory(x.recorder, REGIONS), 8).lines
    assert len(code) == 2
    assert_array_equal(y.view(np.ndarray), 2 * x.view(np.ndarray))


def test_zeros_of_both_signs_are_no_number():
    x = traced(2, 2)
    zeros = np.array([0.0, -0.0])
    zeros.flags.writeable = False
    np.copysign(x, zeros, out=x)
    assert x.recorder.tape[-1].inputs[1].shape == (2,)


REFUSED = {
    "sum with a first value": lambda x: x.sum(axis=1, initial=10.0),
    "maximum with a first value": lambda x: x.max(axis=1, initial=10.0),
    "sum of nothing": lambda x: np.add.reduce(x[:, :0], axis=1, out=x[:, 0]),
    "bits as integers": lambda x: np.add(x.view(np.int64), 1, out=x),
    "partition": lambda x: x.partition(2),
    "one element of all": lambda x: x.flat[0],
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    with pytest.raises(NotRecordable):
        REFUSED[name](traced(4, 6))


@pytest.mark.parametrize("seed", [(1, 214), (1, 219), (2, 468)], ids=str)
def test_products_with_equal_constants(seed):
    """They become sums over rows, unless the operands have many or other axes."""
    fuzz.check_program(seed)
