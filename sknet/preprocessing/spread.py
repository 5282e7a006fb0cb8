r"""Centre and spread of numbers, where one value may have most of the rows.

The centre of a column x is its median, and its spread is the interquartile range
:math:`q_{0.75} - q_{0.25}`. Where one value m has more than half of the rows, the
quartiles may say nothing of the others. They get room as well: the spread is at least

.. math:: \max\bigl(\tfrac12 \operatorname{median} \{|x_i - m| : x_i \neq m\},\;
    2\,(o_{0.75} - o_{0.25})\bigr),

where :math:`o_{0.25}` and :math:`o_{0.75}` are the quartiles of the others; if these
are less than ten rows, the first part alone counts. Of two values it is half their
distance.

An end (the least or the largest value, which may stand for "unknown": -999, 99999) that
several rows have, and a twentieth of those without the majority, is left out of all
this if that makes the spread less than a fifth of what it is, and so is the next. What
is left must be at least ten rows.

A sparse column is not centred. It has at least half of its median for a spread, or all
its numbers might lie where they are clipped, and zero is never left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.preprocessing.quantiles import quantiles_of_sorted, weighted_quantiles


# A difference below this share of the larger number is rounding.
_ROUNDING = 10 * np.finfo(np.float64).eps

# An end is far if the spread without it is less than the spread with it over this.
_FAR_END = 5.0

# An end stands for "unknown" if that share of the rows without the majority has it.
_FREQUENT = 0.05

# So many rows have a spread that can be told from chance.
_FEW_ROWS = 10

# Beside a majority, the others have long tails as a rule: they get twice the room.
_ROOM = 2.0


@dataclass(frozen=True)
class Sample:
    """Different values of one column, and the weights of their rows.

    Parameters
    ----------
    values : ndarray of shape (V,)
        In ascending order; values that differ by rounding are one.
    weight : ndarray of shape (V,)
        Sums of positive weights.
    unit : float
        The weight of one row.
    """

    values: Array
    weight: Array
    unit: float

    @classmethod
    def of(cls, x: Array, weight: Array | None = None, unit: float = 1.0) -> Sample:
        """Return the sample of a column's rows; NaN is left out."""
        if weight is None:
            x = np.sort(x)
            x = x[: len(x) - np.isnan(x).sum()]  # which are last
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
        """Whether value ``k`` has more than one row, and a share of the others."""
        total, largest = self.weight.sum(), self.weight.max()
        others = total - largest if largest > total / 2 else total
        return bool(_is_frequent(self.weight[k], others, self.unit))

    @property
    def is_small(self) -> bool:
        """Whether these are too few rows to have a spread."""
        with np.errstate(over="ignore"):  # as many rows as a float can say, or more
            return bool(_is_few(self.weight.sum() / self.unit))

    def center_and_half(self, from_zero: bool) -> tuple[float, float]:
        """Return the median and half the spread, ends kept.

        With ``from_zero``, the spread is at least half of the median: nothing will be
        subtracted, and what is far beyond the spread would be clipped.
        """
        _, low, center, high, _ = self.quantiles()
        half = float(half_range(low, high))
        k = int(self.weight.argmax())
        if self.weight[k] > self.weight.sum() / 2 and len(self.values) > 1:
            half = max(half, self.without(k).half_around(self.values[k]))
        return float(center), max(half, abs(center) / 4) if from_zero else half

    def half_around(self, majority: float) -> float:
        """Return half the spread of what is not ``majority``."""
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
        A column; not empty.
    from_zero : bool, default=False
        Whether the column will not be centred.

    Returns
    -------
    center, half : float
        Far ends are left out.
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
        Numbers; NaN is left out.
    quantiles : ndarray of shape (5, D)
        Their least values, quartiles and largest values.
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
    """Return half the spreads of the columns of a sparse matrix, seen from zero.

    Parameters
    ----------
    X : CSC matrix of shape (N, D)
        Numbers, each stored once.
    quantiles : ndarray of shape (5, D)
        Least values, quartiles and largest values of its columns.
    weight : ndarray of shape (N,), or None
        Positive weights of the rows.
    unit : float
        The weight of one row.

    Returns
    -------
    half : ndarray of shape (D,)
        As those of the dense matrix that is not centred.
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
    """Return half the spreads of columns whose quartiles are zeros, all at once.

    Returns
    -------
    half : ndarray of shape (D,)
        Those with all ends kept.
    is_clear : ndarray of bool of shape (D,)
        Whether no end can be far: no number is so near to zero, or no end, which zero
        is not, has many rows.
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
    """Return whether a value of this weight may stand for "unknown"."""
    repeated = weight > unit * (1 + 1e-9)
    return repeated & (weight >= _FREQUENT * others * (1 - 1e-9))


def _is_few(n_rows: Any) -> Any:
    """Return whether so many rows have no spread that could be told from chance."""
    return n_rows < _FEW_ROWS * (1 - 1e-9)


def half_range(low: Array, high: Array) -> Array:
    """Return ``(high - low) / 2``, and 0 where this is rounding."""
    half = np.asarray(high / 2 - low / 2)  # does not overflow
    return np.where(_differ(low, high), half, 0.0)


def _differ(low: Array, high: Array) -> Array:
    """Return where numbers differ by more than rounding; ``high`` is not less."""
    with np.errstate(all="ignore"):
        rounding = _ROUNDING * np.maximum(abs(high), abs(low)) / 2
        return high / 2 - low / 2 > rounding


def _may_be_dominated(quantiles: Array) -> Array:
    """Return where an end may have a quarter of the rows, or a value half of them.

    For other columns, centre and spread are the median and the interquartile range.
    """
    least, low, median, high, largest = quantiles
    pairs = ((least, low), (low, median), (median, high), (high, largest))
    alike = [~_differ(*pair) for pair in pairs]
    present = ~np.isnan(median)
    return present & np.logical_or.reduce(alike) & _differ(least, largest)
