"""Batch normalisation: statistics over the rows of each column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array, Scalar, constant_row
from sknet.fields import real
from sknet.initializers import Constant
from sknet.network.layers._base import Layer, Training, ones_for, rows_of
from sknet.network.layout import FREE, STATISTIC, Declaration, Shape


@dataclass(frozen=True, repr=False)
class BatchNorm(Layer):
    r"""Normalises columns to mean zero and variance one, then scales and shifts them.

    .. math:: \hat{x} = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}}, \qquad
              y = \gamma \hat{x} + \beta

    with ``epsilon`` :math:`\epsilon`, trainable :math:`\gamma` and :math:`\beta`, and
    the mean :math:`\mu` and variance :math:`\sigma^2` of a column. In training they are
    computed over the rows of the batch, with sample weights; in prediction they are
    running means of these.

    Parameters
    ----------
    momentum : float in (0, 1], default=0.1
        Share of the newest batch in the running statistics. Larger values forget
        faster. The first batches have equal weight, so that few batches are enough.
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

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare trainables, running statistics and buffers."""
        n_in = shape[-1]
        fan, row = (n_in, n_in), (1, n_in)
        declare.mixes_rows = True
        declare.parameter("scale", row, FREE, Constant(1.0), fan)
        declare.parameter("shift", row, FREE, Constant(0.0), fan)
        declare.parameter("running_mean", row, STATISTIC, Constant(0.0), fan)
        declare.parameter("running_variance", row, STATISTIC, Constant(1.0), fan)
        declare.parameter("n_batches", (1, 1), STATISTIC, Constant(0.0), fan)
        declare.buffer("normal", shape)
        declare.buffer("y", shape)
        if len(shape) > 1:
            declare.buffer("share", (*shape[:-1], 1), training=True)
        return shape

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return the normalised, scaled and shifted columns."""
        x, normal, y = rows_of(x), rows_of(cache.normal), rows_of(cache.y)
        if training is None:
            cache.row = None
            mean, variance = p.running_mean, p.running_variance
            np.subtract(x, mean, out=normal)
        else:
            row = _share_row(training.weight, x, cache)
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
        out: Array = cache.y
        return out

    def _remember(self, p: Any, mean: Array, variance: Array) -> None:
        """Move the running statistics towards the statistics of a batch."""
        p.n_batches += 1.0
        share = np.maximum(1.0 / p.n_batches, self.momentum)
        p.running_mean += share * (mean - p.running_mean)
        p.running_variance += share * (variance - p.running_variance)

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Write both gradients; turn ``dy`` into ``dx`` in place."""
        d, normal, scratch = rows_of(dy), rows_of(cache.normal), rows_of(cache.y)
        ones = ones_for(d, cache)
        np.matmul(ones, d, out=grad.shift)
        np.multiply(d, normal, out=scratch)
        np.matmul(ones, scratch, out=grad.scale)
        if cache.row is not None:  # the statistics depend on these rows
            np.multiply(normal, grad.scale, out=scratch)
            scratch += grad.shift
            scratch *= cache.row.swapaxes(-1, -2)
            d -= scratch
        d *= p.scale / cache.deviation
        return dy


def _share_row(weight: Scalar, rows: Array, cache: Any) -> Array:
    """Return the shares of rows (K, M, n) as a row (K or 1, 1, M).

    The positions of a row of the batch get equal parts of its share.
    """
    n_rows, share = rows.shape[-2], getattr(cache, "share", None)
    if share is None:
        if isinstance(weight, float):
            return constant_row(n_rows, rows.dtype, weight)
        return weight.swapaxes(-1, -2)
    n_positions = n_rows // share.shape[1]
    if isinstance(weight, float):
        return constant_row(n_rows, rows.dtype, weight / n_positions)
    of_positions = share[: len(weight)].reshape(*weight.shape[:2], n_positions)
    np.divide(weight, n_positions, out=of_positions)
    return of_positions.reshape(len(weight), 1, n_rows)
