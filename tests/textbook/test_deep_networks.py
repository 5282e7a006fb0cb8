"""T15 to T18: highway, residual, pre-activation and aggregated networks.

Source of truth: exact identities (a body of zeros, a sum of branches), the papers'
formulas, and that a plain net of the same depth stays at chance.
"""

import numpy as np
import pytest
from by_layer import biases_of, weights_of
from numpy.testing import assert_allclose
from scipy.special import expit
from sklearn.datasets import load_digits

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.network.blocks import Aggregated, Highway, Preactivation, Residual


def digits():
    """Training and test rows of scikit-learn's digits, in float32."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16.0).astype(np.float32)
    return X[:1300], y[:1300], X[1300:], y[1300:]


def deep(block, n_blocks):
    """A network of many narrow blocks."""
    return SimpleMLPClassifier(
        (32,) * n_blocks,
        block=block,
        batch_size=128,
        learning_rate_init=0.003,
        max_iter=40,
        random_state=0,
        n_threads=1,
    )


@pytest.mark.parametrize("depth", [50, 100])
def test_plain_net_of_that_depth_stays_at_chance(depth):
    """The oracle of what the blocks are good for: a tenth of the digits is right."""
    X, y, _, _ = digits()
    assert deep("plain", depth).fit(X, y).score(X, y) < 0.25


# A block of two or three products counts as so many layers.
FIFTY_LAYERS = {
    "t15-highway": (Highway(gate_bias=-3.0), 50),
    "t16-residual": (Residual(normalization="layer"), 25),
    "t16-bottleneck": (Residual(normalization="layer", bottleneck=16), 17),
    "t17-preactivation": (Preactivation(normalization="layer"), 25),
    "t17-preactivation-100": (Preactivation(normalization="layer"), 50),
    "t18-aggregated": (Aggregated(normalization="layer"), 17),
}


@pytest.mark.parametrize("name", FIFTY_LAYERS)
def test_deep_net_trains(name):
    """Where the plain net stays at chance, the digits are learned."""
    X, y, X_test, y_test = digits()
    block, n_blocks = FIFTY_LAYERS[name]
    network = deep(block, n_blocks).fit(X, y)
    assert network.score(X, y) > 0.95
    assert network.score(X_test, y_test) > 0.85


def small_regressor(block, hidden=(3,), **params):
    """A network on three features whose parameters can be set by hand."""
    X = np.random.default_rng(0).normal(size=(20, 3))
    own = {"activation": "identity", "max_iter": 1, "random_state": 0}
    params = own | {"engine": "numpy"} | params  # which rounds as the formulas do
    network = SimpleMLPRegressor(hidden_layer_sizes=hidden, block=block, **params)
    return network.fit(X, X[:, 0]), X


def test_t15_highway_formula():
    """y = H(x) T(x) + x (1 - T(x)), with the weights that were drawn."""
    network, X = small_regressor(Highway(), activation="tanh")
    (W_h, W_t, W_o), (b_h, b_t, b_o) = weights_of(network), biases_of(network)

    H, T = np.tanh(X @ W_h + b_h), expit(X @ W_t + b_t)

    expected = (H * T + X * (1 - T)) @ W_o + b_o
    assert_allclose(network.predict(X), expected.ravel(), rtol=1e-12)


def test_t15_closed_gate_carries_the_input():
    """With its gate shut a highway layer is the identity."""
    network, X = small_regressor(Highway(), activation="tanh")
    weights_of(network)[1][...] = 0.0
    biases_of(network)[1][...] = -1000.0

    W_o, b_o = weights_of(network)[2], biases_of(network)[2]

    assert_allclose(network.predict(X), (X @ W_o + b_o).ravel(), rtol=1e-15)


@pytest.mark.parametrize("bottleneck", [None, 2])
def test_t16_zero_body_is_the_identity(bottleneck):
    """A residual block whose body is zero lets the input through."""
    block = Residual(normalization=None, bottleneck=bottleneck)
    network, X = small_regressor(block)
    n_body = 2 if bottleneck is None else 3
    for i in range(n_body):
        weights_of(network)[i][...] = 0.0
        biases_of(network)[i][...] = 0.0

    W_o, b_o = weights_of(network)[-1], biases_of(network)[-1]

    assert len(weights_of(network)) == n_body + 1
    assert_allclose(network.predict(X), (X @ W_o + b_o).ravel(), rtol=1e-15)


@pytest.mark.parametrize("shortcut", ["zero_pad", "projection"])
def test_t16_shortcuts_where_the_width_changes(shortcut):
    """From 3 to 5 columns: zeros are appended, or a dense layer leads past."""
    block = Residual(normalization=None, shortcut=shortcut)
    network, X = small_regressor(block, (5,), activation="relu")
    W, b = weights_of(network), biases_of(network)
    body = np.maximum(X @ W[0] + b[0], 0.0) @ W[1] + b[1]
    if shortcut == "zero_pad":
        beside = np.hstack([X, np.zeros((20, 2))])
    else:
        beside = X @ W[2] + b[2]

    expected = np.maximum(body + beside, 0.0) @ W[-1] + b[-1]

    assert_allclose(network.predict(X), expected.ravel(), rtol=1e-12)


def test_t16_identity_needs_equal_widths():
    """The identity cannot lead from 3 to 5 columns, and the message says what can."""
    with pytest.raises(ValueError, match=r"shortcut='projection' or 'zero_pad'"):
        small_regressor(Residual(normalization=None, shortcut="identity"), (5,))


def test_t17_identity_path_is_untouched_end_to_end():
    """With bodies of zeros, what the stem gives arrives at the head as it is."""
    network, X = small_regressor(Preactivation(normalization=None), (3,) * 4)
    stem, *bodies, last = range(len(weights_of(network)))
    for i in bodies:
        weights_of(network)[i][...] = 0.0
        biases_of(network)[i][...] = 0.0
    W, b = weights_of(network), biases_of(network)

    expected = (X @ W[stem] + b[stem]) @ W[last] + b[last]

    assert len(bodies) == 8
    assert_allclose(network.predict(X), expected.ravel(), rtol=1e-13)


def test_t18_equals_the_sum_of_its_branches():
    """The grouped form is the sum of C bottleneck branches."""
    block = Aggregated(cardinality=4, branch_width=2, normalization=None)
    network, X = small_regressor(block, activation="tanh", use_bias=False)
    U, V, W, W_o = weights_of(network)

    branches = np.zeros_like(X)
    for c in range(4):
        columns = slice(2 * c, 2 * c + 2)
        inner = np.tanh(np.tanh(X @ U[:, columns]) @ V[c])
        branches += inner @ W[columns]

    expected = np.tanh(X + branches) @ W_o
    assert_allclose(network.predict(X), expected.ravel(), rtol=1e-12)


@pytest.mark.parametrize(("n", "C", "d"), [(3, 4, 2), (3, 8, 4), (3, 1, 5)])
def test_t18_parameter_count_by_formula(n, C, d):
    """C (n d + d^2 + d n) weights in a block as wide as its input."""
    block = Aggregated(cardinality=C, branch_width=d, normalization=None)
    network, _ = small_regressor(block, use_bias=False)
    assert network.theta_.size == C * (n * d + d**2 + d * n) + n
