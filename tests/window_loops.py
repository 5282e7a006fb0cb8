"""Convolution and pooling by plain loops, and one layer on images with its arrays."""

from itertools import product

import numpy as np

from sknet.network.layout import Declaration, Layout
from sknet.network.workspace import Workspace


PADDINGS = ["valid", "same", "full", 1, (2, 0)]
STRIDES = [1, 2, (2, 1)]
KERNELS = [1, 3, (2, 3)]


def pair_of(value):
    """One number for both axes, or two."""
    return value if isinstance(value, tuple) else (value, value)


def zeros_before_and_after(padding, n, reach, stride):
    """How many zeros stand before and after an axis of n positions."""
    if padding == "same":
        n_windows = int(np.ceil(n / stride))
        missing = max((n_windows - 1) * stride + reach - n, 0)
        return missing // 2, missing - missing // 2
    each = {"valid": 0, "full": reach - 1}.get(padding, padding)
    return each, each


def axis_of(n, size, stride, padding, dilation):
    """The positions of each window along an axis; zeros are below 0, or from n on."""
    reach = (size - 1) * dilation + 1
    before, after = zeros_before_and_after(padding, n, reach, stride)
    starts = range(-before, n + after - reach + 1, stride)
    return [[start + i * dilation for i in range(size)] for start in starts]


def places_of(shape, size, stride=1, padding="valid", dilation=1):
    """(a, b, i, j, row, column) of each position of each window inside an image."""
    paddings = (padding, padding) if isinstance(padding, str) else pair_of(padding)
    pairs = pair_of(size), pair_of(stride), paddings, pair_of(dilation)
    rows, columns = (
        axis_of(n, *of_axis) for n, *of_axis in zip(shape[:2], *pairs, strict=True)
    )
    places = [
        (a, b, i, j, row, column)
        for (a, of_a), (b, of_b) in product(enumerate(rows), enumerate(columns))
        for (i, row), (j, column) in product(enumerate(of_a), enumerate(of_b))
        if 0 <= row < shape[0] and 0 <= column < shape[1]
    ]
    return (len(rows), len(columns)), places


def convolution_by_loops(layer, x, dy, weight, bias):
    """Output, gradients of filters and of images: x (K, B, H, W, C), dy (K, B, ...)."""
    _, places = places_of(
        x.shape[2:], layer.kernel_size, layer.stride, layer.padding, layer.dilation
    )
    h, w = pair_of(layer.kernel_size)
    own, filters = x.shape[-1] // layer.groups, layer.filters // layer.groups
    kernel = weight.reshape(len(x), h, w, own, layer.filters)
    y, dx, d_kernel = (np.zeros(v.shape) for v in (dy, x, kernel))
    y += bias[:, :, None, None]
    for k, n in np.ndindex(x.shape[:2]):
        for (a, b, i, j, row, column), c, f in product(
            places, range(own), range(layer.filters)
        ):
            channel = f // filters * own + c
            y[k, n, a, b, f] += x[k, n, row, column, channel] * kernel[k, i, j, c, f]
            grad = dy[k, n, a, b, f]
            d_kernel[k, i, j, c, f] += x[k, n, row, column, channel] * grad
            dx[k, n, row, column, channel] += kernel[k, i, j, c, f] * grad
    return y, d_kernel.reshape(weight.shape), dx


def elements_of_windows(x, size, stride=None):
    """Lists of places in x, for each element of the output of a pool."""
    stride = size if stride is None else stride
    (n_rows, n_columns), places = places_of(x.shape[2:], size, stride)
    shape = (*x.shape[:2], n_rows, n_columns, x.shape[-1])
    found = {at: [] for at in np.ndindex(shape)}
    for k, n, c in np.ndindex((*x.shape[:2], x.shape[-1])):
        for a, b, _, _, row, column in places:
            found[k, n, a, b, c].append((k, n, row, column, c))
    return shape, found


class Placed:
    """A layer with parameters, images (K, B, H, W, C) and buffers for both passes."""

    def __init__(self, layer, x, theta=None, seed=0):
        rng = np.random.default_rng(seed)
        declaration = Declaration(at_input=False)
        self.layer, self.x = layer, x
        self.shape = layer.build(declaration, x.shape[2:])
        self.layout = Layout(declaration)
        if theta is None:
            theta = rng.normal(size=(len(x), self.layout.n_parameters))
            theta = theta.astype(x.dtype)
        self.views = self.layout.bind(theta)
        self.dy = rng.normal(size=(*x.shape[:2], *self.shape)).astype(x.dtype)
        grad = np.empty((len(theta), self.layout.n_trainable), theta.dtype, like=theta)
        grad.fill(np.nan)
        self.theta, self.grad, self.gradients = theta, grad, self.layout.bind(grad)
        workspace = Workspace(declaration, len(theta), theta.dtype, True, theta)
        self.cache = workspace.cache(x.shape[1])

    def forward(self, training=None):
        """The output, in a buffer."""
        return self.layer.forward(self.views, self.x, self.cache, training)

    def backward(self, dy=None):
        """The gradient of the images, in a buffer."""
        dy = self.dy.copy() if dy is None else dy
        return self.layer.backward(self.views, self.gradients, dy, self.cache)


def images(*shape, dtype=np.float64, seed=1):
    """Normal numbers."""
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def placed(layer, *shape, dtype=np.float64, seed=0, training=None):
    """A layer on random images, with its output ``y`` and both gradients."""
    case = Placed(layer, images(*shape, dtype=dtype, seed=seed + 1), seed=seed)
    case.y = case.forward(training).copy()
    case.dx = case.backward().copy()
    return case
