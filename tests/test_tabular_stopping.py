"""What the estimators for tables hold out, how large batches are, when they stop."""

import json

import numpy as np
import pytest
from made_up_table import LABEL, SMALL, TABLE, VALUE, N, made_up_table
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from sknet import TabularMLPClassifier, TabularMLPRegressor
from sknet.config.presets import TABULAR_CLASSIFIER
from sknet.training.learning_rates import LearningRate, LearningRates
from sknet.training.monitor import History, Monitor, StoppingRule
from sknet.training.state import TrainState


@pytest.mark.parametrize("together", [False, True])
def test_validation_set_is_taken_as_it_is(together):
    """Judged by it alone, whatever its order; no rows of it are trained on."""
    X_val, y_val = made_up_table(60, seed=1)
    model = TabularMLPRegressor(**SMALL, joint_early_stopping=together)
    model.fit(TABLE, VALUE, X_val=X_val, y_val=y_val)
    turned = clone(model).fit(TABLE, VALUE, X_val=X_val[::-1], y_val=y_val[::-1])
    assert_array_equal(turned.theta_, model.theta_)
    expected = model.target_deviation_[0] ** 2 * -2.0 * model.best_validation_score_
    error = np.mean((model.predict(X_val) - y_val) ** 2)
    if together:  # the score is that of the mean prediction
        assert_allclose(error, expected / 2.0 * 2.0, rtol=1e-5)


def test_rows_are_held_out_for_each_network():
    """All rows are learned from, since each network holds out others."""
    params = SMALL | {"n_estimators": 6, "warm_start": True}
    model = TabularMLPClassifier(**params).fit(TABLE, LABEL)
    rows = np.asarray(model._training["validation_rows"])
    assert rows.shape == (6, int(0.1 * N))
    assert len(np.unique(rows)) > 0.35 * N


@pytest.mark.parametrize("n_rows", [49, 50, 90, 91])
def test_handful_of_rows_is_trained_on_whole(n_rows):
    """Nothing is held out of it; less than 50 rows are treated with more care."""
    model = TabularMLPRegressor(**SMALL, dropout=0.5)
    model.fit(TABLE[:n_rows], VALUE[:n_rows])
    assert (model.validation_scores_ is not None) == (n_rows == 91)
    assert model.theta_.dtype == (np.float64 if n_rows == 49 else np.float32)
    assert json.loads(model._architecture)["dropout"] == [0.5]


@pytest.mark.parametrize(
    ("n_rows", "size"),
    [(49, 49), (50, 25), (800, 62), (5000, 125), (20_000, 254), (10**5, 511)],
)
def test_batches_grow_with_the_table(n_rows, size):
    """And all have about as many rows: none is left with a few."""
    assert TABULAR_CLASSIFIER.batch_rule.rows(n_rows) == size
    assert (n_rows - 1) % size >= size - 1 - n_rows // size
    assert TABULAR_CLASSIFIER.batch_rule.rows(10**6) == 1024


def test_later_of_equal_epochs_is_kept():
    """And the first one, where scikit-learn's rule is asked for."""
    for later in (False, True):
        monitor = Monitor(
            [StoppingRule(0.0, 10, True, later)], LearningRates([LearningRate(0.1)])
        )
        progress, scores = History(), (0.5, 0.7, 0.7, 0.6)
        best = [
            monitor.improved(progress, np.array([1.0]), np.array([score]))[0]
            for score in scores
        ]
        assert best == [True, True, later, False]


def test_patience_grows_with_the_best_epoch():
    """Ten epochs and twice as many as it took to the best one."""
    monitor = Monitor(
        [StoppingRule(0.0, 10, True, True, 2.0)], LearningRates([LearningRate(0.1)])
    )
    progress, state = History(), TrainState(np.zeros((1, 1)), [], [])
    for epoch in range(1, 100):
        state.n_epochs[:] = epoch
        score = np.array([float(min(epoch, 7))]) - 1e-3 * (epoch > 7)
        monitor.improved(progress, np.array([1.0]), score)
        if monitor.stops(progress, state, print).any():
            break
    assert epoch == 7 + 10 + 2 * 7 + 1
