"""Predictors: the estimator's own bits, and what they take."""

import gc
import weakref

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from predicted import FIT, N_FEATURES, classifier, labels, regressor, rows, table
from scipy import sparse
from sklearn.exceptions import NotFittedError
from threadpoolctl import threadpool_limits

from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.activations import ACTIVATIONS
from sknet.losses import CLASS_LOSSES, VALUE_LOSSES
from sknet.network.blocks import BLOCKS


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
NO_FUNCTIONS = {"custom"}
# One row, a few that keep their buffers, a few after others, and more than are kept.
SIZES = (1, 7, 7, 1, 600)
METHODS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "predict_members",
    "predict_proba_members",
)
ENSEMBLES = {
    "several": {"n_estimators": 3},
    "a shared backbone": {"n_estimators": 3, "shared_backbone": True},
    "dropout": {"dropout": 0.2},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "no biases": {"use_bias": False},
    "another parametrisation": {"initializer": "ntk"},
    "batches normalised": {"block": BLOCKS.make("residual")},
}


def assert_same(estimator, X=None):
    """Compare every prediction, for several numbers of rows one after the other."""
    predictor = estimator.predictor()
    methods = [name for name in METHODS if hasattr(estimator, name)]
    assert [name for name in METHODS if hasattr(predictor, name)] == methods
    for size in SIZES:
        x = rows(size, estimator.theta_.dtype, seed=size) if X is None else X[:size]
        for name in methods:
            own, fast = (getattr(each, name)(x) for each in (estimator, predictor))
            assert_array_equal(fast, own, strict=True)


# ------------------------------------------------------------------- the same numbers


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_activation_gives_the_estimators_bits(activation, dtype):
    assert_same(classifier(activation=activation, dtype=dtype))


@pytest.mark.parametrize("block", sorted(BLOCKS))
def test_every_block_gives_the_estimators_bits(block):
    assert_same(classifier(3, block=block))


@pytest.mark.parametrize("loss", sorted(set(CLASS_LOSSES) - NO_FUNCTIONS))
@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_every_loss_of_a_classifier_gives_the_estimators_bits(loss, n_classes):
    assert_same(classifier(n_classes, loss=loss))


@pytest.mark.parametrize("loss", sorted(set(CLASS_LOSSES) - NO_FUNCTIONS))
def test_several_labels_give_the_estimators_bits(loss):
    X = rows(60)
    network = SimpleMLPClassifier((8,), loss=loss, **FIT)
    assert_same(network.fit(X, (X[:, :3] > 0.0).astype(int)))


@pytest.mark.parametrize("loss", sorted(set(VALUE_LOSSES) - NO_FUNCTIONS))
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_every_loss_of_a_regressor_gives_the_estimators_bits(loss, n_outputs):
    assert_same(regressor(n_outputs, loss=loss))


@pytest.mark.parametrize("params", ENSEMBLES.values(), ids=ENSEMBLES)
def test_every_kind_of_network_gives_the_estimators_bits(params):
    assert_same(classifier(3, **params))
    assert_same(regressor(2, "float32", **params))


@pytest.mark.parametrize("params", [{}, {"n_estimators": 3}])
def test_standard_deviations_are_the_estimators(params):
    network = regressor(loss="gaussian", **params)
    own, fast = (
        each.predict(rows(3), return_std=True)
        for each in (network, network.predictor())
    )
    assert_array_equal(fast, own)


@pytest.mark.parametrize("n_estimators", [1, 3])
def test_tables_give_the_estimators_bits(n_estimators):
    """Categories, gaps and the temperature."""
    X, y = table()
    params = {"hidden_layer_sizes": (8,), "n_estimators": n_estimators, "max_iter": 4}
    params |= {"random_state": 0}
    assert_same(TabularMLPRegressor(**params).fit(X, y), X)
    network = TabularMLPClassifier(**params).fit(X, y > 0.0)
    assert network.temperature_ != 1.0
    assert_same(network, X)


def test_one_that_is_deterministic_asks_for_one_thread():
    """So much is multiplied here that a second thread of BLAS changes the last bits."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 200))
    params = {"hidden_layer_sizes": (300, 300), "max_iter": 1, "random_state": 0}
    network = SimpleMLPRegressor(deterministic=True, **params).fit(X[:200], X[:200, 0])
    alone = network.predict(X)
    with threadpool_limits(2, user_api="blas"):
        served = network.predictor().predict(X)
    assert_array_equal(served, alone)


def test_quantiles_of_tables_are_the_estimators():
    X, y = table()
    network = TabularMLPRegressor(
        (8,), quantiles=(0.1, 0.9), max_iter=4, random_state=0
    ).fit(X, y)
    predictor = network.predictor()
    assert_array_equal(predictor.predict(X), network.predict(X))
    both = [each.predict(X, quantiles=[0.1, 0.9]) for each in (predictor, network)]
    assert_array_equal(*both)
    with pytest.raises(ValueError, match=r"not trained for the levels \[0.5\]"):
        predictor.predict(X, quantiles=0.5)


# ------------------------------------------------------------- what belongs to whom


def test_a_later_fit_does_not_reach_the_predictor():
    network, x = classifier(), rows(5, seed=1)
    predictor, before = network.predictor(), network.predict_proba(x)
    network.coefs_[0][...] = 0.0
    assert_array_equal(predictor.predict_proba(x), before)
    network.classes_[:] = 7
    network.fit(rows(60, seed=2), labels(rows(60), 3))
    assert_array_equal(predictor.predict_proba(x), before)
    assert set(predictor.predict(x)) <= {0, 1}


def test_a_later_fit_of_a_table_does_not_reach_the_predictor():
    X, y = table()
    network = TabularMLPRegressor((8,), max_iter=4, random_state=0).fit(X, y)
    predictor, before = network.predictor(), network.predict(X)
    network.preprocessor_.center_[:] = 100.0
    network.target_mean_[:] = 100.0
    assert_array_equal(predictor.predict(X), before)


def test_the_estimator_keeps_nothing_of_its_predictor():
    network = classifier()
    before = set(vars(network))
    network.predictor().predict(rows(1))
    assert set(vars(network)) == before


@pytest.mark.parametrize(
    "params", [{}, {"n_estimators": 2}, {"activation": "identity"}]
)
@pytest.mark.parametrize("n_rows", [1, 600])
def test_a_prediction_is_not_changed_by_the_next(params, n_rows):
    predictors = classifier(**params).predictor(), regressor(**params).predictor()
    for predictor in predictors:
        for name in METHODS:
            if not hasattr(predictor, name):
                continue
            first = getattr(predictor, name)(rows(n_rows, seed=1))
            kept = first.copy()
            first_again = getattr(predictor, name)(rows(n_rows, seed=2))
            assert_array_equal(first, kept)
            assert not np.shares_memory(first, first_again)


def test_rows_are_neither_changed_nor_kept():
    predictor = classifier(activation="identity").predictor()
    for n_rows in (1, 600):
        x = rows(n_rows)
        before, seen = x.copy(), weakref.ref(x)
        predictor.predict(x)
        assert_array_equal(x, before)
        del x
        gc.collect()
        assert seen() is None


# ------------------------------------------------------------------ what is taken


@pytest.mark.parametrize(
    "kind", ["f4", "f8", "f2", "g", ">f8", "i8", "i1", "u2", "?", "O"]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_real_numbers_of_every_type_are_taken(kind, dtype):
    network = classifier(dtype=dtype)
    for n_rows in (1, 600):
        x = (3.0 * rows(n_rows)).astype(np.uint8 if kind == "u2" else "i1").astype(kind)
        expected = network.predict_proba(x)
        assert_array_equal(network.predictor().predict_proba(x), expected)


@pytest.mark.parametrize("n_rows", [2, 600])
def test_arrays_of_every_order_are_taken(n_rows):
    network = classifier()
    predictor, X = network.predictor(), rows(2 * n_rows)
    for x in (np.asfortranarray(X), X[::2], X[:, ::-1]):
        assert_array_equal(predictor.predict_proba(x), network.predict_proba(x))


def test_finite_numbers_whose_squares_overflow_are_taken():
    network = classifier()
    x = np.full((1, N_FEATURES), 1e200)
    assert_array_equal(network.predictor().predict(x), network.predict(x))


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.zeros((1, 5)), ValueError, "X has 5 features, but ClassPredictor"),
        (np.zeros(6), ValueError, "Expected 2D array, got 1D array"),
        (np.zeros((1, 1, 6)), ValueError, "Found array with dim 3"),
        (np.zeros((0, 6)), ValueError, "Found array with 0 sample"),
        (np.full((1, 6), np.nan), ValueError, "Input X contains NaN"),
        (np.full((1, 6), np.inf), ValueError, "Input X contains infinity"),
        (np.full((600, 6), np.nan), ValueError, "Input X contains NaN"),
        (np.zeros((1, 6), complex), ValueError, "Complex data not supported"),
        (np.full((1, 6), "a"), ValueError, "could not convert string to float"),
        (np.zeros((1, 6), "M8[s]"), TypeError, "dates and durations"),
        (np.ma.zeros((1, 6)), ValueError, "masked array"),
        ([[0.0] * 6], TypeError, "only accepts NumPy arrays, got list"),
        (pd.DataFrame(np.zeros((1, 6))), TypeError, "got DataFrame"),
        (sparse.csr_matrix((1, 6)), TypeError, "got csr_matrix"),
        (None, TypeError, "got NoneType"),
    ],
    ids=str,
)
def test_other_input_is_refused(x, error, message):
    predictor = classifier().predictor()
    for name in METHODS:
        with pytest.raises(error, match=message):
            getattr(predictor, name)(x)


def test_names_of_columns_are_not_looked_at():
    """The estimator warns of an array without names, the predictor does not."""
    X = pd.DataFrame(rows(60), columns=[*"abcdef"])
    network = SimpleMLPClassifier((8,), **FIT).fit(X, labels(X, 2))
    expected = network.predict_proba(X)
    assert_array_equal(network.predictor().predict_proba(X.to_numpy()), expected)


@pytest.mark.parametrize("loss", ["hinge", "perceptron"])
def test_margins_are_no_probabilities(loss):
    predictor = classifier(3, loss=loss).predictor()
    assert not hasattr(predictor, "predict_proba")


@pytest.mark.parametrize(
    "kind",
    [
        SimpleMLPClassifier,
        SimpleMLPRegressor,
        TabularMLPClassifier,
        TabularMLPRegressor,
    ],
)
def test_only_a_fitted_estimator_has_a_predictor(kind):
    with pytest.raises(NotFittedError, match="not fitted"):
        kind().predictor()
