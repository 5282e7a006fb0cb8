"""Checks of components and gradients: what is asked of ours and of yours.

A check raises AssertionError with the component, the property and the numbers, and is
silent otherwise. Whoever writes a component runs the check of its family; whoever
doubts a network runs :func:`check_gradient`.
"""

from sknet.testing.activation import check_activation
from sknet.testing.gradient import Effort, check_gradient, objective_report
from sknet.testing.initializer import check_initializer
from sknet.testing.layer import check_layer
from sknet.testing.loss import check_loss
from sknet.testing.optimizer import check_optimizer
from sknet.testing.registration import temporarily_registered
from sknet.testing.report import ArrayCheck, GradientReport, Worst
from sknet.testing.schedule import check_schedule


__all__ = [
    "ArrayCheck",
    "Effort",
    "GradientReport",
    "Worst",
    "check_activation",
    "check_gradient",
    "check_initializer",
    "check_layer",
    "check_loss",
    "check_optimizer",
    "check_schedule",
    "objective_report",
    "temporarily_registered",
]
