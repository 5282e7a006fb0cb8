"""Max pooling: the largest element of each window of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sknet._numerics import Array
from sknet._pooling import max_pool, max_pool_gradient
from sknet._windows import Pair, Windows
from sknet.network.layers._base import Layer, Training
from sknet.network.layers.window_fields import image_shape, pair, windows_of
from sknet.network.layout import Declaration, Shape


@dataclass(frozen=True, repr=False)
class MaxPool(Layer):
    r"""The largest element of each window, channel by channel.

    .. math:: y_{abc} = \max_{ij} x_{at + i,\; bt + j,\; c}

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
    Pullback: the gradient goes to the largest element, to the first of several.
    """

    size: int | Pair = pair(2, 1)
    stride: int | Pair | None = pair(None, 1)

    def windows(self, shape: Shape) -> Windows:
        """Return the windows of images of shape (height, width, channels)."""
        return windows_of(self, shape, self.size)

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare the output, the gradient, and two buffers for the pullback."""
        height, width, n_channels = image_shape(self, shape)
        out = (*self.windows(shape).counts(height, width), n_channels)
        declare.buffer("y", out)
        declare.buffer("dx", shape, training=True)
        declare.scratch("scratch", out, 2, training=True)
        return out

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return the largest elements."""
        del p, training
        cache.x, cache.windows = x, self.windows(x.shape[2:])
        max_pool(x, cache.windows, out=cache.y)
        y: Array = cache.y
        return y

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Return ``dy`` at the largest elements, and zeros."""
        del p, grad
        max_pool_gradient(
            cache.x, cache.y, dy, cache.windows, out=cache.dx, scratch=cache.scratch
        )
        dx: Array = cache.dx
        return dx
