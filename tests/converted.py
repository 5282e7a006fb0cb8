"""Networks of numbers beside their converted form, which has to give the same."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from served import serve

from sknet.model.state import model_of


N_IN = 5
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, N_IN)) * np.linspace(0.5, 3.0, 60)[:, None]
Y_BY_KIND = {
    "binary": (X[:, 0] > 0).astype(int),
    "multiclass": np.digitize(X[:, 0] + X[:, 1], [-1.0, 1.0]),
    "multilabel": (X[:, :3] + X[:, 1:4] > 0).astype(int),
}
VALUES = np.abs(X[:, :2]) + 0.5
DTYPES = (np.float32, np.float64)
CLOSE = {np.float32: 1e-5, np.float64: 1e-9}
NO_ZIPMAP = {"zipmap": False}
each_dtype = pytest.mark.parametrize("dtype", DTYPES)


def fitted(estimator, y):
    """A network that has seen a little data, with all parameters far from the start."""
    estimator.set_params(max_iter=2, random_state=0).fit(X, y)
    layout = model_of(estimator).network.layout
    free = estimator.theta_[:, : layout.n_trainable]
    free += np.random.default_rng(1).normal(scale=0.2, size=free.shape)
    return estimator


def assert_same_classes(estimator, dtype, options=None):
    """Labels are equal, and probabilities or scores close."""
    x = X.astype(dtype)
    served = serve(estimator, x, NO_ZIPMAP | (options or {}))
    assert list(served) == ["label", "probabilities"]
    assert_array_equal(served["label"], estimator.predict(x))
    if hasattr(estimator, "predict_proba"):
        expected = estimator.predict_proba(x)
    else:
        expected = estimator.decision_function(x)
        expected = np.c_[-expected, expected] if expected.ndim == 1 else expected
    assert served["probabilities"].dtype == dtype
    assert_allclose(served["probabilities"], expected, rtol=0, atol=CLOSE[dtype])


def assert_same_values(estimator, dtype):
    """Predictions are close, and of the shape that predict has."""
    x = X.astype(dtype)
    served = serve(estimator, x)
    assert list(served) == ["variable"]
    expected = estimator.predict(x)
    expected = expected[:, None] if expected.ndim == 1 else expected
    assert served["variable"].dtype == dtype
    assert_allclose(served["variable"], expected, rtol=CLOSE[dtype], atol=CLOSE[dtype])
