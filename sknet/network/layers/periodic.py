"""Embeddings of numbers by learned waves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.fields import real, whole
from sknet.initializers import Initializer, Uniform
from sknet.network.layers._base import Layer, Training, only_columns
from sknet.network.layout import FREE, Declaration, Shape


@dataclass(frozen=True, repr=False)
class _Frequencies(Initializer):
    """Normal frequencies whose deviations form a geometric series over the waves."""

    lowest: float
    highest: float

    def draw(
        self,
        stream: np.random.RandomState,
        shape: tuple[int, ...],
        fan: tuple[int, int],
        gain: float,
    ) -> Array:
        """Draw an array whose last axis is that of the waves."""
        del fan, gain
        deviations = np.geomspace(self.lowest, self.highest, shape[-1])
        return deviations * stream.standard_normal(shape)


@dataclass(frozen=True, repr=False)
class Periodic(Layer):
    r"""An embedding of each number: mixed learned waves, and the number itself.

    .. math::
        y_d = [\cos(2 \pi x_d\, \omega_d + \varphi_d)\, M_d + m_d,\; x_d]

    for each column :math:`d`, with trainable frequencies :math:`\omega_d` and phases
    :math:`\varphi_d` of ``waves`` waves, and a trainable map :math:`M_d, m_d` to
    ``size - 1`` numbers. A network on top of it learns functions that jump or bend
    often in one column, which a network on the plain numbers learns slowly.

    Parameters
    ----------
    waves : int in [1, inf), default=16
        Number of waves for each column.
    size : int in [2, inf), default=4
        Number of outputs for each column.
    lowest, highest : float in (0, inf), default=0.05 and 1.25
        Deviations of the initial frequencies of the first and the last wave; those of
        the waves between form a geometric series. They are meant for columns scaled to
        about [-1, 1]. The paper uses 0.1 for all waves.

    Notes
    -----
    This is the PBLD embedding: periodic, with biases, linear, densely connected.
    Pullback, with :math:`a = 2 \pi x \omega + \varphi`: :math:`dM = \cos(a)^T dy`,
    :math:`da = -\sin(a) \odot (dy\, M^T)`, and from there :math:`d\varphi = \sum da`,
    :math:`d\omega = 2 \pi \sum x\, da`, :math:`dx = 2 \pi\, \omega \cdot da + dy_x`.

    References
    ----------
    .. [1] Y. Gorishniy, I. Rubachev and A. Babenko, "On embeddings for numerical
       features in tabular deep learning", NeurIPS 2022, arXiv:2203.05556.
    .. [2] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       arXiv:2407.04491.
    """

    waves: int = whole(16, "[1, inf)")
    size: int = whole(4, "[2, inf)")
    lowest: float = real(0.05, "(0, inf)")
    highest: float = real(1.25, "(0, inf)")

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare waves and maps of each column, and buffers for all waves."""
        n_waves, n_mixed, n_in = self.waves, self.size - 1, only_columns(self, shape)
        fan, waves = (n_waves, n_mixed), (n_in, 1, n_waves)
        draw, bound = _Frequencies(self.lowest, self.highest), n_waves**-0.5
        declare.parameter("frequency", waves, FREE, draw, fan)
        declare.parameter("phase", waves, FREE, Uniform(math.pi), fan)
        declare.parameter("mixing", (n_in, *fan), FREE, Uniform(bound), fan)
        declare.parameter("offset", (n_in, 1, n_mixed), FREE, Uniform(bound), fan)
        for name in ("angle", "wave"):
            declare.buffer(name, (n_in * n_waves,))
        declare.buffer("y", (n_in * self.size,))
        declare.scratch("scratch", (n_in * n_waves,), training=True)
        if not declare.at_input:
            declare.buffer("dx", shape, training=True)
        return (n_in * self.size,)

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return the embeddings of all columns, concatenated."""
        del training
        angle, n_in = cache.angle, x.shape[-1]
        # copy first, then multiply whole rows: a broadcast product takes twice as long
        np.copyto(angle.reshape(*angle.shape[:2], n_in, -1), x[..., None])
        angle *= _as_rows(p.frequency * (2.0 * math.pi))
        angle += _as_rows(p.phase)
        np.cos(angle, out=cache.wave)
        wave, out = _by_column(cache.wave, n_in), _by_column(cache.y, n_in)
        np.matmul(wave, p.mixing, out=out[..., :-1])
        cache.each = x.swapaxes(-1, -2)[..., None]
        out[..., -1:] = cache.each
        y: Array = cache.y
        offset = np.zeros((*p.offset.shape[:3], self.size), y.dtype, like=y)
        offset[..., :-1] = p.offset
        y += _as_rows(offset)
        return y

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array | None:
        """Write the gradients of waves and maps; return ``dx`` unless at the input."""
        each, ones, n_in = cache.each, cache.ones, cache.each.shape[-3]
        wave, d, scratch = (
            _by_column(a, n_in) for a in (cache.wave, dy, cache.scratch)
        )
        mixed = d[..., :-1]
        np.matmul(wave.swapaxes(-1, -2), mixed, out=grad.mixing)
        sums = np.matmul(ones, dy).reshape(len(dy), n_in, 1, -1)
        np.copyto(grad.offset, sums[..., :-1])
        np.matmul(mixed, p.mixing.swapaxes(-1, -2), out=scratch)
        np.sin(cache.angle, out=cache.wave)
        np.negative(cache.wave, out=cache.wave)
        cache.wave *= cache.scratch
        np.matmul(ones, cache.wave, out=_as_rows(grad.phase))
        np.matmul(each.swapaxes(-1, -2), wave, out=grad.frequency)
        grad.frequency *= 2.0 * math.pi
        dx: Array | None = getattr(cache, "dx", None)
        if dx is not None:
            steep = np.matmul(wave, p.frequency.swapaxes(-1, -2))[..., 0]
            np.multiply(steep.swapaxes(-1, -2), 2.0 * math.pi, out=dx)
            dx += d[..., -1].swapaxes(-1, -2)
        return dx


def _by_column(rows: Array, n_columns: int) -> Array:
    """View rows (K, B, n * D) as the rows of each column (K, D, B, n)."""
    return rows.reshape(*rows.shape[:2], n_columns, -1).swapaxes(1, 2)


def _as_rows(parameters: Array) -> Array:
    """View parameters (K, D, 1, n) as a row for each member (K, 1, n * D)."""
    return parameters.reshape(len(parameters), 1, -1)
