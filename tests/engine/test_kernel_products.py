"""Products and sums of the C kernels: errors within bounds, and unchanging bits.

They depend neither on the vector width nor on what else is computed.
"""

import numpy as np
import pytest
from kernel_library import SETS, Kernels, compiler, has, library


pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler (cc)")

TYPES = (np.float32, np.float64)
SHAPES = [
    (1, 1, 1),
    (1, 1, 40),
    (5, 1, 1),
    (5, 1, 3),
    (40, 1, 4),
    (33, 1, 100),
    (1, 7, 1),
    (6, 5, 1),
    (1, 10, 4),
    (1, 70, 33),
    (1, 200, 50),
    (32, 10, 4),
    (32, 3, 10),
    (4, 10, 32),
    (10, 3, 32),
    (7, 33, 17),
    (13, 47, 31),
    (12, 16, 8),
    (24, 96, 5),
    (5, 4, 600),
    (101, 50, 515),
    (200, 100, 64),
    (3, 2000, 9),
    (97, 9, 160),
    (9, 1001, 7),
]


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


def normal(shape, dtype, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def strided(a, form):
    """The same numbers: by rows, by columns, every second column, or backwards."""
    if form == 1:
        return np.asfortranarray(a)
    if form == 2:
        wide = np.full((a.shape[0] + 1, 2 * a.shape[1]), np.nan, a.dtype)
        wide[:-1, ::2] = a
        return wide[:-1, ::2]
    if form == 3:
        return np.ascontiguousarray(a[::-1, ::-1])[::-1, ::-1]
    return np.ascontiguousarray(a)


def wider(a):
    return a.astype(np.float64 if a.dtype == np.float32 else np.longdouble)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_product(kernels, shape):
    m, n, k = shape
    a, b, bias = (
        normal(s, kernels.dtype, i) for i, s in enumerate([(m, k), (k, n), n])
    )
    exact = wider(a) @ wider(b)
    bound = (
        (k + 1)
        * np.finfo(kernels.dtype).eps
        * (np.abs(wider(a)) @ np.abs(wider(b)) + np.abs(bias))
    )
    plain = kernels.product(a, b)
    assert np.all(np.abs(plain - exact) <= bound)
    np.testing.assert_array_equal(kernels.product(a, b, bias), plain + bias)
    for form_a in range(4):
        for form_b in range(4):
            x, y = strided(a, form_a), strided(b, form_b)
            np.testing.assert_array_equal(kernels.product(x, y), plain)
    for form in range(4):
        out = strided(np.full((m, n), np.nan, kernels.dtype), form)
        around = out.base.copy() if form == 2 else None
        kernels.product(a, b, bias, out)
        np.testing.assert_array_equal(out, plain + bias)
        if form == 2:
            around[:-1, ::2] = out
            np.testing.assert_array_equal(out.base, around)
        kernels.product(a, b, None, out)
        np.testing.assert_array_equal(out, plain)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_rows_alone(kernels, shape):
    m, n, k = shape
    a, b, bias = (
        normal(s, kernels.dtype, i) for i, s in enumerate([(m, k), (k, n), n])
    )
    for form in (0, 1):
        x = strided(a, form)
        whole = kernels.product(x, b, bias)
        for start, stop in {(0, 1), (m - 1, m), (m // 3, m // 2 + 1), (1, m)}:
            if start < stop:
                np.testing.assert_array_equal(
                    kernels.product(x[start:stop], b, bias), whole[start:stop]
                )


@pytest.mark.parametrize("dtype", TYPES)
def test_vector_width_changes_no_bit(lib, dtype):
    """All sets with FMA agree."""
    fused = [Kernels(lib, s, dtype) for s in SETS[1:] if has(lib, s)]
    if len(fused) < 2:
        pytest.skip("this processor has one instruction set with FMA at most")
    for m, n, k in SHAPES:
        a, b, bias = (normal(s, dtype, i) for i, s in enumerate([(m, k), (k, n), n]))
        bits = [kernels.product(a, b, bias).tobytes() for kernels in fused]
        assert len(set(bits)) == 1, (m, n, k)
    a = normal((37, 203), dtype)
    for name in ("row_sum", "row_maximum"):
        assert len({kernels.of_rows(name, a).tobytes() for kernels in fused}) == 1
    assert len({kernels.column_sum(a).tobytes() for kernels in fused}) == 1
    assert len({kernels.dot(a[0], a[1]) for kernels in fused}) == 1
    for name in ("exp", "log", "tanh", "expit", "sin", "expm1", "log1p", "logaddexp"):
        x = np.abs(a.ravel()) if name == "log" else np.abs(a.ravel()) * 3
        assert (
            len({kernels.elementwise(name, x, x[::-1]).tobytes() for kernels in fused})
            == 1
        )


@pytest.mark.parametrize("dtype", TYPES)
def test_order_of_the_sums(lib, dtype):
    """Without FMA, NumPy can repeat the sums of products and of lanes bit by bit.

    Those of a product are made by blocks of 256 terms, which are then added.
    """
    kernels = Kernels(lib, "baseline", dtype)
    for m, n, k in [*SHAPES, (3, 5, 700)]:
        a, b = normal((m, k), dtype, 1), normal((k, n), dtype, 2)
        if n > 1:
            sums = np.zeros((m, n), dtype)
            for first in range(0, k, 256):
                block = np.zeros((m, n), dtype)
                for p in range(first, min(first + 256, k)):
                    block += a[:, p : p + 1] * b[p]
                sums = block + sums
        else:
            sums = lane_sums(a * b[:, 0])[:, None]
        np.testing.assert_array_equal(kernels.product(a, b), sums)


def test_many_equal_terms(kernels):
    """One by one, they would be rounded in the same direction each time."""
    b = np.full((100_000, 3), 0.1, kernels.dtype)
    exact = len(b) * np.float64(b[0, 0])
    error = np.abs(kernels.product(np.ones((2, len(b)), kernels.dtype), b) / exact - 1)
    assert error.max() < 64 * np.finfo(kernels.dtype).eps


def lane_sums(terms):
    """Sums of rows by 64 bytes of lanes; upper halves are added to lower ones."""
    lanes = 64 // terms.itemsize
    rows, cols = terms.shape
    padded = np.zeros((rows, -(-cols // lanes) * lanes), terms.dtype)
    padded[:, :cols] = terms
    sums = np.zeros((rows, lanes), terms.dtype)
    for start in range(0, cols, lanes):
        sums += padded[:, start : start + lanes]
    while sums.shape[1] > 1:
        half = sums.shape[1] // 2
        sums = sums[:, :half] + sums[:, half:]
    return sums[:, 0]


def test_a_column_with_stride_zero(kernels):
    """A column that is one number: the sums of the rows, multiplied."""
    a = normal((37, 4), kernels.dtype)
    for k in (1, 2, 3, 4):
        b = np.lib.stride_tricks.as_strided(
            np.array([0.5], kernels.dtype), (k, 1), (0, 0)
        )
        for form in range(4):
            x = strided(a[:, :k], form)
            np.testing.assert_array_equal(
                kernels.product(x, b)[:, 0],
                lane_sums(a[:, :k] * kernels.dtype.type(0.5)),
            )


def test_no_terms_and_no_numbers(kernels):
    a, b, bias = (
        np.empty((3, 0), kernels.dtype),
        np.empty((0, 5), kernels.dtype),
        normal(5, kernels.dtype),
    )
    np.testing.assert_array_equal(kernels.product(a, b), np.zeros((3, 5)))
    np.testing.assert_array_equal(kernels.product(a, b, bias), np.tile(bias, (3, 1)))
    np.testing.assert_array_equal(kernels.product(a, b[:, :1]), np.zeros((3, 1)))
    assert kernels.product(a[:0], b).shape == (0, 5)
    assert kernels.dot(bias[:0], bias[:0]) == 0
    assert kernels.all_finite(bias[:0])


def test_what_is_not_finite_stays_in_its_row_and_column(kernels):
    """Neighbours in memory, read together with the rest of a row, change nothing."""
    for n in (1, 3, 20):
        wide = np.full((20, 40), np.nan, kernels.dtype)
        a, b = wide[:9, 1:14], normal((13, n), kernels.dtype)
        a[:] = normal(a.shape, kernels.dtype, 1)
        clean = kernels.product(a.copy(), b)
        np.testing.assert_array_equal(kernels.product(a, b), clean)
        a[4, 2] = np.inf
        got = kernels.product(a, b)
        assert not np.isfinite(got[4]).any()
        np.testing.assert_array_equal(np.delete(got, 4, 0), np.delete(clean, 4, 0))


@pytest.mark.parametrize(
    "shape",
    [(1, 1), (6, 2), (5, 3), (32, 10), (9, 16), (33, 70), (7, 1000), (3, 8), (40, 4)],
    ids=str,
)
def test_sums_and_maxima(kernels, shape):
    a = normal(shape, kernels.dtype)
    sums, columns = lane_sums(a), np.zeros(shape[1], kernels.dtype)
    for row in a:
        columns += row
    np.testing.assert_array_equal(kernels.column_sum(a), columns)
    for form in range(4):
        x = strided(a, form)
        np.testing.assert_array_equal(kernels.of_rows("row_sum", x), sums)
        np.testing.assert_array_equal(kernels.of_rows("row_maximum", x), a.max(axis=1))
    for j in range(shape[1]):
        for value in (np.nan, np.inf, -np.inf):
            b = a.copy()
            b[-1, j] = value
            np.testing.assert_array_equal(
                kernels.of_rows("row_maximum", b), b.max(axis=1)
            )
            np.testing.assert_array_equal(
                kernels.of_rows("row_maximum", strided(b, 1)), b.max(axis=1)
            )
    b = np.full_like(a, -np.inf)
    np.testing.assert_array_equal(kernels.of_rows("row_maximum", b), b.max(axis=1))


def test_dot(kernels):
    for n in (1, 2, 7, 16, 33, 1000):
        a, b = normal((2, n), kernels.dtype, n)
        bound = n * np.finfo(kernels.dtype).eps * np.abs(wider(a) * b).sum()
        got = kernels.dot(a, b)
        assert abs(got - (wider(a) * b).sum()) <= bound
        assert got == kernels.product(a[None], b[:, None])[0, 0]


def test_all_finite(kernels):
    info = np.finfo(kernels.dtype)
    for n in (1, 7, 40, 3000):
        a = np.resize(
            np.array(
                [0, 1, -info.max, info.max, info.tiny, -info.smallest_subnormal],
                kernels.dtype,
            ),
            n,
        )
        assert kernels.all_finite(a)
        for at in {0, n // 2, n - 1}:
            for value in (np.inf, -np.inf, np.nan):
                b = a.copy()
                b[at] = value
                assert not kernels.all_finite(b)
