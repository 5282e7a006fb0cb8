"""Lowering: from the tape of a step to the instructions of the machine.

Operations on arrays are written as loops over rows, of which the machine computes a few
at a time: consecutive operations on the same rows form a *group*, whose arrays then stay
in the first-level cache. Matrix products, draws of noise and other operations that need
all rows stand between the groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sknet._numerics import Array
from sknet.engine.operations import CODES, NUMBER_CODES, PRIMITIVES, ROW_CODES
from sknet.engine.record import Block, NotRecordable, Number, Operation, Recorder, View


# Bytes of one array that a group computes at a time: with a handful of arrays, this is
# half of a first-level cache of 32 KB.
_TILE_BYTES = 4096
# The workspace and its arrays are aligned to the longest vectors.
ALIGNMENT = 64

GROUP, PRODUCT, NOISE, PRIMITIVE = 1, 2, 3, 4

# An axis of a loop: its length, and the stride of each operand.
Axis = tuple[int, tuple[int, ...]]


class Access(NamedTuple):
    """An operand of an operation on rows.

    Parameters
    ----------
    block : Block or None
        The memory; None for a number.
    start : int
        Position of the first element, or the place of the number.
    strides : tuple of three int
        Strides of the rows and of the two axes inside a row.
    last : int
        Position of the last element of the first row.
    """

    block: Block | None
    start: int
    strides: tuple[int, int, int]
    last: int


@dataclass(frozen=True)
class RowOperation:
    """An operation on rows, each of which has one or two axes."""

    code: int
    n_rows: int
    shape: tuple[int, int]
    accesses: tuple[Access, ...]
    name: str

    @property
    def size(self) -> int:
        """Number of elements of a row."""
        return self.shape[0] * self.shape[1]


@dataclass(frozen=True)
class Lowered:
    """The instructions of a part of a step.

    Parameters
    ----------
    code : ndarray of int64
        The instructions, one after the other.
    lines : tuple of str
        The same for people, one line for each operation.
    """

    code: Array
    lines: tuple[str, ...]


class Memory:
    """Positions of all blocks in their regions.

    Parameters
    ----------
    recorder : Recorder
        The recorder.
    regions : sequence of str
        The names of the regions, in the order of the machine.

    Attributes
    ----------
    n_work : int
        Size of the region "work", in elements.
    """

    def __init__(self, recorder: Recorder, regions: Sequence[str]) -> None:
        self._regions = {name: i for i, name in enumerate(regions)}
        self._starts: dict[int, tuple[int, int]] = {}
        self._constants: list[Array] = []
        self._step = ALIGNMENT // recorder.dtype.itemsize
        sizes = {"work": 0, "constant": 0}
        for block in recorder.blocks:
            start = 0
            if block.region in sizes:
                start = sizes[block.region]
                sizes[block.region] += self._rounded(block.array.size)
            if block.region == "constant":
                self._constants.append(block.array)
            self._starts[id(block)] = self._regions[block.region], start
        self.n_work = sizes["work"]
        self._n_constant = sizes["constant"]

    def _rounded(self, size: int) -> int:
        """Return a size rounded up to the alignment."""
        return -(-size // self._step) * self._step

    def constants(self, dtype: np.dtype[Any]) -> Array:
        """Return the region of the constants."""
        region, start = np.zeros(self._n_constant, dtype=dtype), 0
        for array in self._constants:
            region[start : start + array.size] = array.ravel()
            start += self._rounded(array.size)
        return region

    def place(self, block: Block, start: int) -> tuple[int, int]:
        """Return the region of an element of a block, and its position there."""
        region, first = self._starts[id(block)]
        return region, first + start

    def words(self, access: Access) -> list[int]:
        """Return the words of an operand."""
        if access.block is None:
            return [-1, access.start, 0, 0, 0]
        return [*self.place(access.block, access.start), *access.strides]


def lower(tape: Sequence[Operation], memory: Memory, itemsize: int) -> Lowered:
    """Return the instructions of a part of a tape.

    Parameters
    ----------
    tape : sequence of Operation
        The operations.
    memory : Memory
        The positions of all blocks.
    itemsize : int
        Number of bytes of an element.

    Raises
    ------
    NotRecordable
        If there is no instruction for an operation.
    """
    code: list[int] = []
    lines: list[str] = []
    group: list[RowOperation] = []

    def end_group() -> None:
        if group:
            code.extend(_group_words(group, memory, itemsize))
            lines.extend(_group_lines(group))
            group.clear()

    operations = list(_with_bias(tape))
    for operation, bias in operations:
        if operation.name in CODES or operation.name in ROW_CODES:
            for row in _row_operations(operation):
                if group and not _fits(group, row):
                    end_group()
                group.append(row)
            continue
        end_group()
        for words in _other_words(operation, bias, memory):
            code.extend(words)
        lines.append(_line(operation))
    end_group()
    return Lowered(np.array(code, dtype=np.int64), tuple(lines))


def _with_bias(tape: Sequence[Operation]) -> Iterable[tuple[Operation, View | None]]:
    """Iterate over operations, with the row that is added to a product, if there is one.

    The addition then needs no pass of its own.
    """
    skip = False
    for i, operation in enumerate(tape):
        if skip:
            skip = False
            continue
        following = tape[i + 1] if i + 1 < len(tape) else None
        if operation.name == "matmul" and following is not None:
            bias = _bias_of(operation, following)
            if bias is not None:
                skip = True
                yield operation, bias
                continue
        yield operation, None


def _bias_of(product: Operation, following: Operation) -> View | None:
    """Return the row that an operation adds to all rows of the product before it."""
    if following.name != "add" or following.out != product.out:
        return None
    first, second = following.inputs
    if not isinstance(first, View) or not isinstance(second, View):
        return None
    if first != product.out:
        return None
    out: View = product.out
    if any(n != 1 for n in out.shape[:-2]) or any(n != 1 for n in second.shape[:-1]):
        return None
    if second.shape[-1] != out.shape[-1] or second.strides[-1] != 1:
        return None
    if second.block is out.block and second.start == out.start:
        return None  # the product itself, which is one row
    return second


# ------------------------------------------------------------------ operations on rows


def _row_operations(operation: Operation) -> list[RowOperation]:
    """Return an operation as one on rows, or as several if it has too many axes."""
    if operation.name in ROW_CODES:
        return [_reduction(operation)]
    operands = (operation.out, *operation.inputs)
    axes = _axes(operation.out.shape, operands)
    starts = tuple(_start(operand) for operand in operands)
    return _with_axes(operation.name, CODES[operation.name], axes, operands, starts)


def _with_axes(
    name: str, code: int, axes: list[Axis], operands: Any, starts: tuple[int, ...]
) -> list[RowOperation]:
    """Return operations over given axes: the first are rows, up to two are in a row."""
    n_operands = len(operands)
    (n_rows, rows), inside = (axes[0] if axes else (1, (0,) * n_operands)), axes[1:]
    inside = _merged(inside)
    if len(inside) > 2:
        return [
            part
            for i in range(n_rows)
            for part in _with_axes(
                name,
                code,
                axes[1:],
                operands,
                tuple(s + i * step for s, step in zip(starts, rows, strict=True)),
            )
        ]
    none = (1, (0,) * n_operands)
    while len(inside) < 2:
        inside.insert(0, none)
    (n_outer, outer), (n_inner, inner) = inside
    accesses = tuple(
        _access(operand, start, strides, (n_outer, n_inner))
        for operand, start, *strides in zip(
            operands, starts, rows, outer, inner, strict=True
        )
    )
    return [RowOperation(code, n_rows, (n_outer, n_inner), accesses, name)]


def _start(operand: Any) -> int:
    """Return the position of the first element of an operand."""
    return operand.place if isinstance(operand, Number) else operand.start


def _access(
    operand: Any, start: int, strides: Sequence[int], shape: tuple[int, int]
) -> Access:
    """Return how an operation accesses an operand."""
    if isinstance(operand, Number):
        return Access(None, start, (0, 0, 0), start)
    rows, outer, inner = strides
    last = start + (shape[0] - 1) * outer + (shape[1] - 1) * inner
    return Access(operand.block, start, (rows, outer, inner), last)


def _axes(shape: tuple[int, ...], operands: Sequence[Any]) -> list[Axis]:
    """Return the axes of an operation that are longer than one."""
    n = len(shape)
    all_strides = []
    for operand in operands:
        if isinstance(operand, Number):
            all_strides.append((0,) * n)
            continue
        own = [0 if m == 1 else s for m, s in zip(operand.shape, operand.strides, strict=True)]
        if any(s < 0 for s in own):
            raise NotRecordable("It runs through an array backwards.")
        all_strides.append((*(0,) * (n - len(own)), *own))
    return [
        (length, strides)
        for length, *strides in zip(shape, *all_strides, strict=True)  # type: ignore[misc]
        if length != 1
    ]


def _merged(axes: Sequence[Axis]) -> list[Axis]:
    """Merge neighbouring axes that all operands run through as one."""
    merged: list[Axis] = []
    for length, strides in axes:
        if merged:
            n, before = merged[-1]
            if all(b == length * s for b, s in zip(before, strides, strict=True)):
                merged[-1] = (n * length, strides)
                continue
        merged.append((length, strides))
    return merged


def _reduction(operation: Operation) -> RowOperation:
    """Return a sum or a maximum over an axis, for each element of the other axes."""
    out, (source,), (axis,) = operation.out, operation.inputs, operation.options
    axes = _axes(source.shape, (out, source))
    others = [a for i, a in enumerate(_axes_with_ones(source.shape, out, source)) if i != axis]
    length = source.shape[axis]
    stride = source.strides[axis] if length != 1 else 0
    del axes
    kept = _merged([a for a in others if a[0] != 1])
    if len(kept) > 2:
        raise NotRecordable("It reduces an array with too many axes.")
    none = (1, (0, 0))
    while len(kept) < 2:
        kept.append(none)
    (n_rows, rows), (n_inner, inner) = kept
    accesses = (
        Access(out.block, out.start, (rows[0], inner[0], 0), out.start + (n_inner - 1) * inner[0]),
        Access(
            source.block,
            source.start,
            (rows[1], inner[1], stride),
            source.start + (n_inner - 1) * inner[1] + (length - 1) * stride,
        ),
    )
    return RowOperation(
        ROW_CODES[operation.name], n_rows, (n_inner, length), accesses, operation.name
    )


def _axes_with_ones(shape: tuple[int, ...], *operands: View) -> list[Axis]:
    """Return all axes of operands of the same number of axes."""
    return [
        (n, tuple([0 if o.shape[i] == 1 else o.strides[i] for o in operands]))
        for i, n in enumerate(shape)
    ]


def _fits(group: Sequence[RowOperation], new: RowOperation) -> bool:
    """Return whether an operation can be computed row by row after those of a group."""
    if new.n_rows != group[0].n_rows:
        return False
    for before in group:
        for i, a in enumerate(before.accesses):
            for j, b in enumerate(new.accesses):
                if a.block is b.block and a.block is not None and (i == 0 or j == 0):
                    if not _same_rows(a, b, new.n_rows):
                        return False
    return True


def _same_rows(a: Access, b: Access, n_rows: int) -> bool:
    """Return whether two accesses to a block meet only within the same row."""
    low, high = min(a.start, b.start), max(a.last, b.last)
    step = a.strides[0]
    if step == b.strides[0] and (n_rows == 1 or high - low < step):
        return True
    end_a = a.last + (n_rows - 1) * a.strides[0]
    end_b = b.last + (n_rows - 1) * b.strides[0]
    return end_a < b.start or end_b < a.start  # they do not meet at all


def _group_words(
    group: Sequence[RowOperation], memory: Memory, itemsize: int
) -> list[int]:
    """Return the words of a group."""
    n_rows, widest = group[0].n_rows, max(op.size for op in group)
    tile = min(n_rows, max(1, _TILE_BYTES // (widest * itemsize)))
    body: list[int] = []
    for op in group:
        body += [op.code, *op.shape, _depth(op)]
        for access in op.accesses:
            body += memory.words(access)
        body += [-1, 0, 0, 0, 0] * (3 - len(op.accesses))
    return [GROUP, 5 + len(body), n_rows, tile, len(group), *body]


def _depth(op: RowOperation) -> int:
    """Return how many loops are around the innermost one: 0 if all axes are one.

    A loop over all elements of the rows has the stride of the innermost axis, or, if
    a row is a single element, that of the rows.
    """
    if op.code >= ROW_CODES["sum"]:
        return 2
    outer, inner = op.shape
    strides = [access.strides for access in op.accesses]
    if outer == 1 and (inner == 1 or all(r == inner * i for r, _, i in strides)):
        return 0
    return 1 if outer == 1 else 2


# ------------------------------------------------------------------ other instructions


def _other_words(
    operation: Operation, bias: View | None, memory: Memory
) -> list[list[int]]:
    """Return the instructions of an operation that is not on rows."""
    if operation.name == "matmul":
        return _product_words(operation, bias, memory)
    if operation.name == "noise":
        return [_noise_words(operation, memory)]
    if operation.name in PRIMITIVES:
        return [_primitive_words(operation, memory)]
    raise NotRecordable(f"There is no instruction for {operation.name}.")


def _product_words(
    operation: Operation, bias: View | None, memory: Memory
) -> list[list[int]]:
    """Return the instructions of a matrix product, or of several side by side."""
    out, (a, b) = operation.out, operation.inputs
    if min(len(a.shape), len(b.shape)) < 2:
        raise NotRecordable("It multiplies a matrix by an array with one axis.")
    m, k, n = a.shape[-2], a.shape[-1], out.shape[-1]
    leading = out.shape[:-2]
    batches = _merged(
        _axes(leading, [View(v.block, v.start, v.shape[:-2], v.strides[:-2]) for v in (out, a, b)])
    )
    added = [-1, 0] if bias is None else list(memory.place(bias.block, bias.start))

    def words(axes: list[Axis], starts: tuple[int, int, int]) -> list[list[int]]:
        if len(axes) > 1:
            (length, steps), rest = axes[0], axes[1:]
            moved = [
                tuple(s + i * step for s, step in zip(starts, steps, strict=True))
                for i in range(length)
            ]
            return [w for s in moved for w in words(rest, s)]  # type: ignore[arg-type]
        length, steps = axes[0] if axes else (1, (0, 0, 0))
        body = [m, n, k, length, *added]
        for view, start, step in zip((out, a, b), starts, steps, strict=True):
            rows = 0 if view.shape[-2] == 1 else view.strides[-2]
            columns = 0 if view.shape[-1] == 1 else view.strides[-1]
            body += [*memory.place(view.block, start), step, rows, columns]
        return [[PRODUCT, 2 + len(body), *body]]

    return words(batches, (out.start, a.start, b.start))


def _noise_words(operation: Operation, memory: Memory) -> list[int]:
    """Return the instruction of a draw of noise."""
    out = operation.out
    axes = _merged(_axes(out.shape, (out,)))
    if len(axes) > 2:
        raise NotRecordable("It draws noise into an array with too many axes.")
    none: Axis = (1, (0,))
    while len(axes) < 2:
        axes.insert(0, none)
    (n_rows, (rows,)), (n_columns, (columns,)) = axes
    place = memory.place(out.block, out.start)
    return [NOISE, 8, *place, n_rows, n_columns, rows, columns]


def _primitive_words(operation: Operation, memory: Memory) -> list[int]:
    """Return the instruction of a named operation, on matrices or vectors."""
    body = [PRIMITIVES[operation.name]]
    for operand in (operation.out, *operation.inputs):
        if isinstance(operand, Number):
            body += [-1, operand.place, 1, 1, 0, 0]
            continue
        if not operand.shape:
            raise NotRecordable(f"{operation.name} needs a matrix.")
        axes = _merged(_axes(operand.shape[:-1], (_without_last(operand),)))
        if len(axes) > 1:
            raise NotRecordable(f"{operation.name} needs a matrix.")
        n_rows, (rows,) = axes[0] if axes else (1, (0,))
        place = memory.place(operand.block, operand.start)
        body += [*place, n_rows, operand.shape[-1], rows, operand.strides[-1]]
    return [PRIMITIVE, 2 + len(body), *body]


def _without_last(view: View) -> View:
    """Return a view of the first element of each row."""
    return View(view.block, view.start, view.shape[:-1], view.strides[:-1])


# --------------------------------------------------------------------- numbers and text


def lower_numbers(
    numbers: Sequence[Number], changing: Iterable[str]
) -> tuple[Array, Array]:
    """Return the calculations with numbers: those made once, and those of every step.

    Parameters
    ----------
    numbers : sequence of Number
        All numbers, each after those from which it is computed.
    changing : iterable of str
        Names of the leaves that change from step to step.

    Returns
    -------
    once, every_step : ndarray of int64, of shape (n, 4)
        Code, place of the result, and places of the operands.
    """
    changes, varying = set(changing), set()
    once, every_step = [], []
    for number in numbers:
        name, *operands = number.key
        if name == "leaf":
            if operands[0] in changes:
                varying.add(number.place)
        elif name != "constant":
            words = (NUMBER_CODES[name], number.place, *operands)
            if varying.intersection(operands):
                varying.add(number.place)
                every_step.append(words)
            else:
                once.append(words)
    return _table(once), _table(every_step)


def _table(words: Sequence[tuple[int, ...]]) -> Array:
    """Return calculations as rows of an array."""
    return np.array(words, dtype=np.int64).reshape(-1, 4)


def _group_lines(group: Sequence[RowOperation]) -> list[str]:
    """Return a group as text."""
    marks = "─" if len(group) == 1 else "┌" + "│" * (len(group) - 2) + "└"
    return [
        f"{mark} {op.name:14} {op.n_rows} rows x {op.size}"
        for mark, op in zip(marks, group, strict=True)
    ]


def _line(operation: Operation) -> str:
    """Return an operation as text."""
    shapes = [operation.out, *operation.inputs]
    sizes = [
        "number" if isinstance(s, Number) else "x".join(str(n) for n in s.shape if n != 1)
        for s in shapes
    ]
    return f"  {operation.name:14} {sizes[0]} <- {', '.join(sizes[1:])}"
