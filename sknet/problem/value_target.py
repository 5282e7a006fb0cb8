"""Regression targets: encoding of values as columns, and decoding."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from sklearn.metrics import r2_score

from sknet._numerics import Array
from sknet.losses import ValueLoss
from sknet.preprocessing.quantiles import (
    PROBABILITIES,
    unit_weight,
    weighted_quantiles,
)


# Standardised targets are clipped to this distance from the mean, so that their squares
# are finite, even in float32. Only rows of hardly any weight can be so far off.
_FARTHEST = 1e18

# How far predictions may exceed the range of the training targets, as a fraction of it.
_MARGIN = 0.05

# Values whose relative difference is smaller than this are considered equal.
_EQUAL = 1e-12

# The upper quartile of the standard normal distribution.
_NORMAL_QUARTILE = 0.6744897501960817

# Positions of the quartiles among the quantiles that are measured.
_QUARTILES = [PROBABILITIES.index(level) for level in (0.25, 0.5, 0.75)]


@dataclass(frozen=True)
class TargetScale:
    r"""Standardisation of targets, and bounds of the predictions.

    .. math:: t = (y - \mathrm{mean}) / \mathrm{deviation}

    Parameters
    ----------
    mean, deviation : ndarray of shape (S,)
        Mean and standard deviation of each target column, or for each raw output, or
        their counterparts from quantiles. The deviation of a constant target is 1.
    least, largest : ndarray of shape (C,)
        Bounds to which predictions are clipped; infinite if they are not clipped.
    """

    mean: Array
    deviation: Array
    least: Array
    largest: Array

    def forward(self, y: Array) -> Array:
        """Return standardised values (N, S) of targets (N, C)."""
        y = np.repeat(y, len(self.mean) // y.shape[1], axis=1)
        exponent = np.frexp(self.deviation)[1]  # in these units, differences are finite
        mean, deviation = np.ldexp([self.mean, self.deviation], -exponent)
        with np.errstate(over="ignore"):
            scaled: Array = (np.ldexp(y, -exponent) - mean) / deviation
        return np.clip(scaled, -_FARTHEST, _FARTHEST, out=scaled)

    def widened(self, y: Array, weight: Array | None) -> TargetScale:
        """Return the scale with bounds widened to include further targets (N, C)."""
        y = np.asarray(y, dtype=np.float64)
        if weight is not None:
            y = y[weight > 0.0]
        end = np.finfo(np.float64).max
        old_least, old_largest = np.clip([self.least, self.largest], -end, end)
        least, largest = y.min(axis=0), y.max(axis=0)
        inside = (old_least <= least) & (largest <= old_largest)
        if inside.all():  # also if the bounds are infinite
            return self
        part = _MARGIN / (1.0 + 2.0 * _MARGIN)  # each margin as a fraction of all
        margin = 4.0 * (part * (old_largest / 4.0 - old_least / 4.0))
        ends = _with_margin(
            np.minimum(old_least + margin, least),
            np.maximum(old_largest - margin, largest),
        )
        kept = np.where(inside, [self.least, self.largest], ends)
        return replace(self, least=kept[0], largest=kept[1])

    def by_output(self, n_raw: int) -> list[Array]:
        """Return the means, deviations and bounds of each of R raw outputs."""
        measures = (self.mean, self.deviation, self.least, self.largest)
        return [np.repeat(each, n_raw // len(each)) for each in measures]

    def backward(self, t: Array) -> Array:
        """Return the values of standardised predictions (N, R), R / C per target."""
        mean, deviation, least, largest = self.by_output(t.shape[1])
        with np.errstate(over="ignore"):
            y = np.multiply(t, deviation, dtype=np.float64)
            y += mean
        end = np.finfo(np.float64).max  # no prediction is infinite
        np.clip(y, np.maximum(least, -end), np.minimum(largest, end), out=y)
        return y


def target_scale(
    y: Array,
    weight: Array | None,
    clips: bool,
    scaling: str | tuple[str, ...] = "moments",
) -> TargetScale:
    """Return the scale of targets.

    Parameters
    ----------
    y : ndarray of shape (N, C)
        Values of all rows.
    weight : ndarray of shape (N,), or None
        Weights of the rows; rows of weight zero do not count.
    clips : bool
        Whether predictions are clipped to the range of ``y``, extended by a twentieth
        of it at both ends.
    scaling : {"moments", "quantiles"} or tuple of them, default="moments"
        The statistics that are used; see ``ValueLoss``.

    Returns
    -------
    scale : TargetScale
        Weighted means and deviations, or their counterparts from quantiles.
    """
    asked = (scaling,) if isinstance(scaling, str) else tuple(scaling)
    if not set(asked) <= {"moments", "quantiles"}:
        raise ValueError(
            f"scaling must be 'moments', 'quantiles' or None, got {scaling!r}. This "
            "attribute of a loss specifies how its target is standardised."
        )
    y = np.asarray(y, dtype=np.float64)
    if weight is not None:
        y, weight = y[weight > 0.0], weight[weight > 0.0]
    # In units of a power of two, squares do not overflow, and no digit changes.
    exponent = np.frexp(np.abs(y).max(axis=0))[1]
    moments = np.ldexp(_moments(np.ldexp(y, -exponent), weight), exponent)
    measured = {"moments": moments}
    if "quantiles" in asked:
        measured["quantiles"] = np.stack(_by_quantiles(y, weight, moments[1]))
    # target by target; for each target, the requested statistics
    mean, deviation = np.stack([measured[a] for a in asked], axis=-1).reshape(2, -1)
    deviation[deviation <= _EQUAL * np.abs(mean)] = 1.0
    ends = [np.full(y.shape[1], end) for end in (-math.inf, math.inf)]
    if clips:
        ends = [*_with_margin(y.min(axis=0), y.max(axis=0))]
    return TargetScale(mean, deviation, *ends)


def _with_margin(least: Array, largest: Array) -> tuple[Array, Array]:
    """Return the bounds of predictions for targets within a range."""
    with np.errstate(over="ignore"):  # the margin may overflow
        margin = 4.0 * (_MARGIN * (largest / 4.0 - least / 4.0))
        return least - margin, largest + margin


def _moments(y: Array, weight: Array | None) -> tuple[Array, Array]:
    """Return the weighted means and standard deviations of columns."""
    mean = np.average(y, axis=0, weights=weight)
    variance = np.average(np.square(y - mean), axis=0, weights=weight)
    return mean, np.sqrt(variance)


def _by_quantiles(
    y: Array, weight: Array | None, deviation: Array
) -> tuple[Array, Array]:
    """Return the medians of columns, and deviations that are robust to outliers.

    A deviation is the interquartile range or, if it is larger, the median distance from
    the median of those values that differ from it, since many targets are mostly zero.
    Both are in units of the standard deviation of a normal distribution. The result is
    at most the standard deviation, which outliers enlarge.
    """
    centre, spread = np.empty_like(deviation), np.empty_like(deviation)
    unit = unit_weight(weight)
    for j, column in enumerate(y.T / 4.0):  # the difference of any two is finite
        low, centre[j], high = weighted_quantiles(column, weight, unit)[_QUARTILES]
        distance = np.abs(column - centre[j])
        differs = distance > _EQUAL * np.abs(centre[j])
        spread[j] = (high - low) / (2.0 * _NORMAL_QUARTILE)
        if differs.any():
            chosen = None if weight is None else weight[differs]
            typical = weighted_quantiles(distance[differs], chosen, unit)[_QUARTILES[1]]
            spread[j] = max(spread[j], typical / _NORMAL_QUARTILE)
    return 4.0 * centre, 4.0 * np.minimum(spread, deviation / 4.0)


@dataclass(frozen=True)
class ValueTarget:
    """Encoding of the values of a regression target as columns.

    Parameters
    ----------
    n_outputs : int
        Number of columns.
    loss : ValueLoss
        The loss.
    scale : TargetScale or None, default=None
        The standardisation of the values; None if they are not standardised.
    """

    n_outputs: int
    loss: ValueLoss
    scale: TargetScale | None = field(default=None, compare=False)

    @property
    def n_raw(self) -> int:
        """Number of raw outputs of the network."""
        return self.loss.n_raw(self.n_outputs)

    def encode(self, y: Array) -> Array:
        """Return the values as columns, of shape (N, C)."""
        self.loss.check_target(y)
        values = y.reshape(len(y), -1)
        return values if self.scale is None else self.scale.forward(values)

    def check_labels(self, y: Array, name: str) -> None:
        """Raise an error if the number of outputs is wrong."""
        n_outputs = 1 if y.ndim == 1 else y.shape[1]
        if n_outputs != self.n_outputs:
            raise ValueError(
                f"{name} has {n_outputs} outputs, but y has {self.n_outputs}."
            )

    def score(self, prediction: Array, y: Array, weight: Array | None) -> float:
        """Return the coefficient of determination; NaN for infinite predictions."""
        if not np.isfinite(prediction).all():
            return math.nan
        values = self.point(prediction)
        return float(r2_score(y, values, sample_weight=weight))

    def values(self, prediction: Array) -> Array:
        """Return the values that ``predict`` shows: all of them, or only the point."""
        if self.loss.shows_point:
            return self.point(prediction)
        return self.decode(prediction)

    def point(self, prediction: Array) -> Array:
        """Return one value per target: (N,) for a single target, otherwise (N, C)."""
        values = self.loss.point(self._restored(prediction))
        return values.ravel() if self.n_outputs == 1 else values

    def decode(self, prediction: Array) -> Array:
        """Return all predicted values, along a last axis if there are several.

        The shape is (N,) or (N, C), or (N, Q) or (N, C, Q) for Q values per target.
        """
        prediction = self._restored(prediction)
        n_rows, n_raw = prediction.shape
        shape = (n_rows, self.n_outputs, n_raw // self.n_outputs)
        return prediction.reshape([n for i, n in enumerate(shape) if i == 0 or n > 1])

    def spread(self, deviation: Array) -> Array:
        """Return standard deviations (N, C) in units of the target."""
        return deviation if self.scale is None else deviation * self.unit_of_points

    @property
    def unit_of_points(self) -> Array:
        """Unit of the deviations of :meth:`point`, of shape (C,)."""
        if self.scale is None:
            return np.ones(self.n_outputs)
        return self.loss.point(self.scale.by_output(self.n_raw)[1][None])[0]

    def _restored(self, prediction: Array) -> Array:
        """Return predictions in units of the target."""
        return prediction if self.scale is None else self.scale.backward(prediction)
