"""Networks for images in onnxruntime: rows, images, and all types of pixels."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from served import TYPES, onnxruntime, serve, skl2onnx
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from some_images import CONVOLUTIONS, DIGIT, IMAGES, KINDS, ROWS, SHARES, few, output

import sknet
from sknet import SimpleCNNClassifier


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
sknet.onnx.register()

PIXELS = {
    "float32": SHARES.astype(np.float32),
    "float64": SHARES,
    "bytes": ROWS,
}
PREDICTED = {SimpleCNNClassifier: "probabilities"}
each_kind = pytest.mark.parametrize("kind", KINDS)
each_type = pytest.mark.parametrize("X", [IMAGES, SHARES], ids=["bytes", "shares"])


def served(model, X):
    """Probabilities or values, of rows or of images."""
    kind = TYPES[X.dtype]([None, *X.shape[1:]])
    options = {"zipmap": False} if isinstance(model, SimpleCNNClassifier) else None
    graph = skl2onnx.to_onnx(model, initial_types=[("X", kind)], options=options)
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run([PREDICTED.get(type(model), "variable")], {"X": X})[0]


@each_kind
@pytest.mark.parametrize("convolutions", CONVOLUTIONS)
@pytest.mark.parametrize("n_estimators", [1, 2])
def test_onnx_of_images_is_the_network(kind, convolutions, n_estimators):
    layers = CONVOLUTIONS[convolutions]
    model = few(kind, conv_layers=layers, n_estimators=n_estimators, max_iter=2)
    model.fit(IMAGES, DIGIT)
    X = SHARES.astype(np.float32)
    found = served(model, X)
    assert_allclose(found.reshape(output(model, X).shape), output(model, X), atol=1e-5)


@each_kind
@each_type
@pytest.mark.parametrize("pixels", PIXELS)
@pytest.mark.parametrize("axes", [(64,), (8, 8), (8, 8, 1)])
def test_onnx_of_images_takes_each_type_and_shape(kind, X, pixels, axes):
    """As ``predict``: bytes are scaled, other numbers are not, whatever was fitted."""
    model = few(kind).fit(X, DIGIT)
    given = PIXELS[pixels].reshape(-1, *axes)
    found = served(model, given)
    assert_allclose(
        found.reshape(output(model, given).shape), output(model, given), atol=1e-5
    )


def test_onnx_of_a_pipeline_with_images_is_the_pipeline():
    pipeline = make_pipeline(FunctionTransformer(), few())
    pipeline.fit(SHARES, DIGIT)
    X = SHARES.astype(np.float32)
    found = serve(pipeline, X, options={"simplecnnclassifier__zipmap": False})
    assert_allclose(found["probabilities"], pipeline.predict_proba(X), atol=1e-5)


def test_onnx_of_images_refuses_other_shapes():
    model = few().fit(IMAGES, DIGIT)
    other = SHARES.astype(np.float32).reshape(-1, 16, 4)
    with pytest.raises(ValueError, match=r"\(16, 4\), but \(8, 8, 1\) is expected"):
        served(model, other)
    with pytest.raises(ValueError, match="declare it as"):
        served(
            sknet.SimpleMLPClassifier((3,), max_iter=2).fit(SHARES, DIGIT),
            SHARES.reshape(-1, 8, 8),
        )
