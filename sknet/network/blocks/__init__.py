"""Blocks: what a hidden layer is made of.

Most need something in front of the first of them (a stem) or behind the last one (a
head), too.
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
