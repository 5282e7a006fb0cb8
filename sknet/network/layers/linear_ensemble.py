"""The last layer of a shared backbone: an output layer for each submodel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array, matmul_transposed
from sknet.fields import flag, part, real, whole
from sknet.initializers import INITIALIZERS, GlorotUniform, Initializer
from sknet.network.layers._base import Layer, Training, only_columns
from sknet.network.layout import DECAYED, FREE, Declaration, Shape


@dataclass(frozen=True, repr=False)
class LinearEnsemble(Layer):
    r"""Affine maps side by side, one for each copy from ``EnsembleView``.

    .. math:: y_{eb} = s\, x_{eb} W_e + b_e

    with the fixed factor :math:`s` of the initializer; see :class:`Dense`. It is the
    last layer of a network. The output (K * E, B, units) has the submodels on the axis
    of members: to a loss, K members of E submodels are K * E members, with the
    submodels of a member next to each other.

    Parameters
    ----------
    heads : int in [1, inf), default=1
        The number E of submodels, as in ``EnsembleView``.
    units : int in [1, inf), default=1
        Number of outputs of each submodel.
    gain : float in (0, inf), default=1.0
        Gain of the activation, for the initial weights.
    initializer : Initializer, default=GlorotUniform()
        Draws the initial weights, with the fans of one head, and, with its
        ``for_bias``, the biases.
    use_bias : bool, default=True
        Whether there are biases :math:`b_e`.

    Notes
    -----
    Pullback: :math:`dW_e = s\, x_e^T dy_e`, :math:`db_e = 1^T dy_e`,
    :math:`dx_e = s\, dy_e W_e^T`.

    References
    ----------
    .. [1] Y. Gorishniy, A. Kotelnikov and A. Babenko, "TabM: advancing tabular deep
       learning with parameter-efficient ensembling", ICLR 2025, arXiv:2410.24210.
    """

    heads: int = whole(1, "[1, inf)")
    units: int = whole(1, "[1, inf)")
    gain: float = real(1.0, "(0, inf)")
    initializer: Initializer = part(GlorotUniform(), INITIALIZERS)
    use_bias: bool = flag(True)

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare ``weight`` (heads, n_in, units) and ``bias``; rows are B again."""
        if declare.n_copies != self.heads:
            raise ValueError(
                f"LinearEnsemble(heads={self.heads}) needs {self.heads} copies of the "
                f"rows, but there are {declare.n_copies}: put "
                f"EnsembleView({self.heads}) before the backbone."
            )
        n_in = only_columns(self, shape)
        fan, all_heads = (n_in, self.units), (self.heads, n_in, self.units)
        draw = self.initializer
        declare.parameter("weight", all_heads, DECAYED, draw, fan, self.gain)
        if self.use_bias:
            draw, each = self.initializer.for_bias(), (self.heads, 1, self.units)
            declare.parameter("bias", each, FREE, draw, fan, self.gain)
        declare.buffer("y", (self.units,))
        if not declare.at_input:
            declare.buffer("dx", shape, training=True)
        declare.n_copies, declare.n_heads = 1, self.heads
        return (self.units,)

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return ``s x_e W_e + b_e`` with the heads on the axis of members."""
        cache.x = x
        y = self._split(cache.y)
        np.matmul(self._split(x), p.weight, out=y)
        if self.initializer.rescales:
            y *= self.initializer.scale(p.weight.shape[-2:])
        if self.use_bias:
            y += p.bias
        if training is not None:
            training.join()
        return y.reshape(-1, *y.shape[-2:])

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array | None:
        """Write both gradients; return ``s dy_e W_e^T``, copy by copy."""
        d = dy.reshape(-1, self.heads, *dy.shape[-2:])
        if self.use_bias:
            np.matmul(cache.ones, d, out=grad.bias)
        if self.initializer.rescales:
            d *= self.initializer.scale(p.weight.shape[-2:])
        matmul_transposed(self._split(cache.x), d, out=grad.weight)
        dx: Array | None = getattr(cache, "dx", None)
        if dx is not None:
            np.matmul(d, p.weight.swapaxes(-1, -2), out=self._split(dx))
        return dx

    def _split(self, rows: Array) -> Array:
        """View rows (K, E * B, n) as the rows of each copy (K, E, B, n)."""
        n_members, n_rows, n = rows.shape
        return rows.reshape(n_members, self.heads, n_rows // self.heads, n)
