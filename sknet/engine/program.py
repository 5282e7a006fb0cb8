"""A program: the instructions of a step, for a batch of one size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sknet._numerics import Array
from sknet.engine.lower import Lowered, lower, lower_numbers
from sknet.engine.machine import PROGRAM, REGIONS
from sknet.engine.memory import Memory
from sknet.engine.operations import NUMBER_CODES, NUMBERS
from sknet.engine.record import Recorder
from sknet.engine.tape import Number, Operation, View, address_of


# Leaves that change from step to step.
CHANGING = ("t", "rate", "total", "share")

_CALCULATIONS = {code: NUMBERS[name] for name, code in NUMBER_CODES.items()}


@dataclass(frozen=True, eq=False)
class Step:
    """A recorded step.

    Parameters
    ----------
    recorder : Recorder
        Its memory and its numbers.
    gradient, update, averaging : sequence of Operation
        The parts of the tape.
    x, y, weight, grad : View or None
        The arrays of the batch, and the gradient; ``x`` is None if it is sparse.
    data, penalty : View
        The two terms of the loss.
    n_rows : int
        Number of rows of the batch.
    """

    recorder: Recorder
    gradient: Sequence[Operation]
    update: Sequence[Operation]
    averaging: Sequence[Operation]
    x: View | None
    y: View
    weight: View | None
    grad: View
    data: View
    penalty: View
    n_rows: int


class Program:
    """The instructions of a step, and what the machine needs to run them.

    Parameters
    ----------
    step : Step
        The recorded step, of which nothing is kept but the instructions.

    Attributes
    ----------
    gradient, update, averaging : Lowered
        The instructions of each part.
    dtype : dtype
        Type of the arrays.
    n_work : int
        Number of elements of the work region.
    header : ndarray
        The structure that the machine reads.
    """

    def __init__(self, step: Step) -> None:
        recorder = step.recorder
        memory = Memory(recorder, REGIONS)
        size, self.dtype = recorder.dtype.itemsize, recorder.dtype
        self.gradient = lower(step.gradient, memory, size)
        self.update = lower(step.update, memory, size)
        self.averaging = lower(step.averaging, memory, size)
        self.n_rows = step.n_rows
        once, self._every_step = lower_numbers(recorder.numbers, CHANGING)
        self._once = [tuple(words) for words in once.tolist()]
        self._initial, self._leaves = initial_numbers(recorder.numbers)
        self.grad_place = memory.place(step.grad.block, step.grad.start)[1]
        self.n_trainable = step.grad.shape[-1]
        self.header = self._header(step, memory)
        self.n_work = memory.n_work

    @property
    def parts(self) -> tuple[Lowered, ...]:
        """The instructions of all parts."""
        return self.gradient, self.update, self.averaging

    def numbers(self, leaves: Mapping[str, float]) -> Array:
        """Return all numbers for a network whose hyperparameters are given by name."""
        numbers = list(self._initial)
        for name, place in self._leaves.items():
            numbers[place] = leaves.get(name, 0.0)
        for code, place, a, b in self._once:
            numbers[place] = _CALCULATIONS[code](numbers[a], numbers[b])
        return np.array(numbers, dtype=np.float64)

    def calculate(self, numbers: Array, leaves: Mapping[str, float]) -> None:
        """Set the numbers that change, as the machine does in every step."""
        for name, value in leaves.items():
            if name in self._leaves:
                numbers[self._leaves[name]] = value
        for code, place, a, b in self._every_step.tolist():
            numbers[place] = _CALCULATIONS[code](float(numbers[a]), float(numbers[b]))

    def regions(self, bound: Mapping[str, Array], work: Array) -> Array:
        """Return the addresses of all regions."""
        arrays = {**bound, "work": work, "constant": self._constants}
        return np.array(
            [address_of(arrays[name]) if name in arrays else 0 for name in REGIONS],
            dtype=np.int64,
        )

    def _header(self, step: Step, memory: Memory) -> Array:
        """Return the structure that the machine reads."""
        self._constants = memory.constants(self.dtype)
        header = np.zeros(1, dtype=PROGRAM)
        header["n_rows"] = step.n_rows
        for name, part in zip(
            ("gradient", "update", "averaging"), self.parts, strict=True
        ):
            header[name], header[f"n_{name}"] = address_of(part.code), len(part.code)
        header["numbers"] = address_of(self._every_step)
        header["n_numbers"] = len(self._every_step)
        header["constants"] = address_of(self._constants)
        for name in ("x", "y", "weight"):
            view = getattr(step, name)
            header[name] = (
                0 if view is None else memory.place(view.block, view.start)[1]
            )
        for name in ("data", "penalty"):
            view = getattr(step, name)
            header[f"{name}_region"], header[name] = memory.place(
                view.block, view.start
            )
        for name in CHANGING:
            header[name] = self._leaves.get(name, -1)
        return header


def initial_numbers(numbers: Sequence[Number]) -> tuple[list[float], dict[str, int]]:
    """Return the constants, with zeros for other numbers, and the places of leaves."""
    initial, leaves = [], {}
    for number in numbers:
        kind, *rest = number.key
        initial.append(number.value if kind == "constant" else 0.0)
        if kind == "leaf":
            leaves[rest[0]] = number.place
    return initial or [0.0], leaves
