"""Lowering: from the tape of a step to the instructions of the machine.

Operations on arrays are written as loops over rows, of which the machine computes a
few at a time: consecutive operations on the same rows form a *group*, whose arrays then
stay in the first-level cache. Matrix products, draws of noise and other operations that
need all rows stand between the groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sknet._numerics import Array
from sknet.engine.instructions import GROUP, words_of
from sknet.engine.memory import Memory
from sknet.engine.operations import CODES, NUMBER_CODES, ROW_CODES
from sknet.engine.record import Recorder
from sknet.engine.rows import Group, RowOperation, depth_of, row_operations
from sknet.engine.tape import NotRecordable, Number, Operation, View


# Bytes of one array that a group computes at a time: with a handful of arrays, this is
# half of a first-level cache of 32 KB.
_TILE_BYTES = 4096


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
        for words in words_of(operation, bias, memory):
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
    if len(out.shape) != len(a.shape):  # the constant has more axes
        return [operation]
    first = b.block.array.flat[0]
    if not (b.block.array == first).all():
        return [operation]
    total = Operation("sum", out, (a,), (len(a.shape) - 1,))
    try:
        row_operations(total)
    except NotRecordable:  # it has too many axes, which a product may have
        return [operation]
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
