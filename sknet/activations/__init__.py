"""Activations: the functions between layers, each with its pullback."""

from sknet.activations._base import ACTIVATIONS, Activation
from sknet.activations.composed import Blend, Maxout
from sknet.activations.elementary import HardThreshold, Identity, Logistic, ReLU, Tanh
from sknet.activations.rectifiers import ELU, SELU, LeakyReLU
from sknet.activations.smooth import GELU, Mish, SiLU, Softplus


__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "Blend",
    "HardThreshold",
    "Identity",
    "LeakyReLU",
    "Logistic",
    "Maxout",
    "Mish",
    "ReLU",
    "SiLU",
    "Softplus",
    "Tanh",
]
