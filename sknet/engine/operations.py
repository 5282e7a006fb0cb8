"""The operations of the machine, and their numbers.

The tables are in the order of the lists in ``_kernels.h`` and ``_machine.c``; a test
compares them.
"""

from __future__ import annotations

import math
from collections.abc import Callable


UNARY = (
    *("copy", "negative", "absolute", "sqrt", "square", "reciprocal", "sign", "floor"),
    *("ceil", "rint", "trunc", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p"),
    *("tanh", "sin", "cos", "tan", "sinh", "cosh", "arctan", "arcsin", "arccos"),
    *("cbrt", "erf", "expit"),
)
BINARY = (
    *("add", "subtract", "multiply", "divide", "maximum", "minimum", "fmax", "fmin"),
    *("greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "power"),
    *("heaviside", "xlogy", "logaddexp", "arctan2", "hypot", "copysign"),
)
ELEMENTWISE = UNARY + BINARY
CODES = {name: code for code, name in enumerate(ELEMENTWISE)}

# Calculations with single numbers, in float64.
NUMBERS: dict[str, Callable[[float, float], float]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: (
        a / b if b else math.copysign(math.inf, a) if a else math.nan
    ),
    "power": lambda a, b: a**b,
}
NUMBER_CODES = {name: code for code, name in enumerate(NUMBERS)}

# Reductions along a row.
ROW_CODES = {"sum": 100, "max": 101}

# Operations that need whole arrays.
PRIMITIVES = {
    "overflow_shift": 0,
    "clip_by_norm": 1,
    "first_largest": 2,
    "move_towards": 3,
    "look_up": 4,
    "add_at_levels": 5,
    "sparse_product": 6,
    "sparse_transposed": 7,
    "sparse_to_dense": 8,
}

# Operations on windows of images: the code, and which of the operands, of which the
# result is the first, has the shape of the images, and which that of the output.
WINDOW_OPERATIONS = {
    "convolve": (0, 1, 0),
    "filter_gradient": (1, 1, 2),
    "image_gradient": (2, 0, 1),
    "max_pool": (3, 1, 0),
    "max_pool_gradient": (4, 0, 3),
    "mean_pool": (5, 1, 0),
    "mean_pool_gradient": (6, 0, 1),
    "drawn_pool": (7, 1, 0),
    "drawn_pool_gradient": (8, 0, 3),
    "weighted_pool": (9, 1, 0),
    "weighted_pool_gradient": (10, 0, 3),
    "warp": (11, 1, 0),
    "warp_gradient": (12, 0, 1),
}
