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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.engine.operations import ELEMENTWISE, NUMBERS, UNARY
from sknet.engine.overlaps import reads_what_it_writes
from sknet.engine.tape import (
    Block,
    NotRecordable,
    Number,
    Operand,
    Operation,
    View,
    address_of,
)
from sknet.engine.traced import Noise, Traced, untraced


# What methods of arrays pass for a first value that is not given.
_NO_VALUE = inspect.signature(np.sum).parameters["initial"].default


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

    def forget(self) -> None:
        """Forget everything, which frees the memory at once.

        Numbers refer to the recorder, which would keep it until garbage is collected.
        """
        for kept in (self.tape, self.numbers, self.blocks, self._addresses):
            kept.clear()
        self._known.clear()
        self._constants.clear()

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

    def noise(self, stream: np.random.Generator) -> Noise:
        """Return a noise stream whose draws are noted."""
        return Noise(self, stream)

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
        known: View | None = getattr(array, "place", None)
        if known is not None:
            return known
        address = array.__array_interface__["data"][0]
        place = bisect_right(self._addresses, address) - 1
        if place >= 0:
            block = self.blocks[place]
            offset = address - self._addresses[place]
            if offset < block.array.nbytes:
                size = block.array.itemsize
                if array.dtype != block.array.dtype:
                    raise NotRecordable(
                        "It reads the bytes of an array as another type."
                    )
                strides = tuple([s // size for s in array.strides])
                known = View(block, offset // size, array.shape, strides)
                if isinstance(array, Traced):
                    array.place = known
                return known
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
        plain = [untraced(value) for value in inputs]
        if outs is None:
            out = self._result(ufunc(*plain))
        else:
            (out,) = outs
            _check_overlap(name, out, inputs)
            ufunc(*plain, out=untraced(out), casting="unsafe")
        if out.size == 0:  # nothing is written
            return out
        operand = self.array_or_number if name == "matmul" else self.operand
        self.note(name, self._target(out), *[operand(value) for value in inputs])
        return out

    def _result(self, values: Any) -> Any:
        """Return a new array for a result, which a function has just computed."""
        values = np.asarray(values)
        if values.dtype != self.dtype:
            if values.dtype == bool:
                raise NotRecordable(
                    "It compares arrays; write the comparison into an array, as in "
                    "np.greater(z, 0.0, out=scratch)."
                )
            raise NotRecordable(f"It computes an array of type {values.dtype}.")
        out = self.allocate(values.shape)
        out.view(np.ndarray)[...] = values
        return out

    def _target(self, out: Any) -> View:
        """Return the view of an array that is written."""
        view = self.view(out)
        if view.block.region == "constant":
            raise NotRecordable(
                "It writes into an array that the engine does not know."
            )
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
        if name is not None and axis is None:
            raise NotRecordable(f"It takes a {name} over all axes, not over one.")
        if name is None or options or not isinstance(axis, (int, np.integer)):
            with_options = f" with {list(options)}" if options else ""
            raise NotRecordable(f"It calls {ufunc.__name__}.reduce{with_options}.")
        (array,) = inputs
        if array.size == 0:
            raise NotRecordable("It reduces an empty array.")
        values = ufunc.reduce(untraced(array), axis=axis, keepdims=keepdims)
        if outs is None:
            out = self._result(values)
        else:
            (out,) = outs
            _check_overlap(name, out, inputs)
            untraced(out)[...] = values
        source, target = self.view(array), self._target(out)
        axis = int(axis) % len(source.shape)
        if not keepdims:  # the target is noted as if the axis were kept
            shape, strides = list(target.shape), list(target.strides)
            shape.insert(axis, 1)
            strides.insert(axis, 0)
            target = View(target.block, target.start, tuple(shape), tuple(strides))
        self.note(name, target, source, options=(axis,))
        return out

    def primitive(
        self,
        name: str,
        out: Any,
        inputs: Sequence[Any],
        compute: Callable[..., Any],
        options: Sequence[int] = (),
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
        options : sequence of int, default=()
            Further numbers that its instruction needs.

        Returns
        -------
        out : Traced
            The array.
        """
        _check_overlap(name, out, inputs)
        compute(untraced(out), *[untraced(value) for value in inputs])
        operands = [self.array_or_number(value) for value in inputs]
        self.note(name, self._target(out), *operands, options=options)
        return out


def _check_overlap(name: str, out: Any, inputs: Sequence[Any]) -> None:
    """Raise NotRecordable if an operation would overwrite what it still has to read."""
    if reads_what_it_writes(name, untraced(out), tuple(map(untraced, inputs))):
        raise NotRecordable(
            f"It calls {name} with an output that overlaps an input, but is another "
            "part of the array."
        )


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
