"""Compiled prediction: the raw outputs of NumPy, and the same bits for any rows."""

import numpy as np
import pytest
from scipy import sparse

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.activations import ACTIVATIONS
from sknet.engine.machine import machine
from sknet.network.blocks import BLOCKS
from sknet.training import forward
from sknet.training.forward import CompiledForward, compiled_forward


pytestmark = [
    pytest.mark.skipif(machine() is None, reason="The engine is not compiled."),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

X = np.random.default_rng(0).normal(size=(700, 5))
Y = np.stack([X[:, 0], X[:, 1] * X[:, 2]], axis=1)
SHORT = {"hidden_layer_sizes": (8, 6), "max_iter": 2, "random_state": 0}
NETWORKS = {
    "plain": {},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "dropout": {"dropout": 0.4},
    "ensemble": {"n_estimators": 3},
    "shared backbone": {"n_estimators": 3, "shared_backbone": True},
    **{
        f"activation {name}": {"activation": name} for name in sorted(ACTIVATIONS.names)
    },
    **{
        f"block {name}": {"block": name, "hidden_layer_sizes": (8, 8)}
        for name in BLOCKS
    },
}


def fitted(dtype=np.float64, **params):
    """Return a fitted regressor, whose prediction is compiled."""
    network = SimpleMLPRegressor(**{**SHORT, **params}).fit(X.astype(dtype), Y)
    found = compiled_forward(network._model.network, network.theta_.dtype)
    assert isinstance(found, CompiledForward), found
    return network


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NETWORKS)
def test_prediction_equals_numpys(name, dtype):
    network, rows = fitted(dtype, **NETWORKS[name]), X.astype(dtype)
    compiled = network.predict(rows)
    numpy = network.set_params(engine="numpy").predict(rows)
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(compiled, numpy, atol=tolerance * np.abs(numpy).max())


@pytest.mark.parametrize("params", [{}, {"n_estimators": 2, "shared_backbone": True}])
@pytest.mark.parametrize("n_rows", [1, 2, 15, 16, 17, 255, 256, 257, 600])
def test_a_row_does_not_depend_on_the_others(params, n_rows):
    network = fitted(**params)
    together = network.predict(X)
    np.testing.assert_array_equal(network.predict(X[:n_rows]), together[:n_rows])
    served = network.predictor()
    np.testing.assert_array_equal(served.predict(X[:n_rows]), together[:n_rows])


def test_threads_change_no_bit(monkeypatch):
    network = fitted(hidden_layer_sizes=(40, 40))
    one = network.predict(X)
    monkeypatch.setattr(forward, "_WORTH_A_THREAD", 1000)
    monkeypatch.setattr(forward, "n_threads_allowed", lambda: 3)
    np.testing.assert_array_equal(network.predict(X), one)


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int64", "bool"])
def test_types_and_layouts_change_no_bit(dtype):
    network = fitted()
    rows = np.abs(10.0 * X).astype(dtype)
    expected = network.predict(rows.astype(np.float64)).astype(np.float32)
    for layout in (np.ascontiguousarray, np.asfortranarray):
        found = network.predict(layout(rows)).astype(np.float32)
        np.testing.assert_array_equal(found, expected)


def test_parameters_that_are_changed_count():
    network = fitted()
    served, before = network.predictor(), network.predict(X[:3])
    network.coefs_[0][...] *= 2.0
    assert (network.predict(X[:3]) != before).any()
    np.testing.assert_array_equal(served.predict(X[:3]), before)


def test_sparse_rows_are_predicted_as_dense_ones():
    network = SimpleMLPClassifier(**SHORT).fit(X, X[:, 0] > 0.0)
    rows = np.where(X > 0.0, X, 0.0)
    found = network.predict_proba(sparse.csr_matrix(rows))
    np.testing.assert_allclose(found, network.predict_proba(rows), rtol=1e-12)
