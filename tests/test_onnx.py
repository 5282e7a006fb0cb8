"""Converted networks: onnxruntime gives what the estimators give.

Every component of the registries is converted here, so that a new one without a
converter fails. Both types of input are declared: the graph computes in that type.
"""

import subprocess
import sys
from dataclasses import dataclass, fields
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from served import serve, skl2onnx
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sknet
from sknet import SimpleMLPClassifier, SimpleMLPRegressor, TabularPreprocessor
from sknet.activations import ACTIVATIONS, ELU, Blend, LeakyReLU, Maxout, Tanh
from sknet.initializers import INITIALIZERS
from sknet.losses import (
    CLASS_LOSSES,
    VALUE_LOSSES,
    Brier,
    Hinge,
    Quantile,
    SquaredError,
)
from sknet.model.state import model_of
from sknet.network import layers
from sknet.network.blocks import BLOCKS, Block
from sknet.network.entrance import NUMERIC_EMBEDDINGS
from sknet.network.layers import Activate, Layer
from sknet.onnx.converters import CONVERTERS, convert
from sknet.onnx.links import inverse
from sknet.testing import temporarily_registered


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

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
PAIR = (
    lambda raw, y: ((raw - y) ** 2).sum(axis=1),
    lambda raw, y: 2.0 * (raw - y),
)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)


@pytest.fixture(autouse=True, scope="module")
def registered():
    """Every test of this file wants it."""
    sknet.onnx.register()


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


# ------------------------------------------------------------------ every component


def test_every_component_has_a_converter():
    registries = (ACTIVATIONS, CLASS_LOSSES, VALUE_LOSSES, NUMERIC_EMBEDDINGS)
    classes = [cls for registry in registries for cls in registry.values()]
    public = [getattr(layers, name) for name in layers.__all__]
    classes += [c for c in public if isinstance(c, type) and issubclass(c, Layer)]
    assert [c for c in classes if c not in CONVERTERS and c is not Layer] == []


@dataclass(frozen=True, repr=False)
class Fixed(Block):
    """Activations as they are: a blend does not learn its shares."""

    def hidden(self, shape, width, style):
        """Dense, activation."""
        del shape
        return style.dense(width), Activate(style.activation)


@each_dtype
@pytest.mark.parametrize(
    "activation",
    [*ACTIVATIONS, LeakyReLU(0.3), ELU(0.5), Maxout(3), Blend("gelu", 0.3)],
    ids=str,
)
def test_activation(activation, dtype):
    with temporarily_registered(BLOCKS, "fixed", Fixed):
        estimator = SimpleMLPClassifier((12, 6), activation, block="fixed")
        assert_same_classes(fitted(estimator, Y_BY_KIND["multiclass"]), dtype)


@each_dtype
def test_trained_shares_of_an_activation(dtype):
    estimator = SimpleMLPClassifier((12, 6), Blend("gelu", 0.3), n_estimators=2)
    assert_same_classes(fitted(estimator, Y_BY_KIND["multiclass"]), dtype)


def blocks():
    """Each block with each normalisation and shortcut that it has."""
    for cls in BLOCKS.values():
        options = {"normalization": (None, "batch", "layer"), "bottleneck": (None, 3)}
        options["shortcut"] = ("projection", "zero_pad")
        names = [f.name for f in fields(cls) if f.name in options]
        for values in product(*(options[name] for name in names)):
            yield cls(**dict(zip(names, values, strict=True)))


@pytest.mark.parametrize("block", list(blocks()), ids=repr)
def test_block(block):
    estimator = SimpleMLPClassifier((8, 4, 6), block=block, dropout=0.2)
    assert_same_classes(fitted(estimator, Y_BY_KIND["multiclass"]), np.float64)


@each_dtype
@pytest.mark.parametrize("block", list(BLOCKS))
def test_block_of_an_ensemble(block, dtype):
    estimator = SimpleMLPClassifier((8, 4), block=block, n_estimators=3)
    assert_same_classes(fitted(estimator, Y_BY_KIND["binary"]), dtype)


@pytest.mark.parametrize("block", list(BLOCKS))
def test_products_have_as_many_networks_on_both_sides(block):
    """A matrix times a stack of them would be ONNX, too, but OpenVINO refuses it."""
    onnx = pytest.importorskip("onnx")
    estimator = SimpleMLPClassifier((8, 4), block=block, n_estimators=3)
    graph = skl2onnx.to_onnx(fitted(estimator, Y_BY_KIND["binary"]), X[:1])
    graph = onnx.shape_inference.infer_shapes(graph).graph
    stacks = {t.name: t.dims[0] for t in graph.initializer if len(t.dims) == 3}
    shapes = {
        value.name: value.type.tensor_type.shape.dim
        for value in (*graph.input, *graph.value_info)
    }
    products = [n.input for n in graph.node if n.op_type == "MatMul"]
    found = [(shapes[x], stacks[w]) for x, w in products if w in stacks]
    assert found
    assert all(len(dims) == 3 and dims[0].dim_value == k for dims, k in found)


@pytest.mark.slow
@each_dtype
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("block", list(BLOCKS))
def test_each_block_with_each_activation(block, activation, dtype):
    if (block, activation) == ("highway", "maxout"):
        return  # refused by fit
    hidden = (8, 8) if activation == "maxout" else (8, 4, 6)
    # an odd number: two networks that are sure of different classes make a tie
    estimator = SimpleMLPClassifier(hidden, activation, block=block, n_estimators=3)
    assert_same_classes(fitted(estimator, Y_BY_KIND["binary"]), dtype)


@pytest.mark.parametrize("block", list(BLOCKS))
def test_block_of_a_shared_trunk(block):
    estimator = SimpleMLPClassifier((8, 8), n_estimators=4, share_trunk=True)
    estimator.set_params(block=block, activation=Blend("mish"))
    assert_same_classes(fitted(estimator, Y_BY_KIND["multiclass"]), np.float64)


@pytest.mark.parametrize("block", list(BLOCKS))
@pytest.mark.parametrize(
    "initializer", [n for n in INITIALIZERS if INITIALIZERS[n].rescales]
)
def test_rescaled_weights(block, initializer):
    estimator = SimpleMLPClassifier((8, 4), block=block, initializer=initializer)
    assert_same_classes(fitted(estimator, Y_BY_KIND["binary"]), np.float64)


def test_network_without_hidden_layers_and_biases():
    estimator = SimpleMLPClassifier((), use_bias=False, n_estimators=2)
    assert_same_classes(fitted(estimator, Y_BY_KIND["multiclass"]), np.float32)


# ---------------------------------------------------------------------- every loss


@pytest.mark.parametrize("n_estimators", [1, 3])
@pytest.mark.parametrize("kind", list(Y_BY_KIND))
@pytest.mark.parametrize("name", list(CLASS_LOSSES))
def test_loss_of_a_classifier(name, kind, n_estimators):
    loss = PAIR if name == "custom" else name
    estimator = SimpleMLPClassifier((6,), loss=loss, n_estimators=n_estimators)
    fitted(estimator, Y_BY_KIND[kind])
    for dtype in DTYPES:
        assert_same_classes(estimator, dtype)


@pytest.mark.parametrize("output", ["logistic", "identity", "softmax"])
@pytest.mark.parametrize("kind", list(Y_BY_KIND))
def test_output_activation_of_a_classifier(output, kind):
    if output == "softmax" and kind != "multiclass":
        return  # refused by fit
    loss = Brier(output_activation=output, targets=(0.1, 0.7))
    estimator = SimpleMLPClassifier((6,), loss=loss, n_estimators=2)
    assert_same_classes(fitted(estimator, Y_BY_KIND[kind]), np.float32)


@pytest.mark.parametrize("n_estimators", [1, 3])
@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("name", list(VALUE_LOSSES))
def test_loss_of_a_regressor(name, n_outputs, n_estimators):
    loss = PAIR if name == "custom" else name
    estimator = SimpleMLPRegressor(loss, (6,), n_estimators=n_estimators)
    fitted(estimator, VALUES[:, 0] if n_outputs == 1 else VALUES)
    for dtype in DTYPES:
        assert_same_values(estimator, dtype)


OUTPUTS = next(f for f in fields(SquaredError) if f.name == "output_activation")


@each_dtype
@pytest.mark.parametrize(
    "output", ["identity", "logistic", "softmax", "tanh", "softplus", "exp"]
)
def test_output_activation_of_a_regressor(output, dtype):
    assert OUTPUTS.metadata["domain"].contains(output)
    estimator = SimpleMLPRegressor(hidden_layer_sizes=(6,), output_activation=output)
    assert_same_values(fitted(estimator, VALUES), dtype)


@each_dtype
@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("levels", [(0.3,), (0.1, 0.9), (0.1, 0.4, 0.5, 0.9)])
def test_quantile_levels(levels, n_outputs, dtype):
    estimator = SimpleMLPRegressor(Quantile(levels), (6,), n_estimators=2)
    fitted(estimator, VALUES[:, 0] if n_outputs == 1 else VALUES)
    assert_same_values(estimator, dtype)


@each_dtype
@pytest.mark.parametrize("loss", ["log_loss", Brier(output_activation="logistic")])
@pytest.mark.parametrize("kind", list(Y_BY_KIND))
def test_probabilities_are_never_zero(kind, loss, dtype):
    estimator = fitted(SimpleMLPClassifier((6,), loss=loss), Y_BY_KIND[kind])
    biases = estimator.intercepts_[-1]
    biases[...] = [-1000.0, 1000.0, 0.0][: len(biases)]
    assert_same_classes(estimator, dtype)
    served = serve(estimator, X.astype(dtype), NO_ZIPMAP)["probabilities"]
    assert (served > 0.0).all()
    assert kind != "multilabel" or (served < 1.0).all()


def test_predictions_that_overflow_are_capped_alike():
    for name in ("poisson", "gamma"):
        estimator = fitted(SimpleMLPRegressor(name, (6,)), VALUES[:, 0])
        estimator.intercepts_[-1][...] = 1000.0
        assert_same_values(estimator, np.float64)
        assert np.isfinite(serve(estimator, X.astype(np.float32))["variable"]).all()


# --------------------------------------------------- what comes out, and its options


@pytest.mark.parametrize("n_estimators", [1, 2])
@pytest.mark.parametrize("loss", ["squared_error", "gaussian", "mean_quantiles"])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_standard_deviations(loss, n_outputs, n_estimators):
    estimator = SimpleMLPRegressor(loss, (6,), n_estimators=n_estimators)
    fitted(estimator, VALUES[:, 0] if n_outputs == 1 else VALUES)
    if n_estimators == 1 and loss != "gaussian":
        with pytest.raises(ValueError, match="no standard deviation"):
            serve(estimator, X, {"return_std": True})
        return
    served = serve(estimator, X, {"return_std": True})
    mean, std = estimator.predict(X, return_std=True)
    assert list(served) == ["variable", "std"]
    assert_allclose(served["variable"], mean.reshape(60, -1), rtol=1e-9, atol=1e-12)
    assert_allclose(served["std"], std.reshape(60, -1), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "labels",
    [
        *(["b", "a", "c"], ["é", "", "x y"], np.array(["u", "v", "w"], dtype=object)),
        *([-3, 20, 7], np.array([3, 1, 2], dtype=np.uint8), [1.0, 2.0, 5.0]),
    ],
    ids=str,
)
def test_labels(labels):
    y = np.asarray(labels)[Y_BY_KIND["multiclass"]]
    assert_same_classes(fitted(SimpleMLPClassifier((4,)), y), np.float32)


@pytest.mark.parametrize("labels", [[False, True], ["no", "yes"], [7, 7]], ids=str)
def test_two_labels_or_one(labels):
    y = np.asarray(labels)[Y_BY_KIND["binary"]]
    assert_same_classes(fitted(SimpleMLPClassifier((4,)), y), np.float32)


def test_labels_that_onnx_does_not_have():
    y = np.array([0.5, 1.0, 2.0])[[0, 1, 2] * 20].astype(str).astype(object)
    estimator = fitted(SimpleMLPClassifier((4,)), y)
    estimator.classes_ = np.array([0.5, 1.0, 2.0])
    with pytest.raises(ValueError, match=r"whole numbers or text.*nocl"):
        serve(estimator, X, NO_ZIPMAP)


def test_zipmap():
    y = np.array(["b", "a", "c"])[Y_BY_KIND["multiclass"]]
    estimator, x = fitted(SimpleMLPClassifier((4,)), y), X.astype(np.float32)
    expected = estimator.predict_proba(x)
    maps = serve(estimator, x)["output_probability"]
    assert [list(row) for row in maps] == [["a", "b", "c"]] * 60
    assert_allclose([list(row.values()) for row in maps], expected, rtol=0, atol=1e-5)
    columns = serve(estimator, x, {"zipmap": "columns"})
    assert list(columns) == ["output_label", "sa", "sb", "sc"]
    assert_allclose(columns["sb"], expected[:, 1], rtol=0, atol=1e-5)


def test_labels_as_numbers():
    y = np.array(["b", "a", "c"])[Y_BY_KIND["multiclass"]]
    estimator = fitted(SimpleMLPClassifier((4,)), y)
    served = serve(estimator, X, NO_ZIPMAP | {"nocl": True})
    assert_array_equal(estimator.classes_[served["label"]], estimator.predict(X))


@each_dtype
@pytest.mark.parametrize("n_estimators", [1, 3])
@pytest.mark.parametrize("loss", ["log_loss", "squared_error", "hinge"])
@pytest.mark.parametrize("kind", list(Y_BY_KIND))
def test_raw_scores(kind, loss, n_estimators, dtype):
    estimator = SimpleMLPClassifier((6,), loss=loss, n_estimators=n_estimators)
    fitted(estimator, Y_BY_KIND[kind])
    x = X.astype(dtype)
    served = serve(estimator, x, NO_ZIPMAP | {"raw_scores": True})["probabilities"]
    scores = estimator.decision_function(x)
    scores = np.c_[-scores, scores] if kind == "binary" else scores
    assert_allclose(served, scores, rtol=10 * CLOSE[dtype], atol=10 * CLOSE[dtype])


@pytest.mark.parametrize("share_trunk", [False, True])
@each_dtype
def test_networks_of_an_ensemble_one_by_one(share_trunk, dtype):
    several = {"n_estimators": 3, "share_trunk": share_trunk}
    classifier = fitted(SimpleMLPClassifier((6,), **several), Y_BY_KIND["multiclass"])
    for member in classifier.estimators_:
        assert_same_classes(member, dtype)
    regressor = fitted(SimpleMLPRegressor("squared_error", (6,), **several), VALUES)
    for member in regressor.estimators_:
        assert_same_values(member, dtype)


# ----------------------------------------------------------------- inside of others


@each_dtype
def test_pipeline(dtype):
    network = SimpleMLPClassifier((6,), max_iter=2, random_state=0, n_estimators=2)
    pipeline = make_pipeline(StandardScaler(), network)
    pipeline.fit(100.0 + X, Y_BY_KIND["multiclass"])
    x = (100.0 + X).astype(dtype)
    served = serve(pipeline, x, {id(pipeline): NO_ZIPMAP})
    assert_array_equal(served["label"], pipeline.predict(x))
    # The scaler of float32 graphs rounds features of mean 100 to 1e-5 deviations.
    atol = 1e-5 if dtype is np.float64 else 1e-4
    assert_allclose(served["probabilities"], pipeline.predict_proba(x), atol=atol)


@each_dtype
@pytest.mark.parametrize("kind", ["binary", "multiclass"])
@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
@pytest.mark.parametrize("n_estimators", [1, 2])
def test_calibrated_classifier(kind, loss, n_estimators, dtype):
    network = SimpleMLPClassifier((6,), loss=loss, max_iter=2, random_state=0)
    network.set_params(n_estimators=n_estimators)
    model = CalibratedClassifierCV(network, cv=2).fit(X, Y_BY_KIND[kind])
    x = X.astype(dtype)
    served = serve(model, x, {id(model): NO_ZIPMAP})
    assert_array_equal(served["label"], model.predict(x))
    assert_allclose(served["probabilities"], model.predict_proba(x), rtol=0, atol=1e-5)


def test_options_of_a_part_of_a_pipeline():
    """By its class; given to the whole, skl2onnx loses all but one of them."""
    pipeline = make_pipeline(
        StandardScaler(), SimpleMLPClassifier((6,), max_iter=2, random_state=0)
    )
    pipeline.fit(X, Y_BY_KIND["multiclass"])
    options = {SimpleMLPClassifier: {"zipmap": False, "raw_scores": True}}
    served = serve(pipeline, X, options)["probabilities"]
    assert_allclose(served, pipeline.decision_function(X), rtol=1e-9, atol=1e-12)


def test_search():
    network = SimpleMLPRegressor(hidden_layer_sizes=(6,), max_iter=2, random_state=0)
    search = GridSearchCV(network, {"alpha": [0.1, 1.0]}, cv=2).fit(X, VALUES)
    served = serve(search, X)["variable"]
    assert_allclose(served, search.predict(X), rtol=1e-9)


@pytest.mark.parametrize("opset", [13, 15, 17, 18, 20])
def test_older_opsets(opset):
    estimator = SimpleMLPClassifier((6,), "gelu", n_estimators=2)
    fitted(estimator, Y_BY_KIND["multiclass"])
    for dtype in DTYPES:
        served = serve(estimator, X.astype(dtype), NO_ZIPMAP, target_opset=opset)
        expected = estimator.predict_proba(X.astype(dtype))
        assert_allclose(served["probabilities"], expected, rtol=0, atol=1e-5)


def test_whole_numbers_come_in():
    estimator = fitted(SimpleMLPClassifier((4,)), Y_BY_KIND["binary"])
    x = np.rint(X).astype(np.int64)
    served = serve(estimator, x, NO_ZIPMAP)["probabilities"]
    assert served.dtype == np.float32
    assert_allclose(served, estimator.predict_proba(x), rtol=0, atol=1e-5)


# --------------------------------------------------------------- parts of one's own


@dataclass(frozen=True, repr=False)
class Cube(Tanh):
    """The third power of the hyperbolic tangent."""

    def forward(self, z, out, tmp):
        """Write it."""
        del tmp
        np.power(np.tanh(z), 3, out=out)


def test_component_of_ones_own():
    with temporarily_registered(ACTIVATIONS, "cube", Cube):
        estimator = fitted(SimpleMLPClassifier((4,), "cube"), Y_BY_KIND["binary"])
        with pytest.raises(NotImplementedError) as caught:
            serve(estimator, X, NO_ZIPMAP)
        message = str(caught.value)
        assert "activation Cube()" in message
        assert "@sknet.onnx.converter(Cube)" in message
        assert "def convert_it(graph, activation, z)" in message

        @sknet.onnx.converter(Cube)
        def cube(graph, activation, z):
            del activation
            return graph.op("Pow", graph.op("Tanh", z), 3.0)

        try:
            for dtype in DTYPES:
                assert_same_classes(estimator, dtype)
        finally:
            del CONVERTERS[Cube]


def test_missing_converter_of_a_layer_or_a_loss():
    class Unknown(layers.Scale):
        pass

    class Strange(Hinge):
        pass

    with pytest.raises(
        NotImplementedError, match=r"(?s)layer Unknown.*layer, p, x, shape"
    ):
        convert(None, Unknown())
    with pytest.raises(
        NotImplementedError, match=r"(?s)loss Strange.*loss, raw, n_raw"
    ):
        convert(None, Strange())


def test_scores_by_a_link_that_only_ones_own_loss_has():
    with pytest.raises(NotImplementedError, match="the link 'exp' have no ONNX form"):
        inverse(None, "exp", "p")


def test_converter_wants_a_component():
    with pytest.raises(TypeError, match="no class of an activation, a layer or a loss"):
        sknet.onnx.converter(LogisticRegression)


# -------------------------------------------------------------------- what is refused


def test_wrong_number_of_columns():
    estimator = fitted(SimpleMLPClassifier((4,)), Y_BY_KIND["binary"])
    with pytest.raises(ValueError, match=r"3 columns together.*fitted with 5"):
        serve(estimator, X[:, :3], NO_ZIPMAP)


def test_text_for_a_network_of_numbers():
    estimator = fitted(SimpleMLPClassifier((4,)), Y_BY_KIND["binary"])
    with pytest.raises(ValueError, match=r"takes numbers, but .*'X'.* text"):
        serve(estimator, X.astype(str), NO_ZIPMAP)


@pytest.mark.parametrize(
    "estimator", [SimpleMLPClassifier(), SimpleMLPRegressor(), TabularPreprocessor()]
)
def test_estimator_that_is_not_fitted(estimator):
    options = NO_ZIPMAP if isinstance(estimator, SimpleMLPClassifier) else None
    with pytest.raises(NotFittedError):
        serve(estimator, X, options)


def test_too_old_an_opset():
    estimator = fitted(SimpleMLPClassifier((4,)), Y_BY_KIND["binary"])
    with pytest.raises(ValueError, match=r"target_opset=12.*opset 13"):
        serve(estimator, X, NO_ZIPMAP, target_opset=12)


def test_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(ImportError, match="pip install skl2onnx onnx"):
        sknet.onnx.register()


def test_registering_twice_changes_nothing():
    operators = skl2onnx._supported_operators.sklearn_operator_name_map
    before = dict(operators)
    sknet.onnx.register()
    assert operators == before
    assert_same_classes(
        fitted(SimpleMLPClassifier((4,)), Y_BY_KIND["binary"]), np.float32
    )


def test_importing_sknet_imports_none_of_it():
    code = (
        "import sys, sknet; sknet.onnx; print({'onnx', 'skl2onnx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
