"""The only file that uses names of scikit-learn that are private or new."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any

import numpy as np
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator
from sklearn.base import _fit_context as fit_context

# The public import of halving requires acknowledging that it is experimental, and sknet
# must not do so on behalf of its users.
from sklearn.model_selection._search_successive_halving import (
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
)
from sklearn.model_selection._validation import _fit_and_score as fit_and_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    Options,
    make_constraint,
)
from sklearn.utils._param_validation import StrOptions as _StrOptions
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import _check_feature_names_in as feature_names_in
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _check_sample_weight
from sklearn.utils.validation import _check_y as check_y


__all__ = [
    "CallbackSupportMixin",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "Interval",
    "InvalidParameterError",
    "ListOf",
    "Options",
    "Part",
    "StrOptions",
    "check_method_params",
    "check_sample_weight",
    "check_y",
    "feature_names_in",
    "fit_and_score",
    "fit_context",
    "gives_frames",
    "has_callbacks",
    "has_valid_parameters",
    "make_trainable",
    "mlp_target_kind",
    "parameter_names",
    "partial_fit_context",
    "requested_metadata",
    "safe_indexing",
    "set_mlp_labels",
]


class StrOptions(_StrOptions):
    """Names to choose from, listed in messages in alphabetical order.

    scikit-learn lists a set in its order of iteration, which differs between runs.
    """

    def __str__(self) -> str:
        """Return the description of the choices for error messages."""
        names = ", ".join(repr(name) for name in sorted(self.options))
        return f"a str among {{{names}}}"


class Part(_StrOptions):
    """Constraint on a component: a name in the current registry, or an instance.

    Parameters
    ----------
    *registries : Registry
        The registries whose names, including synonyms, and whose base classes are
        accepted.
    """

    def __init__(self, *registries: Any) -> None:
        self.type = str
        self.deprecated: set[str] = set()
        self.hidden = False
        self._registries = registries
        self._bases = tuple(registry.base for registry in registries)

    @property
    def options(self) -> set[str]:
        """The names, including those registered after this constraint was made."""
        return set().union(*(registry.names for registry in self._registries))

    def is_satisfied_by(self, val: Any) -> bool:
        """Return whether a value is one of the names, or an instance."""
        return isinstance(val, self._bases) or (
            isinstance(val, str) and val in self.options
        )

    def __str__(self) -> str:
        """Return the description of the choices for error messages."""
        names = ", ".join(repr(name) for name in sorted(self.options))
        bases = " or ".join(base.__name__ for base in self._bases)
        return f"a str among {{{names}}} or an instance of {bases}"


class ListOf(_StrOptions):
    """Constraint on a list, tuple or array, whose message says what it holds.

    Parameters
    ----------
    words : str
        The description for error messages, after "must be".
    """

    def __init__(self, words: str) -> None:
        super().__init__(set())
        self._words = words

    def is_satisfied_by(self, val: Any) -> bool:
        """Return whether a value is a sequence, but not text."""
        is_text = isinstance(val, (str, bytes))
        return isinstance(val, (Sequence, np.ndarray)) and not is_text

    def __str__(self) -> str:
        """Return the description for error messages."""
        return self._words


def check_sample_weight(sample_weight: Any, X: Any) -> np.ndarray:
    """Return sample weights as float64, validated alike in all versions.

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
        If a weight is negative or not finite, if all weights are zero, or if the array
        is masked.
    """
    if isinstance(sample_weight, np.ma.MaskedArray):
        raise ValueError(
            "sample_weight is a masked array, whose mask would be ignored. Fill it: "
            "sample_weight.filled(0.0)."
        )
    weight = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    if not weight.any():
        # scikit-learn 1.9 and later raise this error themselves.
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight


def partial_fit_context(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate ``partial_fit`` so that every call validates the parameters.

    scikit-learn's own context is not used because it validates them in the first call
    only, so that ``set_params`` could introduce invalid values between two calls, and
    because it manages callbacks, which ``partial_fit`` does not set up.

    Parameters
    ----------
    method : callable
        The method, called after the parameters have been validated one by one.

    Returns
    -------
    decorated : callable
        The method with validation.
    """

    @wraps(method)
    def decorated(estimator: BaseEstimator, *args: Any, **kwargs: Any) -> Any:
        if get_config()["skip_parameter_validation"]:
            return method(estimator, *args, **kwargs)
        estimator._validate_params()
        with config_context(skip_parameter_validation=True):
            return method(estimator, *args, **kwargs)

    return decorated


@cache
def parameter_names(cls: type, read: Callable[[], list[str]]) -> list[str]:
    """Return the names of a class's parameters, looked up once.

    scikit-learn inspects the signature of the constructor each time: in a search, this
    takes as long as the training of a small network.

    Parameters
    ----------
    cls : type
        The class.
    read : callable
        scikit-learn's method that reads them.

    Returns
    -------
    names : list of str
        The names, sorted.
    """
    del cls
    return read()


@cache
def _made_constraints(cls: type) -> list[tuple[str, Any, list[Any]]]:
    """Return the name, default and constraints of each parameter.

    A default that violates the constraints is replaced by an object that is never
    passed as a value.
    """
    kind: Any = cls
    given = kind._parameter_constraints
    signature = inspect.signature(cls).parameters
    made = []
    for name in kind._get_param_names():
        if given.get(name, "no_validation") != "no_validation":
            constraints = [make_constraint(constraint) for constraint in given[name]]
            default = signature[name].default
            if not _is_one_of(default, constraints):
                default = object()
            made.append((name, default, constraints))
    return made


def has_valid_parameters(estimator: BaseEstimator) -> bool:
    """Return whether all parameters are valid; scikit-learn reports the invalid ones.

    This takes half the time of scikit-learn's own validation.
    """
    made = _made_constraints(type(estimator))  # type: ignore[arg-type]  # has a hash
    for name, default, constraints in made:
        value = getattr(estimator, name)
        if value is not default and not _is_one_of(value, constraints):
            return False
    return True


def _is_one_of(value: Any, constraints: list[Any]) -> bool:
    """Return whether a value satisfies one of scikit-learn's constraints."""
    return any(constraint.is_satisfied_by(value) for constraint in constraints)


try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # before 1.9, which has no ``set_callbacks``

    class CallbackSupportMixin:  # type: ignore[no-redef]  # for older versions
        """Replacement for scikit-learn's mixin."""


def has_callbacks(estimator: BaseEstimator) -> bool:
    """Return whether an estimator has callbacks of scikit-learn (1.9 and later)."""
    return "_skl_callbacks" in vars(estimator)


def gives_frames(transformer: Any) -> bool:
    """Return whether ``set_output`` or the configuration requests a dataframe."""
    return bool(_get_output_config("transform", transformer)["dense"] != "default")


def requested_metadata(estimator: BaseEstimator) -> Any:
    """Return the metadata requested by ``set_fit_request``, or None."""
    return vars(estimator).get("_metadata_request")


def make_trainable(mlp: Any, stream: np.random.RandomState) -> None:
    """Give an ``MLPClassifier`` or ``MLPRegressor`` the state for further training.

    Parameters
    ----------
    mlp : estimator of scikit-learn
        An estimator with parameters, weights and biases. It creates its optimizer
        itself.
    stream : RandomState
        Its random stream.
    """
    mlp._random_state = stream
    mlp._no_improvement_count = 0
    mlp._best_coefs = [weights.copy() for weights in mlp.coefs_]
    mlp._best_intercepts = [bias.copy() for bias in mlp.intercepts_]


def mlp_target_kind(mlp: Any) -> str:
    """Return the kind of target that an ``MLPClassifier`` was fitted to."""
    return str(mlp._label_binarizer.y_type_)


def set_mlp_labels(mlp: Any, classes: np.ndarray, multilabel: bool) -> None:
    """Set the classes of an ``MLPClassifier``."""
    labels = np.eye(len(classes), dtype=int) if multilabel else classes
    mlp._label_binarizer = LabelBinarizer().fit(labels)
    mlp.classes_ = mlp._label_binarizer.classes_
