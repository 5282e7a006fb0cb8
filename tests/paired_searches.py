"""A search in lockstep and scikit-learn's, fitted on the same and compared."""

import re

import numpy as np
import pytest
from searches import assert_same_table
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.lockstep import LockstepGridSearchCV


X, SPECIES = load_iris(return_X_y=True)
LENGTH = X[:, 0] / 5.0
GROUPS = np.arange(len(X)) % 7
WEIGHT = 0.5 + np.arange(len(X)) % 3
OPTIONS = {"max_iter": 6, "random_state": 0, "batch_size": 20}
NET = SimpleMLPClassifier((5,), **OPTIONS)
REGRESSOR = SimpleMLPRegressor(hidden_layer_sizes=(5,), **OPTIONS)
STOCK = MLPClassifier((5,), **OPTIONS)
RATES = {"learning_rate_init": [1e-3, 1e-1, 1e-2], "alpha": [1e-4, 1.0]}
FEW = {"alpha": [1e-4, 1.0]}
NET_FEW = {"net__alpha": [1e-4, 1.0]}


def scaled(net=NET, scaler=None):
    """Return a pipeline."""
    return Pipeline([("scale", scaler or StandardScaler()), ("net", net)])


def networks(search):
    """Return the refitted network, in a list; empty if it is no network of ours."""
    best = search.best_estimator_
    best = best.steps[-1][1] if isinstance(best, Pipeline) else best
    return [best] if "theta_" in vars(best) else []


def assert_same_search(ours, theirs):
    """Assert equal tables, choices and refitted models."""
    assert_same_table(ours.cv_results_, theirs.cv_results_)
    assert {*vars(ours)} == {*vars(theirs), "interrupted_"}
    assert not ours.interrupted_
    for name in ("best_index_", "best_score_", "n_splits_", "multimetric_"):
        np.testing.assert_equal(getattr(ours, name, None), getattr(theirs, name, None))
    if ours.refit:
        assert str(ours.best_params_) == str(theirs.best_params_)
        for mine, other in zip(*map(networks, (ours, theirs)), strict=True):
            np.testing.assert_array_equal(mine.theta_, other.theta_)


def fits_apart(output):
    """Return how many fits did not run in lockstep, from what was printed."""
    found = re.search(r"(\d+) of \d+ fits do not run in lockstep", output)
    return int(found.group(1)) if found else 0


@pytest.fixture
def both(capsys):
    """Run a search of ours and scikit-learn's, and compare.

    ``apart`` is how many fits are not in lockstep, for none of them is to be so unseen.
    """

    def run(estimator, grid, X=X, y=SPECIES, *, apart=0, fit=None, **options):
        fit = fit or {}
        options = {"cv": 3} | options
        alone = options | {"n_jobs": None}  # the same results, without processes
        theirs = GridSearchCV(estimator, grid, **alone).fit(X, y, **fit)
        capsys.readouterr()
        ours = LockstepGridSearchCV(estimator, grid, verbose=1, **options)
        ours.fit(X, y, **fit)
        assert fits_apart(capsys.readouterr().out) == apart
        assert_same_search(ours, theirs)
        return ours

    return run


def many_scores(estimator, X, y):
    """Return two scores."""
    right = np.mean(estimator.predict(X) == y)
    return {"right": right, "wrong": 1.0 - right}


SCORES = [np.nan, -7.0, "raise"]
