"""The tape: operations on parts of memory, and on numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sknet._numerics import Array


if TYPE_CHECKING:
    from sknet.engine.record import Recorder


class NotRecordable(Exception):
    """Raised for a step that cannot be recorded; the message says why."""


@dataclass(eq=False)
class Block:
    """Memory in which a step computes: an array that was allocated as a whole.

    Parameters
    ----------
    region : str
        "work" for arrays whose content is not needed after the step, "constant" for
        arrays that never change, otherwise the name of the array that is bound to it
        when a program runs, such as "theta".
    array : ndarray
        The memory while the step is recorded.
    """

    region: str
    array: Array

    @property
    def address(self) -> int:
        """The address of the first byte."""
        return address_of(self.array)


class View(NamedTuple):
    """A part of a block: where it begins, in elements, and its shape and strides."""

    block: Block
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


# An operand: an array, or a number, of which a program keeps one for each member.
Operand = Any


class Operation(NamedTuple):
    """An operation of the tape.

    Parameters
    ----------
    name : str
        Name of the operation; for those on arrays, the name of NumPy's function.
    out : View or None
        The array that is written.
    inputs : tuple of (View or Number)
        The operands.
    options : tuple
        Further numbers that the operation needs.
    """

    name: str
    out: Any
    inputs: tuple[Operand, ...] = ()
    options: tuple[Any, ...] = ()


class Number:
    """A number that may differ between members or change from step to step.

    Calculations with it are noted like those on arrays.

    Parameters
    ----------
    recorder : Recorder
        The recorder.
    value : float
        The value while the step is recorded.
    key : tuple
        How it is computed: ("leaf", name), ("constant", value), or the name of an
        operation, and the places of its operands.
    place : int
        Its place in the list of numbers.
    """

    __slots__ = ("key", "place", "recorder", "value")

    def __init__(
        self, recorder: Recorder, value: float, key: tuple[Any, ...], place: int
    ) -> None:
        self.recorder, self.value, self.key, self.place = recorder, value, key, place

    def __add__(self, other: Any) -> Number:
        return self.recorder.calculate("add", self, other)

    def __radd__(self, other: Any) -> Number:
        return self.recorder.calculate("add", other, self)

    def __sub__(self, other: Any) -> Number:
        return self.recorder.calculate("subtract", self, other)

    def __rsub__(self, other: Any) -> Number:
        return self.recorder.calculate("subtract", other, self)

    def __mul__(self, other: Any) -> Number:
        return self.recorder.calculate("multiply", self, other)

    def __rmul__(self, other: Any) -> Number:
        return self.recorder.calculate("multiply", other, self)

    def __truediv__(self, other: Any) -> Number:
        return self.recorder.calculate("divide", self, other)

    def __rtruediv__(self, other: Any) -> Number:
        return self.recorder.calculate("divide", other, self)

    def __pow__(self, other: Any) -> Number:
        return self.recorder.calculate("power", self, other)

    def __rpow__(self, other: Any) -> Number:
        return self.recorder.calculate("power", other, self)

    def __neg__(self) -> Number:
        return self.recorder.calculate("subtract", 0.0, self)

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, **options: Any
    ) -> Any:
        return self.recorder.apply(ufunc, method, inputs, options)

    def _refuse(self, *others: Any) -> Any:
        """Raise NotRecordable, since the value is another one in the next step."""
        del others
        raise NotRecordable("It branches on a number that differs between steps.")

    __bool__ = __float__ = __int__ = __index__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _refuse
    __hash__ = None  # type: ignore[assignment]  # as it cannot be compared


def address_of(array: Array) -> int:
    """Return the address of the first element of an array."""
    return int(array.ctypes.data)
