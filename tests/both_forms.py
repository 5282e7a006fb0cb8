"""Networks in two forms, scikit-learn's and ours, and what makes them the same."""

from importlib.metadata import version

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


KNOWS_POISSON = tuple(map(int, version("scikit-learn").split(".")[:2])) >= (1, 7)
SISTERS = {SimpleMLPClassifier: MLPClassifier, SimpleMLPRegressor: MLPRegressor}
RNG = np.random.default_rng(0)
X = RNG.standard_normal((80, 4))
BANDS = np.digitize(X[:, 1], [-0.5, 0.5])
VALUES = X @ [1.0, 2.0, 3.0, 4.0]
TARGETS = {
    "binary": (SimpleMLPClassifier, (X[:, 0] > 0).astype(int)),
    "strings": (SimpleMLPClassifier, np.array(["low", "mid", "top"])[BANDS]),
    "objects": (SimpleMLPClassifier, np.array(["no", "yes"], object)[BANDS // 2]),
    "multiclass": (SimpleMLPClassifier, BANDS + 3),
    "multilabel": (SimpleMLPClassifier, (X[:, :3] > 0).astype(int)),
    "values": (SimpleMLPRegressor, VALUES),
    "multioutput": (SimpleMLPRegressor, np.stack([VALUES, -X[:, 0]], axis=1)),
}
# Steps large enough to see what they are made of.
PARAMS = {"learning_rate_init": 0.05, "max_iter": 5, "random_state": 0}


def make(cls, **params):
    """A small network of either kind."""
    return cls(**{"hidden_layer_sizes": (7, 5), **PARAMS, **params})


def outputs(model, rows=X):
    """All numbers that a model predicts."""
    if hasattr(model, "predict_proba"):
        return model.predict_proba(rows)
    return model.predict(rows)


def assert_same_model(first, second, tolerance=1e-12):
    """Two models predict the same, in one form or the other."""
    a, b = outputs(first), outputs(second)
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    ours, theirs = first.predict(X), second.predict(X)
    if ours.dtype.kind == "f":
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
    else:
        np.testing.assert_array_equal(ours, theirs)


def distance(raw, y):
    return ((raw - y) ** 4).sum(axis=1)


def slope(raw, y):
    return 4.0 * (raw - y) ** 3
