"""The network: a root layer, its layout, and initial parameters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse

from sknet._numerics import Array, SparseRows
from sknet.network.architecture import Architecture
from sknet.network.layers import Layer, Training
from sknet.network.layout import DECAYED, Declaration, Layout
from sknet.network.workspace import Workspace


class Network:
    """A frozen description of a network: no array is held here.

    Parameters
    ----------
    root : Layer
        The composition of all layers.
    n_inputs : int
        Number of features.
    input_gradient : bool, default=False
        Whether ``backward`` returns the gradient with respect to the features, which
        training has no use for.

    Attributes
    ----------
    layout : Layout
        Where the parameters live.
    n_outputs : int
        Number of raw outputs.
    draws_noise : bool
        Whether a layer draws random numbers while training.
    mixes_rows : bool
        Whether in training the output for a row depends on the others of its batch.
    n_heads : int
        E, the submodels that share a trunk: raw outputs have K * E members.
    """

    def __init__(
        self, root: Layer, n_inputs: int, input_gradient: bool = False
    ) -> None:
        self.root = root
        self.n_inputs = n_inputs
        self._declaration = Declaration(at_input=not input_gradient)
        self.n_outputs = root.build(self._declaration, n_inputs)
        self.layout = Layout(self._declaration)
        nodes = list(self._declaration.walk())
        self.draws_noise = any(node.draws_noise for node in nodes)
        self.mixes_rows = any(node.mixes_rows for node in nodes)
        self.n_heads = max(node.n_heads for node in nodes)

    @property
    def n_largest(self) -> int:
        """Elements of the largest weight matrix."""
        return max(p.size for p in self.layout.parameters if p.zone == DECAYED)

    @property
    def n_columns(self) -> int:
        """Columns of all arrays that a training computes in, for each row."""
        nodes = self._declaration.walk()
        own = [b for node in nodes for b in node.buffers]
        widths = [b.n_copies * b.columns * b.n_scratch for b in own]
        kept = sum(b.n_copies * b.columns for b in own if not b.n_scratch)
        return kept + max(widths, default=0)

    def initial(
        self, streams: Sequence[np.random.RandomState], dtype: np.dtype[Any]
    ) -> Array:
        """Draw initial parameters, a row for each stream.

        Parameters
        ----------
        streams : sequence of RandomState
            One a member; each is advanced.
        dtype : dtype
            Type of the parameters; draws are made in float64 and rounded to it.

        Returns
        -------
        theta : ndarray of shape (K, P)
            Initial parameters.
        """
        theta = np.zeros((len(streams), self.layout.n_parameters), dtype=dtype)
        for k, stream in enumerate(streams):
            for p in self.layout.parameters:
                draw = p.initializer.draw(stream, p.shape, p.fan, p.gain)
                self.layout.view(theta, p)[k] = draw
        return theta

    def adapt(self, theta: Array, x: Any, weight: Array) -> None:
        """Fit initial parameters to data, layer by layer, where layers do so.

        Parameters
        ----------
        theta : ndarray of shape (K, P)
            Changed in place.
        x : ndarray or CSR matrix of shape (B, D)
            Features.
        weight : ndarray of shape (B,)
            Weights of the rows.
        """
        chunk = x.astype(theta.dtype)
        rows = SparseRows([chunk]) if sparse.issparse(chunk) else chunk[None]
        cache = self.workspace(len(theta), theta.dtype, False).cache(x.shape[0])
        self.root.adapt(self.layout.bind(theta), rows, cache, weight)

    def workspace(
        self, n_members: int, dtype: np.dtype[Any], training: bool
    ) -> Workspace:
        """Return buffers for ``n_members`` members."""
        return Workspace(self._declaration, n_members, dtype, training)

    def forward(
        self, views: Any, x: Any, cache: Any, training: Training | None = None
    ) -> Array:
        """Return the raw outputs, of shape (K * E, B, C)."""
        return self.root.forward(views, x, cache, training)

    def backward(self, views: Any, grad: Any, draw: Array, cache: Any) -> Array | None:
        """Write the gradient; ``draw`` is the gradient of the raw outputs."""
        return self.root.backward(views, grad, draw, cache)


@lru_cache(maxsize=128)
def perceptron(n_inputs: int, architecture: Architecture, n_outputs: int) -> Network:
    """Return the multilayer perceptron of a description, built once.

    Parameters
    ----------
    n_inputs : int
        Number of features.
    architecture : Architecture
        The hidden layers.
    n_outputs : int
        Number of raw outputs.

    Returns
    -------
    network : Network
        Shared between callers; it holds no array.
    """
    return Network(architecture.root(n_inputs, n_outputs), n_inputs)
