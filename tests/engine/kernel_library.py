"""The kernels, compiled from `kernels_for_tests.c` and called on NumPy arrays."""

import ctypes
import platform
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np


HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "sknet" / "engine"
FLAGS = [
    "-std=gnu11",
    "-fPIC",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fvisibility=hidden",
]
WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-unused-function",
    "-Wno-psabi",
    "-Wno-unknown-warning-option",
]
OF_MACHINES = {
    "x86_64": ("avx2", "halves", "avx512"),
    "AMD64": ("avx2", "halves", "avx512"),
    "aarch64": ("neon",),
}
SETS = ("baseline", *OF_MACHINES.get(platform.machine(), ()))
_UNARY, _BINARY = (
    re.findall(r"(?:VECTOR|EACH)\((\w+), ", part)
    for part in (SOURCES / "_kernels.h")
    .read_text()
    .partition("#define SKNET_UNARY")[2]
    .split("#define SKNET_BINARY")
)
UNARY, BINARY = tuple(_UNARY), tuple(_BINARY)
OPERATIONS = UNARY + BINARY


def compiler() -> str | None:
    return shutil.which("cc")


def compiled(folder: Path, *options: str, name: str = "kernels") -> Path:
    """Compile the test file with these options, and return the result's path."""
    result = folder / name
    source = HERE / "kernels_for_tests.c"
    command = [
        "cc",
        *FLAGS,
        *WARNINGS,
        *options,
        f"-I{SOURCES}",
        str(source),
        "-o",
        str(result),
        "-lm",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return result


def library(folder: Path) -> ctypes.CDLL:
    return ctypes.CDLL(str(compiled(folder, "-O3", "-shared")))


def has(lib: ctypes.CDLL, instructions: str) -> bool:
    return lib.has_set(instructions.encode()) == 1


def _argument(x):
    if isinstance(x, np.ndarray):
        return ctypes.c_void_p(x.ctypes.data)
    return ctypes.c_void_p(None) if x is None else ctypes.c_int64(int(x))


def _steps(a: np.ndarray) -> list[int]:
    return [step // a.itemsize for step in a.strides]


class Kernels:
    """The kernels of one instruction set and one type, on arrays of any strides."""

    def __init__(self, lib: ctypes.CDLL, instructions: str, dtype: type) -> None:
        self.lib, self.instructions, self.dtype = lib, instructions, np.dtype(dtype)
        self.c_type = {4: "float", 8: "double"}[self.dtype.itemsize]

    def call(self, name: str, *arguments, result=None):
        function = getattr(self.lib, f"{name}_{self.instructions}_{self.c_type}")
        function.restype = result
        return function(*map(_argument, arguments))

    def elementwise(self, name: str, a, b=None, out=None) -> np.ndarray:
        """One-dimensional arrays; an array of one number has the stride 0."""
        out = (
            np.empty(max(len(x) for x in (a, b) if x is not None), self.dtype)
            if out is None
            else out
        )
        pairs = []
        for x in (a, b):
            pairs += [x, 0 if x is None or len(x) == 1 else _steps(x)[0]]
        self.call(
            "test_elementwise",
            OPERATIONS.index(name),
            len(out),
            out,
            *_steps(out),
            *pairs,
        )
        return out

    def scratch(self, m: int, n: int, k: int) -> np.ndarray:
        size = self.call("test_product_scratch", m, n, k, result=ctypes.c_int64)
        space = np.full(
            size + 16, np.nan, self.dtype
        )  # what was there before does not matter
        skip = -space.ctypes.data % 64 // self.dtype.itemsize
        return space[skip : skip + size]

    def product_arguments(self, a, b, bias, out) -> list:
        (m, k), n = a.shape, b.shape[1]
        return [
            m,
            n,
            k,
            a,
            *_steps(a),
            b,
            *_steps(b),
            out,
            *_steps(out),
            bias,
            self.scratch(m, n, k),
        ]

    def product(self, a, b, bias=None, out=None) -> np.ndarray:
        out = np.empty((a.shape[0], b.shape[1]), self.dtype) if out is None else out
        self.call("test_product", *self.product_arguments(a, b, bias, out))
        return out

    def of_rows(self, name: str, a: np.ndarray) -> np.ndarray:
        out = np.empty(2 * len(a), self.dtype)[::2]
        self.call(f"test_{name}", *a.shape, a, *_steps(a), out, 2)
        return out

    def column_sum(self, a: np.ndarray) -> np.ndarray:
        out = np.empty(a.shape[1], self.dtype)
        self.call("test_column_sum", *a.shape, a, _steps(a)[0], out)
        return out

    def dot(self, a: np.ndarray, b: np.ndarray) -> float:
        return self.call("test_dot", len(a), a, b, result=ctypes.c_double)

    def all_finite(self, a: np.ndarray) -> bool:
        return self.call("test_all_finite", len(a), a, result=ctypes.c_int) == 1
