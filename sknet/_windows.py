"""Windows of images, and convolution as named operations, with its pullbacks.

An image has the axes (height, width, channels). An element of the output depends on one
window of the image, so that the output is an image, too.

In NumPy, a convolution is a product of matrices: the windows of some images are copied
to the rows of a matrix that stays in the cache. Compiled code reads them in place.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from sknet._numerics import Array
from sknet._operations import perform


# Elements of the largest matrix that holds copies of windows, if one row of windows of
# one image has no more.
_MOST_ELEMENTS = 2**17

Pair = tuple[int, int]


class Windows(NamedTuple):
    """The windows of an image.

    Parameters
    ----------
    size : tuple of two int
        Numbers of positions along the height and the width of a window.
    stride : tuple of two int, default=(1, 1)
        Distances of neighbouring windows.
    before, after : tuple of two int, default=(0, 0)
        Rows and columns of zeros above and to the left of the image, and below and to
        the right of it.
    dilation : tuple of two int, default=(1, 1)
        Distances of neighbouring positions in a window.
    """

    size: Pair
    stride: Pair = (1, 1)
    before: Pair = (0, 0)
    after: Pair = (0, 0)
    dilation: Pair = (1, 1)

    @property
    def reach(self) -> Pair:
        """Height and width of a window, with the gaps in it."""
        (h, w), (dh, dw) = self.size, self.dilation
        return (h - 1) * dh + 1, (w - 1) * dw + 1

    def counts(self, height: int, width: int) -> Pair:
        """Return the numbers of windows along the height and the width of an image."""
        image = zip((height, width), self.before, self.after, strict=True)
        padded = [n + before + after for n, before, after in image]
        axes = zip(padded, self.reach, self.stride, strict=True)
        rows, columns = [(n - reach) // step + 1 for n, reach, step in axes]
        return rows, columns

    def covered(self, counts: Pair) -> Pair:
        """Return height and width of the part of a padded image that windows cover."""
        axes = zip(counts, self.stride, self.reach, strict=True)
        rows, columns = [(n - 1) * step + reach for n, step, reach in axes]
        return rows, columns

    @property
    def words(self) -> tuple[int, ...]:
        """The numbers that compiled code needs."""
        return (*self.size, *self.stride, *self.before, *self.dilation)


def convolve(
    x: Array, weight: Array, windows: Windows, n_groups: int, out: Array
) -> None:
    r"""Convolve images with filters.

    .. math:: y_{abf} = \sum_{ijc} x_{a s + i d - p,\; b s + j d - p,\; c}\, w_{ijcf}

    with stride :math:`s`, dilation :math:`d` and :math:`p` rows and columns of zeros
    ``before`` the image. As in all libraries of neural networks, filters are not turned
    around: in the words of signal processing, this is a correlation.

    Parameters
    ----------
    x : ndarray of shape (K or 1, B, H, W, C)
        The images.
    weight : ndarray of shape (K, h * w * C / n_groups, F)
        The filters as columns; rows are the positions of a window, line by line, with
        the channels of a position side by side.
    windows : Windows
        The windows, of h x w positions.
    n_groups : int
        Number of groups of channels, and of filters. A filter has weights only for the
        channels of its own group.
    out : ndarray of shape (K, B, H', W', F)
        Overwritten.
    """
    compute = partial(_convolve, windows=windows, n_groups=n_groups)
    options = (n_groups, *windows.words)
    perform("convolve", compute, out, (x, weight), options=options)


def _convolve(
    out: Array, x: Array, weight: Array, windows: Windows, n_groups: int
) -> None:
    """Multiply the windows of some images at a time by the filters."""
    counts = out.shape[2:4]
    for k, images, bands in _pieces(out, x.shape[-1], windows):
        padded = _padded(x[k % len(x), images], windows, counts)
        for band in bands:
            view = _view(padded, windows, band, counts[1])
            y = out[k, images, band].reshape(-1, out.shape[-1])
            for channels, filters in _groups(x.shape[-1], out.shape[-1], n_groups):
                rows = view[..., channels].reshape(len(y), -1)
                np.matmul(rows, weight[k, :, filters], out=y[:, filters])


def filter_gradient(
    x: Array, dy: Array, windows: Windows, n_groups: int, out: Array
) -> None:
    """Write the gradient of a convolution with respect to the filters.

    Parameters
    ----------
    x, windows, n_groups
        As in :func:`convolve`.
    dy : ndarray of shape (K, B, H', W', F)
        Gradient with respect to the output.
    out : ndarray of shape (K, h * w * C / n_groups, F)
        Overwritten.
    """
    compute = partial(_filter_gradient, windows=windows, n_groups=n_groups)
    options = (n_groups, *windows.words)
    perform("filter_gradient", compute, out, (x, dy), options=options)


def _filter_gradient(
    out: Array, x: Array, dy: Array, windows: Windows, n_groups: int
) -> None:
    """Sum the gradients over all places of a filter, in all images."""
    out[...] = 0.0
    counts = dy.shape[2:4]
    for k, images, bands in _pieces(dy, x.shape[-1], windows):
        padded = _padded(x[k % len(x), images], windows, counts)
        for band in bands:
            view = _view(padded, windows, band, counts[1])
            d = dy[k, images, band].reshape(-1, dy.shape[-1])
            for channels, filters in _groups(x.shape[-1], dy.shape[-1], n_groups):
                rows = view[..., channels].reshape(len(d), -1)
                out[k, :, filters] += rows.T @ d[:, filters]


def image_gradient(
    dy: Array, weight: Array, windows: Windows, n_groups: int, out: Array
) -> None:
    """Write the gradient of a convolution with respect to the images.

    Parameters
    ----------
    dy : ndarray of shape (K, B, H', W', F)
        Gradient with respect to the output.
    weight, windows, n_groups
        As in :func:`convolve`.
    out : ndarray of shape (K, B, H, W, C)
        Overwritten.
    """
    compute = partial(_image_gradient, windows=windows, n_groups=n_groups)
    options = (n_groups, *windows.words)
    perform("image_gradient", compute, out, (dy, weight), options=options)


def _image_gradient(
    out: Array, dy: Array, weight: Array, windows: Windows, n_groups: int
) -> None:
    """Add what each window gets from the filters, position by position."""
    counts, n_channels = dy.shape[2:4], out.shape[-1]
    for k, images, bands in _pieces(dy, n_channels, windows):
        image = out[k, images]
        padded = np.zeros(_padded_shape(image, windows, counts), dtype=out.dtype)
        for band in bands:
            view = _view(padded, windows, band, counts[1])
            d = dy[k, images, band].reshape(-1, dy.shape[-1])
            for channels, filters in _groups(n_channels, dy.shape[-1], n_groups):
                rows = d[:, filters] @ weight[k, :, filters].T
                rows = rows.reshape(view[..., channels].shape)
                for i, j in np.ndindex(*windows.size):
                    view[:, :, :, i, j, channels] += rows[:, :, :, i, j]
        image[...] = 0.0
        inside, here = _inside(image, windows, counts)
        image[here] = padded[inside]


def _pieces(
    y: Array, n_channels: int, windows: Windows
) -> Iterator[tuple[int, slice, list[slice]]]:
    """Iterate over members, slices of their images, and bands of rows of the output.

    The windows of a band of some images have few elements.
    """
    n_members, n_images, n_rows, n_columns, _ = y.shape
    of_row = n_columns * n_channels * windows.size[0] * windows.size[1]
    height = max(1, min(n_rows, _MOST_ELEMENTS // of_row))
    n_at_once = max(1, _MOST_ELEMENTS // (of_row * n_rows))
    bands = [slice(i, min(i + height, n_rows)) for i in range(0, n_rows, height)]
    for k in range(n_members):
        for i in range(0, n_images, n_at_once):
            yield k, slice(i, i + n_at_once), bands


def _groups(
    n_channels: int, n_filters: int, n_groups: int
) -> Iterator[tuple[slice, slice]]:
    """Iterate over the channels and the filters of each group."""
    channels, filters = n_channels // n_groups, n_filters // n_groups
    for g in range(n_groups):
        yield (
            slice(g * channels, (g + 1) * channels),
            slice(g * filters, (g + 1) * filters),
        )


def _padded_shape(images: Array, windows: Windows, counts: Pair) -> tuple[int, ...]:
    """Return the shape of padded images, of which only what windows cover is needed."""
    return (len(images), *windows.covered(counts), images.shape[-1])


def _inside(images: Array, windows: Windows, counts: Pair) -> tuple[Any, Any]:
    """Return where images are in their padded copies, and which part of them."""
    inside, here = [slice(None)], [slice(None)]
    axes = zip(images.shape[1:3], windows.before, windows.covered(counts), strict=True)
    for length, before, covered in axes:
        n = max(0, min(length, covered - before))
        inside.append(slice(before, before + n))
        here.append(slice(0, n))
    return tuple(inside), tuple(here)


def _padded(images: Array, windows: Windows, counts: Pair) -> Array:
    """Return images with zeros around them; without a copy if there are none."""
    shape = _padded_shape(images, windows, counts)
    fits = all(n <= m for n, m in zip(shape[1:3], images.shape[1:3], strict=True))
    if windows.before == (0, 0) and fits:
        return images
    padded = np.zeros(shape, dtype=images.dtype)
    inside, here = _inside(images, windows, counts)
    padded[inside] = images[here]
    return padded


def _view(padded: Array, windows: Windows, band: slice, n_columns: int) -> Array:
    """View the windows of a band of rows, (B, rows, columns, h, w, channels)."""
    step, (sh, sw), (dh, dw) = padded.strides, windows.stride, windows.dilation
    first = padded[:, band.start * sh :]
    return as_strided(
        first,
        (
            len(padded),
            band.stop - band.start,
            n_columns,
            *windows.size,
            padded.shape[-1],
        ),
        (step[0], sh * step[1], sw * step[2], dh * step[1], dw * step[2], step[3]),
    )
