"""Activations: the functions between the layers, each beside its pullback."""

from sknet.activations._base import ACTIVATIONS, Activation
from sknet.activations.elementary import Identity, Logistic, ReLU, Tanh


__all__ = ["ACTIVATIONS", "Activation", "Identity", "Logistic", "ReLU", "Tanh"]


class Blend(Activation):
    pass
