"""What the estimators offer beyond scikit-learn's, one property at a time."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from real_data import CANCER, DIGIT, DIGITS, MALIGNANT, SMALL
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info, threadpool_limits

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# --- type of the computation


@pytest.mark.parametrize("source", [np.float64, np.float32, np.uint8, np.int64])
def test_dtype_float32_computes_in_float32_from_any_type(source):
    """What another type holds exactly trains to the same bits as float32 input."""
    pixels = (DIGITS * 16).astype(source)
    model = SimpleMLPClassifier(dtype="float32", **SMALL).fit(pixels, DIGIT)
    expected = SimpleMLPClassifier(**SMALL).fit(pixels.astype(np.float32), DIGIT)
    assert model.theta_.dtype == np.float32
    assert_array_equal(model.theta_, expected.theta_)
    # Predictions are in the type of the rows.
    rounded = expected.predict_proba(pixels.astype(np.float32))
    assert_allclose(model.predict_proba(pixels), rounded, rtol=1e-5)


def test_dtype_auto_follows_the_features():
    """float32 for float32, float64 for everything else."""
    for source, expected in ((np.float32, np.float32), (np.uint8, np.float64)):
        X = (DIGITS * 16).astype(source)
        assert SimpleMLPClassifier(**SMALL).fit(X, DIGIT).theta_.dtype == expected


def test_dtype_float64_lifts_float32():
    """float64 may be asked for; predictions have the type of the rows all the same."""
    X = DIGITS.astype(np.float32)
    model = SimpleMLPRegressor(dtype="float64", **SMALL).fit(X, DIGIT)
    assert model.theta_.dtype == np.float64
    assert model.predict(X).dtype == np.float32
    assert model.predict(X.astype(float)).dtype == np.float64


def test_integer_features_are_trained_on_as_their_float_values():
    """Integers are converted batch by batch, with the same result."""
    pixels = (DIGITS * 16).astype(np.uint8)
    repeated = np.repeat(pixels, 200, axis=0)  # more than is converted at once
    labels = np.repeat(DIGIT, 200)
    params = SMALL | {"max_iter": 1, "batch_size": 5000}
    model = SimpleMLPClassifier(**params).fit(repeated, labels)
    expected = SimpleMLPClassifier(**params).fit(repeated.astype(float), labels)
    assert_array_equal(model.theta_, expected.theta_)


# --- time, threads, words


def test_n_threads_limits_blas_during_fit_only():
    """The limit holds inside of fit and is undone behind it."""
    seen = []

    def spy(estimator, X, y):
        del estimator, X, y
        seen.append(
            {m["num_threads"] for m in threadpool_info() if m["user_api"] == "blas"}
        )
        return 0.0

    params = SMALL | {"early_stopping": True, "max_iter": 2, "scoring": spy}
    with threadpool_limits(2, user_api="blas"):
        before = threadpool_info()
        SimpleMLPClassifier(n_threads=1, **params).fit(CANCER, MALIGNANT)
        assert threadpool_info() == before
    assert {m["num_threads"] for m in before if m["user_api"] == "blas"} == {2}
    assert set.union(*seen) == {1}


def test_small_networks_take_one_thread_by_default():
    """More threads only cost time there, whatever BLAS is set to."""
    seen = set()

    def spy(estimator, X, y):
        del estimator, X, y
        blas = [m for m in threadpool_info() if m["user_api"] == "blas"]
        seen.update(m["num_threads"] for m in blas)
        return 0.0

    params = SMALL | {"early_stopping": True, "max_iter": 2, "scoring": spy}
    with threadpool_limits(2, user_api="blas"):
        SimpleMLPClassifier(**params).fit(CANCER, MALIGNANT)
    assert seen == {1}


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_verbose_tells_of_every_epoch(solver, capsys):
    """scikit-learn's words, for L-BFGS too."""
    params = SMALL | {"max_iter": 3}
    SimpleMLPClassifier(solver=solver, verbose=True, **params).fit(CANCER, MALIGNANT)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        f"Iteration {i}" for i in (1, 2, 3)
    ]


def test_verbose_tells_of_scores_and_the_stop(capsys):
    """The validation score of every epoch, and why it stopped."""
    params = SMALL | {"max_iter": 200, "tol": 0.5, "n_iter_no_change": 2}
    SimpleMLPClassifier(early_stopping=True, verbose=1, **params).fit(CANCER, MALIGNANT)
    out = capsys.readouterr().out
    assert "Validation score: " in out
    assert out.endswith(
        "Validation score did not improve more than tol=0.500000 for 2 consecutive "
        "epochs. Stopping.\n"
    )


# --- at home in scikit-learn


def test_pipeline_and_grid_search():
    """Parameters are searched inside of a pipeline, with any of the names."""
    mlp = SimpleMLPClassifier(**SMALL, learning_rate_init=0.01)
    pipeline = make_pipeline(StandardScaler(), mlp)
    grid = {
        "simplemlpclassifier__alpha": [1e-4, 1.0],
        "simplemlpclassifier__class_weight": [None, "balanced"],
    }
    search = GridSearchCV(pipeline, grid, cv=3).fit(CANCER, MALIGNANT)
    assert search.best_score_ > 0.9  # a smoke test
    assert len(search.cv_results_["params"]) == 4


def test_clone_has_the_parameters_and_no_fitted_state():
    """clone gives an unfitted estimator that fits alike."""
    model = SimpleMLPClassifier(**SMALL).fit(CANCER, MALIGNANT)
    copy = clone(model)
    assert not hasattr(copy, "theta_")
    assert not hasattr(copy, "coefs_")
    assert_array_equal(copy.fit(CANCER, MALIGNANT).theta_, model.theta_)


def test_no_hidden_layers_is_a_linear_model():
    """An empty hidden_layer_sizes is allowed: outputs are affine."""
    model = SimpleMLPRegressor(hidden_layer_sizes=(), max_iter=5).fit(DIGITS, DIGIT)
    assert model.n_layers_ == 2
    expected = DIGITS @ model.coefs_[0][:, 0] + model.intercepts_[0]
    assert_allclose(model.predict(DIGITS), expected)


def test_item_assignment_of_coefficients_changes_the_model():
    """coefs_[i] = array writes through; another shape is refused."""
    model = SimpleMLPRegressor(hidden_layer_sizes=(), max_iter=5).fit(DIGITS, DIGIT)
    model.coefs_[0] = np.zeros((64, 1))
    model.intercepts_ = [np.array([2.5])]
    assert_array_equal(model.predict(DIGITS), 2.5)
    for shape in [(3, 1), (1, 64), (64,)]:
        with pytest.raises(ValueError, match=r"shape \(64, 1\), got"):
            model.coefs_[0] = np.zeros(shape)


def test_transposed_coefficients_are_refused_and_change_nothing():
    """They have as many numbers, and would be read in another order."""
    model = SimpleMLPClassifier(**SMALL).fit(CANCER, MALIGNANT)
    before = model.theta_.copy()
    with pytest.raises(ValueError, match="Expected an array of shape"):
        model.coefs_ = [model.coefs_[0] + 1.0, *(w.T for w in model.coefs_[1:])]
    with pytest.raises(ValueError, match="Expected an array of shape"):
        model.intercepts_ = [b[:, None] for b in model.intercepts_]
    assert_array_equal(model.theta_, before)


def test_coefficients_may_change_places():
    """What is assigned may be views of what is overwritten."""
    model = SimpleMLPClassifier((5, 5, 5), max_iter=2).fit(CANCER, MALIGNANT)
    first, second, third, last = (weights.copy() for weights in model.coefs_)
    views = model.coefs_
    model.coefs_ = [views[0], views[2], views[1], views[3]]
    for found, expected in zip(model.coefs_, [first, third, second, last], strict=True):
        assert_array_equal(found, expected)


def test_wide_sparse_rows_are_never_made_dense():
    """200,000 columns, a handful filled: fits in the memory of the weights."""
    rng = np.random.default_rng(0)
    X = sparse.random(300, 200_000, density=2e-5, format="csr", random_state=0)
    y = rng.integers(2, size=300)
    model = SimpleMLPClassifier((4,), max_iter=2, batch_size=50, random_state=0)
    assert model.fit(X, y).predict_proba(X).shape == (300, 2)


class OwnDefault(SimpleMLPRegressor):
    """A user's class whose default may not be."""

    def __init__(self, hidden_layer_sizes=(3,), alpha=-1.0):
        super().__init__(hidden_layer_sizes=hidden_layer_sizes, alpha=alpha)


def test_default_that_may_not_be_is_refused(regression_problem):
    """Defaults are looked at once for a class, not in every call."""
    with pytest.raises(ValueError, match=r"'alpha' parameter of OwnDefault .* -1\.0"):
        OwnDefault().fit(*regression_problem)
    OwnDefault(alpha=1.0).fit(*regression_problem)
