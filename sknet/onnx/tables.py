"""The preprocessing of tables as ONNX nodes.

A table comes in as one input for each column, or as a few that hold several columns.
It is encoded in float64 whatever comes in, as ``TabularPreprocessor`` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.onnx.graph import Graph
from sknet.preprocessing import TabularPreprocessor
from sknet.preprocessing.categories import kept_levels, n_flags
from sknet.preprocessing.scaling import FAR
from sknet.preprocessing.unknown_levels import holds


# ONNX has no missing text. What stands for it: nothing, as in skl2onnx, and what
# onnxruntime makes of None, NaN and pandas' NA; unless training knew it as a level.
MISSING_TEXTS = ("", "None", "nan", "<NA>")


@dataclass(frozen=True)
class Input:
    """One input of the graph: neighbouring columns of the table, of one type.

    Parameters
    ----------
    name : str
        The value.
    kind : {"text", "whole", "real"}
        What its type holds; truth values are whole numbers.
    start, stop : int
        Which columns of the table it has.
    dtype : type, default=np.float64
        What its numbers are.
    """

    name: str
    kind: str
    start: int
    stop: int
    dtype: Any = np.float64

    def columns(self, graph: Graph, wanted: Array) -> str:
        """Return some of its columns, by their numbers in the table."""
        if len(wanted) == self.stop - self.start:
            return self.name
        return graph.chosen(self.name, wanted - self.start)


def encode(graph: Graph, preprocessor: TabularPreprocessor, inputs: list[Input]) -> str:
    """Write what a fitted preprocessor makes of a table.

    Parameters
    ----------
    graph : Graph
        Gets the nodes.
    preprocessor : TabularPreprocessor
        The preprocessor.
    inputs : list of Input
        The table.

    Returns
    -------
    columns : str
        Numbers, flags and codes, rounded to the preprocessor's type, in the graph's.
    """
    exact, is_category = graph.at(np.float64), preprocessor.is_categorical_
    numbers = _numbers(exact, inputs, is_category)
    flags, codes = [], []
    places = np.flatnonzero(is_category).tolist()
    for j, category in zip(places, preprocessor._categories, strict=True):
        slot = _slot(exact, inputs, j, category)
        if category["is_code"]:
            codes.append(exact.cast(slot, np.float64))
        else:
            flags.append(_flags(exact, slot, category))
    found = []
    if numbers is not None:
        missing = exact.op("IsNaN", numbers)
        known = exact.op("Where", missing, preprocessor.median_, numbers)
        found, sometimes = [known], preprocessor._sometimes_missing
        if sometimes:
            chosen = exact.chosen(exact.cast(missing, np.float64), sometimes)
            flags.append(chosen)
    parts = _scaled(exact, preprocessor, found, flags) + codes
    rounded = exact.cast(exact.joined(parts), preprocessor.dtype)
    return graph.cast(rounded, graph.dtype)


def _numbers(graph: Graph, inputs: list[Input], is_category: Array) -> str | None:
    """Return all columns of numbers, NaN where they are missing; None without any."""
    found = []
    for part in inputs:
        wanted = part.start + np.flatnonzero(~is_category[part.start : part.stop])
        if not len(wanted):
            continue
        if part.kind == "text":
            raise ValueError(
                f"The input {part.name!r} is text, but column {wanted[0]} of the table "
                "holds numbers: declare it as FloatTensorType or DoubleTensorType. "
                "Of a ColumnTransformer give text and numbers to a step each, since "
                "skl2onnx joins the columns of one step."
            )
        found.append(graph.cast(part.columns(graph, wanted), np.float64))
    return graph.joined(found) if found else None


# ------------------------------------------------------------------------ categories


def _slot(graph: Graph, inputs: list[Input], j: int, category: dict[str, Any]) -> str:
    """Return one plus the slot of each row's level, (N, 1); 0 where it has none."""
    part = next(part for part in inputs if part.start <= j < part.stop)
    _check_levels(part, j, kept_levels(category))
    x = part.columns(graph, np.array([j]))
    if part.kind == "real":
        return _slot_of_real(graph, graph.cast(x, np.float64), category)
    rare, slots = category["rare"] + 1, category["slots"]
    if part.kind == "text":
        known = dict.fromkeys(MISSING_TEXTS, category["missing"] + 1)
        known |= {v: slot + 1 for v, slot in slots.items() if isinstance(v, str)}
        keys: dict[str, Any] = {"keys_strings": list(known)}
    else:
        x = graph.cast(x, np.int64)
        numbers = {v: slot + 1 for v, slot in slots.items() if not isinstance(v, str)}
        known = {int(v): slot for v, slot in numbers.items() if _is_whole(v)}
        known = known or {0: rare}  # the operator wants a key
        keys = {"keys_int64s": list(known)}
    values = list(known.values())
    return graph.op(
        "LabelEncoder",
        x,
        domain="ai.onnx.ml",
        op_version=2,  # skl2onnx refuses models with a later one
        values_int64s=values,
        default_int64=rare,
        **keys,
    )


def _check_levels(part: Input, j: int, levels: list[Any]) -> None:
    """Refuse levels that no value of an input equals, or that it would round to others.

    Levels that training merged count as unknown ones, and may be left out.
    """
    text = [value for value in levels if isinstance(value, str)]
    numbers = [value for value in levels if not isinstance(value, str)]
    if part.kind == "text":
        holds_what, odd = "text", numbers
    elif part.kind == "whole":
        odd = text or [v for v in numbers if not _is_whole(v, part.dtype)]
        holds_what = f"whole numbers of type {part.dtype.__name__}"
    else:
        odd = text or [value for value in numbers if not holds(part.dtype, value)]
        holds_what = f"numbers of type {part.dtype.__name__}"
    if odd:
        raise ValueError(
            f"The input {part.name!r} is {holds_what}, but column {j} of the table has "
            f"levels of type {type(odd[0]).__name__}, e.g. {odd[0]!r}, which it cannot "
            f"hold: they would count as unknown. {_declaration(text, numbers)}"
        )


def _declaration(text: list[str], numbers: list[Any]) -> str:
    """Return how to declare the input of a category with these levels."""
    if text and numbers:
        return "No input has both: make them all text, and fit again."
    if text:
        return "Declare it as StringTensorType."
    if all(map(_is_whole, numbers)):
        return "Declare it as Int64TensorType."
    if all(holds(np.float64, value) for value in numbers):
        return "Declare it as DoubleTensorType."
    return "No input has numbers as large: make them text, and fit again."


def _is_whole(value: Any, dtype: Any = np.int64) -> bool:
    """Tell whether a level that is a number may be one of an input of whole numbers.

    They are looked up as int64, which those of uint64 may exceed.
    """
    is_truth = issubclass(dtype, np.bool_)
    first, last = (0, 1) if is_truth else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    last = min(int(last), 2**63 - 1)
    return bool(value == value // 1 and first <= value <= last)


def _slot_of_real(graph: Graph, x: str, category: dict[str, Any]) -> str:
    """Compare with each level: there is no look-up of doubles in older opsets."""
    rare, slots = category["rare"] + 1, category["slots"]
    numbers = {v: slot + 1 for v, slot in slots.items() if not isinstance(v, str)}
    levels = {float(v): slot for v, slot in numbers.items() if holds(np.float64, v)}
    levels = levels or {np.nan: rare}  # which nothing is equal to
    is_level = graph.cast(graph.op("Equal", x, [list(levels)]), np.float64)
    above = [[float(slot - rare)] for slot in levels.values()]
    slot = graph.op("Add", graph.op("MatMul", is_level, above), float(rare))
    missing = float(category["missing"] + 1)
    return graph.cast(graph.op("Where", graph.op("IsNaN", x), missing, slot), np.int64)


def _flags(graph: Graph, slot: str, category: dict[str, Any]) -> str:
    """Return the flags of a category, a row of a small table for each slot."""
    n_slots, width = category["n_slots"], n_flags(category)
    rows = np.eye(n_slots) if n_slots != 2 else np.array([[-1.0], [1.0]])
    table = np.vstack([np.zeros((1, width)), rows])
    return graph.reshaped(graph.op("Gather", table, slot, axis=0), -1, width)


# --------------------------------------------------------------------------- scaling


def _scaled(
    graph: Graph,
    preprocessor: TabularPreprocessor,
    numbers: list[str],
    flags: list[str],
) -> list[str]:
    """Return numbers and flags, scaled and clipped as ``_scaled`` of the class does."""
    parts = numbers + flags
    if preprocessor.numeric is None or not parts:
        return parts
    raw = graph.joined(parts)
    x = graph.op("Sub", raw, preprocessor.center_)
    x = graph.op("Mul", x, preprocessor.scale_)
    clip, end = preprocessor.clip, preprocessor.n_numeric_
    if clip is None:
        return [x]
    if preprocessor.scale_flags or not flags:
        return [_smooth_clip(graph, x, float(clip))]
    clipped = _smooth_clip(graph, graph.columns(x, 0, end), float(clip))
    return [clipped, graph.columns(x, end)]


def _smooth_clip(graph: Graph, x: str, clip: float) -> str:
    """Write ``x / sqrt(1 + (x / clip) ** 2)``."""
    far = clip * FAR
    x = graph.op("Max", graph.op("Min", x, far), -far)
    root = graph.op("Div", x, clip)
    root = graph.op("Sqrt", graph.op("Add", graph.op("Mul", root, root), 1.0))
    return graph.op("Div", x, root)
