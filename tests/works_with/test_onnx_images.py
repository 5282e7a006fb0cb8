"""Convolutional networks in onnxruntime: the same as in NumPy, whatever the windows."""

from dataclasses import dataclass

import numpy as np
import pytest
from layer_graphs import Nodes, assert_same, onnx, onnxruntime
from numpy.testing import assert_allclose
from served import serve

import sknet
from sknet import SimpleMLPClassifier
from sknet.activations import ReLU
from sknet.initializers import INITIALIZERS
from sknet.network.blocks import BLOCKS, Block
from sknet.network.layers import (
    Activate,
    AveragePool,
    BatchNorm,
    Conv2D,
    Dense,
    EnsembleView,
    Flatten,
    GlobalAveragePool,
    LinearEnsemble,
    MaxPool,
    Reshape,
    Residual,
    Sequential,
    StochasticPool,
)
from sknet.network.network import Network
from sknet.onnx import Graph
from sknet.onnx.converters import convert
from sknet.testing import temporarily_registered


SHAPE = (9, 7, 4)
TOL = {np.float32: 1e-5, np.float64: 1e-12}
NTK = INITIALIZERS.make("ntk")
POOLS = [MaxPool, AveragePool, StochasticPool]
each_dtype = pytest.mark.parametrize("dtype", list(TOL))
each_number_of_members = pytest.mark.parametrize("n_members", [1, 3])


def session_of(network, views, dtype):
    """A session that takes any number of images."""
    nodes, shape = Nodes(), network.input_shape
    y = convert(Graph(nodes, nodes, dtype), network.root, views, "x", shape)
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    graph = onnx.helper.make_graph(
        nodes.nodes,
        "network",
        [onnx.helper.make_tensor_value_info("x", kind, ("B", *shape))],
        [onnx.helper.make_tensor_value_info(y, kind, None)],
        nodes.initializers,
    )
    opset = onnx.helper.make_opsetid("", nodes.target_opset)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )


def assert_network(layers, shape, dtype, n_members):
    """Compare the outputs for one image and for seven, from one graph."""
    rng = np.random.default_rng(0)
    network = Network(layers, shape)
    layout = network.layout
    theta = rng.uniform(-0.5, 0.5, (n_members, layout.n_parameters)).astype(dtype)
    theta[:, layout.n_trainable :] += 1.0  # variances are positive
    views = layout.bind(theta)
    session = session_of(network, views, dtype)
    for n_images in (1, 7):
        x = rng.normal(size=(n_images, *shape)).astype(dtype)
        cache = network.workspace(n_members, theta.dtype, False).cache(n_images)
        expected = network.forward(views, x.reshape(1, n_images, -1), cache)
        (found,) = session.run(None, {"x": x})
        assert found.dtype == dtype
        assert found.shape == (expected.shape if n_members > 1 else expected.shape[1:])
        size = max(1.0, abs(expected).max())
        assert_allclose(found.reshape(expected.shape), expected, atol=TOL[dtype] * size)


# ------------------------------------------------------------------------ convolution


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("dilation", [1, 2, (1, 3)])
@pytest.mark.parametrize("stride", [1, 2, (3, 1)])
@pytest.mark.parametrize("padding", ["valid", "same", "full", 1, (0, 4)])
def test_windows_of_a_convolution(padding, stride, dilation, groups):
    """Window, image and padding are different along height and width."""
    layer = Conv2D(6, (3, 2), stride, padding, dilation, groups)
    for dtype in TOL:
        for n_members in (1, 3):
            assert_network((layer, Flatten()), SHAPE, dtype, n_members)


OTHERS = [
    Conv2D(2, 1),
    Conv2D(4, groups=4),
    Conv2D(8, groups=4, padding="same"),
    Conv2D(3, (9, 7)),
    Conv2D(3, use_bias=False),
    Conv2D(3, initializer=NTK),
    Conv2D(4, initializer=NTK, use_bias=False, groups=2),
]


@each_dtype
@pytest.mark.parametrize("layer", OTHERS, ids=repr)
def test_settings_of_a_convolution(layer, dtype):
    """One network; members with the same images, and with their own."""
    assert_same(layer, SHAPE, dtype, 1, False)
    assert_same(layer, SHAPE, dtype, 3, False)
    assert_same(layer, SHAPE, dtype, 3, True)


# ---------------------------------------------------------------------------- pooling


@each_dtype
@pytest.mark.parametrize(("size", "stride"), [(2, None), ((3, 2), 1), (1, 2), (2, 3)])
@pytest.mark.parametrize("pool", POOLS)
def test_windows_of_a_pool(pool, size, stride, dtype):
    """Apart, overlapping, and with gaps; an odd row or column is in no window."""
    for n_members, own_rows in ((1, False), (3, False), (3, True)):
        assert_same(pool(size, stride), SHAPE, dtype, n_members, own_rows)


@each_dtype
def test_mean_of_all_positions(dtype):
    for n_members, own_rows in ((1, False), (3, False), (3, True)):
        assert_same(GlobalAveragePool(), SHAPE, dtype, n_members, own_rows)


@each_dtype
def test_expectation_of_extreme_elements(dtype):
    """Negative ones, zeros, and those whose squares are no normal numbers."""
    low, high = (1e-25, 1e25) if dtype is np.float32 else (1e-200, 1e200)
    windows = [[-1, -2, -3, -1], [0, 0, 0, 0], [-1, 0, 3, 1], [low, 0, low, 0]]
    windows.append([high, high, 0, -high])
    x = np.array(windows, dtype).reshape(5, 2, 2, 1)
    network = Network((StochasticPool(), Flatten()), (2, 2, 1))
    views = network.layout.bind(np.zeros((1, 0), dtype))
    (found,) = session_of(network, views, dtype).run(None, {"x": x})
    expected = np.array([[0], [0], [2.5], [low], [high]], dtype)
    assert_allclose(found, expected, rtol=1e-6)


# --------------------------------------------------------------------------- networks


def classic(pool):
    """Convolution, pool, convolution, columns."""
    return (
        Conv2D(6, padding="same"),
        Activate(ReLU()),
        BatchNorm(),
        pool,
        Conv2D(4, (2, 3), padding=1, groups=2, initializer=NTK),
        Activate(ReLU()),
        Flatten(),
        Dense(3),
    )


def strided(pool):
    """A pool before all parameters, a shortcut, and the mean over all positions."""
    shortcut = Conv2D(8, 1, 2, use_bias=False)
    body = Sequential((Conv2D(8, 3, 2, padding=1), BatchNorm(), Activate(ReLU())))
    return pool, Residual(body, shortcut), GlobalAveragePool(), Dense(3)


@each_dtype
@each_number_of_members
@pytest.mark.parametrize("shape", [(9, 7, 3), (8, 8, 1)])
@pytest.mark.parametrize("layers", [classic, strided])
@pytest.mark.parametrize("pool", [MaxPool(), AveragePool(3, 2), StochasticPool()])
def test_network(pool, layers, shape, n_members, dtype):
    assert_network(layers(pool), shape, dtype, n_members)


@each_dtype
@pytest.mark.parametrize("pool", POOLS)
def test_shared_backbone(pool, dtype):
    """The copies of an image of one network are images with one more axis."""
    images = Reshape((5, 4, 2)), Conv2D(4, 2), BatchNorm(), pool(), Flatten()
    backbone = Sequential((EnsembleView(3), *images, LinearEnsemble(3, 2)))
    assert_same(backbone, (40,), dtype, 1, False)


@dataclass(frozen=True, repr=False)
class OfImages(Block):
    """Hidden layers behind a convolution of images of 5 x 4 positions."""

    def stem(self, width, style):
        """Convolution, activation, pool."""
        del width
        convolution = Conv2D(4, padding="same", initializer=style.initializer)
        images = Reshape((5, 4, 2)), convolution, style.activate(in_place=False)
        return (*images, MaxPool(), Flatten())

    def hidden(self, shape, width, style):
        """Dense, activation."""
        del shape
        return style.dense(width), style.activate()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@each_dtype
@pytest.mark.parametrize("n_estimators", [1, 3])
def test_estimator(n_estimators, dtype):
    sknet.onnx.register()
    X = np.random.default_rng(0).normal(size=(30, 40)).astype(dtype)
    y = (X[:, 0] > 0).astype(int)
    with temporarily_registered(BLOCKS, "of images", OfImages):
        model = SimpleMLPClassifier((6,), block="of images", max_iter=3, random_state=0)
        model.set_params(n_estimators=n_estimators).fit(X, y)
        for rows in (X, X[:1]):
            served = serve(model, rows, {"zipmap": False})
            found = served["probabilities"]
            assert_allclose(found, model.predict_proba(rows), atol=1e-5)
