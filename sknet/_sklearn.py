"""The only file that touches scikit-learn's private or version-bound names."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from sklearn.base import _fit_context as fit_context

# scikit-learn calls halving experimental, and its public import a promise to know that;
# importing sknet must not make the promise for its user.
from sklearn.model_selection._search_successive_halving import (
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
)
from sklearn.model_selection._validation import _fit_and_score as fit_and_score
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    Options,
)
from sklearn.utils._param_validation import StrOptions as _StrOptions
from sklearn.utils.metaestimators import _safe_split as safe_split
from sklearn.utils.validation import _check_feature_names_in as feature_names_in
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _check_sample_weight
from sklearn.utils.validation import _check_y as check_y


__all__ = [
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "Interval",
    "InvalidParameterError",
    "KnownParameters",
    "Options",
    "Part",
    "StrOptions",
    "check_method_params",
    "check_sample_weight",
    "check_y",
    "feature_names_in",
    "fit_and_score",
    "fit_context",
    "has_callbacks",
    "requested_metadata",
    "safe_split",
]


class StrOptions(_StrOptions):
    """Names to choose from, listed in messages in alphabetical order.

    scikit-learn lists the members of a set as they come, in another order each run.
    """

    def __str__(self) -> str:
        """Return what a message says of the choice."""
        names = ", ".join(repr(name) for name in sorted(self.options))
        return f"a str among {{{names}}}"


class Part(_StrOptions):
    """A component: a name from a registry as it is now, or an instance.

    Parameters
    ----------
    registry : mapping
        The registered names.
    base : type
        Base of the instances.
    *names : str
        Further names.
    """

    def __init__(self, registry: Any, base: type, *names: str) -> None:
        self.type = str
        self.deprecated: set[str] = set()
        self.hidden = False
        self._registry = registry
        self._base = base
        self._names = names

    @property
    def options(self) -> set[str]:
        """The names; what was registered a moment ago is among them."""
        return {*self._registry, *self._names}

    def is_satisfied_by(self, val: Any) -> bool:
        """Tell whether a value is such a name, or an instance."""
        return isinstance(val, self._base) or (
            isinstance(val, str) and val in self.options
        )

    def __str__(self) -> str:
        """Return what a message says of the choice."""
        names = ", ".join(repr(name) for name in sorted(self.options))
        return f"a str among {{{names}}} or an instance of {self._base.__name__}"


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


class KnownParameters:
    """Mixin: the names of a class's parameters are looked up once.

    scikit-learn reads the signature of the constructor again and again: in a search
    that takes as long as the training of a small network.
    """

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        """Return the names of the parameters."""
        return super()._get_param_names()  # type: ignore[misc,no-any-return]


def has_callbacks(estimator: Any) -> bool:
    """Tell whether scikit-learn's callbacks hang on an estimator (1.9 on)."""
    return "_skl_callbacks" in vars(estimator)


def requested_metadata(estimator: Any) -> Any:
    """Return what an estimator asked for by ``set_fit_request``, or None."""
    return vars(estimator).get("_metadata_request")
