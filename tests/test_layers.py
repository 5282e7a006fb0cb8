"""Layers: pullbacks, members side by side, and what is special to each of them."""

from functools import partial
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from memory import smallest_peak_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sknet._numerics import SparseRows
from sknet.activations import Blend, Logistic, Maxout, ReLU, Tanh
from sknet.initializers import INITIALIZERS
from sknet.losses import SquaredError
from sknet.network.architecture import Architecture
from sknet.network.blocks import BLOCKS
from sknet.network.layers import (
    Activate,
    BatchNorm,
    Dense,
    Dropout,
    GroupedDense,
    Highway,
    LayerNorm,
    Mix,
    Residual,
    Sequential,
    Training,
    ZeroPad,
    activation_layer,
)
from sknet.network.network import Network
from sknet.objective import Batch, Objective
from sknet.penalties import L2


N_IN, N_ROWS = 6, 7
IDENTITY = Sequential(())
GATE = Sequential((Dense(N_IN), Activate(Logistic(), in_place=True)))
BODY = Sequential((Dense(N_IN), Activate(Tanh(), in_place=True)))
LAYERS = {
    "dense": Dense(5),
    "dense without bias": Dense(5, use_bias=False),
    "dense in the NTK form": Dense(5, initializer=INITIALIZERS.make("ntk")),
    "grouped": GroupedDense(3, 4),
    "grouped without bias": GroupedDense(2, 2, use_bias=False),
    "grouped in the NTK form": GroupedDense(3, 1, initializer=INITIALIZERS.make("ntk")),
    "activate": Activate(Tanh()),
    "activate in place": Sequential((Dense(5), Activate(Tanh(), in_place=True))),
    "maxout": Activate(Maxout(3)),
    "maxout in place": Sequential((Dense(4), Activate(Maxout(), in_place=True))),
    "mix": Mix(Tanh(), 0.3),
    "mix with a kink": Mix(ReLU()),
    "dropout": Dropout(0.4),
    "batch norm": BatchNorm(),
    "layer norm": LayerNorm(),
    "residual": Residual(BODY, IDENTITY),
    "residual of an activation": Residual(Activate(Tanh()), IDENTITY),
    "residual with a projection": Residual(Dense(4), Dense(4)),
    "residual with zeros": Residual(Dense(9), ZeroPad(9)),
    "zero pad to more": ZeroPad(9),
    "zero pad to fewer": ZeroPad(4),
    "highway": Highway(BODY, GATE, IDENTITY),
    "highway with a projection": Highway(Dense(6), GATE, Dense(6)),
    "nothing": IDENTITY,
    "sequential": Sequential(
        (Dense(8), BatchNorm(), Activate(Tanh(), in_place=True), Dropout(0.3), Dense(2))
    ),
}
# What may stand at the network's input, where rows may be sparse, or those of all.
AT_INPUT = ["dense", "residual", "residual with a projection", "residual with zeros"]
AT_INPUT += ["zero pad to more", "zero pad to fewer", "highway"]
AT_INPUT += ["highway with a projection", "sequential"]
each_layer = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)


def place(layer, n_members=1, dtype=np.float64, n_in=N_IN, n_rows=N_ROWS):
    """Return a network of one layer with random parameters, buffers and rows."""
    rng = np.random.default_rng(0)
    network = Network([layer], (n_in,), input_gradient=True)
    size = network.layout.n_parameters
    theta = rng.uniform(0.3, 1.3, size=(n_members, size)).astype(dtype)
    theta[:, ::2] *= -1.0
    for variance in network.layout.named(theta, "running_variance"):
        np.abs(variance, out=variance)
    grad = np.full((n_members, network.layout.n_trainable), np.nan, dtype=dtype)
    workspace = network.workspace(n_members, np.dtype(dtype), training=True)
    weight = rng.uniform(0.1, 1.0, size=(n_members, n_rows, 1)).astype(dtype)
    weight /= weight.sum(axis=1, keepdims=True)
    return SimpleNamespace(
        network=network,
        theta=theta,
        grad=grad,
        x=rng.normal(size=(n_members, n_rows, n_in)).astype(dtype),
        v=rng.normal(size=(n_members, n_rows, network.n_outputs)).astype(dtype),
        weight=weight,
        cache=workspace.cache(n_rows),
    )


def views_of(case, theta=None):
    """Return the views of the one layer of a network."""
    bound = case.network.layout.bind(case.theta if theta is None else theta)
    return bound.children[0]


def streams(numbers):
    """Return noise streams, always the same for the same numbers."""
    return [np.random.Generator(np.random.PCG64(number)) for number in numbers]


def training_of(mode, weight):
    """Return what the layers are told, with noise that is the same at each call."""
    if mode == "predict":
        return None
    noise = streams(range(len(weight)))
    return Training(noise, 1.0 / weight.shape[1] if mode == "train" else weight)


def run_forward(case, mode="train", theta=None, x=None):
    """Return the outputs, as a copy; the running statistics move along."""
    theta = case.theta if theta is None else theta
    x = case.x if x is None else x
    views = case.network.layout.bind(theta)
    training = training_of(mode, case.weight)
    return case.network.forward(views, x, case.cache, training).copy()


def run_backward(case):
    """Return the gradients with respect to parameters and inputs, as copies."""
    layout = case.network.layout
    views, grads = layout.bind(case.theta), layout.bind(case.grad)
    dx = case.network.backward(views, grads, case.v.copy(), case.cache)
    return case.grad.copy(), None if dx is None else dx.copy()


# ---- laws of every layer


@pytest.mark.parametrize("mode", ["train", "weighted", "predict"])
@pytest.mark.parametrize("n_members", [1, 3])
@each_layer
def test_pullback_belongs_to_the_forward_pass(layer, n_members, mode):
    """v · J u = Jᵀ v · u for a random direction u, by a fourth-order difference."""
    case = place(layer, n_members)
    rng = np.random.default_rng(1)
    d_theta = rng.normal(size=case.theta.shape)
    d_theta[:, case.grad.shape[1] :] = 0.0  # statistics are no parameters
    d_x = rng.normal(size=case.x.shape)
    theta, x = case.theta.copy(), case.x.copy()

    def value(step):
        y = run_forward(case, mode, theta + step * d_theta, x + step * d_x)
        return (y * case.v).sum(axis=(1, 2))

    h = 3e-4
    difference = (value(-2 * h) - 8 * value(-h) + 8 * value(h) - value(2 * h)) / (
        12 * h
    )
    run_forward(case, mode)
    grad, dx = run_backward(case)
    slope = (grad * d_theta[:, : grad.shape[1]]).sum(axis=1)
    slope += (dx * d_x).sum(axis=(1, 2))
    assert_allclose(slope, difference, rtol=1e-8, atol=1e-9)
    assert_array_equal(case.x, x)


@pytest.mark.parametrize("name", AT_INPUT)
def test_rows_shared_by_all_members(name):
    """An input of one member stands for the same input to each."""
    case = place(LAYERS[name], 3)
    case.x[:] = case.x[:1]
    many = run_forward(case), *run_backward(case)
    case = place(LAYERS[name], 3)
    once = case.x[:1]
    shared = run_forward(case, x=once), *run_backward(case)
    for several, one in zip(many, shared, strict=True):
        assert_array_equal(np.broadcast_to(one, several.shape), several)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", ["train", "weighted", "predict"])
@each_layer
def test_members_together_equal_each_alone(layer, mode, dtype):
    """Bit for bit: outputs, gradients and running statistics of three members."""
    case = place(layer, 3, dtype)
    y = run_forward(case, mode)
    grad, dx = run_backward(case)
    for k in range(3):
        alone = place(layer, 1, dtype)
        start, one = place(layer, 3, dtype), slice(k, k + 1)
        alone.theta[:], alone.x, alone.v = start.theta[one], start.x[one], start.v[one]
        views = alone.network.layout.bind(alone.theta)
        training = training_of(mode, start.weight)
        if training is not None:
            training.streams = training.streams[one]
            if mode == "weighted":
                training.weight = training.weight[one]
        y_alone = alone.network.forward(views, alone.x, alone.cache, training)
        assert_array_equal(y_alone[0], y[k])
        grad_alone, dx_alone = run_backward(alone)
        assert_array_equal(grad_alone[0], grad[k])
        assert_array_equal(dx_alone[0], dx[k])
        assert_array_equal(alone.theta[0], case.theta[k])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", ["train", "weighted", "predict"])
@each_layer
def test_type_stays(layer, mode, dtype):
    """float32 gives float32; every element of the gradient is written."""
    case = place(layer, 2, dtype)
    y = run_forward(case, mode)
    grad, dx = run_backward(case)
    assert {y.dtype, grad.dtype, dx.dtype} == {np.dtype(dtype)}
    assert all(np.isfinite(array).all() for array in (y, grad, dx))


@each_layer
def test_prediction_leaves_the_parameters_alone(layer):
    """Twice the same, and no statistic moves."""
    case = place(layer)
    theta = case.theta.copy()
    assert_array_equal(run_forward(case, "predict"), run_forward(case, "predict"))
    assert_array_equal(case.theta, theta)


def step_peak(architecture, n_rows):
    """Return the peak of what one evaluation of an objective allocates, in bytes."""
    rng = np.random.default_rng(0)
    network = Network(architecture.layers(8, 2), (8,))
    theta = network.initial([np.random.RandomState(0)], np.dtype(np.float32))
    objective = Objective(network, SquaredError(), L2(), 0.1)
    point = objective.point(theta, streams([0]))
    x = rng.normal(size=(1, n_rows, 8)).astype(np.float32)
    batch = Batch(x, x[..., :2].copy(), 1.0 / n_rows, float(n_rows), n_rows)
    return smallest_peak_of(partial(objective.value_and_gradient, point, batch))


@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
@pytest.mark.parametrize("block", BLOCKS)
def test_step_allocates_nothing_that_grows_with_rows(block, normalization):
    """An evaluation takes as many bytes with 2048 rows as with 256.

    NumPy's own buffers, where it converts a mask to floats, are full with 256 x 40.
    """
    made = BLOCKS[block](normalization=normalization)
    architecture = Architecture((40, 40), (ReLU(),), made, (0.2,))
    few, many = step_peak(architecture, 256), step_peak(architecture, 2048)
    assert many < few + 512  # a row of float32 weights would be 7168 bytes more


# ---- dense and grouped


def test_ntk_form_scales_the_product():
    """y = x W / sqrt(n_in) + b."""
    case = place(LAYERS["dense in the NTK form"])
    views = views_of(case)
    expected = case.x @ views.weight / np.sqrt(N_IN) + views.bias
    assert_allclose(run_forward(case), expected, rtol=1e-14)


def block_diagonal(weight):
    """Return groups of weights (groups, n, m) as one matrix, zero between groups."""
    groups, n, m = weight.shape
    full = np.zeros((groups, n, groups, m))
    for g in range(groups):
        full[g, :, g] = weight[g]
    return full.reshape(groups * n, groups * m)


@pytest.mark.parametrize("name", ["grouped", "grouped in the NTK form"])
def test_grouped_equals_a_block_diagonal_dense_layer(name):
    """Outputs, gradients of weights on the diagonal, of biases and of inputs."""
    layer = LAYERS[name]
    case, dense = place(layer), place(Dense(layer.groups * layer.units))
    views, full = (views_of(c) for c in (case, dense))
    scale = layer.initializer.scale((N_IN // layer.groups, layer.units))
    full.weight[0] = scale * block_diagonal(views.weight[0])
    full.bias[:] = views.bias
    dense.x, dense.v = case.x, case.v
    assert_allclose(run_forward(case), run_forward(dense), rtol=1e-13)
    assert_allclose(run_backward(case)[1], run_backward(dense)[1], rtol=1e-13)
    grad, grad_full = (views_of(c, c.grad) for c in (case, dense))
    on_diagonal = block_diagonal(np.ones(views.weight.shape[1:])) > 0
    expected = np.where(on_diagonal, scale * grad_full.weight[0], 0.0)
    assert_allclose(block_diagonal(grad.weight[0]), expected, rtol=1e-13, atol=1e-15)
    assert_array_equal(grad.bias, grad_full.bias)


def test_grouped_refuses_groups_that_do_not_divide():
    """Six columns are not four groups."""
    with pytest.raises(ValueError, match="6 columns cannot be cut into 4 groups"):
        place(GroupedDense(4, 2))


# ---- activations


def test_maxout_joins_neighbouring_columns():
    """Each output is the largest of its pieces, and only that one gets a gradient."""
    case = place(LAYERS["maxout"])
    pieces = case.x.reshape(1, N_ROWS, 2, 3)
    assert_array_equal(run_forward(case), pieces.max(axis=-1))
    _, dx = run_backward(case)
    first = np.arange(3) == pieces.argmax(axis=-1)[..., None]
    assert_array_equal(dx.reshape(pieces.shape), first * case.v[..., None])


def test_blend_gets_a_layer_of_its_own():
    """A blend has trainable shares, which start as it says; others have none."""
    assert activation_layer(Blend("tanh")) == Mix(Tanh())
    assert activation_layer(Tanh(), True) == Activate(Tanh(), True)
    network = Network([Mix(Tanh(), 0.3)], (N_IN,))
    theta = network.initial([np.random.RandomState(0)], np.dtype(float))
    assert_array_equal(theta, np.full((1, N_IN), 0.3))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_mix_reaches_from_the_identity_to_the_function(share):
    """A share of 0 is the identity, a share of 1 the activation."""
    case = place(Mix(Tanh()))
    case.theta[:] = share
    expected = np.tanh(case.x) if share else case.x
    assert_allclose(run_forward(case), expected, rtol=1e-13)


# ---- dropout


def test_dropout_keeps_the_mean():
    """Zeros come at the rate, the rest is scaled up: five standard errors."""
    layer, n_rows = Dropout(0.3), 20_000
    case = place(layer, n_rows=n_rows)
    case.x[:] = 1.0
    y, n = run_forward(case), n_rows * N_IN
    assert set(np.unique(y)) == {0.0, 1.0 / 0.7}
    assert abs((y == 0.0).mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / n)
    assert abs(y.mean() - 1.0) < 5 * np.sqrt(0.3 / 0.7 / n)


def test_dropout_of_rate_zero_is_the_identity():
    """Nothing is dropped and nothing scaled."""
    case = place(Dropout(0.0))
    assert_array_equal(run_forward(case), case.x)


def test_dropout_predicts_with_the_identity():
    """At prediction the input itself comes back."""
    case = place(Dropout(0.5))
    views = case.network.layout.bind(case.theta)
    assert case.network.forward(views, case.x, case.cache) is case.x


def test_dropout_draws_from_a_stream_of_each_member():
    """A new mask each time; equal streams give equal masks."""
    case = place(Dropout(0.5), 2)
    case.x[:] = 1.0
    views = case.network.layout.bind(case.theta)
    training = Training(streams([4, 4]), 1.0)
    first = case.network.forward(views, case.x, case.cache, training).copy()
    second = case.network.forward(views, case.x, case.cache, training)
    assert_array_equal(first[0], first[1])
    assert not np.array_equal(first, second)


# ---- normalisation


def set_ones_and_zeros(case):
    """Make a fresh normalisation of a case: scale one, nothing else."""
    views = views_of(case)
    case.theta[:] = 0.0
    views.scale[:] = 1.0
    if case.network.mixes_rows:
        views.running_variance[:] = 1.0
    return views


@pytest.mark.parametrize("mode", ["train", "weighted"])
def test_batch_norm_standardises_columns_by_weights(mode):
    """Weighted mean 0 and weighted variance 1, but for epsilon."""
    case = place(BatchNorm(epsilon=1e-12), 3)
    set_ones_and_zeros(case)
    y = run_forward(case, mode)
    weight = case.weight if mode == "weighted" else np.full((3, N_ROWS, 1), 1 / N_ROWS)
    assert_allclose((weight * y).sum(axis=1), 0.0, atol=1e-14)
    assert_allclose((weight * y**2).sum(axis=1), 1.0, rtol=1e-10)


def test_batch_norm_takes_a_row_of_weight_two_as_two_rows():
    """Outputs, gradients and running statistics of repeated rows."""
    counts = np.array([1, 2, 1, 3, 1, 1, 2])
    case = place(BatchNorm())
    case.weight = (counts / counts.sum())[None, :, None]
    twice = place(BatchNorm(), n_rows=counts.sum())
    twice.x = case.x.repeat(counts, axis=1)
    y = run_forward(case, "weighted")
    assert_allclose(y.repeat(counts, axis=1), run_forward(twice), rtol=1e-12)
    assert_allclose(case.theta, twice.theta, rtol=1e-12)
    twice.v = (case.v / counts[:, None]).repeat(counts, axis=1)
    grad, dx = run_backward(case)
    grad_twice, dx_twice = run_backward(twice)
    assert_allclose(grad, grad_twice, rtol=1e-12)
    summed = np.add.reduceat(dx_twice, np.cumsum(counts) - counts, axis=1)
    assert_allclose(dx, summed, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("momentum", [0.1, 0.5, 1.0])
def test_batch_norm_remembers_the_first_batches_alike(momentum):
    """Running statistics are means at first, then move by the momentum."""
    layer = BatchNorm(momentum=momentum)
    case = place(layer)
    views = set_ones_and_zeros(case)
    rng = np.random.default_rng(5)
    mean, variance = np.full(N_IN, np.nan), np.full(N_IN, np.nan)
    for n in range(1, 16):
        x = rng.normal(n, 2.0, size=case.x.shape)
        run_forward(case, x=x)
        share = max(1.0 / n, momentum)
        if n == 1:
            mean, variance = x[0].mean(axis=0), x[0].var(axis=0)
        mean = (1 - share) * mean + share * x[0].mean(axis=0)
        variance = (1 - share) * variance + share * x[0].var(axis=0)
        assert_allclose(views.running_mean[0, 0], mean, rtol=1e-12)
        assert_allclose(views.running_variance[0, 0], variance, rtol=1e-12)
        assert views.n_batches.item() == n


def test_batch_norm_predicts_with_the_running_statistics():
    """Prediction is a fixed affine map of each column."""
    case = place(BatchNorm(epsilon=0.1))
    views = views_of(case)
    deviation = np.sqrt(views.running_variance + 0.1)
    expected = (case.x - views.running_mean) / deviation * views.scale + views.shift
    assert_allclose(run_forward(case, "predict"), expected, rtol=1e-13)


def test_batch_norm_ignores_a_row_without_weight():
    """Whatever stands in it, the others stay as they are."""
    case = place(BatchNorm())
    case.weight[:, 0] = 0.0
    case.weight /= case.weight.sum()
    before = run_forward(case, "weighted")[:, 1:]
    case.x[:, 0] = 1e6
    assert_allclose(run_forward(case, "weighted")[:, 1:], before, rtol=1e-12)


@pytest.mark.parametrize("mode", ["train", "predict"])
def test_layer_norm_equals_its_formula(mode):
    """Rows of mean 0 and variance 1, scaled and shifted by columns."""
    case = place(LayerNorm(epsilon=0.01))
    views, x = views_of(case), case.x
    normal = (x - x.mean(axis=2, keepdims=True)) / np.sqrt(
        x.var(axis=2, keepdims=True) + 0.01
    )
    expected = normal * views.scale + views.shift
    assert_allclose(run_forward(case, mode), expected, rtol=1e-13)


# ---- residual, zero padding, highway


def test_residual_with_a_zero_body_is_the_identity():
    """Zero weights: the input comes out, and the gradient goes through."""
    case = place(Residual(Sequential((BODY, Dense(N_IN))), IDENTITY))
    case.theta[:] = 0.0
    assert_array_equal(run_forward(case), case.x)
    assert_array_equal(run_backward(case)[1], case.v)


def test_residual_refuses_a_shortcut_of_another_width():
    """The message names both shapes and what to do."""
    with pytest.raises(ValueError, match=r"shape \(5,\).*shortcut \(6,\).*projection"):
        place(Residual(Dense(5), IDENTITY))


@pytest.mark.parametrize("units", [4, 6, 9])
def test_zero_pad_cuts_off_or_fills_up(units):
    """The first columns stay, the rest is zero; so it is with the gradient."""
    case = place(ZeroPad(units))
    both = min(units, N_IN)
    y = run_forward(case)
    assert_array_equal(y[..., :both], case.x[..., :both])
    assert not y[..., both:].any()
    _, dx = run_backward(case)
    assert_array_equal(dx[..., :both], case.v[..., :both])
    assert not dx[..., both:].any()


@pytest.mark.parametrize("gate", [0.0, 1.0])
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_highway_shares_between_carry_and_body(gate):
    """A gate of 0 carries the input, a gate of 1 takes the body."""
    case = place(LAYERS["highway"])
    views = views_of(case)
    switch = views.children[1].children[0]
    switch.weight[:], switch.bias[:] = 0.0, 1000.0 * (2.0 * gate - 1.0)
    dense = views.children[0].children[0]
    body = np.tanh(case.x @ dense.weight + dense.bias)
    expected = body if gate else case.x
    assert_allclose(run_forward(case), expected, rtol=1e-13, atol=1e-15)


def test_highway_refuses_parts_of_different_widths():
    """The message lists the widths."""
    with pytest.raises(ValueError, match=r"\[\(5,\), \(6,\), \(6,\)\]"):
        place(Highway(Dense(5), GATE, IDENTITY))


@pytest.mark.parametrize(("name", "n_shared"), list(product(AT_INPUT, (1, 2))))
def test_sparse_rows_equal_dense_rows(name, n_shared):
    """Outputs and gradients at the network's input; no gradient of the features."""
    layer, rng = LAYERS[name], np.random.default_rng(0)
    case = place(layer, 2)
    case.network = Network([layer], (N_IN,))
    case.cache = case.network.workspace(2, np.dtype(float), True).cache(N_ROWS)
    x = rng.normal(size=(n_shared, N_ROWS, N_IN)) * rng.integers(
        2, size=(n_shared, N_ROWS, N_IN)
    )
    dense = run_forward(case, x=x), *run_backward(case)
    rows = SparseRows([sparse.csr_matrix(member) for member in x])
    thin = run_forward(case, x=rows), *run_backward(case)
    assert_allclose(thin[0], dense[0], rtol=1e-13)
    assert_allclose(thin[1], dense[1], rtol=1e-13, atol=1e-13)
    assert thin[2] is None
    assert dense[2] is None
