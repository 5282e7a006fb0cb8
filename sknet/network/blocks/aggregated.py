"""The aggregated residual block."""

from __future__ import annotations

from dataclasses import dataclass

from sknet.fields import choice, whole
from sknet.network import layers
from sknet.network.blocks._base import (
    BLOCKS,
    NORMALIZATIONS,
    SHORTCUTS,
    Block,
    Layers,
    Style,
    normalize,
    shortcut,
)
from sknet.network.layout import Shape


@BLOCKS.register("aggregated", "resnext")
@dataclass(frozen=True, repr=False)
class Aggregated(Block):
    r"""A residual block whose body is the sum of many narrow branches.

    .. math:: y = f\Bigl(S(x) + \sum_{c=1}^{C} f(f(x U_c) V_c) W_c\Bigr)

    with ``cardinality`` :math:`C` branches of ``branch_width`` units; each product is
    followed by a normalisation.

    Parameters
    ----------
    cardinality : int in [1, inf), default=8
        Number of branches.
    branch_width : int in [1, inf), default=4
        Number of units in each of the two inner layers of a branch.
    normalization : {"batch", "layer", None}, default="batch"
        The normalisation after each dense layer.
    shortcut : {"projection", "zero_pad", "identity"}, default="projection"
        The shortcut :math:`S` if the widths differ; see :class:`Residual`.

    Notes
    -----
    The branches are computed together, as a dense layer, a grouped dense layer and a
    dense layer with :math:`C (n d + d^2 + d h)` weights, for :math:`n` inputs, branches
    of width :math:`d` and a block of width :math:`h`.

    References
    ----------
    .. [1] S. Xie et al., "Aggregated residual transformations for deep neural
       networks", CVPR 2017, arXiv:1611.05431.
    """

    cardinality: int = whole(8, "[1, inf)")
    branch_width: int = whole(4, "[1, inf)")
    normalization: str | None = choice("batch", NORMALIZATIONS)
    shortcut: str = choice("projection", SHORTCUTS)

    def hidden(self, shape: Shape, width: int, style: Style) -> Layers:
        """Return the branches with their shortcut, and the activation."""
        norm = self.normalization
        grouped = layers.GroupedDense(
            self.cardinality,
            self.branch_width,
            style.activation.gain,
            style.initializer,
            style.use_bias and norm != "batch",
        )
        enter = style.weigh(self.cardinality * self.branch_width, norm)
        inner = (grouped, *normalize(norm), style.activate(), *style.drop())
        body = (*enter, style.activate(), *inner, *style.weigh(width, norm))
        beside = shortcut(self.shortcut, shape, width, style)
        return layers.Residual(layers.Sequential(body), beside), style.activate()
