"""The machine: the compiled code that runs programs, and the layout of its jobs."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.engine.library import load
from sknet.engine.tape import address_of


# The regions of a program, in the order of the machine.
SLOTS = ("slot0", "slot1", "slot2", "slot3")
REGIONS = ("work", "constant", "theta", "average", *SLOTS)

# The most threads that make a step together.
MOST_THREADS = 64

# The types of features that the machine gathers, in its order.
FEATURE_TYPES = tuple(
    np.dtype(name)
    for name in (
        *("float32", "float64", "int8", "int16", "int32", "int64"),
        *("uint8", "uint16", "uint32", "uint64"),
    )
)

# The types of indices of sparse features.
_INDEX_TYPES = (np.dtype(np.int32), np.dtype(np.int64))


@lru_cache(maxsize=64)
def feature_type(dtype: np.dtype[Any]) -> int | None:
    """Return the number of a type of features, or None if the machine has none."""
    if dtype == np.bool_:
        dtype = np.dtype(np.uint8)  # the same bytes
    return FEATURE_TYPES.index(dtype) if dtype in FEATURE_TYPES else None


def _layout(*fields: str | tuple[str, int]) -> np.dtype[Any]:
    """Return the layout of a structure; the names of real numbers end in a colon."""
    parts: list[Any] = []
    for field in fields:
        name, shape = field if isinstance(field, tuple) else (field, 1)
        kind = np.float64 if name.endswith(":") else np.int64
        part = (name.rstrip(":"), kind)
        parts.append(part if shape == 1 else (*part, (shape,)))
    return np.dtype(parts)


# The structures of ``_machine.h``, field by field.
PROGRAM = _layout(
    *("n_rows", "numbers", "n_numbers", "gradient", "n_gradient", "update", "n_update"),
    *("averaging", "n_averaging", "constants", "x", "y", "weight"),
    *(
        "data_region",
        "data",
        "penalty_region",
        "penalty",
        "t",
        "rate",
        "total",
        "share",
    ),
)
MEMBER = _layout(
    ("regions", len(REGIONS)),
    *(
        "shuffles",
        "noise",
        "order",
        "places",
        "x",
        "x_columns",
        "x_starts",
        "y",
        "weight",
    ),
    ("numbers", 2),
    *("rates", "shares", "losses", "t", "epoch", "batch", "n_counted", "total:"),
    *("n_epochs", "before", "best", "has_best", "best_loss:", "tol:", "patience:"),
    *("growth:", "n_no_improvement", "n_judged", "n_seen", "is_lost"),
)
JOB = _layout(
    ("programs", 2),
    *("members", "n_members", "n_batches", "is_double", "kernels"),
    *("shuffle", "n_order", "n_features", "n_targets", "x_type", "x_step"),
    *(
        "x_column_step",
        "index_bytes",
        "normalize",
        "rates_per_epoch",
        "shares_per_epoch",
        "stops",
    ),
    *(
        "n_parameters",
        "n_slots",
        "n_trainable",
        "report:",
        "work",
        "scratch",
        "look_every",
        "nanoseconds",
    ),
    *("current", "n_threads", "scratch_step", "team"),
)
FORWARD = _layout(
    *("n_rows", "code", "n_code", "constants", "numbers", "x", "raw"),
    *("checked", "n_checked"),
)
SPARSE_ROWS = _layout(
    *("values", "values_type", "columns", "starts", "index_bytes"),
    *("order", "places", "first", "n_rows"),
)
PREDICTION = _layout(
    *("many", "some", "one", "is_double", "kernels", "theta"),
    *("x", "x_columns", "x_starts", "index_bytes", "x_type"),
    *(
        "x_step",
        "x_column_step",
        "n_features",
        "order",
        "places",
        "first",
        "last",
        "out",
    ),
    *("out_is_double", "head_step", "n_heads", "n_outputs", "work", "scratch"),
    "is_finite",
)


class Machine:
    """The functions of the library.

    Parameters
    ----------
    library : ctypes.CDLL
        The library.

    Attributes
    ----------
    kernels : int
        The instruction set in use, the best one that the processor has.
    """

    def __init__(self, library: Any) -> None:
        self._train, self._run = library.sknet_machine_train, library.sknet_machine_run
        self._scratch = library.sknet_machine_scratch
        self._name = library.sknet_machine_kernel_name
        address, number = ctypes.c_void_p, ctypes.c_int64
        self._train.argtypes, self._train.restype = [address], number
        self._run.argtypes = [number, number, address, number, *[address] * 5]
        self._run.restype = None
        self._scratch.argtypes = [number, number, address, number]
        self._scratch.restype = number
        self.predict_at = library.sknet_machine_predict
        self.predict_at.argtypes, self.predict_at.restype = [address], None
        self._name.argtypes, self._name.restype = [number], ctypes.c_char_p
        count = library.sknet_machine_kernels
        count.argtypes, count.restype = [], number
        self.n_kernels = int(count())
        self.kernels = self.n_kernels - 1

    @property
    def kernel_name(self) -> str:
        """Name of the instruction set."""
        return str(self._name(self.kernels).decode())

    def scratch_bytes(self, code: Array, is_double: bool) -> int:
        """Return the number of bytes of scratch memory that instructions need."""
        return int(self._scratch(self.kernels, is_double, address_of(code), len(code)))

    def train(self, job: Array) -> bool:
        """Run a job, for a limited time; return whether it is done."""
        return not self._train(address_of(job))

    def run(
        self,
        code: Array,
        regions: Array,
        numbers: Array,
        stream: int,
        scratch: Array,
        sparse: int = 0,
    ) -> None:
        """Run instructions once, on regions given by their addresses."""
        is_double = scratch.dtype == np.float64
        self._run(
            self.kernels,
            is_double,
            address_of(code),
            len(code),
            address_of(regions),
            address_of(numbers),
            stream,
            address_of(scratch),
            sparse,
        )


@lru_cache(maxsize=1)
def machine() -> Machine | None:
    """Return the machine, or None if there is no library for it."""
    library = load()
    return None if library is None else Machine(library.functions)


def aligned(n_elements: int, dtype: np.dtype[Any], alignment: int = 64) -> Array:
    """Return an uninitialised array whose address is a multiple of the alignment."""
    n_bytes = n_elements * dtype.itemsize
    memory = np.empty(n_bytes + alignment, dtype=np.uint8)
    first = -address_of(memory) % alignment
    return memory[first : first + n_bytes].view(dtype)


def bit_generator(stream: Any) -> int:
    """Return the address of the bit generator of a RandomState or a Generator."""
    generator = getattr(stream, "bit_generator", None) or stream._bit_generator
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return int(get(generator.capsule, b"BitGenerator"))


def is_readable(matrix: Any) -> bool:
    """Return whether the arrays of a CSR matrix can be read where they are."""
    arrays = matrix.data, matrix.indices, matrix.indptr
    types = {matrix.indices.dtype, matrix.indptr.dtype}
    fits = len(types) == 1 and types.issubset(_INDEX_TYPES)
    return fits and all(a.flags.c_contiguous and a.flags.aligned for a in arrays)


def readable(matrix: Any) -> Any:
    """Return a CSR matrix that can be read: the same one, or a copy."""
    if is_readable(matrix):
        return matrix
    arrays = matrix.data.copy(), matrix.indices.copy(), matrix.indptr.copy()
    return type(matrix)(arrays, shape=matrix.shape)


def twister_bytes(stream: np.random.RandomState) -> bytes:
    """Return the memory of a Mersenne Twister: its key, and the position in it."""
    address = stream._bit_generator.ctypes.state_address  # type: ignore[attr-defined]
    return ctypes.string_at(address, 625 * 4)


def sparse_rows(matrix: Any) -> Array:
    """Return the structure of all rows of a CSR matrix that is readable."""
    rows = np.zeros(1, dtype=SPARSE_ROWS)
    rows["values"] = address_of(matrix.data)
    rows["values_type"] = feature_type(matrix.data.dtype)
    rows["index_bytes"], rows["n_rows"] = matrix.indices.itemsize, matrix.shape[0]
    rows["columns"], rows["starts"] = (
        address_of(matrix.indices),
        address_of(matrix.indptr),
    )
    return rows
