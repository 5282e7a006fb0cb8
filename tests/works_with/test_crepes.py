"""crepes: intervals as wide as the networks of an ensemble disagree."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal


SEEN, REST, NEW = slice(0, 60), slice(60, 90), slice(90, None)


def ensemble(case):
    """A fitted ensemble of three networks."""
    return case.model.set_params(n_estimators=3).fit(case.X[SEEN], case.y[SEEN])


def test_difficulty_is_the_variance_of_the_networks(regressor):
    """It asks for ``estimators_``; a single network has none, and is refused."""
    extras = pytest.importorskip("crepes.extras")
    network, X = ensemble(regressor), regressor.X
    difficulty = extras.DifficultyEstimator().fit(learner=network, beta=0.01)
    _, spread = network.predict(X, return_std=True)
    assert_allclose(difficulty.apply(X), spread**2 + 0.01, rtol=1e-6)
    network.set_params(n_estimators=1).fit(X, regressor.y)
    with pytest.raises(ValueError, match="missing the attribute estimators_"):
        extras.DifficultyEstimator().fit(learner=network)


def test_intervals_are_wide_where_networks_disagree(regressor):
    """Around the prediction, by ranks of rows that the networks have not seen."""
    crepes = pytest.importorskip("crepes")
    network, X, y = ensemble(regressor), regressor.X, regressor.y
    difficulty = crepes.extras.DifficultyEstimator().fit(learner=network, beta=0.01)
    conformal = crepes.WrapRegressor(network)
    conformal.calibrate(X[REST], y[REST], de=difficulty)
    lower, upper = conformal.predict_int(X[NEW], confidence=0.9).T

    hardness = difficulty.apply(X[REST])
    scores = np.sort(np.abs(y[REST] - network.predict(X[REST])) / hardness)
    rank = int(np.ceil(31 * 0.9))  # of 30 rows, and the new one
    width = scores[rank - 1] * difficulty.apply(X[NEW])
    assert_allclose((upper - lower) / 2, width, rtol=1e-9)
    assert_allclose((upper + lower) / 2, network.predict(X[NEW]), rtol=1e-9)
    assert np.ptp(width) > 0.1
    assert_array_equal(conformal.predict(X[NEW]), network.predict(X[NEW]))
