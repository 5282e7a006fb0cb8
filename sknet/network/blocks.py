"""Blocks: recipes from widths to layers."""

from __future__ import annotations

from sknet.activations import Activation
from sknet.network.layers import Activate, Dense, Layer, Sequential


def plain(units: int, activation: Activation) -> tuple[Layer, ...]:
    """Return the classic hidden layer: dense, then the activation in its place.

    Parameters
    ----------
    units : int
        Width of the hidden layer.
    activation : Activation
        Its activation.

    Returns
    -------
    layers : tuple of Layer
        Two layers.
    """
    return Dense(units, gain=activation.gain), Activate(activation, in_place=True)


def multilayer_perceptron(
    hidden_layer_sizes: tuple[int, ...], activation: Activation, n_outputs: int
) -> Layer:
    """Return hidden layers and a dense output layer.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int
        Widths of the hidden layers; empty for a linear model.
    activation : Activation
        The activation of every hidden layer. Its gain also scales the initial
        weights of the output layer, as in scikit-learn.
    n_outputs : int
        Number of raw outputs.

    Returns
    -------
    network : Layer
        The composition.
    """
    layers: tuple[Layer, ...] = ()
    for units in hidden_layer_sizes:
        layers += plain(units, activation)
    return Sequential((*layers, Dense(n_outputs, gain=activation.gain)))
