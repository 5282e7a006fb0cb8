"""Schedules: factors on the learning rate over the course of a training."""

from sknet.schedules._base import SCHEDULES, Clock, Schedule
from sknet.schedules.classic import Adaptive, Constant, InvScaling


__all__ = ["SCHEDULES", "Adaptive", "Clock", "Constant", "InvScaling", "Schedule"]
