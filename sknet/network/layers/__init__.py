"""Layers: each file defines a map and its pullback."""

from sknet.network.layers._base import Layer, Training
from sknet.network.layers.activate import Activate, Mix, activation_layer
from sknet.network.layers.augment import Augment
from sknet.network.layers.average_pool import AveragePool, GlobalAveragePool
from sknet.network.layers.batchnorm import BatchNorm
from sknet.network.layers.convolution import Conv2D
from sknet.network.layers.dense import Dense
from sknet.network.layers.dropout import Dropout
from sknet.network.layers.embedding import Embedding
from sknet.network.layers.ensemble_view import EnsembleView
from sknet.network.layers.grouped import GroupedDense
from sknet.network.layers.highway import Highway
from sknet.network.layers.layernorm import LayerNorm
from sknet.network.layers.learning import ErrorUnits, FeedbackDense
from sknet.network.layers.linear_ensemble import LinearEnsemble
from sknet.network.layers.max_pool import MaxPool
from sknet.network.layers.partition import Partition
from sknet.network.layers.periodic import Periodic
from sknet.network.layers.rescale import Rescale
from sknet.network.layers.reshape import Flatten, Reshape
from sknet.network.layers.residual import Residual, ZeroPad
from sknet.network.layers.scale import Scale
from sknet.network.layers.sequential import Sequential
from sknet.network.layers.stochastic_pool import StochasticPool


__all__ = [
    "Activate",
    "Augment",
    "AveragePool",
    "BatchNorm",
    "Conv2D",
    "Dense",
    "Dropout",
    "Embedding",
    "EnsembleView",
    "ErrorUnits",
    "FeedbackDense",
    "Flatten",
    "GlobalAveragePool",
    "GroupedDense",
    "Highway",
    "Layer",
    "LayerNorm",
    "LinearEnsemble",
    "MaxPool",
    "Mix",
    "Partition",
    "Periodic",
    "Rescale",
    "Reshape",
    "Residual",
    "Scale",
    "Sequential",
    "StochasticPool",
    "Training",
    "ZeroPad",
    "activation_layer",
]
