"""Named operations are noted as a whole, and compute what they compute otherwise."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sknet import _operations
from sknet.engine.record import Recorder
from sknet.engine.tape import NotRecordable


DTYPES = [np.float32, np.float64]


@pytest.fixture(params=DTYPES, ids=lambda dtype: dtype.__name__)
def recorder(request):
    return Recorder(np.dtype(request.param))


def random_of(recorder, *shape):
    values = np.random.default_rng(0).normal(size=shape)
    return values.astype(recorder.dtype)


def adopted(recorder, **arrays):
    """Traced copies of arrays."""
    return [recorder.adopt(array.copy(), name) for name, array in arrays.items()]


def only(recorder):
    """The only operation on the tape, and the shapes of its arrays."""
    (operation,) = recorder.tape
    arrays = [operation.out, *(v for v in operation.inputs if hasattr(v, "shape"))]
    return operation.name, [array.shape for array in arrays]


@pytest.mark.parametrize("factor", [1.0, 1e4])
def test_overflow_shift(recorder, factor):
    raw = random_of(recorder, 1, 5, 3) * recorder.dtype.type(factor)
    scratch, sums = np.empty_like(raw), np.empty_like(raw[..., :1])
    plain = _operations.overflow_shift(raw, scratch, sums)
    traced, out = adopted(recorder, raw=raw, sums=sums)
    found = _operations.overflow_shift(traced, None, out).view(np.ndarray)
    assert_array_equal(found, 0.0 if plain is None else plain)
    assert (plain is None) == (factor == 1.0)
    assert only(recorder) == ("overflow_shift", [(5, 1), (5, 3)])


def test_submodels_of_a_backbone_are_shifted_on_their_own(recorder):
    raw = random_of(recorder, 3, 5, 2)
    raw[1] *= 1e4
    traced, sums = adopted(recorder, raw=raw, sums=np.empty_like(raw[..., :1]))
    plain = _operations.overflow_shift(raw, np.empty_like(raw), raw[..., :1].copy())
    found = _operations.overflow_shift(traced, None, sums)
    assert_array_equal(found.view(np.ndarray), plain)
    assert [operation.name for operation in recorder.tape] == ["overflow_shift"] * 3


@pytest.mark.parametrize("largest", [0.5, 100.0])
def test_clip_by_norm(recorder, largest):
    plain = random_of(recorder, 1, 9)
    (grad,) = adopted(recorder, grad=plain)
    _operations.clip_by_norm(plain, largest)
    _operations.clip_by_norm(grad, recorder.leaf("largest", largest))
    assert_array_equal(grad.view(np.ndarray), plain)
    assert only(recorder) == ("clip_by_norm", [(1, 9), (1, 9)])


def test_first_largest(recorder):
    values = np.round(random_of(recorder, 1, 8, 3))
    width = np.intp(0).itemsize // recorder.dtype.itemsize
    scratch, plain = np.empty((1, 8, width), recorder.dtype), np.empty_like(values)
    _operations.first_largest(values, plain, scratch)
    traced, out = adopted(recorder, values=values, out=plain + 1)
    _operations.first_largest(traced, out, None)
    assert_array_equal(out.view(np.ndarray), plain)
    assert_array_equal(plain.sum(axis=-1), 1.0)
    assert only(recorder) == ("first_largest", [(1, 8, 3), (1, 8, 3)])


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_move_towards(recorder, share):
    average, theta = random_of(recorder, 2, 1, 7)
    moved, traced = adopted(recorder, average=average, theta=theta)
    _operations.move_towards(average, theta, share, np.empty_like(theta))
    _operations.move_towards(moved, traced, recorder.leaf("share", share), None)
    assert_array_equal(moved.view(np.ndarray), average)
    assert only(recorder) == ("move_towards", [(1, 7), (1, 7)])


def test_levels(recorder):
    x = random_of(recorder, 1, 6, 2) * 2
    table, dy = random_of(recorder, 1, 7, 3), random_of(recorder, 1, 6, 6)
    bounds = np.array([[0.0, 4.0], [4.0, 3.0]])
    bounds.flags.writeable = False
    rows, places = np.empty((1, 6, 2), np.intp), np.empty((1, 6, 6), np.intp)
    y, grad = np.empty_like(dy), np.empty_like(table)
    _operations.look_up(x, table, bounds, y, rows)
    _operations.add_at_levels(dy, x, bounds, grad, (rows, places, np.empty_like(dy)))
    arrays = {"x": x, "table": table, "dy": dy, "y": y * 0, "grad": grad * np.nan}
    levels, vectors, d, out, sums = adopted(recorder, **arrays)
    _operations.look_up(levels, vectors, bounds, out, None)
    _operations.add_at_levels(d, levels, bounds, sums, (None, None, None))
    assert_array_equal(out.view(np.ndarray), y)
    assert_array_equal(sums.view(np.ndarray), grad)
    first, second = recorder.tape
    assert [v.shape for v in first.inputs] == [(1, 6, 2), (1, 7, 3), (2, 2)]
    assert [v.shape for v in second.inputs] == [(1, 6, 6), (1, 6, 2), (2, 2)]
    assert first.inputs[2] == second.inputs[2]  # one constant
    assert_array_equal(first.inputs[2].block.array, bounds)


def test_out_of_the_unknown_is_refused(recorder):
    (theta,) = adopted(recorder, theta=random_of(recorder, 1, 7))
    with pytest.raises(NotRecordable):
        _operations.move_towards(theta, random_of(recorder, 1, 7), 0.5, None)
