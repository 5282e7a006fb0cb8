"""The layers on images as ONNX nodes.

Here the channels are the last axis of an image, in ONNX the first: images are
transposed for its operators, and back. Its operators know no members: pools get the
images of all members as one batch, and a convolution gets each member as a group.

In float64, onnxruntime (1.31.1) has ``MaxPool``, but neither ``Conv`` nor
``AveragePool``: there the windows are written out, and multiplied or added up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet._windows import Windows
from sknet.network.layers import (
    AveragePool,
    Conv2D,
    GlobalAveragePool,
    MaxPool,
    StochasticPool,
)
from sknet.network.layout import Shape
from sknet.onnx.converters import converter
from sknet.onnx.graph import Graph


# The axes of the positions of a window among those of written out windows.
_POSITIONS = np.array([-4, -2])


# ------------------------------------------------------------------------ convolution


@converter(Conv2D)
def convolution(graph: Graph, layer: Conv2D, p: Any, x: str, shape: Shape) -> str:
    """Write ``s x * W + b``."""
    weight, bias = p.weight, p.bias if layer.use_bias else None
    if layer.initializer.rescales:
        weight = weight * layer.initializer.scale(weight.shape[-2:])
    if len(weight) > 1:  # the rows may still have no axis of members
        x = graph.op("Expand", x, np.array([len(weight), 1, 1, 1, 1]))
    if not graph.is_single:
        return _by_products(graph, layer, weight, bias, x, shape)
    if len(weight) > 1:
        return _by_groups(graph, layer, weight, bias, x, shape)
    images = _channels_first(graph, x, shape)
    y = _convolved(graph, layer, weight, bias, images, shape)
    return _channels_last(graph, y, x, _out_shape(layer, shape))


def _out_shape(layer: Conv2D, shape: Shape) -> Shape:
    """Return the shape of the convolved images."""
    return (*layer.windows(shape).counts(*shape[:2]), layer.filters)


def _by_groups(
    graph: Graph, layer: Conv2D, weight: Array, bias: Array | None, x: str, shape: Shape
) -> str:
    """Write the members as groups of one convolution."""
    n_members, (height, width, n_channels) = len(weight), shape
    rows, columns, n_filters = _out_shape(layer, shape)
    images = graph.op("Transpose", x, perm=[1, 0, 4, 2, 3])
    images = graph.reshaped(images, -1, n_members * n_channels, height, width)
    y = _convolved(graph, layer, weight, bias, images, shape)
    y = graph.reshaped(y, -1, n_members, n_filters, rows, columns)
    return graph.op("Transpose", y, perm=[1, 0, 3, 4, 2])


def _convolved(
    graph: Graph, layer: Conv2D, weight: Array, bias: Array | None, x: str, shape: Shape
) -> str:
    """Write the convolution (B, K * F, H', W') of images (B, K * C, H, W)."""
    windows, n_members = layer.windows(shape), len(weight)
    filters = weight.reshape(n_members, *windows.size, -1, layer.filters)
    filters = filters.transpose(0, 4, 3, 1, 2)
    filters = filters.reshape(n_members * layer.filters, -1, *windows.size)
    constants = [filters] if bias is None else [filters, bias.reshape(-1)]
    return graph.op(
        "Conv",
        x,
        *constants,
        kernel_shape=[*windows.size],
        strides=[*windows.stride],
        pads=[*windows.before, *windows.after],
        dilations=[*windows.dilation],
        group=n_members * layer.groups,
    )


def _by_products(
    graph: Graph, layer: Conv2D, weight: Array, bias: Array | None, x: str, shape: Shape
) -> str:
    """Write products of windows and filters, one for each group of each member."""
    windows, n_members, n_groups = layer.windows(shape), len(weight), layer.groups
    (h, w), (rows, columns, n_filters) = windows.size, _out_shape(layer, shape)
    images = graph.reshaped(x, -1, *shape)
    pads = (0, *windows.before, 0, 0, *windows.after, 0)
    if any(pads):
        images = graph.op("Pad", images, np.array(pads))
    parts = _written_out(graph, images, windows, (rows, columns))
    # The rows of all images of a member are one axis, so that there are few axes.
    each = shape[2] // n_groups
    parts = graph.reshaped(parts, n_members, -1, h, columns, w, n_groups, each)
    parts = graph.op("Transpose", parts, perm=[0, 5, 1, 3, 2, 4, 6])
    parts = graph.reshaped(parts, n_members * n_groups, -1, h * w * each)

    of_group = n_filters // n_groups
    filters = weight.reshape(n_members, h * w * each, n_groups, of_group)
    filters = filters.transpose(0, 2, 1, 3)
    y = graph.op("MatMul", parts, filters.reshape(-1, h * w * each, of_group))
    if bias is not None:
        y = graph.op("Add", y, bias.reshape(-1, 1, of_group))
    y = graph.reshaped(y, n_members, n_groups, -1, of_group)
    y = graph.op("Transpose", y, perm=[0, 2, 1, 3])
    if n_members > 1:
        return graph.reshaped(y, n_members, -1, rows, columns, n_filters)
    return _as_before(graph, y, x, (rows, columns, n_filters))


# ---------------------------------------------------------------------------- pooling


@converter(MaxPool)
def max_pool(graph: Graph, layer: MaxPool, p: Any, x: str, shape: Shape) -> str:
    """Write the largest elements."""
    del p
    return _pooled(graph, "MaxPool", layer.windows(shape), x, shape)


@converter(AveragePool)
def average_pool(graph: Graph, layer: AveragePool, p: Any, x: str, shape: Shape) -> str:
    """Write the means."""
    del p
    windows = layer.windows(shape)
    if graph.is_single:
        return _pooled(graph, "AveragePool", windows, x, shape)
    parts = _written_out(graph, x, windows, windows.counts(*shape[:2]))
    total = graph.op("ReduceSum", parts, _POSITIONS, keepdims=0)
    return graph.op("Mul", total, 1.0 / (windows.size[0] * windows.size[1]))


@converter(GlobalAveragePool)
def global_average_pool(
    graph: Graph, layer: GlobalAveragePool, p: Any, x: str, shape: Shape
) -> str:
    """Write the means of all positions, for which nothing must be transposed."""
    del layer, p
    total = graph.op("ReduceSum", x, np.array([-3, -2]), keepdims=0)
    return graph.op("Mul", total, 1.0 / (shape[0] * shape[1]))


@converter(StochasticPool)
def stochastic_pool(
    graph: Graph, layer: StochasticPool, p: Any, x: str, shape: Shape
) -> str:
    """Write the expectations.

    Each element is multiplied by its share. ``AveragePool`` of squares, divided by that
    of elements, would need no windows to be written out, but in float32 the square of
    1e-23 is zero, and that of 1e20 is infinite.
    """
    del p
    windows = layer.windows(shape)
    positive = graph.op("Max", x, 0.0)
    parts = _written_out(graph, positive, windows, windows.counts(*shape[:2]))
    total = graph.op("ReduceSum", parts, _POSITIONS, keepdims=1)
    # Without positive elements, 0 / 1. The least float64 in place of a zero would be
    # zero again in runtimes that compute every graph in float32.
    total = graph.op("Where", graph.op("Greater", total, 0.0), total, 1.0)
    products = graph.op("Mul", graph.op("Div", parts, total), parts)
    return graph.op("ReduceSum", products, _POSITIONS, keepdims=0)


def _pooled(graph: Graph, kind: str, windows: Windows, x: str, shape: Shape) -> str:
    """Write an operator of ONNX on windows without padding."""
    images = _channels_first(graph, x, shape)
    size, stride = [*windows.size], [*windows.stride]
    y = graph.op(kind, images, kernel_shape=size, strides=stride)
    return _channels_last(graph, y, x, (*windows.counts(*shape[:2]), shape[2]))


# ------------------------------------------------------------------------------- axes


def _channels_first(graph: Graph, x: str, shape: Shape) -> str:
    """Return images (..., H, W, C) as (N, C, H, W), with N images in all."""
    return graph.op("Transpose", graph.reshaped(x, -1, *shape), perm=[0, 3, 1, 2])


def _channels_last(graph: Graph, y: str, x: str, shape: Shape) -> str:
    """Return images (N, C, H', W') as (..., H', W', C), with the first axes of x."""
    return _as_before(graph, graph.op("Transpose", y, perm=[0, 2, 3, 1]), x, shape)


def _as_before(graph: Graph, y: str, x: str, shape: Shape) -> str:
    """Return y reshaped to (..., *shape), with the first axes of images x."""
    ends = (np.array([0]), np.array([-3]), np.array([0]))
    leading = graph.op("Slice", graph.op("Shape", x), *ends)
    return graph.op("Reshape", y, graph.op("Concat", leading, np.array(shape), axis=0))


def _written_out(
    graph: Graph, x: str, windows: Windows, counts: tuple[int, int]
) -> str:
    """Return the windows of images (..., H, W, C), as (..., H', h, W', w, C)."""
    for axis in range(2):
        first = np.arange(counts[axis])[:, None] * windows.stride[axis]
        places = first + np.arange(windows.size[axis]) * windows.dilation[axis]
        x = graph.op("Gather", x, places, axis=axis - 3)
    return x
