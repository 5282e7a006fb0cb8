"""The residual convolutional layer: original or pre-activation order, bottleneck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sknet.activations import ACTIVATIONS, Activation
from sknet.fields import choice, flag, part, real, whole
from sknet.network import layers
from sknet.network.blocks._base import NORMALIZATIONS, SHORTCUTS, Layers, Style
from sknet.network.convolution._base import (
    CONV_LAYERS,
    POOLS,
    ConvLayer,
    Parts,
    pooled,
    same,
    shape_after,
)
from sknet.network.layers import Conv2D
from sknet.network.layers.window_fields import pair, pool_size
from sknet.network.layout import Shape


@CONV_LAYERS.register("residual_conv")
@dataclass(frozen=True, repr=False)
class ResidualConv(ConvLayer):
    r"""A shortcut past two convolutions, or past three with a bottleneck.

    .. math:: y = f\bigl(S(x) + \mathrm{norm}(f(\mathrm{norm}(x * W_1)) * W_2)\bigr)

    with the shortcut :math:`S`, which is the identity if it changes neither channels
    nor size. With ``preactivation=True``,

    .. math:: y = S(x) + f(\mathrm{norm}(f(\mathrm{norm}(x)) * W_1)) * W_2

    and normalisation and activation follow after the last of several such layers.

    Parameters
    ----------
    filters : int in [1, inf), default=1
        Number of channels of the output.
    kernel_size : int or tuple of two int, default=3
        Height and width of the windows; of the middle convolution with a bottleneck,
        whose others have one position.
    stride : int or tuple of two int, default=1
        Distance of neighbouring windows: of the first convolution, or of the middle one
        with a bottleneck. The shortcut has the same.
    shortcut : {"projection", "zero_pad", "identity"}, default="projection"
        The shortcut if channels or size change: a convolution with windows of one
        position, and the normalisation after it; every ``stride``-th position, with
        zeros for the missing channels; or the identity, which requires that they do
        not change.
    preactivation : bool, default=False
        The order: whether normalisation and activation come before each convolution.
    bottleneck : int in [1, inf) or None, default=None
        If not None, the body has three convolutions, the first two with so many
        filters.
    normalization : {"batch", "layer", None}, default="batch"
        Normalisation of each channel over images and positions, or of the channels of
        each position. With None, the signal grows from layer to layer.
    activation : str, Activation or None, default=None
        The activation; None for that of the first hidden layer.
    pool : int, tuple of two int, "global" or None, default=None
        Height and width of the windows of a pool at the end; "global" is one window for
        the whole image, which only the last layer can have. None for no pool.
    pool_kind : {"average", "max", "stochastic"}, default="average"
        The pool: see ``AveragePool``, ``MaxPool`` and ``StochasticPool``.
    dropout : float in [0, 1), default=0.0
        Rate at which activations before the last convolution are randomly set to zero
        during training.

    See Also
    --------
    Conv : A convolution without a shortcut.
    AggregatedConv : A shortcut past the sum of many narrow branches.

    Notes
    -----
    The networks for small images of [1]_ are ``Conv(16, normalization="batch")``, then
    three times n layers with 16, 32 and 64 filters, of which the first ones with 32 and
    64 have ``stride=2``, and ``pool="global"`` in the last one; they have 6 n + 2
    layers with weights, ``hidden_layer_sizes=()``, and ``shortcut="zero_pad"`` where
    the authors say option A.

    References
    ----------
    .. [1] K. He et al., "Deep residual learning for image recognition", CVPR 2016,
       arXiv:1512.03385.
    .. [2] K. He et al., "Identity mappings in deep residual networks", ECCV 2016,
       arXiv:1603.05027.

    Examples
    --------
    >>> from sknet import Conv, ResidualConv
    >>> RESNET = (
    ...     Conv(16, normalization="batch"),
    ...     ResidualConv(16),
    ...     ResidualConv(32, stride=2),
    ...     ResidualConv(64, stride=2, pool="global"),
    ... )
    """

    filters: int = whole(1, "[1, inf)")
    kernel_size: Any = pair(3, 1)
    stride: Any = pair(1, 1)
    shortcut: str = choice("projection", SHORTCUTS)
    preactivation: bool = flag(False)  # type: ignore[misc]  # here it is a field
    bottleneck: int | None = whole(None, "[1, inf)")
    normalization: str | None = choice("batch", NORMALIZATIONS)
    activation: str | Activation | None = part(None, ACTIVATIONS)
    pool: Any = pool_size()
    pool_kind: str = choice("average", POOLS)
    dropout: float = real(0.0, "[0, 1)")

    def layers(self, shape: Shape, style: Style) -> Layers:
        """Return the body with its shortcut, the activation and the pool.

        Parameters
        ----------
        shape : tuple of int
            Height, width and channels of the images that come in.
        style : Style
            The style of the first hidden layer.

        Returns
        -------
        layers : tuple of Layer
            The layers.
        """
        parts = Parts(style, self.activation, self.normalization)
        beside = parts.shortcut(self.shortcut, shape, self.filters, self.stride)
        body = self._preactivated(shape, parts)
        if not self.preactivation:
            body = self._activated(shape, parts)
        out: Layers = (layers.Residual(layers.Sequential(body), beside),)
        if not self.preactivation:
            out += (parts.activate(),)
        pool = pooled(self.pool_kind, self.pool, None, shape_after(out, shape))
        if pool and self.preactivation:  # which belong before the pool
            pool = (*parts.enter(), *pool)
        return (*out, *pool)

    def head(self, style: Style) -> Layers:
        """Return the last normalisation and activation of the pre-activation order.

        Parameters
        ----------
        style : Style
            The style of the first hidden layer.

        Returns
        -------
        layers : tuple of Layer
            No layers in the original order, or if they precede the pool.
        """
        if not self.preactivation or self.pool is not None:
            return ()
        return Parts(style, self.activation, self.normalization).enter()

    def _convolutions(self) -> list[Conv2D]:
        """Return filters, windows and stride of each convolution."""
        if self.bottleneck is None:
            return [
                same(self.filters, self.kernel_size, self.stride),
                same(self.filters, self.kernel_size),
            ]
        return [
            same(self.bottleneck, 1),
            same(self.bottleneck, self.kernel_size, self.stride),
            same(self.filters, 1),
        ]

    def _activated(self, shape: Shape, parts: Parts) -> Layers:
        """Return the body in the original order: the sum is activated."""
        *inner, last = self._convolutions()
        body: Layers = ()
        for windows in inner:
            body += parts.convolve(shape_after(body, shape), windows)
            body += (parts.activate(),)
        here = shape_after(body, shape)
        return (*body, *parts.style.drop(self.dropout), *parts.convolve(here, last))

    def _preactivated(self, shape: Shape, parts: Parts) -> Layers:
        """Return the body in the pre-activation order: the sum is not activated."""
        *inner, last = self._convolutions()
        body = parts.enter()
        for windows in inner:
            body += parts.convolve(shape_after(body, shape), windows)
            body += (parts.activate(),)
        here = shape_after(body, shape)
        return (*body, *parts.style.drop(self.dropout), parts.plain(here, last))
