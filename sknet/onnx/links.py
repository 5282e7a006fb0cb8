"""The links of the losses, and their inverses, as ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import block_diag

from sknet._numerics import Array
from sknet.losses import (
    AbsoluteError,
    Brier,
    CustomClassLoss,
    CustomValueLoss,
    Focal,
    Gamma,
    Gaussian,
    Hinge,
    Huber,
    LogCosh,
    LogLoss,
    Loss,
    MeanQuantiles,
    PerceptronLoss,
    Poisson,
    Quantile,
    SquaredError,
)
from sknet.losses.gaussian import LIMITS
from sknet.losses.outputs import largest_exponent
from sknet.onnx.activations import smooth_rectifier
from sknet.onnx.converters import converter
from sknet.onnx.graph import Graph


def _capped_exponential(graph: Graph, raw: str, share: float = 1.0) -> str:
    """Write the exponential, with its argument capped at a share of the largest."""
    cap = share * largest_exponent(graph.dtype)
    return graph.op("Exp", graph.op("Min", raw, cap))


_OUTPUTS: dict[str, Callable[[Graph, str], str]] = {
    "identity": lambda graph, raw: raw,
    "logistic": lambda graph, raw: graph.op("Sigmoid", raw),
    "softmax": lambda graph, raw: graph.op("Softmax", raw, axis=-1),
    "tanh": lambda graph, raw: graph.op("Tanh", raw),
    "softplus": smooth_rectifier,
    "exp": lambda graph, raw: _capped_exponential(graph, raw, 0.5),
}


@converter(LogLoss)
@converter(Focal)
@converter(Brier)
@converter(Hinge)
@converter(PerceptronLoss)
@converter(CustomClassLoss)
@converter(CustomValueLoss)
@converter(SquaredError)
@converter(AbsoluteError)
@converter(Huber)
@converter(LogCosh)
def output_activation(graph: Graph, loss: Loss, raw: str, n_raw: int) -> str:
    """Write the output activation of a loss."""
    del n_raw
    return _OUTPUTS[loss.link_name](graph, raw)


@converter(Poisson)
@converter(Gamma)
def exponential(graph: Graph, loss: Loss, raw: str, n_raw: int) -> str:
    """Write the exponential."""
    del loss, n_raw
    return _capped_exponential(graph, raw)


@converter(Gaussian)
def normal(graph: Graph, loss: Gaussian, raw: str, n_raw: int) -> str:
    """Write means and deviations, target by target."""
    del loss
    least, _ = LIMITS[graph.dtype]
    inside = graph.op("Max", graph.op("Min", raw, largest_exponent(graph.dtype)), least)
    is_mean = np.arange(n_raw) % 2 == 0
    return graph.op("Where", is_mean, raw, graph.op("Exp", inside))


@converter(Quantile)
def ordered(graph: Graph, loss: Quantile, raw: str, n_raw: int) -> str:
    """Write the quantile levels as cumulative gaps from the middle level."""
    n_levels = loss.n_raw(1)
    if n_levels == 1:
        return raw
    return _sums(graph, raw, n_raw, *_steps(n_levels))


@converter(MeanQuantiles)
def mean_ordered(graph: Graph, loss: MeanQuantiles, raw: str, n_raw: int) -> str:
    """Write the mean and the quantile levels."""
    middle, gaps = _steps(loss.n_raw(1) - 1)
    mean = np.eye(1)
    return _sums(
        graph, raw, n_raw, block_diag(mean, middle), block_diag(0 * mean, gaps)
    )


def _steps(n_levels: int) -> tuple[Array, Array]:
    """Return matrices (Q, Q) that sum the middle level and the gaps.

    The levels are ``raw @ middle + softplus(raw) @ gaps``.
    """
    at = np.arange(n_levels)
    centre = n_levels // 2
    middle = np.zeros((n_levels, n_levels))
    middle[centre] = 1.0
    above = (at[:, None] > centre) & (at[:, None] <= at)
    below = (at[:, None] < centre) & (at[:, None] >= at)
    return middle, above.astype(float) - below


def _sums(graph: Graph, raw: str, n_raw: int, plain: Array, gaps: Array) -> str:
    """Write ``raw @ plain + softplus(raw) @ gaps``, target by target."""
    every = np.eye(n_raw // len(plain))
    direct = graph.op("MatMul", raw, np.kron(every, plain))
    if len(gaps) == 0 or not gaps.any():
        return direct
    smooth = smooth_rectifier(graph, raw)
    return graph.op("Add", direct, graph.op("MatMul", smooth, np.kron(every, gaps)))


# --------------------------------------------------------------------------- inverses


def inverse(graph: Graph, link_name: str, p: str) -> str:
    """Write the raw outputs that correspond to the mean prediction of an ensemble.

    Parameters
    ----------
    graph : Graph
        The graph to add nodes to.
    link_name : str
        Name of the output activation: "identity", "logistic" or "softmax".
    p : str
        Predictions (N, C).

    Returns
    -------
    raw : str
        Raw outputs of the same shape.
    """
    if link_name == "identity":
        return p
    if link_name not in ("logistic", "softmax"):
        raise NotImplementedError(
            f"Scores of ensembles with a loss with the link {link_name!r} have no ONNX "
            "form: convert without raw_scores, or convert a single network."
        )
    inner = _inside(graph, p)
    if link_name == "softmax":
        return graph.op("Log", inner)
    return graph.op(
        "Sub", graph.op("Log", inner), graph.op("Log", graph.op("Sub", 1.0, inner))
    )


def _inside(graph: Graph, p: str) -> str:
    """Write probabilities clipped to the open interval (0, 1)."""
    one: Any = graph.dtype.type(1.0)
    largest = np.nextafter(one, graph.dtype.type(0.0))
    return graph.op("Max", graph.op("Min", p, largest), np.finfo(graph.dtype).tiny)
