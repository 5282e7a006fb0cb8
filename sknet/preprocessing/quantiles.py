"""Quantiles of weighted rows, where integer weights mean repeated rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknet._numerics import Array


# Quantiles from which scaling is computed: minimum, quartiles, maximum.
PROBABILITIES = (0.0, 0.25, 0.5, 0.75, 1.0)


def unit_weight(weight: Array | None) -> float:
    """Return the weight that counts as one row.

    Parameters
    ----------
    weight : ndarray of shape (N,), or None
        Weights of the rows, >= 0 and not all zero; None for equal weights.

    Returns
    -------
    unit : float
        The smallest positive weight, at most 1: integers count repeated rows, and
        fractions are importances, relative to the least important row.
    """
    if weight is None:
        return 1.0
    return min(1.0, float(weight[weight > 0].min()))


def weighted_quantiles(
    x: Array, weight: Array | None = None, unit: float = 1.0
) -> Array:
    r"""Return quantiles of samples, at :data:`PROBABILITIES`.

    In sorted order, value :math:`x_i` fills the positions from :math:`C_{i-1}` to
    :math:`C_i - u`, where :math:`C_i = w_1 + ... + w_i`; between :math:`C_i - u` and
    :math:`C_i` there is a straight line to the next value. The quantile of probability
    q is the value at position :math:`q\,(W - u)`, where W is the sum of the weights.
    So integer weights (:math:`u = 1`) are equivalent to repeated rows, and without
    weights this is NumPy's linear rule, both to the last bit.

    Parameters
    ----------
    x : ndarray of shape (..., N)
        One or several samples of the same size, without NaN.
    weight : ndarray of shape (..., N), or None, default=None
        Positive weights w; None for equal weights.
    unit : float, default=1.0
        The weight u of one row: at most the smallest weight, if weights are less than
        1.

    Returns
    -------
    quantiles : ndarray of shape (..., Q)
        NaN if the sample is empty.
    """
    if weight is None:
        return _at_places(np.sort(x, axis=-1))
    order = np.argsort(x, axis=-1)
    x, weight = (np.take_along_axis(each, order, -1) for each in (x, weight))
    return quantiles_of_sorted(x, weight, unit)


def quantiles_of_sorted(x: Array, weight: Array, unit: float) -> Array:
    """Return :func:`weighted_quantiles` of samples in ascending order."""
    n, q = x.shape[-1], np.array(PROBABILITIES)
    if n == 0:
        return np.full((*x.shape[:-1], len(q)), np.nan)
    filled = np.cumsum(weight, axis=-1)
    place = q * (filled[..., -1:] - unit)
    at = [(filled <= place[..., k, None]).sum(axis=-1) for k in range(len(q))]
    at = np.minimum(np.stack(at, axis=-1), n - 1)
    with np.errstate(over="ignore"):  # the smallest weight may be tiny
        share = (place - (np.take_along_axis(filled, at, -1) - unit)) / unit
    above = np.take_along_axis(x, np.minimum(at + 1, n - 1), -1)
    return _between(np.take_along_axis(x, at, -1), above, np.clip(share, 0.0, 1.0))


def _at_places(x: Array) -> Array:
    """Return quantiles of sorted samples with equal weights."""
    n, q = x.shape[-1], np.array(PROBABILITIES)
    if n == 0:
        return np.full((*x.shape[:-1], len(q)), np.nan)
    place = q * (n - 1)
    at = place.astype(np.intp)
    return _between(x[..., at], x[..., np.minimum(at + 1, n - 1)], place - at)


def _between(a: Array, b: Array, share: Array) -> Array:
    """Interpolate as NumPy does, with both ends exact."""
    with np.errstate(over="ignore", invalid="ignore"):
        way = b - a
        found = np.where(share < 0.5, a + way * share, b - way * (1 - share))
    return np.where(a == b, a, found)


def quantiles_of_columns(
    X: Array, weight: Array | None = None, unit: float = 1.0
) -> Array:
    """Return :func:`weighted_quantiles` of each column, ignoring NaN.

    Parameters
    ----------
    X : ndarray of shape (N, D)
        Numbers.
    weight : ndarray of shape (N,), or None, default=None
        Positive weights of the rows.
    unit : float, default=1.0
        The weight of one row.

    Returns
    -------
    quantiles : ndarray of shape (Q, D)
        NaN for columns without a number.
    """
    found = np.empty((len(PROBABILITIES), X.shape[1]))
    for j in range(X.shape[1]):
        x, w = X[:, j].astype(np.float64), weight
        missing = np.isnan(x)
        if missing.any():
            x, w = x[~missing], None if w is None else w[~missing]
        found[:, j] = weighted_quantiles(x, w, unit)
    return found


def columns_of_sparse(X: Any) -> Any:
    """Return a CSC matrix without duplicates and explicit zeros."""
    if X.format == "csc" and X.has_canonical_format and X.data.all():
        return X
    X = X.tocsc(copy=True)
    X.sum_duplicates()
    X.eliminate_zeros()
    return X


def quantiles_of_sparse_columns(
    X: Any, weight: Array | None = None, unit: float = 1.0
) -> Array:
    """Return the quantiles of the columns of a sparse matrix, including zeros.

    Parameters
    ----------
    X : CSR or CSC matrix of shape (N, D)
        Numbers, without NaN.
    weight : ndarray of shape (N,), or None, default=None
        Positive weights of the rows.
    unit : float, default=1.0
        The weight of one row.

    Returns
    -------
    quantiles : ndarray of shape (Q, D)
        Quantiles, equal to those of the dense matrix.
    """
    X = columns_of_sparse(X)
    w = np.ones(X.shape[0]) if weight is None else weight
    total, stored = w.sum(), w @ (X != 0)
    found = np.zeros((len(PROBABILITIES), X.shape[1]))
    found[0] = X.min(axis=0).toarray().ravel()
    found[-1] = X.max(axis=0).toarray().ravel()
    # If at most a quarter of a column is stored, both quartiles are zero.
    for j in np.flatnonzero(stored > 0.25 * (total - unit)):
        rows = X.indices[X.indptr[j] : X.indptr[j + 1]]
        x, w_j = X.data[X.indptr[j] : X.indptr[j + 1]], w[rows]
        if len(rows) < X.shape[0]:
            zeros = max(total - w_j.sum(), unit)
            x, w_j = np.append(x, 0.0), np.append(w_j, zeros)
        found[:, j] = weighted_quantiles(x.astype(np.float64), w_j, unit)
    return found
