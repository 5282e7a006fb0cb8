"""Convolutional layers: what an entry of ``conv_layers`` stands for."""

from sknet.network.convolution._base import CONV_LAYERS, ConvLayer
from sknet.network.convolution.aggregated import AggregatedConv
from sknet.network.convolution.plain import Conv
from sknet.network.convolution.residual import ResidualConv


__all__ = ["CONV_LAYERS", "AggregatedConv", "Conv", "ConvLayer", "ResidualConv"]
