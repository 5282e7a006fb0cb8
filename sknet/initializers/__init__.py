"""Initializers: the weights a network starts from."""

from sknet.initializers._base import INITIALIZERS, Constant, Initializer
from sknet.initializers.data_driven import DataDriven
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
from sknet.initializers.uniform import Uniform


__all__ = [
    "INITIALIZERS",
    "NTK",
    "Constant",
    "DataDriven",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LeCunNormal",
    "Normal",
    "Orthogonal",
    "RandomSigns",
    "Uniform",
]
