"""Inspection: looking into fitted networks."""

from sknet.inspection.gradients import input_gradients, integrated_gradients


__all__ = ["input_gradients", "integrated_gradients"]
