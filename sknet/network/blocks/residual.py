"""Residual blocks: original, pre-activation, and for tabular data."""

from __future__ import annotations

from dataclasses import dataclass

from sknet.fields import choice, real, whole
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


@BLOCKS.register("residual", "resnet")
@dataclass(frozen=True, repr=False)
class Residual(Block):
    r"""The original residual block: a shortcut past two layers, then the activation.

    .. math:: y = f\bigl(S(x) + \mathrm{norm}(f(\mathrm{norm}(x W_1)) W_2)\bigr)

    with the shortcut :math:`S`, which is the identity if the widths agree.

    Parameters
    ----------
    normalization : {"batch", "layer", None}, default="batch"
        The normalisation after each dense layer. With None, the signal grows from block
        to block, and deep networks are hard to train.
    shortcut : {"projection", "zero_pad", "identity"}, default="projection"
        The shortcut past the body if the widths differ: a dense layer, zeros for the
        missing columns, or the identity, which requires equal widths everywhere.
    bottleneck : int in [1, inf) or None, default=None
        If not None, the body has three layers, the first two of this width.

    References
    ----------
    .. [1] K. He et al., "Deep residual learning for image recognition", CVPR 2016,
       arXiv:1512.03385.
    """

    normalization: str | None = choice("batch", NORMALIZATIONS)
    shortcut: str = choice("projection", SHORTCUTS)
    bottleneck: int | None = whole(None, "[1, inf)")

    def hidden(self, shape: Shape, width: int, style: Style) -> Layers:
        """Return the body with its shortcut, and the activation."""
        norm = self.normalization
        if self.bottleneck is None:
            inner = (*style.weigh(width, norm), style.activate(), *style.drop())
        else:
            narrow = (*style.weigh(self.bottleneck, norm), style.activate())
            inner = (*narrow, *narrow, *style.drop())
        body = layers.Sequential((*inner, *style.weigh(width, norm)))
        beside = shortcut(self.shortcut, shape, width, style)
        return layers.Residual(body, beside), style.activate()


@BLOCKS.register("preactivation")
@dataclass(frozen=True, repr=False)
class Preactivation(Block):
    r"""The pre-activation residual block: twice normalisation, activation and dense.

    .. math:: y = S(x) + f(\mathrm{norm}(f(\mathrm{norm}(x)) W_1)) W_2

    The path past the bodies is free, from the dense layer before the first block to the
    normalisation and activation after the last block: hundreds of blocks can be
    trained.

    Parameters
    ----------
    normalization : {"batch", "layer", None}, default="batch"
        The normalisation before each activation.
    shortcut : {"projection", "zero_pad", "identity"}, default="projection"
        The shortcut :math:`S` if the widths differ; see :class:`Residual`.

    References
    ----------
    .. [1] K. He et al., "Identity mappings in deep residual networks", ECCV 2016,
       arXiv:1603.05027.
    """

    normalization: str | None = choice("batch", NORMALIZATIONS)
    shortcut: str = choice("projection", SHORTCUTS)

    def stem(self, width: int, style: Style) -> Layers:
        """Return a dense layer without activation."""
        return (style.dense(width, activated=False),)

    def hidden(self, shape: Shape, width: int, style: Style) -> Layers:
        """Return the body with its shortcut; the sum is not activated."""
        first = (*self._activate(style), *style.weigh(width, self.normalization))
        second = (style.activate(), *style.drop(), style.dense(width))
        body = layers.Sequential((*first, *second))
        return (layers.Residual(body, shortcut(self.shortcut, shape, width, style)),)

    def head(self, style: Style) -> Layers:
        """Return the final normalisation and activation."""
        return self._activate(style)

    def _activate(self, style: Style) -> Layers:
        """Return normalisation and activation; the shortcut also needs their input."""
        kept = self.normalization is None
        return (*normalize(self.normalization), style.activate(in_place=not kept))


@BLOCKS.register("tabular_resnet")
@dataclass(frozen=True, repr=False)
class TabularResNet(Block):
    r"""The residual block for tabular data of Gorishniy et al.

    .. math:: y = x + \mathrm{drop}(f(\mathrm{norm}(x) W_1) W_2)

    The blocks stand between a dense layer and a final normalisation and activation. The
    estimator's ``dropout`` is applied after the activation.

    Parameters
    ----------
    multiplier : float in (0, inf), default=2.0
        Width of the inner layer, relative to that of the block; rounded down.
    residual_dropout : float in [0, 1), default=0.0
        Rate of the dropout after :math:`W_2`.
    normalization : {"batch", "layer", None}, default="batch"
        The normalisation before :math:`W_1`.

    References
    ----------
    .. [1] Y. Gorishniy et al., "Revisiting deep learning models for tabular data",
       NeurIPS 2021, arXiv:2106.11959.
    """

    multiplier: float = real(2.0, "(0, inf)")
    residual_dropout: float = real(0.0, "[0, 1)")
    normalization: str | None = choice("batch", NORMALIZATIONS)

    def stem(self, width: int, style: Style) -> Layers:
        """Return a dense layer without activation."""
        return (style.dense(width, activated=False),)

    def hidden(self, shape: Shape, width: int, style: Style) -> Layers:
        """Return the body with its shortcut."""
        inner = max(1, int(width * self.multiplier))
        first = (*normalize(self.normalization), style.dense(inner))
        last = (style.dense(width, activated=False), *style.drop(self.residual_dropout))
        body = layers.Sequential((*first, style.activate(), *style.drop(), *last))
        return (layers.Residual(body, shortcut("projection", shape, width, style)),)

    def head(self, style: Style) -> Layers:
        """Return the final normalisation and activation."""
        kept = self.normalization is None
        return (*normalize(self.normalization), style.activate(in_place=not kept))
