"""Fitted estimators to make predictors of."""

import numpy as np
import pandas as pd

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


N_FEATURES = 6
FIT = {"max_iter": 2, "random_state": 0}


def rows(n_rows, dtype="float64", seed=0):
    """Return made-up features."""
    return np.random.default_rng(seed).normal(size=(n_rows, N_FEATURES)).astype(dtype)


def labels(X, n_classes):
    """Return classes of rows, each of them there."""
    return np.arange(len(X)) % n_classes


def classifier(n_classes=2, dtype="float64", **params):
    """Return a classifier after two epochs."""
    X = rows(60, dtype)
    params = {"hidden_layer_sizes": (8, 8), **FIT, **params}
    return SimpleMLPClassifier(**params).fit(X, labels(X, n_classes))


def regressor(n_outputs=1, dtype="float64", **params):
    """Return a regressor of positive values after two epochs."""
    X = rows(60, dtype)
    y = np.exp(X[:, 0] if n_outputs == 1 else X[:, :n_outputs])
    params = {"hidden_layer_sizes": (8, 8), **FIT, **params}
    return SimpleMLPRegressor(**params).fit(X, y)


def table(n_rows=600, seed=0):
    """Return a frame of numbers with gaps, a category, and a target."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"size": rng.normal(size=n_rows), "age": rng.normal(size=n_rows)})
    X.loc[rng.random(n_rows) < 0.2, "age"] = np.nan
    X["color"] = rng.choice(["red", "green", "blue"], n_rows)
    X["city"] = [f"city {c}" for c in rng.integers(0, 12, n_rows)]
    return X, X["size"].to_numpy() + (X["color"] == "red").to_numpy()
