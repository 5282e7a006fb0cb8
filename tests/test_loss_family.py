"""What every loss keeps: its gradient, its members apart, finite and exact values."""

from functools import partial

import numpy as np
import pytest
from memory import smallest_peak_of
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
    Gamma,
    Gaussian,
    Hinge,
    Huber,
    LogCosh,
    LogLoss,
    LossBuffers,
    MeanQuantiles,
    PerceptronLoss,
    Poisson,
    Quantile,
    SquaredError,
)


N_ROWS = 7
OUTPUTS = ["identity", "logistic", "softmax", "tanh", "softplus", "exp"]
# The largest raw outputs for which values and gradients are promised to be finite.
HUGE = {np.float32: 1e15, np.float64: 1e30}
LEVELS = [(0.5,), (0.1, 0.9), (0.05, 0.25, 0.5, 0.75, 0.95)]


def quartic(raw, y):
    """Losses of rows, for a pair of functions."""
    return ((raw - y) ** 4).sum(axis=1)


def quartic_gradient(raw, y):
    """The gradient that goes with them."""
    return 4.0 * (raw - y) ** 3


EXCLUSIVE = [
    LogLoss(),
    LogLoss(label_smoothing=0.2),
    Brier(),
    Brier(targets=(0.1, 0.8)),
    Brier(output_activation="logistic"),
    Brier(output_activation="identity", targets=(-1.0, 1.0)),
    Hinge(),
    PerceptronLoss(),
    Focal(),
    Focal(gamma=0.0),
    Focal(gamma=0.5),
]
INDEPENDENT = [
    LogLoss(False),
    LogLoss(False, label_smoothing=0.2),
    Brier(False),
    Brier(False, targets=(0.1, 0.8)),
    Brier(False, output_activation="identity", targets=(-1.0, 1.0)),
    Hinge(False),
    PerceptronLoss(False),
    Focal(False),
    Focal(False, gamma=0.5),
]
VALUES = [
    *(
        make(output_activation=name)
        for make in (SquaredError, AbsoluteError, Huber, LogCosh)
        for name in OUTPUTS
    ),
    Huber(delta=0.3),
    Poisson(),
    Gamma(),
    Gaussian(),
    *(Quantile(levels) for levels in LEVELS),
    MeanQuantiles(),
    MeanQuantiles((0.3,)),
]
PAIRS = [
    CustomClassLoss(quartic, quartic_gradient),
    CustomClassLoss(quartic, quartic_gradient, exclusive=False),
    CustomValueLoss(quartic, quartic_gradient),
]
WITH_FORMULA = [*EXCLUSIVE, *INDEPENDENT, *VALUES]
EVERY = [*WITH_FORMULA, *PAIRS]

every_loss = pytest.mark.parametrize("loss", EVERY, ids=str)
both_types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def targets(loss, shape, rng):
    """Return valid targets; of values positive ones below one."""
    exclusive = getattr(loss, "exclusive", None)
    if exclusive is None:
        return rng.uniform(0.05, 0.95, size=shape)
    if exclusive:
        return np.eye(shape[-1])[rng.integers(shape[-1], size=shape[:-1])]
    return rng.integers(2, size=shape).astype(float)


def problem(loss, shape, dtype=np.float64, seed=0):
    """Return raw outputs, targets and shares that sum to one, for (K, B, C)."""
    rng = np.random.default_rng(seed)
    n_members, n_rows, n_columns = shape
    raw = 1.5 * rng.normal(size=(n_members, n_rows, loss.n_raw(n_columns)))
    shares = rng.uniform(0.5, 2.0, size=(n_members, n_rows, 1))
    shares /= shares.sum(axis=1, keepdims=True)
    y = targets(loss, shape, rng)
    return raw.astype(dtype), y.astype(dtype), shares.astype(dtype)


def evaluate(loss, raw, y, weight):
    """Return values (K,) and gradient, from buffers full of garbage."""
    out, work = np.full_like(raw, np.nan), LossBuffers(*raw.shape, raw.dtype)
    work.full[:] = np.nan
    return loss.value_and_gradient(raw, y, weight, out, work), out


def test_every_registered_loss_is_tested():
    """A new loss has to be listed here."""
    known = {*CLASS_LOSSES.values(), *VALUE_LOSSES.values()}
    assert {type(loss) for loss in EVERY} == known


# ------------------------------------------------------------------------- gradients


@every_loss
@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("n_columns", [1, 2, 4])
def test_gradient_is_the_derivative(loss, n_members, n_columns):
    """Along one direction for each member, by fourth-order differences."""
    raw, y, shares = problem(loss, (n_members, N_ROWS, n_columns))
    direction = np.random.default_rng(1).normal(size=raw.shape)
    _, gradient = evaluate(loss, raw, y, shares)
    step, factors = 1e-4, ((-2, 1), (-1, -8), (1, 8), (2, -1))
    difference = sum(
        sign * evaluate(loss, raw + i * step * direction, y, shares)[0]
        for i, sign in factors
    )
    slope = (gradient * direction).sum(axis=(1, 2))
    assert_allclose(slope, difference / (12.0 * step), rtol=1e-8, atol=1e-9)


@every_loss
def test_one_weight_for_all_is_a_row_of_weights(loss):
    """A float in place of equal shares gives the same bits."""
    raw, y, shares = problem(loss, (2, N_ROWS, 3))
    shares[:] = 1.0 / N_ROWS
    value, gradient = evaluate(loss, raw, y, 1.0 / N_ROWS)
    expected, expected_gradient = evaluate(loss, raw, y, shares)
    assert_array_equal(value, expected)
    assert_array_equal(gradient, expected_gradient)


@both_types
@every_loss
def test_members_together_equal_each_alone(loss, dtype):
    """Bit for bit, even beside a member whose outputs are huge."""
    raw, y, shares = problem(loss, (3, N_ROWS, 3), dtype)
    raw[1] *= HUGE[dtype] if loss not in PAIRS else 1.0
    values, gradient = evaluate(loss, raw, y, shares)
    for k in range(3):
        one = slice(k, k + 1)
        alone, alone_gradient = evaluate(loss, raw[one], y[one], shares[one])
        assert_array_equal(alone[0], values[k])
        assert_array_equal(alone_gradient[0], gradient[k])


@every_loss
def test_members_may_share_their_targets(loss):
    """Targets of one member stand for all, bit for bit."""
    raw, y, shares = problem(loss, (3, N_ROWS, 3))
    value, gradient = evaluate(loss, raw, y[:1], shares)
    expected, expected_gradient = evaluate(loss, raw, np.repeat(y[:1], 3, 0), shares)
    assert_array_equal(value, expected)
    assert_array_equal(gradient, expected_gradient)


@both_types
@every_loss
def test_type_is_kept_and_arguments_are_untouched(loss, dtype):
    """Values, gradient and predictions are of the type of the raw outputs."""
    raw, y, shares = problem(loss, (2, N_ROWS, 3), dtype)
    before = raw.copy(), y.copy(), shares.copy()
    value, gradient = evaluate(loss, raw, y, shares)
    prediction = loss.link(raw[0])
    assert {value.dtype, gradient.dtype, prediction.dtype} == {np.dtype(dtype)}
    assert not np.shares_memory(prediction, raw)
    for array, kept in zip((raw, y, shares), before, strict=True):
        assert_array_equal(array, kept)


@both_types
@pytest.mark.parametrize("loss", WITH_FORMULA, ids=str)
@pytest.mark.parametrize("n_columns", [1, 3])
def test_finite_outputs_give_finite_values(loss, dtype, n_columns):
    """Value, gradient and predictions; both signs, zero, and all scales between."""
    raw, y, shares = problem(loss, (2, N_ROWS, n_columns), dtype)
    with np.errstate(all="ignore"):
        for scale in (0.0, 1e-30, 50.0, 1e3, 1e7, HUGE[dtype]):
            for sign in (1.0, -1.0):
                large = (sign * scale * np.sign(raw)).astype(dtype)
                value, gradient = evaluate(loss, large, y, shares)
                assert np.isfinite(value).all()
                assert np.isfinite(gradient).all()
                assert np.isfinite(loss.link(large)).all()


@both_types
def test_gamma_deviance_of_large_targets_is_finite(dtype):
    """A huge target over a tiny prediction does not overflow."""
    y, raw = np.full((1, 1, 1), 1e30, dtype), np.full((1, 1, 1), -75.0, dtype)
    value, gradient = evaluate(Gamma(), raw, y, 1.0)
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("loss", WITH_FORMULA, ids=str)
def test_memory_does_not_grow_with_the_rows(loss):
    """What a call allocates beside its buffers is the same for many rows."""
    peaks = []
    for n_rows in (4096, 16384):  # NumPy's own buffers are full at 8192 numbers
        raw, y, shares = problem(loss, (2, n_rows, 3))
        out, work = np.empty_like(raw), LossBuffers(*raw.shape, raw.dtype)
        call = partial(loss.value_and_gradient, raw, y, shares, out, work)
        peaks.append(smallest_peak_of(call))
    assert peaks[1] < peaks[0] + 4096


# ------------------------------------------------------------------------- constants


@pytest.mark.parametrize(
    "loss", [loss for loss in WITH_FORMULA if not loss.kinks], ids=str
)
@pytest.mark.parametrize("n_columns", [1, 3])
def test_gradient_vanishes_at_the_best_constant(loss, n_columns):
    """``constant`` is where the weighted gradients of the rows cancel."""
    if getattr(loss, "exclusive", False) and n_columns == 1:
        pytest.skip("one exclusive class is none")
    if isinstance(loss, (Huber, LogCosh)) and loss.link_name == "softmax":
        pytest.skip("the softmax ties the columns together")
    _, y, shares = problem(loss, (1, 40, n_columns))
    constant = loss.constant(y[0], shares[0, :, 0])
    raw = np.tile(constant, (1, 40, 1))
    _, gradient = evaluate(loss, raw, y, shares)
    assert_allclose(gradient.sum(axis=1), 0.0, atol=1e-11)


@pytest.mark.parametrize(
    "loss",
    [
        AbsoluteError(),
        AbsoluteError(output_activation="exp"),
        Hinge(),
        Hinge(False),
        PerceptronLoss(),
        PerceptronLoss(False),
        *map(Quantile, LEVELS),
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_better_than_the_best_constant(loss, seed):
    """Where there are kinks, no direction leads down."""
    _, y, shares = problem(loss, (1, 31, 3), seed=seed)
    constant = loss.constant(y[0], shares[0, :, 0])
    best, _ = evaluate(loss, np.tile(constant, (1, 31, 1)), y, shares)
    rng = np.random.default_rng(seed)
    for scale in np.repeat([1e-6, 1e-3, 0.1, 1.0], 20):
        other = constant + scale * rng.normal(size=constant.shape)
        value, _ = evaluate(loss, np.tile(other, (1, 31, 1)), y, shares)
        assert value[0] >= best[0] - 1e-13


@pytest.mark.parametrize("name", OUTPUTS)
def test_constant_is_finite_where_the_targets_are_out_of_range(name):
    """The best prediction lies at an end of the range, which no raw output gives."""
    y = np.array([[-2.0, 3.0], [-2.0, 3.0]])
    constant = SquaredError(output_activation=name).constant(y, np.ones(2))
    assert np.isfinite(constant).all()


def test_class_that_is_absent_has_a_finite_focal_constant():
    """It counts as very rare."""
    y = np.eye(3)[[0, 0, 1]]
    constant = Focal().constant(y, np.ones(3))
    assert np.isfinite(constant).all()
    assert constant[0] > constant[1] > constant[2]


# ------------------------------------------------------------- what is special to one


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
    with pytest.raises(ValueError, match="output_activation='identity' for others"):
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
        out, work = np.empty_like(raw), LossBuffers(*raw.shape, raw.dtype)
        value = loss.value_and_gradient(raw, y, 1.0 / N_ROWS, out, work)
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
