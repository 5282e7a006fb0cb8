"""Losses against scikit-learn's metrics and SciPy's densities, saturated or not."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, softmax
from scipy.stats import norm
from sklearn.metrics import (
    hinge_loss,
    log_loss,
    mean_absolute_error,
    mean_gamma_deviance,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
)

from sknet.losses import (
    CLASS_LOSSES,
    VALUE_LOSSES,
    AbsoluteError,
    Brier,
    CustomValueLoss,
    Focal,
    Gamma,
    Gaussian,
    Hinge,
    Huber,
    LogCosh,
    LogLoss,
    LossBuffers,
    PerceptronLoss,
    Poisson,
    Quantile,
    SquaredError,
)


N_ROWS = 40
WITH_FORMULA = [name for name in CLASS_LOSSES if name != "custom"]
VALUES = [name for name in VALUE_LOSSES if name != "custom"]


def evaluate(loss, raw, y, weight=None):
    """Return the mean loss and its gradient, of rows of a single member."""
    raw = np.asarray(raw)[None]
    y = np.asarray(y, dtype=raw.dtype)[None]
    out = np.full_like(raw, np.nan)
    if weight is None:
        shares = 1.0 / raw.shape[1]
    else:
        shares = (weight / weight.sum())[None, :, None].astype(raw.dtype)
    buffers = LossBuffers(1, raw.shape[1], raw.shape[2], raw.dtype)
    value = loss.value_and_gradient(raw, y, shares, out, buffers)
    return value[0], out[0]


def data(n_classes=3, seed=0):
    """Return raw outputs, labels, one-hot rows and weights."""
    rng = np.random.default_rng(seed)
    raw = 2.0 * rng.normal(size=(N_ROWS, n_classes))
    labels = rng.integers(n_classes, size=N_ROWS)
    return raw, labels, np.eye(n_classes)[labels], rng.uniform(0.5, 2.0, N_ROWS)


# ------------------------------------------------------------------------- classes


@pytest.mark.parametrize("n_classes", [3, 5])
def test_log_loss_is_sklearns(n_classes):
    """The mean over weighted rows, of the softmax."""
    raw, labels, y, weight = data(n_classes)
    expected = log_loss(labels, softmax(raw, axis=1), sample_weight=weight)
    assert evaluate(LogLoss(), raw, y, weight)[0] == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("exclusive", [True, False])
def test_label_smoothing_is_the_loss_of_smoothed_targets(exclusive):
    """A share of each target is spread over the classes, or over yes and no."""
    raw, _, y, weight = data(4)
    smooth = 0.9 * y + 0.1 / (4 if exclusive else 2)
    ours = evaluate(LogLoss(exclusive, label_smoothing=0.1), raw, y, weight)
    theirs = evaluate(LogLoss(exclusive), raw, smooth, weight)
    assert_allclose(ours[0], theirs[0], rtol=1e-14)
    assert_allclose(ours[1], theirs[1], rtol=0, atol=1e-16)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_hinge_is_sklearns(n_classes):
    """Crammer's and Singer's of several classes, the usual one of two."""
    raw, labels, y, weight = data(n_classes)
    if n_classes == 2:
        raw, y = raw[:, :1], labels[:, None]
    expected = hinge_loss(
        labels, raw if n_classes > 2 else raw.ravel(), sample_weight=weight
    )
    value, _ = evaluate(Hinge(exclusive=n_classes > 2), raw, y, weight)
    assert value == pytest.approx(expected, rel=1e-13)


def test_perceptron_costs_errors_only():
    """Rows that are right cost nothing; a tie counts as an error."""
    raw = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [0.0, 0.0, 0.0]])
    value, gradient = evaluate(PerceptronLoss(), raw, np.eye(3)[[0, 2, 1]])
    assert value == pytest.approx(2.0 / 3.0)
    assert_allclose(3 * gradient, [[0, 0, 0], [0, 1, -1], [1, -1, 0]])


@pytest.mark.parametrize("output_activation", ["logistic", "softmax", "identity"])
def test_brier_is_half_the_squared_error_of_predictions(output_activation):
    """Summed over the columns, whatever the predictions come from."""
    raw, _, y, weight = data()
    loss = Brier(output_activation=output_activation, targets=(0.01, 0.99))
    expected = mean_squared_error(0.01 + 0.98 * y, loss.link(raw), sample_weight=weight)
    value, _ = evaluate(loss, raw, y, weight)
    assert value == pytest.approx(1.5 * expected, rel=1e-13)
    assert loss.report_factor(3) == pytest.approx(1 / 3)


@pytest.mark.parametrize("exclusive", [True, False])
def test_focal_of_gamma_zero_is_the_log_loss(exclusive):
    """Value and gradient agree to rounding."""
    raw, _, y, weight = data()
    ours = evaluate(Focal(exclusive, gamma=0.0), raw, y, weight)
    theirs = evaluate(LogLoss(exclusive), raw, y, weight)
    assert_allclose(ours[0], theirs[0], rtol=1e-13)
    assert_allclose(ours[1], theirs[1], rtol=0, atol=1e-15)


@pytest.mark.parametrize("gamma", [0.5, 2.0, 5.0])
@pytest.mark.parametrize("exclusive", [True, False])
def test_focal_is_its_formula(exclusive, gamma):
    """The definition, written out with probabilities."""
    raw, _, y, _ = data()
    p = softmax(raw, axis=1) if exclusive else expit(raw)
    own = (p * y).sum(axis=1, keepdims=True) if exclusive else np.where(y, p, 1 - p)
    expected = (-((1 - own) ** gamma) * np.log(own)).sum(axis=1).mean()
    value, _ = evaluate(Focal(exclusive, gamma=gamma), raw, y)
    assert value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("exclusive", [True, False])
def test_focal_at_saturation_is_the_margin(exclusive):
    """A surely wrong row costs its margin, as in the log-loss; a right one nothing."""
    raw = np.array([[800.0, -800.0], [-800.0, 800.0]])
    y = np.array([[0.0, 1.0], [0.0, 1.0]])
    value, gradient = evaluate(Focal(exclusive), raw, y)
    assert value == pytest.approx(800.0)
    assert np.isfinite(gradient).all()
    assert_array_equal(gradient[1], 0.0)


# -------------------------------------------------------------------------- values


def targets():
    """Return raw outputs, positive targets and weights, for two outputs."""
    rng = np.random.default_rng(1)
    raw = rng.normal(size=(N_ROWS, 2))
    return raw, rng.gamma(2.0, size=(N_ROWS, 2)), rng.uniform(0.5, 2.0, N_ROWS)


@pytest.mark.parametrize(
    ("loss", "metric", "factor"),
    [
        (SquaredError(), mean_squared_error, 0.5),
        (AbsoluteError(), mean_absolute_error, 1.0),
        (Quantile(0.3), lambda *a, **k: mean_pinball_loss(*a, alpha=0.3, **k), 1.0),
    ],
    ids=["squared", "absolute", "pinball"],
)
def test_loss_of_errors_is_sklearns(loss, metric, factor):
    """Summed over the outputs here, averaged there."""
    raw, y, weight = targets()
    value, _ = evaluate(loss, raw, y, weight)
    expected = 2 * factor * metric(y, raw, sample_weight=weight)
    assert value == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    ("loss", "metric"),
    [(Poisson(), mean_poisson_deviance), (Gamma(), mean_gamma_deviance)],
    ids=["poisson", "gamma"],
)
def test_deviance_is_half_of_sklearns(loss, metric):
    """Of the exponentials of the raw outputs."""
    raw, y, weight = targets()
    value, _ = evaluate(loss, raw[:, :1], y[:, :1], weight)
    expected = 0.5 * metric(y[:, 0], np.exp(raw[:, 0]), sample_weight=weight)
    assert value == pytest.approx(expected, rel=1e-12)


def test_huber_and_log_cosh_by_their_definitions():
    """Errors below and above the bend, and where a cosh would overflow."""
    raw, y = np.array([[0.5], [3.0], [-4.0], [2000.0]]), np.zeros((4, 1))
    huber, slope = evaluate(Huber(delta=1.5), raw, y)
    expected = [0.125, 1.5 * 3.0 - 1.125, 1.5 * 4.0 - 1.125, 1.5 * 2000.0 - 1.125]
    assert huber == pytest.approx(np.mean(expected), rel=1e-14)
    assert_allclose(4 * slope.ravel(), [0.5, 1.5, -1.5, 1.5])
    value, slope = evaluate(LogCosh(), raw, y)
    expected = [*np.log(np.cosh([0.5, 3.0, -4.0])), 2000.0 - np.log(2.0)]
    assert value == pytest.approx(np.mean(expected), rel=1e-14)
    assert_allclose(4 * slope, np.tanh(raw))


def test_gaussian_is_scipys_density():
    """Minus the logarithm of the normal density, summed over the targets."""
    rng = np.random.default_rng(2)
    raw, y = rng.normal(size=(N_ROWS, 4)), rng.normal(size=(N_ROWS, 2))
    expected = -norm.logpdf(y, raw[:, 0::2], np.exp(raw[:, 1::2])).sum(axis=1).mean()
    value, _ = evaluate(Gaussian(), raw, y)
    assert value == pytest.approx(expected, rel=1e-13)
    assert_allclose(Gaussian().point(Gaussian().link(raw)), raw[:, 0::2])
    assert_allclose(Gaussian().spread(raw), np.exp(raw[:, 1::2]))


@pytest.mark.parametrize("scale", [1.0, 30.0, 1e6])
@pytest.mark.parametrize("levels", [(0.1, 0.9), (0.05, 0.25, 0.5, 0.75, 0.95)])
def test_quantiles_never_cross(levels, scale):
    """Whatever the raw outputs are, each level lies at or above the one before."""
    raw = scale * np.random.default_rng(3).normal(size=(500, 2 * len(levels)))
    prediction = Quantile(levels).link(raw).reshape(500, 2, -1)
    assert (np.diff(prediction, axis=-1) >= 0.0).all()
    assert_allclose(
        Quantile(levels).point(Quantile(levels).link(raw)),
        raw.reshape(500, 2, -1)[..., len(levels) // 2],
    )


def test_pinball_of_several_levels_is_the_sum():
    """Each level costs its own pinball loss at its own prediction."""
    levels = (0.1, 0.5, 0.8)
    raw, y = np.random.default_rng(4).normal(size=(2, N_ROWS, 3))
    loss, y = Quantile(levels), y[:, :1]
    predictions = loss.link(raw)
    expected = sum(
        mean_pinball_loss(y, predictions[:, q], alpha=level)
        for q, level in enumerate(levels)
    )
    assert evaluate(loss, raw, y)[0] == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    ("output", "function"),
    [
        ("logistic", expit),
        ("softmax", lambda raw: softmax(raw, axis=1)),
        ("tanh", np.tanh),
        ("softplus", lambda raw: np.logaddexp(0, raw)),
        ("exp", np.exp),
    ],
)
@pytest.mark.parametrize("make", [SquaredError, AbsoluteError, Huber, LogCosh])
def test_output_activation_is_an_ordinary_composition(make, output, function):
    """The loss of the outputs' function, and the chain rule by differences."""
    raw, y, _ = targets()
    y = y / 10.0
    loss = make(output_activation=output)
    value, gradient = evaluate(loss, raw, y)
    assert_allclose(loss.link(raw), function(raw), rtol=1e-14)
    assert value == pytest.approx(evaluate(make(), function(raw), y)[0], rel=1e-12)
    step = 1e-6
    for c in range(2):
        ahead, back = raw.copy(), raw.copy()
        ahead[7, c] += step
        back[7, c] -= step
        slope = (evaluate(loss, ahead, y)[0] - evaluate(loss, back, y)[0]) / (2 * step)
        assert gradient[7, c] == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_logistic_output_keeps_its_slope_at_saturation():
    """At 40 a difference from one would be zero; the slope is exp(-40)."""
    loss = SquaredError(output_activation="logistic")
    _, gradient = evaluate(loss, [[40.0]], [[0.0]])
    assert gradient[0, 0] == pytest.approx(np.exp(-40.0), rel=1e-12)


# ------------------------------------------------------------------ all of a family

LOSSES = [
    CLASS_LOSSES[name](exclusive)
    for name in WITH_FORMULA
    for exclusive in (True, False)
]


@pytest.mark.parametrize(
    "loss", [*LOSSES, *(VALUE_LOSSES[n]() for n in VALUES)], ids=str
)
def test_config_gives_the_loss_back(loss):
    """Through JSON, as a fitted estimator keeps it."""
    registry = CLASS_LOSSES if hasattr(loss, "exclusive") else VALUE_LOSSES
    assert registry.from_config(json.loads(json.dumps(loss.to_config()))) == loss


def test_config_keeps_the_levels():
    """A tuple of levels, or one, comes back as it was."""
    for loss in (Quantile(levels=(0.1, 0.9)), Quantile(levels=0.3)):
        config = json.loads(json.dumps(loss.to_config()))
        assert VALUE_LOSSES.from_config(config) == loss


# ----------------------------------------------------------------------- what makes no
# sense


@pytest.mark.parametrize(
    "levels", [(0.0, 0.5), (0.5, 1.0), (0.5, 0.5), (0.9, 0.1), (), 1.5, "half", None]
)
def test_levels_that_make_no_sense_are_refused(levels):
    """The message has the levels, and an example."""
    with pytest.raises(ValueError, match=r"levels must be .* \(0, 1\).*levels=\(0\.05"):
        Quantile(levels=levels).check()


@pytest.mark.parametrize("targets", [(1.0, 0.0), (0.0,), (0.0, np.inf), ("a", "b")])
def test_targets_that_make_no_sense_are_refused(targets):
    """Two finite numbers, the smaller one first."""
    with pytest.raises(ValueError, match="targets must be two numbers"):
        Brier(targets=targets).check()


def test_softmax_needs_exclusive_classes():
    """With one column a softmax would be one everywhere."""
    with pytest.raises(ValueError, match="use 'logistic'"):
        Brier(exclusive=False, output_activation="softmax").check()


@pytest.mark.parametrize(
    ("loss", "y", "fix"),
    [
        (Poisson(), [[-1.0]], "loss='squared_error'"),
        (Gamma(), [[0.0]], "loss='poisson' for y >= 0"),
    ],
    ids=str,
)
def test_target_out_of_the_domain_is_refused(loss, y, fix):
    """The message has the least value, and what to do."""
    with pytest.raises(ValueError, match=f"the\\s+least is .*{fix}"):
        loss.check_target(np.array(y))


def test_functions_of_wrong_shape_are_refused():
    """The message names the function and both shapes."""
    raw, y = np.zeros((4, 2)), np.zeros((4, 2))
    bad = CustomValueLoss(value=lambda r, t: (r - t) ** 2, gradient=lambda r, t: r - t)
    with pytest.raises(ValueError, match=r"value returned .* \(4, 2\), but \(4,\)"):
        evaluate(bad, raw, y)
    with pytest.raises(ValueError, match=r"loss=\(value, gradient\)"):
        CustomValueLoss().check()


@pytest.mark.parametrize("n_levels", range(1, 10))
def test_quantiles_have_the_same_gradient_in_both_types(n_levels):
    """With 4 levels in float32, or 8 in float64, np.negative is wrong in place."""
    loss = Quantile(tuple(np.linspace(0.1, 0.9, n_levels)))
    raw = np.random.default_rng(0).normal(size=(1, 40, n_levels))
    y, found = np.random.default_rng(1).normal(size=(1, 40, 1)), []
    for dtype in (np.float32, np.float64):
        out = np.empty(raw.shape, dtype=dtype)
        buffers = LossBuffers(*raw.shape, out.dtype)
        loss.value_and_gradient(raw.astype(dtype), y.astype(dtype), 0.025, out, buffers)
        found.append(out)
    assert_allclose(found[0], found[1], atol=1e-7)
