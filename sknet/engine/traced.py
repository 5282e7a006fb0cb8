"""Traced arrays, sparse rows and noise streams, whose operations are noted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from sknet._numerics import Array, SparseRows
from sknet.engine.tape import NotRecordable, Number, View


if TYPE_CHECKING:
    from sknet.engine.record import Recorder


class Traced(np.ndarray):
    """An array whose operations are noted; views of it are traced, too."""

    recorder: Recorder
    place: View | None = None  # which part of which block it is, once known

    def __array_finalize__(self, obj: Any) -> None:
        self.recorder = getattr(obj, "recorder", None)  # type: ignore[assignment]

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, **options: Any
    ) -> Any:
        return self.recorder.apply(ufunc, method, inputs, options)

    def __array_function__(
        self, function: Any, types: Any, args: Any, kwargs: Any
    ) -> Any:
        del types
        handle = _FUNCTIONS.get(function)
        if handle is None:
            raise NotRecordable(f"It calls np.{function.__name__}.")
        return handle(self.recorder, *args, **kwargs)

    def __repr__(self) -> str:
        return f"Traced({self.view(np.ndarray)!r})"

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        if isinstance(part, np.ndarray):
            return part
        keys = key if isinstance(key, tuple) else (key,)
        return super().__getitem__((*keys, Ellipsis))  # not a number, but a view of it

    def __setitem__(self, key: Any, value: Any) -> None:
        self.recorder.apply(np.positive, "__call__", (value,), {"out": (self[key],)})

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def fill(self, value: Any) -> None:
        """Fill with a number."""
        self[...] = value

    def copy(self, order: Any = "C") -> Any:
        """Return a copy."""
        del order
        return self.recorder.copy(self)

    def astype(self, dtype: Any, **options: Any) -> Any:  # type: ignore[override]
        """Return a copy of the same type; other types are not recorded."""
        del options
        if np.dtype(dtype) != self.dtype:
            raise NotRecordable(f"It converts an array to {np.dtype(dtype)}.")
        return self.recorder.copy(self)

    def _compare(self, other: Any) -> Any:
        """Raise NotRecordable; NumPy 1.24 would turn the error into a warning."""
        del other
        raise NotRecordable(
            "It compares arrays; write the comparison into an array, as in "
            "np.greater(z, 0.0, out=scratch)."
        )

    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _compare

    def _refuse(self, *args: Any, **options: Any) -> Any:
        """Raise NotRecordable, since the elements are others in the next step."""
        del args, options
        raise NotRecordable("It reads numbers from an array, or branches on them.")

    __bool__ = __float__ = __int__ = __index__ = __contains__ = _refuse
    tolist = item = tobytes = dot = argmax = argmin = argsort = sort = _refuse
    nonzero = cumsum = take = put = repeat = searchsorted = _refuse
    partition = argpartition = choose = compress = byteswap = resize = _refuse
    setfield = _refuse
    flat = property(_refuse)  # type: ignore[assignment]


class RecordedRows(SparseRows):
    """Sparse rows of a batch, whose products are noted.

    Parameters
    ----------
    recorder : Recorder
        The recorder.
    rows : CSR matrix of shape (B, D)
        The rows.
    """

    def __init__(self, recorder: Recorder, rows: Any) -> None:
        super().__init__([rows])
        self._recorder = recorder

    def to_dense(self) -> Any:
        """Return the rows as an array (1, B, D)."""

        def compute(out: Array) -> None:
            out[...] = SparseRows.to_dense(self)

        return self._recorder.primitive(
            "sparse_to_dense", self._recorder.allocate(self.shape), (), compute
        )

    def product(self, w: Any, out: Any) -> Any:
        """Multiply by a matrix."""

        def compute(plain: Array, matrix: Array) -> None:
            SparseRows.product(self, matrix, plain)

        return self._recorder.primitive("sparse_product", out, (w,), compute)

    def transposed_product(self, dy: Any, out: Any) -> Any:
        """Multiply the transposed rows by a matrix."""

        def compute(plain: Array, matrix: Array) -> None:
            SparseRows.transposed_product(self, matrix, plain)

        return self._recorder.primitive("sparse_transposed", out, (dy,), compute)


class Noise:
    """A noise stream whose draws are noted.

    Parameters
    ----------
    recorder : Recorder
        The recorder.
    stream : Generator
        The stream.
    """

    def __init__(self, recorder: Recorder, stream: np.random.Generator) -> None:
        self._recorder, self._stream = recorder, stream

    def random(self, *, out: Array, dtype: Any) -> Array:
        """Draw uniform numbers into an array."""
        values = out.view(np.ndarray)
        if values.flags.c_contiguous:
            self._stream.random(out=values, dtype=dtype)
        else:
            values[...] = self._stream.random(size=values.shape, dtype=dtype)
        self._recorder.note("noise", self._recorder.view(out))
        return out


def untraced(value: Any) -> Any:
    """Return a traced array as a plain one, and a number as its value."""
    if isinstance(value, np.ndarray):
        return value.view(np.ndarray)
    return value.value if isinstance(value, Number) else value


def _copyto(recorder: Recorder, out: Any, value: Any, **options: Any) -> None:
    """Note ``np.copyto``."""
    if options.keys() - {"casting"}:
        raise NotRecordable(f"It calls np.copyto with {list(options)}.")
    recorder.apply(np.positive, "__call__", (value,), {"out": (out,)})


def _empty(recorder: Recorder, shape: Any, dtype: Any = None, **options: Any) -> Any:
    """Allocate for ``np.empty(..., like=)``."""
    del options
    return recorder.allocate(shape, dtype)


def _zeros(recorder: Recorder, shape: Any, dtype: Any = None, **options: Any) -> Any:
    """Allocate for ``np.zeros(..., like=)``, and note the zeros."""
    out = _empty(recorder, shape, dtype, **options)
    out[...] = 0.0
    return out


def _empty_like(
    recorder: Recorder, array: Any, dtype: Any = None, **options: Any
) -> Any:
    """Allocate for ``np.empty_like``."""
    del options
    return recorder.allocate(array.shape, dtype)


def _zeros_like(
    recorder: Recorder, array: Any, dtype: Any = None, **options: Any
) -> Any:
    """Allocate for ``np.zeros_like``, and note the zeros."""
    out = _empty_like(recorder, array, dtype, **options)
    out[...] = 0.0
    return out


def _clip(
    recorder: Recorder, array: Any, least: Any, largest: Any, out: Any = None
) -> Any:
    """Note ``np.clip`` as a maximum and a minimum."""
    given = {} if out is None else {"out": (out,)}
    raised = recorder.apply(np.maximum, "__call__", (array, least), dict(given))
    return recorder.apply(np.minimum, "__call__", (raised, largest), dict(given))


def _reduced(ufunc: Any) -> Callable[..., Any]:
    """Return what notes a function that reduces an array over one axis."""

    def reduced(
        recorder: Recorder,
        array: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        **options: Any,
    ) -> Any:
        given = {"axis": axis, "dtype": dtype, **options}
        given |= {} if out is None else {"out": (out,)}
        return recorder.apply(ufunc, "reduce", (array,), given)

    return reduced


def _concatenate(recorder: Recorder, arrays: Any, axis: int = 0) -> Any:
    """Note ``np.concatenate`` as copies into the parts of a new array."""
    shape, start = list(arrays[0].shape), 0
    shape[axis] = sum(array.shape[axis] for array in arrays)
    out = recorder.allocate(shape)
    for array in arrays:
        part: list[Any] = [slice(None)] * len(shape)
        part[axis] = slice(start, start + array.shape[axis])
        out[tuple(part)] = array
        start += array.shape[axis]
    return out


_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.clip: _clip,
    np.sum: _reduced(np.add),
    np.max: _reduced(np.maximum),
    np.amax: _reduced(np.maximum),
    np.concatenate: _concatenate,
    np.copyto: _copyto,
    np.empty: _empty,
    np.zeros: _zeros,
    np.empty_like: _empty_like,
    np.zeros_like: _zeros_like,
    np.copy: lambda recorder, array, **options: recorder.copy(array),
}
