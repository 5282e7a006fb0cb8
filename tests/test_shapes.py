"""Rows with several axes: layers of images in networks, estimators and searches."""

import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import sknet
from sknet import LockstepGridSearchCV, SimpleMLPClassifier
from sknet.activations import Blend, Maxout, Tanh
from sknet.fields import whole
from sknet.initializers import GlorotUniform
from sknet.losses import SquaredError
from sknet.network.blocks import BLOCKS, Block
from sknet.network.layers import (
    Activate,
    BatchNorm,
    Dense,
    Dropout,
    Embedding,
    EnsembleView,
    Flatten,
    GroupedDense,
    Highway,
    Layer,
    LayerNorm,
    LinearEnsemble,
    Mix,
    Partition,
    Periodic,
    Reshape,
    Residual,
    Scale,
    Sequential,
    ZeroPad,
    activation_layer,
)
from sknet.network.layout import DECAYED
from sknet.network.network import Network
from sknet.objective import Batch, Objective
from sknet.penalties import L2
from sknet.testing import check_gradient, check_layer, temporarily_registered


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IMAGE = (2, 3, 4)
IDENTITY = Sequential(())
# What acts on the last axis, or on each element, wherever the axes in front are.
LAYERS = {
    "dense": Dense(5),
    "single output": Dense(1),
    "activation": Activate(Tanh()),
    "maxout": Activate(Maxout(2)),
    "mix": Mix(Tanh(), 0.4),
    "batch normalisation": BatchNorm(),
    "layer normalisation": LayerNorm(),
    "dropout": Dropout(0.3),
    "scale": Scale(),
    "groups": GroupedDense(2, 3),
    "zeros": ZeroPad(6),
    "residual": Residual(Dense(5), Dense(5)),
    "highway": Highway(
        Sequential((Dense(4), activation_layer(Tanh()))),
        Sequential((Dense(4), Activate(Tanh()))),
        IDENTITY,
    ),
    "flatten": Flatten(),
    "reshape": Reshape((6, 4)),
    "there and back": Sequential((Reshape((8, 3)), Dense(2), Flatten(), Dense(3))),
}
# One row at each position is what rows of columns are: nothing mixes positions.
POINTWISE = ["dense", "single output", "activation", "maxout", "mix", "scale", "groups"]
POINTWISE += ["layer normalisation", "zeros", "residual", "highway"]


@dataclass(frozen=True, repr=False)
class Pairs(Layer):
    """A convolution of two neighbouring columns of an image, without padding."""

    filters: int = whole(2, "[1, inf)")

    def build(self, declare, shape):
        height, width, channels = shape
        out = (height, width - 1, self.filters)
        fan = (2 * channels, self.filters)
        declare.parameter("weight", fan, DECAYED, GlorotUniform(), fan)
        declare.buffer("pairs", (height, width - 1, 2 * channels))
        declare.buffer("y", out)
        if not declare.at_input:
            declare.buffer("dpairs", (height, width - 1, 2 * channels), training=True)
            declare.buffer("dx", shape, training=True)
        return out

    def forward(self, p, x, cache, training):
        n_channels = x.shape[-1]
        pairs = cache.pairs[: len(x)]
        pairs[..., :n_channels] = x[..., :-1, :]
        pairs[..., n_channels:] = x[..., 1:, :]
        cache.x = pairs.reshape(len(x), -1, pairs.shape[-1])
        np.matmul(cache.x, p.weight, out=self._rows(cache.y))
        return cache.y

    def backward(self, p, grad, dy, cache):
        d = self._rows(dy)
        np.matmul(cache.x.swapaxes(-1, -2), d, out=grad.weight)
        dx = getattr(cache, "dx", None)
        if dx is None:
            return None
        np.matmul(d, p.weight.swapaxes(-1, -2), out=self._rows(cache.dpairs))
        n_channels = dx.shape[-1]
        dx[...] = 0.0
        dx[..., :-1, :] += cache.dpairs[..., :n_channels]
        dx[..., 1:, :] += cache.dpairs[..., n_channels:]
        return dx

    @staticmethod
    def _rows(x):
        return x.reshape(len(x), -1, x.shape[-1])


@dataclass(frozen=True, repr=False)
class OnImages(Block):
    """Hidden layers behind a convolution of images of 2 x 3 pixels, two channels."""

    filters: int = whole(2, "[1, inf)")

    def stem(self, width, style):
        del width
        image = Reshape((2, 3, 2)), Pairs(self.filters), BatchNorm()
        return (*image, style.activate(in_place=False), *style.drop(), Flatten())

    def hidden(self, shape, width, style):
        return style.dense(width), style.activate()


@pytest.fixture
def network():
    """An estimator with the block, registered for the test."""
    with temporarily_registered(BLOCKS, "on_images", OnImages):
        yield SimpleMLPClassifier(
            (4,), "tanh", block="on_images", dropout=0.1, max_iter=4, random_state=0
        )


@pytest.fixture
def images():
    """Rows of 2 x 3 pixels with two channels, and what their columns have in common."""
    X = np.random.default_rng(0).normal(size=(90, 12))
    x = X.reshape(-1, 2, 3, 2)
    return X, (x[:, :, 1:, 0] * x[:, :, :-1, 1]).sum(axis=(1, 2)) > 0


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_layers_keep_the_laws_on_images(layer):
    """Pullbacks, members, types and what is written, on rows of three axes."""
    check_layer(layer, IMAGE)


def test_layer_of_images_keeps_the_laws():
    check_layer(Pairs(3), IMAGE)


def raw_of(layers, theta, x, shape):
    """What a network of layers makes of rows x (B, D), in prediction."""
    network = Network(layers, shape)
    cache = network.workspace(len(theta), theta.dtype, False).cache(len(x))
    return network.forward(network.layout.bind(theta), x[None], cache)


@pytest.mark.parametrize("name", POINTWISE)
def test_positions_are_rows(name):
    """A layer of columns does at each position what it does with a row."""
    layer, rng = LAYERS[name], np.random.default_rng(0)
    positions = rng.normal(size=(5 * 6, 4))
    on_rows, n_outputs = Network([layer], (4,)), Network([layer], (4,)).n_outputs
    theta = rng.normal(size=(2, on_rows.layout.n_parameters))
    expected = raw_of([layer], theta, positions, (4,))
    images = raw_of([layer, Flatten()], theta, positions.reshape(5, -1), IMAGE)
    found = images.reshape(2, 5 * 6, n_outputs)
    assert_allclose(found, expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("weighted", [False, True])
def test_batch_normalisation_has_statistics_of_each_channel(weighted):
    """Over rows and positions, by the weights of the rows."""
    rng = np.random.default_rng(0)
    x, network = rng.normal(size=(1, 5, 24)), Network([BatchNorm(), Flatten()], IMAGE)
    weight = rng.uniform(size=(1, 5, 1)) if weighted else np.ones((1, 5, 1))
    weight /= weight.sum()
    theta = network.initial([np.random.RandomState(0)], np.dtype(float))
    point = Objective(network, SquaredError(), L2(), 0.0).point(theta)
    point.training.weight = weight if weighted else 0.2
    y = network.forward(point.views, x, point.cache(5), point.training)
    image, share = x.reshape(5, 6, 4), weight.reshape(5, 1, 1) / 6
    mean = (share * image).sum(axis=(0, 1))
    variance = (share * (image - mean) ** 2).sum(axis=(0, 1))
    expected = (image - mean) / np.sqrt(variance + 1e-5)
    assert_allclose(y[0].reshape(5, 6, 4), expected, rtol=1e-10)
    (running,) = network.layout.named(theta, "running_mean")
    assert_allclose(running[0, 0], mean, rtol=1e-10)


def test_shared_noise_is_that_of_one_image():
    """All rows of a batch drop the same elements, not the same channels."""
    network = Network([Dropout(0.5), Flatten()], IMAGE)
    theta = np.empty((1, 0))
    noise = [np.random.Generator(np.random.PCG64(0))]
    point = Objective(network, SquaredError(), L2(), 0.0).point(theta, noise)
    point.training.shares_noise = True
    x = np.ones((1, 50, 24))
    kept = network.forward(point.views, x, point.cache(50), point.training) > 0
    assert (kept == kept[:, :1]).all()
    assert len(np.unique(kept[0, 0].reshape(6, 4), axis=0)) > 1


@pytest.mark.parametrize(
    "layer",
    [EnsembleView(2), Periodic(), Embedding((2, 2)), Partition((4,), (Scale(),))],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_of_columns_alone_refuse_images(layer):
    """The message names layer, shape and remedy."""
    with pytest.raises(ValueError, match=r"shape \(2, 3, 4\).*put Flatten\(\)"):
        Network([layer], IMAGE)


def test_heads_refuse_images():
    with pytest.raises(ValueError, match=r"LinearEnsemble needs rows of shape"):
        Network([EnsembleView(2), Reshape((2, 2)), LinearEnsemble(2)], (4,))


def test_shapes_that_do_not_fit_are_refused():
    """Another number of elements, and an output that has axes."""
    with pytest.raises(ValueError, match=r"24 elements, not 12"):
        Network([Reshape((3, 4))], IMAGE)
    with pytest.raises(ValueError, match=r"rows of shape \(2, 3, 5\): add Flatten"):
        Network([Dense(5)], IMAGE)


def test_gradient_of_the_input_is_one_of_columns():
    """Whatever the shape of the input is: that of the same layers behind a Reshape."""
    rng, layers = np.random.default_rng(0), [Pairs(2), Flatten(), Dense(3)]
    x, y = rng.normal(size=(2, 7, 24)), rng.normal(size=(1, 7, 3))
    found = []
    for stack, shape in ((layers, IMAGE), ([Reshape(IMAGE), *layers], (24,))):
        network = Network(stack, shape, input_gradient=True)
        theta = np.linspace(-1, 1, 2 * network.layout.n_parameters).reshape(2, -1)
        point = Objective(network, SquaredError(), L2(), 0.1).point(theta)
        raw = network.forward(point.views, x, point.cache(7), point.training)
        dx = network.backward(point.views, point.grad_views, raw - y, point.cache(7))
        found.append((dx.copy(), point.grad.copy()))
    assert found[0][0].shape == (2, 7, 24)
    assert_array_equal(found[0][0], found[1][0])
    assert_array_equal(found[0][1], found[1][1])


def test_network_of_images_is_evaluated_on_rows_of_columns():
    """Batches do not know the shape; sparse ones are made dense where it is needed."""
    network = Network([Pairs(2), Flatten(), Dense(1)], (2, 3, 2))
    theta = network.initial([np.random.RandomState(0)], np.dtype(float))
    x, y = np.ones((1, 4, 12)), np.zeros((1, 4, 1))
    objective = Objective(network, SquaredError(), L2(), 0.0)
    value = objective.value_and_gradient(
        objective.point(theta), Batch(x, y, 0.25, 4.0, 4)
    )
    raw = raw_of(network.layers, theta, x[0], network.input_shape)
    assert_allclose(value[0], 0.5 * np.square(raw).mean())


# ------------------------------------------------------------------ in the estimators


def test_gradient_check_passes(network, images):
    assert check_gradient(network, *images).passed


def test_ensemble_is_each_network_alone(network, images):
    """Bit for bit."""
    several = clone(network).set_params(n_estimators=3).fit(*images)
    for k, seed in enumerate(several.member_seeds_.tolist()):
        one = clone(network).set_params(random_state=seed).fit(*images)
        assert_array_equal(several.theta_[k], one.theta_[0])


def test_lockstep_search_is_that_of_scikit_learn(network, images):
    """Over a number of the block, too, bit for bit."""
    grid = {"alpha": [1e-4, 0.1], "block__filters": [1, 3]}
    searches = [
        cls(network, grid, cv=2) for cls in (LockstepGridSearchCV, GridSearchCV)
    ]
    ours, theirs = (search.fit(*images) for search in searches)
    for key in ("mean_test_score", "std_test_score"):
        assert_array_equal(ours.cv_results_[key], theirs.cv_results_[key])


def test_saved_network_predicts_the_same_and_goes_on(network, images):
    """From the text that describes it."""
    fitted = network.fit(*images)
    again = pickle.loads(pickle.dumps(fitted))
    X, y = images
    assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    assert_array_equal(again.partial_fit(X, y).theta_, fitted.partial_fit(X, y).theta_)
    assert_array_equal(fitted.predictor().predict(X), fitted.predict(X))


def test_training_goes_on_bit_for_bit(network, images):
    """Epochs now and epochs later are epochs at once."""
    whole = clone(network).set_params(max_iter=6).fit(*images)
    parts = clone(network).set_params(max_iter=3, warm_start=True)
    parts.fit(*images).fit(*images)
    assert_array_equal(parts.theta_, whole.theta_)


def test_shares_of_a_blend_on_images(network, images):
    """A share for each channel."""
    blended = network.set_params(activation=Blend("tanh"))
    assert check_gradient(blended, *images).passed


@pytest.mark.parametrize("n_estimators", [1, 3])
def test_onnx_graph_predicts_the_same(network, images, n_estimators):
    """With a form for the layer: positions side by side, then a product."""
    onnxruntime = pytest.importorskip("onnxruntime")
    skl2onnx = pytest.importorskip("skl2onnx")
    sknet.onnx.register()

    @sknet.onnx.converter(Pairs)
    def pairs(graph, layer, p, x, shape):
        del layer
        ends = (np.array([-1]), np.array([-2]))
        left = graph.op("Slice", x, np.array([0]), ends[0], ends[1])
        right = graph.op("Slice", x, np.array([1]), np.array([shape[1]]), ends[1])
        both = graph.joined([left, right])
        weight = p.weight[0] if len(p.weight) == 1 else p.weight[:, None, None]
        return graph.op("MatMul", both, weight)

    X, y = images
    fitted = network.set_params(n_estimators=n_estimators).fit(X, y)
    model = skl2onnx.to_onnx(fitted, X[:1], options={"zipmap": False})
    session = onnxruntime.InferenceSession(model.SerializeToString())
    found = session.run(None, {"X": X})[1]
    assert_allclose(found, fitted.predict_proba(X), atol=1e-6)
