"""A table of numbers, gaps and categories, and both estimators for tables on it."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from sknet import TabularMLPClassifier, TabularMLPRegressor


N = 240
SMALL = {"hidden_layer_sizes": (16, 16), "n_estimators": 2, "max_iter": 8}
SMALL |= {"random_state": 0}


def made_up_table(n_rows=N, seed=0):
    """Numbers with gaps, a flag, a category of three levels, and one of many."""
    rng = np.random.default_rng(seed)
    color = rng.choice(["red", "green", "blue"], n_rows)
    city = rng.integers(0, 20, n_rows)
    size, age = rng.lognormal(3.0, 2.0, n_rows), rng.normal(size=n_rows)
    value = np.log(size) + (color == "red") + city % 3 + 0.1 * rng.normal(size=n_rows)
    table = np.empty((n_rows, 5), dtype=object)
    table[:, 0], table[:, 1], table[:, 2] = size, age, color
    table[:, 3], table[:, 4] = [f"city {c}" for c in city], rng.random(n_rows) < 0.5
    table[rng.random(n_rows) < 0.2, 1] = None
    table[rng.random(n_rows) < 0.1, 2] = None
    return table, value


TABLE, VALUE = made_up_table()
LABEL = np.where(np.median(VALUE) < VALUE, "high", "low")
X_IRIS, Y_IRIS = load_iris(return_X_y=True)
BOTH = [
    pytest.param(TabularMLPClassifier, LABEL, id="classifier"),
    pytest.param(TabularMLPRegressor, VALUE, id="regressor"),
]


def outputs(model, X):
    """What a model says of rows, in numbers."""
    classifies = isinstance(model, TabularMLPClassifier)
    return model.predict_proba(X) if classifies else model.predict(X)
