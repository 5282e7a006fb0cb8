"""Value predictions from raw outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.losses import MeanQuantiles, ValueLoss
from sknet.model.fitted import FittedModel
from sknet.model.pooling import mean_prediction, total_spread
from sknet.problem.precision import in_type
from sknet.problem.value_target import ValueTarget


@dataclass(frozen=True, eq=False)
class ValueModel(FittedModel):
    """A fitted regression model.

    Methods take the predictions (K, N, C) of the loss for N rows, or the raw outputs
    (K, N, R), as returned by :meth:`raw`.
    """

    target: ValueTarget

    @property
    def loss(self) -> ValueLoss:
        """The loss; its link maps raw outputs to predictions."""
        return self.target.loss

    def values(self, predictions: Array) -> Array:
        """Return values (N,) or (N, C); several quantiles are along a last axis."""
        with np.errstate(all="ignore"):
            values = self.target.values(mean_prediction(predictions))
        return in_type(values, predictions.dtype)

    def values_of_members(self, predictions: Array) -> Array:
        """Return the values predicted by each network, along the first axis."""
        with np.errstate(all="ignore"):
            each = [self.target.values(p) for p in predictions]
            return np.stack([in_type(values, predictions.dtype) for values in each])

    def point(self, predictions: Array) -> Array:
        """Return one value per target, (N,) or (N, C)."""
        with np.errstate(all="ignore"):
            values = self.target.point(mean_prediction(predictions))
        return in_type(values, predictions.dtype)

    def deviation(self, raw: Array) -> Array:
        """Return standard deviations, of the shape of :meth:`point`.

        Raises
        ------
        ValueError
            If there is a single network and its loss predicts no deviation.
        """
        with np.errstate(all="ignore"):
            spread = total_spread(self.loss, raw)
        if spread is None:
            raise ValueError(
                f"return_std=True is not supported for a single network with "
                f"loss={self.loss.name!r}, which predicts no standard deviation. Use "
                "loss='gaussian', or an ensemble (n_estimators > 1)."
            )
        deviation = in_type(self.target.spread(spread), raw.dtype)
        return deviation.ravel() if self.target.n_outputs == 1 else deviation

    def places_of_quantiles(self, quantiles: Any) -> list[int]:
        """Return the positions of quantile levels among the predictions for a target.

        Parameters
        ----------
        quantiles : float or array-like of float
            Levels, in (0, 1).

        Raises
        ------
        ValueError
            If the network was not trained for these levels in addition to the mean.
        """
        loss = self.loss
        levels = np.atleast_1d(np.asarray(quantiles, dtype=float)).tolist()
        trained = list(getattr(loss, "levels", ()))
        are_beside = loss.name == MeanQuantiles.name
        if trained and not are_beside:
            raise ValueError(
                f"quantiles={quantiles!r} is not supported with loss={loss!r}, which "
                f"predicts no mean: predict(X) returns the levels {trained}."
            )
        unknown = [level for level in levels if level not in trained]
        if unknown or not are_beside:
            wanted = tuple(sorted({*trained, *levels}))
            raise ValueError(
                f"quantiles={quantiles!r}: this network was not trained for the levels "
                f"{unknown}. Fit it with loss=MeanQuantiles({wanted!r}); for "
                f"TabularMLPRegressor, quantiles={wanted!r} has the same effect."
            )
        return [1 + trained.index(level) for level in levels]

    def quantiles(self, predictions: Array, places: list[int]) -> Array:
        """Return the quantiles at some positions, along a last axis."""
        with np.errstate(all="ignore"):
            everything = self.target.decode(mean_prediction(predictions))
        return in_type(everything[..., places], predictions.dtype)
