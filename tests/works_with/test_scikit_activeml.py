"""scikit-activeml: rows without labels are left out, spreads choose the next one."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from sknet import SimpleMLPRegressor


N_KNOWN = 40
GAUSSIAN = SimpleMLPRegressor(
    loss="gaussian",
    hidden_layer_sizes=(8,),
    solver="lbfgs",
    max_iter=40,
    random_state=0,
)
ENSEMBLE = SimpleMLPRegressor(
    hidden_layer_sizes=(8,), n_estimators=3, max_iter=20, random_state=0
)


def known_to(y):
    """The target, of which most is missing."""
    asked = np.array(y, dtype=float)
    asked[N_KNOWN:] = np.nan
    return asked


@pytest.mark.parametrize("network", [GAUSSIAN, ENSEMBLE], ids=["gaussian", "ensemble"])
def test_normal_regressor_has_the_networks_spread(network, numbers):
    regressors = pytest.importorskip("skactiveml.regressor")
    X, y = numbers
    wrapped = regressors.SklearnNormalRegressor(network, random_state=0)
    wrapped.fit(X, known_to(y))
    alone = clone(network).fit(X[:N_KNOWN], y[:N_KNOWN])
    mean, std = alone.predict(X, return_std=True)

    said = wrapped.predict(X, return_std=True, return_entropy=True)
    assert_array_equal(said[0], mean)
    assert_allclose(said[1], std, rtol=1e-12)
    assert_allclose(said[2], np.log(std) + np.log(2 * np.pi * np.e) / 2, rtol=1e-9)


def test_query_chooses_among_rows_without_label(numbers):
    """By what a new row would do to the variances, for which it is fitted again."""
    pool = pytest.importorskip("skactiveml.pool")
    regressors = pytest.importorskip("skactiveml.regressor")
    X, y = numbers
    wrapped = regressors.SklearnNormalRegressor(GAUSSIAN, random_state=0)
    asked = known_to(y)
    wrapped.fit(X, asked)
    query = pool.ExpectedModelVarianceReduction(random_state=0)
    candidates = np.arange(N_KNOWN, N_KNOWN + 4)
    (chosen,), utilities = query.query(
        X,
        asked,
        reg=wrapped,
        fit_reg=False,
        candidates=candidates,
        return_utilities=True,
    )
    assert chosen in candidates
    assert np.nanargmax(utilities[0]) == chosen
    assert np.ptp(utilities[0, candidates]) > 0


def test_uncertain_rows_of_a_classifier(classifier_of_numbers):
    """Those whose larger probability is least."""
    pool = pytest.importorskip("skactiveml.pool")
    classifiers = pytest.importorskip("skactiveml.classifier")
    model, X, value = classifier_of_numbers
    codes = known_to(value == "more")
    wrapped = classifiers.SklearnClassifier(model, classes=[0, 1], random_state=0)
    query = pool.UncertaintySampling("margin_sampling", random_state=0)
    chosen = query.query(X, codes, clf=wrapped, batch_size=3)

    alone = clone(model).fit(X[:N_KNOWN], codes[:N_KNOWN])
    probabilities = alone.predict_proba(X[N_KNOWN:])
    least = np.argsort(np.abs(probabilities[:, 1] - 0.5))[:3] + N_KNOWN
    assert set(chosen) == set(least)
