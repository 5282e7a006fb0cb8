"""The fitted model: trained networks with their input encoding and their target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self, cast
from weakref import WeakKeyDictionary

import numpy as np

from sknet._numerics import Array, all_finite
from sknet.losses import Loss
from sknet.network.architecture import Architecture
from sknet.network.network import Network, perceptron
from sknet.problem.images import Images
from sknet.problem.precision import in_type
from sknet.training.forward import Head
from sknet.training.inference import raw_outputs


@dataclass(frozen=True, eq=False)
class FittedModel:
    """Networks that predict together, with their inputs and their target.

    Estimators, predictors, exports, scorers and callbacks all use it for prediction.

    Parameters
    ----------
    inputs : Columns, Table or Encoded
        The encoding of rows as columns of the network.
    architecture : Architecture
        The description that the network was built from.
    network : Network
        The network.
    theta : ndarray of shape (K, P)
        Its parameters, one row for each of K networks; no rows before training.
    target : ClassTarget or ValueTarget
        The target that raw outputs are decoded to, and the loss.
    temperature : float, default=1.0
        Temperature by which raw outputs are divided.
    head : int or None, default=None
        The only member of a shared backbone that predicts; None for all of them.
    engine : {"auto", "compiled", "numpy"}, default="auto"
        What computes the raw outputs.
    """

    inputs: Any
    architecture: Architecture
    network: Network
    theta: Array
    target: Any
    temperature: float = 1.0
    head: int | None = None
    engine: str = "auto"

    @property
    def loss(self) -> Loss:
        """The loss; its link maps raw outputs to predictions."""
        loss: Loss = self.target.loss
        return loss

    def output(self, name: str) -> Head:
        """Return an output of a network, as a function of its raw outputs.

        Parameters
        ----------
        name : {"prediction"}
            Name of the output.
        """
        loss = self.loss
        if name != "prediction":
            raise ValueError(f"There is no output {name!r}.")
        n_columns = loss.link(np.zeros((1, self.network.n_outputs))).shape[1]
        return Head((name, loss), loss.link, n_columns)

    def suited(self, columns: Any) -> Self:
        """Return the model for columns of a type: pixels of type uint8 are scaled.

        Columns that are already encoded are in the unit of the network.
        """
        if not isinstance(self.inputs, Images):
            return self
        embedding = self.architecture.input_embedding.suits(columns.dtype)
        if embedding is self.architecture.input_embedding:
            return self
        found = _suited.get(self)
        if found is None:
            architecture = replace(self.architecture, input_embedding=embedding)
            network = perceptron(
                self.network.n_inputs, architecture, self.network.n_outputs
            )
            found = replace(self, architecture=architecture, network=network)
            _suited[self] = found
        return cast("Self", found)

    @property
    def n_networks(self) -> int:
        """Number of networks with combined predictions."""
        return 1 if self.head is not None else len(self.theta) * self.network.n_heads

    def own(self, raw: Array) -> Array:
        """Return a view of the raw outputs (K, N, R) of the heads that predict."""
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
            Columns of the network, as encoded by ``inputs``.
        dtype : dtype
            The type of the result, float32 or float64.
        infer : callable, default=None
            An ``Inference`` of the network and ``theta``, which reuses its buffers.

        Returns
        -------
        raw : ndarray of shape (K, N, R)
            Raw outputs of each network, all finite.

        Raises
        ------
        ValueError
            If the values of a row are so large that an output is not finite.
        """
        widest = np.promote_types(self.theta.dtype, dtype)
        with np.errstate(all="ignore"):
            if infer is None:
                raw = raw_outputs(
                    self.network, self.theta, columns, widest, self.engine
                )
            else:
                raw = infer(columns, widest)
            raw = in_type(self.own(_refuse_overflow(raw)), dtype)
            if self.temperature == 1.0:
                return raw
            cooled: Array = raw / raw.dtype.type(self.temperature)
            return cooled


# The models for the other type of pixels.
_suited: WeakKeyDictionary[FittedModel, FittedModel] = WeakKeyDictionary()


def _refuse_overflow(raw: Array) -> Array:
    """Return raw outputs unchanged, or raise an error if any is not finite."""
    if not all_finite(raw) and not np.isfinite(raw).all():
        rows = np.flatnonzero(~np.isfinite(raw).all(axis=(0, 2)))
        raise ValueError(
            "Input X contains values that are too large for this network: the output "
            f"for row {rows[0]} is not finite. Scale X, e.g. with StandardScaler in a "
            "Pipeline, or remove such rows."
        )
    return raw
