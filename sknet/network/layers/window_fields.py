"""Fields of the layers on windows of images: one number or a pair for both axes."""

from __future__ import annotations

from dataclasses import field
from numbers import Integral
from typing import Any

from sknet._windows import Pair, Windows
from sknet.fields import Domain
from sknet.network.layout import Shape


_PADDINGS = ("valid", "same", "full")


def pair(default: int | None, least: int) -> Any:
    """Declare a field that is a whole number of at least ``least``, or two of them."""
    words = f"a whole number in [{least}, inf), or a pair of them"
    if default is None:
        words += ", or None"
    optional = default is None
    domain = Domain(words, lambda v: (optional and v is None) or _is_pair(v, least))
    return field(default=default, metadata={"domain": domain, "registry": None})


def padding(default: str) -> Any:
    """Declare a field that is the padding of windows."""
    names = ", ".join(repr(name) for name in _PADDINGS)
    words = f"one of {names}, a whole number in [0, inf), or a pair of them"
    domain = Domain(words, lambda v: v in _PADDINGS or _is_pair(v, 0))
    return field(default=default, metadata={"domain": domain, "registry": None})


def pool_size() -> Any:
    """Declare a field that is the size of a pool's windows, or None for no pool."""
    words = "a whole number in [1, inf), a pair of them, 'global' or None"
    domain = Domain(words, lambda v: v in (None, "global") or _is_pair(v, 1))
    return field(default=None, metadata={"domain": domain, "registry": None})


def _is_pair(value: Any, least: int) -> bool:
    """Return whether a value is a whole number, or a pair of whole numbers."""
    values = value if isinstance(value, tuple) and len(value) == 2 else (value,)
    return all(
        isinstance(v, Integral) and not isinstance(v, bool) and int(v) >= least
        for v in values
    )


def both(value: Any) -> Pair:
    """Return a value for the height and one for the width."""
    return value if isinstance(value, tuple) else (value, value)


def image_shape(layer: Any, shape: Shape) -> tuple[int, int, int]:
    """Return height, width and channels; raise ValueError if rows are no images."""
    if len(shape) != 3:
        raise ValueError(
            f"{type(layer).__name__} needs rows of shape (height, width, channels), "
            f"but its input has rows of shape {shape}: put Reshape(...) before it."
        )
    return shape  # type: ignore[return-value]


def windows_of(
    layer: Any, shape: Shape, size: Any, padding: Any = "valid", dilation: Any = 1
) -> Windows:
    """Return the windows of a layer with a ``stride``, for images of a shape.

    Parameters
    ----------
    layer : Layer
        The layer.
    shape : tuple of int
        Height, width and channels of the images.
    size, padding, dilation
        Fields of the layer.

    Raises
    ------
    ValueError
        If a window is larger than an image with its padding.
    """
    stride = both(size if layer.stride is None else layer.stride)
    before, after = [], []
    reach = Windows(both(size), dilation=both(dilation)).reach
    for axis in range(2):
        ends = _zeros(padding, axis, shape[axis], reach[axis], stride[axis])
        before.append(ends[0])
        after.append(ends[1])
        if shape[axis] + sum(ends) < reach[axis]:
            name, n, f = ("height", "width")[axis], shape[axis], reach[axis]
            raise ValueError(
                f"{layer!r} leaves nothing of images of {shape[0]} x {shape[1]} "
                f"positions: along the {name}, a window reaches over {f} of "
                f"{n + sum(ends)} positions, and floor(({n} + {sum(ends)} - {f}) / "
                f"{stride[axis]}) + 1 is less than 1. Use smaller windows, more "
                "padding, or fewer or smaller pools and strides before it."
            )
    return Windows(
        both(size), stride, (before[0], before[1]), (after[0], after[1]), both(dilation)
    )


def _zeros(padding: Any, axis: int, n: int, reach: int, stride: int) -> Pair:
    """Return the numbers of zeros before and after an axis of n positions."""
    if padding == "valid":
        return 0, 0
    if padding == "full":
        return reach - 1, reach - 1
    if padding == "same":
        total = max((-(-n // stride) - 1) * stride + reach - n, 0)
        return total // 2, total - total // 2
    p = both(padding)[axis]
    return p, p
