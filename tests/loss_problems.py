"""Raw outputs, targets and weights for any loss."""

import numpy as np
import pytest

from sknet.losses import LossBuffers


N_ROWS = 7


def quartic(raw, y):
    """Losses of rows, for a pair of functions."""
    return ((raw - y) ** 4).sum(axis=1)


def quartic_gradient(raw, y):
    """The gradient that goes with them."""
    return 4.0 * (raw - y) ** 3


both_types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def targets(loss, shape, rng):
    """Return valid targets; of values positive ones below one."""
    exclusive = getattr(loss, "exclusive", None)
    if exclusive is None:
        return rng.uniform(0.05, 0.95, size=shape)
    if exclusive:
        return np.eye(shape[-1])[rng.integers(shape[-1], size=shape[:-1])]
    return rng.integers(2, size=shape).astype(float)


def problem(loss, shape, dtype=np.float64, seed=0):
    """Return raw outputs, targets and shares that sum to one, for (K, B, C)."""
    rng = np.random.default_rng(seed)
    n_members, n_rows, n_columns = shape
    raw = 1.5 * rng.normal(size=(n_members, n_rows, loss.n_raw(n_columns)))
    shares = rng.uniform(0.5, 2.0, size=(n_members, n_rows, 1))
    shares /= shares.sum(axis=1, keepdims=True)
    y = targets(loss, shape, rng)
    return raw.astype(dtype), y.astype(dtype), shares.astype(dtype)


def evaluate(loss, raw, y, weight):
    """Return values (K,) and gradient, from buffers full of garbage."""
    out, buffers = np.full_like(raw, np.nan), LossBuffers(*raw.shape, raw.dtype)
    buffers.full[:] = np.nan
    return loss.value_and_gradient(raw, y, weight, out, buffers), out
