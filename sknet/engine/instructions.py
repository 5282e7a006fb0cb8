"""Instructions of the operations that need whole arrays, as words.

Matrix products, draws of noise, windows of images and other named operations stand
between the groups of operations on rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from sknet.engine.memory import Memory
from sknet.engine.operations import PRIMITIVES, WINDOW_OPERATIONS
from sknet.engine.rows import Axis, axes_of, merged
from sknet.engine.tape import NotRecordable, Number, Operation, View


GROUP, PRODUCT, NOISE, PRIMITIVE, WINDOWS = 1, 2, 3, 4, 5


def words_of(
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
