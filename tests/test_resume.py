"""Twenty epochs are ten and ten more, bit for bit, whatever happens in between."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, DIGIT = load_digits(return_X_y=True)
X, DIGIT = X[:330] / 16.0, DIGIT[:330]
FOREVER = {"n_iter_no_change": np.inf, "tol": 0.0}
VARIANTS = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling"},
    "adaptive": {
        "learning_rate": "adaptive",
        "learning_rate_init": 0.05,
        "n_iter_no_change": 2,
        "tol": 1e-2,
    },
    "small batches": {"batch_size": 41},
    "in order": {"shuffle": False, "batch_size": 41},
    "float32": {"dtype": "float32"},
}


def make(estimator, variant, **params):
    """Return an unfitted estimator."""
    base = {"hidden_layer_sizes": (8,), "random_state": 5} | FOREVER
    return estimator(**(base | VARIANTS[variant] | params))


def assert_same_bits(first, second):
    """Assert equal parameters, curves and counters of two models."""
    np.testing.assert_array_equal(first.theta_, second.theta_)
    assert first.loss_curve_ == second.loss_curve_
    assert first.t_ == second.t_
    assert first.n_epochs_ == second.n_epochs_
    assert first.learning_rate_ == second.learning_rate_


both = pytest.mark.parametrize("estimator", [SimpleMLPClassifier, SimpleMLPRegressor])
each_variant = pytest.mark.parametrize("variant", VARIANTS)


@both
@each_variant
def test_warm_start_equals_one_fit(estimator, variant):
    """10 + 10 epochs with warm_start are 20 epochs."""
    whole = make(estimator, variant, max_iter=20).fit(X, DIGIT)
    parts = make(estimator, variant, max_iter=10, warm_start=True)
    parts.fit(X, DIGIT).fit(X, DIGIT)
    assert_same_bits(whole, parts)


@both
@each_variant
def test_partial_fit_equals_one_fit(estimator, variant):
    """20 calls of partial_fit are 20 epochs."""
    whole = make(estimator, variant, max_iter=20).fit(X, DIGIT)
    parts = make(estimator, variant)
    first = {"classes": range(10)} if estimator is SimpleMLPClassifier else {}
    parts.partial_fit(X, DIGIT, **first)
    for _ in range(19):
        parts.partial_fit(X, DIGIT)
    assert_same_bits(whole, parts)


@both
@each_variant
def test_pickling_in_between_changes_nothing(estimator, variant):
    """The optimizer, the random stream and the order of the rows are in the pickle."""
    whole = make(estimator, variant, max_iter=20).fit(X, DIGIT)
    parts = make(estimator, variant, max_iter=10, warm_start=True).fit(X, DIGIT)
    parts = pickle.loads(pickle.dumps(parts)).fit(X, DIGIT)
    assert_same_bits(whole, parts)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_weights_and_sparse_rows(container):
    """Resuming holds with sample weights and sparse rows."""
    weight = np.random.default_rng(0).uniform(0.0, 2.0, len(X))
    whole = make(SimpleMLPClassifier, "adam", max_iter=6)
    whole.fit(container(X), DIGIT, sample_weight=weight)
    parts = make(SimpleMLPClassifier, "adam", max_iter=3, warm_start=True)
    for _ in range(2):
        parts.fit(container(X), DIGIT, sample_weight=weight)
    assert_same_bits(whole, parts)


@both
@pytest.mark.parametrize(
    "interruption", [lambda e: e, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_early_stopping_goes_on_from_the_last_epoch_on_the_same_split(
    estimator, interruption
):
    """The best weights are published, but training goes on from the last ones."""
    params = {"early_stopping": True, "validation_fraction": 0.2}
    whole = make(estimator, "adam", max_iter=30, **params).fit(X, DIGIT)
    parts = make(estimator, "adam", max_iter=15, warm_start=True, **params)
    parts = interruption(parts.fit(X, DIGIT)).fit(X, DIGIT)
    assert_same_bits(whole, parts)
    assert whole.validation_scores_ == parts.validation_scores_
    assert whole.best_validation_score_ == parts.best_validation_score_


@pytest.mark.filterwarnings(
    "ignore:early_stopping=True cannot split off a validation set"
)
def test_early_stopping_without_a_split_goes_on():
    """Where no split is possible, resuming holds all the same."""
    params = {"early_stopping": True}
    few, digit = X[:60], DIGIT[:60]
    whole = make(SimpleMLPClassifier, "adam", max_iter=8, **params)
    parts = make(SimpleMLPClassifier, "adam", max_iter=4, warm_start=True, **params)
    whole.fit(few, digit)
    parts.fit(few, digit).fit(few, digit)
    assert_same_bits(whole, parts)


def test_handed_in_validation_set_goes_on():
    """Resuming holds with X_val and y_val."""
    val = {"X_val": X[300:], "y_val": DIGIT[300:]}
    params = {"early_stopping": True}
    whole = make(SimpleMLPClassifier, "adam", max_iter=8, **params)
    whole.fit(X[:300], DIGIT[:300], **val)
    parts = make(SimpleMLPClassifier, "adam", max_iter=4, warm_start=True, **params)
    for _ in range(2):
        parts.fit(X[:300], DIGIT[:300], **val)
    assert_same_bits(whole, parts)
    assert whole.validation_loss_curve_ == parts.validation_loss_curve_


def test_warm_start_takes_a_new_learning_rate():
    """Fine-tuning with a smaller rate: the new parameter counts."""
    model = make(SimpleMLPClassifier, "sgd", max_iter=3, warm_start=True).fit(X, DIGIT)
    model.set_params(learning_rate_init=0.001).fit(X, DIGIT)
    assert model.learning_rate_ == 0.001


def test_each_call_of_partial_fit_has_an_order_of_its_own():
    """scikit-learn repeats one permutation: calls 2 and 3 are the same there."""
    model = make(SimpleMLPClassifier, "small batches")
    # Within one call the order of the rows shows in the weights of a model that
    # starts each call from the same parameters.
    start = model.partial_fit(X, DIGIT, classes=range(10)).theta_.copy()
    ends = []
    for _ in range(3):
        model.theta_[:] = start
        model._training["slots"] = [np.zeros_like(s) for s in model._training["slots"]]
        ends.append(model.partial_fit(X, DIGIT).theta_.copy())
    assert not np.array_equal(ends[0], ends[1])
    assert not np.array_equal(ends[1], ends[2])


def test_partial_fit_takes_chunks_of_any_size():
    """Streams of chunks: each call is an epoch over what it is given."""
    model = make(SimpleMLPClassifier, "adam")
    for n_rows in (100, 30, 1, 199):
        model.partial_fit(X[:n_rows], DIGIT[:n_rows], classes=range(10))
    assert model.t_ == 330
    assert model.n_epochs_ == 4


def _assign_list(model):
    model.coefs_ = [np.zeros_like(c) for c in model.coefs_]


def _assign_items(model):
    for i, coefs in enumerate(model.coefs_):
        model.coefs_[i] = np.zeros_like(coefs)


def _edit_in_place(model):
    for coefs in model.coefs_:
        coefs[...] = 0.0


@pytest.mark.parametrize("assign", [_assign_list, _assign_items, _edit_in_place])
def test_assigned_coefficients_are_where_training_goes_on(assign):
    """Assigning coefs_ after an early-stopped fit also sets where to go on from."""
    model = make(
        SimpleMLPClassifier, "adam", max_iter=5, warm_start=True, early_stopping=True
    ).fit(X, DIGIT)
    assign(model)
    model.set_params(max_iter=1, learning_rate_init=1e-12).fit(X, DIGIT)
    assert max(np.abs(c).max() for c in model.coefs_) < 1e-9


def test_lbfgs_goes_on_from_the_fitted_weights():
    """A second L-BFGS fit starts where the first has stopped."""
    model = make(
        SimpleMLPRegressor, "adam", solver="lbfgs", max_iter=10, warm_start=True
    )
    first = model.fit(X, DIGIT).loss_
    assert model.fit(X, DIGIT).loss_ < first


def test_another_loss_than_that_of_the_fitted_network_is_refused():
    """A network that predicts through the identity cannot go on as a Poisson model."""
    model = make(SimpleMLPRegressor, "adam", max_iter=2, warm_start=True).fit(X, DIGIT)
    model.set_params(loss="poisson")
    with pytest.raises(ValueError, match="output activation is exp, but was identity"):
        model.fit(X, DIGIT)
