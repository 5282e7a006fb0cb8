"""Output activations: from raw outputs to predictions, for losses with a choice."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import expit

from sknet._numerics import Array, constant_row, log_softmax, logistic, softplus
from sknet.losses._base import LossBuffers


# Larger exponents may overflow; there is room for a sum of many exponentials.
_LARGEST_EXPONENT = {np.dtype(np.float32): 80.0, np.dtype(np.float64): 700.0}


def largest_exponent(dtype: np.dtype) -> float:
    """Return the largest exponent to use: its exponential is finite, as are sums."""
    return _LARGEST_EXPONENT[np.dtype(dtype)]


def capped_exponential(raw: Array, largest: float) -> Array:
    """Return ``exp(min(raw, largest))`` as a new array."""
    return np.exp(np.minimum(raw, largest))


def forward(name: str, raw: Array, buffers: LossBuffers) -> Array:
    """Return predictions in a scratch array, or ``raw`` itself for the identity.

    Parameters
    ----------
    name : str
        Name of the output activation.
    raw : ndarray of shape (K, B, R)
        Raw outputs.
    buffers : LossBuffers
        Keeps the result under the name "p".

    Returns
    -------
    p : ndarray of shape (K, B, R)
        Predictions.
    """
    if name == "identity":
        return raw
    p = buffers.named("p", raw.shape[-1])
    if name == "logistic":
        logistic(raw, out=p)
    elif name == "tanh":
        np.tanh(raw, out=p)
    elif name == "softplus":
        softplus(raw, out=p, scratch=buffers.named("slope", raw.shape[-1]))
    elif name == "exp":
        # half of the largest, because the error is squared
        largest = 0.5 * largest_exponent(raw.dtype)
        np.minimum(raw, constant_row(raw.shape[-1], raw.dtype, largest), out=p)
        np.exp(p, out=p)
    else:
        np.maximum.reduce(raw, axis=-1, keepdims=True, out=buffers.sums)
        np.subtract(raw, buffers.sums, out=p)
        np.exp(p, out=p)
        p /= np.matmul(p, buffers.ones_column, out=buffers.sums)
    return p


def pull_back(name: str, raw: Array, p: Array, dp: Array, buffers: LossBuffers) -> None:
    """Turn the gradient by predictions into the gradient by raw outputs, in place.

    Parameters
    ----------
    name : str
        Name of the output activation.
    raw, p : ndarray of shape (K, B, R)
        Raw outputs, and the predictions from :func:`forward`.
    dp : ndarray of shape (K, B, R)
        Overwritten.
    buffers : LossBuffers
        Scratch arrays.
    """
    if name == "identity":
        return
    slope = buffers.named("slope", raw.shape[-1])
    if name == "logistic":
        # compute 1 - p from the raw output: the difference would lose digits
        np.negative(raw, out=slope)
        logistic(slope, out=slope)
        slope *= p
    elif name == "tanh":
        # likewise 1 - p * p, as 4 * logistic(2 raw) * logistic(-2 raw)
        np.multiply(raw, 2.0, out=slope)
        dp *= logistic(slope, out=slope)
        np.multiply(raw, -2.0, out=slope)
        logistic(slope, out=slope)
        slope *= 4.0
    elif name == "softplus":
        logistic(raw, out=slope)
    elif name == "exp":
        np.copyto(slope, p)
    else:
        np.multiply(dp, p, out=slope)
        dp -= np.matmul(slope, buffers.ones_column, out=buffers.sums)
        np.copyto(slope, p)
    dp *= slope


LINKS: dict[str, Callable[[Array], Array]] = {
    "identity": np.copy,
    "logistic": expit,
    "softmax": lambda raw: np.exp(log_softmax(raw)),
    "tanh": np.tanh,
    "softplus": lambda raw: np.logaddexp(0.0, raw),
    "exp": lambda raw: capped_exponential(raw, 0.5 * largest_exponent(raw.dtype)),
}

# The range of each output activation, both ends excluded.
_RANGES = {
    "identity": (-math.inf, math.inf),
    "logistic": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softplus": (0.0, math.inf),
    "exp": (0.0, math.inf),
}

_INVERSES: dict[str, Callable[[Array], Array]] = {
    "identity": np.copy,
    "logistic": lambda p: np.log(p) - np.log1p(-p),
    "softmax": np.log,
    "tanh": np.arctanh,
    "softplus": lambda p: p + np.log(-np.expm1(-p)),
    "exp": np.log,
}


def inverse(name: str, p: Array) -> Array:
    """Return raw outputs that give the predictions, or the nearest possible ones.

    Parameters
    ----------
    name : str
        Name of the output activation.
    p : ndarray of shape (..., R)
        Predictions. They are first moved inside the range; for a softmax, whose outputs
        sum to one, all are shifted by the same amount.

    Returns
    -------
    raw : ndarray of the shape of p
        Raw outputs, finite.
    """
    low, high = _RANGES[name]
    if name == "softmax":
        p = p + (1.0 - p.sum(axis=-1, keepdims=True)) / p.shape[-1]
    inner = np.nextafter(np.array([low, high], dtype=p.dtype), p.dtype.type(0.0))
    least = np.finfo(p.dtype).tiny if low == 0.0 else inner[0]
    return _INVERSES[name](np.clip(p, least, inner[1]))
