"""The layers as ONNX nodes.

Values have shape (B, ..., n) in a single network, and (M, B, ..., n) in M networks,
which are members or the submodels of a shared backbone. Most layers work for both:
they count axes from the last one, parameters (K, ...) lose their first axis if K is 1,
and ONNX broadcasts like NumPy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.linalg import block_diag

from sknet._numerics import Array
from sknet.network.layers import (
    Activate,
    BatchNorm,
    Dense,
    Dropout,
    Embedding,
    EnsembleView,
    Flatten,
    GroupedDense,
    Highway,
    Layer,
    LayerNorm,
    LinearEnsemble,
    Mix,
    Partition,
    Periodic,
    Rescale,
    Reshape,
    Residual,
    Scale,
    Sequential,
    ZeroPad,
)
from sknet.network.layout import Declaration, Shape
from sknet.onnx.activations import mixed
from sknet.onnx.converters import convert, converter
from sknet.onnx.graph import Graph


# ------------------------------------------------------------------- layers of layers


@converter(Sequential)
def sequential(graph: Graph, layer: Sequential, p: Any, x: str, shape: Shape) -> str:
    """Write the layers in order."""
    for i, part in enumerate(layer.layers):
        x = convert(graph, part, p.children[i], x, shape)
        if i + 1 < len(layer.layers):
            shape = part.build(Declaration(), shape)
    return x


@converter(Residual)
def residual(graph: Graph, layer: Residual, p: Any, x: str, shape: Shape) -> str:
    """Write the sum of body and shortcut."""
    body = convert(graph, layer.body, p.children[0], x, shape)
    return graph.op(
        "Add", body, convert(graph, layer.shortcut, p.children[1], x, shape)
    )


@converter(Highway)
def highway(graph: Graph, layer: Highway, p: Any, x: str, shape: Shape) -> str:
    """Write ``carry + gate (body - carry)``."""
    parts: tuple[Layer, ...] = (layer.body, layer.gate, layer.carry)
    body, gate, carry = (
        convert(graph, part, p.children[i], x, shape) for i, part in enumerate(parts)
    )
    return mixed(graph, carry, body, gate)


@converter(Partition)
def partition(graph: Graph, layer: Partition, p: Any, x: str, shape: Shape) -> str:
    """Write the layers of each group of columns, and concatenate their outputs."""
    del shape
    parts, start, n_members = [], 0, _n_members(p)
    for i, (width, part) in enumerate(zip(layer.widths, layer.layers, strict=True)):
        columns = graph.columns(x, start, start + width)
        part_out = convert(graph, part, p.children[i], columns, (width,))
        if n_members > 1:  # a group without parameters has no axis of members
            part_out = graph.op("Expand", part_out, np.array([n_members, 1, 1]))
        parts.append(part_out)
        start += width
    return graph.joined(parts)


def _n_members(p: Any) -> int:
    """Return the number K of members according to the parameters of a layer."""
    arrays = [value for value in vars(p).values() if isinstance(value, np.ndarray)]
    inside = (_n_members(child) for child in p.children)
    return max([1, *map(len, arrays), *inside])


@converter(Reshape)
def reshape(graph: Graph, layer: Reshape, p: Any, x: str, shape: Shape) -> str:
    """Write the rows in the shape of the layer."""
    del p
    return graph.with_axes(x, shape, layer.shape)


@converter(Flatten)
def flatten(graph: Graph, layer: Flatten, p: Any, x: str, shape: Shape) -> str:
    """Write the rows flattened to columns."""
    del layer, p
    return graph.with_axes(x, shape, (math.prod(shape),))


# -------------------------------------------------------------------------- products


@converter(Dense)
def dense(graph: Graph, layer: Dense, p: Any, x: str, shape: Shape) -> str:
    """Write ``s x W + b``."""
    return _affine(graph, layer, p.weight, p, x, shape)


@converter(GroupedDense)
def grouped_dense(
    graph: Graph, layer: GroupedDense, p: Any, x: str, shape: Shape
) -> str:
    """Write a dense layer with zero weights outside of the groups."""
    weight = np.stack([block_diag(*groups) for groups in p.weight])
    return _affine(graph, layer, weight, p, x, shape)


@converter(LinearEnsemble)
def heads(graph: Graph, layer: LinearEnsemble, p: Any, x: str, shape: Shape) -> str:
    """Write one product per submodel; all submodels are in a single network."""
    return _affine(graph, layer, p.weight, p, x, shape)


def _affine(
    graph: Graph, layer: Any, weight: Array, p: Any, x: str, shape: Shape
) -> str:
    """Write ``s x W + b`` with given weights and the other settings of a layer."""
    if layer.initializer.rescales:
        weight = weight * layer.initializer.scale(p.weight.shape[-2:])
    y = graph.op("MatMul", x, graph.of_members(weight, shape))
    return graph.op("Add", y, graph.of_members(p.bias, shape)) if layer.use_bias else y


# ------------------------------------------------------------------ column by column


@converter(Activate)
def activate(graph: Graph, layer: Activate, p: Any, x: str, shape: Shape) -> str:
    """Write the activation."""
    del p, shape
    return convert(graph, layer.activation, x)


@converter(Mix)
def mix(graph: Graph, layer: Mix, p: Any, x: str, shape: Shape) -> str:
    """Write the activation mixed with its input."""
    a = convert(graph, layer.activation, x)
    return mixed(graph, x, a, graph.of_members(p.mix, shape))


@converter(Dropout)
def dropout(graph: Graph, layer: Dropout, p: Any, x: str, shape: Shape) -> str:
    """Return ``x``: there is no dropout in prediction."""
    del graph, layer, p, shape
    return x


@converter(Scale)
def scale(graph: Graph, layer: Scale, p: Any, x: str, shape: Shape) -> str:
    """Write the product with the factors."""
    del layer
    return graph.op("Mul", x, graph.of_members(p.scale, shape))


@converter(Rescale)
def rescale(graph: Graph, layer: Rescale, p: Any, x: str, shape: Shape) -> str:
    """Write the product with the number."""
    del p, shape
    return graph.op("Mul", x, layer.factor)


@converter(EnsembleView)
def ensemble_view(
    graph: Graph, layer: EnsembleView, p: Any, x: str, shape: Shape
) -> str:
    """Write the scaled copies, (E, B, n); the model is a single network."""
    del layer, shape
    return graph.op("Mul", x, p.scale[0][:, None, :])


@converter(ZeroPad)
def zero_pad(graph: Graph, layer: ZeroPad, p: Any, x: str, shape: Shape) -> str:
    """Write the product with a part of the unit matrix."""
    del p
    return graph.op("MatMul", x, np.eye(shape[-1], layer.units))


# -------------------------------------------------------------------- normalisations


@converter(BatchNorm)
def batch_norm(graph: Graph, layer: BatchNorm, p: Any, x: str, shape: Shape) -> str:
    """Write the normalisation with the running statistics."""
    # Subtract the mean first: as one affine map, a large mean would cost precision.
    centred = graph.op("Sub", x, graph.of_members(p.running_mean, shape))
    factor = p.scale / np.sqrt(p.running_variance + layer.epsilon)
    scaled = graph.op("Mul", centred, graph.of_members(factor, shape))
    return graph.op("Add", scaled, graph.of_members(p.shift, shape))


@converter(LayerNorm)
def layer_norm(graph: Graph, layer: LayerNorm, p: Any, x: str, shape: Shape) -> str:
    """Write the normalisation, with means as matrix products as in the layer."""
    column = np.full((shape[-1], 1), 1.0 / shape[-1])
    centred = graph.op("Sub", x, graph.op("MatMul", x, column))
    variance = graph.op("MatMul", graph.op("Mul", centred, centred), column)
    deviation = graph.op("Sqrt", graph.op("Add", variance, layer.epsilon))
    normal = graph.op("Div", centred, deviation)
    y = graph.op("Mul", normal, graph.of_members(p.scale, shape))
    return graph.op("Add", y, graph.of_members(p.shift, shape))


# ---------------------------------------------------------------- the input embedding


@converter(Embedding)
def embedding(graph: Graph, layer: Embedding, p: Any, x: str, shape: Shape) -> str:
    """Write a look-up in one table, which has all codes of the preprocessor."""
    starts = np.cumsum((0, *layer.n_levels[:-1]))
    rows = graph.op("Add", graph.cast(x, np.int64), starts)
    table = graph.of_members(p.table)
    vectors = graph.op("Gather", table, rows, axis=table.ndim - 2)
    return _as_columns(graph, vectors, len(p.table), shape[0] * layer.size)


@converter(Periodic)
def periodic(graph: Graph, layer: Periodic, p: Any, x: str, shape: Shape) -> str:
    """Write the waves and their linear maps, column by column, (K, D, B, n)."""
    n_members = len(p.phase)
    each = graph.op("Unsqueeze", graph.op("Transpose", x, perm=[1, 0]), np.array([2]))
    angle = graph.op("Mul", each, p.frequency * (2.0 * math.pi))
    wave = graph.op("Cos", graph.op("Add", angle, p.phase))
    numbers = graph.op("Add", graph.op("MatMul", wave, p.mixing), p.offset)
    same = graph.op("Expand", each, np.array([n_members, 1, 1, 1]))
    out = graph.op("Transpose", graph.joined([numbers, same]), perm=[0, 2, 1, 3])
    return _as_columns(graph, out, n_members, shape[0] * layer.size)


def _as_columns(graph: Graph, x: str, n_members: int, n_columns: int) -> str:
    """Return the rows of each member with the last axes flattened to columns."""
    members = () if n_members == 1 else (n_members,)
    return graph.reshaped(x, *members, -1, n_columns)
