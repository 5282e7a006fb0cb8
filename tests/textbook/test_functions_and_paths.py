"""T19 to T21: activations, optimizers' paths, and which input dimension matters.

Source of truth: the functions' definitions and SciPy; a quadratic whose minimum is
known; data whose answer is known because it was made up.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import erf, expit
from sklearn.inspection import permutation_importance

from sknet import SimpleMLPRegressor
from sknet.activations import ACTIVATIONS
from sknet.inspection import input_gradients, integrated_gradients
from sknet.optimizers import OPTIMIZERS


def selu(z):
    """Klambauer et al., with their two constants."""
    return 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(z))


DEFINITIONS = {
    "identity": lambda z: z,
    "hard_threshold": lambda z: (z > 0).astype(float),
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
    "relu": lambda z: np.where(z > 0, z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.exp(z) - 1),
    "selu": selu,
    "silu": lambda z: z * expit(z),
    "gelu": lambda z: z * (1 + erf(z / np.sqrt(2))) / 2,
    "mish": lambda z: z * np.tanh(np.log1p(np.exp(z))),
    "softplus": lambda z: np.log(1 + np.exp(z)),
}


def value_and_slope(name, z):
    """Run an activation forward, and its pullback of ones."""
    function = ACTIVATIONS.make(name)
    row = z.reshape(1, 1, -1)
    a, slope, scratch = np.empty_like(row), np.ones_like(row), function.scratch(row)
    function.forward(row, a, scratch)
    function.backward(row, a, slope, scratch)
    return a.ravel(), slope.ravel()


@pytest.mark.parametrize("name", DEFINITIONS)
def test_t19_value_and_derivative(name):
    """Each activation is its definition, and its pullback the derivative of it."""
    f, z = DEFINITIONS[name], np.linspace(-4.0, 4.1, 62)
    value, slope = value_and_slope(name, z)

    assert_allclose(value, f(z), rtol=1e-13, atol=1e-15)
    if ACTIVATIONS[name].surrogate:
        assert_allclose(slope, np.abs(z) <= 1.0)
    else:
        difference = (f(z + 1e-6) - f(z - 1e-6)) / 2e-6
        assert_allclose(slope, difference, rtol=1e-7, atol=1e-9)


def test_t19_maxout_takes_the_largest_piece():
    """Maxout of two pieces is the larger of two neighbouring columns."""
    maxout = ACTIVATIONS.make("maxout")
    z = np.array([[[1.0, 3.0, -2.0, -5.0]]])
    a = np.empty((1, 1, 2))
    maxout.forward(z, a, maxout.scratch(z))
    dz = np.array([[[7.0, 7.0, 9.0, 9.0]]])
    maxout.backward(z, a, dz, maxout.scratch(z))

    assert a.tolist() == [[[3.0, -2.0]]]
    assert dz.tolist() == [[[0.0, 7.0, 9.0, 0.0]]]


@pytest.mark.parametrize("name", ["logistic", "tanh"])
def test_t19_saturation_takes_the_gradient_away(name):
    """Far from zero the slope of a sigmoid is nearly none."""
    _, slope = value_and_slope(name, np.array([-20.0, 0.0, 20.0]))
    assert slope[1] >= 0.25
    assert (slope[[0, 2]] < 1e-8).all()


def test_t19_dead_unit_gets_no_gradient():
    """A rectifier that is off for every row never moves again; a leaky one does."""
    X = np.random.default_rng(0).uniform(size=(50, 2))
    moved = {}
    for name in ("relu", "leaky_relu"):
        start = [(-np.ones((2, 1)), [-1.0]), (np.ones((1, 1)), [0.0])]
        network = SimpleMLPRegressor(
            hidden_layer_sizes=(1,),
            activation=name,
            initializer=start,
            solver="sgd",
            alpha=0.0,
            max_iter=20,
            tol=0.0,
            n_iter_no_change=np.inf,
        )
        with pytest.warns(UserWarning, match="Maximum iterations"):
            network.fit(X, X.sum(axis=1))
        moved[name] = np.abs(network.coefs_[0] + 1.0).max()

    assert moved["relu"] == 0.0
    assert moved["leaky_relu"] > 0.0


# ----------------------------------------------------------------------------- paths

BATCHES = {"gradient descent": 1024, "stochastic": 1, "mini-batch": 32, "large": 512}


@pytest.mark.parametrize("batch_size", BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_t20_every_way_down_ends_at_the_minimum(batch_size, momentum):
    """One quadratic bowl, least squares: every batch size ends at its minimum."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1024, 2))
    y = X @ [1.0, -2.0]
    rate = 0.05 if batch_size > 1 else 0.01
    network = SimpleMLPRegressor(
        hidden_layer_sizes=(),
        solver="sgd",
        momentum=momentum,
        nesterovs_momentum=False,
        learning_rate_init=rate * (1.0 - momentum),
        batch_size=batch_size,
        alpha=0.0,
        max_iter=400 if batch_size > 32 else 20,
        tol=0.0,
        n_iter_no_change=np.inf,
        random_state=0,
    )
    with pytest.warns(UserWarning, match="Maximum iterations"):
        network.fit(X, y)
    assert_allclose(network.coefs_[0].ravel(), [1.0, -2.0], atol=1e-3)


@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_t20_every_optimizer_reaches_the_minimum(solver):
    """The same bowl: every optimizer ends near its bottom, the rate falling to none."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(512, 2))
    network = SimpleMLPRegressor(
        hidden_layer_sizes=(),
        solver=solver,
        learning_rate="cosine",
        learning_rate_init=0.05,
        batch_size=64,
        alpha=0.0,
        max_iter=60,
        tol=0.0,
        n_iter_no_change=np.inf,
        random_state=0,
    )
    network.fit(X, X @ [1.0, -2.0])
    # AdamW's decay pulls a little towards zero
    assert_allclose(network.coefs_[0].ravel(), [1.0, -2.0], atol=0.02)


# -------------------------------------------------------------- which input matters


def test_t21_four_answers_agree_where_the_answer_is_known():
    """y = 3 x0 + x1^2 + 0 x2: four measures put the features in that order."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 3))
    y = 3.0 * X[:, 0] + X[:, 1] ** 2
    network = SimpleMLPRegressor(
        hidden_layer_sizes=(32,),
        activation="tanh",
        solver="lbfgs",
        max_iter=1000,
        random_state=0,
    ).fit(X, y)

    answers = {
        "gradients": np.abs(input_gradients(network, X)).mean(axis=0),
        "integrated": np.abs(integrated_gradients(network, X)).mean(axis=0),
        "weights": np.linalg.norm(network.coefs_[0], axis=1),
        "permutation": permutation_importance(
            network, X, y, n_repeats=3, random_state=0
        ).importances_mean,
    }

    assert network.score(X, y) > 0.99
    for what, importance in answers.items():
        assert np.argmin(importance) == 2, what
    for what in ("gradients", "integrated", "permutation"):
        assert np.argsort(-answers[what]).tolist() == [0, 1, 2], what
    # the true gradients are 3 and 2 x1, whose mean size is 2 sqrt(2 / pi)
    assert answers["gradients"][0] == pytest.approx(3.0, rel=0.05)
    assert answers["gradients"][1] == pytest.approx(2 * np.sqrt(2 / np.pi), rel=0.1)


def test_t21_integrated_gradients_are_complete():
    """The shares of a row sum to the difference of the two outputs."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 4))
    network = SimpleMLPRegressor(
        hidden_layer_sizes=(8,), activation="tanh", solver="lbfgs", random_state=0
    ).fit(X, np.sin(X).sum(axis=1))
    baseline = np.zeros((1, 4))

    shares = integrated_gradients(network, X[:10], baseline=baseline[0], n_steps=400)

    difference = network.predict(X[:10]) - network.predict(baseline)
    assert_allclose(shares.sum(axis=1), difference, atol=1e-4)
