"""What is special to one loss or another."""

import numpy as np
import pytest
from loss_problems import (
    N_ROWS,
    both_types,
    evaluate,
    problem,
    quartic,
    quartic_gradient,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import Perceptron

from sknet import SimpleMLPClassifier
from sknet.losses import (
    CLASS_LOSSES,
    VALUE_LOSSES,
    AbsoluteError,
    Brier,
    CustomClassLoss,
    CustomValueLoss,
    Focal,
    Gaussian,
    Hinge,
    LogCosh,
    LogLoss,
    LossBuffers,
    MeanQuantiles,
    PerceptronLoss,
)


@pytest.mark.parametrize("exclusive", [True, False])
def test_no_label_smoothing_changes_no_bit(exclusive):
    """Smoothing by zero is the loss without it."""
    raw, y, shares = problem(LogLoss(exclusive), (2, N_ROWS, 3))
    value, gradient = evaluate(LogLoss(exclusive, 0.0), raw, y, shares)
    expected, expected_gradient = evaluate(LogLoss(exclusive), raw, y, shares)
    assert_array_equal(value, expected)
    assert_array_equal(gradient, expected_gradient)


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("ahead", [60.0, 300.0])
def test_focal_is_exact_where_a_class_is_almost_sure(exclusive, gamma, ahead):
    """A right one costs exp(-(gamma + 1) m), with that slope times gamma + 1."""
    ahead /= 1.0 + gamma
    y = np.array([[[1.0, 0.0]]]) if exclusive else np.array([[[1.0]]])
    raw = np.array([[[ahead, 0.0]]]) if exclusive else np.array([[[ahead]]])
    value, gradient = evaluate(Focal(exclusive, gamma), raw, y, 1.0)
    p = np.exp(-ahead)  # to first order, of which the next is as much smaller
    assert value[0] == pytest.approx(p ** (gamma + 1.0), rel=4.0 * (gamma + 1.0) * p)
    slope = -(gamma + 1.0) * p ** (gamma + 1.0)
    assert gradient[0, 0, 0] == pytest.approx(slope, rel=max(1e-12, 10.0 * p))


def test_tanh_output_keeps_its_slope_at_saturation():
    """At 40 one minus a square would be zero; the slope is 4 exp(-80)."""
    loss = AbsoluteError(output_activation="tanh")
    _, gradient = evaluate(loss, np.full((1, 1, 1), 40.0), np.zeros((1, 1, 1)), 1.0)
    assert gradient[0, 0, 0] == pytest.approx(4.0 * np.exp(-80.0), rel=1e-12)


def test_log_cosh_keeps_the_digits_of_small_errors():
    """It is half the square."""
    value, _ = evaluate(LogCosh(), np.full((1, 1, 1), 1e-4), np.zeros((1, 1, 1)), 1.0)
    assert value[0] == pytest.approx(0.5e-8, rel=1e-8)


@both_types
def test_hinge_is_active_at_its_kink(dtype):
    """A margin of one counts, and so does a tie of the perceptron's."""
    y = np.ones((1, 1, 1), dtype)
    for loss, raw in ((Hinge(False), 1.0), (PerceptronLoss(False), 0.0)):
        _, gradient = evaluate(loss, np.full((1, 1, 1), raw, dtype), y, 1.0)
        assert gradient[0, 0, 0] == -1.0


def test_perceptron_loss_is_the_rule_of_rosenblatt(binary_problem):
    """One row a step from zero weights: the weights of scikit-learn's Perceptron."""
    X, y = binary_problem
    theirs = Perceptron(max_iter=5, tol=None, shuffle=False).fit(X, y)
    ours = SimpleMLPClassifier(
        (),
        loss="perceptron",
        solver="sgd",
        momentum=0.0,
        alpha=0.0,
        learning_rate_init=1.0,
        initializer="constant",
        batch_size=1,
        shuffle=False,
        max_iter=5,
        n_iter_no_change=5,
        tol=0.0,
    )
    with pytest.warns(UserWarning, match="Maximum iterations"):
        ours.fit(X, y)
    assert_allclose(ours.coefs_[0].ravel(), theirs.coef_.ravel(), rtol=1e-12)
    assert_allclose(ours.intercepts_[0], theirs.intercept_, rtol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 1e30])
def test_gaussian_reports_a_finite_deviation(scale):
    """``spread`` is the second of each pair that ``link`` gives."""
    raw = scale * np.array([[0.0, -1.0, 2.0, 1.0]])
    prediction = Gaussian().link(raw)
    assert_array_equal(Gaussian().spread(raw), prediction[:, 1::2])
    assert_array_equal(Gaussian().point(prediction), raw[:, 0::2])
    assert (prediction[:, 1::2] > 0.0).all()
    assert Gaussian().report_factor(4) == 0.5


@pytest.mark.parametrize(
    ("loss", "threshold"),
    [
        (Brier(), 0.5),
        (Brier(targets=(0.1, 0.8)), 0.45),
        (Brier(output_activation="identity", targets=(-1, 1)), 0.0),
    ],
    ids=str,
)
def test_brier_decides_half_way_between_its_targets(loss, threshold):
    """Which is half for zero and one."""
    assert loss.threshold == pytest.approx(threshold)


def test_targets_that_no_probability_reaches_are_refused():
    """The message says what takes them."""
    with pytest.raises(ValueError, match="use output_activation='identity'"):
        Brier(targets=(-1.0, 1.0)).check()


def test_pair_of_functions_is_known_by_its_place(binary_problem):
    """``CustomClassLoss(value, gradient)``, and the pair as an estimator takes it."""

    def value(raw, y):
        return quartic(raw, 2.0 * y - 1.0)

    def gradient(raw, y):
        return quartic_gradient(raw, 2.0 * y - 1.0)

    CustomClassLoss(value, gradient).check()
    network = SimpleMLPClassifier((), loss=(value, gradient), solver="lbfgs")
    assert network.fit(*binary_problem).score(*binary_problem) > 0.8


@pytest.mark.parametrize("registry", [CLASS_LOSSES, VALUE_LOSSES])
def test_restored_pair_still_predicts(registry):
    """The functions are not stored; the link needs none, a fit says what is missing."""
    loss = registry["custom"](quartic, quartic_gradient)
    restored = registry.from_config(loss.to_config())
    assert restored.link_name == "identity"
    assert_array_equal(restored.link(np.eye(2)), np.eye(2))
    with pytest.raises(ValueError, match="needs two functions"):
        restored.check()


def test_result_that_is_no_number_is_refused():
    """The message names the function, and both types."""
    bad = CustomValueLoss(lambda raw, y: (raw - y).sum(axis=1) > 0, quartic_gradient)
    with pytest.raises(ValueError, match=r"value .* type bool, .* type float64"):
        evaluate(bad, np.zeros((1, 4, 2)), np.zeros((1, 4, 2)), 0.25)


def test_functions_cannot_change_the_network():
    """They get copies."""

    def careless(raw, y):
        raw -= y
        return (raw**2).sum(axis=1)

    raw, y = np.ones((1, 4, 2)), np.full((1, 4, 2), 3.0)
    loss = CustomValueLoss(careless, lambda raw, y: 2.0 * (raw - y))
    value, gradient = evaluate(loss, raw, y, 0.25)
    assert_array_equal(raw, 1.0)
    assert value[0] == 8.0
    assert_array_equal(gradient, -1.0)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_mean_quantiles_take_a_column_for_each_output(n_targets):
    """Of the same targets they are the same loss; each output has its own."""
    loss, rng = MeanQuantiles((0.1, 0.5, 0.9)), np.random.default_rng(0)
    raw = rng.normal(size=(2, N_ROWS, 4 * n_targets))
    y = rng.normal(size=(2, N_ROWS, n_targets))

    def evaluate(y):
        """Return value and gradient."""
        out, buffers = np.empty_like(raw), LossBuffers(*raw.shape, raw.dtype)
        value = loss.value_and_gradient(raw, y, 1.0 / N_ROWS, out, buffers)
        return value, out

    for each, same in zip(evaluate(np.repeat(y, 4, axis=-1)), evaluate(y), strict=True):
        assert_array_equal(each, same)
    other = np.repeat(y, 4, axis=-1)
    other[..., ::4] += 1.0
    _, gradient = evaluate(other)
    _, before = evaluate(y)
    assert_allclose(gradient[..., ::4], before[..., ::4] - 1.0 / N_ROWS)
    gradient[..., ::4] = before[..., ::4] = 0.0
    assert_array_equal(gradient, before)
