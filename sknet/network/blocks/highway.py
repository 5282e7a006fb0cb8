"""The highway block."""

from __future__ import annotations

from dataclasses import dataclass

from sknet.activations import Logistic
from sknet.fields import choice, real
from sknet.initializers import Constant
from sknet.network import layers
from sknet.network.blocks._base import (
    BLOCKS,
    NORMALIZATIONS,
    Block,
    Layers,
    Style,
    shortcut,
)
from sknet.network.layout import Shape


@BLOCKS.register("highway")
@dataclass(frozen=True, repr=False)
class Highway(Block):
    r"""A layer with a gate that chooses, unit by unit, between change and carry.

    .. math:: y = T(x)\, f(x W + b) + (1 - T(x))\, S(x), \qquad
              T(x) = \sigma(x W_T + b_T)

    with the logistic function :math:`\sigma`; :math:`S` is the identity, or a dense
    layer if the widths differ.

    Parameters
    ----------
    gate_bias : float in (-inf, inf), default=-2.0
        Initial :math:`b_T`. The more negative it is, the more of the input passes
        unchanged at first; deeper networks need -3 or -4. The gate has a bias even with
        ``use_bias=False``.
    normalization : {None, "batch", "layer"}, default=None
        The normalisation between :math:`W` and :math:`f`.

    References
    ----------
    .. [1] R. K. Srivastava, K. Greff and J. Schmidhuber, "Training very deep networks",
       NIPS 2015, arXiv:1507.06228.
    """

    gate_bias: float = real(-2.0, "(-inf, inf)")
    normalization: str | None = choice(None, NORMALIZATIONS)

    def hidden(self, shape: Shape, width: int, style: Style) -> Layers:
        """Return body, gate and carry in one layer."""
        weigh = style.weigh(width, self.normalization)
        body = layers.Sequential((*weigh, style.activate(), *style.drop()))
        bias = Constant(self.gate_bias)
        switch = layers.Dense(width, 1.0, style.initializer, True, bias)
        sigmoid = layers.Activate(Logistic(), in_place=True)
        gate = layers.Sequential((switch, sigmoid))
        carry = shortcut("projection", shape, width, style)
        return (layers.Highway(body, gate, carry),)
