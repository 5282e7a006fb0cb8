"""The block: turns a width, an entry of ``hidden_layer_sizes``, into layers."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from sknet._component import Component, Registry
from sknet._rows import is_in_use
from sknet.activations import Activation
from sknet.initializers import Initializer
from sknet.network import layers
from sknet.network.layers import Layer
from sknet.network.layout import Shape


Layers = tuple[Layer, ...]

NORMALIZATIONS = (None, "batch", "layer")
SHORTCUTS = ("projection", "zero_pad", "identity")
_IDENTITY = layers.Sequential(())


@dataclass(frozen=True)
class Style:
    """What a block is told about its hidden layer, apart from the widths.

    Parameters
    ----------
    activation : Activation
        The activation.
    dropout : float
        Rate of the dropout behind it.
    initializer : Initializer
        Draws the initial parameters of dense layers.
    use_bias : bool
        Whether dense layers have biases.
    """

    activation: Activation
    dropout: float
    initializer: Initializer
    use_bias: bool

    def dense(self, units: int, activated: bool = True, shifts: bool = True) -> Layer:
        """Return a dense layer.

        ``activated`` says whether an activation follows, at once or behind a
        normalisation; ``shifts`` is False where a batch normalisation follows, which
        would take a bias away again.
        """
        gain = self.activation.gain if activated else 1.0
        return layers.Dense(units, gain, self.initializer, self.use_bias and shifts)

    def activate(self, in_place: bool = True) -> Layer:
        """Return the activation; in place, it overwrites what comes in."""
        return layers.activation_layer(self.activation, in_place)

    def drop(self, rate: float | None = None) -> Layers:
        """Return dropout, or nothing where the rate is zero."""
        rate = self.dropout if rate is None else rate
        return (layers.Dropout(rate),) if is_in_use(rate) else ()

    def weigh(
        self, units: int, normalization: str | None, activated: bool = True
    ) -> Layers:
        """Return a dense layer, and the normalisation behind it."""
        shifts = normalization != "batch"
        return self.dense(units, activated, shifts), *normalize(normalization)


def normalize(normalization: str | None) -> Layers:
    """Return the normalisation of a name, or nothing for None."""
    if normalization is None:
        return ()
    return (layers.BatchNorm() if normalization == "batch" else layers.LayerNorm(),)


def shortcut(kind: str, shape: Shape, width: int, style: Style) -> Layer:
    """Return what leads past a body: nothing but the input, where the widths agree."""
    if shape[-1] == width or kind == "identity":
        return _IDENTITY
    if kind == "zero_pad":
        return layers.ZeroPad(width)
    return style.dense(width, activated=False)


class Block(Component):
    """Base of the blocks."""

    def stem(self, width: int, style: Style) -> Layers:
        """Return what stands in front of the first block."""
        del width, style
        return ()

    @abstractmethod
    def hidden(self, shape: Shape, width: int, style: Style) -> Layers:
        """Return the layers of one entry of ``hidden_layer_sizes``.

        ``shape`` is that of one row of the input; its last number counts columns.
        """

    def head(self, style: Style) -> Layers:
        """Return what stands behind the last block, before the output layer."""
        del style
        return ()


BLOCKS: Registry[Block] = Registry("block", Block)
