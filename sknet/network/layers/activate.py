"""Activation layers: a fixed activation, and one blended with its input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.activations import Activation, Blend
from sknet.initializers import Constant
from sknet.network.layers._base import Layer, Training, ones_for, rows_of
from sknet.network.layout import FREE, Declaration, Shape


@dataclass(frozen=True, repr=False)
class Activate(Layer):
    """An activation layer, elementwise or joining neighbouring columns.

    Parameters
    ----------
    activation : Activation
        The function and its pullback.
    in_place : bool, default=False
        Whether the output may overwrite the input. This is correct after a dense layer,
        which no longer needs its output, but wrong if another layer also reads the
        input. It saves a buffer and its memory traffic.
    """

    activation: Activation
    in_place: bool = False

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare scratch, and an output buffer unless the input is overwritten."""
        out = (*shape[:-1], self.activation.n_outputs(shape[-1]))
        if out != shape or not self.in_place or self.activation.needs_input:
            declare.buffer("out", out)
        if out != shape:
            declare.buffer("wide", shape, training=True)
        activation = self.activation
        only_training = not activation.forward_scratch
        declare.scratch("scratch", shape, activation.n_scratch, only_training)
        return out

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return ``f(x)``."""
        del p, training
        a: Array = getattr(cache, "out", x)
        self.activation.forward(x, a, cache.scratch)
        cache.z, cache.a = x, a
        return a

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Turn ``dy`` into ``dx``, in place if both have the same number of columns."""
        del p, grad
        wide: Array | None = getattr(cache, "wide", None)
        if wide is not None:
            joined = wide.reshape(*dy.shape, -1)
            joined[...] = dy[..., None]
            dy = wide
        self.activation.backward(cache.z, cache.a, dy, cache.scratch)
        return dy


@dataclass(frozen=True, repr=False)
class Mix(Layer):
    r"""An activation mixed with its input, with a trainable share for each unit.

    .. math:: y = x + m (f(x) - x)

    Parameters
    ----------
    activation : Activation
        The function :math:`f`.
    initial : float, default=1.0
        Initial value of the shares :math:`m`.

    Notes
    -----
    Pullback: :math:`dm = \sum dy\, (f(x) - x)`, summed over rows, and
    :math:`dx = (1 - m)\, dy + m f'(x)\, dy`.
    """

    activation: Activation
    initial: float = 1.0

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare the shares ``mix`` (1, n_in) and four buffers."""
        initial, n_in = Constant(self.initial), shape[-1]
        declare.parameter("mix", (1, n_in), FREE, initial, (n_in, n_in))
        declare.buffer("a", shape)
        declare.buffer("out", shape)
        declare.scratch("scratch", shape, self.activation.n_scratch)
        declare.buffer("kept", shape, training=True)
        return shape

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return ``x + mix * (f(x) - x)``."""
        del training
        out: Array = cache.out
        self.activation.forward(x, cache.a, cache.scratch)
        np.subtract(cache.a, x, out=out)
        shares = rows_of(out)
        shares *= p.mix
        out += x
        cache.z = x
        return out

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Write the gradient of the shares; turn ``dy`` into ``dx`` in place."""
        kept: Array = cache.kept
        np.subtract(cache.a, cache.z, out=kept)
        kept *= dy
        rows = rows_of(kept)
        np.matmul(ones_for(rows, cache), rows, out=grad.mix)
        np.multiply(rows_of(dy), p.mix, out=rows)
        dy -= kept
        self.activation.backward(cache.z, cache.a, kept, cache.scratch)
        dy += kept
        return dy


def activation_layer(activation: Activation, in_place: bool = False) -> Layer:
    """Return the layer for an activation.

    Parameters
    ----------
    activation : Activation
        The activation; a blend gets trainable shares.
    in_place : bool, default=False
        See :class:`Activate`.

    Returns
    -------
    layer : Layer
        ``Mix`` for a blend, otherwise ``Activate``.
    """
    if isinstance(activation, Blend):
        return Mix(activation.function, activation.initial)
    return Activate(activation, in_place)
