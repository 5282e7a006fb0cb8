"""The convolutional layer: turns an entry of ``conv_layers`` into layers."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any, ClassVar

from sknet._component import Component, Registry
from sknet._windows import Pair
from sknet.activations import ACTIVATIONS, Activation
from sknet.network import layers
from sknet.network.blocks._base import Layers, Style, normalize
from sknet.network.layers import Layer, Sequential
from sknet.network.layers.window_fields import both
from sknet.network.layout import Declaration, Shape


POOLS = ("max", "average", "stochastic")
_IDENTITY = Sequential(())


class ConvLayer(Component):
    """Base of the convolutional layers.

    Along an axis of a single position, as of images that are one row of pixels, windows
    of convolutions and pools have one position, whatever their size.

    Attributes
    ----------
    preactivation : bool
        Whether normalisation and activation come before the convolutions.
    """

    preactivation: ClassVar[bool] = False

    @abstractmethod
    def layers(self, shape: Shape, style: Style) -> Layers:
        """Return the layers of one entry of ``conv_layers``.

        Parameters
        ----------
        shape : tuple of int
            Height, width and channels of the images that come in.
        style : Style
            The style of the first hidden layer.

        Returns
        -------
        layers : tuple of Layer
            The layers, of which the last one returns images, or the columns of a
            global pool.
        """

    def head(self, style: Style) -> Layers:
        """Return the layers after it, unless the next entry begins with them.

        Parameters
        ----------
        style : Style
            The style of the first hidden layer.

        Returns
        -------
        layers : tuple of Layer
            No layers, except after the pre-activation order.
        """
        del style
        return ()


CONV_LAYERS: Registry[ConvLayer] = Registry("convolutional layer", ConvLayer)


class Parts:
    """The parts of convolutional layers, in the style of the network.

    Parameters
    ----------
    style : Style
        The style of the first hidden layer.
    activation : str, Activation or None
        The activation of the convolutional layer; None for that of the style.
    normalization : {None, "batch", "layer"}
        The normalisation.
    """

    def __init__(
        self,
        style: Style,
        activation: str | Activation | None,
        normalization: str | None,
    ) -> None:
        if activation is not None:
            style = replace(style, activation=ACTIVATIONS.make(activation))
        self.style = style
        self.normalization = normalization

    def convolve(
        self, shape: Shape, windows: layers.Conv2D, activated: bool = True
    ) -> Layers:
        """Return a convolution of images, and the normalisation after it.

        ``windows`` is a convolution with the filters and their windows; all else is
        as the style says. ``activated`` is whether an activation follows, directly or
        after the normalisation.
        """
        shifts = self.normalization != "batch"
        return (self.plain(shape, windows, activated, shifts), *self.normalize())

    def plain(
        self,
        shape: Shape,
        windows: layers.Conv2D,
        activated: bool = True,
        shifts: bool = True,
    ) -> Layer:
        """Return a convolution; ``shifts`` is False if a later layer cancels a bias."""
        style = self.style
        return replace(
            windows,
            kernel_size=fitted(windows.kernel_size, shape),
            gain=style.activation.gain if activated else 1.0,
            initializer=style.initializer,
            use_bias=style.use_bias and shifts,
        )

    def normalize(self) -> Layers:
        """Return the normalisation, or no layer."""
        return normalize(self.normalization)

    def activate(self, in_place: bool = True) -> Layer:
        """Return the activation layer; in place, it overwrites its input."""
        return self.style.activate(in_place)

    def enter(self) -> Layers:
        """Return normalisation and activation before a convolution.

        The path past the convolution also needs their input.
        """
        return (*self.normalize(), self.activate(self.normalization is not None))

    def shortcut(self, kind: str, shape: Shape, filters: int, stride: Any) -> Layer:
        """Return the path past a body: the identity if it changes no shape."""
        same_shape = shape[-1] == filters and both(stride) == (1, 1)
        if same_shape:
            return _IDENTITY
        if kind == "identity":
            raise ValueError(
                f"shortcut='identity' cannot change images of {shape[-1]} channels to "
                f"{filters} channels, with stride={stride}. Use shortcut='projection' "
                f"or 'zero_pad', or filters={shape[-1]} and stride=1."
            )
        if kind == "projection":
            point = same(filters, 1, stride)
            return Sequential(self.convolve(shape, point, activated=False))
        subsampled = (layers.AveragePool(1, stride),) if both(stride) != (1, 1) else ()
        return Sequential((*subsampled, layers.ZeroPad(filters)))


def same(filters: int, size: Any, stride: Any = 1) -> layers.Conv2D:
    """Return a convolution that keeps the size of images, divided by its stride."""
    return layers.Conv2D(filters, size, stride, "same")


def pooled(kind: str, size: Any, stride: Any, shape: Shape) -> Layers:
    """Return a pool for images of a shape, or no layer if there is no ``size``."""
    if size is None:
        return ()
    if size == "global":
        if kind == "average":
            return (layers.GlobalAveragePool(),)
        size, stride = shape[:2], None
    how = fitted(size, shape), None if stride is None else both(stride)
    if kind == "max":
        return (layers.MaxPool(*how),)
    if kind == "average":
        return (layers.AveragePool(*how),)
    return (layers.StochasticPool(*how),)


def fitted(size: Any, shape: Shape) -> Pair:
    """Return the size of windows: one position along an axis that has only one."""
    height, width = both(size)
    return (1 if shape[0] == 1 else height, 1 if shape[1] == 1 else width)


def shape_after(parts: Layers, shape: Shape) -> Shape:
    """Return the shape of the images that leave the layers."""
    return Sequential(parts).build(Declaration(), shape)
