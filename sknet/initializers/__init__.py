"""Initializers: the weights a network starts from."""

from sknet.initializers._base import INITIALIZERS, Constant, Initializer
from sknet.initializers.orthogonal import Orthogonal
from sknet.initializers.scaled import (
    NTK,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LeCunNormal,
    Normal,
)
from sknet.initializers.signs import RandomSigns


__all__ = [
    "INITIALIZERS",
    "NTK",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LeCunNormal",
    "Normal",
    "Orthogonal",
    "RandomSigns",
]
