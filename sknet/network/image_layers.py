"""The layers between images and the first hidden layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sknet._component import Registry
from sknet.network.blocks import Style
from sknet.network.convolution import CONV_LAYERS, ConvLayer
from sknet.network.layers import Augment, Flatten, Layer, Rescale, Sequential
from sknet.network.layout import Declaration, Shape


AUGMENTATIONS: Registry[Augment] = Registry("augmentation", Augment)
AUGMENTATIONS.register("augment")(Augment)

# The largest value of a pixel of type uint8.
BRIGHTEST = 255.0


@dataclass(frozen=True)
class ImageLayers:
    """How images enter a network: an alternative to :class:`InputEmbedding`.

    Parameters
    ----------
    image_shape : tuple of three int
        Height, width and channels.
    conv_layers : tuple of ConvLayer
        The convolutional layers.
    are_bytes : bool, default=False
        Whether pixels are whole numbers from 0 to 255, which are scaled to [0, 1].
    augment : Augment or None, default=None
        What changes images at random during training.
    """

    image_shape: Shape
    conv_layers: tuple[ConvLayer, ...]
    are_bytes: bool = False
    augment: Augment | None = None

    def input_shape(self, n_inputs: int) -> Shape:
        """Return the shape of the images, for so many columns."""
        del n_inputs
        return self.image_shape

    def layers(self, n_inputs: int, style: Style) -> tuple[Layer, ...]:
        """Return the layers, of which the last one returns columns."""
        del n_inputs
        found: tuple[Layer, ...] = (Rescale(1.0 / BRIGHTEST),) if self.are_bytes else ()
        shape = self.image_shape
        found += self._augmentation()
        for i, conv in enumerate(self.conv_layers):
            if len(shape) != 3 or (i and _is_global(self.conv_layers[i - 1])):
                raise ValueError(
                    f"conv_layers[{i - 1}] has pool='global', which leaves no images "
                    f"for conv_layers[{i}]: only the last layer can have it."
                )
            try:
                more = conv.layers(shape, style)
                Sequential(more).build(Declaration(), shape)
            except ValueError as error:
                raise ValueError(f"conv_layers[{i}]={conv!r}: {error}") from error
            if not any(c.preactivation for c in self.conv_layers[i + 1 : i + 2]):
                more += conv.head(style)
            shape = Sequential(more).build(Declaration(), shape)
            found += more
        return (*found, Flatten())

    def _augmentation(self) -> tuple[Layer, ...]:
        """Return the layer that changes images, or none; check that it suits them."""
        if self.augment is None or not self.augment.has_effect:
            return ()
        try:
            self.augment.build(Declaration(), self.image_shape)
        except ValueError as error:
            raise ValueError(f"augment={error}") from error
        return (self.augment,)

    def suits(self, dtype: np.dtype[Any]) -> ImageLayers:
        """Return the layers for pixels of a type: those of uint8 are scaled."""
        are_bytes = dtype == np.uint8
        return (
            self if are_bytes == self.are_bytes else replace(self, are_bytes=are_bytes)
        )

    def to_config(self) -> dict[str, Any]:
        """Return plain data that :meth:`from_config` takes."""
        return {
            "image_shape": list(self.image_shape),
            "conv_layers": [conv.to_config() for conv in self.conv_layers],
            "are_bytes": self.are_bytes,
            "augment": None if self.augment is None else self.augment.to_config(),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> ImageLayers:
        """Return the layers that :meth:`to_config` described."""
        augment = config.get("augment")
        return cls(
            tuple(config["image_shape"]),
            tuple(CONV_LAYERS.from_config(conv) for conv in config["conv_layers"]),
            config["are_bytes"],
            None if augment is None else AUGMENTATIONS.from_config(augment),
        )


def _is_global(conv: ConvLayer) -> bool:
    """Return whether a layer ends with a pool over the whole image."""
    return bool(getattr(conv, "pool", None) == "global")
