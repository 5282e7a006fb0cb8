"""T22, and T16 to T18 on images: convolution, pooling, residual networks.

Source of truth: the textbooks' numbers, sizes by formula, a dense network whose weights
are those of the filters written out place by place, exact identities (a body of zeros,
a sum of branches), and that a plain net of the same depth stays at chance.
"""

import numpy as np
import pytest
from by_layer import biases_of, weights_of
from numpy.testing import assert_allclose
from scipy.signal import correlate
from sklearn.datasets import load_digits

from sknet import (
    AggregatedConv,
    Conv,
    ResidualConv,
    SimpleCNNClassifier,
    SimpleMLPClassifier,
)
from sknet.inspection import named_parameters


def network_for(shape, *conv_layers, **params):
    """A network for two classes, fitted in form only; without hidden layers."""
    X = np.random.default_rng(0).random((6, *shape))
    params = {"max_iter": 1, "random_state": 0, "engine": "numpy"} | params
    network = SimpleCNNClassifier((), conv_layers=conv_layers, **params)
    return network.fit(X, [0, 1] * 3), X


def n_columns(network):
    """How many columns the convolutional layers give to the output unit."""
    return weights_of(network)[-1].shape[0]


def passes_through(network):
    """Let the output unit add up its columns, without a bias."""
    weights_of(network)[-1][...] = 1.0
    biases_of(network)[-1][...] = 0.0


# --------------------------------------------------------------------------- sizes


@pytest.mark.parametrize(
    ("padding", "side"), [("valid", 28), ("full", 36), ("same", 32)]
)
def test_t22_five_kernels_over_a_colour_image(padding, side):
    """Five kernels of 5 x 5 x 3 over 32 x 32 x 3, with each kind of padding."""
    network, _ = network_for((32, 32, 3), Conv(5, 5, padding=padding))

    assert weights_of(network)[0].shape == (5 * 5 * 3, 5)
    assert n_columns(network) == side * side * 5


@pytest.mark.parametrize("n", [7, 10])
@pytest.mark.parametrize("f", [2, 3])
@pytest.mark.parametrize("p", [0, 1, 2])
@pytest.mark.parametrize("s", [1, 2, 3])
def test_t22_side_by_formula(n, f, p, s):
    """An image of side n has floor((n + 2p - f) / s) + 1 places along each side."""
    network, _ = network_for((n, n), Conv(1, f, stride=s, padding=p))
    assert n_columns(network) == ((n + 2 * p - f) // s + 1) ** 2


@pytest.mark.parametrize("kind", ["max", "average", "stochastic"])
@pytest.mark.parametrize(("f", "s"), [(2, 2), (3, 2), (3, 1)])
def test_t22_pooling_has_no_parameters(kind, f, s):
    """Kernels and dense layers have parameters; a pool makes images smaller."""
    pooling = Conv(4, pool=f, pool_stride=s, pool_kind=kind)
    pooled, plain = (network_for((9, 9), c)[0] for c in (pooling, Conv(4)))

    side = (9 - f) // s + 1
    assert n_columns(pooled) == side**2 * 4
    for network in (pooled, plain):
        kernels, output = 4 * (3 * 3 + 1), n_columns(network) + 1
        assert network.theta_.size == kernels + output


# ------------------------------------------------------------------------- answers

CURVE = [(0, 5), (1, 4), (2, 3), (3, 2), (4, 2)]
PIXELS = [50.0, 50.0, 50.0, 20.0, 50.0]


def curve_detector():
    """A kernel of 7 x 7 with weights 30 along a curve."""
    network, _ = network_for((7, 7), Conv(1, 7, padding="valid"), activation="identity")
    kernel = np.zeros((7, 7))
    kernel[tuple(zip(*CURVE, strict=True))] = 30.0
    weights_of(network)[0][...] = kernel.reshape(-1, 1)
    biases_of(network)[0][...] = 0.0
    passes_through(network)
    return network


def test_t22_curve_is_found():
    """30 * 50 four times, and 30 * 20: 6600; without the curve 0."""
    curve, other = np.zeros((2, 7, 7))
    curve[tuple(zip(*CURVE, strict=True))] = PIXELS
    other[5:, :2] = 50.0

    assert curve_detector().decision_function([curve, other]).tolist() == [6600.0, 0.0]


@pytest.mark.parametrize(
    ("kind", "answer"), [("max", 4.0), ("average", 2.5), ("stochastic", 3.0)]
)
def test_t22_answers_of_pools(kind, answer):
    """Of 1, 2, 3, 4: the largest, the mean, (1 + 4 + 9 + 16) / 10."""
    network, _ = network_for((2, 2), Conv(1, 1, pool=2, pool_kind=kind))
    weights_of(network)[0][...] = 1.0
    biases_of(network)[0][...] = 0.0
    passes_through(network)

    assert network.decision_function([[[1.0, 2.0], [3.0, 4.0]]]) == pytest.approx(
        answer, rel=1e-15
    )


def test_t22_stochastic_pool_draws_in_training(plain_descent):
    """Of pixels 1 and 3, a quarter of the images gives 1; the losses show how many."""
    still = plain_descent | {"learning_rate_init": 1e-300, "engine": "numpy"}
    conv = Conv(1, 1, pool=(1, 2), pool_kind="stochastic")
    X, y = np.tile([[1.0, 3.0]], (100, 1, 1)), np.zeros(100, dtype=int)
    network = SimpleCNNClassifier((), conv_layers=(conv,), **still)
    network.partial_fit(X, y, classes=[0, 1])
    weights_of(network)[0][...] = 1.0
    biases_of(network)[0][...] = 0.0
    passes_through(network)
    for _ in range(20):
        network.partial_fit(X, y)

    loss_of_1, loss_of_3 = np.logaddexp(0.0, [1.0, 3.0])
    losses = np.array(network.loss_curve_[1:])
    n_ones = 100 * (loss_of_3 - losses) / (loss_of_3 - loss_of_1)

    assert_allclose(n_ones, n_ones.round(), atol=1e-9)
    assert len(set(n_ones.round())) > 3
    # four deviations of the mean of 20 draws of 100
    assert n_ones.mean() == pytest.approx(25.0, abs=4.0)


# ------------------------------------------------------------------------ gradient


def written_out(kernel, n, f):
    """The dense layer of a convolution of n x n pixels: a column for each place."""
    side = n - f + 1
    dense = np.zeros((n, n, side, side, kernel.shape[1]))
    for a, b in np.ndindex(side, side):
        dense[a : a + f, b : b + f, a, b] = kernel.reshape(f, f, -1)
    return dense


def test_t22_gradient_of_a_shared_kernel(gradients, plain_descent):
    """The sum of the gradients at its places, in the network that does not share."""
    n, f, n_kernels = 6, 3, 2
    X = np.random.default_rng(1).normal(size=(8, n, n))
    y = np.array([0, 1] * 4)
    step = plain_descent | {"batch_size": 8, "max_iter": 1}
    before, after = (
        SimpleCNNClassifier(
            (),
            conv_layers=(Conv(n_kernels, f, padding="valid"),),
            learning_rate_init=rate,
            **step,
        ).fit(X, y)
        for rate in (1e-300, 1.0)
    )
    kernel, output = weights_of(before)
    bias, output_bias = biases_of(before)
    side = n - f + 1

    dense, dense_bias = gradients(
        SimpleMLPClassifier((side**2 * n_kernels,), batch_size=8),
        X.reshape(8, -1),
        y,
        [written_out(kernel, n, f).reshape(n * n, -1), output],
        [np.tile(bias, side**2), output_bias],
    )

    at_places = dense[0].reshape(n, n, side, side, n_kernels)
    shared = sum(
        at_places[a : a + f, b : b + f, a, b] for a, b in np.ndindex(side, side)
    )
    assert_allclose(
        kernel - weights_of(after)[0], shared.reshape(-1, n_kernels), atol=1e-14
    )
    bias_at_places = dense_bias[0].reshape(side**2, n_kernels)
    assert_allclose(bias - biases_of(after)[0], bias_at_places.sum(axis=0), atol=1e-14)
    assert_allclose(output - weights_of(after)[1], dense[1], atol=1e-14)


# ------------------------------------------------------------------- moved digits


def digits(margin=0):
    """scikit-learn's digits in float32, within a margin of dark pixels."""
    images, y = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8) / 16.0).astype(np.float32)
    return np.pad(images, [(0, 0), (margin, margin), (margin, margin)]), y


def test_t22_moved_digits():
    """Trained on digits in the middle, tested on digits moved by a pixel."""
    X, y = digits(margin=1)
    params = {"max_iter": 40, "learning_rate_init": 0.003, "random_state": 0}
    net = SimpleCNNClassifier(
        (32,), conv_layers=(Conv(12, pool=2), Conv(24, pool=2)), **params
    )
    dense = SimpleMLPClassifier((60,), **params)
    net.fit(X[:1300], y[:1300])
    dense.fit(X[:1300].reshape(1300, -1), y[:1300])
    assert net.theta_.size < dense.theta_.size  # 6170 and 6670

    for move in [(0, 1), (0, -1), (1, 0), (-1, 0)]:
        moved = np.roll(X[1300:], move, axis=(1, 2))
        of_dense = dense.score(moved.reshape(len(moved), -1), y[1300:])
        assert net.score(moved, y[1300:]) > of_dense + 0.1


# ---------------------------------------------------------------- residual networks


@pytest.mark.parametrize("bottleneck", [None, 2])
def test_t16_zero_body_is_the_identity(bottleneck):
    """A residual layer whose body is zero lets the image through."""
    layer = ResidualConv(3, normalization=None, bottleneck=bottleneck)
    network, X = network_for((5, 4, 3), layer)
    *body, W_o = weights_of(network)
    *_, b_o = biases_of(network)
    for array in (*body, *biases_of(network)[:-1]):
        array[...] = 0.0

    expected = X.reshape(6, -1) @ W_o + b_o

    assert len(body) == (2 if bottleneck is None else 3)
    assert_allclose(network.decision_function(X), expected.ravel(), rtol=1e-13)


@pytest.mark.parametrize("shortcut", ["zero_pad", "projection"])
def test_t16_shortcuts_where_the_size_changes(shortcut):
    """Every second position; zeros for the new channels, or a convolution of 1 x 1."""
    layer = ResidualConv(5, stride=2, shortcut=shortcut, normalization=None)
    network, X = network_for((6, 5, 3), layer)
    (*body, W_o), (*_, b_o) = weights_of(network), biases_of(network)
    for array in (*body[:2], *biases_of(network)[:-1]):
        array[...] = 0.0
    beside = X[:, ::2, ::2]
    if shortcut == "zero_pad":
        assert len(body) == 2
        beside = np.pad(beside, [(0, 0), (0, 0), (0, 0), (0, 2)])
    else:
        beside = beside @ body[2]

    expected = np.maximum(beside, 0.0).reshape(6, -1) @ W_o + b_o

    assert_allclose(network.decision_function(X), expected.ravel(), rtol=1e-12)


def test_t16_batch_normalization_is_that_of_the_paper():
    """A convolution without a bias, then a scale and a shift for each filter."""
    network, _ = network_for((6, 6, 4), ResidualConv(4), engine="auto")
    names = [name.rpartition(".")[2] for name in named_parameters(network)]
    assert names.count("weight") == 3
    assert names.count("bias") == 1  # of the output unit
    assert names.count("scale") == names.count("shift") == 2


def test_t17_identity_path_is_untouched_end_to_end():
    """With bodies of zeros, what the stem gives arrives at the last activation."""
    stem = Conv(3, activation="identity")
    layers = [ResidualConv(3, preactivation=True, normalization=None)] * 4
    network, X = network_for((5, 4, 2), stem, *layers)
    plain, _ = network_for((5, 4, 2), Conv(3))
    first, *bodies, last = range(len(weights_of(network)))
    for i in bodies:
        weights_of(network)[i][...] = 0.0
        biases_of(network)[i][...] = 0.0
    for here, there in ((first, 0), (last, 1)):
        weights_of(plain)[there][...] = weights_of(network)[here]
        biases_of(plain)[there][...] = biases_of(network)[here]

    assert len(bodies) == 8
    assert_allclose(
        network.decision_function(X), plain.decision_function(X), rtol=1e-13
    )


def convolved(image, kernel, size=3):
    """An image of (H, W, C) with kernels (size * size * C, F), padding "same"."""
    kernel = kernel.reshape(size, size, image.shape[2], -1)
    pad = size // 2
    image = np.pad(image, [(pad, pad), (pad, pad), (0, 0)])
    planes = [
        correlate(image, kernel[..., f], mode="valid", method="direct")[..., 0]
        for f in range(kernel.shape[3])
    ]
    return np.stack(planes, axis=-1)


def test_t18_equals_the_sum_of_its_branches():
    """The grouped form is the sum of C bottleneck branches."""
    layer = AggregatedConv(3, cardinality=4, branch_width=2, normalization=None)
    network, X = network_for((5, 4, 3), layer, activation="tanh", use_bias=False)
    U, V, W, W_o = weights_of(network)
    V = V.reshape(3 * 3 * 2, 8)  # a filter sees the two channels of its own branch

    expected = []
    for image in X:
        branches = np.zeros_like(image)
        for c in range(4):
            columns = slice(2 * c, 2 * c + 2)
            inner = np.tanh(convolved(np.tanh(image @ U[:, columns]), V[:, columns]))
            branches += inner @ W[columns]
        expected.append(np.tanh(image + branches).ravel() @ W_o)

    assert_allclose(network.decision_function(X), np.ravel(expected), rtol=1e-12)


@pytest.mark.parametrize(("n", "C", "d"), [(3, 4, 2), (3, 8, 4), (6, 1, 5)])
def test_t18_parameter_count_by_formula(n, C, d):
    """C (n d + 9 d^2 + d n) weights in a layer with as many filters as channels."""
    layer = AggregatedConv(n, cardinality=C, branch_width=d, normalization=None)
    network, _ = network_for((5, 5, n), layer, use_bias=False)
    body = network.theta_.size - n_columns(network)
    assert body == C * (n * d + 9 * d**2 + d * n)


STEM = Conv(8, pool=2)
FORTY_LAYERS = {
    "plain": [Conv(8)] * 40,
    "t16-residual": [ResidualConv(8, normalization="layer")] * 20,
    "t16-bottleneck": [ResidualConv(8, bottleneck=8, normalization="layer")] * 13,
    "t17-preactivation": [
        ResidualConv(8, preactivation=True, normalization="layer"),
    ]
    * 20,
    "t18-aggregated": [
        AggregatedConv(8, cardinality=4, branch_width=2, normalization="layer"),
    ]
    * 13,
}


@pytest.mark.parametrize("name", FORTY_LAYERS)
def test_deep_net_trains_if_it_is_not_plain(name):
    """Where the plain net stays at chance, the digits are learned."""
    X, y = digits()
    network = SimpleCNNClassifier(
        (),
        conv_layers=(STEM, *FORTY_LAYERS[name]),
        batch_size=50,
        learning_rate_init=0.01,
        max_iter=12,
        random_state=0,
        n_threads=1,
    )
    score = network.fit(X[:600], y[:600]).score(X[:600], y[:600])
    assert score < 0.25 if name == "plain" else score > 0.7
