"""T1 to T8: networks small enough for pencil and paper.

Source of truth: the tutorials' own numbers (given to as many digits as they print), and
the same computation written out in NumPy, in float64.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit
from sklearn.metrics import log_loss

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.initializers import Normal
from sknet.losses import SquaredError
from sknet.testing import check_gradient


ONE_ROW = np.array([[2.0, 3.0]])


def one_output(hidden, **params):
    """A regressor that ends in a logistic unit, as the tutorials' networks do."""
    return SimpleMLPRegressor(
        hidden_layer_sizes=hidden,
        activation="logistic",
        output_activation="logistic",
        max_iter=1,
        **params,
    )


# ------------------------------------------------------------------------- forward


def test_t1_one_logistic_neuron(with_weights):
    """w = (0, 1), b = 4, x = (2, 3): the neuron answers 0.9990889488055994."""
    neuron = with_weights(
        SimpleMLPClassifier((), max_iter=1), ONE_ROW, [1], [[[0.0], [1.0]]], [[4.0]]
    )
    neuron.classes_ = np.array([0, 1])

    assert_allclose(neuron.predict_proba(ONE_ROW)[0, 1], 0.9990889488055994, rtol=1e-15)


def test_t1_the_same_neuron_as_a_regressor(with_weights):
    """A logistic output unit is the same neuron, whatever it is trained for."""
    neuron = with_weights(one_output(()), ONE_ROW, [1.0], [[[0.0], [1.0]]], [[4.0]])

    assert_allclose(neuron.predict(ONE_ROW), 0.9990889488055994, rtol=1e-15)


def test_t2_two_layers_forward(with_weights):
    """2-2-1, every weight row (0, 1), no biases: 0.7216325609518421."""
    W1, W2 = [[0.0, 0.0], [1.0, 1.0]], [[0.0], [1.0]]
    network = with_weights(
        one_output((2,)), ONE_ROW, [1.0], [W1, W2], [np.zeros(2), np.zeros(1)]
    )

    assert_allclose(network.predict(ONE_ROW), 0.7216325609518421, rtol=1e-15)


# ------------------------------------------------------------------------ backward


def test_t3_backward_by_hand(with_weights, gradients):
    """All weights 1, x = (-2, -1), target 1: o = 0.5237, dL/dw1 = 0.0214 (printed)."""
    x, target = np.array([[-2.0, -1.0]]), [1.0]
    weights = [np.ones((2, 2)), np.ones((2, 1))]
    biases = [np.zeros(2), np.zeros(1)]
    h = expit(-3.0)
    o = expit(2 * h)

    network = with_weights(one_output((2,)), x, target, weights, biases)
    steps, bias_steps = gradients(one_output((2,)), x, target, weights, biases)

    assert_allclose(network.predict(x), o, rtol=1e-15)
    assert o == pytest.approx(0.523695, abs=1e-6)
    # (t - o)^2 by the chain rule; the network minimises half of it
    d_o = -2 * (1 - o) * o * (1 - o)
    d_w1 = d_o * 1.0 * h * (1 - h) * -2.0
    assert d_w1 == pytest.approx(0.0214695, abs=1e-7)
    assert_allclose(2 * steps[0][0, 0], d_w1, rtol=1e-12)
    assert_allclose(2 * steps[1][0, 0], d_o * h, rtol=1e-12)
    assert_allclose(2 * bias_steps[1][0], d_o, rtol=1e-12)


PEOPLE = np.array([[-2.0, -1.0], [25.0, 6.0], [17.0, 4.0], [-15.0, -6.0]])
GENDER = np.array([1, 0, 0, 1])


def people_network(seed, plain_descent):
    """Train T4's network: one person a step, in the given order, 1000 times."""
    params = plain_descent | {"random_state": seed}
    network = SimpleMLPClassifier(
        (2,),
        activation="logistic",
        loss="squared_error",
        output_activation="logistic",
        initializer=Normal(exponent=0.0, biases="normal"),
        learning_rate_init=0.2,  # 0.1 on (t - o)^2 is 0.2 on half of it
        batch_size=1,
        max_iter=1000,
        **params,
    )
    return network.fit(PEOPLE, GENDER)


@pytest.mark.parametrize("seed", range(60))
def test_t4_four_people_and_two_numbers(seed, plain_descent):
    """For each seed the error falls to 0.0027 or less, and both new people are told."""
    network = people_network(seed, plain_descent)

    probability = network.predict_proba([[-7.0, -3.0], [20.0, 2.0]])[:, 1]
    assert 2 * network.loss_curve_[-1] < 0.0028
    assert probability[0] > 0.9
    assert probability[1] < 0.1


def test_t4_equals_the_tutorials_loop(plain_descent):
    """The tutorial's own loop, written out, gives the same weights."""
    network = people_network(3, plain_descent)
    start = SimpleMLPClassifier(
        (2,),
        initializer=Normal(exponent=0.0, biases="normal"),
        learning_rate_init=1e-300,
        solver="sgd",
        alpha=0.0,
        max_iter=1,
        random_state=3,
    ).fit(PEOPLE, GENDER)
    W1, W2 = (np.array(c) for c in start.coefs_)
    b1, b2 = (np.array(b) for b in start.intercepts_)

    for _ in range(1000):
        for x, target in zip(PEOPLE, GENDER, strict=True):
            h = expit(x @ W1 + b1)
            o = expit(h @ W2 + b2)
            d_o = -2 * (target - o) * o * (1 - o)
            d_h = W2[:, 0] * d_o * h * (1 - h)
            W2 -= 0.1 * h[:, None] * d_o
            b2 -= 0.1 * d_o
            W1 -= 0.1 * np.outer(x, d_h)
            b1 -= 0.1 * d_h

    assert_allclose(network.coefs_[0], W1, rtol=1e-9)
    assert_allclose(network.coefs_[1], W2, rtol=1e-9)
    assert_allclose(network.intercepts_[0], b1, rtol=1e-9)


# ---------------------------------------------------------------- linear output unit


def test_t5_no_biases_linear_output(with_weights):
    """Hidden sums 1, 1.3, 0.8; hidden 0.7311, 0.7858, 0.6900; output 1.2332."""
    x = np.array([[1.0, 1.0]])
    W1 = np.array([[0.8, 0.4, 0.3], [0.2, 0.9, 0.5]])
    W2 = np.array([[0.3], [0.5], [0.9]])
    network = SimpleMLPRegressor(
        hidden_layer_sizes=(3,), activation="logistic", use_bias=False, max_iter=1
    )

    network = with_weights(network, x, [0.0], [W1, W2])

    assert network.intercepts_ == []
    assert_allclose(expit(x @ network.coefs_[0]), [[0.7311, 0.7858, 0.6900]], atol=5e-5)
    output = network.predict(x)[0]
    assert output == pytest.approx(1.233212098125132, rel=1e-15)
    assert output**2 == pytest.approx(1.5208, abs=5e-5)


T6_X = np.array([[1.0, 1.0]])
T6_WEIGHTS = [
    np.array([[-0.0053, -0.5820, -0.2723], [0.3793, -0.5204, 0.1896]]),
    np.array([[0.1528], [-0.1745], [-0.1135]]),
]
T6_BIASES = [np.array([-0.0140, 0.5607, -0.0628]), np.array([-0.5516])]


def t6_network(plain_descent):
    """The tutorial's network, start and rate."""
    return SimpleMLPRegressor(
        hidden_layer_sizes=(3,),
        activation="logistic",
        initializer=list(zip(T6_WEIGHTS, T6_BIASES, strict=True)),
        learning_rate_init=0.02,  # 0.01 on (o - t)^2 is 0.02 on half of it
        max_iter=100,
        **plain_descent,
    )


def test_t6_hundred_steps(plain_descent):
    """Loss 0.33455 at the start, 3.26187e-4 in the last step; then -0.0174362."""
    network = t6_network(plain_descent).fit(T6_X, [0.0])

    assert 2 * network.loss_curve_[0] == pytest.approx(0.334550, abs=1e-6)
    assert 2 * network.loss_curve_[99] == pytest.approx(3.26187e-4, rel=1e-5)
    assert network.predict(T6_X)[0] == pytest.approx(-0.0174362, abs=5e-8)


def t6_loss(theta):
    """(o - t)^2 of T6's network for a flat vector of its parameters."""
    W1, W2 = theta[:6].reshape(2, 3), theta[6:9]
    o = expit(T6_X[0] @ W1 + theta[9:12]) @ W2 + theta[12]
    return o**2, o


def test_t6_forward_differences_end_beside_it():
    """The tutorial's gradients, differences of step 1e-4, end at -0.0174745."""
    theta = np.concatenate([np.ravel(a) for a in (*T6_WEIGHTS, *T6_BIASES)])
    for _ in range(100):
        here = t6_loss(theta)[0]
        ahead = [t6_loss(theta + 1e-4 * e)[0] for e in np.eye(13)]
        theta = theta - 0.01 * (np.array(ahead) - here) / 1e-4

    assert t6_loss(theta)[1] == pytest.approx(-0.0174745, abs=5e-8)


# -------------------------------------------------------------------------- losses


def test_t7_squared_error_by_hand():
    """(1, 0, 0, 1) against zeros: mean squared error 0.5; ours shows half of it."""
    y, raw = np.array([[1.0], [0.0], [0.0], [1.0]]), np.zeros((4, 1))
    network = SimpleMLPRegressor(
        hidden_layer_sizes=(), initializer="constant", max_iter=1, alpha=0.0
    )

    network.fit(np.zeros((4, 1)), y.ravel())

    assert 2 * network.loss_curve_[0] == 0.5
    assert SquaredError().constant(y, np.ones(4)) == y.mean()
    assert ((y - raw) ** 2).mean() == 0.5


@pytest.mark.parametrize("n_classes", [2, 3])
def test_t7_cross_entropy_by_hand(n_classes):
    """Probability 0.88 on the true class costs 0.128, binary and categorical."""
    y = np.arange(n_classes)
    network = SimpleMLPClassifier((), max_iter=1).fit(np.eye(n_classes), y)
    rest = 0.12 / (n_classes - 1)
    if n_classes == 2:
        network.intercepts_ = [[np.log(0.88 / 0.12)]]
    else:
        network.intercepts_ = [np.log([rest, 0.88, rest])]
    network.coefs_ = [np.zeros_like(network.coefs_[0])]

    probability = network.predict_proba(np.zeros((1, n_classes)))

    assert probability[0, 1] == pytest.approx(0.88, rel=1e-14)
    cost = log_loss([1], probability, labels=y)
    assert cost == pytest.approx(0.128, abs=5e-4)
    assert -network.predict_log_proba(np.zeros((1, n_classes)))[0, 1] == (
        pytest.approx(cost, rel=1e-14)
    )


# --------------------------------------------------------------- numerical gradients

WORKED = {
    "t1": (one_output(()), ONE_ROW, [1.0]),
    "t2": (one_output((2,)), ONE_ROW, [1.0]),
    "t3": (one_output((2,)), np.array([[-2.0, -1.0]]), [1.0]),
    "t4": (
        SimpleMLPClassifier(
            (2,),
            activation="logistic",
            loss="squared_error",
            output_activation="logistic",
        ),
        PEOPLE / 10.0,
        GENDER,
    ),
    "t5": (
        SimpleMLPRegressor(
            hidden_layer_sizes=(3,), activation="logistic", use_bias=False
        ),
        np.ones((1, 2)),
        [0.0],
    ),
    "t6": (
        SimpleMLPRegressor(hidden_layer_sizes=(3,), activation="logistic"),
        T6_X,
        [0.0],
    ),
}


@pytest.mark.parametrize("name", WORKED)
def test_t8_gradients_equal_central_differences(name):
    """Backpropagation agrees with central differences to 1e-7."""
    network, X, y = WORKED[name]
    report = check_gradient(network, X, y, rtol=1e-7)
    assert report.passed


def test_t8_gradients_are_near_forward_differences(gradients):
    """T6's gradients by forward differences of step 1e-4, as the tutorial does."""
    network = SimpleMLPRegressor(hidden_layer_sizes=(3,), activation="logistic")
    steps, bias_steps = gradients(network, T6_X, [0.0], T6_WEIGHTS, T6_BIASES)
    ours = 2 * np.concatenate([np.ravel(a) for a in (*steps, *bias_steps)])

    theta = np.concatenate([np.ravel(a) for a in (*T6_WEIGHTS, *T6_BIASES)])
    here = t6_loss(theta)[0]
    ahead = np.array([t6_loss(theta + 1e-4 * e)[0] for e in np.eye(13)])

    # a forward difference errs by half the step times the curvature
    assert_allclose(ours, (ahead - here) / 1e-4, atol=1e-4)
