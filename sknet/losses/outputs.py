"""Output activations: from raw outputs to predictions, where a loss leaves a choice."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit

from sknet._numerics import Array, log_softmax, logistic, softplus
from sknet.losses._base import LossBuffers


# Exponents beyond these overflow; with room for a sum of many.
_LARGEST_EXPONENT = {np.dtype(np.float32): 80.0, np.dtype(np.float64): 700.0}


def largest_exponent(dtype: np.dtype) -> float:
    """Return an exponent whose exponential is finite, with room for a sum."""
    return _LARGEST_EXPONENT[np.dtype(dtype)]


def _largest_root(dtype: np.dtype) -> float:
    """Return an exponent whose exponential may be squared."""
    return 0.5 * largest_exponent(dtype)


def capped_exponential(raw: Array) -> Array:
    """Return the exponential of raw outputs, huge but finite where they are large."""
    return np.exp(np.minimum(raw, largest_exponent(raw.dtype)))


def forward(name: str, raw: Array, work: LossBuffers) -> Array:
    """Return predictions in a scratch array; of the identity ``raw`` itself.

    Parameters
    ----------
    name : str
        Name of the output activation.
    raw : ndarray of shape (K, B, R)
        Raw outputs.
    work : LossBuffers
        Keeps the result, under the name "p".

    Returns
    -------
    p : ndarray of shape (K, B, R)
        Predictions.
    """
    if name == "identity":
        return raw
    p = work.named("p", raw.shape[-1])
    if name == "logistic":
        logistic(raw, out=p)
    elif name == "tanh":
        np.tanh(raw, out=p)
    elif name == "softplus":
        softplus(raw, out=p, tmp=work.named("slope", raw.shape[-1]))
    elif name == "exp":
        np.minimum(raw, _largest_root(raw.dtype), out=p)
        np.exp(p, out=p)
    else:
        np.subtract(raw, raw.max(axis=-1, keepdims=True), out=p)
        np.exp(p, out=p)
        p /= np.matmul(p, work.ones_column)
    return p


def pull_back(name: str, raw: Array, p: Array, dp: Array, work: LossBuffers) -> None:
    """Turn the gradient by the predictions into that by the raw outputs, in place.

    Parameters
    ----------
    name : str
        Name of the output activation.
    raw, p : ndarray of shape (K, B, R)
        Raw outputs, and what :func:`forward` made of them.
    dp : ndarray of shape (K, B, R)
        Overwritten.
    work : LossBuffers
        Scratch arrays.
    """
    if name == "identity":
        return
    slope = work.named("slope", raw.shape[-1])
    if name == "logistic":
        # one minus p from the raw output: a difference would lose the digits
        np.negative(raw, out=slope)
        logistic(slope, out=slope)
        slope *= p
    elif name == "tanh":
        np.multiply(p, p, out=slope)
        np.subtract(1.0, slope, out=slope)
    elif name == "softplus":
        logistic(raw, out=slope)
    elif name == "exp":
        np.copyto(slope, p)
    else:
        np.multiply(dp, p, out=slope)
        dp -= np.matmul(slope, work.ones_column)
        np.copyto(slope, p)
    dp *= slope


LINKS: dict[str, Callable[[Array], Array]] = {
    "identity": np.copy,
    "logistic": expit,
    "softmax": lambda raw: np.exp(log_softmax(raw)),
    "tanh": np.tanh,
    "softplus": lambda raw: np.logaddexp(0.0, raw),
    "exp": lambda raw: np.exp(np.minimum(raw, _largest_root(raw.dtype))),
}

# Where each prediction comes from; ends of the open range are moved inside before.
INVERSES: dict[str, Callable[[Array], Array]] = {
    "identity": np.copy,
    "logistic": lambda p: np.log(p) - np.log1p(-p),
    "softmax": np.log,
    "tanh": np.arctanh,
    "softplus": lambda p: p + np.log(-np.expm1(-p)),
    "exp": np.log,
}
