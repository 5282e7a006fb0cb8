"""Losses and probabilities at saturation, single classes, and weights of any scale."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from short_fits import ESTIMATORS, FEW, LABELS, RNG, SOLVERS, TARGET, X, target_for

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


# Most fits here are short; of ConvergenceWarnings only those on divergence matter.
pytestmark = pytest.mark.filterwarnings(
    "error",
    "ignore:Stochastic Optimizer. Maximum:sklearn.exceptions.ConvergenceWarning",
    "ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning",
    "ignore:Column .* so large that a network learns nothing:UserWarning",
)


def with_raw_outputs(raw, classes):
    """A linear classifier whose raw output for the row [1.] is ``raw``, and no penalty.

    Its ``partial_fit`` reports the loss of the weights from before the step.
    """
    model = SimpleMLPClassifier((), alpha=0.0, solver="sgd", random_state=0)
    model.partial_fit([[1.0]], classes[:1], classes=classes)
    model.coefs_ = [np.array([raw])]
    model.intercepts_ = [np.zeros(len(raw))]
    return model


# --------------------------------------------------------------------- saturation


@pytest.mark.parametrize("raw", [-1e4, -800.0, -40.0, 40.0, 800.0, 1e4])
def test_loss_of_a_saturated_binary_output_is_exact(raw):
    """Where the probability is 0 or 1, the loss is softplus(-raw), not a bound."""
    model = with_raw_outputs([raw], [0, 1])

    model.partial_fit([[1.0]], [1])

    assert_allclose(model.loss_, np.logaddexp(0.0, -raw), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("raw", [-1e4, -800.0, -40.0, 40.0, 800.0, 1e4])
def test_loss_of_a_saturated_softmax_is_exact(raw):
    """Where a softmax is 0 or 1, the loss is logsumexp(raw) - raw_y."""
    model = with_raw_outputs([0.0, raw, -5.0], [0, 1, 2])

    model.partial_fit([[1.0]], [1])

    exact = np.logaddexp.reduce([-raw, 0.0, -5.0 - raw])
    assert_allclose(model.loss_, exact, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("raw", [-1e4, -800.0, -500.0, 500.0, 800.0, 1e4])
def test_log_probability_is_finite_at_saturation(raw):
    """Log probabilities are exact down to -700; what is less is finite, and less."""
    binary = with_raw_outputs([raw], [0, 1]).predict_log_proba([[1.0]])
    multiclass = with_raw_outputs([0.0, raw, 0.0], [0, 1, 2]).predict_log_proba([[1.0]])

    exact_binary = -np.logaddexp(0.0, [[raw, -raw]])
    exact_multiclass = np.array([[0.0, raw, 0.0]]) - np.logaddexp.reduce([0, raw, 0])
    for log, exact in [(binary, exact_binary), (multiclass, exact_multiclass)]:
        assert np.isfinite(log).all()
        assert_allclose(
            np.maximum(log, -700), np.maximum(exact, -700), rtol=1e-12, atol=1e-15
        )


def test_multilabel_probability_is_strictly_between_0_and_1():
    """However large the raw output, a label's probability is neither 0 nor 1."""
    model = SimpleMLPClassifier((), random_state=0, max_iter=1)
    model.fit(X, X[:, :2] > 0)
    model.coefs_ = [model.coefs_[0] * 1e6]

    probability = model.predict_proba(X)

    assert (probability > 0).all()
    assert (probability < 1).all()
    assert np.isfinite(model.predict_log_proba(X)).all()


@pytest.mark.parametrize("shift", [0.0, 15.0, 25.0, 36.0, 800.0])
def test_multilabel_log_probability_is_the_log_of_the_probability(shift):
    """Rounded or not, probabilities and their logarithms rank labels alike."""
    model = SimpleMLPClassifier((), random_state=0, max_iter=1).fit(X, X[:, :2] > 0)
    model.coefs_ = [model.coefs_[0] * 10]
    model.intercepts_ = [model.intercepts_[0] + shift]

    probability = model.predict_proba(X)

    assert_allclose(model.predict_log_proba(X), np.log(probability), rtol=1e-7)


def test_poisson_prediction_is_finite_for_far_rows():
    """The exponential of a large raw output is large, not infinite."""
    model = SimpleMLPRegressor("poisson", (), max_iter=5, random_state=0)
    model.fit(X, np.abs(TARGET))

    assert np.isfinite(model.predict(X * 1e6)).all()


def test_one_class_is_certain():
    """With one class in y its probability is 1, in one column, and its log is 0."""
    model = SimpleMLPClassifier(**FEW).fit(X, np.full(60, "only"))

    assert_array_equal(model.predict(X), np.full(60, "only"))
    assert_array_equal(model.predict_proba(X), np.ones((60, 1)))
    assert_array_equal(model.predict_log_proba(X), np.zeros((60, 1)))


# ----------------------------------------------------------------- sample weights


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_batch_of_no_weight_is_skipped(estimator, solver):
    """A mini-batch whose weights are all 0 changes nothing: as if it were not there."""
    y = target_for(estimator)
    weight = np.r_[np.ones(50), np.zeros(10)]
    params = FEW | {"solver": solver, "batch_size": 10, "shuffle": False}

    skipped = estimator(**params).fit(X, y, sample_weight=weight)
    absent = estimator(**params).fit(X[:50], y[:50])

    assert_allclose(skipped.predict(X), absent.predict(X), rtol=1e-10)
    assert_allclose(skipped.coefs_[0], absent.coefs_[0], rtol=1e-10)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("scale", [1e-300, 1e-8, 1e8, 1e300])
def test_common_factor_of_the_weights_changes_nothing(solver, scale):
    """Without penalty, weights and weights times anything train the same model."""
    weight = RNG.uniform(0.5, 2.0, size=60)
    params = FEW | {"solver": solver, "alpha": 0.0}

    plain = SimpleMLPClassifier(**params).fit(X, LABELS, weight)
    scaled = SimpleMLPClassifier(**params).fit(X, LABELS, weight * scale)

    assert_allclose(scaled.predict_proba(X), plain.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("scale", [1e-308, 1e-300, 1e300, 1e308])
def test_weights_of_any_scale_give_a_finite_model(estimator, scale):
    """With the default penalty, too, tiny and huge weights give finite predictions."""
    model = estimator(**FEW).fit(X, target_for(estimator), np.full(60, scale))

    assert np.isfinite(model.predict(X)).all()
    assert np.isfinite(model.loss_)
