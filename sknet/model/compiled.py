"""Compiled outputs of networks, which take a few microseconds for a row.

The function from raw outputs to predictions or probabilities is part of the program.
"""

from __future__ import annotations

import threading
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from sknet._numerics import Array
from sknet.engine.machine import feature_type
from sknet.model.fitted import FittedModel
from sknet.training.few_rows import FewRows
from sknet.training.forward import MOST_KEPT, CompiledForward, compiled_forward
from sknet.training.inference import forward_for


class _Kept(threading.local):
    """What a thread keeps for models, by the name of the output."""

    def __init__(self) -> None:
        self.outputs: WeakKeyDictionary[FittedModel, dict[str, Any]]
        self.outputs = WeakKeyDictionary()


_kept = _Kept()


def compiled_output(
    model: FittedModel, name: str, columns: Any, dtype: np.dtype[Any]
) -> Array | None:
    """Compute an output of each network of a model by compiled code.

    Parameters
    ----------
    model : FittedModel
        The model.
    name : str
        Name of the output; see :meth:`FittedModel.output`.
    columns : ndarray or CSR matrix of shape (N, D)
        Columns of the network.
    dtype : dtype
        The type of the result.

    Returns
    -------
    output : ndarray of shape (K, N, C), or None
        A new array; None if it has to be computed from raw outputs, which also raises
        the error if one of these is not finite.
    """
    if dtype != model.theta.dtype or type(columns) is not np.ndarray:
        return None
    try:
        output = _kept.outputs[model][name]
    except KeyError:
        output = _kept.outputs.setdefault(model, {})[name] = _Output.of(model, name)
    return None if output is None else output(columns)


class _Output:
    """An output of a model, for the thread that creates it."""

    def __init__(self, forward: CompiledForward, model: FittedModel) -> None:
        network = model.network
        self._forward, self._theta, self._head = forward, model.theta, model.head
        self._n_heads = network.n_heads
        self._few = FewRows(forward, model.theta, network.n_inputs, network.n_heads)

    @classmethod
    def of(cls, model: FittedModel, name: str) -> _Output | None:
        """Return an output, or None if it cannot be compiled."""
        network, theta = model.network, model.theta
        if model.temperature != 1.0:
            return None
        if forward_for(network, theta, None, model.engine) is None:
            return None
        try:
            forward = compiled_forward(network, theta.dtype, head=model.output(name))
        except TypeError:  # a user-defined loss that is not hashable
            return None
        return None if isinstance(forward, str) else cls(forward, model)

    def __call__(self, x: Array) -> Array | None:
        """Compute the output, as a new array, or return None."""
        if len(x) <= MOST_KEPT and feature_type(x.dtype) is not None:
            out = self._few.finite(x)
        elif self._forward.takes(x):
            out = self._of_many(x)
        else:
            return None
        if out is None or self._head is None:
            return out
        return out[self._head : self._head + 1]

    def _of_many(self, x: Array) -> Array | None:
        """Compute the output of many rows."""
        forward, theta, n_heads = self._forward, self._theta, self._n_heads
        shape = len(theta) * n_heads, len(x), forward.n_outputs
        out, are_finite = np.empty(shape, dtype=theta.dtype), True
        for k in range(len(theta)):
            of_network = out[k * n_heads : (k + 1) * n_heads]
            are_finite &= forward.fill(of_network, theta[k : k + 1], x)
        return out if are_finite else None
