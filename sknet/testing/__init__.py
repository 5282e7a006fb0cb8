"""Checks of components and gradients.

Users check the components they write with the checks that sknet's own components pass,
which is why these are part of the package and not of its test suite. There is one check
for each family of components; :func:`check_gradient` also checks whole networks, and
:func:`check_compiled` requires that a component is compiled.

A check raises AssertionError with the component, the property and the numbers, and is
silent otherwise.
"""

from sknet.testing.activation import check_activation
from sknet.testing.compiled import check_compiled
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
    "check_compiled",
    "check_gradient",
    "check_initializer",
    "check_layer",
    "check_loss",
    "check_optimizer",
    "check_schedule",
    "objective_report",
    "temporarily_registered",
]
