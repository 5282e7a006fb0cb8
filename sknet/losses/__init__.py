"""Losses: from raw outputs to a number, its gradient, and predictions."""

from sknet.losses._base import (
    CLASS_LOSSES,
    VALUE_LOSSES,
    ClassLoss,
    Loss,
    LossBuffers,
    ValueLoss,
)
from sknet.losses.brier import Brier
from sknet.losses.custom import CustomClassLoss, CustomValueLoss
from sknet.losses.deviance import Gamma, Poisson
from sknet.losses.focal import Focal
from sknet.losses.gaussian import Gaussian
from sknet.losses.log_loss import LogLoss
from sknet.losses.margin import Hinge, PerceptronLoss
from sknet.losses.mean_quantiles import MeanQuantiles
from sknet.losses.quantile import Quantile
from sknet.losses.regression import AbsoluteError, Huber, LogCosh, SquaredError


__all__ = [
    "CLASS_LOSSES",
    "VALUE_LOSSES",
    "AbsoluteError",
    "Brier",
    "ClassLoss",
    "CustomClassLoss",
    "CustomValueLoss",
    "Focal",
    "Gamma",
    "Gaussian",
    "Hinge",
    "Huber",
    "LogCosh",
    "LogLoss",
    "Loss",
    "LossBuffers",
    "MeanQuantiles",
    "PerceptronLoss",
    "Poisson",
    "Quantile",
    "SquaredError",
    "ValueLoss",
]
