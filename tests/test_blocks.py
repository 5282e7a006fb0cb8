"""Blocks: what hidden layers are made of, through the estimators."""

import pickle
from itertools import product

import numpy as np
import pytest
from by_layer import biases_of, weights_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import log_softmax

from sknet import SimpleMLPClassifier
from sknet.network.blocks import BLOCKS, Aggregated, Preactivation, Residual
from sknet.schedules import Cosine


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_IN, N_OUT = 5, 3
X = np.random.default_rng(0).normal(size=(90, N_IN))
Y = (np.abs(X[:, 0]) + X[:, 1] > 1.0).astype(int) + (X[:, 2] > 0)
BLOCK_NAMES = list(BLOCKS)
NORMALIZATIONS = (None, "batch", "layer")
FOREVER = {"n_iter_no_change": np.inf, "tol": 0.0}
each_block = pytest.mark.parametrize("block", BLOCK_NAMES)
each_normalized_block = pytest.mark.parametrize(
    ("block", "normalization"), list(product(BLOCK_NAMES, NORMALIZATIONS))
)


def make(block, hidden=(8, 8), **params):
    """Return an unfitted classifier that makes three epochs of three batches."""
    base = {"batch_size": 32, "max_iter": 3, "random_state": 0} | FOREVER
    return SimpleMLPClassifier(hidden, block=block, **(base | params))


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

    def cut(self, n, h):
        """A projection where the widths differ."""
        return 0 if n == h else self.dense(n, h)

    def plain(self, n, h):
        return self.weigh(n, h)

    def residual(self, n, h):
        return self.weigh(n, h) + self.weigh(h, h) + self.cut(n, h)

    def bottleneck(self, n, h, d):
        inner = self.weigh(n, d) + self.weigh(d, d) + self.weigh(d, h)
        return inner + self.cut(n, h)

    def preactivation(self, n, h):
        return self.norm(n) + self.weigh(n, h) + self.dense(h, h) + self.cut(n, h)

    def highway(self, n, h):
        return self.weigh(n, h) + n * h + h + self.cut(n, h)

    def aggregated(self, n, h, c=8, d=4):
        inner = c * d * d + self.weigh(0, c * d)
        return self.weigh(n, c * d) + inner + self.weigh(c * d, h) + self.cut(n, h)

    def tabular_resnet(self, n, h):
        inner = self.norm(n) + self.dense(n, 2 * h) + self.dense(2 * h, h)
        return inner + self.cut(n, h)

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


# ---- shortcuts

WITH_SHORTCUT = ("residual", "preactivation", "aggregated")


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
    cut = count.cut(8 if stem else N_IN, 8) + count.cut(8, 6)
    assert sizes["projection"] - sizes["zero_pad"] == cut


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
        ValueError, match=r"\(6,\).* shortcut \(8,\)\. Use shortcut='proj"
    ):
        make(block, (8, 6) if name == "preactivation" else (6,)).fit(
            np.repeat(X, 2, axis=1)[:, :8], Y
        )


# ---- each block through fit and predict


@each_normalized_block
def test_widths_may_change(block, normalization):
    """Narrower and wider again: the loss falls."""
    made = BLOCKS[block](normalization=normalization)
    model = make(made, (8, 4, 10), max_iter=15, learning_rate_init=0.01).fit(X, Y)
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert np.isfinite(model.theta_).all()


@pytest.mark.parametrize("shortcut", ["projection", "zero_pad"])
@each_normalized_block
def test_sparse_features_equal_dense_ones(block, normalization, shortcut):
    """Weights after training, and predictions."""
    made = BLOCKS[block](normalization=normalization)
    if block in WITH_SHORTCUT:
        made = made.with_param("shortcut", shortcut)
    some = X * (X > 0)
    dense = make(made, (8, 6)).fit(some, Y)
    thin = make(made, (8, 6)).fit(sparse.csr_matrix(some), Y)
    assert_allclose(thin.theta_, dense.theta_, rtol=1e-9, atol=1e-11)
    raw = thin.decision_function(sparse.csr_matrix(some))
    assert_allclose(raw, dense.decision_function(some), rtol=1e-9, atol=1e-10)


@each_normalized_block
def test_single_precision_stays(block, normalization):
    """Parameters and probabilities of float32 features."""
    made = BLOCKS[block](normalization=normalization)
    model = make(made, dropout=0.2).fit(X.astype(np.float32), Y)
    assert model.theta_.dtype == np.float32
    assert model.predict_proba(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("normalization", [None, "layer"])
@each_block
def test_lbfgs_trains_every_block(block, normalization):
    """The loss of the full batch falls."""
    made = BLOCKS[block](normalization=normalization)
    before = make(made, solver="lbfgs", max_iter=1).fit(X, Y).loss_
    assert make(made, solver="lbfgs", max_iter=20).fit(X, Y).loss_ < before


@each_normalized_block
def test_prediction_does_not_depend_on_the_chunks(block, normalization):
    """5000 rows at once equal the same rows in pieces of other sizes."""
    made = BLOCKS[block](normalization=normalization)
    model = make(made, dropout=0.3).fit(X, Y)
    many = np.random.default_rng(1).normal(size=(5000, N_IN))
    pieces = [model.predict_proba(part) for part in np.array_split(many, 7)]
    assert_allclose(model.predict_proba(many), np.concatenate(pieces), rtol=1e-12)


@each_normalized_block
def test_pickled_model_predicts_the_same(block, normalization):
    """Bit for bit."""
    model = make(BLOCKS[block](normalization=normalization), dropout=0.3).fit(X, Y)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))


# ---- going on


def through_a_pickle(model):
    """Return what a pickle keeps of a model."""
    return pickle.loads(pickle.dumps(model))


RESUMED = {
    "dropout": 0.2,
    "averaging": "ema",
    "learning_rate": Cosine(floor=0.1),
    "clip_norm": 0.5,
}


@pytest.mark.parametrize("averaging", ["ema", "swa"])
@each_normalized_block
def test_partial_fit_goes_on_as_if_it_had_never_stopped(
    block, normalization, averaging
):
    """Noise, running statistics, average and plan are in the pickle, bit for bit."""
    made = BLOCKS[block](normalization=normalization)
    params = RESUMED | {"averaging": averaging, "max_iter": 5}
    whole = make(made, **params).fit(X, Y)
    parts = make(made, **params)
    for n_epochs in (2, 3):
        for _ in range(n_epochs):
            parts.partial_fit(X, Y, classes=range(N_OUT))
        parts = through_a_pickle(parts)
    assert_array_equal(parts.theta_, whole.theta_)
    assert parts.loss_curve_ == whole.loss_curve_


@each_normalized_block
def test_warm_start_goes_on_as_if_it_had_never_stopped(block, normalization):
    """3 + 3 epochs with dropout and an average are 6, bit for bit."""
    made = BLOCKS[block](normalization=normalization)
    params = {"dropout": 0.2, "averaging": "ema", "warm_start": True}
    whole = make(made, max_iter=6, **params).fit(X, Y)
    parts = through_a_pickle(make(made, max_iter=3, **params).fit(X, Y)).fit(X, Y)
    assert_array_equal(parts.theta_, whole.theta_)


def test_another_block_cannot_go_on():
    """A warm start refuses another network, and says which part differs."""
    model = make("plain", warm_start=True).fit(X, Y).set_params(block="residual")
    with pytest.raises(ValueError, match=r"cannot go on.*block"):
        model.fit(X, Y)


# ---- dropout


@each_block
def test_dropout_touches_neither_initial_weights_nor_order(block):
    """A rate that never drops anything gives the same fit, bit for bit."""
    never = make(block, dropout=1e-300).fit(X, Y)
    assert_array_equal(never.theta_, make(block).fit(X, Y).theta_)


@each_block
def test_dropout_acts_in_every_block(block):
    """Training differs, and follows from the seed."""
    first, second = (make(block, dropout=0.5).fit(X, Y) for _ in range(2))
    assert_array_equal(first.theta_, second.theta_)
    assert not np.array_equal(first.theta_, make(block).fit(X, Y).theta_)


def test_residual_dropout_of_the_tabular_network_acts():
    """It is another rate than the estimator's."""
    block = BLOCKS["tabular_resnet"](residual_dropout=0.5)
    theta = make(block).fit(X, Y).theta_
    assert not np.array_equal(theta, make("tabular_resnet").fit(X, Y).theta_)
    with_both = make(block, dropout=0.5).fit(X, Y).theta_
    assert not np.array_equal(theta, with_both)


def test_dropout_list_has_a_rate_for_each_layer():
    """Equal rates are one rate; the order of different ones matters."""
    fits = {
        key: make("plain", dropout=rate).fit(X, Y).theta_
        for key, rate in {
            "one": 0.5,
            "list": [0.5, 0.5],
            "first": [0.5, 0.0],
            "last": (0.0, 0.5),
            "array": np.array([0.0, 0.5]),
        }.items()
    }
    assert_array_equal(fits["one"], fits["list"])
    assert_array_equal(fits["last"], fits["array"])
    assert not np.array_equal(fits["first"], fits["last"])
    assert not np.array_equal(fits["first"], fits["one"])


def test_dropout_of_the_first_layer_alone_leaves_the_others():
    """With the noise after the first layer only, a rate of (almost) zero is none."""
    plain = make("plain").fit(X, Y).theta_
    assert_array_equal(make("plain", dropout=[1e-300, 0.0]).fit(X, Y).theta_, plain)
