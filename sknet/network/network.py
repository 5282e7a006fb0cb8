"""The network: a list of layers, their layout, and initial parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse

from sknet._numerics import Array, SparseRows
from sknet.network.architecture import Architecture
from sknet.network.layers import Layer, Sequential, Training
from sknet.network.layout import (
    DECAYED,
    STATISTIC,
    Declaration,
    Layout,
    Parameter,
    Shape,
)
from sknet.network.workspace import Workspace


# Elements of all arrays in which the images of a chunk are computed.
_IMAGE_ELEMENTS = 2**22


class Network:
    """A frozen description of a network, which holds no arrays.

    Parameters
    ----------
    layers : sequence of Layer
        The layers, in the order of the forward pass.
    input_shape : tuple of int
        The shape of one row of features: ``(n_inputs,)``, or with more axes, such as
        ``(height, width, channels)``. Batches always hold flat rows.
    input_gradient : bool, default=False
        Whether ``backward`` returns the gradient with respect to the features, which
        training does not need.

    Attributes
    ----------
    layout : Layout
        The positions of the parameters.
    n_inputs, n_outputs : int
        Numbers of features and of raw outputs.
    draws_noise : bool
        Whether a layer draws random numbers during training.
    mixes_rows : bool
        Whether in training the output for a row depends on other rows of its batch.
    n_heads : int
        The number E of submodels that share a backbone: raw outputs have K * E members.
    reads_error : bool
        Whether ``backward`` needs the error of the outputs, too.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        input_shape: Shape,
        input_gradient: bool = False,
    ) -> None:
        self.root = Sequential(tuple(layers))
        self.input_shape = input_shape
        self.n_inputs = math.prod(input_shape)
        self._declaration = Declaration(at_input=not input_gradient)
        shape = self.root.build(self._declaration, input_shape)
        if len(shape) != 1:
            raise ValueError(
                f"The output of a network must be columns, but its last layer returns "
                f"rows of shape {shape}: add Flatten() and a dense layer after it."
            )
        (self.n_outputs,) = shape
        self.layout = Layout(self._declaration)
        nodes = list(self._declaration.walk())
        self.draws_noise = any(node.draws_noise for node in nodes)
        self.mixes_rows = any(node.mixes_rows for node in nodes)
        self.n_heads = max(node.n_heads for node in nodes)
        self.reads_error = any(node.reads_error for node in nodes)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, in the order of the forward pass."""
        return self.root.layers

    @property
    def n_largest(self) -> int:
        """Number of multiply-adds of the largest product, for a row; 0 without any."""
        return max(self.weight_sizes, default=0)

    @property
    def weight_sizes(self) -> tuple[int, ...]:
        """Numbers of multiply-adds of all weights for a row, that of the input first.

        For a dense layer, it is the number of its weights.
        """
        return tuple(p.size * p.n_places for p in self._weights)

    @property
    def n_largest_dense(self) -> int:
        """The same for the largest product of a dense layer, which BLAS computes."""
        return max((p.size for p in self._weights if p.n_places == 1), default=0)

    @property
    def _weights(self) -> list[Parameter]:
        """The declarations of the weights."""
        return [p for p in self.layout.parameters if p.zone == DECAYED]

    @property
    def n_columns(self) -> int:
        """Number of elements per row of all arrays that training computes in."""
        nodes = self._declaration.walk()
        own = [b for node in nodes for b in node.buffers]
        scratch = [b.size * b.n_scratch for b in own]
        kept = sum(b.size for b in own if not b.n_scratch)
        return kept + max(scratch, default=0)

    def rows_at_once(self, most: int) -> int:
        """Return how many rows to compute at a time: ``most``, or fewer if images.

        The arrays of an image are large.
        """
        if len(self.input_shape) > 1:
            most = min(most, _IMAGE_ELEMENTS // max(self.n_columns, 1))
        return max(1, most)

    def initial(
        self, streams: Sequence[np.random.RandomState], dtype: np.dtype[Any]
    ) -> Array:
        """Draw initial parameters, one row for each stream.

        Parameters
        ----------
        streams : sequence of RandomState
            One stream per member; each is advanced.
        dtype : dtype
            Type of the parameters; draws are made in float64 and rounded to it.

        Returns
        -------
        theta : ndarray of shape (K, P)
            Initial parameters.
        """
        theta = np.zeros((len(streams), self.layout.n_parameters), dtype=dtype)
        # what is not trained is drawn last: the weights are those of a network without
        order = sorted(self.layout.parameters, key=lambda p: p.zone == STATISTIC)
        for k, stream in enumerate(streams):
            for p in order:
                values = p.initializer.draw(stream, p.shape, p.fan, p.gain)
                self.layout.view(theta, p)[k] = values
        return theta

    def adapt(self, theta: Array, x: Any, weight: Array) -> None:
        """Fit initial parameters to data, layer by layer, if layers support it.

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
        self.root.adapt(self.layout.bind(theta), self._shaped(rows), cache, weight)

    def workspace(
        self,
        n_members: int,
        dtype: np.dtype[Any],
        training: bool,
        like: Array | None = None,
    ) -> Workspace:
        """Return buffers for ``n_members`` members; see :class:`Workspace`."""
        return Workspace(self._declaration, n_members, dtype, training, like)

    def forward(
        self, views: Any, x: Any, cache: Any, training: Training | None = None
    ) -> Array:
        """Return the raw outputs, of shape (K * E, B, C)."""
        return self.root.forward(views, self._shaped(x), cache, training)

    def _shaped(self, x: Any) -> Any:
        """View flat rows (K or 1, B, n_inputs) in the shape of the input."""
        if len(self.input_shape) == 1:
            return x
        dense = x.to_dense() if isinstance(x, SparseRows) else x
        return dense.reshape(*dense.shape[:2], *self.input_shape)

    def backward(
        self,
        views: Any,
        grad: Any,
        d_raw: Array,
        cache: Any,
        error: Array | None = None,
    ) -> Array | None:
        """Write the gradient, given ``d_raw``, the gradient by the raw outputs.

        ``error`` is the error of the outputs if ``reads_error``. The gradient with
        respect to the features has shape (K, B, n_inputs).
        """
        if error is not None:
            cache.children[-1].error = error
        dx = self.root.backward(views, grad, d_raw, cache)
        if dx is None or len(self.input_shape) == 1:
            return dx
        return dx.reshape(*dx.shape[:2], self.n_inputs)


@lru_cache(maxsize=128)
def perceptron(n_inputs: int, architecture: Architecture, n_outputs: int) -> Network:
    """Return the multilayer perceptron of an architecture, built once.

    Parameters
    ----------
    n_inputs : int
        Number of features.
    architecture : Architecture
        Its description.
    n_outputs : int
        Number of raw outputs.

    Returns
    -------
    network : Network
        Shared between callers; it holds no array.
    """
    shape = architecture.input_embedding.input_shape(n_inputs)
    return Network(architecture.layers(n_inputs, n_outputs), shape)
