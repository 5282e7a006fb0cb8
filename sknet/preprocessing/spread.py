r"""Centre and spread of numeric columns, also if most rows have the same value.

The centre of a column x is its median, and its spread is the interquartile range
:math:`q_{0.75} - q_{0.25}`. If more than half of the rows have the same value m (the
majority), the quartiles may not depend on the other rows at all. To make room for the
other values, the spread is at least

.. math:: \max\bigl(\tfrac12 \operatorname{median} \{|x_i - m| : x_i \neq m\},\;
    2\,(o_{0.75} - o_{0.25})\bigr),

where :math:`o_{0.25}` and :math:`o_{0.75}` are the quartiles of the other rows; if
there are fewer than ten such rows, only the first term is used. For a column with two
values, it is half their distance.

An extreme (the smallest or largest value, which may stand for "unknown": -999, 99999)
is ignored if more than one row has it, and at least a twentieth of the rows without the
majority, and if the spread without it is less than a fifth of the spread with it. This
is repeated for the next extreme. At least ten rows must remain.

A sparse column is not centred. Its spread is at least half of its median, because
otherwise all its numbers might lie in the clipped range, and zero is never ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.preprocessing.quantiles import quantiles_of_sorted, weighted_quantiles


# Relative differences below this are rounding errors.
_ROUNDING = 10 * np.finfo(np.float64).eps

# An extreme is far if the spread without it is smaller by more than this factor.
_FAR_END = 5.0

# An extreme may stand for "unknown" if this share of rows without the majority has it.
_FREQUENT = 0.05

# Fewer rows than this do not have a meaningful spread.
_FEW_ROWS = 10

# Next to a majority, the other values usually have long tails: twice their range.
_ROOM = 2.0


@dataclass(frozen=True)
class Sample:
    """The distinct values of a column, and the weights of their rows.

    Parameters
    ----------
    values : ndarray of shape (V,)
        Values in ascending order; values that only differ by rounding are merged.
    weight : ndarray of shape (V,)
        Sums of the positive weights of the rows of each value.
    unit : float
        The weight of one row.
    """

    values: Array
    weight: Array
    unit: float

    @classmethod
    def of(cls, x: Array, weight: Array | None = None, unit: float = 1.0) -> Sample:
        """Return the sample of the rows of a column, without NaN."""
        if weight is None:
            x = np.sort(x)
            x = x[: len(x) - np.isnan(x).sum()]  # NaN is sorted to the end
        else:
            order = np.argsort(x)
            order = order[: len(x) - np.isnan(x).sum()]
            x, weight = x[order], weight[order]
        starts = np.flatnonzero(np.append(True, _differ(x[:-1], x[1:])))
        if weight is None:
            sums = np.diff(np.append(starts, len(x))).astype(np.float64)
        else:
            sums = np.add.reduceat(weight, starts)
        return cls(x[starts], sums, unit)

    def without(self, k: int) -> Sample:
        """Return the sample without value ``k``."""
        return Sample(np.delete(self.values, k), np.delete(self.weight, k), self.unit)

    def is_frequent(self, k: int) -> bool:
        """Return whether value ``k`` has several rows, and a share of the others."""
        total, largest = self.weight.sum(), self.weight.max()
        others = total - largest if largest > total / 2 else total
        return bool(_is_frequent(self.weight[k], others, self.unit))

    @property
    def is_small(self) -> bool:
        """Whether there are too few rows for a meaningful spread."""
        with np.errstate(over="ignore"):  # the number of rows may overflow
            return bool(_is_few(self.weight.sum() / self.unit))

    def center_and_half(self, from_zero: bool) -> tuple[float, float]:
        """Return the median and half the spread, including extremes.

        With ``from_zero``, the spread is at least half of the median: the column will
        not be centred, and values far beyond the spread would be clipped.
        """
        _, low, center, high, _ = self.quantiles()
        half = float(half_range(low, high))
        k = int(self.weight.argmax())
        if self.weight[k] > self.weight.sum() / 2 and len(self.values) > 1:
            half = max(half, self.without(k).half_around(self.values[k]))
        return float(center), max(half, abs(center) / 4) if from_zero else half

    def half_around(self, majority: float) -> float:
        """Return half the spread of the sample, which is without ``majority``."""
        distances = abs(self.values / 2 - majority / 2)
        half = float(weighted_quantiles(distances, self.weight, self.unit)[2]) / 2
        if self.is_small:
            return half
        _, low, _, high, _ = self.quantiles()
        return max(half, _ROOM * float(half_range(low, high)))

    def quantiles(self) -> Array:
        """Return the quantiles of the rows."""
        return quantiles_of_sorted(self.values, self.weight, self.unit)


def center_and_half(sample: Sample, from_zero: bool = False) -> tuple[float, float]:
    """Return the centre of a sample, and half its spread.

    Parameters
    ----------
    sample : Sample
        A column with at least one value.
    from_zero : bool, default=False
        Whether the column will not be centred.

    Returns
    -------
    center, half : float
        Centre and half the spread, without far extremes.
    """
    center, half = sample.center_and_half(from_zero)
    while len(sample.values) > 2:
        ends = [k for k in (0, -1) if sample.is_frequent(k)]
        rests = [sample.without(k) for k in ends if sample.values[k] or not from_zero]
        found = [
            (rest.center_and_half(from_zero), rest)
            for rest in rests
            if not rest.is_small
        ]
        found = [entry for entry in found if 0 < _FAR_END * entry[0][1] < half]
        if not found:
            break
        (center, half), sample = min(found, key=lambda entry: entry[0][1])
    return center, half


def of_columns(
    X: Array, quantiles: Array, weight: Array | None, unit: float
) -> tuple[Array, Array]:
    """Return the centres and half the spreads of columns.

    Parameters
    ----------
    X : ndarray of shape (N, D)
        Numbers; NaN is ignored.
    quantiles : ndarray of shape (5, D)
        Minima, quartiles and maxima of the columns.
    weight : ndarray of shape (N,), or None
        Positive weights of the rows.
    unit : float
        The weight of one row.

    Returns
    -------
    center, half : ndarray of shape (D,)
        0 for columns without a number.
    """
    _, low, center, high, _ = np.nan_to_num(quantiles)
    half = half_range(low, high)
    for j in np.flatnonzero(_may_be_dominated(quantiles)).tolist():
        sample = Sample.of(X[:, j].astype(np.float64), weight, unit)
        center[j], half[j] = center_and_half(sample)
    return center, half


def of_sparse_columns(
    X: Any, quantiles: Array, weight: Array | None, unit: float
) -> Array:
    """Return half the spreads of the columns of a sparse matrix, without centring.

    Parameters
    ----------
    X : CSC matrix of shape (N, D)
        Numbers, each stored once.
    quantiles : ndarray of shape (5, D)
        Minima, quartiles and maxima of the columns.
    weight : ndarray of shape (N,), or None
        Positive weights of the rows.
    unit : float
        The weight of one row.

    Returns
    -------
    half : ndarray of shape (D,)
        Half spreads, equal to those of the dense matrix without centring.
    """
    w = np.ones(X.shape[0]) if weight is None else weight
    _, low, center, high, _ = quantiles
    half = np.maximum(half_range(low, high), abs(center) / 4)
    is_zero = (low == 0) & (high == 0)
    half[is_zero], is_clear = _of_mostly_zero(X[:, is_zero], weight, unit)
    look = _may_be_dominated(quantiles)
    look[is_zero] = ~is_clear
    for j in np.flatnonzero(look).tolist():
        rows = X.indices[X.indptr[j] : X.indptr[j + 1]]
        x, w_j = X.data[X.indptr[j] : X.indptr[j + 1]], w[rows]
        if len(rows) < X.shape[0]:
            zeros = max(w.sum() - w_j.sum(), unit)
            x, w_j = np.append(x, 0.0), np.append(w_j, zeros)
        sample = Sample.of(x.astype(np.float64), w_j, unit)
        half[j] = center_and_half(sample, from_zero=True)[1]
    return half


def _of_mostly_zero(X: Any, weight: Array | None, unit: float) -> tuple[Array, Array]:
    """Return half the spreads of columns with zero quartiles, vectorized.

    Returns
    -------
    half : ndarray of shape (D,)
        Half the spreads, including extremes.
    is_clear : ndarray of bool of shape (D,)
        Whether no extreme can be far, because no number is close enough to zero, or no
        extreme other than zero is frequent.
    """
    counts, half = np.diff(X.indptr), np.zeros(X.shape[1])
    is_clear = np.ones(X.shape[1], dtype=bool)
    for n in np.unique(counts[counts > 0]).tolist():
        columns = np.flatnonzero(counts == n)
        places = X.indptr[columns][:, None] + np.arange(n)
        w = None if weight is None else weight[X.indices[places]]
        x = X.data[places].astype(np.float64)
        distances = abs(x) / 2
        median = weighted_quantiles(distances, w, unit)[:, 2]
        _, low, _, high, _ = weighted_quantiles(x, w, unit).T
        n_rows = n if w is None else w.sum(axis=1) / unit
        ranges = np.where(_is_few(n_rows), 0.0, _ROOM * half_range(low, high))
        half[columns] = np.maximum(median / 2, ranges)
        is_clear[columns] = distances.min(axis=1) * _FAR_END >= 2 * half[columns]
        w = np.ones(x.shape) if w is None else w
        ends = x.min(axis=1, keepdims=True), x.max(axis=1, keepdims=True)
        of_ends = [np.where(x == end, w, 0.0).sum(axis=1) for end in ends]
        is_far = [ends[0][:, 0] < 0, ends[1][:, 0] > 0]
        frequent = _is_frequent(
            np.where(is_far, of_ends, 0.0), w.sum(axis=1), unit
        ).any(axis=0)
        is_clear[columns] |= ~frequent
    return half, is_clear


def _is_frequent(weight: Any, others: Any, unit: float) -> Any:
    """Return whether a value with this weight may stand for "unknown"."""
    repeated = weight > unit * (1 + 1e-9)
    return repeated & (weight >= _FREQUENT * others * (1 - 1e-9))


def _is_few(n_rows: Any) -> Any:
    """Return whether there are too few rows for a meaningful spread."""
    return n_rows < _FEW_ROWS * (1 - 1e-9)


def half_range(low: Array, high: Array) -> Array:
    """Return ``(high - low) / 2``, or 0 if the difference is a rounding error."""
    half = np.asarray(high / 2 - low / 2)  # does not overflow
    return np.where(_differ(low, high), half, 0.0)


def _differ(low: Array, high: Array) -> Array:
    """Return whether numbers ``high >= low`` differ by more than rounding errors."""
    with np.errstate(all="ignore"):
        rounding = _ROUNDING * np.maximum(abs(high), abs(low)) / 2
        return high / 2 - low / 2 > rounding


def _may_be_dominated(quantiles: Array) -> Array:
    """Return the columns that may have a dominating value.

    That is an extreme with a quarter of the rows, or a value with half of them. For
    other columns, centre and spread are the median and the interquartile range.
    """
    least, low, median, high, largest = quantiles
    pairs = ((least, low), (low, median), (median, high), (high, largest))
    alike = [~_differ(*pair) for pair in pairs]
    present = ~np.isnan(median)
    return present & np.logical_or.reduce(alike) & _differ(least, largest)
