"""A second fit: nothing of the first one is left in it."""

from itertools import permutations

import joblib
import numpy as np
import pytest

from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ESTIMATORS = [
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
]
FEW = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
# What makes fitted attributes of its own: each is fitted after each other one.
WAYS = {
    "early stopping": {"early_stopping": True, "n_estimators": 1},
    "lbfgs": {
        "solver": "lbfgs",
        "learning_rate": "constant",
        "early_stopping": False,
        "dropout": 0.0,
        "learning_rate_multipliers": None,
        "n_estimators": 1,
    },
    "ensemble": {"early_stopping": False, "n_estimators": 2},
    "backbone": {"early_stopping": False, "n_estimators": 2, "shared_backbone": True},
}
TABULAR = [TabularMLPClassifier, TabularMLPRegressor]  # which share no backbone
CASES = [
    (estimator, *ways)
    for estimator in ESTIMATORS
    for ways in permutations(WAYS, 2)
    if not ("backbone" in ways and estimator in TABULAR)
]
X = np.random.default_rng(0).normal(size=(110, 4))


@pytest.mark.parametrize(("estimator", "first", "second"), CASES)
def test_refit_leaves_nothing_of_the_fit_before(estimator, first, second):
    """Another solver, other columns, other classes: the state is that of one fit."""
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    other = (y > 0).astype(y.dtype)
    plain = estimator(**FEW)

    model = estimator(**(FEW | WAYS[first])).fit(X[:, :3], y)
    model.set_params(**plain.get_params()).set_params(**WAYS[second]).fit(X, other)

    once = estimator(**(FEW | WAYS[second])).fit(X, other)
    assert set(vars(model)) == set(vars(once))
    assert joblib.hash(model.__getstate__()) == joblib.hash(once.__getstate__())
