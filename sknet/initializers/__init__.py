"""Initializers: the weights a network starts from."""

from sknet.initializers._base import INITIALIZERS, Constant, Initializer
from sknet.initializers.scaled import GlorotUniform


__all__ = ["INITIALIZERS", "Constant", "GlorotUniform", "Initializer"]
