"""Layer normalisation: statistics over the columns of each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array, constant_row
from sknet.fields import real
from sknet.initializers import Constant
from sknet.network.layers._base import Layer, Training, ones_for, rows_of
from sknet.network.layout import FREE, Declaration, Shape


@dataclass(frozen=True, repr=False)
class LayerNorm(Layer):
    r"""Normalises rows to mean zero and variance one, then scales and shifts columns.

    .. math:: \hat{x} = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}}, \qquad
              y = \gamma \hat{x} + \beta

    with mean :math:`\mu` and variance :math:`\sigma^2` over the columns of a row,
    ``epsilon`` :math:`\epsilon`, and trainable :math:`\gamma` and :math:`\beta`.

    Parameters
    ----------
    epsilon : float in (0, inf), default=1e-5
        Keeps the quotient finite.

    Notes
    -----
    Pullback, with :math:`g = \gamma\, dy`:
    :math:`dx = (g - \overline{g} - \hat{x}\, \overline{g \hat{x}}) / \sqrt{\sigma^2 +
    \epsilon}`, where bars are means over the columns. Training and prediction
    compute the same, independently of the batch.

    References
    ----------
    .. [1] J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization", 2016,
       arXiv:1607.06450.
    """

    epsilon: float = real(1e-5, "(0, inf)")

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare ``scale`` and ``shift`` (1, n_in), and buffers."""
        n_in = shape[-1]
        fan, one = (n_in, n_in), (*shape[:-1], 1)
        declare.parameter("scale", (1, n_in), FREE, Constant(1.0), fan)
        declare.parameter("shift", (1, n_in), FREE, Constant(0.0), fan)
        declare.buffer("normal", shape)
        declare.buffer("y", shape)
        declare.buffer("mean", one)
        declare.buffer("deviation", one)
        return shape

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return the normalised, scaled and shifted rows."""
        del training
        x, normal, y = rows_of(x), rows_of(cache.normal), rows_of(cache.y)
        mean, deviation = rows_of(cache.mean), rows_of(cache.deviation)
        column = _mean_column(x)
        np.matmul(x, column, out=mean)
        np.subtract(x, mean, out=normal)
        np.multiply(normal, normal, out=y)
        np.matmul(y, column, out=deviation)
        deviation += self.epsilon
        np.sqrt(deviation, out=deviation)
        normal /= deviation
        np.multiply(normal, p.scale, out=y)
        y += p.shift
        out: Array = cache.y
        return out

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Write both gradients; turn ``dy`` into ``dx`` in place."""
        d, normal, scratch = rows_of(dy), rows_of(cache.normal), rows_of(cache.y)
        mean, ones = rows_of(cache.mean), ones_for(d, cache)
        np.matmul(ones, d, out=grad.shift)
        np.multiply(d, normal, out=scratch)
        np.matmul(ones, scratch, out=grad.scale)
        d *= p.scale
        column = _mean_column(d)
        np.multiply(d, normal, out=scratch)
        np.matmul(d, column, out=mean)
        d -= mean
        np.matmul(scratch, column, out=mean)
        np.multiply(normal, mean, out=scratch)
        d -= scratch
        d /= rows_of(cache.deviation)
        return dy


def _mean_column(x: Array) -> Array:
    """Return a column whose product with ``x`` is the mean over columns."""
    n_columns = x.shape[-1]
    return constant_row(n_columns, x.dtype, 1.0 / n_columns).swapaxes(-1, -2)
