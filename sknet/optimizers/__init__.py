"""Optimizers: turn a gradient into a step."""

from sknet.optimizers._base import OPTIMIZERS, Optimizer
from sknet.optimizers.adam import Adam, AdamW
from sknet.optimizers.lion import Lion
from sknet.optimizers.rmsprop import RMSprop
from sknet.optimizers.sgd import SGD


__all__ = ["OPTIMIZERS", "SGD", "Adam", "AdamW", "Lion", "Optimizer", "RMSprop"]
