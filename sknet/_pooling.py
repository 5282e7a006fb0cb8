"""Pooling as named operations, with its pullbacks.

Windows have neither padding nor gaps. In NumPy, a loop over the positions in a window
reads the elements that all windows have at that position at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from sknet._numerics import Array
from sknet._operations import perform
from sknet._windows import Windows


def max_pool(x: Array, windows: Windows, out: Array) -> None:
    """Write the largest element of each window and channel.

    Parameters
    ----------
    x : ndarray of shape (K, B, H, W, C)
        The images.
    windows : Windows
        The windows, without padding.
    out : ndarray of shape (K, B, H', W', C)
        Overwritten.
    """
    compute = partial(_max_pool, windows=windows)
    perform("max_pool", compute, out, (x,), options=(1, *windows.words))


def _max_pool(out: Array, x: Array, windows: Windows) -> None:
    """Take maxima, position by position."""
    first, *others = _positions(x, windows, out)
    out[...] = first
    for part in others:
        np.maximum(out, part, out=out)


def max_pool_gradient(
    x: Array, y: Array, dy: Array, windows: Windows, out: Array, scratch: Array
) -> None:
    """Write the gradient of :func:`max_pool`: it goes to the first largest element.

    Parameters
    ----------
    x, windows
        As in :func:`max_pool`.
    y : ndarray of shape (K, B, H', W', C)
        Its output.
    dy : ndarray of shape (K, B, H', W', C)
        Gradient with respect to the output.
    out : ndarray of shape (K, B, H, W, C)
        Overwritten.
    scratch : ndarray of shape (2, K, B, H', W', C)
        Overwritten.
    """
    compute = partial(_max_pool_gradient, windows=windows)
    options = (1, *windows.words)
    perform("max_pool_gradient", compute, out, (x, y, dy), (scratch,), options)


def _max_pool_gradient(
    out: Array,
    x: Array,
    y: Array,
    dy: Array,
    scratch: Array | None = None,
    *,
    windows: Windows,
) -> None:
    """Add gradients to the elements that equal the maximum, unless one did before."""
    scratch = np.empty((2, *y.shape), dtype=y.dtype) if scratch is None else scratch
    is_open, is_largest = scratch
    is_open[...] = 1.0
    out[...] = 0.0
    positions = zip(_positions(x, windows, y), _positions(out, windows, y), strict=True)
    for part, grad in positions:
        np.equal(part, y, out=is_largest)
        is_largest *= is_open
        is_open -= is_largest
        is_largest *= dy
        grad += is_largest


def mean_pool(x: Array, windows: Windows, out: Array) -> None:
    """Write the mean of each window and channel; parameters as :func:`max_pool`."""
    compute = partial(_mean_pool, windows=windows)
    perform("mean_pool", compute, out, (x,), options=(1, *windows.words))


def _mean_pool(out: Array, x: Array, windows: Windows) -> None:
    """Add the elements, position by position."""
    out[...] = 0.0
    for part in _positions(x, windows, out):
        out += part
    out *= out.dtype.type(1.0 / (windows.size[0] * windows.size[1]))


def mean_pool_gradient(dy: Array, windows: Windows, out: Array) -> None:
    """Write the gradient of :func:`mean_pool`: equal parts for all elements.

    Parameters
    ----------
    dy : ndarray of shape (K, B, H', W', C)
        Gradient with respect to the output; overwritten.
    windows : Windows
        The windows.
    out : ndarray of shape (K, B, H, W, C)
        Overwritten.
    """
    compute = partial(_mean_pool_gradient, windows=windows)
    dy *= dy.dtype.type(1.0 / (windows.size[0] * windows.size[1]))
    perform("mean_pool_gradient", compute, out, (dy,), options=(1, *windows.words))


def _mean_pool_gradient(out: Array, dy: Array, windows: Windows) -> None:
    """Add the gradients, position by position."""
    out[...] = 0.0
    for grad in _positions(out, windows, dy):
        grad += dy


def drawn_pool(
    x: Array, noise: Array, windows: Windows, out: Array, scratch: Array
) -> None:
    """Write an element of each window and channel, drawn in proportion to its size.

    Negative elements count as zeros. If there are only zeros, so is the result.

    Parameters
    ----------
    x, windows, out
        As in :func:`max_pool`.
    noise : ndarray of shape (K, B, H', W', C)
        Uniform numbers in [0, 1): the first element is chosen for which the sum of the
        elements up to it is larger than this share of the sum of all.
    scratch : ndarray of shape (4, K, B, H', W', C)
        Overwritten.
    """
    compute = partial(_drawn_pool, windows=windows)
    options = (1, *windows.words)
    perform("drawn_pool", compute, out, (x, noise), (scratch,), options)


def _drawn_pool(
    out: Array,
    x: Array,
    noise: Array,
    scratch: Array | None = None,
    *,
    windows: Windows,
) -> None:
    """Add up the chosen elements."""
    out[...] = 0.0
    for part, is_chosen in _drawn(x, noise, windows, scratch):
        is_chosen *= part
        out += is_chosen


def drawn_pool_gradient(
    x: Array, noise: Array, dy: Array, windows: Windows, out: Array, scratch: Array
) -> None:
    """Write the gradient of :func:`drawn_pool`: it goes to the chosen elements."""
    compute = partial(_drawn_pool_gradient, windows=windows)
    options = (1, *windows.words)
    perform("drawn_pool_gradient", compute, out, (x, noise, dy), (scratch,), options)


def _drawn_pool_gradient(
    out: Array,
    x: Array,
    noise: Array,
    dy: Array,
    scratch: Array | None = None,
    *,
    windows: Windows,
) -> None:
    """Add gradients to the chosen elements."""
    out[...] = 0.0
    chosen = _drawn(x, noise, windows, scratch)
    for grad, (_, is_chosen) in zip(_positions(out, windows, dy), chosen, strict=True):
        is_chosen *= dy
        grad += is_chosen


def _drawn(
    x: Array, noise: Array, windows: Windows, scratch: Array | None
) -> Iterator[tuple[Array, Array]]:
    """Iterate over elements of windows, and ones where they are chosen, else zeros."""
    scratch = np.empty((4, *noise.shape), dtype=x.dtype) if scratch is None else scratch
    threshold, so_far, before, is_chosen = scratch
    threshold[...] = 0.0
    for part in _positions(x, windows, noise):
        np.maximum(part, 0.0, out=so_far)
        threshold += so_far
    threshold *= noise
    so_far[...] = 0.0
    before[...] = 0.0
    for part in _positions(x, windows, noise):
        np.maximum(part, 0.0, out=is_chosen)
        so_far += is_chosen
        np.greater(so_far, threshold, out=is_chosen)
        is_chosen -= before
        before += is_chosen
        yield part, is_chosen


def weighted_pool(x: Array, windows: Windows, out: Array, scratch: Array) -> None:
    r"""Write the mean of each window and channel, weighted by the elements themselves.

    .. math:: y = \sum_i x_i^2 / \sum_i x_i

    over its positive elements; zero if there are none. This is the expectation of
    :func:`drawn_pool`.

    Parameters
    ----------
    x, windows, out
        As in :func:`max_pool`.
    scratch : ndarray of shape (2, K, B, H', W', C)
        Overwritten.
    """
    compute = partial(_weighted_pool, windows=windows)
    options = (1, *windows.words)
    perform("weighted_pool", compute, out, (x,), (scratch,), options)


def _weighted_pool(
    out: Array, x: Array, scratch: Array | None = None, *, windows: Windows
) -> None:
    """Write the weighted means."""
    scratch = np.empty((2, *out.shape), dtype=x.dtype) if scratch is None else scratch
    total, positive = scratch
    _sum_of_positive(x, windows, total, positive)
    out[...] = 0.0
    for part in _positions(x, windows, out):
        np.maximum(part, 0.0, out=positive)
        positive /= total
        positive *= part
        out += positive


def weighted_pool_gradient(
    x: Array, y: Array, dy: Array, windows: Windows, out: Array, scratch: Array
) -> None:
    r"""Write the gradient of :func:`weighted_pool`.

    .. math:: dx_i = dy\, (2 x_i - y) / \sum_j x_j

    for positive elements, and zero for others.
    """
    compute = partial(_weighted_pool_gradient, windows=windows)
    options = (1, *windows.words)
    perform("weighted_pool_gradient", compute, out, (x, y, dy), (scratch,), options)


def _weighted_pool_gradient(
    out: Array,
    x: Array,
    y: Array,
    dy: Array,
    scratch: Array | None = None,
    *,
    windows: Windows,
) -> None:
    """Add the gradients, position by position."""
    scratch = np.empty((2, *y.shape), dtype=x.dtype) if scratch is None else scratch
    total, part_of = scratch
    _sum_of_positive(x, windows, total, part_of)
    out[...] = 0.0
    positions = zip(_positions(x, windows, y), _positions(out, windows, y), strict=True)
    for part, grad in positions:
        np.multiply(part, 2.0, out=part_of)
        part_of -= y
        part_of /= total
        part_of *= dy
        np.add(grad, part_of, out=grad, where=part > 0.0)


def _sum_of_positive(x: Array, windows: Windows, total: Array, scratch: Array) -> None:
    """Write the sum of the positive elements of windows; one if there are none."""
    total[...] = 0.0
    for part in _positions(x, windows, total):
        total += np.maximum(part, 0.0, out=scratch)
    np.copyto(total, 1.0, where=total == 0.0)


def _positions(x: Array, windows: Windows, like: Array) -> Iterator[Array]:
    """Iterate over the elements that windows have at each position, line by line."""
    (rows, columns), (sh, sw) = like.shape[2:4], windows.stride
    for i, j in np.ndindex(*windows.size):
        yield x[
            :, :, i : i + (rows - 1) * sh + 1 : sh, j : j + (columns - 1) * sw + 1 : sw
        ]
