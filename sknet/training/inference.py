"""Inference: raw outputs of networks, a chunk of rows at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from sknet._numerics import Array, SparseRows
from sknet.losses import Loss, LossBuffers
from sknet.network.network import Network
from sknet.training.batches import Batches


# Rows of a chunk: large enough for BLAS, small enough for the buffers to stay in
# cache (108,000 rows through 512-512 are faster so than at once, in a 30th of the
# memory).
CHUNK_ROWS = 2048

# Rows, of all members and submodels together, whose buffers are kept between calls:
# for more of them to be made anew is nothing beside the products.
_KEPT_ROWS = 256


def raw_outputs(
    network: Network, theta: Array, x: Any, dtype: np.dtype[Any] | None = None
) -> Array:
    """Compute raw outputs of every member for every row.

    Parameters
    ----------
    network : Network
        The network.
    theta : ndarray of shape (K, P)
        Its parameters, whose type is computed in.
    x : ndarray or CSR matrix of shape (N, D)
        Features, of any real type.
    dtype : dtype or None, default=None
        Type of the result; it holds more digits than that of ``theta``, or as many.
        None for that of ``theta``.

    Returns
    -------
    raw : ndarray of shape (K * E, N, C)
        Raw outputs, before the link. E submodels of a shared backbone count as E
        members; those of one member stand next to each other.
    """
    n_rows = x.shape[0]
    if len(theta) > 1 and len(theta) * n_rows > CHUNK_ROWS:  # one after the other
        each = [raw_outputs(network, row[None], x, dtype) for row in theta]
        return np.concatenate(each)
    views = network.layout.bind(theta)
    workspace = network.workspace(len(theta), theta.dtype, training=False)
    shape = (len(theta) * network.n_heads, n_rows, network.n_outputs)
    raw = np.empty(shape, dtype=theta.dtype if dtype is None else dtype)
    step = max(1, CHUNK_ROWS // network.n_heads)
    for start in range(0, n_rows, step):
        stop = min(start + step, n_rows)
        chunk = x[start:stop]
        if chunk.dtype != theta.dtype:
            chunk = chunk.astype(theta.dtype)
        rows = SparseRows([chunk]) if sparse.issparse(chunk) else chunk[None]
        cache = workspace.cache(stop - start)
        raw[:, start:stop] = network.forward(views, rows, cache)
    return raw


class Inference:
    """Raw outputs of parameters that stay as they are, for calls that keep coming.

    What :func:`raw_outputs` makes in each call is made once: the views of the
    parameters, and for a few rows the buffers, as long as the calls have as many rows
    as the last one. Nothing of what comes in is kept. For one thread at a time.

    Parameters
    ----------
    network : Network
        The network.
    theta : ndarray of shape (K, P)
        Its parameters.
    """

    def __init__(self, network: Network, theta: Array) -> None:
        self._network, self._theta = network, theta
        self._views = network.layout.bind(theta)
        self._most_rows = _KEPT_ROWS // (len(theta) * network.n_heads)
        self._n_rows = 0

    def __call__(self, x: Any, dtype: np.dtype[Any] | None = None) -> Array:
        """Compute what :func:`raw_outputs` does, to the last bit."""
        if not isinstance(x, np.ndarray) or len(x) > self._most_rows:
            return raw_outputs(self._network, self._theta, x, dtype)
        if len(x) != self._n_rows:
            self._make_buffers(*x.shape)
        np.copyto(self._x[0], x)
        raw = self._network.forward(self._views, self._x, self._cache)
        return raw.astype(self._theta.dtype if dtype is None else dtype)

    def _make_buffers(self, n_rows: int, n_columns: int) -> None:
        """Make the buffers for a number of rows, one for the features among them."""
        dtype = self._theta.dtype
        workspace = self._network.workspace(len(self._theta), dtype, training=False)
        self._n_rows = 0  # until all is made: an interrupt may come in between
        self._cache = workspace.cache(n_rows)
        self._x = np.empty((1, n_rows, n_columns), dtype=dtype)
        self._n_rows = n_rows


def raw_outputs_of_rows(
    network: Network, theta: Array, batches: Batches, order: Array | None, n_rows: int
) -> Array:
    """Compute raw outputs of every member for rows of its own.

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
        N.

    Returns
    -------
    raw : ndarray of shape (K * E, N, C)
        Raw outputs, before the link; see :func:`raw_outputs`.
    """
    views = network.layout.bind(theta)
    workspace = network.workspace(len(theta), theta.dtype, training=False)
    shape = (len(theta) * network.n_heads, n_rows, network.n_outputs)
    raw = np.empty(shape, dtype=theta.dtype)
    start = 0
    for batch in batches.epoch(order):
        stop = start + batch.n_rows
        cache = workspace.cache(batch.n_rows)
        raw[:, start:stop] = network.forward(views, batch.x, cache)
        start = stop
    return raw


def mean_loss(loss: Loss, raw: Array, y: Array, weight: Array | None) -> Array:
    """Compute the weighted mean loss of raw outputs, as it is shown to users.

    Parameters
    ----------
    loss : Loss
        The loss.
    raw : ndarray of shape (K, N, C)
        Raw outputs.
    y : ndarray of shape (N, C) or (K, N, C)
        Encoded targets, of all members or of each.
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
