"""The networks of the papers, by their numbers of parameters and their layers."""

import numpy as np
import pytest
from some_images import few

from sknet import AggregatedConv, Conv, ResidualConv, SimpleCNNClassifier
from sknet.model.state import model_of
from sknet.network.architecture import Architecture
from sknet.network.image_layers import ImageLayers
from sknet.network.layers import (
    Activate,
    BatchNorm,
    Conv2D,
    Dense,
    GlobalAveragePool,
    Residual,
    Sequential,
    ZeroPad,
)
from sknet.network.network import perceptron
from sknet.testing.parts import parts_of


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def network_of(conv_layers, shape=(32, 32, 3), hidden=(), n_outputs=10):
    """A network for images."""
    embedding = ImageLayers(shape, tuple(conv_layers))
    architecture = Architecture(hidden, input_embedding=embedding)
    return perceptron(int(np.prod(shape)), architecture, n_outputs)


def resnet(n, **params):
    """The convolutional layers of a network of 6 n + 2 layers for small images."""
    yield Conv(16, normalization="batch")
    for stage, filters in enumerate((16, 32, 64)):
        for i in range(n):
            stride = 2 if stage and i == 0 else 1
            pool = "global" if (stage, i) == (2, n - 1) else None
            yield ResidualConv(filters, stride=stride, pool=pool, **params)


def n_trainable(network):
    """Number of weights, biases, scales and shifts."""
    return network.layout.n_trainable


def count(network, kind):
    """Number of layers of a kind, at any depth."""
    return sum(isinstance(part, kind) for part in parts_of(network.root))


@pytest.mark.parametrize("n", [3, 5, 9])
def test_residual_network_has_the_parameters_of_the_paper(n):
    """By the formula, and 269,722 (0.27 million) for the network of 20 layers."""
    network = network_of(resnet(n, shortcut="zero_pad"))
    expected = 27 * 16 + 2 * 16 + 640 + 10
    before = 16
    for filters in (16, 32, 64):
        expected += 9 * before * filters + (2 * n - 1) * 9 * filters**2
        expected += 2 * n * 2 * filters
        before = filters
    assert n_trainable(network) == expected
    if n == 3:
        assert expected == 269_722
    assert count(network, Conv2D) + count(network, Dense) == 6 * n + 2
    assert count(network, ZeroPad) == 2


def test_projections_are_convolutions_with_their_normalisation():
    """Two of them, with 16 x 32 and 32 x 64 weights, two numbers for each filter.

    Option B of the paper: 272,474 parameters with 20 layers.
    """
    padded, projected = (
        n_trainable(network_of(resnet(3, shortcut=kind)))
        for kind in ("zero_pad", "projection")
    )
    assert projected - padded == 16 * 32 + 32 * 64 + 2 * 32 + 2 * 64
    assert projected == 272_474


def test_identity_is_a_shortcut_where_nothing_changes():
    kinds = [
        network_of((Conv(8), ResidualConv(8, shortcut=kind)))
        for kind in ("identity", "projection", "zero_pad")
    ]
    assert kinds[0].root == kinds[1].root == kinds[2].root


@pytest.mark.parametrize("n_inputs", [64, 256])
def test_bottleneck_has_the_weights_of_the_paper(n_inputs):
    """1 x 1, 3 x 3 and 1 x 1 windows, and a projection if the channels change."""
    layers = (Conv(n_inputs), ResidualConv(256, bottleneck=64, normalization=None))
    network = network_of(layers, hidden=(), n_outputs=1)
    weights = 27 * n_inputs + 64 * n_inputs + 9 * 64 * 64 + 64 * 256 + 32 * 32 * 256
    biases = n_inputs + 64 + 64 + 256 + 1
    if n_inputs != 256:
        weights, biases = weights + n_inputs * 256, biases + 256
    assert n_trainable(network) == weights + biases


@pytest.mark.parametrize("kind", ["global", None, 2])
def test_preactivation_ends_with_one_normalisation_and_activation(kind):
    """Before the pool of the last layer; layers in between pass the bare sum on."""
    layers = (
        Conv(4, normalization="batch"),
        ResidualConv(4, preactivation=True),
        ResidualConv(4, preactivation=True),
        ResidualConv(4, preactivation=True, pool=kind),
    )
    network = network_of(layers)
    tops = [type(layer) for layer in network.root.layers]
    last = len(tops) - 1 - tops[::-1].index(Residual)
    assert tops[3:last] == [Residual] * 2
    assert tops[last + 1 : last + 3] == [BatchNorm, Activate]
    assert tops.count(BatchNorm) == tops.count(Activate) == 2
    # 1 + 3 x 2 of the layers, and the one at the end
    assert count(network, BatchNorm) == count(network, Activate) == 8


def test_preactivation_in_front_of_another_layer_has_its_head():
    """A plain or an original residual layer begins with its convolution."""
    for after in (Conv(4), ResidualConv(4), AggregatedConv(4)):
        layers = (Conv(4), ResidualConv(4, preactivation=True), after)
        tops = [type(layer) for layer in network_of(layers).root.layers]
        at = tops.index(Residual)
        assert tops[at + 1 : at + 3] == [BatchNorm, Activate]


@pytest.mark.parametrize("cardinality", [1, 4, 32])
def test_aggregated_layer_has_the_weights_of_its_formula(cardinality):
    """C (n d + f^2 d^2 + d h), and the shortcut's n h."""
    n, d, f, h = 16, 4, 3, 24
    layer = AggregatedConv(
        h, f, cardinality=cardinality, branch_width=d, normalization=None
    )
    with_it = n_trainable(network_of((Conv(n), layer), (8, 8, 3), (), 1))
    without = n_trainable(network_of((Conv(n),), (8, 8, 3), (), 1))
    weights = cardinality * (n * d + f**2 * d**2 + d * h) + n * h
    biases = 2 * cardinality * d + 2 * h
    assert with_it - without == weights + biases + 64 * (h - n)


def test_aggregated_network_of_one_branch_is_a_bottleneck():
    """The same layers, whatever the class."""
    one = AggregatedConv(8, cardinality=1, branch_width=3, stride=2)
    same = ResidualConv(8, bottleneck=3, stride=2)
    first, second = network_of((Conv(4), one)), network_of((Conv(4), same))
    assert first.root == second.root


def test_bias_before_a_batch_normalisation_is_left_out():
    """The normalisation would cancel it."""
    convolutions = [
        part
        for part in parts_of(network_of(resnet(1)).root)
        if isinstance(part, Conv2D)
    ]
    assert not any(layer.use_bias for layer in convolutions)
    assert network_of((Conv(3),)).root.layers[0].use_bias


def test_global_average_is_one_layer_and_global_pools_leave_channels():
    for kind in ("average", "max", "stochastic"):
        network = network_of((Conv(5, pool="global", pool_kind=kind),), hidden=(7,))
        dense = [p for p in network.root.layers if isinstance(p, Dense)]
        assert len(dense) == 2
        shapes = {p.path: p.shape for p in network.layout.parameters}
        assert (5, 7) in shapes.values()
        assert (count(network, GlobalAveragePool) == 1) == (kind == "average")


def test_lenet_has_its_parameters():
    """6 and 16 filters of 5 x 5, then 120, 84 and 10 units: 61,706 for 32 x 32."""
    layers = (
        Conv(6, 5, padding="valid", pool=2),
        Conv(16, 5, padding="valid", pool=2),
    )
    assert n_trainable(network_of(layers, (32, 32, 1), (120, 84))) == 61_706


def test_default_network_is_two_convolutions_with_pools():
    """With windows of 3 x 3, 32 and 64 filters, on images of 28 x 28."""
    X = np.zeros((20, 28, 28), dtype=np.uint8)
    model = SimpleCNNClassifier(max_iter=1).fit(X, np.arange(20) % 10)
    expected = 9 * 32 + 32 + 9 * 32 * 64 + 64 + 7 * 7 * 64 * 100 + 100 + 1000 + 10
    assert model.theta_.shape == (1, expected)


def test_shape_of_fitted_network_is_that_of_the_description():
    """Bytes differ by their scaling only."""
    X = np.random.default_rng(0).integers(0, 256, (20, 6, 5, 2), dtype=np.uint8)
    model = few(conv_layers=tuple(resnet(1))).fit(X, np.arange(20) % 2)
    fitted = model_of(model).network
    expected = network_of(resnet(1), (6, 5, 2), (8,), 1)
    assert isinstance(fitted.root, Sequential)
    assert fitted.root.layers[1:] == expected.root.layers
    assert model.theta_.shape[1] == expected.layout.n_parameters
