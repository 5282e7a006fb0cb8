"""Pooling: the predictions of several networks combined into one."""

from __future__ import annotations

import numpy as np

from sknet._numerics import Array, log_softmax, mean_of_members
from sknet.losses import Loss, ValueLoss
from sknet.losses.outputs import LINKS, inverse


def predictions_of(loss: Loss, raw: Array) -> Array:
    """Return the predictions of each member, (K, N, C), for raw outputs (K, N, R)."""
    if len(raw) == 1:  # a copy would count in the prediction of a single row
        return loss.link(raw[0])[None]
    return np.stack([loss.link(member) for member in raw])


def mean_prediction(predictions: Array) -> Array:
    """Return the mean (N, C) of predictions (K, N, C); that of a single member."""
    if len(predictions) == 1:
        single: Array = predictions[0]
        return single
    return mean_of_members(predictions)


def mean_link(loss: Loss, raw: Array) -> Array:
    """Return the mean prediction (N, C) of the members, for raw outputs (K, N, R)."""
    return mean_prediction(predictions_of(loss, raw))


def pooled(loss: Loss, raw: Array) -> Array:
    """Return raw outputs whose prediction is the mean of the members' predictions.

    Parameters
    ----------
    loss : Loss
        The loss; its link maps raw outputs to predictions.
    raw : ndarray of shape (K, N, R)
        Raw outputs.

    Returns
    -------
    raw : ndarray of shape (N, R)
        For a single member, its raw outputs. If the link has no inverse (several
        quantiles, a mean with its variance), the mean of the raw outputs.
    """
    if len(raw) == 1:
        single: Array = raw[0]
        return single
    if loss.link_name not in LINKS:
        return mean_of_members(raw)
    return inverse(loss.link_name, mean_link(loss, raw)).astype(raw.dtype)


def log_mean(loss: Loss, raw: Array) -> Array:
    """Return the logarithms of the members' mean softmax probabilities.

    Parameters
    ----------
    loss : Loss
        A loss with a softmax link.
    raw : ndarray of shape (K, N, R)
        Raw outputs.

    Returns
    -------
    log_probability : ndarray of shape (N, R)
        Finite values. For a single member, they also distinguish classes whose
        probabilities are too small to differ.
    """
    limits = np.finfo(raw.dtype)
    if len(raw) == 1:
        return np.maximum(log_softmax(raw[0]), limits.min)
    return np.log(np.maximum(mean_link(loss, raw), limits.tiny))


def total_spread(loss: ValueLoss, raw: Array) -> Array | None:
    r"""Return the total standard deviation of the members' predictions.

    .. math:: s^2 = \frac{1}{K} \sum_k s_k^2 + \frac{1}{K} \sum_k (m_k - \bar{m})^2

    Parameters
    ----------
    loss : ValueLoss
        Gives the values :math:`m_k` and, if it predicts them, the deviations
        :math:`s_k`.
    raw : ndarray of shape (K, N, R)
        Raw outputs.

    Returns
    -------
    spread : ndarray of shape (N, C), or None
        None for a single member that predicts no deviation.
    """
    own = [loss.spread(member) for member in raw]
    if len(raw) == 1:
        return own[0]
    points = np.stack([loss.point(loss.link(member)) for member in raw])
    variance = points.var(axis=0)
    if own[0] is not None:
        variance += np.square(np.stack([s for s in own if s is not None])).mean(axis=0)
    spread: Array = np.sqrt(variance)
    return spread
