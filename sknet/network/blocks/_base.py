"""The block: turns an entry of ``hidden_layer_sizes`` into layers."""

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
from sknet.network.learning_rules import Gradient, LearningRule


Layers = tuple[Layer, ...]

NORMALIZATIONS = (None, "batch", "layer")
SHORTCUTS = ("projection", "zero_pad", "identity")
_IDENTITY = layers.Sequential(())


@dataclass(frozen=True)
class Style:
    """The options of a hidden layer for its block, apart from the widths.

    Parameters
    ----------
    activation : Activation
        The activation.
    dropout : float
        Rate of the dropout after the activation.
    initializer : Initializer
        Draws the initial parameters of dense layers.
    use_bias : bool
        Whether dense layers have biases.
    learning_rule : LearningRule
        What plain layers hand back.
    """

    activation: Activation
    dropout: float
    initializer: Initializer
    use_bias: bool
    learning_rule: LearningRule = Gradient()

    def dense(
        self, units: int, activated: bool = True, shifts: bool = True
    ) -> layers.Dense:
        """Return a dense layer.

        ``activated`` is whether an activation follows, directly or after a
        normalisation. ``shifts`` is False if a batch normalisation follows, which would
        cancel a bias.
        """
        gain = self.activation.gain if activated else 1.0
        return layers.Dense(units, gain, self.initializer, self.use_bias and shifts)

    def activate(self, in_place: bool = True) -> Layer:
        """Return the activation layer; in place, it overwrites its input."""
        return layers.activation_layer(self.activation, in_place)

    def units(self, width: int) -> Layers:
        """Return a dense layer and its activation, which learn by the learning rule."""
        return self.learning_rule.layers(self.dense(width), self.activate())

    def output(self, units: int) -> Layers:
        """Return the output layer, which learns by the learning rule."""
        return self.learning_rule.layers(self.dense(units), None)

    def drop(self, rate: float | None = None) -> Layers:
        """Return a dropout layer, or no layer if the rate is zero."""
        rate = self.dropout if rate is None else rate
        return (layers.Dropout(rate),) if is_in_use(rate) else ()

    def weigh(
        self, units: int, normalization: str | None, activated: bool = True
    ) -> Layers:
        """Return a dense layer and the normalisation after it."""
        shifts = normalization != "batch"
        return self.dense(units, activated, shifts), *normalize(normalization)


def normalize(normalization: str | None) -> Layers:
    """Return the normalisation layer with a name, or no layer for None."""
    if normalization is None:
        return ()
    return (layers.BatchNorm() if normalization == "batch" else layers.LayerNorm(),)


def shortcut(kind: str, shape: Shape, width: int, style: Style) -> Layer:
    """Return the shortcut past a body, which is the identity if the widths agree."""
    if shape[-1] == width or kind == "identity":
        return _IDENTITY
    if kind == "zero_pad":
        return layers.ZeroPad(width)
    return style.dense(width, activated=False)


class Block(Component):
    """Base of the blocks."""

    def stem(self, width: int, style: Style) -> Layers:
        """Return the layers before the first block."""
        del width, style
        return ()

    @abstractmethod
    def hidden(self, shape: Shape, width: int, style: Style) -> Layers:
        """Return the layers of one entry of ``hidden_layer_sizes``.

        ``shape`` is the shape of one row of the input; its last entry is the number of
        columns.
        """

    def head(self, style: Style) -> Layers:
        """Return the layers between the last block and the output layer."""
        del style
        return ()


BLOCKS: Registry[Block] = Registry("block", Block)
