"""Blocks: the structure of a hidden layer.

Some blocks also need layers before the first block (a stem) or after the last block (a
head).
"""

from sknet.network.blocks._base import BLOCKS, Block, Style
from sknet.network.blocks.aggregated import Aggregated
from sknet.network.blocks.highway import Highway
from sknet.network.blocks.plain import Plain
from sknet.network.blocks.residual import Preactivation, Residual, TabularResNet


__all__ = [
    "BLOCKS",
    "Aggregated",
    "Block",
    "Highway",
    "Plain",
    "Preactivation",
    "Residual",
    "Style",
    "TabularResNet",
]
