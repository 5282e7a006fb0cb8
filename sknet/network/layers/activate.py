"""The layers that carry an activation: a fixed one, and one blended with its input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.activations import Activation, Blend
from sknet.initializers import Constant
from sknet.network.layers._base import Layer, Training
from sknet.network.layout import FREE, Declaration


@dataclass(frozen=True, repr=False)
class Activate(Layer):
    """An activation, element by element, or joining neighbouring columns.

    Parameters
    ----------
    activation : Activation
        The function and its pullback.
    in_place : bool, default=False
        Whether the output may be written over the input. Right behind a dense layer,
        which needs its output no more; wrong where another layer reads the input too.
        It saves a buffer, and the memory traffic of one.
    """

    activation: Activation
    in_place: bool = False

    def build(self, declare: Declaration, n_in: int) -> int:
        """Declare a scratch buffer, and one for the output unless it overwrites."""
        n_out = self.activation.n_outputs(n_in)
        if n_out != n_in or not self.in_place or self.activation.needs_input:
            declare.buffer("out", n_out)
        if n_out != n_in:
            declare.buffer("wide", n_in, training=True)
        activation = self.activation
        only_training = not activation.forward_scratch
        declare.scratch("tmp", n_in, activation.n_scratch, only_training)
        return n_out

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return ``f(x)``."""
        del p, training
        a: Array = getattr(cache, "out", x)
        self.activation.forward(x, a, cache.tmp)
        cache.z, cache.a = x, a
        return a

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Turn ``dy`` into ``dx``, in place where both have as many columns."""
        del p, grad
        wide: Array | None = getattr(cache, "wide", None)
        if wide is not None:
            joined = wide.reshape(*dy.shape, -1)
            joined[...] = dy[..., None]
            dy = wide
        self.activation.backward(cache.z, cache.a, dy, cache.tmp)
        return dy


@dataclass(frozen=True, repr=False)
class Mix(Layer):
    r"""An activation mixed with its input, by a trainable share for each unit.

    .. math:: y = x + m (f(x) - x)

    Parameters
    ----------
    activation : Activation
        The function :math:`f`.
    initial : float, default=1.0
        The shares :math:`m` to start from.

    Notes
    -----
    Pullback: :math:`dm = \sum dy\, (f(x) - x)`, over rows, and
    :math:`dx = (1 - m)\, dy + m f'(x)\, dy`.
    """

    activation: Activation
    initial: float = 1.0

    def build(self, declare: Declaration, n_in: int) -> int:
        """Declare the shares ``mix`` (1, n_in) and four buffers."""
        initial = Constant(self.initial)
        declare.parameter("mix", (1, n_in), FREE, initial, (n_in, n_in))
        declare.buffer("a", n_in)
        declare.buffer("out", n_in)
        declare.scratch("tmp", n_in, self.activation.n_scratch)
        declare.buffer("kept", n_in, training=True)
        return n_in

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return ``x + mix * (f(x) - x)``."""
        del training
        out: Array = cache.out
        self.activation.forward(x, cache.a, cache.tmp)
        np.subtract(cache.a, x, out=out)
        out *= p.mix
        out += x
        cache.z = x
        return out

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Write the gradient of the shares; turn ``dy`` into ``dx`` in place."""
        kept: Array = cache.kept
        np.subtract(cache.a, cache.z, out=kept)
        kept *= dy
        np.matmul(cache.ones, kept, out=grad.mix)
        np.multiply(dy, p.mix, out=kept)
        dy -= kept
        self.activation.backward(cache.z, cache.a, kept, cache.tmp)
        dy += kept
        return dy


def activation_layer(activation: Activation, in_place: bool = False) -> Layer:
    """Return the layer that carries an activation.

    Parameters
    ----------
    activation : Activation
        The activation; a blend gets trainable shares.
    in_place : bool, default=False
        See :class:`Activate`.

    Returns
    -------
    layer : Layer
        ``Mix`` for a blend, else ``Activate``.
    """
    if isinstance(activation, Blend):
        return Mix(activation.function, activation.initial)
    return Activate(activation, in_place)
