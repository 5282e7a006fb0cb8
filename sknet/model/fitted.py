"""The fitted model: a trained network with what stands before and behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array, all_finite
from sknet.losses import Loss
from sknet.network.architecture import Architecture
from sknet.network.network import Network
from sknet.problem.precision import in_type
from sknet.training.inference import raw_outputs


@dataclass(frozen=True, eq=False)
class FittedModel:
    """Networks that predict together, with their inputs and their target.

    Estimators, predictors, exports, scorers and callbacks all predict by it.

    Parameters
    ----------
    inputs : Columns, Table or Encoded
        How rows become columns of the network.
    architecture : Architecture
        The description that the network was built from.
    network : Network
        The network.
    theta : ndarray of shape (K, P)
        Its parameters, a row for each of K networks; none before training.
    target : ClassTarget or ValueTarget
        What raw outputs stand for, and the loss.
    temperature : float, default=1.0
        Raw outputs are divided by it.
    head : int or None, default=None
        Of networks that share a backbone, the only one to predict; None for all.
    """

    inputs: Any
    architecture: Architecture
    network: Network
    theta: Array
    target: Any
    temperature: float = 1.0
    head: int | None = None

    @property
    def loss(self) -> Loss:
        """The loss of the network, whose link makes predictions of raw outputs."""
        loss: Loss = self.target.loss
        return loss

    @property
    def n_networks(self) -> int:
        """Networks that predict together."""
        return 1 if self.head is not None else len(self.theta) * self.network.n_heads

    def own(self, raw: Array) -> Array:
        """Return those of all heads' raw outputs (K, N, R) that count, as a view."""
        return raw if self.head is None else raw[self.head : self.head + 1]

    def raw(
        self,
        columns: Any,
        dtype: np.dtype[Any],
        infer: Callable[[Any, np.dtype[Any]], Array] | None = None,
    ) -> Array:
        """Compute calibrated raw outputs.

        Parameters
        ----------
        columns : ndarray or CSR matrix of shape (N, D)
            What ``inputs`` gave.
        dtype : dtype
            The type of the result, float32 or float64.
        infer : callable, default=None
            An ``Inference`` of network and ``theta``, with buffers that it keeps.

        Returns
        -------
        raw : ndarray of shape (K, N, R)
            Raw outputs of each network, finite.

        Raises
        ------
        ValueError
            If a row is so large that an output is no finite number.
        """
        widest = np.promote_types(self.theta.dtype, dtype)
        with np.errstate(all="ignore"):
            if infer is None:
                raw = raw_outputs(self.network, self.theta, columns, widest)
            else:
                raw = infer(columns, widest)
            raw = in_type(self.own(_refuse_overflow(raw)), dtype)
            if self.temperature == 1.0:
                return raw
            cooled: Array = raw / raw.dtype.type(self.temperature)
            return cooled


def _refuse_overflow(raw: Array) -> Array:
    """Return raw outputs, or refuse the row whose outputs are not finite."""
    if not all_finite(raw) and not np.isfinite(raw).all():
        rows = np.flatnonzero(~np.isfinite(raw).all(axis=(0, 2)))
        raise ValueError(
            "Input X contains values that are too large for this network: row "
            f"{rows[0]} has no finite output. Scale X, e.g. with StandardScaler in a "
            "Pipeline, or leave such rows out."
        )
    return raw
