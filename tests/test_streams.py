"""The states of random streams, as plain data."""

import numpy as np
import pytest
from numpy.testing import assert_equal

from sknet._rng import stream_state
from sknet.solvers import incremental


def normal_state(seed):
    """Return a stream that keeps a normal number, and its state."""
    stream = np.random.RandomState(seed)
    stream.standard_normal()
    return stream, stream_state(stream)


@pytest.mark.parametrize("n_rows", [2, 50, 700])
def test_state_after_shuffles(n_rows):
    """It is what NumPy gives, also beyond the end of a key."""
    stream, before = normal_state(n_rows)
    for _ in range(5):
        stream.shuffle(np.arange(n_rows))
        moved = incremental.moved_state(stream, before)
        assert_equal(moved, stream_state(stream))
        before = moved


def test_state_is_read_directly():
    """Otherwise the other tests would compare NumPy with itself."""
    assert incremental._key_is_first()


def test_state_without_the_memory_of_numpy(monkeypatch):
    monkeypatch.setattr(incremental, "_key_is_first", lambda: False)
    stream, before = normal_state(0)
    stream.shuffle(np.arange(5))
    assert_equal(incremental.moved_state(stream, before), stream_state(stream))
