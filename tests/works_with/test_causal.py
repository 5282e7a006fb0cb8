"""DoubleML and EconML: effects from the residuals of our predictions."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import KFold

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


SETTINGS = {"solver": "lbfgs", "alpha": 1.0, "max_iter": 60, "random_state": 0}
OUTCOME = SimpleMLPRegressor(hidden_layer_sizes=(12,), **SETTINGS)
TREATED = SimpleMLPClassifier(hidden_layer_sizes=(12,), **SETTINGS)
NAMES = ["a", "b", "c"]


def confounded(n):
    """Columns, a treatment that depends on them, and an effect of 1 + the second."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 3))
    treated = (rng.random(n) < 1 / (1 + np.exp(-X[:, 0]))).astype(int)
    y = (1 + X[:, 1]) * treated + 2 * np.sin(X[:, 0]) + 0.3 * rng.standard_normal(n)
    return X, treated, y


def test_partialling_out():
    """Networks of the folds, as fitted by hand; the slope of residual on residual."""
    doubleml = pytest.importorskip("doubleml")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 3))
    dose = np.sin(X[:, 0]) + 0.5 * rng.standard_normal(400)
    y = 0.5 * dose + np.cos(X[:, 0]) + X[:, 1] + 0.3 * rng.standard_normal(400)
    data = doubleml.DoubleMLData.from_arrays(X, y, dose)
    model = doubleml.DoubleMLPLR(data, ml_l=OUTCOME, ml_m=OUTCOME, n_folds=3).fit()

    said = {"ml_l": np.empty(400), "ml_m": np.empty(400)}
    for train, test in model.smpls[0]:
        for name, target in (("ml_l", y), ("ml_m", dose)):
            alone = clone(OUTCOME).fit(X[train], target[train])
            said[name][test] = alone.predict(X[test])
    for name, predictions in said.items():
        assert_array_equal(model.predictions[name][:, 0, 0], predictions)
    left, right = dose - said["ml_m"], y - said["ml_l"]
    assert_allclose(model.coef, left @ right / (left @ left), rtol=1e-9)
    assert abs(model.coef[0] - 0.5) < 4 * model.se[0] < 0.3


def test_interactive_model_asks_for_probabilities():
    """And for the outcomes of the treated and of the others."""
    doubleml = pytest.importorskip("doubleml")
    X, treated, y = confounded(400)
    data = doubleml.DoubleMLData.from_arrays(X, y, treated)
    model = doubleml.DoubleMLIRM(
        data, ml_g=OUTCOME, ml_m=TREATED, n_folds=2, draw_sample_splitting=False
    )
    # Else the folds are drawn from NumPy's global stream, at times with propensities
    # so extreme that DoubleML warns.
    model.set_sample_splitting(list(KFold(2).split(X)))
    model.fit()
    for train, test in model.smpls[0]:
        propensity = clone(TREATED).fit(X[train], treated[train]).predict_proba(X[test])
        said = model.predictions["ml_m"][test, 0, 0]
        assert_array_equal(said, np.clip(propensity[:, 1], 0.01, 0.99))
        untreated = train[treated[train] == 0]
        expected = clone(OUTCOME).fit(X[untreated], y[untreated]).predict(X[test])
        assert_array_equal(model.predictions["ml_g0"][test, 0, 0], expected)


def test_effect_is_the_difference_of_two_networks():
    """The T-learner of EconML, bit for bit."""
    learners = pytest.importorskip("econml.metalearners")
    X, treated, y = confounded(600)
    effect = learners.TLearner(models=OUTCOME).fit(y, treated, X=X).effect(X)
    with_it, without = (
        clone(OUTCOME).fit(X[treated == one], y[treated == one]).predict(X)
        for one in (1, 0)
    )
    assert_array_equal(effect, with_it - without)
    assert np.corrcoef(effect, 1 + X[:, 1])[0, 1] > 0.7


def test_linear_effect_is_found():
    """Classes for the treatment, numbers for the outcome, and a line for the effect."""
    dml = pytest.importorskip("econml.dml")
    X, treated, y = confounded(800)
    model = dml.LinearDML(
        model_y=OUTCOME, model_t=TREATED, discrete_treatment=True, cv=2, random_state=0
    )
    model.fit(y, treated, X=pd.DataFrame(X, columns=NAMES))
    assert_allclose([model.intercept_, *model.coef_], [1, 0, 1, 0], atol=0.25)
