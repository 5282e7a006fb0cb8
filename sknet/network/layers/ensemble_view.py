"""The first layer of a shared backbone: scaled copies of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.fields import whole
from sknet.initializers import RandomSigns
from sknet.network.layers._base import Layer, Training, only_columns
from sknet.network.layout import FREE, Declaration, Shape


@dataclass(frozen=True, repr=False)
class EnsembleView(Layer):
    r"""Copies of all rows for E submodels, each scaled by its own trainable factors.

    .. math:: y_{eb} = r_e \odot x_b, \qquad e = 1, \dots, E

    with trainable factors :math:`r_e`, which start as random signs. The copies follow
    one another as E * B ordinary rows: the layers up to :class:`LinearEnsemble` are the
    backbone that all submodels share. Each of these layers computes one large product
    instead of E small products, and writes one gradient.

    Parameters
    ----------
    copies : int in [1, inf), default=1
        The number E of submodels.

    Notes
    -----
    Pullback: :math:`dr_e = \sum_b x_b \odot dy_{eb}` and
    :math:`dx_b = \sum_e r_e \odot dy_{eb}`. Each copy has 1/E of its row's share in the
    batch, so that batch normalisation in the backbone computes its statistics over all
    E * B rows. Sparse rows are not supported, because E scalings would need E products.

    References
    ----------
    .. [1] Y. Gorishniy, A. Kotelnikov and A. Babenko, "TabM: advancing tabular deep
       learning with parameter-efficient ensembling", ICLR 2025, arXiv:2410.24210
       (there TabM-mini).
    """

    copies: int = whole(1, "[1, inf)")

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare ``scale`` (copies, n_in) and buffers; from here on rows are E * B."""
        if declare.n_copies != 1:
            raise ValueError(
                f"EnsembleView gets rows that are already {declare.n_copies} copies: "
                "put LinearEnsemble before it."
            )
        n_in = only_columns(self, shape)
        fan = (n_in, n_in)
        declare.parameter("scale", (self.copies, n_in), FREE, RandomSigns(), fan)
        if not declare.at_input:
            declare.buffer("dx", shape, training=True)
        declare.n_copies = self.copies
        declare.buffer("y", shape)
        declare.buffer("share", (1,), training=True)
        if not declare.at_input:
            declare.scratch("scratch", shape, training=True)
        return shape

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return the scaled copies; in training, also spread the shares."""
        if not isinstance(x, np.ndarray):
            raise ValueError(
                "A shared backbone does not support sparse features, because each "
                "submodel scales them by its own factors. Use shared_backbone=False "
                "or X.toarray()."
            )
        cache.x = x
        y: Array = cache.y
        np.multiply(x[:, None], p.scale[:, :, None], out=self._split(y))
        if training is not None:
            training.spread(self.copies, self._split(cache.share))
        return y

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array | None:
        """Write the gradient of the factors; return the sum over the copies."""
        d = self._split(dy)
        dx: Array | None = getattr(cache, "dx", None)
        if dx is not None:
            scaled = self._split(cache.scratch)
            np.multiply(d, p.scale[:, :, None], out=scaled)
            scaled.sum(axis=1, out=dx)
        d *= cache.x[:, None]
        ones = cache.ones[..., : d.shape[-2]]
        np.matmul(ones, d, out=grad.scale[:, :, None])
        return dx

    def _split(self, rows: Array) -> Array:
        """View rows (K, E * B, n) as the rows of each copy (K, E, B, n)."""
        n_members, n_rows, n = rows.shape
        return rows.reshape(n_members, self.copies, n_rows // self.copies, n)
