"""Stochastic pooling: an element of each window, drawn in proportion to its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sknet._numerics import Array
from sknet._pooling import (
    drawn_pool,
    drawn_pool_gradient,
    weighted_pool,
    weighted_pool_gradient,
)
from sknet._windows import Pair, Windows
from sknet.network.layers._base import Layer, Training
from sknet.network.layers.dropout import draw_uniform
from sknet.network.layers.window_fields import image_shape, pair, windows_of
from sknet.network.layout import Declaration, Shape


@dataclass(frozen=True, repr=False)
class StochasticPool(Layer):
    r"""An element of each window and channel, drawn in proportion to its size.

    In training, :math:`y = x_i` with probability :math:`x_i / \sum_j x_j`. Prediction
    takes the expectation,

    .. math:: y = \sum_i x_i^2 / \sum_j x_j

    The layer is for activations that are not negative: negative elements count as
    zeros, and a window without positive ones gives zero.

    Parameters
    ----------
    size : int or tuple of two int, default=2
        Height and width of a window, in positions.
    stride : int or tuple of two int, default=None
        Distance of neighbouring windows; None for the size of a window, so that they
        do not overlap.

    Notes
    -----
    Every member draws from its own noise stream, in the order of images, positions and
    channels. Pullback: in training, the gradient goes to the drawn element; in
    prediction, :math:`dx_i = dy\, (2 x_i - y) / \sum_j x_j` for positive elements.

    References
    ----------
    .. [1] M. D. Zeiler and R. Fergus, "Stochastic pooling for regularization of deep
       convolutional neural networks", ICLR 2013, arXiv:1301.3557.
    """

    size: int | Pair = pair(2, 1)
    stride: int | Pair | None = pair(None, 1)

    def windows(self, shape: Shape) -> Windows:
        """Return the windows of images of shape (height, width, channels)."""
        return windows_of(self, shape, self.size)

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare the output, the noise, the gradient, and scratch."""
        height, width, n_channels = image_shape(self, shape)
        out = (*self.windows(shape).counts(height, width), n_channels)
        declare.draws_noise = True
        declare.buffer("y", out)
        declare.buffer("noise", out, training=True)
        declare.buffer("dx", shape, training=True)
        declare.scratch("scratch", out, 4)
        return out

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return drawn elements, or their expectations at prediction."""
        del p
        cache.x, cache.windows = x, self.windows(x.shape[2:])
        cache.is_drawn = training is not None
        y, scratch = cache.y, cache.scratch
        if training is None:
            weighted_pool(x, cache.windows, out=y, scratch=scratch[:2])
        else:
            draw_uniform(cache.noise, training)
            drawn_pool(x, cache.noise, cache.windows, out=y, scratch=scratch)
        out: Array = y
        return out

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Return ``dy`` at the drawn elements, or the gradient of the expectation."""
        del p, grad
        x, windows, dx, scratch = cache.x, cache.windows, cache.dx, cache.scratch
        if cache.is_drawn:
            drawn_pool_gradient(x, cache.noise, dy, windows, out=dx, scratch=scratch)
        else:
            weighted_pool_gradient(x, cache.y, dy, windows, out=dx, scratch=scratch[:2])
        out: Array = dx
        return out
