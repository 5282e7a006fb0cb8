"""The graph of one layer, without skl2onnx, beside what the layer computes."""

import numpy as np
import pytest
from layer_examples import names_of
from numpy.testing import assert_allclose

from sknet.network.layers import Flatten
from sknet.network.network import Network
from sknet.onnx import Graph
from sknet.onnx.converters import convert
from sknet.onnx.graph import OLDEST_OPSET


onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

N_ROWS = 5


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
