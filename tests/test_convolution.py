"""Convolution: against loops, SciPy and torch; identities; numbers of the textbook."""

from itertools import product

import numpy as np
import pytest
from memory import peak_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy import signal
from window_loops import (
    KERNELS,
    PADDINGS,
    STRIDES,
    Placed,
    convolution_by_loops,
    images,
    pair_of,
    placed,
    places_of,
)

from sknet import _windows
from sknet.initializers import INITIALIZERS
from sknet.network.layers import (
    Conv2D,
    Dense,
    Flatten,
    Partition,
    Reshape,
    Sequential,
)
from sknet.testing import check_layer


TOLERANCES = {np.float32: 1e-5, np.float64: 1e-12}
WINDOWS = list(product(PADDINGS, STRIDES, [1, 2], KERNELS))
LARGE = (17, 18)


def is_close(found, expected, tolerance):
    """Compare relative to the largest element: sums are rounded in another order."""
    assert found.shape == expected.shape
    assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def same_as(case, expected, tolerance):
    """Compare output and both gradients."""
    for found, value in zip(
        (case.y, case.gradients.weight, case.dx), expected, strict=True
    ):
        is_close(found, value, tolerance)


def first_member(case):
    """The same layer on the images of the first member alone."""
    alone = Placed(case.layer, case.x[:1], case.theta[:1])
    alone.y = alone.forward().copy()
    alone.dx = alone.backward(case.dy[:1].copy()).copy()
    return alone


# ---- loops, SciPy


@pytest.mark.parametrize("size", [(5, 6), (8, 5)], ids=str)
@pytest.mark.parametrize(("padding", "stride", "dilation", "kernel"), WINDOWS)
def test_loops_give_the_same(padding, stride, dilation, kernel, size):
    """Output and both gradients, of one or several groups, members and both types."""
    for groups in (1, 2):
        layer = Conv2D(4, kernel, stride, padding, dilation, groups)
        case = placed(layer, 3, 1, *size, 2)
        views = case.views
        expected = convolution_by_loops(
            layer, case.x, case.dy, views.weight, views.bias
        )
        same_as(case, expected, 1e-12)
        same_as(first_member(case), [value[:1] for value in expected], 1e-12)
        is_close(case.gradients.bias[:, 0], case.dy.sum(axis=(1, 2, 3)), 1e-12)
        single = Placed(layer, case.x.astype("f4"), case.theta.astype("f4"))
        single.y = single.forward().copy()
        single.dx = single.backward(case.dy.astype("f4")).copy()
        assert {single.y.dtype, single.dx.dtype} == {np.dtype("f4")}
        same_as(single, expected, 1e-5)


@pytest.mark.parametrize("most", [1, 200, 2000])
@pytest.mark.parametrize("padding", ["valid", "same", (2, 0)])
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_pieces_give_the_same_as_the_whole(most, padding, dtype, monkeypatch):
    """Images whose windows are copied row by row, or several images at a time."""
    layer = Conv2D(4, 3, (2, 1), padding, groups=2)
    shape = (2, 5, *LARGE, 2)
    whole = placed(layer, *shape, dtype=dtype)
    monkeypatch.setattr(_windows, "_MOST_ELEMENTS", most)
    found = placed(layer, *shape, dtype=dtype)
    same_as(found, (whole.y, whole.gradients.weight, whole.dx), TOLERANCES[dtype])


def correlated(x, kernel, mode):
    """Sums over channels of SciPy's correlations, (B, rows, columns, F)."""
    n_channels, n_filters = kernel.shape[2:]
    sums = [
        [
            sum(
                signal.correlate(image[..., c], kernel[..., c, f], mode)
                for c in range(n_channels)
            )
            for f in range(n_filters)
        ]
        for image in x
    ]
    return np.moveaxis(np.array(sums), 1, -1)


@pytest.mark.parametrize("mode", ["valid", "same", "full"])
@pytest.mark.parametrize("stride", STRIDES)
def test_scipy_has_the_same_modes(mode, stride):
    """With a stride, every second element: of an odd image, where "same" has them."""
    layer = Conv2D(2, (3, 5), stride, mode, use_bias=False)
    case = placed(layer, 1, 2, *(9, 11), 3)
    expected = correlated(case.x[0], case.views.weight.reshape(3, 5, 3, 2), mode)
    down, right = pair_of(stride)
    is_close(case.y[0], expected[:, ::down, ::right], 1e-12)


@pytest.mark.parametrize(("padding", "stride"), list(product(PADDINGS, STRIDES)))
def test_scipy_has_the_windows_of_each_padding(padding, stride):
    """They are elements of its full correlation, with a filter of zeros in its gaps."""
    layer = Conv2D(2, (2, 3), stride, padding, (3, 2), use_bias=False)
    case = placed(layer, 1, 2, 8, 11, 3)
    kernel = np.zeros((4, 5, 3, 2))
    kernel[::3, ::2] = case.views.weight.reshape(2, 3, 3, 2)
    full = correlated(case.x[0], kernel, "full")
    windows, (down, right) = layer.windows(case.x.shape[2:]), pair_of(stride)
    top, left = (r - 1 - p for r, p in zip((4, 5), windows.before, strict=True))
    n_rows, n_columns = case.shape[:2]
    part = full[:, top::down, left::right][:, :n_rows, :n_columns]
    is_close(case.y[0], part, 1e-12)


# ---- identities


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("stride", STRIDES)
def test_a_dense_layer_with_tied_weights(padding, stride):
    """One large matrix; the gradient of a weight is the sum over all its places."""
    layer = Conv2D(3, (2, 3), stride, padding)
    case = placed(layer, 1, 4, 6, 5, 2)
    (n_rows, n_columns), places = places_of((6, 5), (2, 3), stride, padding)
    weight = case.views.weight[0]
    tied = np.full((6, 5, 2, n_rows, n_columns, 3), weight.size)
    for (a, b, i, j, row, column), c in product(places, range(2)):
        tied[row, column, c, a, b] = 3 * ((i * 3 + j) * 2 + c) + np.arange(3)
    tied = tied.reshape(60, -1)
    matrix = np.append(weight, 0.0)[tied]
    dense = Placed(Dense(matrix.shape[1], use_bias=False), case.x.reshape(1, 4, 60))
    dense.views.weight[0] = matrix
    y = dense.forward().reshape(case.y.shape) + case.views.bias[:, :, None, None]
    dx = dense.backward(case.dy.reshape(1, 4, -1).copy()).reshape(case.dx.shape)
    sums = np.bincount(tied.ravel(), dense.gradients.weight.ravel(), weight.size + 1)
    same_as(case, (y, sums[:-1].reshape(1, *weight.shape), dx), 1e-12)


def test_one_position_is_a_dense_layer_of_pixels():
    """Filters of 1 x 1 have the weights of a dense layer, and do the same."""
    case = placed(Conv2D(4, 1), 3, 2, 5, 6, 3)
    dense = placed(Dense(4), 3, 2, 5, 6, 3)
    same_as(case, (dense.y, dense.gradients.weight, dense.dx), 1e-13)
    assert_allclose(case.gradients.bias, dense.gradients.bias, rtol=1e-13)


@pytest.mark.parametrize("stride", STRIDES)
def test_a_shifted_image_has_a_shifted_output(stride):
    """By as many windows as the image is shifted by strides."""
    down, right = pair_of(stride)
    whole = Placed(Conv2D(2, (2, 3), stride), images(1, 2, 12, 13, 2))
    shifted = whole.x[:, :, 2 * down :, right:]
    part = Placed(whole.layer, shifted, whole.theta)
    is_close(part.forward(), whole.forward()[:, :, 2:, 1:], 1e-13)


@pytest.mark.parametrize("padding", PADDINGS)
def test_groups_are_filters_with_zeros(padding):
    """A filter of one group of channels has no weights for the others."""
    case = placed(Conv2D(4, 3, 2, padding, groups=2), 2, 3, 7, 8, 6)
    whole = Placed(Conv2D(4, 3, 2, padding), case.x)
    whole.views.bias[...] = case.views.bias
    full, own = np.zeros((2, 9, 2, 3, 4)), case.views.weight.reshape(2, 9, 3, 4)
    for g in range(2):
        full[:, :, g, :, 2 * g : 2 * g + 2] = own[..., 2 * g : 2 * g + 2]
    whole.views.weight[...] = full.reshape(whole.views.weight.shape)
    y, dx = whole.forward(), whole.backward(case.dy.copy())
    gradient = whole.gradients.weight.reshape(full.shape)
    parts = [gradient[:, :, g, :, 2 * g : 2 * g + 2] for g in range(2)]
    parts = np.concatenate(parts, axis=-1).reshape(case.views.weight.shape)
    same_as(case, (y, parts, dx), 1e-12)


# ---- torch


@pytest.mark.exporters
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("padding", ["valid", "same", 1, (2, 0)])
@pytest.mark.parametrize(("stride", "dilation"), list(product(STRIDES, [1, 2])))
def test_torch_gives_the_same(stride, dilation, padding, groups):
    """Output and all gradients in float32; it has "same" only without a stride."""
    torch = pytest.importorskip("torch")
    if padding == "same" and stride != 1:
        pytest.skip("torch has no padding of this kind with a stride")
    layer = Conv2D(4, 3, stride, padding, dilation, groups)
    case = placed(layer, 1, 3, 9, 10, 6, dtype=np.float32)
    kernel = case.views.weight.reshape(3, 3, 6 // groups, 4).transpose(3, 2, 0, 1)
    arrays = case.x[0].transpose(0, 3, 1, 2), kernel, case.views.bias.ravel()
    x, weight, bias = (torch.tensor(a.copy(), requires_grad=True) for a in arrays)
    y = torch.nn.functional.conv2d(x, weight, bias, stride, padding, dilation, groups)
    y.backward(torch.tensor(case.dy[0].transpose(0, 3, 1, 2).copy()))
    gradient = weight.grad.numpy().transpose(2, 3, 1, 0)
    expected = (
        y.detach().numpy().transpose(0, 2, 3, 1)[None],
        gradient.reshape(case.views.weight.shape),
        x.grad.numpy().transpose(0, 2, 3, 1)[None],
    )
    same_as(case, expected, 1e-5)
    is_close(case.gradients.bias[0, 0], bias.grad.numpy(), 1e-5)


# ---- numbers of the textbook


@pytest.mark.parametrize(
    ("padding", "side"), [("valid", 28), ("full", 36), ("same", 32)]
)
def test_five_filters_of_five_by_five(padding, side):
    """32 x 32 pixels of 3 colours; each filter has 75 weights and a bias."""
    case = Placed(Conv2D(5, 5, padding=padding), images(1, 1, 32, 32, 3))
    assert case.shape == (side, side, 5)
    assert case.layout.n_parameters == 5 * (75 + 1)
    unbiased = Placed(Conv2D(5, 5, padding=padding, use_bias=False), case.x)
    assert unbiased.layout.n_parameters == 5 * 75


@pytest.mark.parametrize(("n", "f"), list(product([7, 12, 32], [1, 2, 5])))
@pytest.mark.parametrize(("p", "stride"), list(product([0, 1, 3], [1, 2, 3])))
def test_number_of_windows(n, f, p, stride):
    """floor((n + 2p - f) / s) + 1 along each axis."""
    case = Placed(Conv2D(1, f, stride, p), images(1, 1, n, n + 1, 1))
    sides = [(length + 2 * p - f) // stride + 1 for length in (n, n + 1)]
    assert case.shape == (*sides, 1)


def test_a_filter_finds_a_curve():
    """Weights of 30 along it, on pixels of 50, 50, 50, 20 and 50, answer 6600."""
    curve = [1, 2, 3, 4, 5], [5, 4, 3, 3, 4]
    kernel, image = np.zeros((7, 7)), np.zeros((1, 1, 7, 20, 1))
    kernel[curve] = 30.0
    image[0, 0, :, :7, 0][curve] = 50.0, 50.0, 50.0, 20.0, 50.0
    case = Placed(Conv2D(1, 7, use_bias=False), image, kernel.reshape(1, -1))
    y = case.forward().ravel()
    assert y[0] == 6600.0
    assert_array_equal(y[7:], 0.0)


# ---- laws


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize(("padding", "stride"), list(product(PADDINGS, STRIDES)))
def test_layer_keeps_the_laws(padding, stride, n_members):
    """Pullbacks, members, types and what is written, and compiled code."""
    check_layer(Conv2D(2, (2, 3), stride, padding), (3, 4, 1), n_members)


PARTS = [
    Sequential((Reshape((2, 2, 2)), Conv2D(2, 1, initializer=init), Flatten()))
    for init in (INITIALIZERS.make("ntk"), INITIALIZERS.make("glorot_uniform"))
]
OTHERS = [
    (Conv2D(2, 2, dilation=2, use_bias=False), (3, 4, 2)),
    (Conv2D(2, (2, 1), groups=2, padding=1), (3, 3, 2)),
    (Conv2D(2, 2, initializer=INITIALIZERS.make("ntk")), (3, 3, 2)),
    (Conv2D(1, 1, stride=7, padding=2), (3, 2, 1)),  # its only window is in the zeros
    *((Partition((8, 1), (part, Sequential(()))), (9,)) for part in PARTS),
]


@pytest.mark.parametrize(("layer", "shape"), OTHERS, ids=repr)
def test_layer_with_options_keeps_the_laws(layer, shape):
    """Gaps, groups, scaled weights, zeros only, gradients that are not contiguous."""
    check_layer(layer, shape)


def test_data_driven_weights_give_outputs_of_deviation_one():
    """Over images and positions, by the weights of the images."""
    layer = Conv2D(3, 2, initializer=INITIALIZERS.make("data_driven"))
    case, weight = Placed(layer, 2.0 + images(2, 6, 5, 4, 2)), np.arange(1.0, 7.0)
    y = layer.adapt(case.views, case.x, case.cache, weight).reshape(2, 6, -1, 3)
    share = np.broadcast_to(weight[:, None] / weight.sum() / 12, (6, 12)).reshape(-1, 1)
    rows = y.reshape(2, -1, 3)
    mean = (share * rows).sum(axis=1, keepdims=True)
    variance = (share * (rows - mean) ** 2).sum(axis=1)
    assert_allclose(variance, 1.0, rtol=1e-12)


# ---- errors and memory


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (Conv2D(2, 5), (4, 9, 1), r"kernel_size=5.*4 x 9.*along the height.*smaller"),
        (Conv2D(2, 2, dilation=4), (9, 4, 1), "along the width.*5 of 4.*smaller"),
        (Conv2D(2, 6, padding=1), (9, 3, 1), r"width.*6 of 5.*more padding"),
        (Conv2D(4, groups=3), (9, 9, 6), "6 channels and 4 filters.*groups=3"),
        (Conv2D(6, groups=3), (9, 9, 4), "4 channels and 6 filters.*groups=3"),
        (Conv2D(2), (9,), r"\(height, width, channels\).*\(9,\).*Reshape"),
        (Conv2D(2), (9, 9), r"\(height, width, channels\).*\(9, 9\).*Reshape"),
    ],
    ids=str,
)
def test_images_that_do_not_fit_are_refused(layer, shape, words):
    """The message names the parameter, its value and what to do."""
    with pytest.raises(ValueError, match=words):
        Placed(layer, images(1, 2, *shape))


@pytest.mark.parametrize("name", ["kernel_size", "stride", "dilation"])
@pytest.mark.parametrize(
    "value", [0, -1, 1.5, "3", True, None, (2,), (2, 0), (1, 2, 3)]
)
def test_bad_numbers_are_refused(name, value):
    """A whole number from 1 on, or two."""
    words = rf"{name} must be a whole number in \[1, inf\), or a pair.*got "
    with pytest.raises(ValueError, match=words):
        Conv2D(2, **{name: value}).check()


@pytest.mark.parametrize("value", [-1, 0.5, "zeros", None, (1, -1), (1, 1, 1), [1, 1]])
def test_bad_paddings_are_refused(value):
    """A name, a whole number from 0 on, or two."""
    with pytest.raises(ValueError, match=r"padding must be one of 'valid'.*got "):
        Conv2D(2, padding=value).check()


@pytest.mark.parametrize("name", ["filters", "groups"])
@pytest.mark.parametrize("value", [0, 2.0, True])
def test_bad_counts_are_refused(name, value):
    """A whole number from 1 on."""
    with pytest.raises(ValueError, match=rf"{name} must be .*got "):
        Conv2D(**{"filters": 2, name: value}).check()


@pytest.mark.parametrize("padding", [0, (2, 0), "same"])
@pytest.mark.parametrize("size", [2, (1, 3), np.int64(2)])
def test_good_values_are_taken(padding, size):
    """One number or two, also one of NumPy's."""
    Conv2D(2, size, size, padding, size).check()


def step_peak(n_images, kernel):
    """The peak of what both passes allocate, and the size of the images, in bytes."""
    x = images(1, n_images, 64, 64, 16, dtype=np.float32)
    case = Placed(Conv2D(16, kernel, padding="same"), x)
    dy = case.dy.copy()

    def step():
        """Both passes."""
        case.forward()
        case.backward(dy)

    step()  # keeps a row of ones, with which biases are summed
    return peak_of(step), x.nbytes


def test_windows_are_not_copied_all_at_once():
    """With 49 positions, memory is less than that of the images, however many."""
    for n_images in (8, 12):  # rows of ones are kept from the first step on
        step_peak(n_images, 7)
    few, size = step_peak(8, 7)
    assert few < size
    many, _ = step_peak(12, 7)
    assert many < few + 4096
