"""The only file that touches scikit-learn's private or version-bound names."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    Options,
)
from sklearn.utils._param_validation import StrOptions as _StrOptions
from sklearn.utils.validation import _check_sample_weight


__all__ = [
    "Interval",
    "InvalidParameterError",
    "Options",
    "StrOptions",
    "check_sample_weight",
    "fit_context",
]


class StrOptions(_StrOptions):
    """Names to choose from, listed in messages in alphabetical order.

    scikit-learn lists the members of a set as they come, in another order each run.
    """

    def __str__(self) -> str:
        """Return what a message says of the choice."""
        names = ", ".join(repr(name) for name in sorted(self.options))
        return f"a str among {{{names}}}"


def check_sample_weight(sample_weight: Any, X: Any) -> np.ndarray:
    """Return sample weights as float64 of shape (N,), checked alike on all versions.

    Parameters
    ----------
    sample_weight : number or array-like of shape (N,)
        The weights.
    X : ndarray or sparse matrix of shape (N, D)
        The rows they belong to.

    Returns
    -------
    weight : ndarray of shape (N,)
        The weights.

    Raises
    ------
    ValueError
        If a weight is negative, not finite, or all of them are zero.
    """
    weight = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    if not weight.any():
        # scikit-learn says so itself from 1.9 on.
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight
