"""The decision function: log odds, log probabilities, or the raw outputs."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from real_data import CANCER, DIGIT, DIGITS, MALIGNANT, SMALL
from scipy.special import softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import (
    load_digits,
    load_iris,
    load_wine,
    make_blobs,
    make_gaussian_quantiles,
)
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import SimpleMLPClassifier, TabularMLPClassifier


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_decision_function_is_the_log_odds():
    """Binary: flat, and the logit of the probability."""
    model = SimpleMLPClassifier(**SMALL).fit(CANCER, MALIGNANT)
    raw, probability = model.decision_function(CANCER), model.predict_proba(CANCER)
    assert raw.shape == (len(CANCER),)
    assert_allclose(raw, np.log(probability[:, 1] / probability[:, 0]), rtol=1e-9)


SOFTMAX_LOSSES = ["log_loss", "focal", "squared_error"]


@pytest.mark.parametrize("n_estimators", [1, 2])
@pytest.mark.parametrize("loss", SOFTMAX_LOSSES)
@pytest.mark.parametrize("kind", [SimpleMLPClassifier, TabularMLPClassifier])
def test_decision_function_of_classes_is_the_log_probability(kind, loss, n_estimators):
    """A column a class: softmax and largest column are those of the prediction."""
    model = kind((8,), loss=loss, n_estimators=n_estimators, max_iter=3, random_state=0)
    model.fit(DIGITS, DIGIT)
    scores, probability = model.decision_function(DIGITS), model.predict_proba(DIGITS)
    assert_allclose(scores, model.predict_log_proba(DIGITS), rtol=1e-6)
    assert_allclose(softmax(scores, axis=1), probability, rtol=1e-5)
    assert_array_equal(scores.argmax(axis=1), probability.argmax(axis=1))


def test_decision_function_of_classes_has_no_number_of_its_own_in_a_row():
    """The raw outputs do: adding to all of a row changes no prediction."""
    model = SimpleMLPClassifier(**SMALL).fit(DIGITS, DIGIT)
    before = model.decision_function(DIGITS)
    model.intercepts_[-1][:] += 1000.0
    assert_allclose(model.decision_function(DIGITS), before, rtol=1e-9, atol=1e-9)


def test_decision_function_tells_classes_apart_where_probabilities_vanish():
    """Ranks and finite numbers remain where probabilities are the least number."""
    model = SimpleMLPClassifier((), max_iter=1).fit(DIGITS, DIGIT)
    model.coefs_ = [np.zeros((64, 10))]
    for raw in (1e3 * np.arange(10.0), 1e307 * np.arange(-9.0, 11.0, 2.0)):
        model.intercepts_ = [raw]
        scores = model.decision_function(DIGITS[:1])[0]
        assert np.isfinite(scores).all()
        assert_array_equal(np.argsort(scores, kind="stable"), np.arange(10))


@pytest.mark.parametrize(
    "params",
    [
        {"loss": "hinge"},
        {"loss": "perceptron"},
        {"loss": "squared_error", "output_activation": "identity"},
        {"loss": "squared_error", "output_activation": "logistic"},
    ],
    ids=str,
)
def test_decision_function_without_a_softmax_is_the_raw_output(params):
    """Of several classes, too, each column has a meaning of its own."""
    model = SimpleMLPClassifier((), **params, max_iter=3, random_state=0)
    model.fit(DIGITS, DIGIT)
    raw = DIGITS @ model.coefs_[0] + model.intercepts_[0]
    assert_allclose(model.decision_function(DIGITS), raw, rtol=1e-9, atol=1e-12)


def tables_of_several_classes():
    """Pairs of features and classes: tables that come with scikit-learn."""
    yield from (load(return_X_y=True) for load in (load_digits, load_iris, load_wine))
    made = {"n_samples": 600, "random_state": 0}
    yield make_blobs(**made, n_features=20, centers=6, cluster_std=8.0)
    yield make_gaussian_quantiles(**made, n_features=4, n_classes=4)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration_by_scores_is_no_worse_than_by_probabilities(method):
    """On average over tables; by raw outputs the log loss is larger by a third."""
    sums = {SimpleMLPClassifier: 0.0, MLPClassifier: 0.0}
    for X, y in tables_of_several_classes():
        X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
        for kind in sums:
            network = kind((20,), solver="lbfgs", max_iter=15, random_state=0)
            network = make_pipeline(StandardScaler(), network)
            calibrated = CalibratedClassifierCV(network, method=method, cv=3).fit(X, y)
            sums[kind] += log_loss(y_test, calibrated.predict_proba(X_test))
    assert sums[SimpleMLPClassifier] < 1.05 * sums[MLPClassifier]
