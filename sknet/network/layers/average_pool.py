"""Average pooling: the mean of each window of an image, or of the whole image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sknet._numerics import Array
from sknet._pooling import mean_pool, mean_pool_gradient
from sknet._windows import Pair, Windows
from sknet.network.layers._base import Layer, Training
from sknet.network.layers.window_fields import image_shape, pair, windows_of
from sknet.network.layout import Declaration, Shape


@dataclass(frozen=True, repr=False)
class AveragePool(Layer):
    r"""The mean of each window, channel by channel.

    .. math:: y_{abc} = \frac{1}{f^2} \sum_{ij} x_{at + i,\; bt + j,\; c}

    with stride :math:`t`. An axis of n positions has :math:`\lfloor (n - f) / t \rfloor
    + 1` windows of f positions; rows and columns that are in no window are ignored.

    Parameters
    ----------
    size : int or tuple of two int, default=2
        Height and width of a window, in positions.
    stride : int or tuple of two int, default=None
        Distance of neighbouring windows; None for the size of a window, so that they
        do not overlap.

    Notes
    -----
    Pullback: each element of a window gets an equal part of the gradient.
    """

    size: int | Pair = pair(2, 1)
    stride: int | Pair | None = pair(None, 1)

    def windows(self, shape: Shape) -> Windows:
        """Return the windows of images of shape (height, width, channels)."""
        return windows_of(self, shape, self.size)

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare the output and the gradient."""
        height, width, n_channels = image_shape(self, shape)
        out = (*self.windows(shape).counts(height, width), n_channels)
        declare.buffer("y", out)
        declare.buffer("dx", shape, training=True)
        return out

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return the means."""
        del p, training
        cache.windows = self.windows(x.shape[2:])
        mean_pool(x, cache.windows, out=cache.y)
        y: Array = cache.y
        return y

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Return equal parts of ``dy``."""
        del p, grad
        mean_pool_gradient(dy, cache.windows, out=cache.dx)
        dx: Array = cache.dx
        return dx


@dataclass(frozen=True, repr=False)
class GlobalAveragePool(Layer):
    """The mean of each channel over all positions, which leaves a row of columns.

    References
    ----------
    .. [1] M. Lin, Q. Chen and S. Yan, "Network in network", ICLR 2014,
       arXiv:1312.4400.
    """

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare the output and the gradient."""
        n_channels = image_shape(self, shape)[2]
        declare.buffer("y", (n_channels,))
        declare.buffer("dx", shape, training=True)
        return (n_channels,)

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return the means."""
        del p, training
        cache.windows = Windows(x.shape[2:4], x.shape[2:4])
        y: Array = cache.y
        mean_pool(x, cache.windows, out=_as_images(y))
        return y

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Return equal parts of ``dy`` for all positions."""
        del p, grad
        mean_pool_gradient(_as_images(dy), cache.windows, out=cache.dx)
        dx: Array = cache.dx
        return dx


def _as_images(rows: Array) -> Array:
    """View rows (K, B, C) as images of one position."""
    return rows.reshape(*rows.shape[:2], 1, 1, -1)
