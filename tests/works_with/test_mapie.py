"""MAPIE: conformal intervals around the quantiles of one network."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin

from sknet import SimpleMLPRegressor, TabularMLPRegressor
from sknet.losses import Quantile


LEVELS = 0.05, 0.5, 0.95


class Level(RegressorMixin, BaseEstimator):
    """A quantile of a fitted network, as a regressor of its own."""

    fitted_ = True  # MAPIE looks for it

    def __init__(self, quantiles, column):
        self.quantiles, self.column = quantiles, column

    def fit(self, X, y):
        raise AssertionError("it is fitted")

    def predict(self, X):
        return self.quantiles(X)[:, self.column]


def simple_quantiles(X, y):
    """What a network of three quantiles says."""
    network = SimpleMLPRegressor(Quantile(LEVELS), (8,), max_iter=60, random_state=0)
    return network.set_params(learning_rate_init=0.02).fit(X, y).predict


def tabular_quantiles(X, y):
    """What a network of a mean and three quantiles says."""
    network = TabularMLPRegressor(
        (8,), n_estimators=2, max_iter=20, quantiles=LEVELS, random_state=0
    )
    return partial(network.fit(X, y).predict, quantiles=LEVELS)


def skewed_rows(n):
    """Noise that grows with a column and is larger upwards."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (n, 2))
    return X, X[:, 1] + (1.2 + X[:, 0]) * rng.exponential(0.5, n)


@pytest.mark.parametrize("fitted", [simple_quantiles, tabular_quantiles])
def test_intervals_hold_what_they_promise(fitted):
    """The network's quantiles, moved by the ranks of rows that it has not seen."""
    regression = pytest.importorskip("mapie.regression")
    X, y = skewed_rows(1600)
    seen, rest, new = slice(0, 300), slice(300, 600), slice(600, None)
    quantiles = fitted(X[seen], y[seen])
    conformal = regression.ConformalizedQuantileRegressor(
        [Level(quantiles, column) for column in (0, 2, 1)],  # the middle one is last
        confidence_level=0.9,
        prefit=True,
    )
    conformal.conformalize(X[rest], y[rest])
    middle, intervals = conformal.predict_interval(X[new])
    lower, upper = intervals[:, :, 0].T

    low, _, high = quantiles(X[rest]).T
    rank = int(np.ceil(301 * 0.95))  # of 300 rows, and the new one
    down, up = np.sort(low - y[rest])[rank - 1], np.sort(y[rest] - high)[rank - 1]
    low, median, high = quantiles(X[new]).T
    assert_allclose(lower, low - down, atol=1e-6)
    assert_allclose(upper, high + up, atol=1e-6)
    assert_array_equal(middle, median)
    inside = np.mean((lower <= y[new]) & (y[new] <= upper))
    assert 0.87 < inside < 0.96  # of 1000 rows, by 300
    assert np.std(upper - lower) > 0.1  # wide where the noise is
