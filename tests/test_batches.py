"""Batches: rows of any type, in buffers that arrays of many shapes take in turn."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from sknet.training import batches
from sknet.training.batches import Batches, Dataset
from sknet.training.buffers import Buffers


FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
VALUES = np.random.default_rng(0).integers(-99, 99, (2, 10, 3))
KINDS = ["int16", "float32", "float64", ">f8"]


def datasets(*kinds):
    """Return the data of two members, features and target."""
    return [
        Dataset(x.astype(kind), x[:, :1].astype(np.float64), None)
        for x, kind in zip(VALUES, kinds, strict=True)
    ]


@pytest.mark.parametrize("at_once", [0, 2**22])
@pytest.mark.parametrize("second", KINDS)
@pytest.mark.parametrize("first", KINDS)
def test_rows_of_any_types_are_gathered(first, second, at_once, monkeypatch):
    """Two members with types of their own, in full batches and in a shorter one."""
    monkeypatch.setattr(batches, "_CONVERT_AT_ONCE", at_once)
    order = np.stack([np.random.default_rng(k).permutation(10) for k in range(2)])
    source = Batches(datasets(first, second), 4, FLOAT32)
    sizes = []
    for _ in range(2):
        for batch in source.epoch(order):
            start = sum(sizes) % 10
            rows = order[:, start : start + batch.n_rows]
            for k in range(2):
                assert_array_equal(batch.x[k], VALUES[k][rows[k]])
                assert_array_equal(batch.y[k], VALUES[k][rows[k], :1])
            sizes.append(batch.n_rows)
    assert sizes == [4, 4, 2] * 2


def test_arrays_of_all_shapes_are_in_one_piece_of_memory():
    """It grows with the largest; arrays of another type have their own."""
    buffers = Buffers()
    small, large = (buffers.array((2, n, 3), FLOAT64) for n in (2, 5))
    assert not np.shares_memory(small, large)  # there was no room for it
    again = buffers.array((2, 2, 3), FLOAT64)
    assert np.shares_memory(again, large)
    assert buffers.array((2, 2, 3), FLOAT64) is again
    assert not np.shares_memory(large, buffers.array((2, 2, 3), FLOAT32))


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix])
def test_a_source_is_converted_once_for_all_who_read_it(make):
    """If its type is what they compute in, it is not converted at all."""
    buffers, x = Buffers(), make(VALUES[0])
    converted = buffers.converted(x, FLOAT32)
    assert converted.dtype == FLOAT32
    assert buffers.converted(x, FLOAT32) is converted
    assert buffers.converted(converted, FLOAT32) is converted
