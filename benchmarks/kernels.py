"""How long do the C kernels take, and how long does NumPy (one BLAS thread)?

The kernels run many times within one call from Python, as the machine that replays
training steps runs them; NumPy's calls include what NumPy itself does around a loop.
Both are timed in turns, and the shortest time of each counts.
"""

import os


os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from scipy import special
from timing import conditions, table


sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "engine"))

from kernel_library import OPERATIONS, Kernels, _steps, has, library


BATCH = 2e-3  # seconds of one measurement, and at least one call
PRODUCTS = [
    (32, 10, 4),
    (32, 3, 10),
    (32, 100, 4),
    (32, 1, 10),
    (32, 1, 100),
    (1, 10, 4),
    (1, 100, 30),
    (32, 10, 1),
    (200, 100, 64),
    (200, 1000, 784),
    (256, 256, 256),
    (2000, 64, 64),
    (2000, 1, 64),
    (101, 50, 515),
]
TRANSPOSED_A = [
    (4, 10, 32),
    (10, 3, 32),
    (100, 1, 32),
    (64, 100, 200),
    (784, 1000, 200),
    (256, 256, 256),
]
TRANSPOSED_B = [(32, 10, 3), (32, 100, 10), (200, 64, 100), (256, 256, 256)]
UNARY = (
    "exp",
    "log",
    "log1p",
    "expm1",
    "tanh",
    "expit",
    "sin",
    "cos",
    "sqrt",
    "erf",
    "copy",
)
BINARY = ("add", "multiply", "divide", "maximum", "greater", "logaddexp", "xlogy")

Case = tuple[str, Callable[[int], object], Callable[[], object]]


def products(kernels: Kernels) -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for kind, shapes in (
        ("A B", PRODUCTS),
        ("A^T B", TRANSPOSED_A),
        ("A B^T", TRANSPOSED_B),
    ):
        for m, n, k in shapes:
            a = rng.normal(size=(k, m) if kind == "A^T B" else (m, k)).astype(
                kernels.dtype
            )
            b = rng.normal(size=(n, k) if kind == "A B^T" else (k, n)).astype(
                kernels.dtype
            )
            a, b = (a.T if kind == "A^T B" else a), (b.T if kind == "A B^T" else b)
            out = np.empty((m, n), kernels.dtype)
            arguments = kernels.product_arguments(a, b, None, out)
            ours = partial(called, kernels, "repeat_product", arguments)
            yield f"{kind} {m} x {n} x {k}", ours, partial(np.matmul, a, b, out=out)


def called(kernels: Kernels, name: str, arguments: list[object], times: int) -> None:
    kernels.call(name, times, *arguments)


def elementwise(kernels: Kernels) -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for n in (10, 320, 20000):
        a, b = rng.uniform(0.1, 5, (2, n)).astype(kernels.dtype)
        out = np.empty_like(a)
        for name in UNARY + BINARY:
            function = getattr(
                np, {"copy": "positive"}.get(name, name), None
            ) or getattr(special, name)
            inputs = (a,) if name in UNARY else (a, b)
            ours = partial(
                called,
                kernels,
                "repeat_elementwise",
                [OPERATIONS.index(name), n, out, 1, a, 1, b, 1],
            )
            yield (
                f"{name} {n}",
                ours,
                partial(function, *inputs, out=None if name in BINARY[3:5] else out),
            )


def reductions(kernels: Kernels) -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for rows, cols in (32, 3), (32, 10), (32, 100), (200, 1000):
        a = rng.normal(size=(rows, cols)).astype(kernels.dtype)
        out = np.empty(max(rows, cols), kernels.dtype)
        for which, (name, function) in enumerate(
            [("maximum", np.max), ("sum", np.sum), ("sum of columns", np.sum)]
        ):
            axis = 0 if which == 2 else 1
            ours = partial(
                called,
                kernels,
                "repeat_rows",
                [which, rows, cols, a, *_steps(a), out, 1],
            )
            yield f"{name} {rows} x {cols}", ours, partial(function, a, axis=axis)


def best_times(
    ours: Callable[[int], object], theirs: Callable[[], object], turns: int
) -> tuple[float, float]:
    """Microseconds of one call of each."""

    def repeated(times: int) -> None:
        for _ in range(times):
            theirs()

    best = []
    counts = [how_many(call) for call in (ours, repeated)]
    for _ in range(turns):
        best.append(
            [
                seconds(call, count)
                for call, count in zip((ours, repeated), counts, strict=True)
            ]
        )
    a, b = np.min(best, axis=0) * 1e6
    return float(a), float(b)


def seconds(call: Callable[[int], object], times: int) -> float:
    start = time.perf_counter()
    call(times)
    return (time.perf_counter() - start) / times


def how_many(call: Callable[[int], object]) -> int:
    times = 1
    while times < 1e6 and seconds(call, times) * times < BATCH / 4:
        times *= 4
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument(
        "--set", default="avx2", help="the instruction set (default: avx2)"
    )
    parser.add_argument("--type", nargs="+", default=["float32", "float64"])
    parser.add_argument("--only", default="", help="cases that contain this text")
    options = parser.parse_args()
    print(conditions())
    with tempfile.TemporaryDirectory() as folder:
        lib = library(Path(folder))
    if not has(lib, options.set):
        parser.error(f"this processor has no {options.set}")
    for dtype in options.type:
        kernels = Kernels(lib, options.set, np.dtype(dtype).type)
        lines = []
        for cases in (products, elementwise, reductions):
            for name, ours, theirs in cases(kernels):
                if options.only in name:
                    a, b = best_times(ours, theirs, options.turns)
                    lines.append((name, f"{a:.3f}", f"{b:.3f}", f"{b / a:.2f}"))
        print(table([dtype, "kernel, us", "NumPy, us", "NumPy / kernel"], lines), "\n")


if __name__ == "__main__":
    main()
