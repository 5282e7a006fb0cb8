"""Convolutional networks run compiled, whatever else is in them."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from sknet import (
    AggregatedConv,
    Conv,
    LockstepGridSearchCV,
    ResidualConv,
    SimpleCNNClassifier,
    SimpleCNNRegressor,
)
from sknet.engine.machine import machine


pytestmark = [
    pytest.mark.skipif(machine() is None, reason="no compiled engine"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (90, 7, 8, 2), dtype=np.uint8)
Y = RNG.integers(0, 3, 90)
FEW = {"max_iter": 3, "batch_size": 40, "random_state": 0, "hidden_layer_sizes": (5,)}
NETWORKS = {
    "dropout": {
        "conv_layers": (
            Conv(3, pool=2, dropout=0.2),
            Conv(4, 2, padding="valid", dropout=0.1),
        ),
        "dropout": 0.3,
    },
    "stochastic pool": {"conv_layers": (Conv(3, pool=2, pool_kind="stochastic"),)},
    "average pool, batch normalization": {
        "conv_layers": (
            Conv(4, 5, pool=3, pool_kind="average", pool_stride=2, groups=2),
            Conv(3, dilation=2, normalization="batch", activation="tanh"),
        )
    },
    "layer normalization": {"conv_layers": (Conv(4, normalization="layer"),)},
    "residual": {
        "conv_layers": (
            ResidualConv(4, dropout=0.1),
            ResidualConv(6, stride=2, shortcut="zero_pad", bottleneck=2),
            ResidualConv(6, preactivation=True, pool="global"),
        )
    },
    "aggregated": {
        "conv_layers": (AggregatedConv(4, cardinality=2, branch_width=2, stride=2),)
    },
    "shared backbone": {
        "conv_layers": (Conv(3, pool=2),),
        "n_estimators": 2,
        "shared_backbone": True,
    },
    "lbfgs": {"conv_layers": (Conv(3, pool=2),), "solver": "lbfgs"},
}


@pytest.mark.parametrize("kind", [SimpleCNNClassifier, SimpleCNNRegressor])
@pytest.mark.parametrize("name", NETWORKS)
def test_compiled_and_numpy_agree(kind, name):
    """Members, weights, the last batch and predictions; also with two threads."""
    params = {"n_estimators": 2} | FEW | NETWORKS[name]
    weight = RNG.uniform(0.5, 2.0, len(Y))
    compiled, plain, threads = (
        kind(**params | how).fit(X, Y, weight)
        for how in ({}, {"engine": "numpy"}, {"n_threads": 2, "n_jobs": 1})
    )
    assert compiled.engine_ == threads.engine_ == "compiled"
    assert plain.engine_.startswith("numpy: ")
    assert_allclose(compiled.theta_, plain.theta_, rtol=1e-6, atol=1e-8)
    assert_array_equal(threads.theta_, compiled.theta_)
    assert_allclose(compiled.predict(X), plain.predict(X), rtol=1e-6, atol=1e-8)


def test_candidates_that_differ_in_dropout_are_trained_together():
    grid = {"dropout": [0.0, 0.2, 0.4], "learning_rate_init": [1e-3, 1e-2]}
    model = SimpleCNNClassifier(conv_layers=(Conv(3, pool=2, dropout=0.1),), **FEW)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        ours, theirs = (
            search(model, grid, cv=2, error_score="raise").fit(X, Y)
            for search in (LockstepGridSearchCV, GridSearchCV)
        )
    assert ours.best_estimator_.engine_ == "compiled"
    name = "mean_test_score"
    assert_array_equal(ours.cv_results_[name], theirs.cv_results_[name])
