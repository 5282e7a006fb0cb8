"""Batch normalisation: statistics over the rows of each column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array, Scalar, constant_row
from sknet.fields import real
from sknet.initializers import Constant
from sknet.network.layers._base import Layer, Training
from sknet.network.layout import FREE, STATISTIC, Declaration


@dataclass(frozen=True, repr=False)
class BatchNorm(Layer):
    r"""Brings every column to mean zero and variance one, then scales and shifts it.

    .. math:: \hat{x} = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}}, \qquad
              y = \gamma \hat{x} + \beta

    with ``epsilon`` :math:`\epsilon`, trainable :math:`\gamma` and :math:`\beta`, and
    mean :math:`\mu` and variance :math:`\sigma^2` of a column: in training over the
    rows of the batch, by their sample weights; in prediction running means of those.

    Parameters
    ----------
    momentum : float in (0, 1], default=0.1
        Share of the newest batch in the running statistics. Larger values forget
        faster. The first batches count alike, so that few of them are enough.
    epsilon : float in (0, inf), default=1e-5
        Keeps the quotient finite.

    Notes
    -----
    Pullback, with the shares :math:`w` of the rows, :math:`g = \gamma\, dy` and sums
    over rows: :math:`dx = (g - w \sum g - w \hat{x} \sum g \hat{x}) / \sqrt{\sigma^2 +
    \epsilon}`. The variance is that of the batch, without Bessel's correction, in the
    running statistics too: a row of weight two is then the same as two rows.

    References
    ----------
    .. [1] S. Ioffe and C. Szegedy, "Batch normalization: accelerating deep network
       training by reducing internal covariate shift", ICML 2015, arXiv:1502.03167.
    """

    momentum: float = real(0.1, "(0, 1]")
    epsilon: float = real(1e-5, "(0, inf)")

    def build(self, declare: Declaration, n_in: int) -> int:
        """Declare trainables, running statistics and buffers."""
        fan, shape = (n_in, n_in), (1, n_in)
        declare.mixes_rows = True
        declare.parameter("scale", shape, FREE, Constant(1.0), fan)
        declare.parameter("shift", shape, FREE, Constant(0.0), fan)
        declare.parameter("running_mean", shape, STATISTIC, Constant(0.0), fan)
        declare.parameter("running_variance", shape, STATISTIC, Constant(1.0), fan)
        declare.parameter("n_batches", (1, 1), STATISTIC, Constant(0.0), fan)
        declare.buffer("normal", n_in)
        declare.buffer("y", n_in)
        return n_in

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return the normalised, scaled and shifted columns."""
        normal, y = cache.normal, cache.y
        if training is None:
            cache.row = None
            mean, variance = p.running_mean, p.running_variance
            np.subtract(x, mean, out=normal)
        else:
            row = _share_row(training.weight, cache.ones)
            mean = np.matmul(row, x)
            np.subtract(x, mean, out=normal)
            np.multiply(normal, normal, out=y)
            variance = np.matmul(row, y)
            self._remember(p, mean, variance)
            cache.row = row
        cache.deviation = np.sqrt(variance + self.epsilon)
        normal /= cache.deviation
        np.multiply(normal, p.scale, out=y)
        y += p.shift
        return y

    def _remember(self, p: Any, mean: Array, variance: Array) -> None:
        """Move the running statistics towards those of a batch."""
        p.n_batches += 1.0
        share = np.maximum(1.0 / p.n_batches, self.momentum).astype(mean.dtype)
        p.running_mean += share * (mean - p.running_mean)
        p.running_variance += share * (variance - p.running_variance)

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Write both gradients; turn ``dy`` into ``dx`` in place."""
        normal, tmp = cache.normal, cache.y
        np.matmul(cache.ones, dy, out=grad.shift)
        np.multiply(dy, normal, out=tmp)
        np.matmul(cache.ones, tmp, out=grad.scale)
        if cache.row is not None:  # the statistics were those of these rows
            np.multiply(normal, grad.scale, out=tmp)
            tmp += grad.shift
            tmp *= cache.row.swapaxes(-1, -2)
            dy -= tmp
        dy *= p.scale / cache.deviation
        return dy


def _share_row(weight: Scalar, ones: Array) -> Array:
    """Return the shares of the rows as a row (K or 1, 1, B)."""
    if isinstance(weight, float):
        return constant_row(ones.shape[-1], ones.dtype, weight)
    return weight.swapaxes(-1, -2)
