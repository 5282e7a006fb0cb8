"""The objective: network, loss and penalty as one function of ``theta``.

It is the only interface to a network for the minibatch trainer, L-BFGS, gradient checks
and inspection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array, Scalar, SparseRows
from sknet._rows import repeat_rows, rounded
from sknet.losses import Loss, LossBuffers
from sknet.network.layers import Training
from sknet.network.network import Network
from sknet.penalties import Penalty


# Number of decayed weights of a member that the penalty processes at once. It avoids a
# scratch array of the size of a large network. It must not depend on the number of
# members, or the members of an ensemble would sum different parts than when alone.
_BLOCK_COLUMNS = 2**18


@dataclass(slots=True)
class Batch:
    """Rows to evaluate an objective on.

    Parameters
    ----------
    x : ndarray of shape (K or 1, B, D) or SparseRows
        Features.
    y : ndarray of shape (K or 1, B, C)
        Encoded targets.
    weight : float or ndarray of shape (K or 1, B, 1)
        Each row's share in the mean: 1/B, or weights that sum to one.
    total : float or ndarray of shape (K, 1)
        The sum of the weights before normalisation, by which ``alpha`` is divided.
    n_rows : int
        B.
    """

    x: Array | SparseRows
    y: Array
    weight: Scalar
    total: Scalar
    n_rows: int


class Point:
    """A point in parameter space: parameters, their gradient, views and buffers.

    Parameters
    ----------
    objective : Objective
        Determines the views and buffers.
    theta : ndarray of shape (K, P)
        The parameters, not copied: later changes take effect.
    streams : sequence of Generator
        A noise stream for each member; may be empty if the network draws no noise.
    """

    def __init__(
        self,
        objective: Objective,
        theta: Array,
        streams: Sequence[np.random.Generator] = (),
    ) -> None:
        network, layout = objective.network, objective.network.layout
        self.theta = theta
        self.training = Training(streams, 1.0)
        shape = (len(theta), layout.n_trainable)
        self.grad = np.zeros(shape, dtype=theta.dtype, like=theta)
        self.views = layout.bind(theta)
        self.grad_views = layout.bind(self.grad)
        self.decayed = self._blocks(layout.n_decayed)
        self._workspace = network.workspace(len(theta), theta.dtype, True, theta)
        self._loss_buffers: dict[int, tuple[Array, LossBuffers]] = {}
        self._n_outputs = network.n_outputs
        self._n_heads = network.n_heads
        self.loss_of_heads = repeat_rows(objective.loss, network.n_heads)
        self._repeated: dict[tuple[str, tuple[int, ...]], Array] = {}

    def _blocks(self, n_decayed: int) -> list[tuple[Array, Array, Array]]:
        """Return the decayed weights in parts, with their gradients and scratch."""
        shape = (len(self.theta), min(n_decayed, _BLOCK_COLUMNS))
        scratch = np.empty(shape, dtype=self.theta.dtype, like=self.theta)
        blocks = []
        for start in range(0, max(n_decayed, 1), _BLOCK_COLUMNS):
            stop = min(start + _BLOCK_COLUMNS, n_decayed)
            theta, grad = self.theta[:, start:stop], self.grad[:, start:stop]
            blocks.append((theta, grad, scratch[:, : stop - start]))
        return blocks

    def cache(self, n_rows: int) -> Any:
        """Return the network's buffers for a batch size."""
        return self._workspace.cache(n_rows)

    def loss_buffers(self, n_rows: int) -> tuple[Array, LossBuffers]:
        """Return the buffer of the raw gradient and the loss's scratch arrays."""
        if n_rows not in self._loss_buffers:
            n_models = len(self.theta) * self._n_heads
            shape = (n_models, n_rows, self._n_outputs)
            d_raw = np.empty(shape, dtype=self.theta.dtype, like=self.theta)
            buffers = LossBuffers(*shape, self.theta.dtype, self.theta)
            self._loss_buffers[n_rows] = d_raw, buffers
        return self._loss_buffers[n_rows]

    def for_heads(self, name: str, rows: Scalar) -> Scalar:
        """Repeat the targets or weights of members for each of their submodels.

        Parameters
        ----------
        name : str
            The key of the buffer to use.
        rows : float or ndarray of shape (K or 1, B, n)
            Targets or weights.

        Returns
        -------
        repeated : float or ndarray of shape (K * E or 1, B, n)
            The submodels of a member are next to each other; values shared by all
            members are returned as they are.
        """
        if isinstance(rows, float) or len(rows) == 1:
            return rows
        key = name, rows.shape
        if key not in self._repeated:
            shape = (len(rows), self._n_heads, *rows.shape[1:])
            self._repeated[key] = np.empty(shape, rows.dtype, like=self.theta)
        kept = self._repeated[key]
        np.copyto(kept, rows[:, None])
        return kept.reshape(-1, *rows.shape[1:])


@dataclass(frozen=True)
class Objective:
    r"""The function that training minimises, for each member on its own.

    .. math::
        F(\theta) = \sum_i w_i\, \ell(f(x_i; \theta), y_i)
                    + \frac{\alpha}{W} \Omega(\theta_{decayed})

    with shares :math:`w_i` that sum to one and the sum :math:`W` of the weights before
    normalisation. This is scikit-learn's convention, in which the strength of ``alpha``
    depends on the batch size. If E submodels share a backbone, :math:`\ell` is the mean
    of their losses, not the loss of their mean, so that they remain diverse.

    Parameters
    ----------
    network : Network
        :math:`f`.
    loss : Loss
        :math:`\ell`.
    penalty : Penalty
        :math:`\Omega`.
    alpha : float or ndarray of shape (K, 1)
        Strength of the penalty.
    """

    network: Network
    loss: Loss
    penalty: Penalty
    alpha: Scalar

    def point(self, theta: Array, streams: Sequence[np.random.Generator] = ()) -> Point:
        """Return the point at ``theta``, which is not copied."""
        return Point(self, theta, streams)

    def value_and_gradient(self, point: Point, batch: Batch) -> tuple[Array, Array]:
        """Evaluate the objective on a batch; the gradient goes to ``point.grad``.

        Parameters
        ----------
        point : Point
            The point to evaluate at.
        batch : Batch
            The rows to evaluate on.

        Returns
        -------
        data, penalty : ndarray of shape (K,)
            The two terms of the value; the gradient is that of their sum.
        """
        data = self.data_value_and_gradient(point, batch)
        if isinstance(self.alpha, float) and self.alpha == 0.0:
            return data, np.zeros_like(data)
        alpha, total, dtype = self.alpha, batch.total, data.dtype
        if isinstance(total, np.ndarray):  # of this dtype, which alpha must have too
            alpha = rounded(alpha, dtype)
        strength = rounded(alpha / total, dtype)
        return data, self.penalty_value_and_gradient(point, strength)

    def penalty_value_and_gradient(self, point: Point, strength: Scalar) -> Array:
        """Evaluate the penalty alone; its gradient is added to ``point.grad``.

        Parameters
        ----------
        point : Point
            The point to evaluate at.
        strength : float or ndarray of shape (K, 1)
            Factor on the penalty.

        Returns
        -------
        penalty : ndarray of shape (K,)
            The penalties.
        """
        evaluate, (first, *others) = self.penalty.value_and_gradient, point.decayed
        penalty = evaluate(first[0], strength, first[1], first[2])
        for weights, grad, scratch in others:
            penalty = penalty + evaluate(weights, strength, grad, scratch)
        return penalty

    def data_value_and_gradient(self, point: Point, batch: Batch) -> Array:
        """Evaluate the loss term alone; the gradient goes to ``point.grad``.

        Parameters
        ----------
        point : Point
            The point to evaluate at.
        batch : Batch
            The rows to evaluate on.

        Returns
        -------
        data : ndarray of shape (K,)
            The weighted mean loss.
        """
        cache = point.cache(batch.n_rows)
        d_raw, buffers = point.loss_buffers(batch.n_rows)
        point.training.weight = batch.weight
        raw = self.network.forward(point.views, batch.x, cache, point.training)
        if self.network.n_heads == 1:
            data = self.loss.value_and_gradient(
                raw, batch.y, batch.weight, d_raw, buffers
            )
        else:
            data = self._mean_of_heads(point, batch, raw)
        error = None
        if self.network.reads_error:
            error = self.loss.error(raw, batch.y, batch.weight, d_raw, buffers)
        self.network.backward(point.views, point.grad_views, d_raw, cache, error)
        return data

    def _mean_of_heads(self, point: Point, batch: Batch, raw: Array) -> Array:
        """Return the mean over the submodels of each member; write the gradient."""
        d_raw, buffers = point.loss_buffers(batch.n_rows)
        y: Any = point.for_heads("y", batch.y)
        weight = point.for_heads("weight", batch.weight)
        loss, n_heads = point.loss_of_heads, self.network.n_heads
        losses = loss.value_and_gradient(raw, y, weight, d_raw, buffers)
        d_raw *= 1.0 / n_heads
        mean: Array = losses.reshape(-1, n_heads).mean(axis=1)
        return mean
