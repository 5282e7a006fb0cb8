r"""The convolution of images with filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet._windows import (
    Pair,
    Windows,
    convolve,
    filter_gradient,
    image_gradient,
)
from sknet.fields import flag, part, real, whole
from sknet.initializers import INITIALIZERS, GlorotUniform, Initializer
from sknet.network.layers._base import Layer, Training, ones_for, rows_of
from sknet.network.layers.dense import adapt_products
from sknet.network.layers.window_fields import image_shape, padding, pair, windows_of
from sknet.network.layout import DECAYED, FREE, Declaration, Shape


@dataclass(frozen=True, repr=False)
class Conv2D(Layer):
    r"""A convolution: the same affine map from each window of an image to its filters.

    .. math:: y_{abf} = s \sum_{ijc} x_{at + id - p,\; bt + jd - p,\; c}\, W_{ijcf}
              + b_f

    with stride :math:`t`, dilation :math:`d`, :math:`p` rows and columns of zeros
    around the image, and the fixed factor :math:`s` of the initializer, which is 1 for
    most. An axis of n positions has :math:`\lfloor (n + 2p - r) / t \rfloor + 1`
    windows, where a window of f positions reaches over :math:`r = (f - 1) d + 1`.

    Parameters
    ----------
    filters : int
        Number of filters, which are the channels of the output.
    kernel_size : int or tuple of two int, default=3
        Height and width of a window, in positions; one number for both.
    stride : int or tuple of two int, default=1
        Distance of neighbouring windows.
    padding : {"valid", "same", "full"}, int or tuple of two int, default="valid"
        The zeros around an image. "valid": none. "same": as many as give
        :math:`\lceil n / t \rceil` windows, on both sides the same number, or one more
        behind the image. "full": all windows that contain an element of the image.
        A number :math:`p`: that many on each side.
    dilation : int or tuple of two int, default=1
        Distance of neighbouring positions in a window.
    groups : int, default=1
        Number of groups of channels and of filters. A filter has weights only for the
        channels of its own group. It must divide both numbers.
    gain : float, default=1.0
        Gain of the activation that follows, for the initial weights.
    initializer : Initializer, default=GlorotUniform()
        Draws the initial weights. A filter has ``h * w * channels / groups`` inputs;
        an element of the image is an input of ``h * w * filters / groups`` windows.
    use_bias : bool, default=True
        Whether there is a :math:`b`.
    bias : Initializer, optional
        Draws the initial biases; by default ``initializer.for_bias()``.

    Notes
    -----
    The filters are columns of the matrix ``weight``; its rows are the positions of a
    window, line by line, with the channels of a position side by side. As all libraries
    of neural networks, it does not turn the filters around.

    Pullback: the gradient of a weight is the sum over all its places,
    :math:`dW_{ijcf} = s \sum_{ab} x_{at+id-p,\,bt+jd-p,\,c}\, dy_{abf}`; an element of
    the image gets from each of its windows :math:`s\, dy_{abf} W_{ijcf}`.

    References
    ----------
    .. [1] Y. LeCun et al., "Gradient-based learning applied to document recognition",
       Proceedings of the IEEE 86, 1998.
    """

    filters: int = whole(1, "[1, inf)")
    kernel_size: int | Pair = pair(3, 1)
    stride: int | Pair = pair(1, 1)
    padding: str | int | Pair = padding("valid")
    dilation: int | Pair = pair(1, 1)
    groups: int = whole(1, "[1, inf)")
    gain: float = real(1.0, "(0, inf)")
    initializer: Initializer = part(GlorotUniform(), INITIALIZERS)
    use_bias: bool = flag(True)
    bias: Initializer | None = None

    def windows(self, shape: Shape) -> Windows:
        """Return the windows of images of shape (height, width, channels)."""
        return windows_of(self, shape, self.kernel_size, self.padding, self.dilation)

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare ``weight`` (h * w * channels / groups, filters) and ``bias``."""
        height, width, n_channels = image_shape(self, shape)
        if n_channels % self.groups or self.filters % self.groups:
            raise ValueError(
                f"{self!r}: {n_channels} channels and {self.filters} filters cannot be "
                f"divided into groups={self.groups} equal groups. Use groups=1, or a "
                "number that divides both."
            )
        windows = self.windows(shape)
        area = windows.size[0] * windows.size[1]
        n_in, n_out = (
            area * n_channels // self.groups,
            area * self.filters // self.groups,
        )
        fan, each = (n_in, n_out), (n_in, self.filters)
        counts = windows.counts(height, width)
        declare.parameter(
            *("weight", each, DECAYED, self.initializer, fan, self.gain),
            n_places=counts[0] * counts[1],
        )
        if self.use_bias:
            draw = self.bias or self.initializer.for_bias()
            declare.parameter("bias", (1, self.filters), FREE, draw, fan, self.gain)
        out = (*counts, self.filters)
        declare.buffer("y", out)
        if not declare.at_input:
            declare.buffer("dx", shape, training=True)
        return out

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return ``s x * W + b``."""
        del training
        cache.x, y = x, rows_of(cache.y)
        convolve(x, p.weight, self.windows(x.shape[2:]), self.groups, out=cache.y)
        if self.initializer.rescales:
            y *= self.initializer.scale(p.weight.shape[-2:])
        if self.use_bias:
            y += p.bias
        out: Array = cache.y
        return out

    def adapt(self, p: Any, x: Any, cache: Any, weight: Array) -> Array:
        """Scale pre-activations to deviation one if the initializer adapts."""
        return adapt_products(self, p, x, cache, weight)

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array | None:
        """Write both gradients; return ``dx`` unless at the network's input."""
        d, windows = rows_of(dy), self.windows(cache.x.shape[2:])
        if self.use_bias:
            np.matmul(ones_for(d, cache), d, out=grad.bias)
        if self.initializer.rescales:
            dy *= self.initializer.scale(p.weight.shape[-2:])  # d may be a copy
        filter_gradient(cache.x, dy, windows, self.groups, out=grad.weight)
        dx: Array | None = getattr(cache, "dx", None)
        if dx is not None:
            image_gradient(dy, p.weight, windows, self.groups, out=dx)
        return dx
