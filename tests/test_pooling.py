"""Pools: against loops and torch; identities; draws; numbers of the textbook."""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from window_loops import Placed, elements_of_windows, images, pair_of, placed

from sknet.network.layers import (
    AveragePool,
    Conv2D,
    Flatten,
    GlobalAveragePool,
    MaxPool,
    Partition,
    Reshape,
    Sequential,
    StochasticPool,
    Training,
)
from sknet.testing import check_layer


POOLS = [MaxPool, AveragePool, StochasticPool]
WINDOWS = list(product([1, 2, 3, (2, 3)], [None, 1, 2, (2, 1)]))
TOLERANCES = {np.float32: 1e-5, np.float64: 1e-12}
of_each_pool = pytest.mark.parametrize("pool", POOLS)


def training(*seeds, shares_noise=False):
    """What a layer is told in training: a noise stream for each member."""
    streams = [np.random.Generator(np.random.PCG64(seed)) for seed in seeds]
    return Training(streams, 0.5, shares_noise=shares_noise)


# ---- one element by loops: the value, and the factors of its gradient


def largest(values, _):
    """The largest; the gradient goes to the first one."""
    return max(values), [
        float(i == values.index(max(values))) for i in range(len(values))
    ]


def mean(values, _):
    """The mean; equal parts."""
    return sum(values) / len(values), [1.0 / len(values)] * len(values)


def expectation(values, _):
    """The mean weighted by the elements that are positive."""
    total = sum(max(v, 0.0) for v in values)
    if total == 0.0:
        return 0.0, [0.0] * len(values)
    y = sum(max(v, 0.0) ** 2 for v in values) / total
    return y, [(2.0 * v - y) / total if v > 0.0 else 0.0 for v in values]


def drawn(values, noise):
    """The first for which the sum of the positive ones is a larger share than noise."""
    total, so_far = sum(max(v, 0.0) for v in values), 0.0
    for i, value in enumerate(values):
        so_far += max(value, 0.0)
        if so_far > noise * total:
            return value, [float(i == j) for j in range(len(values))]
    return 0.0, [0.0] * len(values)


def pooled_by_loops(case, element, noise=None):
    """Output and gradient of the images."""
    layer = case.layer
    shape, windows = elements_of_windows(case.x, layer.size, layer.stride)
    y, dx = np.zeros(shape), np.zeros(case.x.shape)
    for at, places in windows.items():
        values = [float(case.x[place]) for place in places]
        number = None if noise is None else float(noise[at])
        y[at], factors = element(values, number)
        for place, factor in zip(places, factors, strict=True):
            dx[place] += factor * case.dy[at]
    return y, dx


def same_as(case, expected, tolerance):
    """Compare output and gradient."""
    for found, value in zip((case.y, case.dx), expected, strict=True):
        assert found.shape == value.shape
        assert found.dtype == case.x.dtype
        assert_allclose(found, value, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("image", [(3, 4), (8, 7)], ids=str)
@pytest.mark.parametrize(("size", "stride"), WINDOWS)
def test_loops_give_the_same(size, stride, image, dtype):
    """Each pool in prediction, and a stochastic one in training."""
    elements = {MaxPool: largest, AveragePool: mean, StochasticPool: expectation}
    for n_members, (pool, element) in product((1, 3), elements.items()):
        case = placed(pool(size, stride), n_members, 2, *image, 3, dtype=dtype)
        same_as(case, pooled_by_loops(case, element), TOLERANCES[dtype])
    told = training(5, 6, 7)
    case = placed(
        StochasticPool(size, stride), 3, 2, *image, 3, dtype=dtype, training=told
    )
    noise = [s.random(case.y.shape[1:], dtype) for s in training(5, 6, 7).streams]
    same_as(case, pooled_by_loops(case, drawn, np.array(noise)), TOLERANCES[dtype])


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_a_pool_of_whole_images(dtype):
    """The mean of each channel, and equal parts of the gradient."""
    case = placed(GlobalAveragePool(), 3, 2, 7, 4, 5, dtype=dtype)
    share = np.broadcast_to(case.dy[:, :, None, None] / 28, case.x.shape)
    same_as(case, (case.x.mean(axis=(2, 3), dtype=float), share), TOLERANCES[dtype])
    windows = placed(AveragePool((7, 4)), 3, 2, 7, 4, 5, dtype=dtype)
    assert_array_equal(windows.y.reshape(case.y.shape), case.y)


@pytest.mark.exporters
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(("size", "stride"), WINDOWS)
def test_torch_gives_the_same(size, stride, dtype):
    """Largest elements and means, with their gradients, to five digits."""
    torch = pytest.importorskip("torch")
    for pool, name in (MaxPool, "max_pool2d"), (AveragePool, "avg_pool2d"):
        case = placed(pool(size, stride), 1, 3, 8, 7, 3, dtype=dtype)
        channels_first = case.x[0].transpose(0, 3, 1, 2).copy()
        x = torch.tensor(channels_first, requires_grad=True)
        y = getattr(torch.nn.functional, name)(x, size, stride)
        y.backward(torch.tensor(case.dy[0].transpose(0, 3, 1, 2).copy()))
        arrays = y.detach().numpy(), x.grad.numpy()
        same_as(case, [a.transpose(0, 2, 3, 1)[None] for a in arrays], 1e-5)


# ---- identities


@pytest.mark.parametrize(("size", "stride"), WINDOWS)
def test_the_smallest_element_is_a_largest(size, stride):
    """Of the negative images, of which the negative is taken."""
    case = placed(MaxPool(size, stride), 1, 2, 8, 7, 3)
    negative = Placed(case.layer, -case.x).forward()
    shape, windows = elements_of_windows(case.x, size, stride)
    smallest = [min(case.x[p] for p in places) for places in windows.values()]
    assert_array_equal(-negative, np.reshape(smallest, shape))


@pytest.mark.parametrize(("size", "stride"), WINDOWS)
def test_a_mean_is_a_convolution_with_equal_weights(size, stride):
    """Each filter has one channel, and the same weight at all positions."""
    case = placed(AveragePool(size, stride), 2, 2, 8, 7, 3)
    area, step = np.prod(pair_of(size)), size if stride is None else stride
    layer = Conv2D(3, size, step, groups=3, use_bias=False)
    theta = np.full((2, 3 * area), 1.0 / area)
    filters = Placed(layer, case.x, theta)
    same_as(case, (filters.forward(), filters.backward(case.dy.copy())), 1e-13)


@of_each_pool
def test_a_shifted_image_has_a_shifted_output(pool):
    """By as many windows as the image is shifted by strides."""
    whole = Placed(pool(3, 2), images(1, 2, 12, 13, 2))
    part = Placed(whole.layer, whole.x[:, :, 4:, 2:])
    assert_array_equal(part.forward(), whole.forward()[:, :, 2:, 1:])


@pytest.mark.parametrize("told", [None, 3], ids=["in prediction", "in training"])
@of_each_pool
def test_channels_and_images_are_on_their_own(pool, told):
    """A pool of one channel of one image gives what it gives among others."""
    x = images(1, 3, 5, 6, 4)
    noise = None if told is None else training(told, shares_noise=True)
    case = Placed(pool(2), x)
    y = case.forward(noise)
    alone = Placed(pool(2), x[:, 1:2])
    noise = None if told is None else training(told, shares_noise=True)
    assert_array_equal(alone.forward(noise), y[:, 1:2])
    if told is None:
        assert_array_equal(Placed(pool(2), x[..., 2:3]).forward(), y[..., 2:3])


@pytest.mark.parametrize("pool", [MaxPool, StochasticPool])
@pytest.mark.parametrize("size", [2, (2, 3)])
def test_outputs_are_the_chosen_elements(pool, size):
    """A gradient of ones marks them: one in each window, whose value is the output."""
    case = Placed(pool(size), np.abs(images(2, 3, 6, 6, 2)))
    y = case.forward(training(1, 2)).copy()
    marks = case.backward(np.ones(y.shape))
    assert set(np.unique(marks)) == {0.0, 1.0}
    average = AveragePool(size)
    of_window = float(np.prod(pair_of(size)))
    assert_allclose(of_window * Placed(average, marks).forward(), 1.0, rtol=1e-15)
    sums = of_window * Placed(average, marks * case.x).forward()
    assert_allclose(sums, y, rtol=1e-13)
    assert_allclose((marks * case.x).sum(), y.sum(), rtol=1e-13)


def test_the_gradient_goes_to_the_first_of_equal_elements():
    """Line by line; also if all elements are the same."""
    case = Placed(MaxPool(2), np.ones((1, 1, 2, 4, 1)))
    case.x[0, 0, :, :, 0] = [[0.0, 3.0, 5.0, 5.0], [3.0, 1.0, 5.0, 5.0]]
    case.forward()
    dx = case.backward(np.array([2.0, 7.0]).reshape(1, 1, 1, 2, 1))
    expected = [[0.0, 2.0, 7.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    assert_array_equal(dx[0, 0, :, :, 0], expected)


# ---- stochastic pools


def test_the_mean_of_draws_is_the_prediction():
    """Within five standard errors, for each window of one image drawn often."""
    n_draws = 20_000
    image = np.abs(images(1, 1, 4, 6, 1))
    x = np.repeat(image, n_draws, axis=1)
    draws = Placed(StochasticPool(2), x).forward(training(0))[0, ..., 0]
    expected = Placed(StochasticPool(2), image).forward()[0, 0, ..., 0]
    error = draws.std(axis=0) / np.sqrt(n_draws)
    assert (np.abs(draws.mean(axis=0) - expected) < 5.0 * error).all()
    assert (error < 0.01).all()


def test_shares_of_draws_are_those_of_the_elements():
    """An element is drawn in proportion to its size, within five standard errors."""
    n_draws = 20_000
    image = np.array([1.0, 0.0, 3.0, -4.0]).reshape(1, 1, 2, 2, 1)
    case = Placed(StochasticPool(2), np.repeat(image, n_draws, axis=1))
    y = case.forward(training(0))
    shares = case.backward(np.ones(y.shape))[0, :, :, :, 0].mean(axis=0).ravel()
    error = np.sqrt(0.25 * 0.75 / n_draws)
    assert_allclose(shares[[0, 2]], [0.25, 0.75], rtol=0, atol=5.0 * error)
    assert_array_equal(shares[[1, 3]], 0.0)


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("value", [0.0, -2.0])
def test_windows_without_positive_elements_give_zero(value, told):
    """Their gradient is zero, too."""
    case = Placed(StochasticPool(2), np.full((1, 2, 4, 4, 1), value))
    assert_array_equal(case.forward(training(0) if told else None), 0.0)
    assert_array_equal(case.backward(), 0.0)


def test_images_can_share_their_noise():
    """Equal images then have equal outputs, those of one image; otherwise not."""
    x = np.repeat(np.abs(images(2, 1, 8, 8, 3)), 5, axis=1)
    case = Placed(StochasticPool(2), x)
    y = case.forward(training(1, 2, shares_noise=True)).copy()
    assert_array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    other = case.forward(training(1, 2))
    assert (other[:, 1:] != other[:, :1]).any()


# ---- numbers of the textbook, laws, errors


@of_each_pool
@pytest.mark.parametrize(("n", "f"), list(product([7, 12, 32], [1, 2, 5])))
@pytest.mark.parametrize("stride", [None, 1, 3])
def test_number_of_windows(pool, n, f, stride):
    """floor((n - f) / s) + 1 along each axis; there are no parameters."""
    case = Placed(pool(f, stride), images(1, 1, n, n + 1, 2))
    step = stride or f
    assert case.shape == ((n - f) // step + 1, (n + 1 - f) // step + 1, 2)
    assert case.layout.n_parameters == 0


def test_a_whole_image_has_no_parameters():
    """Its output has one column for each channel."""
    case = Placed(GlobalAveragePool(), images(1, 1, 7, 5, 6))
    assert (case.shape, case.layout.n_parameters) == ((6,), 0)


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("stride", [None, 1, (2, 1)])
@of_each_pool
def test_layer_keeps_the_laws(pool, stride, n_members):
    """Pullbacks, members, types and what is written, and compiled code."""
    check_layer(pool((2, 3), stride), (4, 5, 2), n_members)


@pytest.mark.parametrize("n_members", [1, 3])
def test_pool_of_whole_images_keeps_the_laws(n_members):
    """As those of windows."""
    check_layer(GlobalAveragePool(), (3, 4, 2), n_members)


@pytest.mark.parametrize("pool", [*POOLS, GlobalAveragePool])
def test_arrays_that_are_not_contiguous(pool):
    """Inside a partition, images and gradients are parts of rows."""
    body = Sequential((Reshape((2, 2, 2)), pool(), Flatten()))
    check_layer(Partition((8, 1), (body, Sequential(()))), 9)


@of_each_pool
def test_windows_that_do_not_fit_are_refused(pool):
    """The message names the size, the image and what to do."""
    with pytest.raises(ValueError, match=r"size=5.*4 x 9.*along the height.*smaller"):
        Placed(pool(5), images(1, 2, 4, 9, 1))
    with pytest.raises(ValueError, match=r"size=\(2, 4\).*along the width.*smaller"):
        Placed(pool((2, 4)), images(1, 2, 9, 3, 1))


@pytest.mark.parametrize("pool", [*POOLS, GlobalAveragePool])
@pytest.mark.parametrize("shape", [(9,), (9, 9)], ids=str)
def test_rows_that_are_no_images_are_refused(pool, shape):
    """The message names the layer, the shape and what to do."""
    words = rf"{pool.__name__} needs .*channels\).*\({shape[0]},.*Reshape"
    with pytest.raises(ValueError, match=words):
        Placed(pool(), images(1, 2, *shape))


@of_each_pool
@pytest.mark.parametrize("name", ["size", "stride"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "3", True, (2,), (2, 0), (1, 2, 3), [2]])
def test_bad_numbers_are_refused(pool, name, value):
    """A whole number from 1 on, or two."""
    words = rf"{name} must be a whole number in \[1, inf\), or a pair.*got "
    with pytest.raises(ValueError, match=words):
        pool(**{name: value}).check()


@of_each_pool
def test_none_is_a_stride_and_no_size(pool):
    """None is the size of a window, so that it is no size itself."""
    pool(2, None).check()
    with pytest.raises(ValueError, match=r"size must be .*got None"):
        pool(None).check()
