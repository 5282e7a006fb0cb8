"""Layers: shared and sparse rows, and what is special to each of them."""

from functools import partial
from itertools import product

import numpy as np
import pytest
from memory import smallest_peak_of
from numpy.testing import assert_allclose, assert_array_equal
from one_layer import (
    BODY,
    GATE,
    IDENTITY,
    LAYERS,
    N_IN,
    N_ROWS,
    place,
    run_backward,
    run_forward,
    streams,
    views_of,
)
from scipy import sparse

from sknet._numerics import SparseRows
from sknet.activations import Blend, ReLU, Tanh
from sknet.losses import SquaredError
from sknet.network.architecture import Architecture
from sknet.network.blocks import BLOCKS
from sknet.network.layers import (
    Activate,
    Dense,
    GroupedDense,
    Highway,
    Mix,
    Residual,
    Sequential,
    ZeroPad,
    activation_layer,
)
from sknet.network.network import Network
from sknet.objective import Batch, Objective
from sknet.penalties import L2


# What may stand at the network's input, where rows may be sparse, or those of all.
AT_INPUT = ["dense", "residual", "residual with a projection", "residual with zeros"]
AT_INPUT += ["zero pad to more", "zero pad to fewer", "highway"]
AT_INPUT += ["highway with a projection", "sequential"]


# ---- laws of every layer


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
    with pytest.raises(
        ValueError, match="6 columns cannot be divided into 4 equal groups"
    ):
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


# ---- residual, zero padding, highway


def test_residual_with_a_zero_body_is_the_identity():
    """Zero weights: the input comes out, and the gradient goes through."""
    case = place(Residual(Sequential((BODY, Dense(N_IN))), IDENTITY))
    case.theta[:] = 0.0
    assert_array_equal(run_forward(case), case.x)
    assert_array_equal(run_backward(case)[1], case.v)


def test_residual_refuses_a_shortcut_of_another_width():
    """The message names both shapes and what to do."""
    with pytest.raises(ValueError, match=r"\(5,\).*shortcut has \(6,\).*projection"):
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
