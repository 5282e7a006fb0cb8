"""Layer normalisation: statistics over the columns of each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array, constant_row
from sknet.fields import real
from sknet.initializers import Constant
from sknet.network.layers._base import Layer, Training
from sknet.network.layout import FREE, Declaration


@dataclass(frozen=True, repr=False)
class LayerNorm(Layer):
    r"""Brings every row to mean zero and variance one, then scales and shifts columns.

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
    \epsilon}`, where bars are means over the columns. Training and prediction are
    alike, whatever the batch.

    References
    ----------
    .. [1] J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization", 2016,
       arXiv:1607.06450.
    """

    epsilon: float = real(1e-5, "(0, inf)")

    def build(self, declare: Declaration, n_in: int) -> int:
        """Declare ``scale`` and ``shift`` (1, n_in), and buffers."""
        fan = (n_in, n_in)
        declare.parameter("scale", (1, n_in), FREE, Constant(1.0), fan)
        declare.parameter("shift", (1, n_in), FREE, Constant(0.0), fan)
        declare.buffer("normal", n_in)
        declare.buffer("y", n_in)
        declare.buffer("mean", 1)
        declare.buffer("deviation", 1)
        return n_in

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return the normalised, scaled and shifted rows."""
        del training
        normal, y, deviation = cache.normal, cache.y, cache.deviation
        column = _mean_column(x)
        np.matmul(x, column, out=cache.mean)
        np.subtract(x, cache.mean, out=normal)
        np.multiply(normal, normal, out=y)
        np.matmul(y, column, out=deviation)
        deviation += self.epsilon
        np.sqrt(deviation, out=deviation)
        normal /= deviation
        np.multiply(normal, p.scale, out=y)
        y += p.shift
        return y

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Write both gradients; turn ``dy`` into ``dx`` in place."""
        normal, tmp, mean = cache.normal, cache.y, cache.mean
        np.matmul(cache.ones, dy, out=grad.shift)
        np.multiply(dy, normal, out=tmp)
        np.matmul(cache.ones, tmp, out=grad.scale)
        dy *= p.scale
        column = _mean_column(dy)
        np.multiply(dy, normal, out=tmp)
        np.matmul(dy, column, out=mean)
        dy -= mean
        np.matmul(tmp, column, out=mean)
        np.multiply(normal, mean, out=tmp)
        dy -= tmp
        dy /= cache.deviation
        return dy


def _mean_column(x: Array) -> Array:
    """Return a column that a product with takes the mean over columns by."""
    n_columns = x.shape[-1]
    return constant_row(n_columns, x.dtype, 1.0 / n_columns).swapaxes(-1, -2)
