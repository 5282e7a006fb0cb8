"""Losses: from raw outputs to a number, its gradient, and predictions."""

from sknet.losses._base import (
    CLASS_LOSSES,
    VALUE_LOSSES,
    ClassLoss,
    Loss,
    LossBuffers,
    ValueLoss,
)
from sknet.losses.log_loss import LogLoss
from sknet.losses.regression import Poisson, SquaredError


__all__ = [
    "CLASS_LOSSES",
    "VALUE_LOSSES",
    "ClassLoss",
    "LogLoss",
    "Loss",
    "LossBuffers",
    "Poisson",
    "SquaredError",
    "ValueLoss",
]
