"""Each layer alone as ONNX: the same as its ``forward``, for any number of members.

Estimators hold only some layers, and those in a few orders; here each one has a graph
of its own, without skl2onnx.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from layer_examples import EVERY, names_of
from numpy.testing import assert_allclose

from sknet.initializers import Constant
from sknet.network.layers import Flatten, Layer, Sequential
from sknet.network.layout import FREE
from sknet.network.network import Network
from sknet.onnx import Graph
from sknet.onnx.converters import convert
from sknet.onnx.graph import OLDEST_OPSET


onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

N_ROWS = 5
# These stand only in a shared backbone, which is converted as a single network: its
# submodels have the axis of the members.
OF_ONE_NETWORK = {"EnsembleView", "LinearEnsemble"}
# These read the network's input, which is the same for all members.
AT_INPUT = {"Embedding", "Periodic"}


class Nodes:
    """What skl2onnx passes to a converter as scope and as container."""

    target_opset = OLDEST_OPSET

    def __init__(self):
        self.nodes, self.initializers, self.n_names = [], [], 0

    def get_unique_variable_name(self, name):
        """A name that no other value has."""
        self.n_names += 1
        return f"{name}_{self.n_names}"

    get_unique_operator_name = get_unique_variable_name

    def add_node(self, kind, inputs, output, op_domain, name, **attributes):
        """Keep a node."""
        settings = {"domain": op_domain, "name": name, **attributes}
        node = onnx.helper.make_node(kind, inputs, [output], **settings)
        self.nodes.append(node)

    def add_initializer(self, name, kind, shape, content):
        """Keep a constant; a layer has none of text."""
        assert (kind, shape) == (None, None)
        content.name = name
        self.initializers.append(content)

    def run(self, x, y):
        """The value of the name ``y``, for the input ``x``."""
        kind = onnx.helper.np_dtype_to_tensor_dtype(x.dtype)
        self.nodes.append(onnx.helper.make_node("Identity", [y], ["y"]))
        inputs = [onnx.helper.make_tensor_value_info("x", kind, x.shape)]
        outputs = [onnx.helper.make_tensor_value_info("y", kind, None)]
        graph = onnx.helper.make_graph(
            self.nodes, "layer", inputs, outputs, self.initializers
        )
        opset = onnx.helper.make_opsetid("", self.target_opset)
        model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        return session.run(["y"], {"x": x})[0]


def assert_same(layer, shape, dtype, n_members, own_rows):
    """Compare graph and layer, on rows of each member or on the same for all."""
    rng = np.random.default_rng(0)
    network = Network([layer, Flatten()], shape)
    theta = rng.uniform(0.3, 1.3, (n_members, network.layout.n_parameters))
    theta = theta.astype(dtype)
    x = rng.normal(size=(n_members if own_rows else 1, N_ROWS, *shape)).astype(dtype)
    if "Embedding" in names_of(layer):
        x = rng.integers(0, layer.n_levels, size=x.shape).astype(dtype)
    views = network.layout.bind(theta)
    cache = network.workspace(n_members, theta.dtype, False).cache(N_ROWS)
    expected = network.forward(views, x.reshape(*x.shape[:2], -1), cache)

    nodes, rows = Nodes(), x if own_rows else x[0]
    y = convert(Graph(nodes, nodes, dtype), layer, views.children[0], "x", shape)
    found = nodes.run(rows, y)
    assert found.dtype == dtype
    # Without parameters, rows that are the same for all members stay one array.
    found = found.reshape(-1, *expected.shape[1:])
    found = np.broadcast_to(found, expected.shape)
    tol = 1e-12 if dtype is np.float64 else 1e-5
    assert_allclose(found, expected, rtol=tol, atol=tol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("layer", "shape"), EVERY, ids=repr)
def test_each_layer_is_written(layer, shape, dtype):
    """One network; members with the same rows, as at the input; members with theirs."""
    assert_same(layer, shape, dtype, 1, False)
    if not names_of(layer) & OF_ONE_NETWORK:
        assert_same(layer, shape, dtype, 3, False)
    if not names_of(layer) & (OF_ONE_NETWORK | AT_INPUT):
        assert_same(layer, shape, dtype, 3, True)


@dataclass(frozen=True, repr=False)
class SwappedScale(Layer):
    """Rows (n, m) as (m, n), and a factor for each of the n columns."""

    def build(self, declare, shape):
        """Declare factors and output."""
        n, m = shape
        declare.parameter("scale", (1, n), FREE, Constant(1.0), (n, n))
        declare.buffer("y", (m, n))
        return m, n

    def forward(self, p, x, cache, training):
        """Multiply by the factors of the member."""
        del training
        np.multiply(x.swapaxes(-1, -2), p.scale[:, None], out=cache.y)
        return cache.y

    def backward(self, p, grad, dy, cache):
        """Not needed here."""

    def write_onnx(self, graph, p, x, shape):
        """Write it by means of the graph's methods for axes."""
        n, m = shape
        stacked = graph.reshaped(x, -1, n, m)
        swapped = graph.op("Transpose", stacked, perm=[0, 2, 1])
        rows = graph.with_axes(x, shape, (m, n))  # only for its leading axes
        swapped = graph.op("Reshape", swapped, graph.op("Shape", rows))
        return graph.op("Mul", swapped, graph.of_members(p.scale, (m, n)))


@pytest.mark.parametrize("layer", [SwappedScale(), Sequential((SwappedScale(),) * 2)])
@pytest.mark.parametrize(("n_members", "own_rows"), [(1, False), (3, False), (3, True)])
def test_own_layer_is_written_with_the_methods_of_the_graph(layer, n_members, own_rows):
    """A layer that imports nothing of ``sknet.onnx``."""
    assert_same(layer, (2, 3), np.float64, n_members, own_rows)
