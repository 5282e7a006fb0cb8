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


def raw_outputs(network: Network, theta: Array, x: Any) -> Array:
    """Compute raw outputs of every member for every row.

    Parameters
    ----------
    network : Network
        The network.
    theta : ndarray of shape (K, P)
        Its parameters, whose type is computed in.
    x : ndarray or CSR matrix of shape (N, D)
        Features, of any real type.

    Returns
    -------
    raw : ndarray of shape (K * E, N, C)
        Raw outputs, before the link: of E submodels that share a trunk as of members,
        those of one member next to each other.
    """
    n_rows = x.shape[0]
    if len(theta) > 1 and len(theta) * n_rows > CHUNK_ROWS:  # one after the other
        return np.concatenate([raw_outputs(network, row[None], x) for row in theta])
    views = network.layout.bind(theta)
    workspace = network.workspace(len(theta), theta.dtype, training=False)
    shape = (len(theta) * network.n_heads, n_rows, network.n_outputs)
    raw = np.empty(shape, dtype=theta.dtype)
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
