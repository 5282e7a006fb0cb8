"""Converted networks: onnxruntime gives what the estimators give.

Every component of the registries is converted here, so that a new one without a
converter fails. Both types of input are declared: the graph computes in that type.
"""

from dataclasses import dataclass, fields
from itertools import product

import numpy as np
import pytest
from converted import (
    DTYPES,
    NO_ZIPMAP,
    VALUES,
    Y_BY_KIND,
    X,
    assert_same_classes,
    assert_same_values,
    each_dtype,
    fitted,
)
from numpy.testing import assert_allclose, assert_array_equal
from served import serve, skl2onnx
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sknet
from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.activations import ACTIVATIONS, ELU, Blend, LeakyReLU, Maxout, Tanh
from sknet.initializers import INITIALIZERS
from sknet.losses import CLASS_LOSSES, VALUE_LOSSES, Brier, Quantile, SquaredError
from sknet.network import layers
from sknet.network.blocks import BLOCKS, Block
from sknet.network.input_embedding import NUMERIC_EMBEDDINGS
from sknet.network.layers import Activate, Layer
from sknet.network.learning_rules import LEARNING_RULES
from sknet.onnx.converters import CONVERTERS
from sknet.testing import temporarily_registered


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
PAIR = (
    lambda raw, y: ((raw - y) ** 2).sum(axis=1),
    lambda raw, y: 2.0 * (raw - y),
)


@pytest.fixture(autouse=True, scope="module")
def registered():
    """Every test of this file wants it."""
    sknet.onnx.register()


# ------------------------------------------------------------------ every component


def test_every_component_has_a_converter():
    registries = (ACTIVATIONS, CLASS_LOSSES, VALUE_LOSSES, NUMERIC_EMBEDDINGS)
    classes = [cls for registry in registries for cls in registry.values()]
    public = [getattr(layers, name) for name in layers.__all__]
    classes += [c for c in public if isinstance(c, type) and issubclass(c, Layer)]
    missing = [c for c in classes if c not in CONVERTERS and c is not Layer]
    assert [c for c in missing if "write_onnx" not in vars(c)] == []


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
    group_compatible = {
        t.name: t.dims[0] for t in graph.initializer if len(t.dims) == 3
    }
    shapes = {
        value.name: value.type.tensor_type.shape.dim
        for value in (*graph.input, *graph.value_info)
    }
    products = [n.input for n in graph.node if n.op_type == "MatMul"]
    found = [
        (shapes[x], group_compatible[w]) for x, w in products if w in group_compatible
    ]
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
def test_block_of_a_shared_backbone(block):
    estimator = SimpleMLPClassifier((8, 8), n_estimators=4, shared_backbone=True)
    estimator.set_params(block=block, activation=Blend("mish"))
    assert_same_classes(fitted(estimator, Y_BY_KIND["multiclass"]), np.float64)


@pytest.mark.parametrize("block", list(BLOCKS))
@pytest.mark.parametrize(
    "initializer", [n for n in INITIALIZERS if INITIALIZERS[n].rescales]
)
def test_rescaled_weights(block, initializer):
    estimator = SimpleMLPClassifier((8, 4), block=block, initializer=initializer)
    assert_same_classes(fitted(estimator, Y_BY_KIND["binary"]), np.float64)


@pytest.mark.parametrize("name", list(LEARNING_RULES))
def test_learning_rule_leaves_predictions_as_they_are(name):
    estimator = SimpleMLPClassifier((8, 4), learning_rule=name, n_estimators=2)
    assert_same_classes(fitted(estimator, Y_BY_KIND["multiclass"]), np.float64)


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


# --------------------------------------------------------------- parts of one's own


@dataclass(frozen=True, repr=False)
class Cube(Tanh):
    """The third power of the hyperbolic tangent."""

    def forward(self, z, out, scratch):
        """Write it."""
        del scratch
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
