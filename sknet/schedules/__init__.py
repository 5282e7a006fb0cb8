"""Schedules: factors on the learning rate during training."""

from sknet.schedules._base import SCHEDULES, Clock, Schedule
from sknet.schedules.classic import Adaptive, Constant, InvScaling
from sknet.schedules.planned import Cosine, CosLog, FlatCosine, OneCycle
from sknet.schedules.step import Step
from sknet.schedules.warmup import Warmup


__all__ = [
    "SCHEDULES",
    "Adaptive",
    "Clock",
    "Constant",
    "CosLog",
    "Cosine",
    "FlatCosine",
    "InvScaling",
    "OneCycle",
    "Schedule",
    "Step",
    "Warmup",
]
