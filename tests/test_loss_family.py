"""What every loss keeps: its gradient, its members apart, finite and exact values."""

from functools import partial

import numpy as np
import pytest
from every_component import components
from loss_problems import (
    N_ROWS,
    both_types,
    evaluate,
    problem,
    quartic,
    quartic_gradient,
)
from memory import smallest_peak_of
from numpy.testing import assert_allclose, assert_array_equal

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
from sknet.testing import check_loss


OUTPUTS = ["identity", "logistic", "softmax", "tanh", "softplus", "exp"]
# The largest raw outputs for which values and gradients are promised to be finite.
HUGE = {np.float32: 1e15, np.float64: 1e30}
LEVELS = [(0.5,), (0.1, 0.9), (0.05, 0.25, 0.5, 0.75, 0.95)]

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


def test_every_registered_loss_is_tested():
    """A new loss has to be listed here."""
    known = {*CLASS_LOSSES.values(), *VALUE_LOSSES.values()}
    assert {type(loss) for loss in EVERY} == known


# ------------------------------------------------------------------------------ laws


@pytest.mark.parametrize(
    "loss",
    [*EXCLUSIVE, *VALUES, *components(CLASS_LOSSES), *components(VALUE_LOSSES)],
    ids=repr,
)
def test_loss_keeps_the_laws(loss):
    """Gradient, manners and extremes; of classes, exclusive ones and independent."""
    check_loss(loss, rtol=1e-8)


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
        out, buffers = np.empty_like(raw), LossBuffers(*raw.shape, raw.dtype)
        call = partial(loss.value_and_gradient, raw, y, shares, out, buffers)
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
