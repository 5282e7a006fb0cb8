"""What the recorder refuses, since it would be another computation in the next step."""

import numpy as np
import pytest

from sknet._numerics import constant_row
from sknet.engine.record import Recorder
from sknet.engine.tape import NotRecordable


@pytest.fixture
def recorder():
    return Recorder(np.dtype(float))


@pytest.fixture
def x(recorder):
    return recorder.adopt(np.arange(6.0).reshape(2, 3), "x")


def branch(x):
    if (np.greater(x, 1.0, out=np.empty_like(x)) == 1.0).all():
        x += 1.0


REFUSED = {
    "a branch on data": branch,
    "the truth of an element": lambda x: bool(x[0, 0]),
    "a number from an array": lambda x: float(x[0, 0]),
    "an element": lambda x: x.item(0),
    "elements as numbers": lambda x: x.tolist(),
    "the largest element's place": lambda x: np.argmax(x, axis=1),
    "an unknown function": lambda x: np.sort(x),
    "a product by einsum": lambda x: np.einsum("ij,ij->i", x, x),
    "a loop over pairs": lambda x: np.add.outer(x, x),
    "a sum of everything": lambda x: x.sum(),
    "a mask": lambda x: x > 1.0,
    "another type": lambda x: x.astype(np.float32),
    "another type of result": lambda x: np.add(x, 1.0, dtype=np.float32),
    "an unknown array": lambda x: x + np.ones(3),
    "an unknown array to write to": lambda x: np.add(x, 1.0, out=np.empty((2, 3))),
    "a copy behind its back": lambda x: np.exp(x.T.reshape(-1), out=x.reshape(-1)),
    "an array of integers": lambda x: np.add(x, np.zeros(3, dtype=int, like=x)),
    "rounding to integers": lambda x: np.copyto(np.empty((2, 3), int, like=x), x),
    "its bytes": lambda x: np.exp(x.view(np.float32), out=x.view(np.float32)),
}


RECORDED = {
    "np.clip": lambda x: np.clip(x, 1.0, 3.0),
    "np.clip with out": lambda x: np.clip(x, 1.0, 3.0, out=x),
    "np.sum": lambda x: np.sum(x, axis=-1, keepdims=True),
    "np.max": lambda x: np.max(x, axis=1),
    "np.concatenate": lambda x: np.concatenate([x, -x], axis=1),
}


@pytest.mark.parametrize("what", RECORDED)
def test_recorded(x, what):
    """Functions of NumPy that are recorded as others."""
    plain = np.arange(6.0).reshape(2, 3)
    expected = RECORDED[what](plain)
    np.testing.assert_array_equal(RECORDED[what](x).view(np.ndarray), expected)
    assert x.recorder.tape


@pytest.mark.parametrize("what", REFUSED)
def test_refused(x, what):
    with pytest.raises(NotRecordable):
        REFUSED[what](x)


def test_branch_on_a_hyperparameter_is_refused(recorder):
    rate = recorder.leaf("rate", 0.5)
    for branch in (bool, float, int, lambda r: r > 0.0, lambda r: r == 0.5):
        with pytest.raises(NotRecordable, match="number that differs"):
            branch(rate)


def test_constants_that_share_memory_are_told_apart(recorder, x):
    row = constant_row(4, np.dtype(float), 7.0)
    rows = [row[..., :width] for width in (2, 3)]
    np.matmul(rows[0][0], x)
    np.matmul(x, rows[1][0].T)
    constants = [b.array for b in recorder.blocks if b.region == "constant"]
    assert sorted(array.size for array in constants) == [2, 3]
    np.matmul(rows[0][0], x)  # the same again
    assert len([b for b in recorder.blocks if b.region == "constant"]) == 2


def test_nothing_is_noted_where_nothing_is_written(recorder, x):
    x[:, 3:] = 0.0
    x[2:] = x[0]
    assert recorder.tape == []


def test_methods_of_arrays_sum_as_functions_do(recorder, x):
    assert x.sum(axis=1).view(np.ndarray).tolist() == [3.0, 12.0]
    assert x.max(axis=0, keepdims=True).view(np.ndarray).tolist() == [[3.0, 4.0, 5.0]]
    assert x.mean(axis=1).view(np.ndarray).tolist() == [1.0, 4.0]
    assert [operation.name for operation in recorder.tape] == [
        *("sum", "max"),
        *("sum", "divide"),
    ]


def test_array_of_a_named_operation_is_never_taken_as_a_number(recorder, x):
    bounds = np.ones((3, 2))
    bounds.flags.writeable = False
    out = recorder.allocate(x.shape)
    recorder.primitive("look_up", out, (x, bounds, 2.0), lambda *args: None)
    (operation,) = recorder.tape
    assert operation.inputs[1].shape == (3, 2)
    assert operation.inputs[2].value == 2.0
