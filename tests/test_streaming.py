"""Fitted networks learn on row by row: what they know stays, what is new comes."""

import copy
import pickle
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier

from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.optimizers import Adam
from sknet.problem.value_target import target_scale
from sknet.training import session


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X, X_NEW = RNG.normal(size=(1500, 4)), RNG.normal(size=(1000, 4))
SMALL = {"n_jobs": 1, "random_state": 0, "max_iter": 16, "n_estimators": 1}
REGRESSOR = TabularMLPRegressor((32, 32), **SMALL)
CLASSIFIER = TabularMLPClassifier((32, 32), **SMALL)
VARIANTS = {
    "regressor": REGRESSOR,
    "ensemble": clone(REGRESSOR).set_params(n_estimators=2),
    "absolute": clone(REGRESSOR).set_params(loss="absolute_error"),
    "average": clone(REGRESSOR).set_params(averaging="ema"),
    "classifier": CLASSIFIER,
}
variants = pytest.mark.parametrize("model", VARIANTS.values(), ids=VARIANTS)
sizes = pytest.mark.parametrize(("size", "calls"), [(1, 60), (5, 40), (50, 20)])


def truth(model, X, of_another_kind=False):
    """Return noiseless targets for a model."""
    value = 3.0 * np.sin(X[:, 0]) + X[:, 1]
    if of_another_kind:
        value = 3.0 * np.cos(X[:, 0]) - X[:, 1]
    return value > 0.5 if is_classifier(model) else value


def fitted(model, **params):
    """Return a fitted copy."""
    model = clone(model).set_params(**params)
    return model.fit(X, truth(model, X))


def outputs(model):
    """Return predictions that show every change."""
    return getattr(model, "predict_proba", model.predict)(X_NEW)


# ------------------------------------------------------------------------ what it does


@variants
@sizes
def test_rows_like_those_of_the_fit_change_little(model, size, calls):
    model, rng = fitted(model), np.random.default_rng(1)
    y_new = truth(model, X_NEW)
    before = model.score(X_NEW, y_new)
    for call in range(calls):
        rows = rng.normal(size=(size, 4))
        model.partial_fit(rows, truth(model, rows))
        if call < 20 or call == calls - 1:
            assert model.score(X_NEW, y_new) > before - 0.05


@pytest.mark.parametrize("model", [REGRESSOR, CLASSIFIER])
@pytest.mark.parametrize(("size", "calls"), [(1, 900), (10, 240), (100, 40)])
def test_rows_of_another_kind_are_learned(model, size, calls):
    model, rng = fitted(model), np.random.default_rng(1)
    y_new = truth(model, X_NEW, of_another_kind=True)
    before = model.score(X_NEW, y_new)
    for _ in range(calls):
        rows = rng.normal(size=(size, 4))
        model.partial_fit(rows, truth(model, rows, of_another_kind=True))
    assert before < 0.5
    assert model.score(X_NEW, y_new) > 0.7


@pytest.mark.parametrize(
    "model",
    [
        REGRESSOR,
        CLASSIFIER,
        clone(REGRESSOR).set_params(averaging="ema", n_estimators=2),
        SimpleMLPRegressor(hidden_layer_sizes=(8,), early_stopping=True),
        SimpleMLPClassifier((8,), early_stopping=True),
    ],
)
def test_training_goes_on_from_what_early_stopping_chose(model):
    """At next to no learning rate a call changes no prediction, nor its temperature."""
    model = fitted(model, random_state=0, max_iter=12)
    before = outputs(model)
    model.set_params(learning_rate_init=1e-12)
    model.partial_fit(X[:40], truth(model, X[:40]))
    assert_allclose(outputs(model), before, rtol=1e-4, atol=1e-5)


def test_network_built_in_pieces_alone_learns():
    model, rng = clone(REGRESSOR), np.random.default_rng(1)
    for _ in range(60):
        rows = rng.normal(size=(60, 4))
        model.partial_fit(rows, truth(model, rows))
    assert model.score(X_NEW, truth(model, X_NEW)) > 0.9


# -------------------------------------------------------------------- the learning rate


@pytest.mark.filterwarnings("ignore:Got `batch_size`")  # fewer rows are meant
@pytest.mark.parametrize("model", [REGRESSOR, CLASSIFIER])
def test_learning_rate_follows_the_rows_of_a_batch(model):
    model = fitted(model, batch_size=100)
    rate = (0.5 if is_classifier(model) else 0.3) * model.learning_rate_init
    for n_rows, share in ((25, 0.25), (1, 0.01), (100, 1.0), (1500, 1.0), (4, 0.04)):
        model.partial_fit(X[:n_rows], truth(model, X[:n_rows]))
        assert model.learning_rate_ == pytest.approx(rate * np.sqrt(share), rel=1e-12)


def test_learning_rate_without_a_plan_is_the_initial_one():
    """After a fit with a constant one, and in a training by pieces alone."""
    for start in (fitted(REGRESSOR, learning_rate="constant"), clone(REGRESSOR)):
        for _ in range(2):
            start.partial_fit(X, truth(start, X))
            assert start.learning_rate_ == start.learning_rate_init
        n_batch = start._preset.batch_rule.rows(len(X))
        start.partial_fit(X[:1], truth(start, X[:1]))
        expected = start.learning_rate_init / np.sqrt(n_batch)
        assert start.learning_rate_ == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("model", [REGRESSOR, CLASSIFIER])
def test_calls_with_the_whole_table_are_epochs(model):
    """Where the schedule is constant and nothing is held out, bit for bit."""
    params = {"learning_rate": "constant", "early_stopping": False}
    params |= {"n_iter_no_change": np.inf, "max_iter": 3}
    whole, pieces = fitted(model, **params), clone(model).set_params(**params)
    y = truth(model, X)
    more = {"classes": np.unique(y)} if is_classifier(model) else {}
    pieces.partial_fit(X, y, **more).partial_fit(X, y).partial_fit(X, y)
    assert_array_equal(pieces.theta_, whole.theta_)


def simple(cls=SimpleMLPRegressor, **params):
    """Return a small network of columns."""
    return cls(hidden_layer_sizes=(8, 5), random_state=0, max_iter=3, **params)


@pytest.mark.filterwarnings("ignore:Got `batch_size`")  # fewer rows are meant
@pytest.mark.parametrize(
    "model",
    [
        *VARIANTS.values(),
        simple(SimpleMLPClassifier),
        simple(solver="sgd", learning_rate="adaptive", dropout=0.2),
        simple(batch_size=16, shuffle=False, learning_rate_multipliers={"bias": 0.5}),
        simple(n_estimators=3, averaging="ema", dtype="float32"),
        simple(early_stopping=True, clip_norm=0.5),
    ],
)
def test_training_goes_on_alike_after_a_pickle(model):
    """What waits for the next call, and not in a pickle, changes no number."""
    model = fitted(model)
    again = pickle.loads(pickle.dumps(model))
    for n_rows in (1, 30, 1, 1, 30, 30, 17, 1, 30):
        for network in (model, again):
            network.partial_fit(X[:n_rows], truth(model, X[:n_rows]))
        again = pickle.loads(pickle.dumps(again))
    assert plain(again) == plain(model)


def plain(model):
    """Return what a training has left, as text and numbers that compare."""
    found = {**vars(model), **model._training}
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
        return {key: repr(value) for key, value in found.items()}


@pytest.mark.parametrize("n_rows", [1, 30])
def test_nothing_of_a_call_is_left_after_one_that_fails(n_rows, monkeypatch):
    """The streams and arrays of the call before are used once, and by nobody else."""
    model = fitted(simple())
    model.partial_fit(X[:n_rows], truth(model, X[:n_rows]))
    again, theta, before = copy.deepcopy(model), model.theta_, model.theta_.copy()
    with monkeypatch.context() as patch:
        patch.setattr(session.Monitor, "stops", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            model.partial_fit(X[:n_rows], truth(model, X[:n_rows]))
    assert model.theta_ is theta
    shallow = copy.copy(model)
    for network in (model, again, shallow):
        network.partial_fit(X[:n_rows], truth(model, X[:n_rows]))
        network.partial_fit(X[:30], truth(model, X[:30]))
    assert_array_equal(theta, before)
    assert plain(model) == plain(again) == plain(shallow)


def test_parameters_that_change_between_calls_count():
    """Also those that are lists, and components."""
    sizes, model = [8, 5], simple(solver=Adam(0.8)).set_params(activation=["relu"] * 2)
    model.set_params(hidden_layer_sizes=sizes)
    for params in ({}, {"alpha": 1.0}, {"solver": "sgd"}, {"learning_rate_init": 0.5}):
        model.set_params(**params).partial_fit(X[:30], X[:30, 0])
    assert model.learning_rate_ == 0.5
    assert len(model._training["slots"]) == 1
    sizes.append(3)
    with pytest.raises(ValueError, match="activation"):
        model.partial_fit(X[:30], X[:30, 0])
    with pytest.raises(ValueError, match="alpha"):
        simple().partial_fit(X, X[:, 0]).set_params(alpha=-1).partial_fit(X, X[:, 0])


# ----------------------------------------------------------- where predictions end


def test_predictions_end_where_the_targets_of_all_tables_allow_it():
    model, rng = fitted(REGRESSOR), np.random.default_rng(1)
    first = model.target_range_.copy()
    model.partial_fit(X[:50], truth(model, X[:50]))
    assert_array_equal(model.target_range_, first)
    for _ in range(30):
        rows = rng.normal(size=(50, 4))
        model.partial_fit(rows, truth(model, rows) + 6.0)
    assert first[0] - 1.0 < model.target_range_[0] <= first[0]
    assert model.target_range_[1] > first[1] + 4.0
    assert model.predict(X_NEW).max() > first[1]
    free = fitted(REGRESSOR, clip_predictions=False, max_iter=1)
    free.partial_fit(X[:5], [1e3, 1.0, 1.0, 1.0, -1e3])
    assert np.isinf(free.target_range_).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_widened_scale_ends_as_that_of_all_rows(weighted):
    rng = np.random.default_rng(0)
    first, more = rng.normal(size=(40, 3)), 3.0 * rng.normal(size=(40, 3))
    weight = np.r_[np.ones(20), np.zeros(20)] if weighted else None
    scale = target_scale(first, None, True)
    wide = scale.widened(more, weight)
    rows = more[:20] if weighted else more
    both = target_scale(np.r_[first, rows], None, True)
    assert_allclose([wide.least, wide.largest], [both.least, both.largest])
    assert_array_equal([wide.mean, wide.deviation], [scale.mean, scale.deviation])


@pytest.mark.parametrize("size", [1e-310, 1.0, 1e308, np.finfo(float).max])
def test_widened_scale_of_any_size_is_a_range(size):
    y = np.array([[-0.5], [0.5]]) * size
    wide = target_scale(y, None, True).widened(2.0 * y, None)
    assert wide.least <= -size
    assert wide.largest >= size
    assert np.isfinite(wide.backward(np.array([[9.0], [-9.0]]))).all()
