"""Layers: one map and its pullback a file."""

from sknet.network.layers._base import Layer
from sknet.network.layers.activate import Activate
from sknet.network.layers.dense import Dense
from sknet.network.layers.sequential import Sequential


__all__ = ["Activate", "Dense", "Layer", "Sequential"]
