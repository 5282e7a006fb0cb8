"""The fast core against the algorithm on one page, in float64."""

from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.activations import ACTIVATIONS
from sknet.losses import LogLoss, SquaredError
from sknet.network.architecture import Architecture
from sknet.network.network import perceptron
from sknet.objective import Batch, Objective
from sknet.penalties import L2


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Sums are made in another order; nothing else differs.
TOLERANCE = {"rtol": 1e-10, "atol": 1e-12}
LOSSES = {
    "log_loss": (LogLoss(), reference.log_loss),
    "binary_log_loss": (LogLoss(exclusive=False), reference.binary_log_loss),
    "squared_error": (SquaredError(), reference.squared_error),
}
HIDDEN = [(), (4,), (4, 3), (4, 3, 5)]
OPTIMIZERS = {
    "momentum": (
        {"solver": "sgd", "momentum": 0.8, "nesterovs_momentum": False},
        partial(reference.sgd, momentum=0.8, nesterov=False),
    ),
    "nesterov": ({"solver": "sgd"}, reference.sgd),
    "adam": ({"solver": "adam"}, reference.adam),
}


def layers_of(network, theta):
    """Return the layers ``[W, b]`` of the first member, as copies."""
    weights = network.layout.named(theta, "weight")
    biases = network.layout.named(theta, "bias")
    return [[W[0].copy(), b[0, 0].copy()] for W, b in zip(weights, biases, strict=True)]


def targets(name, rng, n_rows, n_columns):
    """Return valid targets for a loss."""
    if name == "log_loss":
        return np.eye(n_columns)[rng.integers(n_columns, size=n_rows)]
    if name == "binary_log_loss":
        return rng.integers(2, size=(n_rows, n_columns)).astype(float)
    return rng.normal(size=(n_rows, n_columns))


@pytest.mark.parametrize(
    ("activation", "loss", "hidden", "weighted"),
    list(product(reference.ACTIVATIONS, LOSSES, HIDDEN, (False, True))),
)
def test_value_and_gradient_equal_the_reference(activation, loss, hidden, weighted):
    """Mean loss, penalty and every element of the gradient, to 1e-10."""
    rng = np.random.default_rng(0)
    fast, slow = LOSSES[loss]
    made = (ACTIVATIONS.make(activation),)
    network = perceptron(3, Architecture(hidden, made), 2)
    theta = rng.normal(size=(1, network.layout.n_parameters))
    x, y = rng.normal(size=(7, 3)), targets(loss, rng, 7, 2)
    weight = rng.uniform(0.1, 2.0, size=7) if weighted else np.ones(7)
    total = weight.sum()
    share = (weight / total)[None, :, None] if weighted else 1.0 / 7
    whole = np.array([[total]]) if weighted else 7.0

    point = Objective(network, fast, L2(), 0.3).point(theta)
    batch = Batch(x[None], y[None], share, whole, 7)
    value = sum(Objective(network, fast, L2(), 0.3).value_and_gradient(point, batch))

    layers, samples = layers_of(network, theta), list(zip(x, y, weight, strict=True))
    expected, gradient = reference.objective(layers, activation, slow, 0.3, samples)
    assert_allclose(value[0], expected, **TOLERANCE)
    for (W, b), (dW, db) in zip(layers_of(network, point.grad), gradient, strict=True):
        assert_allclose(W, dW, **TOLERANCE)
        assert_allclose(b, db, **TOLERANCE)


def orders_of(stream, n_rows, n_epochs, shuffle):
    """Return the orders of the rows that a training draws from its stream."""
    order = np.arange(n_rows)
    for _ in range(n_epochs):
        if shuffle:
            stream.shuffle(order)
        yield order.copy()


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_training_equals_the_reference(loss, optimizer, shuffle):
    """Weights, biases and loss curve after 5 epochs with weighted rows, to 1e-10."""
    rng = np.random.default_rng(1)
    n_columns = 3 if loss == "log_loss" else 1
    x, y = rng.normal(size=(50, 4)), targets(loss, rng, 50, n_columns)
    weight = rng.integers(1, 4, size=50).astype(float)
    params, step = OPTIMIZERS[optimizer]
    estimator = SimpleMLPRegressor if loss == "squared_error" else SimpleMLPClassifier
    model = estimator(
        hidden_layer_sizes=(6, 5),
        activation="tanh",
        alpha=0.2,
        batch_size=16,
        learning_rate_init=0.02,
        max_iter=5,
        shuffle=shuffle,
        random_state=3,
        tol=0.0,
        **params,
    )
    model.fit(x, y.argmax(axis=1) if n_columns > 1 else y[:, 0], weight)

    stream = np.random.RandomState(3)
    network = perceptron(
        4, Architecture((6, 5), (ACTIVATIONS.make("tanh"),)), n_columns
    )
    layers = layers_of(network, network.initial([stream], np.dtype(np.float64)))
    curve = reference.train(
        layers,
        "tanh",
        LOSSES[loss][1],
        0.2,
        list(zip(x, y, weight, strict=True)),
        orders_of(stream, 50, 5, shuffle),
        16,
        partial(step, rate=0.02),
    )
    assert_allclose(model.loss_curve_, curve, **TOLERANCE)
    for (W, b), coefs, intercepts in zip(
        layers, model.coefs_, model.intercepts_, strict=True
    ):
        assert_allclose(coefs, W, **TOLERANCE)
        assert_allclose(intercepts, b, **TOLERANCE)


def test_prediction_equals_the_reference():
    """Probabilities of a fitted network are the softmax of the forward pass."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(20, 3))
    model = SimpleMLPClassifier((4,), max_iter=3).fit(x, np.arange(20) % 3)
    layers = list(zip(model.coefs_, model.intercepts_, strict=True))
    raw = np.array([reference.forward(layers, "relu", row)[-1] for row in x])
    expected = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    assert_allclose(model.predict_proba(x), expected, **TOLERANCE)


def test_reference_stays_one_page():
    """At most 140 lines, words included, and nothing of the package in it."""
    text = Path(reference.__file__).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 140
    assert "sknet" not in text
