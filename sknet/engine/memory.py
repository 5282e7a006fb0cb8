"""Where a program finds its arrays: positions of blocks in regions of memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.engine.record import Recorder
from sknet.engine.rows import Access
from sknet.engine.tape import Block


# The workspace and its arrays are aligned to the longest vectors.
ALIGNMENT = 64


class Memory:
    """Positions of blocks in their regions, of those blocks that are used.

    Parameters
    ----------
    recorder : Recorder
        The recorder.
    regions : sequence of str
        The names of the regions, in the order of the machine.
    """

    def __init__(self, recorder: Recorder, regions: Sequence[str]) -> None:
        self.recorder = recorder
        self._regions = {name: i for i, name in enumerate(regions)}
        self._starts: dict[Block, tuple[int, int]] = {}
        self._constants: list[Array] = []
        self._step = ALIGNMENT // recorder.dtype.itemsize
        self._sizes = {"work": 0, "constant": 0}

    @property
    def n_work(self) -> int:
        """Size of the region "work" so far, in elements."""
        return self._sizes["work"]

    def constants(self, dtype: np.dtype[Any]) -> Array:
        """Return the region of the constants."""
        region, start = np.zeros(self._sizes["constant"], dtype=dtype), 0
        for array in self._constants:
            region[start : start + array.size] = array.ravel()
            start += self._rounded(array.size)
        return region

    def _rounded(self, size: int) -> int:
        """Return a size rounded up to the alignment."""
        return -(-size // self._step) * self._step

    def place(self, block: Block, start: int) -> tuple[int, int]:
        """Return the region of an element of a block, and its position there."""
        if block not in self._starts:
            first = 0
            if block.region in self._sizes:
                first = self._sizes[block.region]
                self._sizes[block.region] += self._rounded(block.array.size)
            if block.region == "constant":
                self._constants.append(block.array)
            self._starts[block] = self._regions[block.region], first
        region, first = self._starts[block]
        return region, first + start

    def words(self, access: Access) -> list[int]:
        """Return the words of an operand."""
        if access.block is None:
            return [-1, access.start, 0, 0, 0]
        return [*self.place(access.block, access.start), *access.strides]
