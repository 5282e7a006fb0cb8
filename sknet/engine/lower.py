"""Lowering: from the tape of a step to the instructions of the machine.

Operations on arrays are written as loops over rows, of which the machine computes a
few at a time: consecutive operations on the same rows form a *group*, whose arrays then
stay in the first-level cache. Matrix products, draws of noise and other operations that
need all rows stand between the groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.engine.operations import (
    CODES,
    NUMBER_CODES,
    PRIMITIVES,
    ROW_CODES,
    WINDOW_OPERATIONS,
)
from sknet.engine.record import Recorder
from sknet.engine.rows import (
    Access,
    Axis,
    Group,
    RowOperation,
    axes_of,
    depth_of,
    merged,
    row_operations,
)
from sknet.engine.tape import Block, NotRecordable, Number, Operation, View


# Bytes of one array that a group computes at a time: with a handful of arrays, this is
# half of a first-level cache of 32 KB.
_TILE_BYTES = 4096
# The workspace and its arrays are aligned to the longest vectors.
ALIGNMENT = 64

GROUP, PRODUCT, NOISE, PRIMITIVE, WINDOWS = 1, 2, 3, 4, 5


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
    group = Group()

    def end_group() -> None:
        nonlocal group
        if group.operations:
            code.extend(_group_words(group.operations, memory, itemsize))
            lines.extend(_group_lines(group.operations))
            group = Group()

    sums = (part for operation in tape for part in _as_sum(operation, memory.recorder))
    for operation, bias in _with_bias(list(sums)):
        if operation.name in CODES or operation.name in ROW_CODES:
            for row in row_operations(operation):
                if not group.takes(row):
                    end_group()
                group.add(row)
            continue
        end_group()
        for words in _other_words(operation, bias, memory):
            code.extend(words)
        lines.append(_line(operation))
    end_group()
    return Lowered(np.array(code, dtype=np.int64), tuple(lines))


def _as_sum(operation: Operation, recorder: Recorder) -> list[Operation]:
    """Return a product with a column of equal constants as a sum over each row.

    Sums are computed together with the operations before and after them.
    """
    if operation.name != "matmul":
        return [operation]
    out, (a, b) = operation.out, operation.inputs
    if b.block.region != "constant" or out.shape[-1] != 1 or out.shape[-2] == 1:
        return [operation]
    first = b.block.array.flat[0]
    if not (b.block.array == first).all():
        return [operation]
    total = Operation("sum", out, (a,), (len(a.shape) - 1,))
    if first == 1.0:
        return [total]
    return [total, Operation("multiply", out, (out, recorder.number(first)))]


def _with_bias(tape: Sequence[Operation]) -> Iterable[tuple[Operation, View | None]]:
    """Iterate over operations, with the row that is added to a product, if any.

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


def _group_words(
    group: Sequence[RowOperation], memory: Memory, itemsize: int
) -> list[int]:
    """Return the words of a group."""
    n_rows, widest = group[0].n_rows, max(op.size for op in group)
    tile = min(n_rows, max(1, _TILE_BYTES // (widest * itemsize)))
    body: list[int] = []
    for op in group:
        body += [op.code, *op.shape, depth_of(op)]
        for access in op.accesses:
            body += memory.words(access)
        body += [-1, 0, 0, 0, 0] * (3 - len(op.accesses))
    return [GROUP, 5 + len(body), n_rows, tile, len(group), *body]


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
    if operation.name in WINDOW_OPERATIONS:
        return [_windows_words(operation, memory)]
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
    batches = merged(
        axes_of(
            leading,
            [View(v.block, v.start, v.shape[:-2], v.strides[:-2]) for v in (out, a, b)],
        )
    )
    added = [-1, 0] if bias is None else list(memory.place(bias.block, bias.start))
    count, steps = batches[-1] if batches else (1, (0, 0, 0))
    instructions = []
    for starts in _moved((out.start, a.start, b.start), batches[:-1]):
        body = [m, n, k, count, *added]
        for view, start, step in zip((out, a, b), starts, steps, strict=True):
            rows = 0 if view.shape[-2] == 1 else view.strides[-2]
            columns = 0 if view.shape[-1] == 1 else view.strides[-1]
            body += [*memory.place(view.block, start), step, rows, columns]
        instructions.append([PRODUCT, 2 + len(body), *body])
    return instructions


def _moved(starts: tuple[int, ...], axes: Sequence[Axis]) -> list[tuple[int, ...]]:
    """Return the starts of operands at all positions along some axes."""
    moved = [starts]
    for length, steps in axes:
        moved = [
            tuple(start + i * step for start, step in zip(each, steps, strict=True))
            for each in moved
            for i in range(length)
        ]
    return moved


def _noise_words(operation: Operation, memory: Memory) -> list[int]:
    """Return the instruction of a draw of noise."""
    out = operation.out
    axes = merged(axes_of(out.shape, (out,)))
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
        axes = merged(axes_of(operand.shape[:-1], (_without_last(operand),)))
        if len(axes) > 1:
            raise NotRecordable(f"{operation.name} needs a matrix.")
        n_rows, (rows,) = axes[0] if axes else (1, (0,))
        place = memory.place(operand.block, operand.start)
        body += [*place, n_rows, operand.shape[-1], rows, operand.strides[-1]]
    return [PRIMITIVE, 2 + len(body), *body]


def _windows_words(operation: Operation, memory: Memory) -> list[int]:
    """Return the instruction of an operation on windows of images."""
    code, image, output = WINDOW_OPERATIONS[operation.name]
    operands = (operation.out, *operation.inputs)
    n_members, *shape = operands[image].shape
    n_groups, *windows = operation.options
    if n_members != 1 or any(not _is_contiguous(view) for view in operands):
        raise NotRecordable(f"{operation.name} needs contiguous images of one network.")
    body = [code, *shape, *operands[output].shape[2:], n_groups, *windows]
    for view in operands:
        body += memory.place(view.block, view.start)
    body += [-1, 0] * (4 - len(operands))
    return [WINDOWS, 2 + len(body), *body]


def _is_contiguous(view: View) -> bool:
    """Return whether the elements of a view are side by side in memory, in order."""
    step = 1
    for length, stride in zip(
        reversed(view.shape), reversed(view.strides), strict=True
    ):
        if length != 1 and stride != step:
            return False
        step *= length
    return True


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
        "number"
        if isinstance(s, Number)
        else "x".join(str(n) for n in s.shape if n != 1)
        for s in shapes
    ]
    return f"  {operation.name:14} {sizes[0]} <- {', '.join(sizes[1:])}"
