"""The architecture: a frozen description of a multilayer perceptron, and its layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from sknet.activations import ACTIVATIONS, Activation, ReLU
from sknet.initializers import INITIALIZERS, GlorotUniform, Initializer
from sknet.network.blocks import BLOCKS, Block, Plain, Style
from sknet.network.image_layers import ImageLayers
from sknet.network.input_embedding import InputEmbedding
from sknet.network.layers import EnsembleView, Layer, LinearEnsemble, Sequential
from sknet.network.layout import Declaration, Shape
from sknet.network.learning_rules import LEARNING_RULES, Gradient, LearningRule


@dataclass(frozen=True)
class Architecture:
    """Everything about a network except its numbers of inputs and outputs.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int
        Widths of the hidden layers; empty for a linear model.
    activations : tuple of Activation
        One activation for each hidden layer, or one for all layers.
    block : Block
        The structure of a hidden layer.
    dropout : tuple of float
        A dropout rate for each hidden layer, or one for all layers.
    initializer : Initializer
        Draws the initial parameters.
    use_bias : bool
        Whether dense layers have biases.
    n_heads : int
        The number E of submodels. If E > 1, the hidden layers are a backbone shared by
        the submodels, each with its own scaling of the inputs and its own output layer.
    input_embedding : InputEmbedding or ImageLayers
        The layers before the hidden layers.
    learning_rule : LearningRule
        What layers hand back in training. Rules other than the gradient's need plain
        blocks without normalization, and a single output layer.

    References
    ----------
    .. [1] Y. Gorishniy, A. Kotelnikov and A. Babenko, "TabM: advancing tabular deep
       learning with parameter-efficient ensembling", ICLR 2025, arXiv:2410.24210
       (TabM-mini is ``n_heads``).
    """

    rows: ClassVar[tuple[str, ...]] = ("dropout",)

    hidden_layer_sizes: tuple[int, ...]
    activations: tuple[Activation, ...] = (ReLU(),)
    block: Block = Plain()
    dropout: tuple[float, ...] = (0.0,)
    initializer: Initializer = GlorotUniform()
    use_bias: bool = True
    n_heads: int = 1
    input_embedding: InputEmbedding | ImageLayers = InputEmbedding()
    learning_rule: LearningRule = Gradient()

    def style(self, layer: int) -> Style:
        """Return the style of a hidden layer, for its block; -1 is the last layer."""
        activation = self.activations[layer if len(self.activations) > 1 else 0]
        dropout = self.dropout[layer if len(self.dropout) > 1 else 0]
        return Style(
            activation, dropout, self.initializer, self.use_bias, self.learning_rule
        )

    def layers(self, n_inputs: int, n_outputs: int) -> tuple[Layer, ...]:
        """Return the hidden layers and the output layer, for all submodels.

        Parameters
        ----------
        n_inputs : int
            Number of features.
        n_outputs : int
            Number of raw outputs.

        Returns
        -------
        layers : tuple of Layer
            Layers for :class:`~sknet.network.network.Network`. The gain of the last
            activation also scales the initial weights of the output layer, as in
            scikit-learn.
        """
        parts = self.input_embedding.layers(n_inputs, self.style(0))
        shape = _shape_behind(parts, self.input_embedding.input_shape(n_inputs))
        if self.n_heads > 1:
            parts += (EnsembleView(self.n_heads),)
        for i, width in enumerate(self.hidden_layer_sizes):
            style = self.style(i)
            more = self.block.stem(width, style) if i == 0 else ()
            shape = _shape_behind(more, shape)
            block = self.block.hidden(shape, width, style)
            shape = _shape_behind(block, shape)
            parts += (*more, *block)
        if self.hidden_layer_sizes:
            parts += self.block.head(self.style(-1))
        return (*parts, *self._output(n_outputs))

    def _output(self, units: int) -> tuple[Layer, ...]:
        """Return the output layer, which serves all submodels if there are several."""
        style = self.style(-1)
        style = replace(style, initializer=style.initializer.for_output())
        if self.n_heads == 1:
            return style.output(units)
        gain = style.activation.gain
        return (
            LinearEnsemble(
                self.n_heads, units, gain, style.initializer, style.use_bias
            ),
        )

    def to_config(self) -> dict[str, Any]:
        """Return plain data that :meth:`from_config` takes."""
        config = {
            "hidden_layer_sizes": list(self.hidden_layer_sizes),
            "activations": [a.to_config() for a in self.activations],
            "block": self.block.to_config(),
            "dropout": list(self.dropout),
            "initializer": self.initializer.to_config(),
            "use_bias": self.use_bias,
            "n_heads": self.n_heads,
            "input_embedding": self.input_embedding.to_config(),
        }
        if self.learning_rule != Gradient():  # which older files do not mention
            config["learning_rule"] = self.learning_rule.to_config()
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Architecture:
        """Return the architecture that :meth:`to_config` described."""
        return cls(
            tuple(config["hidden_layer_sizes"]),
            tuple(ACTIVATIONS.from_config(a) for a in config["activations"]),
            BLOCKS.from_config(config["block"]),
            tuple(config["dropout"]),
            INITIALIZERS.from_config(config["initializer"]),
            config["use_bias"],
            config["n_heads"],
            _input_embedding(config["input_embedding"]),
            LEARNING_RULES.from_config(
                config.get("learning_rule", {"name": "gradient"})
            ),
        )


def _input_embedding(config: Mapping[str, Any]) -> InputEmbedding | ImageLayers:
    """Return the input embedding that a configuration describes."""
    kind = ImageLayers if "image_shape" in config else InputEmbedding
    return kind.from_config(config)


def _shape_behind(parts: tuple[Layer, ...], shape: Shape) -> Shape:
    """Return the shape of the rows that leave the layers."""
    return Sequential(parts).build(Declaration(), shape)
