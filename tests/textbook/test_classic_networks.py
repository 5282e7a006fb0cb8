"""T9 to T14: the digit reader, the perceptron, XOR, and shallow nets of the textbooks.

Source of truth: the recurrences written out in NumPy, scikit-learn's linear models, and
what can be proved (a perceptron cannot learn XOR).
"""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit, log_softmax, softmax
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression, Perceptron

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.initializers import Normal


CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = np.array([0, 1, 1, 0])


# -------------------------------------------------------------------- digit reader


def digits(n_rows):
    """Pixels from 0.01 to 1, targets 0.01 and 0.99, as the classic reader has them."""
    X, y = load_digits(return_X_y=True)
    targets = np.full((n_rows, 10), 0.01)
    targets[np.arange(n_rows), y[:n_rows]] = 0.99
    return X[:n_rows] / 16.0 * 0.99 + 0.01, targets, y[:n_rows]


def reader(**params):
    """Inputs, hidden, outputs; no biases, logistic throughout, squared error."""
    return SimpleMLPRegressor(
        hidden_layer_sizes=(30,),
        activation="logistic",
        output_activation="logistic",
        use_bias=False,
        initializer=Normal(exponent=-0.5, fan="out"),
        learning_rate_init=0.1,
        batch_size=1,
        **params,
    )


def test_t9_equals_the_ten_line_recurrence(plain_descent):
    """The same weights after each epoch as the recurrence, to 1e-10."""
    X, targets, _ = digits(300)
    start = reader(**plain_descent, max_iter=1)
    start.set_params(learning_rate_init=1e-300).fit(X, targets)
    W_ih, W_ho = (np.array(c) for c in start.coefs_)
    network = reader(**plain_descent, max_iter=3).fit(X, targets)

    for _ in range(3):
        for x, t in zip(X, targets, strict=True):
            h = expit(x @ W_ih)
            o = expit(h @ W_ho)
            e = t - o
            e_h = W_ho @ (e * o * (1 - o))
            W_ho += 0.1 * np.outer(h, e * o * (1 - o))
            W_ih += 0.1 * np.outer(x, e_h * h * (1 - h))

    assert_allclose(network.coefs_[0], W_ih, rtol=0, atol=1e-10)
    assert_allclose(network.coefs_[1], W_ho, rtol=0, atol=1e-10)


def test_t9b_equals_the_tutorials_own_recurrence(plain_descent):
    """Hidden errors are W_ho e, by the weights alone: the same weights to 1e-10."""
    X, targets, _ = digits(300)
    start = reader(**plain_descent, max_iter=1)
    start.set_params(learning_rate_init=1e-300).fit(X, targets)
    W_ih, W_ho = (np.array(c) for c in start.coefs_)
    by_the_book = reader(
        **plain_descent, max_iter=3, learning_rule="error_by_weights"
    ).fit(X, targets)
    gradient = reader(**plain_descent, max_iter=3).fit(X, targets)

    for _ in range(3):
        for x, t in zip(X, targets, strict=True):
            h = expit(x @ W_ih)
            o = expit(h @ W_ho)
            e = t - o
            e_h = W_ho @ e
            W_ho += 0.1 * np.outer(h, e * o * (1 - o))
            W_ih += 0.1 * np.outer(x, e_h * h * (1 - h))

    assert_allclose(by_the_book.coefs_[0], W_ih, rtol=0, atol=1e-10)
    assert_allclose(by_the_book.coefs_[1], W_ho, rtol=0, atol=1e-10)
    assert np.abs(gradient.coefs_[0] - W_ih).max() > 1e-3


def test_t9b_is_the_gradient_of_nothing():
    """Second derivatives of a function are equal in either order; here they are not.

    The step of v is -e f'(vh) h with h = f(wx), and that of w is -v e f'(wx) x, with
    one unit in each layer, error e = t - f(vh), for one row.
    """
    x, t, step = 1.0, 0.9, 1e-5

    def steps(w, v, by_weights):
        h = expit(w * x)
        o = expit(v * h)
        e = o - t
        d = e * o * (1 - o)
        return v * (e if by_weights else d) * h * (1 - h) * x, d * h

    for by_weights in (False, True):
        up, down = (steps(0.5, 1.0 + s, by_weights)[0] for s in (step, -step))
        of_w_by_v = (up - down) / (2 * step)
        up, down = (steps(0.5 + s, 1.0, by_weights)[1] for s in (step, -step))
        of_v_by_w = (up - down) / (2 * step)
        agree = of_w_by_v == pytest.approx(of_v_by_w, rel=1e-6)
        assert agree is not by_weights

    # and these are the steps that sknet makes
    for rule in ("gradient", "error_by_weights"):
        network = SimpleMLPRegressor(
            hidden_layer_sizes=(1,),
            activation="logistic",
            output_activation="logistic",
            use_bias=False,
            initializer=[[[0.5]], [[1.0]]],
            learning_rule=rule,
            solver="sgd",
            momentum=0.0,
            alpha=0.0,
            learning_rate_init=1.0,
            max_iter=1,
        ).fit([[x]], [t])
        found = [
            start - c.item() for start, c in zip((0.5, 1), network.coefs_, strict=True)
        ]
        assert_allclose(found, steps(0.5, 1.0, rule != "gradient"), rtol=1e-12)


def test_t9b_mixes_the_gradients_of_two_losses(gradients):
    """The hidden layer follows the log-loss, the output layer the squared error."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(1, 4)), np.array([[0, 1, 1]])
    weights = [rng.normal(size=(4, 5)), rng.normal(size=(5, 3))]

    def steps(**params):
        network = SimpleMLPClassifier((5,), "logistic", use_bias=False, **params)
        return gradients(network, X, y, weights)[0]

    by_the_book = steps(loss="squared_error", learning_rule="error_by_weights")

    assert_allclose(by_the_book[0], steps(loss="log_loss")[0], rtol=1e-12)
    assert_allclose(by_the_book[1], steps(loss="squared_error")[1], rtol=1e-12)


def test_t9b_learns_faster_in_its_first_epoch(plain_descent):
    """More arrives at the hidden layer: one epoch reads more of the small digits."""
    X, targets, y = digits(1797)
    accuracy = {}
    for rule in ("gradient", "error_by_weights"):
        network = reader(**plain_descent, max_iter=1, learning_rule=rule)
        network.fit(X[:1200], targets[:1200])
        answers = network.predict(X[1200:]).argmax(axis=1)
        accuracy[rule] = (answers == y[1200:]).mean()

    assert accuracy["error_by_weights"] > accuracy["gradient"] + 0.01


def test_t9_draws_the_classic_weights(plain_descent):
    """W_ih ~ N(0, n_hidden^-1/2) and W_ho ~ N(0, n_outputs^-1/2), as deviations."""
    X, targets, _ = digits(20)
    network = reader(**plain_descent, max_iter=1)
    network.set_params(hidden_layer_sizes=(200,), learning_rate_init=1e-300)

    W_ih, W_ho = network.fit(X, targets).coefs_

    # deviations of 12,800 and 2,000 draws are within 2 and 5 per cent
    assert W_ih.std() == pytest.approx(200**-0.5, rel=0.02)
    assert W_ho.std() == pytest.approx(10**-0.5, rel=0.05)


def test_t9_reads_digits(plain_descent):
    """A smoke test: scikit-learn's small digits are read after a few epochs."""
    X, targets, y = digits(1797)
    network = reader(**plain_descent, max_iter=20).fit(X[:1200], targets[:1200])

    accuracy = (network.predict(X[1200:]).argmax(axis=1) == y[1200:]).mean()

    assert accuracy > 0.85


@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_t10_has_12730_parameters_and_learns(loss):
    """784-16-10 has 12,730 parameters; both losses train it (here on small digits)."""
    X, y = load_digits(return_X_y=True)
    # each pixel of 8 x 8 becomes 3 x 3 of the middle of 28 x 28
    wide = np.zeros((len(X), 28, 28), dtype=np.float32)
    small = X.reshape(-1, 8, 8) / 16.0
    wide[:, 2:26, 2:26] = small.repeat(3, axis=1).repeat(3, axis=2)
    network = SimpleMLPClassifier(
        (16,), loss=loss, max_iter=25, learning_rate_init=0.01, random_state=0
    )

    network.fit(wide.reshape(len(X), 784)[:1200], y[:1200])

    assert network.theta_.shape == (1, 12730)
    assert network.score(wide.reshape(len(X), 784)[1200:], y[1200:]) > 0.8


# ---------------------------------------------------------------- linear machines


def test_t11_no_hidden_layer_is_logistic_regression():
    """The same probabilities as scikit-learn's, for the same penalty and 3 classes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 3))
    y = (X @ rng.normal(size=(3, 3)) + rng.normal(size=(150, 3))).argmax(axis=1)
    ours = SimpleMLPClassifier(
        (), alpha=1.0, solver="lbfgs", tol=1e-9, max_iter=2000, random_state=0
    )
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=2000)

    assert_allclose(
        ours.fit(X, y).predict_proba(X), theirs.fit(X, y).predict_proba(X), atol=1e-4
    )


def perceptron(n_epochs, plain_descent):
    """Rosenblatt's rule: start from zero, one row a step, rate 1."""
    return SimpleMLPClassifier(
        (),
        loss="perceptron",
        initializer="constant",
        learning_rate_init=1.0,
        batch_size=1,
        max_iter=n_epochs,
        **plain_descent,
    )


@pytest.mark.parametrize("n_epochs", [1, 2, 7])
def test_t11_perceptron_rule_equals_sklearns(n_epochs, plain_descent):
    """The same weights after each epoch as scikit-learn's Perceptron."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 4))
    y = (X @ [1.0, -1.0, 0.5, 0.0] + 0.5 * rng.normal(size=200) > 0).astype(int)
    theirs = Perceptron(shuffle=False, max_iter=n_epochs, tol=None).fit(X, y)

    ours = perceptron(n_epochs, plain_descent).fit(X, y)

    assert_allclose(ours.coefs_[0].T, theirs.coef_, rtol=0, atol=1e-12)
    assert_allclose(ours.intercepts_[0], theirs.intercept_, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


@pytest.mark.parametrize(
    ("gate", "X", "y"),
    [
        ("and", CORNERS, [0, 0, 0, 1]),
        ("or", CORNERS, [0, 1, 1, 1]),
        ("not", [[0.0], [1.0]], [1, 0]),
    ],
    ids=["and", "or", "not"],
)
def test_t11_perceptron_learns_gates(gate, X, y, plain_descent):
    """AND, OR and NOT are linearly separable: learned without an error."""
    del gate
    network = perceptron(20, plain_descent).fit(X, y)
    assert network.predict(X).tolist() == list(y)


def test_t11_perceptron_never_learns_xor(plain_descent):
    """No line separates XOR, and the weights run in a circle: they repeat for ever.

    A state that comes back (the rule is deterministic) with an error in between proves
    that the rule never ends.
    """
    network = perceptron(1, plain_descent | {"warm_start": True})
    seen, errors = {}, []
    for epoch in range(50):
        network.fit(CORNERS, XOR)
        errors.append((network.predict(CORNERS) != XOR).any())
        state = tuple(network.theta_[0])
        if state in seen:
            break
        seen[state] = epoch

    assert epoch < 49
    assert all(errors)


# ------------------------------------------------------------------- hidden layers


@pytest.mark.parametrize("seed", range(5))
def test_t12_two_hidden_units_learn_xor(seed):
    """Two logistic units suffice, and make the four points linearly separable."""
    network = SimpleMLPClassifier(
        (2,), activation="logistic", solver="lbfgs", alpha=1e-4, random_state=seed
    )
    # two units have local minima: the first start in ten that gets out is taken
    for start in range(10):
        network.set_params(random_state=10 * seed + start).fit(CORNERS, XOR)
        if network.score(CORNERS, XOR) == 1.0:
            break

    assert network.score(CORNERS, XOR) == 1.0
    image = expit(CORNERS @ network.coefs_[0] + network.intercepts_[0])
    on_image = Perceptron(max_iter=10_000, tol=None, random_state=0).fit(image, XOR)
    assert on_image.score(image, XOR) == 1.0
    on_points = Perceptron(max_iter=10_000, tol=None, random_state=0).fit(CORNERS, XOR)
    assert on_points.score(CORNERS, XOR) < 1.0


def test_t13_momentum_through_three_hidden_layers(plain_descent):
    """3-10-10-10-1, four patterns, 5000 passes: the error falls throughout."""
    X = np.array([[0.0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]])
    y = np.array([0.0, 1.0, 1.0, 0.0])
    network = SimpleMLPRegressor(
        hidden_layer_sizes=(10, 10, 10),
        activation="logistic",
        output_activation="logistic",
        initializer=Normal(exponent=0.0),
        learning_rate_init=0.5,
        max_iter=5000,
        **(plain_descent | {"momentum": 0.5, "random_state": 1}),
    )

    network.fit(X, y)

    assert (np.diff(network.loss_curve_) < 0).all()
    assert network.loss_curve_[-1] < 1e-3
    # the answer is the first input: a pattern that was held out is answered so, too
    assert network.predict([[1.0, 0.0, 0.0]])[0] == pytest.approx(1.0, abs=0.1)


def test_t14_layer_by_layer_formulas(gradients):
    """5-5-3-1: forward and backward by the matrix formulas of the textbook."""
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(7, 5)), rng.integers(2, size=7)
    sizes = [5, 5, 3, 1]
    weights = [rng.normal(size=pair) for pair in pairwise(sizes)]
    biases = [rng.normal(size=n) for n in sizes[1:]]

    # Z[l] = A[l-1] W[l] + b[l], A[l] = relu(Z[l]); dZ[L] = A[L] - Y
    A, Z = [X], []
    for W, b in zip(weights, biases, strict=True):
        Z.append(A[-1] @ W + b)
        A.append(np.maximum(Z[-1], 0.0) if len(Z) < 3 else expit(Z[-1]))
    dZ = A[-1] - y[:, None]
    dW, db = [], []
    for layer in (2, 1, 0):
        dW.insert(0, A[layer].T @ dZ / 7)
        db.insert(0, dZ.mean(axis=0))
        if layer:
            dZ = (dZ @ weights[layer].T) * (Z[layer - 1] > 0)

    network = SimpleMLPClassifier((5, 3), batch_size=7)
    steps, bias_steps = gradients(network, X, y, weights, biases)

    for ours, formula in zip([*steps, *bias_steps], [*dW, *db], strict=True):
        assert ours.shape == formula.shape
        assert_allclose(ours, formula, rtol=0, atol=1e-12)
    network.coefs_, network.intercepts_ = weights, biases
    assert_allclose(network.predict_proba(X)[:, 1:], A[-1], rtol=1e-13)


def test_t14_softmax_output_by_formula(gradients):
    """With three classes the last layer is a softmax: dZ = A - Y again."""
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(6, 4)), np.array([0, 1, 2, 2, 1, 0])
    W, b = rng.normal(size=(4, 3)), rng.normal(size=3)
    Z = X @ W + b

    network = SimpleMLPClassifier(())
    (step,), _ = gradients(network, X, y, [W], [b])

    assert_allclose(step, X.T @ (softmax(Z, axis=1) - np.eye(3)[y]) / 6, atol=1e-12)
    assert network.loss_curve_[0] == pytest.approx(
        -log_softmax(Z, axis=1)[np.arange(6), y].mean(), rel=1e-12
    )
