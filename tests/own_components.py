"""A component of one's own of each family, of which none is registered."""

from dataclasses import dataclass

import numpy as np

from sknet.activations import Activation
from sknet.averages import Averaging
from sknet.fields import flag, real
from sknet.initializers import Constant, Initializer
from sknet.losses import ClassLoss, ValueLoss
from sknet.network.blocks import Block
from sknet.network.layers import Layer
from sknet.network.layout import FREE
from sknet.optimizers import Optimizer
from sknet.schedules import Schedule


@dataclass(frozen=True, repr=False)
class Softsign(Activation):
    """The identity, bent towards limits: z / (1 + |z / size|)."""

    needs_input = True
    size: float = real(1.0, "(0, inf)")

    def forward(self, z, out, scratch):
        np.abs(z, out=scratch)
        scratch /= self.size
        scratch += 1.0
        np.divide(z, scratch, out=out)

    def backward(self, z, a, da, scratch):
        np.abs(z, out=scratch)
        scratch /= self.size
        scratch += 1.0
        da /= scratch
        da /= scratch


@dataclass(frozen=True, repr=False)
class SquaredMargin(ClassLoss):
    """Half the squared distance to a margin, on the right side of zero."""

    threshold = 0.0
    gives_probability = False
    exclusive: bool = flag(True)
    size: float = real(1.0, "(0, inf)")

    link_name = "identity"

    def value_and_gradient(self, raw, y, weight, out, buffers):
        np.multiply(y, 2.0 * self.size, out=out)
        out -= self.size
        np.subtract(raw, out, out=out)
        np.multiply(out, out, out=buffers.full)
        np.matmul(buffers.full, buffers.ones_column, out=buffers.rows)
        out *= weight
        return 0.5 * buffers.weighted_sum(weight)

    def link(self, raw):
        return raw.copy()

    def constant(self, y, weight):
        return self.size * (2.0 * np.average(y, axis=0, weights=weight) - 1.0)


@dataclass(frozen=True, repr=False)
class ScaledError(ValueLoss):
    """The squared error, times a number."""

    size: float = real(1.0, "(0, inf)")

    link_name = "identity"

    def value_and_gradient(self, raw, y, weight, out, buffers):
        np.subtract(raw, y, out=out)
        np.multiply(out, out, out=buffers.full)
        np.matmul(buffers.full, buffers.ones_column, out=buffers.rows)
        out *= weight
        out *= 2.0 * self.size
        return self.size * buffers.weighted_sum(weight)

    def link(self, raw):
        return raw.copy()

    def constant(self, y, weight):
        return np.average(y, axis=0, weights=weight)


@dataclass(frozen=True, repr=False)
class SignDescent(Optimizer):
    """Steps of one length, against the sign of the gradient."""

    size: float = real(1.0, "(0, inf)")
    weight_decay: float = real(0.0, "[0, inf)")

    n_slots = 0

    def step(self, grad, slots, t, rate, scratch):
        np.sign(grad, out=grad)
        grad *= rate * self.size


@dataclass(frozen=True, repr=False)
class Line(Schedule):
    """A straight line from one towards zero."""

    size: float = real(1.0, "(0, 1]")

    is_planned = True

    def factor(self, clock):
        return 1.0 - self.size * clock.progress


@dataclass(frozen=True, repr=False)
class Signs(Initializer):
    """Weights of one size, with random signs."""

    size: float = real(0.5, "(0, inf)")

    def draw(self, stream, shape, fan, gain):
        return self.size * (2.0 * stream.randint(2, size=shape) - 1.0)


@dataclass(frozen=True, repr=False)
class Gain(Layer):
    """A trainable factor for each column."""

    size: float = real(1.0, "(0, inf)")

    def build(self, declare, shape):
        initial, (n_in,) = Constant(self.size), shape
        declare.parameter("gain", (1, n_in), FREE, initial, (n_in, n_in))
        declare.buffer("y", shape)
        declare.buffer("scratch", shape, training=True)
        return shape

    def forward(self, p, x, cache, training):
        cache.x = x
        return np.multiply(x, p.gain, out=cache.y)

    def backward(self, p, grad, dy, cache):
        np.multiply(dy, cache.x, out=cache.scratch)
        np.matmul(cache.ones, cache.scratch, out=grad.gain)
        dy *= p.gain
        return dy


@dataclass(frozen=True, repr=False)
class Gained(Block):
    """The classic hidden layer, and a factor for each unit."""

    size: float = real(1.0, "(0, inf)")

    def hidden(self, shape, width, style):
        return (style.dense(width), style.activate(), Gain(self.size))


@dataclass(frozen=True, repr=False)
class Halfway(Averaging):
    """The newest parameters count as much as all before them."""

    size: float = real(0.5, "(0, 1]")

    each_step = True

    def share(self, n_averaged, progress):
        return self.size

    def starts(self, progress):
        return True
