"""Properties that hold for any input: examples by Hypothesis, down to the odd corners.

The suite draws the same few hundred examples each time. ``make test-slow`` draws
thousands, others each night; a failure prints the line that brings it back.
"""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import is_classifier

from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.losses import CLASS_LOSSES, VALUE_LOSSES
from sknet.network.blocks import BLOCKS, Plain
from sknet.optimizers import OPTIMIZERS


pytest.importorskip("hypothesis", reason="properties need Hypothesis")

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy


COMMON = {
    "deadline": None,
    "database": None,
    "print_blob": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}
IN_THE_SUITE = settings(max_examples=60, derandomize=True, **COMMON)
AT_NIGHT = settings(max_examples=2500, **COMMON)

SIMPLE = [SimpleMLPClassifier, SimpleMLPRegressor]
TABLES = [TabularMLPClassifier, TabularMLPRegressor]
ESTIMATORS = SIMPLE + TABLES
# Ends of what numbers can be, and where arithmetic goes wrong.
CORNERS = [0.0, 1.0, -1.0, 5e-324, -1e-310, 2.3e-308, 1e-45, 1e38, 1e39, -1e154, 1e155]
CORNERS += [1e300, 1e308, np.finfo(float).max, -np.finfo(float).max]
NUMBERS = st.one_of(
    st.floats(-10, 10),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(CORNERS),
)


# ------------------------------------------------------------------ what is drawn


@st.composite
def matrices(draw, n_rows, n_columns):
    """Any finite matrix; often with equal rows, constant columns, or of one size."""
    X = draw(of_numpy.arrays(np.float64, (n_rows, n_columns), elements=NUMBERS))
    kind = draw(st.sampled_from(["any", "any", "same rows", "constant", "scaled"]))
    if kind == "same rows":
        X = X[np.zeros(n_rows, dtype=int)]
    elif kind == "constant":
        X[:, 0] = X[0, 0]
    elif kind == "scaled":
        rng = np.random.default_rng(draw(st.integers(0, 99)))
        X = rng.normal(size=X.shape) * 10.0 ** draw(st.integers(-310, 307))
    if draw(st.booleans()):
        with np.errstate(over="ignore"):
            X = X.astype(draw(st.sampled_from([np.float32, np.float64])))
        X[~np.isfinite(X)] = 0.0
    return X


@st.composite
def labels(draw, n_rows):
    """Labels of one, two or three classes, or several at once."""
    if draw(st.integers(0, 5)) == 0:
        return draw(of_numpy.arrays(np.int64, (n_rows, 2), elements=st.integers(0, 1)))
    n_classes = draw(st.integers(1, 3))
    return draw(
        of_numpy.arrays(np.int64, n_rows, elements=st.integers(0, n_classes - 1))
    )


@st.composite
def values(draw, n_rows):
    """Values of one or two targets, of any size."""
    shape = draw(st.sampled_from([(n_rows,), (n_rows,), (n_rows, 2)]))
    y = draw(of_numpy.arrays(np.float64, shape, elements=NUMBERS))
    return np.abs(y) if draw(st.booleans()) else y


def weights(n_rows):
    """No weights, or any that are no error."""
    each = st.one_of(
        st.sampled_from([0.0, 1.0, 2.0, 5e-324, 1e-310, 1e300, 1e308]),
        st.floats(0, 10),
    )
    some = of_numpy.arrays(np.float64, n_rows, elements=each)
    return st.one_of(st.none(), some)


@st.composite
def networks(draw, estimator):
    """A small network of any kind, trained for a moment."""
    losses = CLASS_LOSSES if is_classifier(estimator()) else VALUE_LOSSES
    normalized = [Plain(normalization="batch"), Plain(normalization="layer")]
    params = {
        "hidden_layer_sizes": draw(st.sampled_from([(4,), (4, 4)])),
        "loss": draw(st.sampled_from([name for name in losses if name != "custom"])),
        "activation": draw(st.sampled_from(["relu", "tanh", "mish", "maxout", "elu"])),
        "solver": draw(st.sampled_from([*OPTIMIZERS, "lbfgs"])),
        "learning_rate_init": draw(st.sampled_from([1e-3, 0.1, 10.0])),
        "max_iter": draw(st.integers(1, 3)),
        "dtype": draw(st.sampled_from(["auto", "float32", "float64"])),
        "n_estimators": draw(st.sampled_from([1, 1, 3])),
        "random_state": draw(st.integers(0, 3)),
        "dropout": 0.0,
        "n_jobs": 1,
    }
    if params["solver"] == "lbfgs":
        return estimator(**params | {"learning_rate": "constant"})
    params |= {
        "block": draw(st.sampled_from([*BLOCKS, *normalized])),
        "dropout": draw(st.sampled_from([0.0, 0.5])),
        "early_stopping": draw(st.booleans()),
        "clip_norm": draw(st.sampled_from([None, 1.0])),
        "averaging": draw(st.sampled_from([None, "ema", "swa"])),
        "batch_size": draw(st.sampled_from(["auto", 2])),
    }
    if estimator in SIMPLE:
        params["shuffle"] = draw(st.booleans())
    return estimator(**params)


@st.composite
def problems(draw, estimator):
    """A network, rows to train on with targets and weights, and rows to predict."""
    n_rows, n_columns = draw(st.integers(1, 12)), draw(st.integers(1, 3))
    network = draw(networks(estimator))
    y = draw((labels if is_classifier(network) else values)(n_rows))
    if network.loss in ("poisson", "gamma"):
        y = np.maximum(np.abs(y), 5e-324)
    return (
        network,
        draw(matrices(n_rows, n_columns)),
        y,
        draw(weights(n_rows)),
        draw(matrices(draw(st.integers(1, 4)), n_columns)),
    )


# ------------------------------------------------------------------ finite or refused


def check_outputs(model, X):
    """Probabilities are finite and sum to one; so are values, finite."""
    outputs = [np.asarray(model.predict(X), dtype=float)]
    if hasattr(model, "predict_proba"):
        probability = model.predict_proba(X)
        assert ((probability >= 0) & (probability <= 1)).all()
        if np.ndim(model.predict(X)) == 1:  # labels that exclude each other
            assert_allclose(probability.sum(axis=1), 1.0, rtol=1e-5)
        outputs += [probability, model.predict_log_proba(X)]
    if hasattr(model, "decision_function"):
        outputs.append(model.decision_function(X))
    for output in outputs:
        assert np.isfinite(output).all()
        assert len(output) == len(X)


def check_finite_or_refused(problem):
    """Fitting and predicting gives finite numbers or a ValueError; NumPy warns not."""
    model, X, y, weight, others = problem
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of too few iterations, of few rows
        warnings.simplefilter("error", RuntimeWarning)
        try:
            model.fit(X, y, sample_weight=weight)
        except ValueError as error:
            event(f"refused: {str(error)[:30]}")
            return
        for rows in (X, others):
            try:
                check_outputs(model, rows)
            except ValueError as error:
                event(f"refused to predict: {str(error)[:30]}")


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_any_finite_matrix_gives_finite_predictions_or_a_value_error(estimator):
    """240 examples, the same each time, over solvers, losses and blocks."""
    IN_THE_SUITE(given(problems(estimator))(check_finite_or_refused))()


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_many_more_matrices_give_finite_predictions_or_a_value_error(estimator):
    """Other examples each time, 10 000 of them."""
    AT_NIGHT(given(problems(estimator))(check_finite_or_refused))()


# ------------------------------------------------------------------------ invariances

EXACT = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0, "dropout": 0.0}
EXACT |= {"n_estimators": 1, "n_jobs": 1, "early_stopping": False}


def fitted(estimator, X, y, **arguments):
    """A small network after three epochs of one batch each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few iterations
        return estimator(**EXACT).fit(X, y, **arguments)


def outputs(model, X):
    """Probabilities, or values."""
    name = "predict_proba" if is_classifier(model) else "predict"
    return getattr(model, name)(X)


def target_of(estimator, X):
    """A target that suits an estimator."""
    value = X @ np.linspace(-1.0, 1.0, X.shape[1])
    if not is_classifier(estimator()):
        return value
    return (value > np.median(value)).astype(int)


@st.composite
def plain_matrices(draw):
    """Rows to train on in one batch, of ordinary numbers."""
    shape = draw(st.integers(4, 14)), draw(st.integers(1, 4))
    seed = draw(st.integers(0, 2**32 - 1))
    return np.random.default_rng(seed).normal(size=shape)


def invariance(estimators):
    """A property of some estimators on ordinary matrices, with a number for chance."""

    def decorated(check):
        drawn = given(X=plain_matrices(), seed=st.integers(0, 2**32 - 1))
        few = settings(max_examples=15, derandomize=True, **COMMON)
        return pytest.mark.parametrize("estimator", estimators)(few(drawn(check)))

    return decorated


@invariance(ESTIMATORS)
def test_order_of_rows_does_not_matter_in_one_batch(estimator, X, seed):
    """Permuted rows give the same network, to rounding."""
    y, rows = target_of(estimator, X), np.random.default_rng(seed).permutation(len(X))
    one = fitted(estimator, X, y)
    other = fitted(estimator, X[rows], y[rows])
    assert_allclose(outputs(other, X), outputs(one, X), rtol=1e-6, atol=1e-9)


@invariance(ESTIMATORS)
def test_weights_are_repetitions(estimator, X, seed):
    """A row of weight two is two rows, and one of weight zero is none."""
    y = target_of(estimator, X)
    times = np.random.default_rng(seed).integers(0, 3, len(X))
    times[[np.argmin(y), np.argmax(y)]] = 1
    weighted = fitted(estimator, X, y, sample_weight=times.astype(float))
    repeated = fitted(estimator, np.repeat(X, times, 0), np.repeat(y, times))
    assert_allclose(outputs(weighted, X), outputs(repeated, X), rtol=1e-6, atol=1e-9)


@invariance(ESTIMATORS)
def test_rows_of_weight_zero_may_hold_anything(estimator, X, seed):
    """Whatever stands in them, the network is the same."""
    y = target_of(estimator, X)
    rng = np.random.default_rng(seed)
    junk = rng.normal(size=(3, X.shape[1])) * 1e6
    weight = np.r_[np.ones(len(X)), np.zeros(3)]
    more = fitted(estimator, np.r_[X, junk], np.r_[y, y[:3]], sample_weight=weight)
    assert_allclose(outputs(more, X), outputs(fitted(estimator, X, y), X), rtol=1e-6)


@invariance(SIMPLE)
def test_order_of_columns_is_a_matter_of_the_first_weights(estimator, X, seed):
    """Permute them as the columns: the predictions are the same."""
    y, columns = (
        target_of(estimator, X),
        np.random.default_rng(seed).permutation(X.shape[1]),
    )
    model = fitted(estimator, X, y)
    before = outputs(model, X)
    model.coefs_[0] = model.coefs_[0][columns].copy()
    assert_allclose(outputs(model, X[:, columns]), before, rtol=1e-9)


@invariance([SimpleMLPClassifier, TabularMLPClassifier])
def test_labels_are_names(estimator, X, seed):
    """Other labels in the same order give the same probabilities."""
    y = target_of(estimator, X)
    names = np.array(["no", f"yes {seed}"])
    one, other = fitted(estimator, X, y), fitted(estimator, X, names[y])
    assert_allclose(outputs(other, X), outputs(one, X), rtol=0)
    assert (other.predict(X) == names[one.predict(X)]).all()


@invariance(TABLES)
def test_units_of_a_table_do_not_matter(estimator, X, seed):
    """Shifted and scaled columns give the same network where scaling is inside."""
    y, rng = target_of(estimator, X), np.random.default_rng(seed)
    scale = 2.0 ** rng.integers(-20, 20, X.shape[1])
    shift = rng.integers(-8, 8, X.shape[1])
    one = fitted(estimator, X, y)
    other = fitted(estimator, (X + shift) * scale, y)
    after = outputs(other, (X + shift) * scale)
    assert_allclose(after, outputs(one, X), rtol=1e-6, atol=1e-9)


@invariance([TabularMLPRegressor])
def test_units_of_a_tables_target_do_not_matter(estimator, X, seed):
    """Predictions of a shifted and scaled target are shifted and scaled."""
    y, rng = target_of(estimator, X), np.random.default_rng(seed)
    scale, shift = 2.0 ** rng.integers(-20, 20), rng.normal()
    one, other = fitted(estimator, X, y), fitted(estimator, X, (y + shift) * scale)
    expected = (outputs(one, X) + shift) * scale
    assert_allclose(outputs(other, X), expected, rtol=1e-6, atol=1e-9 * scale)
