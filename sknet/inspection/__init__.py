"""Inspection of fitted networks: gradients and parameters by name."""

from sknet.inspection.gradients import input_gradients, integrated_gradients
from sknet.inspection.parameters import named_parameters


__all__ = ["input_gradients", "integrated_gradients", "named_parameters"]
