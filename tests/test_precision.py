"""Precision: predictions have the type of the rows, whatever was computed in."""

import json

import numpy as np
import pandas as pd
import pytest
from memory import peak_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_iris, make_classification
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV

from sknet import (
    LockstepGridSearchCV,
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_classification(
    120, 5, n_informative=5, n_redundant=0, n_classes=3, random_state=0
)
X = X.round(1)
VALUES = X @ np.arange(1.0, 6.0) + 100.0
CLASSIFIERS = [SimpleMLPClassifier, TabularMLPClassifier]
REGRESSORS = [SimpleMLPRegressor, TabularMLPRegressor]
NAMES = [f"x{j}" for j in range(5)]
DTYPES = [np.float32, np.float64]


def mixed(kind):
    """A table of float32 with one column of another type."""
    return pd.DataFrame(X, columns=NAMES).astype("float32").astype({"x0": kind})


# Rows, and the type that predictions for them have.
ROWS = {
    "float64": (X, np.float64),
    "float32": (X.astype(np.float32), np.float32),
    "other byte order": (X.astype(">f4"), np.float64),
    "float16": (X.astype(np.float16), np.float64),
    "int64": (X.astype(np.int64), np.float64),
    "objects": (X.astype(object), np.float64),
    "list": (X.tolist(), np.float64),
    "sparse": (sparse.csr_array(X), np.float64),
    "sparse float32": (sparse.csr_matrix(X.astype(np.float32)), np.float32),
    "table": (pd.DataFrame(X, columns=NAMES), np.float64),
    "table of float32": (mixed("float32"), np.float32),
    "with float64": (mixed("float64"), np.float64),
    "with int8": (mixed("int8"), np.float32),
    "with int64": (mixed("int64"), np.float64),
    "missing values known": (mixed("Float32"), np.float64),
}
PARAMS = {
    "default": {},
    "in float32": {"dtype": "float32"},
    "in float64": {"dtype": "float64"},
    "ensemble": {"n_estimators": 3},
    "backbone": {"n_estimators": 3, "shared_backbone": True},
}
TABULAR = [TabularMLPClassifier, TabularMLPRegressor]  # which share no backbone


def cases(kinds):
    """Estimators, and names of the parameters that each has."""
    pairs = [(kind, params) for params in PARAMS for kind in kinds]
    return [(kind, p) for kind, p in pairs if p != "backbone" or kind not in TABULAR]


def fitted(kind, rows=X, params=None, **more):
    """A network that has seen a little."""
    estimator = kind(max_iter=2, random_state=0, **(params or {}), **more)
    return estimator.fit(rows, Y if kind in CLASSIFIERS else VALUES)


def predictions(model, rows):
    """All numbers that a model predicts, by what gives them."""
    names = ("predict_proba", "predict_log_proba", "decision_function")
    names += ("predict_proba_members",)
    if not hasattr(model, "predict_proba"):
        names = ("predict", "predict_members")
    found = {name: getattr(model, name)(rows) for name in names}
    if "predict" in found and len(found["predict_members"]) > 1:
        found["mean"], found["std"] = model.predict(rows, return_std=True)
    return found


@pytest.mark.parametrize("rows", list(ROWS))
@pytest.mark.parametrize("kind", CLASSIFIERS + REGRESSORS)
def test_predictions_have_the_type_of_the_rows(kind, rows):
    """Of every container; the network was fitted to such rows."""
    table, dtype = ROWS[rows]
    model = fitted(kind, table)
    for name, values in predictions(model, table).items():
        assert values.dtype == dtype, name


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fit_dtype", DTYPES)
@pytest.mark.parametrize(("kind", "params"), cases(CLASSIFIERS + REGRESSORS))
def test_type_is_that_of_the_rows_and_not_of_the_computation(
    kind, params, fit_dtype, dtype
):
    """Whatever the fit was given; the predictor has the estimator's bits."""
    model = fitted(kind, X.astype(fit_dtype), PARAMS[params])
    for rows in (X.astype(dtype), X[:1].astype(dtype)):
        own, served = predictions(model, rows), predictions(model.predictor(), rows)
        for name, values in own.items():
            assert values.dtype == dtype, name
            assert served[name].dtype == dtype, name
            assert_array_equal(served[name], values)


@pytest.mark.parametrize("kind", CLASSIFIERS + REGRESSORS)
def test_values_are_the_same_in_both_types(kind):
    model = fitted(kind)
    exact, rounded = predictions(model, X), predictions(model, X.astype(np.float32))
    for name, values in exact.items():
        assert_allclose(rounded[name], values, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kind", "params"), cases(CLASSIFIERS))
def test_probabilities_are_probabilities_in_the_type_of_the_rows(kind, params, dtype):
    """They sum to one as exactly as that type can, and none is zero."""
    model = fitted(kind, params=PARAMS[params])
    model.theta_ *= 50.0
    probability = model.predict_proba(X.astype(dtype))
    assert_allclose(probability.sum(axis=1), 1.0, rtol=0, atol=8 * np.finfo(dtype).eps)
    assert (probability > 0.0).all()
    assert np.isfinite(model.predict_log_proba(X.astype(dtype))).all()


@pytest.mark.parametrize("quantiles", [0.5, (0.1, 0.9)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_quantiles_have_the_type_of_the_rows(dtype, quantiles):
    model = fitted(TabularMLPRegressor, quantiles=(0.1, 0.5, 0.9))
    rows = X.astype(dtype)
    assert model.predict(rows, quantiles=quantiles).dtype == dtype
    assert model.predictor().predict(rows, quantiles=quantiles).dtype == dtype


@pytest.mark.parametrize("loss", ["gaussian", "quantile", "squared_error", "poisson"])
@pytest.mark.parametrize("kind", REGRESSORS)
def test_values_of_every_loss_have_the_type_of_the_rows(kind, loss):
    model = fitted(kind, loss=loss)
    for dtype in DTYPES:
        assert model.predict(X.astype(dtype)).dtype == dtype
        if loss == "gaussian":
            both = model.predict(X.astype(dtype), return_std=True)
            assert [values.dtype for values in both] == [dtype, dtype]


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_json_takes_probabilities(kind):
    """The numbers of float64 are Python's; those of float32 would be refused."""
    row = fitted(kind).predict_proba(X[:1])[0]
    assert json.loads(json.dumps(list(row))) == row.tolist()


@pytest.mark.parametrize("kind", REGRESSORS)
def test_score_is_that_of_the_predictions(kind):
    model = fitted(kind)
    for dtype in DTYPES:
        rows = X.astype(dtype)
        assert model.score(rows, VALUES) == r2_score(VALUES, model.predict(rows))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of scikit-learn's score
def test_values_beyond_float32_are_its_largest():
    """No prediction is infinite."""
    model = TabularMLPRegressor(max_iter=2, random_state=0).fit(X, VALUES * 1e100)
    assert (model.predict(X) > 1e100).all()
    rounded = model.predict(X.astype(np.float32))
    assert_array_equal(rounded, np.full(len(X), np.finfo(np.float32).max))


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_scorers_of_early_stopping_see_float64(kind):
    """As those see that score the fitted network."""
    seen = set()

    def scorer(estimator, rows, labels):
        probability = estimator.predict_proba(rows)
        seen.add(probability.dtype.name)
        return probability[np.arange(len(labels)), labels].mean()

    kind(scoring=scorer, max_iter=2, random_state=0, early_stopping=True).fit(X, Y)
    assert seen == {"float64"}


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_scorers_of_lockstep_searches_see_the_type_of_the_rows(kind, dtype):
    """And give the scores that they give in scikit-learn's search."""
    seen = []

    def scorer(estimator, rows, labels):
        probability = estimator.predict_proba(rows)
        seen.append(probability.dtype)
        return float(probability[np.arange(len(labels)), labels].mean())

    network = kind((4,), max_iter=2, random_state=0, dtype="float32")
    grid, scores = {"learning_rate_init": [0.01, 0.1]}, []
    for search in (LockstepGridSearchCV, GridSearchCV):
        search = search(network, grid, scoring=scorer, cv=2)
        search.fit(X.astype(dtype), Y)
        scores.append(search.cv_results_["mean_test_score"])
    assert set(seen) == {np.dtype(dtype)}
    assert_array_equal(*scores)


def test_wider_predictions_take_no_second_copy():
    """A network in float32 takes no more for float64 rows than one in float64."""
    rows = np.random.default_rng(0).normal(size=(100_000, 8))
    peaks = []
    for dtype in ("float32", "float64"):
        model = SimpleMLPClassifier((8,), dtype=dtype, max_iter=1, engine="numpy")
        model.fit(rows[:500], np.arange(500) % 10)
        peaks.append(peak_of(lambda model=model: model.predict_proba(rows)))
    assert peaks[0] < peaks[1] + 1e6


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_logarithms_in_single_precision_are_those_of_the_probabilities(kind):
    """Also near one, where the rounded probability is one and its logarithm zero."""
    features, y = load_iris(return_X_y=True)
    y = y > 0 if kind == "binary" else y
    network = SimpleMLPClassifier((8,), solver="lbfgs", max_iter=200, random_state=0)
    network.fit(features, y)
    rows = features.astype(np.float32)
    probability = network.predict_proba(rows)
    assert probability.dtype == np.float32
    assert (probability == 1.0).any()
    found, large = network.predict_log_proba(rows), probability > 0.5
    assert found.dtype == np.float32
    assert_array_equal(found[large], np.log(probability[large]))
    assert np.isfinite(found).all()
