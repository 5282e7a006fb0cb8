"""OpenVINO: runs the graphs that are written for onnxruntime, in float32 only."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sknet
from sknet import SimpleMLPClassifier, TabularMLPRegressor


openvino = pytest.importorskip("openvino")
skl2onnx = pytest.importorskip("skl2onnx")
data_types = pytest.importorskip("skl2onnx.common.data_types")

TYPES = {
    np.float32: data_types.FloatTensorType,
    np.float64: data_types.DoubleTensorType,
    np.int64: data_types.Int64TensorType,
}
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def run(model, rows):
    """What the converted model gives for rows, output by output."""
    sknet.onnx.register()
    types = [("X", TYPES[rows.dtype.type]([None, rows.shape[1]]))]
    options = {"zipmap": False} if is_classifier(model) else None
    graph = skl2onnx.to_onnx(model, initial_types=types, options=options)
    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    found = core.read_model(graph.SerializeToString())
    compiled = core.compile_model(found, "CPU", settings)
    results = compiled([rows])
    return [results[output] for output in compiled.outputs]


def test_what_the_table_of_runtimes_leaves_out_is_refused(numbers):
    """When it is read, so that nobody gets other numbers."""
    X, value = numbers
    y, network = (value > 0).astype(int), SimpleMLPClassifier((4,), max_iter=2)
    for model in (
        MLPClassifier((4,), max_iter=2),
        make_pipeline(StandardScaler(), network),
        CalibratedClassifierCV(network, cv=2),
    ):
        with pytest.raises(Exception, match="fully converted"):
            run(model.fit(X, y), X.astype(np.float32))


def test_categories_are_read_as_floats(numbers):
    """They are compared then, where whole numbers and text would be looked up."""
    X, value = numbers
    X[:, 3] = np.arange(len(X)) % 3
    model = TabularMLPRegressor((4,), max_iter=2, categorical_features=[3])
    model.fit(X, value)
    (values,) = run(model, X)
    assert_allclose(values.ravel(), model.predict(X), rtol=0, atol=1e-5)
    with pytest.raises(Exception, match="LabelEncoder"):
        run(model, X.astype(np.int64))


@each_dtype
@pytest.mark.parametrize("n_estimators", [1, 3])
def test_graph_of_numbers(case_of_numbers, n_estimators, dtype):
    """All four, one network and several; labels of text come out as text."""
    model, X, y = case_of_numbers
    model.set_params(n_estimators=n_estimators).fit(X, y)
    results = run(model, X.astype(dtype))
    expected = getattr(model, case_of_numbers.method)(X)
    assert results[-1].dtype == dtype
    assert_allclose(results[-1].reshape(expected.shape), expected, rtol=0, atol=1e-5)
    if is_classifier(model):
        assert_array_equal(results[0], model.predict(X))


@pytest.mark.parametrize("mean", [0.0, 1e6])
def test_double_graph_is_computed_in_single_precision(mean):
    """Results that say float64 hold no more than float32: scale features before."""
    rows = np.random.default_rng(0).normal(size=(60, 2))
    network = sknet.SimpleMLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs")
    network.set_params(max_iter=50, random_state=0).fit(rows, rows[:, 0])
    network.intercepts_[0][...] -= mean * network.coefs_[0].sum(axis=0)
    rows += mean
    (values,) = run(network, rows)
    error = np.abs(values.ravel() - network.predict(rows)).max()
    assert values.dtype == np.float64
    assert (error > 0.01) if mean else (1e-9 < error < 1e-5)
