"""Inference: raw outputs of networks, computed in chunks of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from sknet._numerics import Array, SparseRows
from sknet.engine.machine import feature_type
from sknet.losses import Loss, LossBuffers
from sknet.network.network import Network
from sknet.training.batches import Batches
from sknet.training.choice import MOST_BYTES
from sknet.training.few_rows import FewRows
from sknet.training.forward import MOST_KEPT, CompiledForward, compiled_forward


# Number of rows in a chunk: large enough for BLAS, but small enough for the buffers to
# stay in cache. For 108,000 rows and hidden layers 512-512 this is faster than a single
# chunk, and takes a 30th of the memory.
CHUNK_ROWS = 2048

# Largest number of rows, of all members and submodels together, for which buffers are
# kept between calls. For more rows, the time to create buffers is negligible compared
# with the matrix products.
_KEPT_ROWS = 256


def raw_outputs(
    network: Network,
    theta: Array,
    x: Any,
    dtype: np.dtype[Any] | None = None,
    engine: str = "auto",
) -> Array:
    """Compute the raw outputs of every member for every row.

    Parameters
    ----------
    network : Network
        The network.
    theta : ndarray of shape (K, P)
        Its parameters, in the type of the computation.
    x : ndarray or CSR matrix of shape (N, D)
        Features, of any real type.
    dtype : dtype or None, default=None
        Type of the result, at least as precise as the type of ``theta``; None for the
        type of ``theta``.
    engine : {"auto", "compiled", "numpy"}, default="auto"
        What computes them.

    Returns
    -------
    raw : ndarray of shape (K * E, N, C)
        Raw outputs, before the link. The E submodels of a shared backbone count as E
        members; submodels of the same member are consecutive.
    """
    n_rows = x.shape[0]
    forward = forward_for(network, theta, x, engine)
    if forward is not None:
        shape = (len(theta) * network.n_heads, n_rows, network.n_outputs)
        raw = np.empty(shape, dtype=theta.dtype if dtype is None else dtype)
        for k, out in enumerate(_of_members(raw, network)):
            forward.fill(out, theta[k : k + 1], x)
        return raw
    most = network.rows_at_once(CHUNK_ROWS)
    if len(theta) > 1 and len(theta) * n_rows > most:  # one after the other
        each = [raw_outputs(network, row[None], x, dtype, engine) for row in theta]
        return np.concatenate(each)
    views = network.layout.bind(theta)
    workspace = network.workspace(len(theta), theta.dtype, training=False)
    shape = (len(theta) * network.n_heads, n_rows, network.n_outputs)
    raw = np.empty(shape, dtype=theta.dtype if dtype is None else dtype)
    step = network.rows_at_once(CHUNK_ROWS // network.n_heads)
    for start in range(0, n_rows, step):
        stop = min(start + step, n_rows)
        chunk = x[start:stop]
        if chunk.dtype != theta.dtype:
            chunk = chunk.astype(theta.dtype)
        rows = SparseRows([chunk]) if sparse.issparse(chunk) else chunk[None]
        cache = workspace.cache(stop - start)
        raw[:, start:stop] = network.forward(views, rows, cache)
    return raw


def forward_for(
    network: Network, theta: Array, x: Any, engine: str
) -> CompiledForward | None:
    """Return the compiled forward pass for some features, or None to use NumPy.

    If ``x`` is None, they are dense, but may still be such that it cannot read them.
    """
    is_large = engine == "auto" and theta[:1].nbytes > MOST_BYTES
    if not theta.flags.c_contiguous or not theta.flags.aligned:
        return None
    if engine == "numpy" or not len(theta) or is_large:
        return None
    forward = compiled_forward(network, theta.dtype, sparse.issparse(x))
    if isinstance(forward, str) or not (x is None or forward.takes(x)):
        return None
    return forward


def _of_members(raw: Array, network: Network) -> list[Array]:
    """Return the raw outputs of each member."""
    n_heads = network.n_heads
    return [raw[k : k + n_heads] for k in range(0, len(raw), n_heads)]


class Inference:
    """Repeated computation of raw outputs for constant parameters.

    Objects that :func:`raw_outputs` creates in each call are reused: the views of the
    parameters, and for a few rows the buffers, as long as the number of rows stays the
    same. The input is not kept. Not thread-safe.

    Parameters
    ----------
    network : Network
        The network.
    theta : ndarray of shape (K, P)
        Its parameters.
    engine : {"auto", "compiled", "numpy"}, default="auto"
        What computes them.
    """

    def __init__(self, network: Network, theta: Array, engine: str = "auto") -> None:
        self._network, self._theta, self._engine = network, theta, engine
        self._views = network.layout.bind(theta)
        self._most_rows = _KEPT_ROWS // (len(theta) * network.n_heads)
        self._n_rows = 0
        self._compiled: FewRows | None = None
        forward = forward_for(network, theta, None, engine)
        if forward is not None:
            sizes = network.n_inputs, network.n_heads
            self._compiled = FewRows(forward, theta, *sizes)

    def __call__(self, x: Any, dtype: np.dtype[Any] | None = None) -> Array:
        """Compute the same raw outputs as :func:`raw_outputs`, bit for bit."""
        dtype = self._theta.dtype if dtype is None else dtype
        is_array = isinstance(x, np.ndarray)
        if self._compiled is not None and is_array:
            if len(x) <= MOST_KEPT and feature_type(x.dtype) is not None:
                return self._compiled(x, dtype)
            return raw_outputs(self._network, self._theta, x, dtype, self._engine)
        if not is_array or len(x) > self._most_rows:
            return raw_outputs(self._network, self._theta, x, dtype, self._engine)
        if len(x) != self._n_rows:
            self._make_buffers(*x.shape)
        np.copyto(self._x[0], x)
        raw = self._network.forward(self._views, self._x, self._cache)
        return raw.astype(dtype)

    def _make_buffers(self, n_rows: int, n_columns: int) -> None:
        """Create the buffers for a number of rows, including one for the features."""
        dtype = self._theta.dtype
        workspace = self._network.workspace(len(self._theta), dtype, training=False)
        self._n_rows = 0  # until all buffers exist, in case of an interrupt
        self._cache = workspace.cache(n_rows)
        self._x = np.empty((1, n_rows, n_columns), dtype=dtype)
        self._n_rows = n_rows


def raw_outputs_of_rows(
    network: Network,
    theta: Array,
    batches: Batches,
    order: Array | None,
    n_rows: int,
    engine: str = "auto",
) -> Array:
    """Compute the raw outputs of every member for its own rows.

    Parameters
    ----------
    network : Network
        The network.
    theta : ndarray of shape (K, P)
        Its parameters.
    batches : Batches
        The data, in chunks.
    order : ndarray of shape (K, N), or None
        Each member's row numbers; None for all rows.
    n_rows : int
        Number of rows, N.
    engine : {"auto", "compiled", "numpy"}, default="auto"
        What computes them.

    Returns
    -------
    raw : ndarray of shape (K * E, N, C)
        Raw outputs, before the link; see :func:`raw_outputs`.
    """
    shape = (len(theta) * network.n_heads, n_rows, network.n_outputs)
    raw = np.empty(shape, dtype=theta.dtype)
    data = batches.data
    forwards = [forward_for(network, theta, d.x, engine) for d in data]
    if all(forward is not None for forward in forwards):
        for k, out in enumerate(_of_members(raw, network)):
            d, forward = data[k % len(data)], forwards[k % len(data)]
            rows = None if order is None else order[k % len(order)]
            if d.rows is not None:
                rows = d.rows if rows is None else d.rows[rows]
            forward.fill(out, theta[k : k + 1], d.x, rows)  # type: ignore[union-attr]
        return raw
    views = network.layout.bind(theta)
    workspace = network.workspace(len(theta), theta.dtype, training=False)
    start = 0
    for batch in batches.epoch(order):
        stop = start + batch.n_rows
        cache = workspace.cache(batch.n_rows)
        raw[:, start:stop] = network.forward(views, batch.x, cache)
        start = stop
    return raw


def mean_loss(loss: Loss, raw: Array, y: Array, weight: Array | None) -> Array:
    """Compute the weighted mean loss of raw outputs, as reported to users.

    Parameters
    ----------
    loss : Loss
        The loss.
    raw : ndarray of shape (K, N, C)
        Raw outputs.
    y : ndarray of shape (N, C) or (K, N, C)
        Encoded targets, for all members or for each of them.
    weight : ndarray of shape (N,) or (K, N), or None
        Sample weights.

    Returns
    -------
    value : ndarray of shape (K,)
        The losses, without any penalty.
    """
    n_members, n_rows, n_outputs = raw.shape
    weight = np.ones((1, n_rows)) if weight is None else np.atleast_2d(weight)
    shares = (weight / weight.sum(axis=1, keepdims=True))[:, :, None].astype(raw.dtype)
    buffers = LossBuffers(n_members, n_rows, n_outputs, raw.dtype)
    targets = np.asarray(y, dtype=raw.dtype)
    targets = targets[None] if targets.ndim == 2 else targets
    out = np.empty_like(raw)
    value = loss.value_and_gradient(raw, targets, shares, out, buffers)
    return loss.report_factor(n_outputs) * value
