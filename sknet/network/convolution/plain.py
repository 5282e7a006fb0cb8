"""The plain convolutional layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sknet.activations import ACTIVATIONS, Activation
from sknet.fields import choice, part, real, whole
from sknet.network import layers
from sknet.network.blocks._base import NORMALIZATIONS, Layers, Style
from sknet.network.convolution._base import (
    CONV_LAYERS,
    POOLS,
    ConvLayer,
    Parts,
    pooled,
    shape_after,
)
from sknet.network.layers.window_fields import padding, pair, pool_size
from sknet.network.layout import Shape


@CONV_LAYERS.register("conv")
@dataclass(frozen=True, repr=False)
class Conv(ConvLayer):
    r"""A convolution, with optional normalisation, activation, pool and dropout.

    .. math:: y = \mathrm{drop}(\mathrm{pool}(f(\mathrm{norm}(x * W + b))))

    An axis of n positions has :math:`\lfloor (n + 2p - r) / t \rfloor + 1` windows,
    with :math:`p` zeros on each side, the stride :math:`t`, and windows of f positions
    that reach over :math:`r = (f - 1) d + 1`, with the dilation :math:`d`. Along an
    axis of a single position, windows have one position, whatever their size.

    Parameters
    ----------
    filters : int in [1, inf), default=1
        Number of filters, which are the channels of the output.
    kernel_size : int or tuple of two int, default=3
        Height and width of a window, in positions.
    stride : int or tuple of two int, default=1
        Distance of neighbouring windows.
    padding : {"valid", "same", "full"}, int or tuple of two int, default="same"
        The zeros around an image: none; as many as give :math:`\lceil n / t \rceil`
        windows; all with which windows still contain an element of the image; or so
        many on each side.
    pool : int, tuple of two int, "global" or None, default=None
        Height and width of the windows of a pool; "global" is one window for the whole
        image, which only the last layer can have. None for no pool.
    pool_kind : {"max", "average", "stochastic"}, default="max"
        The pool: see ``MaxPool``, ``AveragePool`` and ``StochasticPool``.
    normalization : {None, "batch", "layer"}, default=None
        Normalisation of each channel over images and positions, or of the channels of
        each position.
    activation : str, Activation or None, default=None
        The activation; None for that of the first hidden layer.
    dropout : float in [0, 1), default=0.0
        Rate at which outputs are randomly set to zero during training.
    pool_stride : int, tuple of two int or None, default=None
        Distance of neighbouring windows of the pool; None for their size.
    dilation : int or tuple of two int, default=1
        Distance of neighbouring positions in a window of the convolution.
    groups : int in [1, inf), default=1
        Number of groups of channels and of filters; a filter has weights only for the
        channels of its own group.

    See Also
    --------
    ResidualConv : A shortcut past two or three convolutions.
    AggregatedConv : A shortcut past the sum of many narrow branches.

    Notes
    -----
    With :math:`n` channels, :math:`h` filters, :math:`g` groups and windows of
    :math:`f \times f` positions, a convolution has :math:`f^2 n h / g` weights and
    :math:`h` biases. A batch normalisation after it takes the place of the biases.

    References
    ----------
    .. [1] Y. LeCun et al., "Gradient-based learning applied to document recognition",
       Proceedings of the IEEE 86, 1998.

    Examples
    --------
    >>> from sknet import Conv, SimpleCNNClassifier
    >>> LENET = (Conv(6, 5, pool=2), Conv(16, 5, padding="valid", pool=2))
    >>> SimpleCNNClassifier((120, 84), conv_layers=LENET).conv_layers[0]
    Conv(filters=6, kernel_size=5, pool=2)
    """

    filters: int = whole(1, "[1, inf)")
    kernel_size: Any = pair(3, 1)
    stride: Any = pair(1, 1)
    padding: Any = padding("same")
    pool: Any = pool_size()
    pool_kind: str = choice("max", POOLS)
    normalization: str | None = choice(None, NORMALIZATIONS)
    activation: str | Activation | None = part(None, ACTIVATIONS)
    dropout: float = real(0.0, "[0, 1)")
    pool_stride: Any = pair(None, 1)
    dilation: Any = pair(1, 1)
    groups: int = whole(1, "[1, inf)")

    def layers(self, shape: Shape, style: Style) -> Layers:
        """Return convolution, normalisation, activation, pool and dropout.

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
        convolved = parts.convolve(
            shape,
            layers.Conv2D(
                self.filters,
                self.kernel_size,
                self.stride,
                self.padding,
                self.dilation,
                self.groups,
            ),
        )
        out = (*convolved, parts.activate())
        pool = pooled(
            self.pool_kind, self.pool, self.pool_stride, shape_after(out, shape)
        )
        return (*out, *pool, *style.drop(self.dropout))
