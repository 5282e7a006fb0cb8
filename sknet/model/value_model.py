"""Predictions of values, from raw outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.losses import MeanQuantiles, ValueLoss
from sknet.model.fitted import FittedModel
from sknet.model.pooling import mean_link, total_spread
from sknet.problem.precision import in_type
from sknet.problem.value_target import ValueTarget


@dataclass(frozen=True, eq=False)
class ValueModel(FittedModel):
    """A fitted model of values.

    Each method takes the raw outputs (K, N, R) of N rows that :meth:`raw` gives.
    """

    target: ValueTarget

    @property
    def loss(self) -> ValueLoss:
        """The loss of the network, whose link makes predictions of raw outputs."""
        return self.target.loss

    def predict(self, raw: Array) -> Array:
        """Return values (N,) or (N, C); several quantiles stand along a last axis."""
        with np.errstate(all="ignore"):
            values = self.target.values(mean_link(self.loss, raw))
        return in_type(values, raw.dtype)

    def predict_members(self, raw: Array) -> Array:
        """Return the values by each network, with an axis in front."""
        with np.errstate(all="ignore"):
            each = [self.target.values(self.loss.link(r)) for r in raw]
            return np.stack([in_type(values, raw.dtype) for values in each])

    def point(self, raw: Array) -> Array:
        """Return one value a target, (N,) or (N, C)."""
        with np.errstate(all="ignore"):
            values = self.target.point(mean_link(self.loss, raw))
        return in_type(values, raw.dtype)

    def deviation(self, raw: Array) -> Array:
        """Return standard deviations, of the shape of :meth:`point`.

        Raises
        ------
        ValueError
            If a single network has a loss that gives none.
        """
        with np.errstate(all="ignore"):
            spread = total_spread(self.loss, raw)
        if spread is None:
            raise ValueError(
                f"return_std=True: loss={self.loss.name!r} gives no standard "
                "deviation; use loss='gaussian', or an ensemble (n_estimators)."
            )
        deviation = in_type(self.target.spread(spread), raw.dtype)
        return deviation.ravel() if self.target.n_outputs == 1 else deviation

    def places_of_quantiles(self, quantiles: Any) -> list[int]:
        """Return where levels stand among all that is predicted for a target.

        Parameters
        ----------
        quantiles : float or array-like of float
            Levels, in (0, 1).

        Raises
        ------
        ValueError
            If the network has not learned them beside its mean.
        """
        loss = self.loss
        levels = np.atleast_1d(np.asarray(quantiles, dtype=float)).tolist()
        trained = list(getattr(loss, "levels", ()))
        are_beside = loss.name == MeanQuantiles.name
        if trained and not are_beside:
            raise ValueError(
                f"quantiles={quantiles!r} are levels beside a mean; with "
                f"loss={loss!r}, predict(X) gives the levels {trained}."
            )
        unknown = [level for level in levels if level not in trained]
        if unknown or not are_beside:
            wanted = tuple(sorted({*trained, *levels}))
            raise ValueError(
                f"quantiles={quantiles!r}: this network was not trained for the levels "
                f"{unknown}. Fit it with loss=MeanQuantiles({wanted!r}); of a "
                f"TabularMLPRegressor quantiles={wanted!r} is short for it."
            )
        return [1 + trained.index(level) for level in levels]

    def quantiles(self, raw: Array, places: list[int]) -> Array:
        """Return quantiles along a last axis, those at some places."""
        with np.errstate(all="ignore"):
            everything = self.target.decode(mean_link(self.loss, raw))
        return in_type(everything[..., places], raw.dtype)
