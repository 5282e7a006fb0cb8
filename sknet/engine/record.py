"""The recorder: it notes the operations of one step of one network on a tape.

A step is made in NumPy, on arrays of the class :class:`Traced`, which compute as usual
and note every operation: what is computed, and where its operands are in memory. The
mathematics is therefore written once, by the layers, losses and optimizers, which do
not know of this module.

What cannot be replayed raises :class:`NotRecordable`: a branch on data, a number that
is read from an array, an unknown function, or an array that is neither constant nor one
of the recorder's own.
"""

from __future__ import annotations

import inspect
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from sknet._numerics import Array
from sknet.engine.operations import ELEMENTWISE, NUMBERS, UNARY
from sknet.engine.overlaps import reads_what_it_writes


# What methods of arrays pass for a first value that is not given.
_NO_VALUE = inspect.signature(np.sum).parameters["initial"].default


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


class Traced(np.ndarray):
    """An array whose operations are noted; views of it are traced, too."""

    recorder: Recorder

    def __array_finalize__(self, obj: Any) -> None:
        self.recorder = getattr(obj, "recorder", None)  # type: ignore[assignment]

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, **options: Any
    ) -> Any:
        return self.recorder.apply(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any):
        del types
        handle = _FUNCTIONS.get(function)
        if handle is None:
            raise NotRecordable(f"It calls np.{function.__name__}.")
        return handle(self.recorder, *args, **kwargs)

    def __repr__(self) -> str:
        return f"Traced({self.view(np.ndarray)!r})"

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        if isinstance(part, np.ndarray):
            return part
        keys = key if isinstance(key, tuple) else (key,)
        return super().__getitem__((*keys, Ellipsis))  # not a number, but a view of it

    def __setitem__(self, key: Any, value: Any) -> None:
        self.recorder.apply(np.positive, "__call__", (value,), {"out": (self[key],)})

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def fill(self, value: Any) -> None:
        """Fill with a number."""
        self[...] = value

    def copy(self, order: Any = "C") -> Any:
        """Return a copy."""
        del order
        return self.recorder.copy(self)

    def astype(self, dtype: Any, **options: Any) -> Any:
        """Return a copy of the same type; other types are not recorded."""
        del options
        if np.dtype(dtype) != self.dtype:
            raise NotRecordable(f"It converts an array to {np.dtype(dtype)}.")
        return self.recorder.copy(self)

    def _refuse(self, *args: Any, **options: Any) -> Any:
        """Raise NotRecordable, since the elements are others in the next step."""
        del args, options
        raise NotRecordable("It reads numbers from an array, or branches on them.")

    __bool__ = __float__ = __int__ = __index__ = __contains__ = _refuse
    tolist = item = tobytes = dot = argmax = argmin = argsort = sort = _refuse
    nonzero = cumsum = take = put = repeat = searchsorted = _refuse
    partition = argpartition = choose = compress = byteswap = resize = _refuse
    setfield = _refuse
    flat = property(_refuse)


def address_of(array: Array) -> int:
    """Return the address of the first element of an array."""
    return int(array.ctypes.data)


class Noise:
    """A noise stream whose draws are noted.

    Parameters
    ----------
    recorder : Recorder
        The recorder.
    stream : Generator
        The stream.
    """

    def __init__(self, recorder: Recorder, stream: np.random.Generator) -> None:
        self._recorder, self._stream = recorder, stream

    def random(self, *, out: Array, dtype: Any) -> Array:
        """Draw uniform numbers into an array."""
        plain = out.view(np.ndarray)
        if plain.flags.c_contiguous:
            self._stream.random(out=plain, dtype=dtype)
        else:
            plain[...] = self._stream.random(size=plain.shape, dtype=dtype)
        self._recorder.note("noise", self._recorder.view(out))
        return out


@dataclass(eq=False)
class Recorder:
    """The tape of a step, and the memory and the numbers that it uses.

    Parameters
    ----------
    dtype : dtype
        Type of all arrays.
    """

    dtype: np.dtype[Any]
    tape: list[Operation] = field(default_factory=list)
    numbers: list[Number] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    _addresses: list[int] = field(default_factory=list)
    _known: dict[tuple[Any, ...], Number] = field(default_factory=dict)
    _constants: dict[tuple[Any, ...], tuple[Array, View]] = field(default_factory=dict)

    # ------------------------------------------------------------------------ numbers

    def leaf(self, name: str, value: float) -> Number:
        """Return a number that is set from outside, by its name."""
        return self._number(("leaf", name), float(value))

    def number(self, value: Any) -> Number:
        """Return a constant as a number; a number is returned unchanged."""
        if isinstance(value, Number):
            return value
        if isinstance(value, Traced):
            raise NotRecordable("It calculates with a number that is read from data.")
        return self._number(("constant", repr(float(value))), float(value))

    def calculate(self, name: str, a: Any, b: Any) -> Number:
        """Note a calculation with two numbers, and return its result."""
        if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
            return NotImplemented
        first, second = self.number(a), self.number(b)
        value = NUMBERS[name](first.value, second.value)
        return self._number((name, first.place, second.place), value)

    def _number(self, key: tuple[Any, ...], value: float) -> Number:
        """Return the number that is computed in a certain way, noted once."""
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = Number(self, value, key, len(self.numbers))
            self.numbers.append(known)
        return known

    # ------------------------------------------------------------------------- arrays

    def adopt(self, array: Array, region: str) -> Any:
        """Return an array as traced, in a region that is bound when a program runs."""
        self._add(Block(region, array))
        return self._traced(array)

    def allocate(self, shape: Any, dtype: Any = None) -> Any:
        """Return a new array, filled with NaN, in the region "work".

        An array of another type, such as one of integers, is a plain one, for named
        operations to compute in; any other use of it is refused.
        """
        if dtype is not None and np.dtype(dtype) != self.dtype:
            return np.empty(shape, dtype=dtype)
        array = np.full(shape, np.nan, dtype=self.dtype)
        self._add(Block("work", array))
        return self._traced(array)

    def copy(self, array: Any) -> Any:
        """Return a copy of an array, and note it."""
        return self.apply(np.positive, "__call__", (array,), {})

    def _traced(self, array: Array) -> Any:
        """Return an array as traced."""
        traced = array.view(Traced)
        traced.recorder = self
        return traced

    def _add(self, block: Block) -> None:
        """Add a block, which keeps its memory alive, so that addresses stay unique."""
        if block.array.size == 0:
            return
        place = bisect_right(self._addresses, block.address)
        self._addresses.insert(place, block.address)
        self.blocks.insert(place, block)

    def view(self, array: Any) -> View:
        """Return which part of which block an array is.

        Raises
        ------
        NotRecordable
            If it is not part of any, and not constant.
        """
        address = address_of(array)
        place = bisect_right(self._addresses, address) - 1
        if place >= 0:
            block = self.blocks[place]
            offset = address - self._addresses[place]
            if offset < block.array.nbytes:
                size = block.array.itemsize
                if array.dtype != block.array.dtype:
                    raise NotRecordable("It reads the bytes of an array as another type.")
                strides = tuple([s // size for s in array.strides])
                return View(block, offset // size, array.shape, strides)
        if array.size == 0:
            raise NotRecordable("It computes on an empty array.")
        return self._constant(array)

    def _constant(self, array: Any) -> View:
        """Return the view of a constant, which must be read-only."""
        if array.flags.writeable:
            raise NotRecordable(
                "It computes on an array that the engine does not know: create arrays "
                "with like=, and make constants read-only."
            )
        # Constants may share memory, and may be parts of each other: each has a copy.
        key = address_of(array), array.dtype, array.shape, array.strides
        if key not in self._constants:
            values = np.array(array, dtype=self.dtype, order="C", subok=False)
            block = Block("constant", values)
            self._add(block)
            strides = tuple([s // values.itemsize for s in values.strides])
            # the array itself is kept, too, so that its address stays its own
            self._constants[key] = array, View(block, 0, values.shape, strides)
        return self._constants[key][1]

    def operand(self, value: Any) -> Operand:
        """Return an input of an operation: a view, or a number."""
        if isinstance(value, np.ndarray):
            number = self._uniform(value)
            return self.view(value) if number is None else number
        return self.number(value)

    def array_or_number(self, value: Any) -> Operand:
        """Return an input for which a constant array is never taken as a number."""
        return self.view(value) if isinstance(value, np.ndarray) else self.number(value)

    def _uniform(self, array: Array) -> Number | None:
        """Return the value of a read-only array whose elements are all the same."""
        if type(array) is not np.ndarray or array.flags.writeable or not array.size:
            return None
        first = array.flat[0]
        if array.size > 1 and not (array == first).all():
            return None
        if first == 0 and np.signbit(array).any() != np.signbit(array).all():
            return None
        return self.number(first)

    # --------------------------------------------------------------------- operations

    def note(self, name: str, out: View, *inputs: Operand, options: Any = ()) -> None:
        """Note an operation."""
        self.tape.append(Operation(name, out, inputs, tuple(options)))

    def apply(
        self, ufunc: Any, method: str, inputs: Sequence[Any], options: dict[str, Any]
    ) -> Any:
        """Compute a function of NumPy or SciPy on arrays, and note it."""
        outs = options.pop("out", None)
        if method == "reduce":
            return self._reduce(ufunc, inputs, outs, options)
        name = _NAMES.get(ufunc)
        if method != "__call__" or name is None:
            raise NotRecordable(f"It calls {ufunc.__name__}.{method}.")
        options.pop("casting", None), options.pop("subok", None)
        if options.pop("dtype", None) not in (None, self.dtype.type, self.dtype):
            raise NotRecordable(f"It calls {ufunc.__name__} with another dtype.")
        if options:
            raise NotRecordable(f"It calls {ufunc.__name__} with {list(options)}.")
        plain = [_plain(value) for value in inputs]
        if outs is None:
            out = self._result(ufunc(*plain))
        else:
            (out,) = outs
            _check_overlap(name, out, inputs)
            ufunc(*plain, out=_plain(out), casting="unsafe")
        if out.size == 0:  # nothing is written
            return out
        operand = self.array_or_number if name == "matmul" else self.operand
        self.note(name, self._target(out), *[operand(value) for value in inputs])
        return out

    def _result(self, values: Any) -> Any:
        """Return a new array for a result, which a function has just computed."""
        values = np.asarray(values)
        if values.dtype != self.dtype:
            raise NotRecordable(f"It computes an array of type {values.dtype}.")
        out = self.allocate(values.shape)
        out.view(np.ndarray)[...] = values
        return out

    def _target(self, out: Any) -> View:
        """Return the view of an array that is written."""
        view = self.view(out)
        if view.block.region == "constant":
            raise NotRecordable("It writes into an array that the engine does not know.")
        return view

    def _reduce(
        self, ufunc: Any, inputs: Sequence[Any], outs: Any, options: dict[str, Any]
    ) -> Any:
        """Compute a sum or a maximum over one axis, and note it."""
        name = {np.add: "sum", np.maximum: "max"}.get(ufunc)
        axis, keepdims = options.pop("axis", 0), bool(options.pop("keepdims", False))
        if options.get("where") is True:  # as the methods of arrays pass it
            del options["where"]
        options = {n: v for n, v in options.items() if v not in (None, _NO_VALUE)}
        if name is None or options or not isinstance(axis, (int, np.integer)):
            with_options = f" with {list(options)}" if options else ""
            raise NotRecordable(f"It calls {ufunc.__name__}.reduce{with_options}.")
        (array,) = inputs
        if array.size == 0:
            raise NotRecordable("It reduces an empty array.")
        values = ufunc.reduce(_plain(array), axis=axis, keepdims=keepdims)
        if outs is None:
            out = self._result(values)
        else:
            (out,) = outs
            _check_overlap(name, out, inputs)
            _plain(out)[...] = values
        source, target = self.view(array), self._target(out)
        axis = int(axis) % len(source.shape)
        if not keepdims:  # the target is noted as if the axis were kept
            shape, strides = list(target.shape), list(target.strides)
            shape.insert(axis, 1), strides.insert(axis, 0)
            target = View(target.block, target.start, tuple(shape), tuple(strides))
        self.note(name, target, source, options=(axis,))
        return out

    def primitive(
        self, name: str, out: Any, inputs: Sequence[Any], compute: Callable[..., Any]
    ) -> Any:
        """Note a named operation that is not a function of NumPy.

        Parameters
        ----------
        name : str
            Its name.
        out : Traced
            The array that is written.
        inputs : sequence of (Traced, Number or float)
            Its operands.
        compute : callable
            Computes it on plain arrays, given ``out`` and the inputs.

        Returns
        -------
        out : Traced
            The array.
        """
        _check_overlap(name, out, inputs)
        compute(_plain(out), *[_plain(value) for value in inputs])
        operands = [self.array_or_number(value) for value in inputs]
        self.note(name, self._target(out), *operands)
        return out


def _check_overlap(name: str, out: Any, inputs: Sequence[Any]) -> None:
    """Raise NotRecordable if an operation would overwrite what it still has to read."""
    if reads_what_it_writes(name, _plain(out), tuple(map(_plain, inputs))):
        raise NotRecordable(
            f"It calls {name} with an output that overlaps an input, but is another "
            "part of the array."
        )


def _plain(value: Any) -> Any:
    """Return a traced array as a plain one, and a number as its value."""
    if isinstance(value, np.ndarray):
        return value.view(np.ndarray)
    return value.value if isinstance(value, Number) else value


def _copyto(recorder: Recorder, out: Any, value: Any, **options: Any) -> None:
    """Note ``np.copyto``."""
    if options.keys() - {"casting"}:
        raise NotRecordable(f"It calls np.copyto with {list(options)}.")
    recorder.apply(np.positive, "__call__", (value,), {"out": (out,)})


def _empty(recorder: Recorder, shape: Any, dtype: Any = None, **options: Any) -> Any:
    """Allocate for ``np.empty(..., like=)``."""
    del options
    return recorder.allocate(shape, dtype)


def _zeros(recorder: Recorder, shape: Any, dtype: Any = None, **options: Any) -> Any:
    """Allocate for ``np.zeros(..., like=)``, and note the zeros."""
    out = _empty(recorder, shape, dtype, **options)
    out[...] = 0.0
    return out


def _empty_like(recorder: Recorder, array: Any, dtype: Any = None, **options: Any) -> Any:
    """Allocate for ``np.empty_like``."""
    del options
    return recorder.allocate(array.shape, dtype)


def _zeros_like(recorder: Recorder, array: Any, dtype: Any = None, **options: Any) -> Any:
    """Allocate for ``np.zeros_like``, and note the zeros."""
    out = _empty_like(recorder, array, dtype, **options)
    out[...] = 0.0
    return out


_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.copyto: _copyto,
    np.empty: _empty,
    np.zeros: _zeros,
    np.empty_like: _empty_like,
    np.zeros_like: _zeros_like,
    np.copy: lambda recorder, array, **options: recorder.copy(array),
}


class _Probe(np.ndarray):
    """An array on which a function of NumPy or SciPy returns itself."""

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, **options: Any
    ) -> Any:
        return ufunc


def _names() -> dict[Any, str]:
    """Return the name on the tape of each function that can be recorded."""
    from scipy import special

    names, probe = {np.positive: "copy", np.matmul: "matmul"}, np.empty(1).view(_Probe)
    for name in ELEMENTWISE:
        function = getattr(np, name, None) or getattr(special, name)
        if name != "copy":  # with SCIPY_ARRAY_API=1, those of SciPy are wrapped
            names[function(*[probe] * (1 if name in UNARY else 2))] = name
    return names


_NAMES = _names()
