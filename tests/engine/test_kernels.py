"""The C kernels against NumPy and SciPy, for each instruction set of this processor."""

import subprocess

import numpy as np
import pytest
from kernel_library import (
    BINARY,
    OPERATIONS,
    SETS,
    UNARY,
    Kernels,
    compiled,
    compiler,
    has,
    library,
)
from scipy import special


pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler (cc)")

TYPES = (np.float32, np.float64)
IN_SCIPY = ("erf", "expit", "xlogy")
EXACT = set(
    [
        "copy",
        "negative",
        "absolute",
        "sqrt",
        "square",
        "reciprocal",
        "sign",
        "floor",
        "ceil",
        "rint",
        "trunc",
        "add",
        "subtract",
        "multiply",
        "divide",
        "maximum",
        "minimum",
        "fmax",
        "fmin",
        "greater",
        "greater_equal",
        "less",
        "less_equal",
        "equal",
        "not_equal",
        "heaviside",
        "copysign",
    ]
)
WIDER = {np.float32: np.float64, np.float64: np.longdouble}
LONG = np.finfo(np.longdouble).eps < np.finfo(np.float64).eps


@pytest.fixture(scope="module")
def lib(tmp_path_factory):
    return library(tmp_path_factory.mktemp("kernels"))


@pytest.fixture(
    params=[(s, t) for s in SETS for t in TYPES],
    ids=lambda p: f"{p[0]}-{p[1].__name__}",
)
def kernels(request, lib):
    instructions, dtype = request.param
    if not has(lib, instructions):
        pytest.skip(f"this processor has no {instructions}")
    return Kernels(lib, instructions, dtype)


def formula(name):
    return getattr(
        special if name in IN_SCIPY else np,
        "reciprocal" if name == "reciprocal" else {"copy": "positive"}.get(name, name),
    )


def expected(name, *arrays):
    """Computed in the wider type where that has more digits, and rounded once."""
    with np.errstate(all="ignore"):
        if name in EXACT:
            return formula(name)(*arrays).astype(arrays[0].dtype)
        dtype = arrays[0].dtype.type
        arrays = [x.astype(WIDER[dtype]) for x in arrays]
        if name == "expit":  # SciPy's has no digits in the tails of float32
            return (
                np.exp(-np.logaddexp(0, -arrays[0]))
                if LONG
                else special.expit(arrays[0])
            )
        if name == "xlogy":
            x, y = arrays
            return np.where((x == 0) & ~np.isnan(y), 0, x * np.log(y))
        if name == "erf":
            return special.erf(arrays[0].astype(np.float64))
        return formula(name)(*arrays)


def ulps(got, reference):
    """Errors in units in the last place; NaN and infinity must be equal."""
    with np.errstate(all="ignore"):
        rounded = reference.astype(got.dtype)
        same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
        error = np.abs(got.astype(reference.dtype) - reference) / np.spacing(
            np.abs(rounded)
        )
    return np.where(
        same,
        np.where(np.isfinite(rounded), np.nan_to_num(error), 0),
        np.nan_to_num(error, nan=np.inf),
    )


def special_values(dtype):
    info = np.finfo(dtype)
    tiny = info.smallest_subnormal
    values = [
        0,
        tiny,
        3 * tiny,
        info.tiny,
        info.tiny / 2,
        info.eps,
        0.5,
        1,
        1 + info.eps,
        1.5,
        2,
        3,
        2.5,
        88,
        88.72,
        88.73,
        89,
        103.9,
        104,
        709.78,
        709.79,
        745.1,
        746,
        1e4,
        1e8,
        info.max,
        np.inf,
    ]
    with np.errstate(all="ignore"):
        values = np.array(values, dtype)
    return np.concatenate([values, -values, np.array([np.nan], dtype)])


def samples(dtype, seed=0, n=20000):
    """All magnitudes, and the usual range."""
    rng = np.random.default_rng(seed)
    info = np.finfo(dtype)
    powers = rng.uniform(info.minexp, info.maxexp - 1, n)
    signs = rng.choice([-1.0, 1.0], n)
    return np.concatenate(
        [
            special_values(dtype),
            (signs * np.exp2(powers)).astype(dtype),
            rng.normal(size=n).astype(dtype),
            rng.uniform(-110, 110, n).astype(dtype),
            rng.uniform(-750, 750, n).astype(dtype),
            (1 + rng.normal(size=n) * 1e-2).astype(dtype),
        ]
    )


# The limits are the largest errors found, rounded up; libm's functions have their own.
LIMITS = {
    "exp": 1.2,
    "expm1": 2,
    "log": 1,
    "log1p": 1.2,
    "tanh": 2.5,
    "expit": 2.2,
    "sin": 1.6,
    "cos": 1.6,
    "logaddexp": 3,
    "xlogy": 2,
}


@pytest.mark.parametrize("name", UNARY)
def test_unary(kernels, name):
    x = samples(kernels.dtype.type)
    if name in ("sin", "cos", "tan"):
        x = x[~(np.abs(x) > 1e15)]  # longdouble's own reduction ends
    got, reference = kernels.elementwise(name, x), expected(name, x)
    if name in EXACT:
        np.testing.assert_array_equal(got, reference)
    else:
        errors = ulps(got, reference)
        worst = np.argmax(errors)
        assert errors[worst] <= LIMITS.get(name, 4), (
            x[worst],
            got[worst],
            reference[worst],
        )
    zeros = (x == 0) | (got == 0)
    np.testing.assert_array_equal(np.signbit(got[zeros]), np.signbit(reference[zeros]))


@pytest.mark.parametrize("name", BINARY)
def test_binary(kernels, name):
    values = special_values(kernels.dtype.type)
    x, y = (part.ravel() for part in np.meshgrid(values, values))
    rng = np.random.default_rng(1)
    x = np.concatenate([x, rng.normal(size=5000).astype(x.dtype) * 5])
    y = np.concatenate([y, rng.normal(size=5000).astype(x.dtype) * 5])
    got, reference = kernels.elementwise(name, x, y), expected(name, x, y)
    if name in EXACT:
        np.testing.assert_array_equal(got, reference)
        if name not in (
            "maximum",
            "minimum",
            "fmax",
            "fmin",
        ):  # of two zeros, either one
            zeros = got == 0
            np.testing.assert_array_equal(
                np.signbit(got[zeros]), np.signbit(reference[zeros])
            )
    else:
        errors = ulps(got, reference)
        if name == "logaddexp":  # of opposite terms: digits of the greater one are lost
            scale = np.abs(np.maximum(x, y)) + np.abs(reference)
            with np.errstate(all="ignore"):
                errors = errors * np.fmin(1, np.abs(reference) / scale)
        worst = np.argmax(errors)
        assert errors[worst] <= LIMITS.get(name, 4), (
            x[worst],
            y[worst],
            got[worst],
            reference[worst],
        )


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_sines_near_their_zeros(kernels, name):
    """Multiples of a quarter turn, up to the limit of the vector code and beyond it."""
    most = 1e5 if kernels.dtype == np.float32 else 1e9
    rng = np.random.default_rng(2)
    n = np.concatenate([np.arange(2000), np.floor(rng.uniform(0, most, 20000))]).astype(
        np.longdouble
    )
    x = (n * (np.longdouble(1) / 2 * np.arctan(np.longdouble(1)) * 4)).astype(
        kernels.dtype
    )
    x = np.concatenate([x, np.nextafter(x, 0), -x])
    errors = ulps(kernels.elementwise(name, x), expected(name, x))
    assert errors.max() <= 1.6, x[np.argmax(errors)]
    # One large number changes no bit of the others.
    few = x[np.abs(x) <= most][:100]
    together = np.append(few, np.array(1e12, x.dtype))
    np.testing.assert_array_equal(
        kernels.elementwise(name, together)[:100], kernels.elementwise(name, few)
    )


@pytest.mark.parametrize("name", OPERATIONS)
def test_lengths_strides_and_aliases(kernels, name):
    """All forms of one call give the bits of the contiguous one."""
    rng = np.random.default_rng(3)
    for n in [0, 1, 2, 3, 7, 8, 9, 16, 31, 33, 255, 256, 257, 600]:
        a, b = rng.uniform(0.1, 0.9, (2, n)).astype(kernels.dtype)
        second = [] if name in UNARY else [b]
        one_by_one = np.concatenate(
            [np.empty(0, a.dtype)]
            + [
                kernels.elementwise(name, a[i : i + 1], *(s[i : i + 1] for s in second))
                for i in range(n)
            ]
        )
        np.testing.assert_array_equal(
            one_by_one,
            whole := kernels.elementwise(name, a, *second) if n else one_by_one,
        )
        if n < 2:
            continue
        spread = np.full((n, 3), 7, a.dtype)
        spread[:, 0], spread[:, 1] = a, b
        out = np.full((n, 2), 5, a.dtype)
        kernels.elementwise(
            name,
            spread[:, 0],
            *([] if name in UNARY else [spread[:, 1]]),
            out=out[:, 0],
        )
        np.testing.assert_array_equal(out[:, 0], whole)
        assert np.all(out[:, 1] == 5)
        np.testing.assert_array_equal(
            kernels.elementwise(name, spread[:, 0], *second), whole
        )
        in_place = a.copy()
        np.testing.assert_array_equal(
            kernels.elementwise(name, in_place, *second, out=in_place), whole
        )
        kernels.elementwise(name, spread[:, 0], *second, out=spread[:, 0])
        np.testing.assert_array_equal(spread[:, 0], whole)
        backwards = kernels.elementwise(name, a[::-1], *(s[::-1] for s in second))
        np.testing.assert_array_equal(backwards[::-1], whole)
        repeated = kernels.elementwise(name, np.full(n, a[0]), *second)
        if name in UNARY:
            np.testing.assert_array_equal(
                kernels.elementwise(name, a[:1], out=np.empty(n, a.dtype)), repeated
            )
            continue
        np.testing.assert_array_equal(kernels.elementwise(name, a[:1], b), repeated)
        right = kernels.elementwise(name, a, np.full(n, b[0]))
        np.testing.assert_array_equal(kernels.elementwise(name, a, b[:1]), right)
        in_place = b.copy()
        np.testing.assert_array_equal(
            kernels.elementwise(name, a, in_place, out=in_place), whole
        )
        both = a.copy()
        np.testing.assert_array_equal(
            kernels.elementwise(name, both, both, out=both),
            kernels.elementwise(name, a, a),
        )


def test_unary_ignores_the_second_argument(kernels):
    a = np.linspace(0, 1, 40, dtype=kernels.dtype)
    np.testing.assert_array_equal(
        kernels.elementwise("exp", a, np.ones(1, a.dtype)),
        kernels.elementwise("exp", a),
    )


@pytest.mark.slow  # the sanitizers take a minute to compile
def test_out_of_bounds(tmp_path):
    """Odd sizes and strides of every kernel, under the compiler's sanitizers."""
    options = [
        "-O1",
        "-g",
        "-DBOUNDS_CHECK",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
    ]
    program = compiled(tmp_path, *options, name="bounds")
    done = subprocess.run([str(program)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
