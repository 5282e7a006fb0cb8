"""The objective: gradients against differences, rows of members, known optima."""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.activations import ACTIVATIONS
from sknet.losses import LogLoss, LossBuffers, Poisson, SquaredError
from sknet.network.architecture import Architecture
from sknet.network.network import perceptron
from sknet.objective import Batch, Objective
from sknet.penalties import L2


# The families as a whole are gone through in test_gradients.py.
ALL_LOSSES = [SquaredError(), Poisson(), LogLoss(), LogLoss(exclusive=False)]
ACTIVATIONS_OF_SKLEARN = ("identity", "logistic", "tanh", "relu")


# SciPy stops at a relative change of the value of 2e-9, hence predictions to 1e-4.
TO_THE_END = {"solver": "lbfgs", "tol": 1e-9, "max_iter": 1000, "random_state": 0}


def targets(loss, shape, rng):
    """Return valid targets for a loss."""
    if loss == LogLoss():
        return np.eye(shape[-1])[rng.integers(shape[-1], size=shape[:-1])]
    if loss == LogLoss(exclusive=False):
        return rng.integers(2, size=shape).astype(float)
    return rng.poisson(2.0, size=shape).astype(float)


def problem(activation, loss, n_members, weighted, hidden=(5, 4), dtype=np.float64):
    """Return an objective, a point with random parameters and a batch."""
    rng = np.random.default_rng(0)
    network = perceptron(3, Architecture(hidden, (ACTIVATIONS.make(activation),)), 2)
    objective = Objective(network, loss, L2(), 0.3)
    shape = (n_members, network.layout.n_parameters)
    theta = rng.normal(size=shape).astype(dtype)
    x = rng.normal(size=(n_members, 6, 3)).astype(dtype)
    y = targets(loss, (n_members, 6, 2), rng).astype(dtype)
    weight, total = 1.0 / 6, 6.0
    if weighted:
        raw = rng.uniform(0.1, 2.0, size=(n_members, 6, 1)).astype(dtype)
        total = raw.sum(axis=1)
        weight = raw / total[:, :, None]
    return objective, objective.point(theta), Batch(x, y, weight, total, 6)


@pytest.mark.parametrize(
    ("activation", "loss", "n_members", "weighted"),
    list(product(ACTIVATIONS_OF_SKLEARN, ALL_LOSSES, (1, 3), (False, True))),
)
def test_gradient_equals_the_central_difference(activation, loss, n_members, weighted):
    """One random direction for each member, fourth order, away from kinks by chance."""
    objective, point, batch = problem(activation, loss, n_members, weighted)
    direction = np.random.default_rng(1).normal(size=point.grad.shape)
    objective.value_and_gradient(point, batch)
    slope = (point.grad * direction).sum(axis=1)
    theta, step = point.theta.copy(), 1e-3
    values = []
    for factor in (-2, -1, 1, 2):
        point.theta[:] = theta + factor * step * direction
        values.append(sum(objective.value_and_gradient(point, batch)))
    difference = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
    assert_allclose(slope, difference, rtol=2e-7, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", ALL_LOSSES, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS_OF_SKLEARN)
def test_members_together_equal_each_alone(activation, loss, dtype):
    """Bit for bit: values and gradients of three members are those of each."""
    objective, point, batch = problem(activation, loss, 3, True, dtype=dtype)
    data, penalty = objective.value_and_gradient(point, batch)
    for k in range(3):
        alone = objective.point(point.theta[k : k + 1].copy())
        one = slice(k, k + 1)
        part = Batch(batch.x[one], batch.y[one], batch.weight[one], batch.total[one], 6)
        data_alone, penalty_alone = objective.value_and_gradient(alone, part)
        assert (data_alone[0], penalty_alone[0]) == (data[k], penalty[k])
        np.testing.assert_array_equal(alone.grad[0], point.grad[k])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_member_with_huge_outputs_does_not_touch_the_others(dtype):
    """The shift against overflow is each member's own, bit for bit."""
    rng = np.random.default_rng(0)
    raw = rng.normal(size=(2, 5, 3)).astype(dtype)
    raw[1] *= 2000.0
    y = np.eye(3, dtype=dtype)[rng.integers(3, size=(2, 5))]
    out, alone = np.empty_like(raw), np.empty_like(raw[:1])
    buffers = LossBuffers(2, 5, 3, raw.dtype)
    values = LogLoss().value_and_gradient(raw, y, 0.2, out, buffers)
    for k in range(2):
        one = slice(k, k + 1)
        buffers = LossBuffers(1, 5, 3, raw.dtype)
        value = LogLoss().value_and_gradient(raw[one], y[one], 0.2, alone, buffers)
        assert value[0] == values[k]
        np.testing.assert_array_equal(alone[0], out[k])
    assert np.isfinite(values).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS_OF_SKLEARN)
def test_gradient_keeps_the_type(activation, dtype):
    """float32 parameters give a float32 gradient and value."""
    objective, point, batch = problem(activation, LogLoss(), 1, False, dtype=dtype)
    data, penalty = objective.value_and_gradient(point, batch)
    assert {point.grad.dtype, data.dtype, penalty.dtype} == {np.dtype(dtype)}


def test_relu_has_no_slope_at_zero():
    """The derivative at the kink is taken to be 0, as in scikit-learn."""
    z = np.array([[[-1.0, 0.0, 2.0]]])
    a, dz = np.empty_like(z), np.ones_like(z)
    relu = ACTIVATIONS.make("relu")
    relu.forward(z, a, relu.scratch(z))
    relu.backward(z, a, dz, relu.scratch(z))
    assert dz.tolist() == [[[0.0, 0.0, 1.0]]]


@pytest.mark.parametrize("loss", ALL_LOSSES, ids=str)
def test_gradient_vanishes_at_the_best_constant(loss):
    """``constant`` is where the mean gradient over the rows is zero."""
    rng = np.random.default_rng(3)
    y, weight = targets(loss, (40, 3), rng), rng.uniform(0.5, 2.0, size=40)
    raw = np.broadcast_to(loss.constant(y, weight), (1, 40, 3)).copy()
    out = np.empty_like(raw)
    shares = (weight / weight.sum())[None, :, None]
    loss.value_and_gradient(raw, y[None], shares, out, LossBuffers(1, 40, 3, raw.dtype))
    assert_allclose(out.sum(axis=1), 0.0, atol=1e-12)


@pytest.mark.parametrize("raw", [-1000.0, 1000.0])
def test_log_loss_is_exact_where_probabilities_saturate(raw):
    """The loss of a wrong certain answer is its margin, not a clipped logarithm."""
    out, buffers = np.empty((1, 1, 1)), LossBuffers(1, 1, 1, np.dtype(float))
    y = np.array([[[float(raw < 0)]]])
    value = LogLoss(exclusive=False).value_and_gradient(
        np.array([[[raw]]]), y, 1.0, out, buffers
    )
    assert value[0] == 1000.0


def test_linear_classifier_equals_logistic_regression():
    """Without hidden layers, L-BFGS finds scikit-learn's logistic regression."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    y = (X @ [1.0, -2.0, 0.5, 0.0] + rng.normal(size=200) > 0).astype(int)
    ours = SimpleMLPClassifier((), alpha=2.0, **TO_THE_END)
    theirs = LogisticRegression(C=0.5, tol=1e-10, max_iter=1000)
    assert_allclose(
        ours.fit(X, y).predict_proba(X), theirs.fit(X, y).predict_proba(X), atol=1e-4
    )


def test_linear_regressor_equals_ridge():
    """Without hidden layers, L-BFGS finds ridge regression, for several outputs too."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    Y = X @ rng.normal(size=(4, 2)) + rng.normal(size=(200, 2))
    ours = SimpleMLPRegressor(hidden_layer_sizes=(), alpha=3.0, **TO_THE_END)
    assert_allclose(
        ours.fit(X, Y).predict(X), Ridge(alpha=3.0).fit(X, Y).predict(X), atol=1e-4
    )


def test_linear_poisson_network_equals_the_generalised_linear_model():
    """Without hidden layers, the Poisson loss gives the Poisson regression."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = rng.poisson(np.exp(X @ [0.5, -0.3, 0.1]))
    ours = SimpleMLPRegressor("poisson", (), alpha=0.0, **TO_THE_END)
    theirs = PoissonRegressor(alpha=0.0, tol=1e-10, max_iter=1000)
    assert_allclose(ours.fit(X, y).predict(X), theirs.fit(X, y).predict(X), rtol=1e-4)
