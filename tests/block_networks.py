"""Networks of any block, and data for them."""

from itertools import product

import numpy as np
import pytest

from sknet import SimpleMLPClassifier
from sknet.network.blocks import BLOCKS


N_IN, N_OUT = 5, 3
X = np.random.default_rng(0).normal(size=(90, N_IN))
Y = (np.abs(X[:, 0]) + X[:, 1] > 1.0).astype(int) + (X[:, 2] > 0)
BLOCK_NAMES = list(BLOCKS)
NORMALIZATIONS = (None, "batch", "layer")
FOREVER = {"n_iter_no_change": np.inf, "tol": 0.0}
each_normalized_block = pytest.mark.parametrize(
    ("block", "normalization"), list(product(BLOCK_NAMES, NORMALIZATIONS))
)


def make(block, hidden=(8, 8), **params):
    """Return an unfitted classifier that makes three epochs of three batches."""
    base = {"batch_size": 32, "max_iter": 3, "random_state": 0} | FOREVER
    return SimpleMLPClassifier(hidden, block=block, **(base | params))


WITH_SHORTCUT = ("residual", "preactivation", "aggregated")
