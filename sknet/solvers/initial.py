"""Initial parameters: drawn, fitted to the data, or given by the user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.initializers import Constant
from sknet.network.layout import Layout, Parameter
from sknet.solvers.problem import Problem


# Number of rows that initial parameters are fitted to. It is enough for means and
# standard deviations.
_ADAPT_ROWS = 4096


def initial_theta(problem: Problem, streams: Sequence[np.random.RandomState]) -> Array:
    """Draw initial parameters; fit them to data, or overwrite them by given arrays.

    Parameters
    ----------
    problem : Problem
        The network, the type of its parameters, and the rows to fit them to.
    streams : sequence of RandomState
        One stream per member; each is advanced, even if the draws are overwritten.

    Returns
    -------
    theta : ndarray of shape (K, P)
        Initial parameters.

    Raises
    ------
    ValueError
        If the number or the shapes of the given arrays do not match the network.
    """
    theta = problem.network.initial(streams, problem.dtype)
    arrays = problem.config.initial_arrays
    if arrays is not None:
        _overwrite_all(theta, problem.network.layout, arrays)
    if problem.model.architecture.initializer.adapts:
        for k, stream in enumerate(streams):
            x, weight = _some_rows(problem, stream)
            problem.network.adapt(theta[k : k + 1], x, weight)
    if (
        arrays is None
        and problem.loss.name not in problem.config.preset.losses_as_drawn
    ):
        _start_at(theta, problem)
    return theta


def _start_at(theta: Array, problem: Problem) -> None:
    """Set the biases of the output layer, if any, to the initial values of the loss."""
    data, bias = problem.data, problem.network.layout.parameters[-1]
    weight = np.ones(data.n_rows) if data.weight is None else data.weight
    start = problem.loss.start(data.y, weight) if bias.name == "bias" else None
    if start is not None:
        largest = np.finfo(theta.dtype).max
        problem.network.layout.view(theta, bias)[...] = np.clip(
            start, -largest, largest
        )


def _some_rows(problem: Problem, stream: np.random.RandomState) -> tuple[Any, Array]:
    """Return features and weights of randomly drawn rows; of all rows if few."""
    data = problem.data
    rows: Any = slice(None)
    if data.n_rows > _ADAPT_ROWS:
        rows = stream.choice(data.n_rows, _ADAPT_ROWS, replace=False)
    weight = np.ones(data.n_rows) if data.weight is None else data.weight
    if not weight[rows].any():
        weight = np.ones(data.n_rows)
    return data.features(rows), weight[rows]


def _overwrite_all(theta: Array, layout: Layout, initializer: Sequence[Any]) -> None:
    """Overwrite all weights and biases by arrays given by the user."""
    weights = {_layer(p): p for p in layout.parameters if p.name == "weight"}
    biases = {_layer(p): p for p in layout.parameters if p.name == "bias"}
    for p in biases.values():
        if not isinstance(p.initializer, Constant):
            layout.view(theta, p)[...] = 0.0
    if len(initializer) != len(weights):
        raise ValueError(
            f"initializer holds {len(initializer)} arrays, but the network has "
            f"{len(weights)} weight matrices, of shapes "
            f"{[p.shape for p in weights.values()]}."
        )
    for i, (layer, given) in enumerate(zip(weights, initializer, strict=True)):
        view, what = layout.view(theta, weights[layer]), f"initializer[{i}]"
        if not isinstance(given, tuple):
            _overwrite(view, given, what)
            continue
        if len(given) != 2 or layer not in biases:
            raise ValueError(
                f"{what} must be a pair (weights, biases), or an array of weights if "
                "the layer has no biases (with use_bias=False, or before a batch "
                f"normalization); got a tuple of length {len(given)}."
            )
        _overwrite(view, given[0], f"{what}[0]")
        _overwrite(layout.view(theta, biases[layer]), given[1], f"{what}[1]")


def _layer(parameter: Parameter) -> str:
    """Return the path of a parameter's layer."""
    return parameter.path.rpartition(".")[0]


def _overwrite(view: Array, given: Any, what: str) -> None:
    """Overwrite the array of every member by an array given by the user."""
    shape = view.shape[1:]
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} must be a numeric array of shape {shape}.") from error
    if array.shape not in (shape, shape[1:] if shape[0] == 1 else shape):
        raise ValueError(f"{what} must have shape {shape}, got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} must hold finite numbers.")
    view[...] = array.reshape(shape)
