"""Where a training starts: behind an exponential at the mean, of whatever size."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import r2_score

from sknet import LockstepGridSearchCV, SimpleMLPRegressor, TabularMLPRegressor
from sknet.losses import VALUE_LOSSES, AbsoluteError, Gamma, Poisson, SquaredError
from sknet.testing import check_loss


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
N = 400
X = RNG.normal(size=(N, 3))
MEAN = np.exp(0.5 * X[:, 0] - 0.3 * X[:, 1])
AMOUNT = MEAN * RNG.gamma(4.0, 0.25, size=N)
WEIGHT = RNG.integers(0, 3, size=N).astype(float)
TABULAR = TabularMLPRegressor(
    (32, 32), n_estimators=1, max_iter=10, n_jobs=1, random_state=0
)
SIMPLE = SimpleMLPRegressor(hidden_layer_sizes=(8,), max_iter=1, random_state=0)
STANDING = {"learning_rate_init": 1e-12, "max_iter": 1}
EXPONENTIAL = [
    "gamma",
    "poisson",
    SquaredError(output_activation="exp"),
    AbsoluteError(output_activation="exp"),
]
exponential = pytest.mark.parametrize("loss", EXPONENTIAL, ids=str)


# ---------------------------------------------------------------------- of a loss


@pytest.mark.parametrize("size", [1.0, 1e-300, 1e300, np.finfo(float).max])
def test_start_is_the_logarithm_of_the_mean(size):
    y = np.array([[0.5, 1.0], [1.0, 0.25], [0.75, 1.0]]) * size
    weight = np.array([1.0, 2.0, 1.0])
    expected = np.log([0.8125, 0.625]) + np.log(size)
    for loss in (Gamma(), Poisson(), SquaredError(output_activation="exp")):
        assert_allclose(loss.start(y, weight), expected, rtol=1e-14)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("least", [5e-324, 1e-310])
def test_start_of_the_least_numbers_is_finite(least):
    y = np.array([[least, -least]])
    start = SquaredError(output_activation="exp").start(y, np.ones(1))
    assert_allclose(start, [np.log(least), 0.0])
    assert np.isfinite(VALUE_LOSSES["gaussian"]().start(y, np.ones(1))).all()


def test_start_counts_rows_by_weight():
    """Also where they are all zero; rows of weight zero may hold anything."""
    y, zero = AMOUNT[:, None].copy(), np.zeros((N, 1))
    y[WEIGHT == 0.0], zero[WEIGHT == 0.0] = 1e300, 5.0
    times = WEIGHT.astype(int)
    for rows in (y, zero):
        repeated = np.repeat(rows, times, axis=0)
        start = Poisson().start(rows, WEIGHT)
        assert_allclose(start, Poisson().start(repeated, np.ones(times.sum())))


def test_start_without_a_logarithm_is_finite():
    """Of zeros alone it is half a one among all rows; of a negative mean 1."""
    y = np.array([[0.0, -3.0], [0.0, 1.0]])
    start = SquaredError(output_activation="exp").start(y, np.ones(2))
    assert_allclose(start, [np.log(0.25), 0.0], atol=1e-15)
    assert np.isfinite(Poisson().constant(np.zeros((3, 1)), np.ones(3))).all()


def test_start_of_the_gaussian_is_its_constant_of_any_size():
    y, loss = AMOUNT[:, None], VALUE_LOSSES["gaussian"]()
    assert_allclose(loss.start(y, np.ones(N)), loss.constant(y, np.ones(N)))
    mean, log_std = loss.start(2.0**1000 * y, np.ones(N))
    assert_allclose(mean, 2.0**1000 * y.mean())
    assert_allclose(log_std, np.log(y.std()) + 1000 * np.log(2.0))
    assert_allclose(loss.start(np.full((5, 1), 7.0), np.ones(5)), [7.0, 0.0])


@pytest.mark.parametrize("name", sorted(set(VALUE_LOSSES) - {"custom"}))
def test_other_losses_start_as_drawn(name):
    loss = VALUE_LOSSES[name]()
    starts = loss.start(AMOUNT[:, None], np.ones(N)) is not None
    assert starts == (name in ("gamma", "poisson", "gaussian"))


@dataclass(frozen=True, repr=False)
class Lost(Gamma):
    """A start that is none."""

    def start(self, y, weight):
        """Return an infinity."""
        return np.full(y.shape[1], np.inf)


def test_start_of_ones_own_loss_is_looked_at():
    with pytest.raises(AssertionError, match="start must be None, or finite"):
        check_loss(Lost())


# ------------------------------------------------------------------- of an estimator


@exponential
@pytest.mark.parametrize("size", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("n_estimators", [1, 3])
def test_first_predictions_are_the_weighted_means(loss, size, n_estimators):
    y = size * np.c_[AMOUNT, 10.0 * AMOUNT]
    model = clone(TABULAR).set_params(loss=loss, **STANDING)
    model.set_params(n_estimators=n_estimators)
    found = model.fit(X, y, sample_weight=WEIGHT).predict(X)
    mean = np.average(y, axis=0, weights=WEIGHT)
    assert_allclose(found, np.broadcast_to(mean, found.shape), rtol=1e-4)


@pytest.mark.parametrize("loss", ["gamma", SquaredError(output_activation="exp")])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_biases_of_the_simple_regressor_are_the_logarithms(loss, solver):
    model = clone(SIMPLE).set_params(loss=loss, solver=solver, tol=1e30, **STANDING)
    model.fit(X, 1000.0 * AMOUNT)
    assert_allclose(model.intercepts_[-1], np.log(1000.0 * AMOUNT.mean()), rtol=1e-2)


def test_poisson_of_the_simple_regressor_is_drawn_as_the_squared_error():
    """As scikit-learn does; whose numbers it has."""
    poisson = clone(SIMPLE).set_params(loss="poisson", **STANDING).fit(X, AMOUNT)
    squared = clone(SIMPLE).set_params(**STANDING).fit(X, AMOUNT)
    assert_allclose(poisson.theta_, squared.theta_, atol=1e-10)


@pytest.mark.parametrize("biases", [False, True])
def test_arrays_of_the_user_are_the_start_itself(biases):
    weights = [RNG.normal(size=(3, 4)), RNG.normal(size=(4, 1))]
    given = [(w, np.full(w.shape[1], 0.5)) for w in weights] if biases else weights
    params = STANDING | {"hidden_layer_sizes": (4,), "initializer": given}
    model = clone(SIMPLE).set_params(loss="gamma", **params).fit(X, 1000.0 * AMOUNT)
    assert_allclose(model.intercepts_[-1], 0.5 if biases else 0.0, atol=1e-9)


def test_network_without_biases_starts_as_drawn():
    params = STANDING | {"loss": "gamma", "use_bias": False}
    found = clone(TABULAR).set_params(**params).fit(X, 1000.0 * AMOUNT).predict(X)
    assert_allclose(found, 1.0, rtol=1e-4)


def test_training_that_goes_on_starts_nowhere_else():
    params = STANDING | {"loss": "gamma", "hidden_layer_sizes": (8,)}
    model = clone(TABULAR).set_params(**params, warm_start=True).fit(X, AMOUNT)
    first = model.theta_.copy()
    assert_allclose(model.fit(X, 1e6 * AMOUNT).theta_, first, atol=1e-6)
    assert_allclose(model.partial_fit(X, 1e6 * AMOUNT).theta_, first, atol=1e-6)
    begun = clone(model).partial_fit(X, AMOUNT)
    assert_allclose(begun.predict(X), AMOUNT.mean(), rtol=1e-4)


# --------------------------------------------------------------------- what comes of it


@pytest.mark.parametrize("size", [1e-8, 1e3, 3e4, 1e8])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gamma_regression_is_a_matter_of_units(size, dtype):
    model = clone(TABULAR).set_params(loss="gamma", dtype=dtype, dropout=0.0)
    one, other = clone(model).fit(X, AMOUNT), clone(model).fit(X, size * AMOUNT)
    rtol = 0.02 if dtype == "float32" else 1e-6  # of logarithms with seven digits
    assert_allclose(other.predict(X), size * one.predict(X), rtol=rtol)


@pytest.mark.parametrize("loss", ["gamma", "poisson"])
@pytest.mark.parametrize("size", [600.0, 3e4, 1e8])
def test_amounts_of_any_size_are_learned_with_any_seed(loss, size):
    for seed in range(3):
        model = clone(TABULAR).set_params(loss=loss, random_state=seed)
        found = model.fit(X, size * AMOUNT).predict(X)
        assert r2_score(size * MEAN, found) > 0.7


def test_counts_that_are_all_zero_are_learned():
    model = clone(TABULAR).set_params(loss="poisson").fit(X, np.zeros(N))
    found = model.predict(X)
    assert ((found >= 0.0) & (found < 1e-2)).all()
    assert np.isfinite(model.partial_fit(X, AMOUNT).predict(X)).all()


@pytest.mark.parametrize("estimator", [SIMPLE, TABULAR])
def test_networks_of_a_search_start_as_each_alone(estimator):
    """Each fold at its own mean."""
    model = clone(estimator).set_params(loss="gamma", max_iter=3)
    rows = np.arange(N)
    folds = [(rows[:250], rows), (rows[150:], rows)]
    grid = {"alpha": [0.0, 1.0]}
    search = LockstepGridSearchCV(model, grid, cv=folds, refit=False)
    found = search.fit(X, 1000.0 * AMOUNT).cv_results_
    for k, (train, test) in enumerate(folds):
        alone = [
            clone(model)
            .set_params(alpha=alpha)
            .fit(X[train], 1000.0 * AMOUNT[train])
            .score(X[test], 1000.0 * AMOUNT[test])
            for alpha in grid["alpha"]
        ]
        assert_array_equal(found[f"split{k}_test_score"], alone)
