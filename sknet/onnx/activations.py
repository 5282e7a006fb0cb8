"""The activations as ONNX nodes, with the formulas of their classes.

Functions that onnxruntime computes only in float32 are composed of simpler operators
for float64.
"""

from __future__ import annotations

import numpy as np

from sknet.activations import (
    ELU,
    GELU,
    SELU,
    Blend,
    HardThreshold,
    Identity,
    LeakyReLU,
    Logistic,
    Maxout,
    Mish,
    ReLU,
    SiLU,
    Softplus,
    Tanh,
)
from sknet.activations.rectifiers import SELU_ALPHA, SELU_SCALE
from sknet.activations.smooth import (
    MISH_CAP,
    TAIL_CENTRE,
    tail_coefficients,
)
from sknet.onnx.converters import convert, converter
from sknet.onnx.graph import Graph


@converter(Identity)
def identity(graph: Graph, activation: Identity, z: str) -> str:
    """Return ``z``."""
    del graph, activation
    return z


@converter(ReLU)
def relu(graph: Graph, activation: ReLU, z: str) -> str:
    """Write the positive part."""
    del activation
    return graph.op("Relu", z)


@converter(Tanh)
def tanh(graph: Graph, activation: Tanh, z: str) -> str:
    """Write the hyperbolic tangent."""
    del activation
    return graph.op("Tanh", z)


@converter(Logistic)
def logistic(graph: Graph, activation: Logistic, z: str) -> str:
    """Write the logistic function."""
    del activation
    return graph.op("Sigmoid", z)


@converter(HardThreshold)
def hard_threshold(graph: Graph, activation: HardThreshold, z: str) -> str:
    """Write one where ``z`` is positive, else zero."""
    del activation
    return graph.cast(graph.op("Greater", z, 0.0), graph.dtype)


@converter(LeakyReLU)
def leaky_relu(graph: Graph, activation: LeakyReLU, z: str) -> str:
    """Write the larger of two lines."""
    # ONNX's operator LeakyRelu would round the slope to float32.
    return graph.op("Max", z, graph.op("Mul", z, float(activation.slope)))


@converter(ELU)
def elu(graph: Graph, activation: ELU, z: str) -> str:
    """Write the exponential unit."""
    return _exponential_unit(graph, z, float(activation.alpha), 1.0)


@converter(SELU)
def selu(graph: Graph, activation: SELU, z: str) -> str:
    """Write the scaled exponential unit."""
    del activation
    return _exponential_unit(graph, z, SELU_ALPHA, SELU_SCALE)


def _exponential_unit(graph: Graph, z: str, alpha: float, scale: float) -> str:
    """Write ``scale * (max(z, 0) + alpha * (exp(min(z, 0)) - 1))``."""
    if graph.is_single:
        return graph.op("Mul", graph.op("Elu", z, alpha=alpha), scale)
    below = graph.op("Exp", graph.op("Min", z, 0.0))
    below = graph.op("Mul", graph.op("Sub", below, 1.0), alpha * scale)
    above = graph.op("Relu", z)
    return graph.op("Add", graph.op("Mul", above, scale), below)


@converter(SiLU)
def silu(graph: Graph, activation: SiLU, z: str) -> str:
    """Write ``z`` times its logistic function."""
    del activation
    return graph.op("Mul", z, graph.op("Sigmoid", z))


@converter(Softplus)
def softplus(graph: Graph, activation: Softplus, z: str) -> str:
    """Write the smooth rectifier."""
    del activation
    return smooth_rectifier(graph, z)


def smooth_rectifier(graph: Graph, z: str) -> str:
    """Write ``max(z, 0) + log(1 + exp(-|z|))``."""
    if graph.is_single:
        return graph.op("Softplus", z)
    power = graph.op("Exp", graph.op("Neg", graph.op("Abs", z)))
    tail = graph.op("Log", graph.op("Add", power, 1.0))
    return graph.op("Add", graph.op("Relu", z), tail)


@converter(Mish)
def mish(graph: Graph, activation: Mish, z: str) -> str:
    """Write ``z n / (n + 2)`` with ``n = e (e + 2)`` and the capped exponential e."""
    del activation
    e = graph.op("Exp", graph.op("Min", z, MISH_CAP))
    n = graph.op("Mul", e, graph.op("Add", e, 2.0))
    return graph.op("Mul", z, graph.op("Div", n, graph.op("Add", n, 2.0)))


@converter(GELU)
def gelu(graph: Graph, activation: GELU, z: str) -> str:
    """Write ``z`` times the normal distribution function."""
    del activation
    if graph.is_single:
        error = graph.op("Erf", graph.op("Mul", z, 0.5**0.5))
        half = graph.op("Mul", z, 0.5)
        return graph.op("Mul", half, graph.op("Add", error, 1.0))
    # onnxruntime has no Erf in float64: use the approximation of the NumPy code.
    x = graph.op("Abs", z)
    q = graph.op("Div", x, graph.op("Add", x, TAIL_CENTRE))
    u = graph.op("Sub", graph.op("Add", q, q), 1.0)
    leading, *others = tail_coefficients(graph.dtype)
    p = graph.op("Mul", u, leading)
    for coefficient in others[:-1]:
        p = graph.op("Mul", graph.op("Add", p, coefficient), u)
    p = graph.op("Add", p, others[-1])
    power = graph.op("Exp", graph.op("Mul", graph.op("Mul", x, x), -0.5))
    tail = graph.op("Mul", graph.op("Mul", power, q), p)
    return graph.op("Sub", graph.op("Relu", z), tail)


@converter(Maxout)
def maxout(graph: Graph, activation: Maxout, z: str) -> str:
    """Write the largest of each group of columns."""
    n = activation.pieces
    return graph.op("Max", *[graph.columns(z, i, step=n) for i in range(n)])


@converter(Blend)
def blend(graph: Graph, activation: Blend, z: str) -> str:
    """Write the activation with its initial share."""
    a = convert(graph, activation.function, z)
    return mixed(graph, z, a, np.float64(activation.initial))


def mixed(graph: Graph, z: str, a: str, share: object) -> str:
    """Write ``z + share (a - z)``."""
    return graph.op("Add", z, graph.op("Mul", graph.op("Sub", a, z), share))
