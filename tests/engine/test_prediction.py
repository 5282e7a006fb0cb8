"""Compiled prediction: the raw outputs of NumPy, and the same bits for any rows."""

import numpy as np
import pytest
from scipy import sparse

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.activations import ACTIVATIONS
from sknet.engine.machine import machine
from sknet.network.blocks import BLOCKS
from sknet.training import forward, inference
from sknet.training.batches import Batches, Dataset
from sknet.training.forward import CompiledForward, compiled_forward
from sknet.training.inference import raw_outputs, raw_outputs_of_rows


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


# ------------------------------------------------------------------------- sparse rows

SPARSE = sparse.random(700, 30, 0.1, format="csr", random_state=0)
SPARSE.data -= 0.5
WIDE = {
    **SHORT,
    "hidden_layer_sizes": (46, 8),
}  # several vectors, and some columns more


def fitted_to_sparse(dtype=np.float64, **params):
    """Return a fitted regressor, whose prediction of sparse rows is compiled."""
    network = SimpleMLPRegressor(**{**WIDE, **params}).fit(SPARSE.astype(dtype), Y)
    found = compiled_forward(network._model.network, network.theta_.dtype, True)
    assert isinstance(found, CompiledForward), found
    return network


def with_arrays(matrix, **arrays):
    """Return a matrix with other arrays, which SciPy does not look at."""
    matrix = matrix.copy()
    for name, array in arrays.items():
        setattr(matrix, name, array)
    return matrix


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", sorted(NETWORKS.keys() - {"shared backbone"}))
def test_sparse_prediction_equals_numpys(name, dtype):
    params = {"hidden_layer_sizes": (30, 30)} if "block" in name else {}
    network = fitted_to_sparse(dtype, **{**NETWORKS[name], **params})
    rows = SPARSE.astype(dtype)
    compiled = network.predict(rows)
    numpy = network.set_params(engine="numpy").predict(rows)
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(compiled, numpy, atol=tolerance * np.abs(numpy).max())


@pytest.fixture
def never_numpy(monkeypatch):
    """Make NumPy's forward pass an error."""
    monkeypatch.setattr(inference, "SparseRows", None)


@pytest.mark.usefixtures("never_numpy")
@pytest.mark.parametrize("params", [{}, {"n_estimators": 2}])
@pytest.mark.parametrize("n_rows", [1, 2, 15, 16, 17, 255, 256, 257, 600])
def test_a_sparse_row_does_not_depend_on_the_others(params, n_rows):
    network = fitted_to_sparse(**params)
    together = network.predict(SPARSE)
    np.testing.assert_array_equal(network.predict(SPARSE[:n_rows]), together[:n_rows])
    np.testing.assert_array_equal(network.predict(SPARSE[-n_rows:]), together[-n_rows:])


@pytest.mark.usefixtures("never_numpy")
def test_threads_change_no_bit_of_sparse_rows(monkeypatch):
    network = fitted_to_sparse(hidden_layer_sizes=(40, 40))
    one = network.predict(SPARSE)
    monkeypatch.setattr(forward, "_WORTH_A_THREAD", 1000)
    monkeypatch.setattr(forward, "n_threads_allowed", lambda: 3)
    np.testing.assert_array_equal(network.predict(SPARSE), one)


@pytest.mark.usefixtures("never_numpy")
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint16", "int64", "bool"])
def test_types_of_sparse_values_change_no_bit(dtype):
    network, rows = fitted_to_sparse(), abs(10.0 * SPARSE).astype(dtype)
    expected = network.predict(rows.astype(np.float64)).astype(np.float32)
    np.testing.assert_array_equal(network.predict(rows).astype(np.float32), expected)


@pytest.mark.usefixtures("never_numpy")
@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csr_array])
def test_types_of_indices_change_no_bit(make):
    network, matrix = fitted_to_sparse(), make(SPARSE)
    long = {n: getattr(matrix, n).astype(np.int64) for n in ("indices", "indptr")}
    other = with_arrays(matrix, **long)
    assert other.indices.dtype == np.int64
    expected = network.predict(SPARSE)
    np.testing.assert_array_equal(network.predict(matrix), expected)
    np.testing.assert_array_equal(network.predict(other), expected)


def test_matrices_that_are_not_read_in_place_are_predicted_by_numpy():
    network, dtype = fitted_to_sparse(), np.dtype(float)
    compiled = compiled_forward(network._model.network, dtype, True)
    mixed = with_arrays(SPARSE, indices=SPARSE.indices.astype(np.int64))
    strided = with_arrays(SPARSE, data=np.repeat(SPARSE.data, 2)[::2])
    for matrix in (mixed, strided, SPARSE.tocsc(), SPARSE.astype(np.longdouble)):
        assert not compiled.takes(matrix)
        found = raw_outputs(network._model.network, network.theta_, matrix.tocsr())
        expected = raw_outputs(network._model.network, network.theta_, SPARSE)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("never_numpy")
def test_patterns_of_sparse_rows():
    network = fitted_to_sparse()
    n_stored = np.array([0, 3, 0, 0, 200, 2])  # duplicates in any order, and zeros
    rng, starts = np.random.default_rng(0), np.append(0, n_stored.cumsum())
    columns, values = rng.integers(30, size=205), rng.normal(size=205)
    values[::5] = 0.0
    rows = sparse.csr_matrix((values, columns, starts), shape=(6, 30))
    assert not rows.has_canonical_format
    found, kept = network.predict(rows), rows.indices.copy()
    np.testing.assert_allclose(found, network.predict(rows.toarray()), rtol=1e-11)
    np.testing.assert_array_equal(rows.indices, kept)
    for k in range(6):
        np.testing.assert_array_equal(network.predict(rows[k]), found[k : k + 1])
    nothing = network.predict(sparse.csr_matrix((20, 30)))
    np.testing.assert_allclose(nothing, network.predict(np.zeros((20, 30))), rtol=1e-12)
    none = raw_outputs(network._model.network, network.theta_, rows[:0])
    assert none.shape == (1, 0, 2)


@pytest.mark.usefixtures("never_numpy")
@pytest.mark.parametrize("order", [None, [[5, 0, 699, 5, 17]]])
@pytest.mark.parametrize("rows", [None, np.arange(699, -1, -1)])
def test_orders_of_sparse_rows(order, rows):
    network = fitted_to_sparse()
    order = None if order is None else np.array(order)
    data = Batches(Dataset(SPARSE, Y, None, rows), 100, np.dtype(float))
    n_rows = 700 if order is None else 5
    found = raw_outputs_of_rows(
        network._model.network, network.theta_, data, order, n_rows
    )
    places = np.arange(700) if rows is None else rows
    places = places if order is None else places[order[0]]
    each = raw_outputs(network._model.network, network.theta_, SPARSE)
    np.testing.assert_array_equal(found, each[:, places])


def test_validation_of_sparse_rows():
    params = {**WIDE, "max_iter": 5, "early_stopping": True, "tol": 0.0}
    compiled, numpy = (
        SimpleMLPRegressor(**params, engine=engine).fit(SPARSE, Y)
        for engine in ("compiled", "numpy")
    )
    scores = compiled.validation_scores_, numpy.validation_scores_
    np.testing.assert_allclose(*scores, rtol=1e-10)


def test_an_inference_that_is_kept_takes_sparse_rows():
    network = fitted_to_sparse()
    infer = inference.Inference(network._model.network, network.theta_)
    expected = raw_outputs(network._model.network, network.theta_, SPARSE)
    for n_rows in (1, 16, 700):
        np.testing.assert_array_equal(infer(SPARSE[:n_rows]), expected[:, :n_rows])


def test_sparse_rows_are_predicted_as_dense_ones():
    network = SimpleMLPClassifier(**SHORT).fit(X, X[:, 0] > 0.0)
    rows = np.where(X > 0.0, X, 0.0)
    found = network.predict_proba(sparse.csr_matrix(rows))
    np.testing.assert_allclose(found, network.predict_proba(rows), rtol=1e-12)


def test_the_program_of_sparse_rows_is_shown():
    text = fitted_to_sparse().program(SPARSE).explain()
    assert "prediction, 256 sparse rows, float64\n  sparse_product 256x46" in text
