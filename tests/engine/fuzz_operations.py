"""Random operations of the fuzzer, and how much their results may differ.

Each function records one operation on arrays of a program that is being drawn
(``fuzz.Draw``).
"""

import numpy as np
from scipy import special

from sknet import _operations
from sknet.engine.operations import BINARY, UNARY


EXACT = {
    *("copy", "negative", "absolute", "sqrt", "square", "reciprocal", "sign", "floor"),
    *("ceil", "rint", "trunc", "add", "subtract", "multiply", "divide", "maximum"),
    *("minimum", "fmax", "fmin", "greater", "greater_equal", "less", "less_equal"),
    *("equal", "not_equal", "heaviside", "copysign"),
}
EXTREMES = {"maximum", "minimum", "fmax", "fmin"}
COMPARISONS = {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal"}
OF_SCIPY = {"erf", "expit", "xlogy"}
ULPS = 8
IN_PLACE = {
    "add": lambda a, b: a.__iadd__(b),
    "subtract": lambda a, b: a.__isub__(b),
    "multiply": lambda a, b: a.__imul__(b),
    "divide": lambda a, b: a.__itruediv__(b),
}
TEMPORARY = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "power": lambda a, b: a**b,
    "negative": lambda a: -a,
    "absolute": abs,
}


def function(name):
    """The function of NumPy or SciPy with a name."""
    return getattr(np, {"copy": "positive"}.get(name, name), None) or getattr(
        special, name
    )


def plain(value):
    """A plain copy of an operand in double precision."""
    value = getattr(value, "value", value)
    return np.array(
        value.view(np.ndarray) if isinstance(value, np.ndarray) else value, float
    )


# ----------------------------------------------------------------------- elementwise


def elementwise(draw):
    """An elementwise function, a copy, an operator or an assignment."""
    rng = draw.rng
    names = UNARY if rng.random() < 0.4 else BINARY
    name = str(rng.choice(names))
    if name not in EXACT and rng.random() < 0.4:
        name = "copy" if names is UNARY else "multiply"
    inputs = [draw.operand(draw.shape) for _ in range(1 if names is UNARY else 2)]
    for i, value in enumerate(inputs):
        is_last = i == len(inputs) - 1 and not isinstance(inputs[0], np.ndarray)
        # of two numbers, NumPy computes in doubles; SciPy may take no numbers
        if not isinstance(value, np.ndarray) and (is_last or name in OF_SCIPY):
            inputs[i] = draw.clean(draw.array(draw.shape, is_input=True))
    way = rng.random()
    is_array = hasattr(inputs[0], "recorder") and isinstance(inputs[0], np.ndarray)
    if way < 0.15 and name in TEMPORARY and is_array:
        before = [plain(v) for v in inputs]
        out = TEMPORARY[name](*inputs)
    elif way < 0.35 and name in IN_PLACE:
        out = draw.clean(draw.array(draw.shape))
        before = [plain(v) for v in (out, inputs[1])]
        IN_PLACE[name](out, inputs[1])
    elif name == "copy":
        out, before = draw.array(draw.shape), [plain(inputs[0])]
        _copy(rng, out, inputs[0])
    else:
        out = draw.array(draw.shape)
        if name == "negative" and not out.flags.c_contiguous:
            name = "absolute"  # NumPy 2.4.6 reads other elements for certain steps
        before = [plain(v) for v in inputs]
        function(name)(*inputs, out=out)
    draw.set_slack(out, slack_of(name, plain(out), before, draw.dtype))


def _copy(rng, out, value):
    """Copy in one of several ways."""
    if rng.random() < 0.5:
        out[...] = value
    elif isinstance(value, np.ndarray):
        np.copyto(out, value)
    else:
        out.fill(value)


def slack_of(name, result, inputs, dtype):
    """How far the result of a function may be from NumPy's, for each element."""
    info, none = np.finfo(dtype), np.zeros(result.shape)
    tiny = float(info.smallest_normal)
    if name in EXTREMES:  # which of two zeros is larger
        return np.where(result == 0.0, tiny, none)
    if name == "copysign":  # the sign of a NaN
        return np.where(np.isnan(inputs[1]), np.inf, none)
    if name in EXACT:
        return none
    size = np.abs(result)
    if name == "logaddexp":  # cancels
        finite = [np.where(np.isfinite(x), np.abs(x), 0.0) for x in inputs]
        size = size + np.maximum(*np.broadcast_arrays(*finite))
    slack = ULPS * float(info.eps) * np.where(np.isfinite(size), size, 0.0) + tiny
    at_the_end = np.isfinite(result) & (np.abs(result) > float(info.max) / 4.0)
    return np.where(at_the_end, np.inf, slack)


# ---------------------------------------------------------------- sums and products


def slack_of_sum(size, n, dtype):
    """How far a sum may be, given the sum of the sizes of its n finite terms."""
    info = np.finfo(dtype)
    slack = (n + 2.0) * (float(info.eps) * size + float(info.smallest_normal))
    return np.where(size > float(info.max) / 4.0, np.inf, slack)


def reduction(draw):
    """A sum or a maximum over an axis."""
    rng, shape = draw.rng, draw.shape[-3:]  # the machine has two axes beside the sum
    source = draw.clean(draw.array(shape))
    axis = int(rng.integers(-len(shape), len(shape)))
    ufunc = np.add if rng.random() < 0.6 else np.maximum
    values, keepdims = plain(source), bool(rng.integers(2))
    kept = values.sum(axis=axis, keepdims=keepdims).shape
    if rng.random() < 0.3:
        method = source.sum if ufunc is np.add else source.max
        out = method(axis=axis, keepdims=keepdims)
    else:
        out = draw.array(kept) if kept else draw.array((1,))[0]
        ufunc.reduce(source, axis=axis, keepdims=keepdims, out=out)
    if ufunc is np.maximum:
        slack = slack_of("maximum", plain(out), None, draw.dtype)
    else:
        finite = np.where(np.isfinite(values), np.abs(values), 0.0)
        size = finite.sum(axis=axis, keepdims=keepdims)
        slack = slack_of_sum(size, values.shape[axis], draw.dtype)
    draw.set_slack(out, slack)


def matmul(draw):
    """A product, with batch axes or without, sometimes followed by a bias."""
    rng = draw.rng
    m, k, n = (int(rng.choice([1, 2, rng.integers(1, 71)])) for _ in range(3))
    leading = draw.new_shape()[:2] if rng.random() < 0.4 else (1,) * rng.integers(3)
    leading = tuple(min(size, 4) for size in leading)
    shapes = [(*leading, m, k), (*leading, k, n)]
    for i in range(2):  # a matrix that all products share
        if leading and rng.random() < 0.3:
            shapes[i] = (*(1,) * len(leading), *shapes[i][-2:])
            shapes[i] = shapes[i][-2:] if rng.random() < 0.5 else shapes[i]
    if all(len(s) == 2 for s in shapes):
        leading = ()
    leading = np.broadcast_shapes(*(s[:-2] for s in shapes))
    a, b = (draw.array(shape) for shape in shapes)
    for array in (a, b, a):  # new values for one may be those of the other, too
        draw.clean(array)
    if rng.random() < 0.1:
        b = draw.constant(b.shape)
    x, y = plain(a), plain(b)
    finite = [np.where(np.isfinite(v), np.abs(v), 0.0) for v in (x, y)]
    if rng.random() < 0.2:
        out = a @ b
    else:
        out = draw.array((*leading, m, n))
        np.matmul(a, b, out=out)
    slack = slack_of_sum(np.matmul(*finite), k, draw.dtype)
    # BLAS may leave out products with zero, also of infinity
    slack = np.where(np.isfinite(plain(out)), slack, np.inf)
    draw.set_slack(out, slack)
    if rng.random() < 0.5:
        _add_bias(draw, out)


def _add_bias(draw, out):
    """Add a row to a product."""
    row = draw.array((*(1,) * draw.rng.integers(len(out.shape)), out.shape[-1]))
    if draw.rng.random() < 0.05:
        row = out[..., :1, :] if draw.rng.random() < 0.5 else out
    if draw.slack(row).any() and not np.shares_memory(plain_view(row), plain_view(out)):
        return
    before = draw.slack(out).copy()
    added = np.broadcast_to(draw.slack(row), out.shape).copy()
    out += row
    size, info = np.abs(plain(out)), np.finfo(draw.dtype)
    slack = (
        before + added + 2 * float(info.eps) * np.where(np.isfinite(size), size, 0.0)
    )
    slack = np.where(size < float(info.max) / 4.0, slack, np.inf)
    draw.set_slack(out, slack)


def plain_view(array):
    """The same memory as a plain array."""
    return array.view(np.ndarray)


# ------------------------------------------------------------------ named operations


def named(draw):
    """One of the operations of ``sknet._operations``."""
    rng = draw.rng
    (_overflow_shift, _first_largest, _clip, _move, _look_up)[rng.integers(5)](draw)


def _rows(draw):
    """A matrix with rows that are not empty, as one of several members."""
    shape = (1, *(int(n) for n in draw.rng.integers(1, 30, size=2)))
    return draw.clean(draw.array(shape))


def _overflow_shift(draw):
    raw = _rows(draw)
    sums = draw.array((*raw.shape[:2], 1))
    _operations.overflow_shift(raw, None, sums)
    draw.set_slack(sums, slack_of("maximum", plain(sums), None, draw.dtype))


def _first_largest(draw):
    raw = _rows(draw)
    out = draw.array(raw.shape)
    _operations.first_largest(raw, out, np.empty((*raw.shape[:2], 1), np.intp))
    draw.set_slack(out, 0.0)


def _clip(draw):
    grad = draw.clean(draw.array((1, int(draw.rng.integers(1, 200)))))
    before = plain(grad)
    _operations.clip_by_norm(grad, draw.number() if draw.rng.random() < 0.5 else 1.0)
    ratio = slack_of_sum(np.abs(plain(grad)), grad.size, draw.dtype)
    squares = float((before.astype(np.float128) ** 2).sum())
    # at the limit of the type, NumPy takes another way
    if not squares < float(np.finfo(draw.dtype).max) / 4.0:
        ratio = np.inf
    draw.set_slack(grad, ratio)


def _move(draw):
    shape = (1, int(draw.rng.integers(1, 200)))
    theta, average = (draw.array(shape) for _ in range(2))
    for array in (theta, average, theta):
        draw.clean(array)
    share = (
        draw.number() if draw.rng.random() < 0.5 else float(draw.rng.choice([0.3, 1.0]))
    )
    _operations.move_towards(average, theta, share, None)
    draw.set_slack(average, 0.0)


def _look_up(draw):
    """Vectors of levels, and the gradient of their table."""
    rng = draw.rng
    n_rows, n_columns, size = (int(n) for n in rng.integers(1, 9, size=3))
    n_levels = rng.integers(1, 6, size=n_columns)
    bounds = np.stack([np.cumsum(n_levels) - n_levels, n_levels], axis=1)
    bounds.flags.writeable = False
    x = draw.array((1, n_rows, n_columns))
    levels = rng.integers(-2, 7, size=x.shape) + rng.choice([0.0, 0.5])
    levels = levels.astype(draw.dtype)
    levels.flags.writeable = False
    x[...] = levels
    draw.set_slack(x, 0.0)
    table = draw.clean(draw.array((1, int(n_levels.sum()), size)))
    if draw.slack(x).any() or not np.isfinite(plain(x)).all():
        return
    if (
        np.shares_memory(plain_view(x), plain_view(table))
        or np.abs(plain(x)).max() > 99
    ):
        return
    if rng.random() < 0.5:
        out = draw.array((1, n_rows, n_columns * size))
        _operations.look_up(x, table, bounds, out, None)
        draw.set_slack(out, 0.0)
        return
    dy = draw.clean(draw.array((1, n_rows, n_columns * size)))
    is_whole = plain_view(table).flags.c_contiguous  # NumPy's function asks for it
    if is_whole and np.isfinite(plain(x)).all() and np.abs(plain(x)).max() < 99:
        size_of_sum = float(np.nansum(np.abs(plain(dy)[np.isfinite(plain(dy))])))
        _operations.add_at_levels(dy, x, bounds, table, (None, None, None))
        draw.set_slack(table, slack_of_sum(size_of_sum, n_rows, draw.dtype))


def noise(draw):
    """A draw of noise."""
    out = draw.array(draw.new_shape()[-2:])
    draw.noise.random(out=out, dtype=draw.dtype)
    draw.set_slack(out, 0.0)
