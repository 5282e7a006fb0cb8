"""Each block is trained, goes on, and has dropout."""

import pickle

import numpy as np
import pytest
from block_networks import (
    BLOCK_NAMES,
    N_IN,
    N_OUT,
    WITH_SHORTCUT,
    X,
    Y,
    each_normalized_block,
    make,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sknet.network.blocks import BLOCKS
from sknet.schedules import Cosine


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
each_block = pytest.mark.parametrize("block", BLOCK_NAMES)


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
    with pytest.raises(ValueError, match=r"cannot resume.*block"):
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
