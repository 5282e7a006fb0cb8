"""The aggregated residual convolutional layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sknet.activations import ACTIVATIONS, Activation
from sknet.fields import choice, part, real, whole
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
from sknet.network.layers.window_fields import pair, pool_size
from sknet.network.layout import Shape


@CONV_LAYERS.register("aggregated_conv")
@dataclass(frozen=True, repr=False)
class AggregatedConv(ConvLayer):
    r"""A residual layer whose body is the sum of many narrow branches.

    .. math:: y = f\Bigl(S(x) + \sum_{c=1}^{C} f(f(x * U_c) * V_c) * W_c\Bigr)

    with ``cardinality`` :math:`C` branches of ``branch_width`` filters; each
    convolution is followed by a normalisation. :math:`U_c` and :math:`W_c` have windows
    of one position.

    Parameters
    ----------
    filters : int in [1, inf), default=1
        Number of channels of the output.
    kernel_size : int or tuple of two int, default=3
        Height and width of the windows of the middle convolution.
    stride : int or tuple of two int, default=1
        Distance of the windows of the middle convolution, and of the shortcut.
    cardinality : int in [1, inf), default=8
        Number of branches.
    branch_width : int in [1, inf), default=4
        Number of filters in each of the two inner convolutions of a branch.
    shortcut : {"projection", "zero_pad", "identity"}, default="projection"
        The shortcut :math:`S` if channels or size change; see ``ResidualConv``.
    normalization : {"batch", "layer", None}, default="batch"
        Normalisation of each channel over images and positions, or of the channels of
        each position.
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
    ResidualConv : A shortcut past two or three convolutions.

    Notes
    -----
    The branches are computed together, as three convolutions of which the middle one
    has ``cardinality`` groups: for :math:`n` channels, branches of width :math:`d` and
    :math:`h` filters there are :math:`C (n d + f^2 d^2 + d h)` weights, with windows of
    :math:`f \times f` positions.

    References
    ----------
    .. [1] S. Xie et al., "Aggregated residual transformations for deep neural
       networks", CVPR 2017, arXiv:1611.05431.

    Examples
    --------
    >>> from sknet import AggregatedConv, Conv
    >>> RESNEXT = (
    ...     Conv(64, normalization="batch"),
    ...     AggregatedConv(256, branch_width=64),
    ...     AggregatedConv(512, branch_width=128, stride=2, pool="global"),
    ... )
    """

    filters: int = whole(1, "[1, inf)")
    kernel_size: Any = pair(3, 1)
    stride: Any = pair(1, 1)
    cardinality: int = whole(8, "[1, inf)")
    branch_width: int = whole(4, "[1, inf)")
    shortcut: str = choice("projection", SHORTCUTS)
    normalization: str | None = choice("batch", NORMALIZATIONS)
    activation: str | Activation | None = part(None, ACTIVATIONS)
    pool: Any = pool_size()
    pool_kind: str = choice("average", POOLS)
    dropout: float = real(0.0, "[0, 1)")

    def layers(self, shape: Shape, style: Style) -> Layers:
        """Return the branches with their shortcut, the activation and the pool.

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
        width = self.cardinality * self.branch_width
        body = (*parts.convolve(shape, same(width, 1)), parts.activate())
        body += parts.convolve(
            shape_after(body, shape),
            layers.Conv2D(
                width,
                self.kernel_size,
                self.stride,
                "same",
                groups=self.cardinality,
            ),
        )
        body += (parts.activate(),)
        here = shape_after(body, shape)
        body += (
            *parts.style.drop(self.dropout),
            *parts.convolve(here, same(self.filters, 1)),
        )
        beside = parts.shortcut(self.shortcut, shape, self.filters, self.stride)
        out = (layers.Residual(layers.Sequential(body), beside), parts.activate())
        pool = pooled(self.pool_kind, self.pool, None, shape_after(out, shape))
        return (*out, *pool)
