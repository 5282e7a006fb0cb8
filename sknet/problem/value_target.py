"""The target of a regression: from values to the columns of a network, and back."""

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


# No standardised target lies farther from the mean: the squares are numbers, in float32
# as well. So far off are rows of hardly any weight at most.
_FARTHEST = 1e18

# How far predictions may leave the range of the training targets, in such ranges.
_MARGIN = 0.05

# Relative to their size, values that lie nearer to each other are one.
_EQUAL = 1e-12

# The upper quartile of the standard normal distribution.
_NORMAL_QUARTILE = 0.6744897501960817

# Where the quartiles stand among the quantiles that are measured.
_QUARTILES = [PROBABILITIES.index(level) for level in (0.25, 0.5, 0.75)]


@dataclass(frozen=True)
class TargetScale:
    r"""How targets are standardised, and where predictions end.

    .. math:: t = (y - \mathrm{mean}) / \mathrm{deviation}

    Parameters
    ----------
    mean, deviation : ndarray of shape (S,)
        Of each target column, or of each raw output; by quantiles, what stands for
        them. The deviation of a constant target is 1.
    least, largest : ndarray of shape (C,)
        Predictions are kept in between; infinite where they are not.
    """

    mean: Array
    deviation: Array
    least: Array
    largest: Array

    def forward(self, y: Array) -> Array:
        """Return standardised values (N, S) of targets (N, C)."""
        y = np.repeat(y, len(self.mean) // y.shape[1], axis=1)
        exponent = np.frexp(self.deviation)[1]  # as units: differences are numbers
        mean, deviation = np.ldexp([self.mean, self.deviation], -exponent)
        with np.errstate(over="ignore"):
            scaled: Array = (np.ldexp(y, -exponent) - mean) / deviation
        return np.clip(scaled, -_FARTHEST, _FARTHEST, out=scaled)

    def widened(self, y: Array, weight: Array | None) -> TargetScale:
        """Return the scale with ends that further targets (N, C) lie within, too."""
        y = np.asarray(y, dtype=np.float64)
        if weight is not None:
            y = y[weight > 0.0]
        end = np.finfo(np.float64).max
        old_least, old_largest = np.clip([self.least, self.largest], -end, end)
        least, largest = y.min(axis=0), y.max(axis=0)
        inside = (old_least <= least) & (largest <= old_largest)
        if inside.all():  # without ends too
            return self
        part = _MARGIN / (1.0 + 2.0 * _MARGIN)  # of the room, each margin
        margin = 4.0 * (part * (old_largest / 4.0 - old_least / 4.0))
        ends = _with_margin(
            np.minimum(old_least + margin, least),
            np.maximum(old_largest - margin, largest),
        )
        kept = np.where(inside, [self.least, self.largest], ends)
        return replace(self, least=kept[0], largest=kept[1])

    def by_output(self, n_raw: int) -> list[Array]:
        """Return means, deviations and ends of each of R raw outputs."""
        measures = (self.mean, self.deviation, self.least, self.largest)
        return [np.repeat(each, n_raw // len(each)) for each in measures]

    def backward(self, t: Array) -> Array:
        """Return values of standardised predictions (N, R), R / C a target."""
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
        Weights of the rows; those of weight zero are no rows.
    clips : bool
        Whether predictions stay near the range of ``y``: a twentieth of it beyond.
    scaling : {"moments", "quantiles"} or tuple of them, default="moments"
        What is measured; see ``ValueLoss``.

    Returns
    -------
    scale : TargetScale
        Weighted means and deviations, or what stands for them by quantiles.
    """
    asked = (scaling,) if isinstance(scaling, str) else tuple(scaling)
    if not set(asked) <= {"moments", "quantiles"}:
        raise ValueError(
            f"scaling must be 'moments', 'quantiles' or None, got {scaling!r}: a loss "
            "says by it how its target is standardised."
        )
    y = np.asarray(y, dtype=np.float64)
    if weight is not None:
        y, weight = y[weight > 0.0], weight[weight > 0.0]
    # In units of a power of two, which change no digit, squares do not overflow.
    exponent = np.frexp(np.abs(y).max(axis=0))[1]
    moments = np.ldexp(_moments(np.ldexp(y, -exponent), weight), exponent)
    measured = {"moments": moments}
    if "quantiles" in asked:
        measured["quantiles"] = np.stack(_by_quantiles(y, weight, moments[1]))
    # target by target, and of each what was asked for
    mean, deviation = np.stack([measured[a] for a in asked], axis=-1).reshape(2, -1)
    deviation[deviation <= _EQUAL * np.abs(mean)] = 1.0
    ends = [np.full(y.shape[1], end) for end in (-math.inf, math.inf)]
    if clips:
        ends = [*_with_margin(y.min(axis=0), y.max(axis=0))]
    return TargetScale(mean, deviation, *ends)


def _with_margin(least: Array, largest: Array) -> tuple[Array, Array]:
    """Return where predictions end that come of targets between two ends."""
    with np.errstate(over="ignore"):  # a margin may lie beyond all numbers
        margin = 4.0 * (_MARGIN * (largest / 4.0 - least / 4.0))
        return least - margin, largest + margin


def _moments(y: Array, weight: Array | None) -> tuple[Array, Array]:
    """Return weighted means and deviations of columns."""
    mean = np.average(y, axis=0, weights=weight)
    variance = np.average(np.square(y - mean), axis=0, weights=weight)
    return mean, np.sqrt(variance)


def _by_quantiles(
    y: Array, weight: Array | None, deviation: Array
) -> tuple[Array, Array]:
    """Return medians of columns, and deviations that values far off hardly change.

    Those are the interquartile range or, if it is larger, the median distance from the
    median, of values that differ from it: many targets are zero mostly. Both are in
    units of a normal distribution's deviation. They are at most the deviation itself,
    which values far off enlarge.
    """
    centre, spread = np.empty_like(deviation), np.empty_like(deviation)
    unit = unit_weight(weight)
    for j, column in enumerate(y.T / 4.0):  # the difference of any two is a number
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
    """How the values of a regression become columns.

    Parameters
    ----------
    n_outputs : int
        Columns.
    loss : ValueLoss
        The loss they are judged by.
    scale : TargetScale or None, default=None
        How they are standardised, if they are.
    """

    n_outputs: int
    loss: ValueLoss
    scale: TargetScale | None = field(default=None, compare=False)

    @property
    def n_raw(self) -> int:
        """Raw outputs of the network."""
        return self.loss.n_raw(self.n_outputs)

    def encode(self, y: Array) -> Array:
        """Return the values as columns, of shape (N, C)."""
        self.loss.check_target(y)
        values = y.reshape(len(y), -1)
        return values if self.scale is None else self.scale.forward(values)

    def check_labels(self, y: Array, name: str) -> None:
        """Refuse values of another number of outputs."""
        n_outputs = 1 if y.ndim == 1 else y.shape[1]
        if n_outputs != self.n_outputs:
            raise ValueError(
                f"{name} has {n_outputs} outputs, but y has {self.n_outputs}."
            )

    def score(self, prediction: Array, y: Array, weight: Array | None) -> float:
        """Return the coefficient of determination, NaN for infinite predictions."""
        if not np.isfinite(prediction).all():
            return math.nan
        values = self.point(prediction)
        return float(r2_score(y, values, sample_weight=weight))

    def values(self, prediction: Array) -> Array:
        """Return what users see: everything, or of a mean and more the mean."""
        if self.loss.shows_point:
            return self.point(prediction)
        return self.decode(prediction)

    def point(self, prediction: Array) -> Array:
        """Return one value a target: (N,) for a single target, else (N, C)."""
        values = self.loss.point(self._restored(prediction))
        return values.ravel() if self.n_outputs == 1 else values

    def decode(self, prediction: Array) -> Array:
        """Return all that is predicted for a target, an axis for it if there is more.

        Of shape (N,) or (N, C), or (N, Q) or (N, C, Q) for Q values a target.
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
        """What deviations of :meth:`point` are multiples of, (C,)."""
        if self.scale is None:
            return np.ones(self.n_outputs)
        return self.loss.point(self.scale.by_output(self.n_raw)[1][None])[0]

    def _restored(self, prediction: Array) -> Array:
        """Return predictions in units of the target."""
        return prediction if self.scale is None else self.scale.backward(prediction)
