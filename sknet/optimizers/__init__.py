"""Optimizers: from a gradient to a step."""

from sknet.optimizers._base import OPTIMIZERS, Optimizer
from sknet.optimizers.adam import Adam
from sknet.optimizers.sgd import SGD


__all__ = ["OPTIMIZERS", "SGD", "Adam", "Optimizer"]
