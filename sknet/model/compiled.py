"""Compiled outputs of a single network, which take a few microseconds for a row.

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
    """Compute an output of a model by compiled code.

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
    output : ndarray of shape (N, C), or None
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
        self._forward, self._theta = forward, model.theta
        self._few = FewRows(forward, model.theta, model.network.n_inputs, 1)

    @classmethod
    def of(cls, model: FittedModel, name: str) -> _Output | None:
        """Return an output, or None if it cannot be compiled."""
        network, theta = model.network, model.theta
        is_single = len(theta) == network.n_heads == 1 and model.head is None
        if not is_single or model.temperature != 1.0:
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
            return self._few.of_one(x)
        if not self._forward.takes(x):
            return None
        out = np.empty((1, len(x), self._forward.n_outputs), dtype=self._theta.dtype)
        return out[0] if self._forward.fill(out, self._theta, x) else None
