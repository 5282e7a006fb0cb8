"""Losses through the estimators: what is predicted, scored, published and refused."""

import json
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import GammaRegressor, QuantileRegressor
from sklearn.metrics import r2_score

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.losses import (
    CLASS_LOSSES,
    VALUE_LOSSES,
    Brier,
    Gaussian,
    Huber,
    LogLoss,
    Quantile,
)


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X_IRIS, Y_IRIS = load_iris(return_X_y=True)
MARGINS = ["hinge", "perceptron"]
NO_FUNCTIONS = {"custom"}
# Enough steps on iris for losses whose slopes fade.
STEPS = {"learning_rate_init": 0.01, "max_iter": 100, "random_state": 0}


def noisy(n_rows=600, seed=0):
    """Return rows and a target whose spread grows with its feature."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0.0, 1.0, size=(n_rows, 1))
    return X, rng.normal(X.ravel(), 0.1 + 0.4 * X.ravel())


# ------------------------------------------------------------------------- classes


@pytest.mark.parametrize("loss", sorted(set(CLASS_LOSSES) - NO_FUNCTIONS))
@pytest.mark.parametrize("n_classes", [2, 3])
def test_every_loss_of_a_classifier_learns_iris(loss, n_classes):
    """A smoke test: iris, with text as labels, two classes and three."""
    rows = n_classes > Y_IRIS
    y = np.array(["one", "two", "three"])[Y_IRIS[rows]]
    network = SimpleMLPClassifier((16,), loss=loss, **STEPS).fit(X_IRIS[rows], y)
    assert network.score(X_IRIS[rows], y) > 0.9
    assert set(network.predict(X_IRIS)) <= set(y)
    assert network.decision_function(X_IRIS).ndim == (1 if n_classes == 2 else 2)


# Without a margin the perceptron's loss vanishes with the outputs, and so may they.
@pytest.mark.parametrize(
    "loss", sorted(set(CLASS_LOSSES) - NO_FUNCTIONS - {"perceptron"})
)
def test_every_loss_of_a_classifier_takes_several_labels(loss):
    """An indicator matrix: a yes or a no for each column."""
    Y = np.column_stack([Y_IRIS > 0, Y_IRIS == 1]).astype(int)
    network = SimpleMLPClassifier((16,), loss=loss, **STEPS).fit(X_IRIS, Y)
    assert network.score(X_IRIS, Y) > 0.6
    assert network.predict(X_IRIS).shape == Y.shape


@pytest.mark.parametrize("loss", ["log_loss", "focal", "squared_error"])
@pytest.mark.parametrize("output", [None, "logistic"])
def test_probabilities_sum_to_one(loss, output):
    """Those of one against the rest are shared out, too; labels are the likeliest."""
    if output is not None and loss != "squared_error":
        output = None
    network = SimpleMLPClassifier((8,), loss=loss, output_activation=output, **STEPS)
    probability = network.fit(X_IRIS, Y_IRIS).predict_proba(X_IRIS)
    assert_allclose(probability.sum(axis=1), 1.0, rtol=1e-12)
    assert_array_equal(probability.argmax(axis=1), network.predict(X_IRIS))
    assert_allclose(np.exp(network.predict_log_proba(X_IRIS)), probability)


@pytest.mark.parametrize("loss", MARGINS)
def test_margins_are_no_probabilities(loss):
    """As with scikit-learn's SGDClassifier, there is no such method."""
    network = SimpleMLPClassifier(loss=loss)
    assert not hasattr(network, "predict_proba")
    network.fit(X_IRIS, Y_IRIS)
    assert not hasattr(network, "predict_proba")
    with pytest.raises(AttributeError, match="predict_log_proba"):
        network.predict_log_proba(X_IRIS)


def test_fitted_loss_counts_not_the_parameter():
    """A parameter that is changed after fit changes nothing that is fitted."""
    network = SimpleMLPClassifier(loss="hinge", **STEPS).fit(X_IRIS, Y_IRIS)
    before = network.predict(X_IRIS)
    network.set_params(loss="log_loss")
    assert not hasattr(network, "predict_proba")
    assert_array_equal(network.predict(X_IRIS), before)


def test_brier_equals_the_regression_on_indicators():
    """Squared error on logistic outputs: classifier and regressor end alike."""
    Y = np.eye(3)[Y_IRIS]
    params = {"hidden_layer_sizes": (5,), "output_activation": "logistic", **STEPS}
    classifier = SimpleMLPClassifier(loss="squared_error", **params)
    regressor = SimpleMLPRegressor(loss="squared_error", **params)
    classifier.fit(X_IRIS, Y_IRIS)
    assert_allclose(classifier.theta_, regressor.fit(X_IRIS, Y).theta_, rtol=1e-9)
    assert_allclose(classifier.loss_curve_, regressor.loss_curve_, rtol=1e-12)


def test_classes_with_targets_inside_the_range():
    """0.01 and 0.99 are aimed at, which a linear network with a bias can reach."""
    loss = Brier(output_activation="logistic", targets=(0.1, 0.9))
    network = SimpleMLPClassifier(
        (), loss=loss, solver="lbfgs", alpha=0.0, tol=1e-10, random_state=0
    )
    probability = network.fit([[-1.0], [1.0]], [0, 1]).predict_proba([[-1.0], [1.0]])
    assert_allclose(probability[:, 1], [0.1, 0.9], atol=1e-4)


# -------------------------------------------------------------------------- values


@pytest.mark.parametrize("loss", sorted(set(VALUE_LOSSES) - NO_FUNCTIONS))
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_every_loss_of_a_regressor_learns(loss, n_outputs):
    """A smoke test: positive targets, one or two."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1.0, 1.0, size=(300, 2))
    Y = np.exp(X @ rng.normal(size=(2, n_outputs)))
    y = Y.ravel() if n_outputs == 1 else Y
    network = SimpleMLPRegressor(loss, (16,), **STEPS).fit(X, y)
    assert network.score(X, y) > 0.8
    assert network.predict(X).shape == y.shape
    assert network.n_outputs_ == n_outputs


def test_score_is_that_of_the_predictions():
    """R2 of what predict gives, weights included."""
    X, y = noisy()
    weight = np.random.default_rng(1).uniform(size=len(y))
    network = SimpleMLPRegressor("huber", (8,), **STEPS).fit(X, y)
    expected = r2_score(y, network.predict(X), sample_weight=weight)
    assert network.score(X, y, weight) == expected


@pytest.mark.parametrize("level", [0.1, 0.5, 0.8])
def test_linear_quantile_network_equals_quantile_regression(level):
    """Without hidden layers: scikit-learn's linear programme, to 2 per cent."""
    X, y = noisy(200)
    theirs = QuantileRegressor(quantile=level, alpha=0.0).fit(X, y)
    ours = SimpleMLPRegressor(
        Quantile(levels=level),
        (),
        learning_rate="cosine",
        learning_rate_init=0.05,
        batch_size=200,
        max_iter=3000,
        n_iter_no_change=np.inf,
        alpha=0.0,
        random_state=0,
    ).fit(X, y)
    assert_allclose(ours.predict(X), theirs.predict(X), atol=0.02)


def test_linear_gamma_network_equals_the_generalised_linear_model():
    """Without hidden layers, the gamma loss gives the gamma regression."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = rng.gamma(3.0, np.exp(X @ [0.5, -0.3]) / 3.0)
    ours = SimpleMLPRegressor(
        "gamma", (), solver="lbfgs", alpha=0.0, tol=1e-9, max_iter=1000, random_state=0
    )
    theirs = GammaRegressor(alpha=0.0, tol=1e-10, max_iter=1000).fit(X, y)
    assert_allclose(ours.fit(X, y).predict(X), theirs.predict(X), rtol=1e-4)


def test_quantiles_of_one_network_cover_what_they_say():
    """Nine tenths of new rows lie between the outer levels, and none cross."""
    X, y = noisy(2000)
    X_new, y_new = noisy(2000, seed=1)
    network = SimpleMLPRegressor(Quantile(levels=(0.05, 0.5, 0.95)), (32,), **STEPS)
    low, middle, high = network.fit(X, y).predict(X_new).T
    assert (low <= middle).all()
    assert (middle <= high).all()
    # two standard errors of 2000 rows are 0.01; the network adds some of its own
    assert ((low <= y_new) & (y_new <= high)).mean() == pytest.approx(0.9, abs=0.03)
    assert (y_new <= middle).mean() == pytest.approx(0.5, abs=0.05)
    assert network.score(X, y) == r2_score(y, network.predict(X)[:, 1])


def test_quantiles_of_several_targets_have_an_axis_of_their_own():
    """(rows, targets, levels)."""
    X, y = noisy(100)
    network = SimpleMLPRegressor(Quantile(levels=(0.1, 0.9)), (4,), **STEPS)
    Y = np.column_stack([y, -y, 2 * y])
    assert network.fit(X, Y).predict(X).shape == (100, 3, 2)
    assert network.n_outputs_ == 3


def test_standard_deviations_are_learned():
    """They follow the noise that was put in; ``predict`` alone gives the means."""
    X, y = noisy(3000)
    network = SimpleMLPRegressor("gaussian", (32,), **STEPS).fit(X, y)
    grid = np.array([[0.1], [0.5], [0.9]])
    mean, std = network.predict(grid, return_std=True)
    assert_allclose(mean, grid.ravel(), atol=0.1)
    assert_allclose(std, 0.1 + 0.4 * grid.ravel(), rtol=0.2)
    assert_array_equal(network.predict(grid), mean)
    assert network.out_activation_ == "normal"


def test_standard_deviations_of_several_targets_have_their_shape():
    """As in scikit-learn's Gaussian process: mean and deviation of the shape of y."""
    X, y = noisy(100)
    network = SimpleMLPRegressor("gaussian", (4,), **STEPS)
    mean, std = network.fit(X, np.column_stack([y, -y])).predict(X, return_std=True)
    assert mean.shape == std.shape == (100, 2)


@pytest.mark.parametrize("loss", ["squared_error", Huber(), Quantile((0.1, 0.9))])
def test_return_std_needs_a_loss_that_gives_it(loss):
    """The message says which."""
    X, y = noisy(50)
    network = SimpleMLPRegressor(loss, (4,), **STEPS).fit(X, y)
    with pytest.raises(ValueError, match=r"return_std=True.*Use loss='gaussian'"):
        network.predict(X, return_std=True)


@pytest.mark.parametrize("output", ["logistic", "tanh", "softplus", "exp"])
def test_output_activation_bounds_the_predictions(output):
    """Predictions stay where the output activation ends."""
    X, y = noisy(200)
    network = SimpleMLPRegressor(output_activation=output, **STEPS).fit(X, y)
    prediction = network.predict(100.0 * X)
    assert network.out_activation_ == output
    low, high = {"logistic": (0, 1), "tanh": (-1, 1)}.get(output, (0, np.inf))
    assert ((low <= prediction) & (prediction <= high)).all()


# --------------------------------------------------------------- life of an estimator


@pytest.mark.parametrize(
    "network",
    [
        SimpleMLPClassifier(loss=LogLoss(label_smoothing=0.1), **STEPS),
        SimpleMLPClassifier(loss=Brier(targets=(0.01, 0.99)), **STEPS),
        SimpleMLPRegressor(Quantile((0.1, 0.5, 0.9)), **STEPS),
        SimpleMLPRegressor(Gaussian(), **STEPS),
    ],
    ids=str,
)
def test_loss_survives_clone_and_pickle(network):
    """What is predicted afterwards is the same, and what is stored is plain."""
    fitted = clone(network).fit(X_IRIS, Y_IRIS)
    again = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(again.predict(X_IRIS), fitted.predict(X_IRIS))
    assert type(json.loads(fitted._loss)) is dict


@pytest.mark.parametrize("loss", ["hinge", "squared_error", "focal"])
def test_early_stopping_and_partial_fit_go_with_every_loss(loss):
    """Scores are taken from margins as well as from probabilities."""
    network = SimpleMLPClassifier(loss=loss, early_stopping=True, **STEPS)
    assert max(network.fit(X_IRIS, Y_IRIS).validation_scores_) > 0.6
    stream = SimpleMLPClassifier(loss=loss, **STEPS)
    for _ in range(3):
        stream.partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])
    assert stream.n_epochs_ == 3


def test_early_stopping_watches_the_middle_quantile():
    """Of several levels it is what the score is taken of."""
    X, y = noisy(300)
    network = SimpleMLPRegressor(
        Quantile((0.1, 0.5, 0.9)), (8,), early_stopping=True, **STEPS
    )
    assert np.isfinite(network.fit(X, y).validation_scores_).all()


def test_another_loss_may_go_on_but_not_another_output():
    """Fine-tuning with another loss is fine, as long as outputs mean the same."""
    X, y = noisy(100)
    network = SimpleMLPRegressor(warm_start=True, **STEPS).fit(X, y)
    network.set_params(loss="huber").fit(X, y)
    with pytest.raises(
        ValueError, match=r"output activation is normal, but was identity"
    ):
        network.set_params(loss="gaussian").fit(X, y)


def test_lbfgs_takes_every_smooth_loss():
    """The full batch solver needs nothing but value and gradient."""
    for loss in ("log_loss", "squared_error", "focal"):
        network = SimpleMLPClassifier((4,), loss=loss, solver="lbfgs", random_state=0)
        assert network.fit(X_IRIS, Y_IRIS).score(X_IRIS, Y_IRIS) > 0.9


# ----------------------------------------------------------------------- bad input

REFUSED = {
    "levels": (
        SimpleMLPRegressor(Quantile(levels=(0.0, 0.5))),
        r"levels must be numbers in \(0, 1\).*got \(0\.0, 0\.5\)",
    ),
    "levels, one of them": (
        SimpleMLPRegressor(Quantile(levels=1.0)),
        r"levels must be numbers in \(0, 1\)",
    ),
    "delta": (SimpleMLPRegressor(Huber(delta=0.0)), r"delta must be .* \(0, inf\)"),
    "smoothing": (
        SimpleMLPClassifier(loss=LogLoss(label_smoothing=1.0)),
        r"label_smoothing must be a number in \[0, 1\), got 1\.0",
    ),
    "name of a classifier": (
        SimpleMLPClassifier(loss="huber"),
        r"'loss' parameter .* among \{'brier', 'cross_entropy', 'custom', 'focal'",
    ),
    "name of a regressor": (
        SimpleMLPRegressor(loss="hinge"),
        r"'loss' parameter .* among \{'absolute_error', 'custom', 'gamma'",
    ),
    "component of a classifier": (
        SimpleMLPRegressor(loss=LogLoss()),
        r"'loss' parameter .*instance of ValueLoss",
    ),
    "output of the log-loss": (
        SimpleMLPClassifier(output_activation="logistic"),
        r"output_activation='logistic' is not supported with loss='log_loss'",
    ),
    "unknown output": (
        SimpleMLPRegressor(output_activation="cube"),
        r"output_activation must be one of 'identity', 'logistic'.*got 'cube'",
    ),
    "one function": (
        SimpleMLPRegressor(loss=(len,)),
        r"pair of functions \(value, gradient\)",
    ),
    "widths in the first place": (
        SimpleMLPRegressor((64, 32)),
        r"pair of functions .* pass hidden_layer_sizes=\(64, 32\)",
    ),
    "no functions": (
        SimpleMLPRegressor(loss="custom"),
        r"loss='custom' needs two functions",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_loss_that_makes_no_sense_is_refused_at_fit(case):
    """The message has the parameter, the value, and what would do."""
    network, words = REFUSED[case]
    y = Y_IRIS if isinstance(network, SimpleMLPClassifier) else X_IRIS[:, 0]
    with pytest.raises(ValueError, match=words):
        network.fit(X_IRIS, y)


def test_softmax_over_two_classes_is_refused():
    """Two classes have one output, over which a softmax is one."""
    network = SimpleMLPClassifier(loss="squared_error", output_activation="softmax")
    with pytest.raises(ValueError, match="use 'logistic' or None"):
        network.fit(X_IRIS[:100], Y_IRIS[:100])


@pytest.mark.parametrize(
    ("loss", "y", "words"),
    [
        ("gamma", np.zeros(150), r"loss='gamma' needs y > 0.*least is 0"),
        ("poisson", -np.ones(150), r"loss='poisson' needs y >= 0.*least is -1"),
    ],
)
def test_target_out_of_the_domain_is_refused(loss, y, words):
    """With the least value, and what to do instead."""
    with pytest.raises(ValueError, match=words):
        SimpleMLPRegressor(loss).fit(X_IRIS, y)


def test_validation_target_out_of_the_domain_is_refused():
    """What is held against the loss must lie in its domain, too."""
    network = SimpleMLPRegressor("gamma")
    with pytest.raises(ValueError, match="needs y > 0"):
        network.fit(X_IRIS, X_IRIS[:, 0], X_val=X_IRIS, y_val=-X_IRIS[:, 0])
