"""What stands in front of the hidden layers: embeddings, factors, fitted weights."""

import math

import numpy as np
import pytest
from by_layer import biases_of, weights_of
from numpy.testing import assert_allclose, assert_array_equal

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.initializers import DataDriven
from sknet.network import layers
from sknet.network.architecture import Architecture
from sknet.network.input_embedding import InputEmbedding
from sknet.network.layout import RateFactor
from sknet.network.network import Network, perceptron
from sknet.optimizers import Adam
from sknet.training.update import Update


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)) * [1.0, 10.0, 0.1, 5.0] + [0.0, 3.0, 1.0, -7.0]
Y = (X[:, 0] > X[:, 2]).astype(int)


def passed(root, x, theta=None, k=1):
    """A network of one layer, its parameters, and what it makes of rows."""
    network = Network([root], x.shape[-1:])
    if theta is None:
        streams = [np.random.RandomState(seed) for seed in range(k)]
        theta = network.initial(streams, np.dtype(float))
    cache = network.workspace(len(theta), theta.dtype, True).cache(x.shape[-2])
    views = network.layout.bind(theta)
    return network, theta, cache, network.forward(views, x, cache)


# ------------------------------------------------------------------------- embeddings


def test_embedding_is_a_dense_layer_on_one_hot_columns():
    """Forward, and the gradient of the table."""
    n_levels, size = (3, 5), 4
    codes = np.stack([RNG.integers(n, size=20) for n in n_levels], axis=1)
    x = codes.astype(float)[None]
    root = layers.Embedding(n_levels, size)
    network, theta, cache, y = passed(root, x, k=2)
    (table,) = network.layout.named(theta, "table")
    hot = [np.eye(n)[codes[:, j]] for j, n in enumerate(n_levels)]
    for k in range(2):
        expected = np.hstack([hot[0] @ table[k][:3], hot[1] @ table[k][3:]])
        assert_array_equal(y[k], expected)
    dy, grad = RNG.normal(size=y.shape), np.full_like(theta, np.nan)
    network.backward(network.layout.bind(theta), network.layout.bind(grad), dy, cache)
    (d_table,) = network.layout.named(grad, "table")
    for k in range(2):
        expected = np.vstack([hot[0].T @ dy[k][:, :4], hot[1].T @ dy[k][:, 4:]])
        assert_allclose(d_table[k], expected, rtol=1e-13, atol=1e-13)


def test_vectors_of_what_training_may_not_show_start_at_zero():
    """Level 0 of each column is the unknown or missing one; no other vector is zero."""
    network, theta, _, _ = passed(layers.Embedding((3, 5), 4), np.zeros((1, 1, 2)))
    (table,) = network.layout.named(theta, "table")
    assert np.flatnonzero(~table[0].any(axis=1)).tolist() == [0, 3]


def test_embedding_takes_levels_it_does_not_know_as_the_nearest():
    """No level number reads from another column's table."""
    root = layers.Embedding((2, 3), 2)
    _, _, _, y = passed(root, np.array([[[0.0, 0.0], [1.0, 2.0]]]))
    _, _, _, far = passed(root, np.array([[[-4.0, -1.0], [9.0, 9.0]]]))
    assert_array_equal(far, y)


def test_periodic_is_its_formula():
    """cos(2 pi x w + c) M + m, and the number itself."""
    root = layers.Periodic(waves=5, size=3)
    x = RNG.normal(size=(1, 8, 2))
    network, theta, _, y = passed(root, x, k=2)
    parts = ("frequency", "phase", "mixing", "offset")
    w, c, m, b = (network.layout.named(theta, name)[0] for name in parts)
    for k in range(2):
        for d in range(2):
            waves = np.cos(2 * math.pi * x[0, :, d : d + 1] * w[k, d] + c[k, d])
            mixed = waves @ m[k, d] + b[k, d]
            assert_allclose(y[k, :, 3 * d : 3 * d + 2], mixed, rtol=1e-12, atol=1e-13)
            assert_array_equal(y[k, :, 3 * d + 2], x[0, :, d])


def test_periodic_starts_as_it_says():
    """Deviations of frequencies are a geometric series; phases cover the circle."""
    network = Network([layers.Periodic(waves=3, lowest=0.1, highest=10.0)], (2000,))
    theta = network.initial([np.random.RandomState(0)], np.dtype(float))
    (w,), (c,) = (network.layout.named(theta, name) for name in ("frequency", "phase"))
    assert_allclose(w[0, :, 0].std(axis=0), [0.1, 1.0, 10.0], rtol=0.05)
    assert_allclose([c.min(), c.max()], [-math.pi, math.pi], rtol=0.01)


def test_entrance_is_nothing_by_default():
    assert InputEmbedding().layers(7, Architecture((3,)).style(0)) == ()
    plain = Architecture((3,))
    with_nothing = Architecture((3,), input_embedding=InputEmbedding(n_numeric=2))
    assert perceptron(4, plain, 1).root == perceptron(4, with_nothing, 1).root


@pytest.mark.parametrize("scales", [False, True])
@pytest.mark.parametrize("n_levels", [(), (3, 2)])
@pytest.mark.parametrize("embedding", [None, layers.Periodic(waves=3)])
def test_entrance_widths_and_description(embedding, n_levels, scales):
    """Four numbers a number, two flags, vectors of codes; kept as plain data."""
    input_embedding = InputEmbedding(3, embedding, n_levels, 5, scales)
    n_inputs = 3 + 2 + len(n_levels)
    architecture = Architecture((4,), input_embedding=input_embedding)
    assert Architecture.from_config(architecture.to_config()) == architecture
    layout = perceptron(n_inputs, architecture, 1).layout
    width = (12 if embedding else 3) + 2 + 5 * len(n_levels)
    assert next(p for p in layout.parameters if p.name == "weight").shape == (width, 4)
    assert ("scale" in [p.name for p in layout.parameters]) == scales


def test_partition_refuses_other_columns():
    with pytest.raises(ValueError, match="input has 3 columns"):
        Network([layers.Partition((1, 1), (layers.Scale(), layers.Scale()))], (3,))
    with pytest.raises(ValueError, match="input has 3 columns"):
        Network([layers.Embedding((2, 2))], (3,))


# ---------------------------------------------------------------- data-driven weights


def pre_activations(model, X):
    """Inputs of the activations of each hidden layer, layer by layer."""
    a, found = X, []
    for w, b in zip(weights_of(model), biases_of(model), strict=True):
        scale = w.shape[0] ** -0.5
        found.append(a @ w * scale + b)
        a = np.maximum(found[-1], 0.0)
    return found


@pytest.mark.parametrize("weighted", [False, True])
def test_data_driven_start_levels_every_layer(weighted):
    """Deviations of one in each unit; bends spread around the means."""
    weight = RNG.uniform(0.1, 2.0, size=len(X)) if weighted else None
    model = SimpleMLPClassifier(
        (200, 100), initializer="data_driven", max_iter=1, learning_rate_init=1e-300
    )
    model.set_params(random_state=0, tol=0.0, dtype="float64")
    model.fit(X, Y, sample_weight=weight)
    *hidden, output = pre_activations(model, X)
    assert_allclose(output, 0.0, atol=1e-290)  # it starts at zero
    for z in hidden:
        mean = np.average(z, axis=0, weights=weight)
        deviation = np.sqrt(np.average((z - mean) ** 2, axis=0, weights=weight))
        assert_allclose(deviation, 1.0, rtol=1e-9)
        assert_allclose(np.sqrt(np.mean(mean**2)), 0.58, rtol=0.2)


def test_data_driven_start_leaves_units_without_input():
    """Constant features give no deviation to divide by."""
    model = SimpleMLPRegressor(
        hidden_layer_sizes=(3,), initializer="data_driven", max_iter=2, tol=0.0
    )
    model.fit(np.ones((60, 2)), np.arange(60.0))
    assert np.isfinite(model.theta_).all()


def test_data_driven_start_counts_rows_by_their_weight():
    """Weight two is two rows, weight zero is none: the same start."""
    weight = RNG.integers(0, 3, size=len(X)).astype(float)
    rows = np.repeat(np.arange(len(X)), weight.astype(int))
    params = {"initializer": DataDriven(), "max_iter": 1, "learning_rate_init": 1e-300}
    model = SimpleMLPClassifier((8, 8), random_state=0, **params)
    weighted = model.fit(X, Y, sample_weight=weight).theta_
    repeated = model.fit(X[rows], Y[rows]).theta_
    assert_allclose(weighted, repeated, rtol=1e-9, atol=1e-12)


# ------------------------------------------------------------------------ rate factors


def test_learning_rate_multipliers_are_factors_of_steps():
    """Also across the blocks that an update is cut into; from zero the step is all."""
    n = 30_000  # a block has 26,214 columns
    grad, factors = RNG.normal(size=(1, n)), np.ones(n)
    factors[3:5], factors[26_000:27_000] = 0.5, 3.0
    given = [RateFactor(3, 5, 0.5), RateFactor(26_000, 27_000, 3.0)]
    steps = []
    for each in ([], given):
        theta, slots = np.zeros((1, n)), [np.zeros((1, n)) for _ in range(2)]
        Update(Adam(), theta, grad.copy(), slots, 0, each)(1, 0.1)
        steps.append(theta)
    assert_array_equal(steps[1], factors * steps[0])


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_parameters_with_factor_zero_stay(solver):
    params = {"solver": solver, "max_iter": 3, "tol": 0.0, "random_state": 0}
    model = SimpleMLPClassifier((5,), learning_rate_multipliers={"bias": 0.0}, **params)
    model.fit(X, Y)
    start = SimpleMLPClassifier((5,), learning_rate_init=1e-300, **params).fit(X, Y)
    assert_array_equal(model.intercepts_[0], start.intercepts_[0])
    assert (model.coefs_[0] != start.coefs_[0]).any()


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({"weights": 1.0}, "Unknown parameter name 'weights' in .* names are 'weight'"),
        (
            {"bias": -1.0},
            r"learning_rate_multipliers\['bias'\] must be a finite number >= 0",
        ),
        (
            {"bias": "0.1"},
            r"learning_rate_multipliers\['bias'\] must be a finite number >= 0",
        ),
    ],
)
def test_bad_learning_rate_multipliers_are_refused(factors, message):
    with pytest.raises(ValueError, match=message):
        SimpleMLPClassifier(learning_rate_multipliers=factors).fit(X, Y)


def test_full_batch_solver_refuses_learning_rate_multipliers():
    with pytest.raises(ValueError, match=r"learning_rate_multipliers.*lbfgs"):
        SimpleMLPClassifier(
            learning_rate_multipliers={"bias": 0.1}, solver="lbfgs"
        ).fit(X, Y)
