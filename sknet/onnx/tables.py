"""The preprocessing of tables as ONNX nodes.

The table is given as one input per column, or as inputs of several columns each. As in
``TabularPreprocessor``, it is encoded in float64 whatever the types of the inputs.
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


# ONNX has no missing strings. These stand for them, unless they are levels of the fit:
# the empty string, as in skl2onnx, and onnxruntime's conversions of None, NaN and NA.
MISSING_TEXTS = ("", "None", "nan", "<NA>")


@dataclass(frozen=True)
class Input:
    """One input of the graph: adjacent columns of the table, of one type.

    Parameters
    ----------
    name : str
        Name of the value.
    kind : {"text", "whole", "real"}
        Kind of its type; booleans count as whole numbers.
    start, stop : int
        Range of its columns in the table.
    dtype : type, default=np.float64
        Type of its numbers.
    """

    name: str
    kind: str
    start: int
    stop: int
    dtype: Any = np.float64

    def columns(self, graph: Graph, wanted: Array) -> str:
        """Return some columns of the input, by their numbers in the table."""
        if len(wanted) == self.stop - self.start:
            return self.name
        return graph.chosen(self.name, wanted - self.start)


def encode(graph: Graph, preprocessor: TabularPreprocessor, inputs: list[Input]) -> str:
    """Write the encoding of a table by a fitted preprocessor.

    Parameters
    ----------
    graph : Graph
        The graph to add nodes to.
    preprocessor : TabularPreprocessor
        The fitted preprocessor.
    inputs : list of Input
        The table.

    Returns
    -------
    columns : str
        Numbers, flags and codes: rounded to the dtype of the preprocessor, and then
        converted to that of the graph.
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
    """Return the numeric columns, with NaN for missing values, or None without any."""
    found = []
    for part in inputs:
        wanted = part.start + np.flatnonzero(~is_category[part.start : part.stop])
        if not len(wanted):
            continue
        if part.kind == "text":
            raise ValueError(
                f"The input {part.name!r} is text, but column {wanted[0]} of the table "
                "holds numbers: declare it as FloatTensorType or DoubleTensorType. "
                "In a ColumnTransformer, pass text and numbers to separate steps, "
                "because skl2onnx joins the columns of one step."
            )
        found.append(graph.cast(part.columns(graph, wanted), np.float64))
    return graph.joined(found) if found else None


# ------------------------------------------------------------------------ categories


def _slot(graph: Graph, inputs: list[Input], j: int, category: dict[str, Any]) -> str:
    """Return the slot of each row's level plus one, (N, 1); 0 if it has no slot."""
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
        known = known or {0: rare}  # the operator requires at least one key
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
    """Raise an error for levels that the type of an input cannot represent exactly.

    Levels that training merged count as unknown, so they are not checked.
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
            f"levels of type {type(odd[0]).__name__}, e.g. {odd[0]!r}, that this type "
            "cannot represent: they would count as unknown. "
            f"{_declaration(text, numbers)}"
        )


def _declaration(text: list[str], numbers: list[Any]) -> str:
    """Return advice on declaring the input of a category with these levels."""
    if text and numbers:
        return "No type holds both: convert all levels to text, and refit."
    if text:
        return "Declare it as StringTensorType."
    if all(map(_is_whole, numbers)):
        return "Declare it as Int64TensorType."
    if all(holds(np.float64, value) for value in numbers):
        return "Declare it as DoubleTensorType."
    return "No type holds numbers this large: convert them to text, and refit."


def _is_whole(value: Any, dtype: Any = np.int64) -> bool:
    """Return whether a numeric level can be a value of an input of whole numbers.

    Values are looked up as int64, so larger ones of type uint64 cannot.
    """
    is_truth = issubclass(dtype, np.bool_)
    first, last = (0, 1) if is_truth else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    last = min(int(last), 2**63 - 1)
    return bool(value == value // 1 and first <= value <= last)


def _slot_of_real(graph: Graph, x: str, category: dict[str, Any]) -> str:
    """Return the slots plus one of real levels, by comparison with each level."""
    rare, slots = category["rare"] + 1, category["slots"]
    numbers = {v: slot + 1 for v, slot in slots.items() if not isinstance(v, str)}
    levels = {float(v): slot for v, slot in numbers.items() if holds(np.float64, v)}
    levels = levels or {np.nan: rare}  # NaN equals no value
    # Older opsets have no look-up of doubles.
    is_level = graph.cast(graph.op("Equal", x, [list(levels)]), np.float64)
    above = [[float(slot - rare)] for slot in levels.values()]
    slot = graph.op("Add", graph.op("MatMul", is_level, above), float(rare))
    missing = float(category["missing"] + 1)
    return graph.cast(graph.op("Where", graph.op("IsNaN", x), missing, slot), np.int64)


def _flags(graph: Graph, slot: str, category: dict[str, Any]) -> str:
    """Return the flags of a category, looked up in a small table by slot."""
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
    """Return numbers and flags, scaled and clipped as by the preprocessor."""
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
