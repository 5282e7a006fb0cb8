"""Blocks: what hidden layers are made of, through the estimators."""

import numpy as np
import pytest
from block_networks import (
    N_IN,
    N_OUT,
    NORMALIZATIONS,
    WITH_SHORTCUT,
    X,
    Y,
    each_normalized_block,
    make,
)
from by_layer import biases_of, weights_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import log_softmax

from sknet.network.blocks import BLOCKS, Aggregated, Preactivation, Residual


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# ---- how many parameters


class Count:
    """Numbers of parameters, by the formulas of the docstrings."""

    def __init__(self, normalization, use_bias):
        self.normalization = normalization
        self.bias = int(use_bias)

    def norm(self, h):
        """Scale and shift; a batch normalisation has statistics, too."""
        return {None: 0, "batch": 4 * h + 1, "layer": 2 * h}[self.normalization]

    def dense(self, n, h):
        """Weights and biases."""
        return n * h + self.bias * h

    def weigh(self, n, h):
        """Weights and a normalisation, of which a batch normalisation needs no bias."""
        bias = 0 if self.normalization == "batch" else self.bias
        return n * h + bias * h + self.norm(h)

    def partition(self, n, h):
        """A projection where the widths differ."""
        return 0 if n == h else self.dense(n, h)

    def plain(self, n, h):
        return self.weigh(n, h)

    def residual(self, n, h):
        return self.weigh(n, h) + self.weigh(h, h) + self.partition(n, h)

    def bottleneck(self, n, h, d):
        inner = self.weigh(n, d) + self.weigh(d, d) + self.weigh(d, h)
        return inner + self.partition(n, h)

    def preactivation(self, n, h):
        return self.norm(n) + self.weigh(n, h) + self.dense(h, h) + self.partition(n, h)

    def highway(self, n, h):
        return self.weigh(n, h) + n * h + h + self.partition(n, h)

    def aggregated(self, n, h, c=8, d=4):
        inner = c * d * d + self.weigh(0, c * d)
        return (
            self.weigh(n, c * d) + inner + self.weigh(c * d, h) + self.partition(n, h)
        )

    def tabular_resnet(self, n, h):
        inner = self.norm(n) + self.dense(n, 2 * h) + self.dense(2 * h, h)
        return inner + self.partition(n, h)

    def network(self, block, hidden):
        """Stem, blocks, head and the output layer."""
        has_stem = block in ("preactivation", "tabular_resnet")
        n = hidden[0] if has_stem else N_IN
        total = self.dense(N_IN, n) + self.norm(hidden[-1]) if has_stem else 0
        for h in hidden:
            total += getattr(self, block)(n, h)
            n = h
        return total + self.dense(n, N_OUT)


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("hidden", [(8,), (N_IN, N_IN), (8, 6, 6)])
@each_normalized_block
def test_number_of_parameters_follows_the_formula(
    block, normalization, hidden, use_bias
):
    """All entries of theta, running statistics included."""
    made = BLOCKS[block](normalization=normalization)
    model = make(made, hidden, use_bias=use_bias, max_iter=1).fit(X, Y)
    expected = Count(normalization, use_bias).network(block, hidden)
    assert model.theta_.shape == (1, expected)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_bottleneck_has_three_layers(normalization):
    """The inner two are narrow."""
    block = Residual(normalization=normalization, bottleneck=2)
    model = make(block, (8, 6), max_iter=1).fit(X, Y)
    count = Count(normalization, True)
    blocks = count.bottleneck(N_IN, 8, 2) + count.bottleneck(8, 6, 2)
    assert model.theta_.size == blocks + count.dense(6, N_OUT)


@pytest.mark.parametrize(("cardinality", "branch_width"), [(1, 3), (4, 2), (3, 1)])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_branches_have_parameters_of_their_own(
    normalization, cardinality, branch_width
):
    """C (n d + d² + d h) weights, biases and normalisations apart."""
    block = Aggregated(cardinality, branch_width, normalization)
    model = make(block, (8,), max_iter=1).fit(X, Y)
    count = Count(normalization, True)
    hidden = count.aggregated(N_IN, 8, cardinality, branch_width)
    assert model.theta_.size == hidden + count.dense(8, N_OUT)
    n_weights = cardinality * (N_IN * branch_width + branch_width**2 + branch_width * 8)
    assert sum(W.size for W in weights_of(model)[:3]) == n_weights


# ---- what they compute


def test_aggregated_is_the_sum_of_its_branches():
    """Each branch apart, from its own columns of the parameters, to 1e-12."""
    C, d = 4, 2
    block = Aggregated(cardinality=C, branch_width=d, normalization=None)
    model = make(block, (8,), activation="tanh").fit(X, Y)
    U, V, W, S, out = weights_of(model)
    u, v, w, s, o = biases_of(model)
    total = X @ S + s + w
    for c in range(C):
        own = slice(c * d, (c + 1) * d)
        inner = np.tanh(X @ U[:, own] + u[own])
        total = total + np.tanh(inner @ V[c] + v[own]) @ W[own]
    raw = np.tanh(total) @ out + o
    scores = log_softmax(raw, axis=1)
    assert_allclose(model.decision_function(X), scores, rtol=1e-12, atol=1e-13)


def test_residual_equals_its_formula():
    """f(S(x) + f(x W1 + b1) W2 + b2), with a projection and without."""
    model = make(Residual(normalization=None), (8, 8), activation="tanh").fit(X, Y)
    W1, W2, S, W3, W4, out = weights_of(model)
    b1, b2, s, b3, b4, o = biases_of(model)
    first = np.tanh(X @ S + s + np.tanh(X @ W1 + b1) @ W2 + b2)
    second = np.tanh(first + np.tanh(first @ W3 + b3) @ W4 + b4)
    raw = second @ out + o
    scores = log_softmax(raw, axis=1)
    assert_allclose(model.decision_function(X), scores, rtol=1e-12, atol=1e-13)


def test_highway_equals_its_formula():
    """T f(x W + b) + (1 - T) S(x), and the gate starts at its bias."""
    model = make("highway", (N_IN,), activation="tanh", learning_rate_init=1e-12).fit(
        X, Y
    )
    W, T, out = weights_of(model)
    b, t, o = biases_of(model)
    assert_allclose(t, -2.0, atol=1e-9)
    gate = 1.0 / (1.0 + np.exp(-(X @ T + t)))
    raw = (gate * np.tanh(X @ W + b) + (1.0 - gate) * X) @ out + o
    scores = log_softmax(raw, axis=1)
    assert_allclose(model.decision_function(X), scores, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("depth", [1, 2, 20])
def test_preactivation_leaves_the_way_past_the_bodies_untouched(depth):
    """With bodies that are zero, what is left is stem, activation, output layer."""
    block = Preactivation(normalization=None)
    model = make(block, (8,) * depth, activation="tanh", max_iter=1).fit(X, Y)
    weights, biases = weights_of(model), biases_of(model)
    assert len(weights) == 2 * depth + 2
    for i in range(2, 2 * depth + 1, 2):
        weights[i][...] = 0.0
        biases[i][...] = 0.0
    raw = np.tanh(X @ weights[0] + biases[0]) @ weights[-1] + biases[-1]
    scores = log_softmax(raw, axis=1)
    assert_allclose(model.decision_function(X), scores, rtol=1e-12, atol=1e-13)


def test_preactivation_equals_its_formula():
    """x + f(f(x) W1 + b1) W2 + b2 between a stem and an activation."""
    model = make(Preactivation(normalization=None), (4,), activation="tanh").fit(X, Y)
    stem, W1, W2, out = weights_of(model)
    s, b1, b2, o = biases_of(model)
    x = X @ stem + s
    x = x + np.tanh(np.tanh(x) @ W1 + b1) @ W2 + b2
    raw = np.tanh(x) @ out + o
    scores = log_softmax(raw, axis=1)
    assert_allclose(model.decision_function(X), scores, rtol=1e-12, atol=1e-13)


def test_tabular_resnet_equals_its_formula():
    """x + f(x W1 + b1) W2 + b2 between a stem and an activation."""
    block = BLOCKS["tabular_resnet"](normalization=None)
    model = make(block, (4,), activation="tanh").fit(X, Y)
    stem, W1, W2, out = weights_of(model)
    s, b1, b2, o = biases_of(model)
    x = X @ stem + s
    raw = np.tanh(x + np.tanh(x @ W1 + b1) @ W2 + b2) @ out + o
    scores = log_softmax(raw, axis=1)
    assert_allclose(model.decision_function(X), scores, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", WITH_SHORTCUT)
def test_zero_pad_takes_no_weights(name):
    """A projection has them, where the widths differ."""
    sizes = {
        kind: make(BLOCKS[name](shortcut=kind), (8, 6), max_iter=1)
        .fit(X, Y)
        .theta_.size
        for kind in ("projection", "zero_pad")
    }
    count, stem = Count("batch", True), name == "preactivation"
    partition = count.partition(8 if stem else N_IN, 8) + count.partition(8, 6)
    assert sizes["projection"] - sizes["zero_pad"] == partition


@pytest.mark.parametrize("name", WITH_SHORTCUT)
def test_shortcuts_are_all_the_same_for_equal_widths(name):
    """Then each is the identity, so that fits agree bit for bit."""
    models = [
        make(BLOCKS[name](shortcut=kind), (N_IN, N_IN)).fit(X, Y)
        for kind in ("projection", "zero_pad", "identity")
    ]
    for model in models[1:]:
        assert_array_equal(model.theta_, models[0].theta_)


@pytest.mark.parametrize("name", WITH_SHORTCUT)
def test_identity_is_refused_where_the_widths_differ(name):
    """The message says which widths, and what to use instead."""
    block = BLOCKS[name](shortcut="identity")
    with pytest.raises(
        ValueError, match=r"\(6,\).* shortcut has \(8,\)\. Use shortcut='proj"
    ):
        make(block, (8, 6) if name == "preactivation" else (6,)).fit(
            np.repeat(X, 2, axis=1)[:, :8], Y
        )
