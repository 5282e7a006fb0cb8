"""Ratios of times measured in turns, and the conditions of a measurement.

Machines are noisy and differ, so that figures are ratios and not times: the systems run
in turns (A B C A B C ...) in one process, and ratios are formed within each turn.
"""

import gc
import os
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from sknet.__main__ import blas_infos, describe_blas, processor, versions


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
PAUSE = 0.05  # seconds between runs, so that BLAS threads of the last stop spinning


@dataclass(frozen=True)
class Ratio:
    """Times of one system over the times of another, turn by turn."""

    above: tuple[float, ...]
    below: tuple[float, ...]

    @property
    def pairs(self) -> list[float]:
        """The ratio of each turn."""
        return [a / b for a, b in zip(self.above, self.below, strict=True)]

    @property
    def of_pairs(self) -> float:
        """The median of the turns' ratios."""
        return median(self.pairs)

    @property
    def of_medians(self) -> float:
        """The ratio of the two median times."""
        return median(self.above) / median(self.below)

    @property
    def of_best(self) -> float:
        """The ratio of the two shortest times, which are the least disturbed."""
        return min(self.above) / min(self.below)

    @property
    def disagreement(self) -> float:
        """The relative difference between the two ways to form the ratio."""
        return abs(self.of_medians / self.of_pairs - 1)

    def __str__(self) -> str:
        """Return the median of the turns' ratios, and their range, as text."""
        return f"{self.of_pairs:.2f} ({min(self.pairs):.2f}-{max(self.pairs):.2f})"


def seconds(call: Callable[[], object], clock: str = "wall") -> float:
    """Return the duration of one call."""
    gc.collect()
    time.sleep(PAUSE)
    now = CLOCKS[clock]
    start = now()
    call()
    return now() - start


def in_turns(
    calls: dict[str, Callable[[], object]], runs: int, clock: str = "wall"
) -> dict[str, tuple[float, ...]]:
    """Time each call `runs` times, in turns, after one untimed turn."""
    for call in calls.values():
        call()
    turns = [
        {name: seconds(call, clock) for name, call in calls.items()}
        for _ in range(runs)
    ]
    return {name: tuple(turn[name] for turn in turns) for name in calls}


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table; every column but the first is right-aligned."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def conditions(*more: str) -> str:
    """Return the command line and the machine, as the head of a result."""
    command = "python " + shlex.join([os.path.relpath(sys.argv[0]), *sys.argv[1:]])
    setting = os.environ.get("OPENBLAS_CORETYPE", "not set")
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "?"
    lines = [
        f"`{command}`",
        f"{processor()[0]}, {os.cpu_count()} cores, load at the start {load}",
        versions(),
        *(describe_blas(info) for info in blas_infos()),
        f"OPENBLAS_CORETYPE {setting}",
        *more,
    ]
    return "\n".join([lines[0], "", *(f"- {line}" for line in lines[1:]), ""])
