"""river: a row at a time is ``partial_fit`` of a row, and classes come in our order."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


SETTINGS = {"hidden_layer_sizes": (8,), "learning_rate_init": 0.01, "random_state": 0}
NAMES = ["first", "second", "noise", "constant"]


@pytest.fixture
def compat():
    """river's wrappers of scikit-learn's estimators."""
    return pytest.importorskip("river.compat")


def stream(X):
    """Rows as river has them."""
    return [dict(zip(NAMES, row, strict=True)) for row in X.tolist()]


def labelled(numbers):
    """Rows and one of two labels for each."""
    X, value = numbers
    return X, np.where(value > np.median(value), "more", "less")


def test_learn_one_is_partial_fit_of_a_row(compat, numbers):
    X, y = labelled(numbers)
    model = SimpleMLPClassifier(**SETTINGS)
    wrapped = compat.convert_sklearn_to_river(clone(model), classes=["less", "more"])
    assert wrapped.predict_proba_one(stream(X)[0]) == {"less": 0.5, "more": 0.5}
    for row, label in zip(stream(X), y, strict=True):
        wrapped.learn_one(row, label)
    for i in range(len(X)):
        model.partial_fit(X[i : i + 1], y[i : i + 1], classes=["less", "more"])
    assert_array_equal(wrapped.estimator.theta_, model.theta_)

    said = [wrapped.predict_proba_one(row) for row in stream(X)]
    said = [[row[label] for label in model.classes_] for row in said]
    assert_array_equal(said, np.vstack([model.predict_proba(row[None]) for row in X]))
    assert model.score(X, y) > 0.6


@pytest.mark.parametrize("classes", [["less", "more"], ["more", "less"]])
def test_probabilities_have_the_right_names_only_in_order(compat, numbers, classes):
    """river names the columns by its list, whatever ``classes_`` says."""
    X, y = labelled(numbers)
    network = SimpleMLPClassifier(**SETTINGS).fit(X, y)
    wrapped = compat.convert_sklearn_to_river(network, classes=classes)
    for row in stream(X):
        said = wrapped.predict_proba_one(row)
        likeliest = max(said, key=said.get)
        agree = likeliest == wrapped.predict_one(row)
        assert agree == (classes == sorted(classes))


def test_regressor_goes_on_from_a_fit(compat, numbers):
    X, y = numbers
    model = SimpleMLPRegressor(**SETTINGS).fit(X[:80], y[:80])
    wrapped = compat.convert_sklearn_to_river(model)  # a copy
    for row, value in zip(stream(X[80:]), y[80:], strict=True):
        wrapped.learn_one(row, value)
    for i in range(80, len(X)):
        model.partial_fit(X[i : i + 1], y[i : i + 1])
    assert_array_equal(wrapped.estimator.theta_, model.theta_)
    assert wrapped.predict_one(stream(X)[3]) == model.predict(X[3:4])[0]
