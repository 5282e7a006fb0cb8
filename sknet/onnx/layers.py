"""The layers as ONNX nodes.

Values have the shape (B, n) in a single network, and (M, B, n) in M networks, which are
members or the submodels of a shared trunk. Most layers need not know which it is: they
count axes from the last one, parameters (K, ...) come without the first axis where K is
1, and ONNX broadcasts as NumPy does.
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
    GroupedDense,
    Heads,
    Highway,
    Layer,
    LayerNorm,
    Mix,
    Partition,
    Periodic,
    Residual,
    Scale,
    Sequential,
    Spread,
    ZeroPad,
)
from sknet.network.layout import Declaration
from sknet.onnx.activations import mixed
from sknet.onnx.converters import convert, converter
from sknet.onnx.graph import Graph


def of_members(parameter: Array) -> Array:
    """Return parameters (K, ...), of a single member without the first axis."""
    return parameter[0] if len(parameter) == 1 else parameter


# ------------------------------------------------------------------- layers of layers


@converter(Sequential)
def sequential(graph: Graph, layer: Sequential, p: Any, x: str, n_in: int) -> str:
    """Write the layers in order."""
    for i, part in enumerate(layer.layers):
        x = convert(graph, part, p.children[i], x, n_in)
        if i + 1 < len(layer.layers):
            n_in = part.build(Declaration(), n_in)
    return x


@converter(Residual)
def residual(graph: Graph, layer: Residual, p: Any, x: str, n_in: int) -> str:
    """Write the sum of body and shortcut."""
    body = convert(graph, layer.body, p.children[0], x, n_in)
    return graph.op("Add", body, convert(graph, layer.shortcut, p.children[1], x, n_in))


@converter(Highway)
def highway(graph: Graph, layer: Highway, p: Any, x: str, n_in: int) -> str:
    """Write ``carry + gate (body - carry)``."""
    parts: tuple[Layer, ...] = (layer.body, layer.gate, layer.carry)
    body, gate, carry = (
        convert(graph, part, p.children[i], x, n_in) for i, part in enumerate(parts)
    )
    return mixed(graph, carry, body, gate)


@converter(Partition)
def partition(graph: Graph, layer: Partition, p: Any, x: str, n_in: int) -> str:
    """Write the layers of each group of columns, and join what they give."""
    del n_in
    parts, start, n_members = [], 0, _n_members(p)
    for i, (width, part) in enumerate(zip(layer.widths, layer.layers, strict=True)):
        columns = graph.columns(x, start, start + width)
        part_out = convert(graph, part, p.children[i], columns, width)
        if n_members > 1:  # a group without parameters is the same for all of them
            part_out = graph.op("Expand", part_out, np.array([n_members, 1, 1]))
        parts.append(part_out)
        start += width
    return graph.joined(parts)


def _n_members(p: Any) -> int:
    """Return K, as far as the parameters of a layer and those in it tell."""
    arrays = [value for value in vars(p).values() if isinstance(value, np.ndarray)]
    inside = (_n_members(child) for child in p.children)
    return max([1, *map(len, arrays), *inside])


# -------------------------------------------------------------------------- products


@converter(Dense)
def dense(graph: Graph, layer: Dense, p: Any, x: str, n_in: int) -> str:
    """Write ``s x W + b``."""
    del n_in
    return _affine(graph, layer, of_members(p.weight), p, x)


@converter(GroupedDense)
def grouped_dense(graph: Graph, layer: GroupedDense, p: Any, x: str, n_in: int) -> str:
    """Write it as the dense layer that it is, with zeros outside of the groups."""
    del n_in
    weight = np.stack([block_diag(*groups) for groups in p.weight])
    return _affine(graph, layer, of_members(weight), p, x)


@converter(Heads)
def heads(graph: Graph, layer: Heads, p: Any, x: str, n_in: int) -> str:
    """Write a product for each submodel; there is one network of them."""
    del n_in
    return _affine(graph, layer, of_members(p.weight), p, x)


def _affine(graph: Graph, layer: Any, weight: Array, p: Any, x: str) -> str:
    """Write ``s x W + b`` by the weights of a layer, which says the rest."""
    if layer.initializer.rescales:
        weight = weight * layer.initializer.scale(p.weight.shape[-2:])
    y = graph.op("MatMul", x, weight)
    return graph.op("Add", y, of_members(p.bias)) if layer.use_bias else y


# ------------------------------------------------------------------ column by column


@converter(Activate)
def activate(graph: Graph, layer: Activate, p: Any, x: str, n_in: int) -> str:
    """Write the activation."""
    del p, n_in
    return convert(graph, layer.activation, x)


@converter(Mix)
def mix(graph: Graph, layer: Mix, p: Any, x: str, n_in: int) -> str:
    """Write the activation mixed with its input."""
    del n_in
    a = convert(graph, layer.activation, x)
    return mixed(graph, x, a, of_members(p.mix))


@converter(Dropout)
def dropout(graph: Graph, layer: Dropout, p: Any, x: str, n_in: int) -> str:
    """Leave ``x``: nothing is dropped in prediction."""
    del graph, layer, p, n_in
    return x


@converter(Scale)
def scale(graph: Graph, layer: Scale, p: Any, x: str, n_in: int) -> str:
    """Write the product with the factors."""
    del layer, n_in
    return graph.op("Mul", x, of_members(p.scale))


@converter(Spread)
def spread(graph: Graph, layer: Spread, p: Any, x: str, n_in: int) -> str:
    """Write the scaled copies, (E, B, n); there is one network that shares a trunk."""
    del layer, n_in
    return graph.op("Mul", x, p.scale[0][:, None, :])


@converter(ZeroPad)
def zero_pad(graph: Graph, layer: ZeroPad, p: Any, x: str, n_in: int) -> str:
    """Write the product with a part of the unit matrix."""
    del p
    return graph.op("MatMul", x, np.eye(n_in, layer.units))


# -------------------------------------------------------------------- normalisations


@converter(BatchNorm)
def batch_norm(graph: Graph, layer: BatchNorm, p: Any, x: str, n_in: int) -> str:
    """Write it with the running statistics."""
    del n_in
    # the centre first: in one affine map a large mean would take digits away
    centred = graph.op("Sub", x, of_members(p.running_mean))
    factor = p.scale / np.sqrt(p.running_variance + layer.epsilon)
    return graph.op(
        "Add", graph.op("Mul", centred, of_members(factor)), of_members(p.shift)
    )


@converter(LayerNorm)
def layer_norm(graph: Graph, layer: LayerNorm, p: Any, x: str, n_in: int) -> str:
    """Write it with means as products, as the layer does."""
    column = np.full((n_in, 1), 1.0 / n_in)
    centred = graph.op("Sub", x, graph.op("MatMul", x, column))
    variance = graph.op("MatMul", graph.op("Mul", centred, centred), column)
    deviation = graph.op("Sqrt", graph.op("Add", variance, layer.epsilon))
    y = graph.op("Mul", graph.op("Div", centred, deviation), of_members(p.scale))
    return graph.op("Add", y, of_members(p.shift))


# --------------------------------------------------------- embeddings, at the entrance


@converter(Embedding)
def embedding(graph: Graph, layer: Embedding, p: Any, x: str, n_in: int) -> str:
    """Write a look-up in one table; a preprocessor gives no code that is not in it."""
    starts = np.cumsum((0, *layer.n_levels[:-1]))
    rows = graph.op("Add", graph.cast(x, np.int64), starts)
    table = of_members(p.table)
    vectors = graph.op("Gather", table, rows, axis=table.ndim - 2)
    return _as_columns(graph, vectors, len(p.table), n_in * layer.size)


@converter(Periodic)
def periodic(graph: Graph, layer: Periodic, p: Any, x: str, n_in: int) -> str:
    """Write waves and maps column by column, (K, D, B, n)."""
    n_members = len(p.phase)
    each = graph.op("Unsqueeze", graph.op("Transpose", x, perm=[1, 0]), np.array([2]))
    angle = graph.op("Mul", each, p.frequency * (2.0 * math.pi))
    wave = graph.op("Cos", graph.op("Add", angle, p.phase))
    numbers = graph.op("Add", graph.op("MatMul", wave, p.mixing), p.offset)
    same = graph.op("Expand", each, np.array([n_members, 1, 1, 1]))
    out = graph.op("Transpose", graph.joined([numbers, same]), perm=[0, 2, 1, 3])
    return _as_columns(graph, out, n_members, n_in * layer.size)


def _as_columns(graph: Graph, x: str, n_members: int, n_columns: int) -> str:
    """Return rows of each member, whose last axes become columns."""
    members = () if n_members == 1 else (n_members,)
    return graph.reshaped(x, *members, -1, n_columns)
