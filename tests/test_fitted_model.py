"""The fitted model is that of the attributes: what is bound anew is predicted with."""

import copy

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import is_classifier
from sklearn.datasets import load_iris

from sknet import SimpleMLPRegressor, TabularMLPClassifier, TabularMLPRegressor
from sknet.model.pooling import predictions_of
from sknet.model.state import from_attributes, model_of


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, SPECIES = load_iris(return_X_y=True)
FEW = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
FITS = {
    "values": (SimpleMLPRegressor(**FEW), X[:, 0]),
    "classes of a table": (TabularMLPClassifier(**FEW), SPECIES),
    "values of a table": (TabularMLPRegressor(**FEW), X[:, 0]),
}


@pytest.fixture(params=FITS)
def fitted(request):
    """An estimator that has predicted once."""
    estimator, y = FITS[request.param]
    estimator = estimator.fit(X, y)
    estimator.predict(X)
    return estimator


def test_model_stays_while_nothing_is_bound(fitted):
    assert model_of(fitted) is model_of(fitted)


def test_model_equals_the_one_that_the_attributes_describe(fitted):
    columns, dtype = model_of(fitted).inputs.read(fitted, X)
    again = from_attributes(vars(fitted))
    raw = model_of(fitted).raw(columns, dtype)
    assert_array_equal(again.raw(columns, dtype), raw)
    predictions = predictions_of(again.loss, raw)
    values = again.decoded if is_classifier(fitted) else again.values
    assert_array_equal(values(predictions), fitted.predict(X))


@pytest.mark.parametrize("change", ["shorter", "longer", "flat"])
def test_parameters_of_another_size_are_refused(fitted, change):
    """Compiled code would read beyond them."""
    fitted = copy.deepcopy(fitted)
    theta = fitted.theta_
    changes = {"shorter": theta[:, :-1], "longer": np.hstack([theta, theta])}
    fitted.theta_ = changes.get(change, theta[0])
    with pytest.raises(ValueError, match=r"theta_ has shape .* must be \(n_networks, "):
        fitted.predict(X)
    with pytest.raises(ValueError, match="theta_ has shape"):
        fitted.set_params(warm_start=True).fit(X, X[:, 0] > 5.0)


def test_parameters_that_are_bound_anew_count(fitted):
    before = fitted.predict(X)
    fitted.theta_ = np.zeros_like(fitted.theta_)
    assert (fitted.predict(X) != before).any()
    assert len(np.unique(fitted.predict(X))) == 1  # of no weight at all


def test_a_temperature_that_is_bound_anew_counts():
    estimator = TabularMLPClassifier(**FEW).fit(X, SPECIES)
    before = estimator.predict_proba(X)
    estimator.temperature_ = 100.0
    assert estimator.predict_proba(X).max() < before.max()


def test_a_measure_of_the_target_that_is_bound_anew_counts():
    estimator = TabularMLPRegressor(**FEW, clip_predictions=False).fit(X, X[:, 0])
    before = estimator.predict(X)
    estimator.target_mean_ = estimator.target_mean_ + 1.0
    np.testing.assert_allclose(estimator.predict(X), before + 1.0, rtol=1e-12)
