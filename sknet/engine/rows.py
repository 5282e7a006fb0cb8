"""Operations on rows: loops over rows, and over one or two axes inside each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sknet.engine.operations import CODES, ROW_CODES
from sknet.engine.tape import Block, NotRecordable, Number, Operation, View


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


class Group:
    """Operations on rows that are computed together, some rows at a time."""

    def __init__(self) -> None:
        self.operations: list[RowOperation] = []
        self._accesses: dict[Block, dict[Access, bool]] = {}

    def takes(self, new: RowOperation) -> bool:
        """Return whether an operation can be computed row by row after the others."""
        if not self.operations:
            return True
        n_rows = new.n_rows
        if n_rows != self.operations[0].n_rows:
            return False
        for i, access in enumerate(new.accesses):
            if access.block is None:
                continue
            for before, is_written in self._accesses.get(access.block, {}).items():
                if (i == 0 or is_written) and not _same_rows(before, access, n_rows):
                    return False
        return True

    def add(self, new: RowOperation) -> None:
        """Add an operation."""
        self.operations.append(new)
        for i, access in enumerate(new.accesses):
            if access.block is not None:
                known = self._accesses.setdefault(access.block, {})
                known[access] = known.get(access, False) or i == 0


def row_operations(operation: Operation) -> list[RowOperation]:
    """Return an operation as one on rows, or as several if it has too many axes."""
    if operation.name in ROW_CODES:
        return [_reduction(operation)]
    operands = (operation.out, *operation.inputs)
    axes = axes_of(operation.out.shape, operands)
    starts = tuple(_start(operand) for operand in operands)
    return _withaxes_of(operation.name, CODES[operation.name], axes, operands, starts)


def _withaxes_of(
    name: str, code: int, axes: list[Axis], operands: Any, starts: tuple[int, ...]
) -> list[RowOperation]:
    """Return operations over given axes: the first are rows, up to two are in a row."""
    n_operands = len(operands)
    (n_rows, rows), inside = (axes[0] if axes else (1, (0,) * n_operands)), axes[1:]
    inside = merged(inside)
    if len(inside) > 2:
        return [
            part
            for i in range(n_rows)
            for part in _withaxes_of(
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


def axes_of(shape: tuple[int, ...], operands: Sequence[Any]) -> list[Axis]:
    """Return the axes of an operation that are longer than one."""
    n = len(shape)
    all_strides = []
    for operand in operands:
        if isinstance(operand, Number):
            all_strides.append((0,) * n)
            continue
        own = [
            0 if m == 1 else s
            for m, s in zip(operand.shape, operand.strides, strict=True)
        ]
        if any(s < 0 for s in own):
            raise NotRecordable("It runs through an array backwards.")
        all_strides.append((*(0,) * (n - len(own)), *own))
    by_axis = zip(*all_strides, strict=True)
    return [
        (length, strides)
        for length, strides in zip(shape, by_axis, strict=True)
        if length != 1
    ]


def merged(axes: Sequence[Axis]) -> list[Axis]:
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
    others = [
        a for i, a in enumerate(_axes_with_ones(source.shape, out, source)) if i != axis
    ]
    length = source.shape[axis]
    stride = source.strides[axis] if length != 1 else 0
    kept = merged([a for a in others if a[0] != 1])
    if len(kept) > 2:
        raise NotRecordable("It reduces an array with too many axes.")
    none = (1, (0, 0))
    while len(kept) < 2:
        kept.append(none)
    (n_rows, rows), (n_inner, inner) = kept
    accesses = (
        Access(
            out.block,
            out.start,
            (rows[0], inner[0], 0),
            out.start + (n_inner - 1) * inner[0],
        ),
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


def _same_rows(a: Access, b: Access, n_rows: int) -> bool:
    """Return whether two accesses to a block meet only within the same row."""
    low, high = min(a.start, b.start), max(a.last, b.last)
    step = a.strides[0]
    if step == b.strides[0] and (n_rows == 1 or high - low < step):
        return True
    end_a = a.last + (n_rows - 1) * a.strides[0]
    end_b = b.last + (n_rows - 1) * b.strides[0]
    return end_a < b.start or end_b < a.start  # they do not meet at all


def depth_of(op: RowOperation) -> int:
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
