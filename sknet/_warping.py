"""Warping of images as a named operation, with its pullback: the same for all channels.

A warped image is a linear map of the image: a pixel of the output is made from those
around one place of the input, and is zero if that place is outside, or if the pixel is
in a rectangle of zeros.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from sknet._numerics import Array
from sknet._operations import perform
from sknet._windows import Windows


# What is known of each image, as columns: cosine and sine of the angle, -1.0 if it is
# mirrored, otherwise 1.0, by how many rows and columns it moves, and the first row of
# the zeros, the row behind them, the first column, and the column behind them. Compiled
# code has the same list.
COSINE, SINE, MIRROR, DOWN, RIGHT, TOP, BOTTOM, LEFT, END = range(9)
N_MOVES = 9
# Elements of images that are warped at once, if one image has no more.
_MOST_ELEMENTS = 2**16


def warp(x: Array, moves: Array, windows: Windows, out: Array) -> None:
    r"""Mirror, turn, and move images, and set a rectangle to zero.

    .. math:: y_{ab} = \sum_{ij} w_i(r)\, w_j(c)\, x_{\lfloor r \rfloor + i,\,
              \lfloor c \rfloor + j}, \qquad w_0(r) = 1 - (r - \lfloor r \rfloor),
              \quad w_1(r) = r - \lfloor r \rfloor

    which is bilinear interpolation at the place that comes to row a and column b: with
    the distances :math:`u, v` from the image's centre :math:`(m, n)`, moved down and
    right by :math:`(d, e)`, and with :math:`f = -1` in a mirrored image,

    .. math:: u = a - m - d, \quad v = b - n - e, \quad
              r = u \cos t + v \sin t + m, \quad
              c = f\, (v \cos t - u \sin t) + n

    Parameters
    ----------
    x : ndarray of shape (K or 1, B, H, W, C)
        The images; there are zeros around them.
    moves : ndarray of shape (K, B, 9)
        What is done to each image; see the top of the module.
    windows : Windows
        Of 2 x 2 positions; or of a single one, without interpolation, which requires
        that images are not turned and move by whole numbers.
    out : ndarray of shape (K, B, H, W, C)
        Overwritten.
    """
    compute = partial(_warp, windows=windows)
    perform("warp", compute, out, (x, moves), options=(1, *windows.words))


def _warp(out: Array, x: Array, moves: Array, windows: Windows) -> None:
    """Add up what each pixel gets from the places around its own."""
    out[...] = 0.0
    for k, some in _pieces(out):
        images, y = x[k % len(x), some], out[k, some]
        pixels = images.reshape(-1, images.shape[-1])
        for places, weight, inside in _neighbours(moves[k, some], windows, y.shape):
            part = np.take(pixels, places, axis=0)
            part[~inside] = 0.0
            part *= weight[..., None]
            y += part


def warp_gradient(dy: Array, moves: Array, windows: Windows, out: Array) -> None:
    """Write the gradient of :func:`warp` with respect to the images.

    Parameters
    ----------
    dy : ndarray of shape (K, B, H, W, C)
        Gradient with respect to the output.
    moves, windows
        As in :func:`warp`.
    out : ndarray of shape (K, B, H, W, C), contiguous
        Overwritten.
    """
    compute = partial(_warp_gradient, windows=windows)
    perform("warp_gradient", compute, out, (dy, moves), options=(1, *windows.words))


def _warp_gradient(out: Array, dy: Array, moves: Array, windows: Windows) -> None:
    """Give the gradient of each pixel to the places that it was made from."""
    out[...] = 0.0
    for k, some in _pieces(out):
        given = dy[k, some]
        pixels = out[k, some].reshape(-1, out.shape[-1])  # a view
        for places, weight, inside in _neighbours(moves[k, some], windows, given.shape):
            part = given * weight[..., None]
            np.add.at(pixels, places[inside], part[inside])


def _pieces(out: Array) -> Iterator[tuple[int, slice]]:
    """Iterate over members, and slices of their images that have few elements."""
    n_at_once = max(1, _MOST_ELEMENTS // max(1, out[0, :1].size))
    for k in range(len(out)):
        for i in range(0, out.shape[1], n_at_once):
            yield k, slice(i, i + n_at_once)


def _neighbours(
    moves: Array, windows: Windows, shape: tuple[int, ...]
) -> Iterator[tuple[Array, Array, Array]]:
    """Iterate over the positions around the place that each pixel is made from.

    Parameters
    ----------
    moves : ndarray of shape (B, 9)
        What is done to each image.
    windows : Windows
        As in :func:`warp`.
    shape : tuple of int
        The shape of the images, (B, H, W, C).

    Yields
    ------
    places : ndarray of int, of shape (B, H, W)
        Numbers of pixels, of which the next image has the next ones.
    weight : ndarray of shape (B, H, W)
        Their weights.
    inside : ndarray of bool, of shape (B, H, W)
        Whether there is a pixel; otherwise the output gets nothing.
    """
    n_images, height, width = shape[:3]
    column = [moves[:, j, None, None] for j in range(N_MOVES)]
    a = np.arange(height, dtype=moves.dtype)[:, None]
    b = np.arange(width, dtype=moves.dtype)
    m, n = 0.5 * (height - 1), 0.5 * (width - 1)
    u, v = a - m - column[DOWN], b - n - column[RIGHT]
    row = column[COSINE] * u + column[SINE] * v + m
    place = column[MIRROR] * (column[COSINE] * v - column[SINE] * u) + n
    is_zero = (a >= column[TOP]) & (a < column[BOTTOM])
    is_zero = is_zero & (b >= column[LEFT]) & (b < column[END])
    first, left = np.floor(row), np.floor(place)
    shares = [_shares(row - first, windows.size[0])]
    shares.append(_shares(place - left, windows.size[1]))
    start = height * width * np.arange(n_images)[:, None, None]
    for i, j in np.ndindex(*windows.size):
        r, c = first + i, left + j
        inside = (r >= 0) & (r < height) & (c >= 0) & (c < width) & ~is_zero
        places = np.where(inside, r, 0).astype(np.intp) * width
        places += np.where(inside, c, 0).astype(np.intp)
        yield places + start, shares[0][i] * shares[1][j], inside


def _shares(fraction: Array, n: int) -> tuple[Array, ...]:
    """Return the weights of n neighbours along an axis; one has the whole weight."""
    if n == 1:
        return (np.ones_like(fraction),)
    return 1.0 - fraction, fraction
