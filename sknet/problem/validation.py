"""Validation of user input: clean arrays, or an error with a hint at the fix."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.validation import validate_data

from sknet._sklearn import check_y
from sknet.preprocessing.containers import (
    narrowed,
    refuse_mask,
    refuse_odd_containers,
)
from sknet.problem.labels import plain_labels


# Dense arrays of these types are not copied, but converted batch by batch.
_KEPT = frozenset(
    np.dtype(code).type
    for code in ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")
)
# Up to this many cells, the sum of squares takes half the time of the sum; for more
# cells, BLAS would use several threads.
_FEW_CELLS = 1024
# An upper bound of all counts, identifiers and time stamps of 64 bits.
_EXTREME = 2.0**64
_ENCODE = (
    "Encode text first, e.g. with OneHotEncoder, OrdinalEncoder or TargetEncoder, or "
    "use TabularMLPClassifier or TabularMLPRegressor, which accept such tables."
)


@contextmanager
def rollback(estimator: BaseEstimator) -> Iterator[None]:
    """Restore the attributes of an estimator if the block raises an exception.

    Parameters
    ----------
    estimator : object
        The estimator; the block must rebind its attributes, not change them in place.

    Yields
    ------
    None
    """
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def check_features(estimator: BaseEstimator, X: Any, reset: bool = False) -> Any:
    """Validate features of a fitted estimator.

    Parameters
    ----------
    estimator : object
        A fitted estimator; number and names of the features must match it.
    X : {array-like, sparse matrix, dataframe} of shape (N, D)
        Features.
    reset : bool, default=False
        Whether the data define number and names of the features instead.

    Returns
    -------
    X : ndarray or CSR matrix of shape (N, D)
        Finite and C-contiguous, of a real type.
    """
    if not reset and _needs_no_check(estimator, X):
        return X
    refuse_odd_containers(X)
    with _hint_at_encoders():
        return validate_data(
            estimator,
            narrowed(X),
            accept_sparse="csr",
            dtype=_dtype_to_ask_for(X),
            order="C",
            reset=reset,
        )


def _needs_no_check(estimator: BaseEstimator, X: Any) -> bool:
    """Return whether ``validate_data`` would return an array unchanged.

    The check takes 3 microseconds; ``validate_data`` takes 57, half of the time of a
    prediction for one row. In all unclear cases ``validate_data`` is called, which
    raises the error if there is one.
    """
    plain = (
        type(X) is np.ndarray
        and X.ndim == 2
        and X.shape[1] == estimator.n_features_in_
        and X.shape[0] > 0
        and X.dtype.type in _KEPT
        and X.dtype.isnative
        and X.flags.c_contiguous
        and "feature_names_in_" not in vars(estimator)
    )
    if not plain:
        return False
    if X.size <= _FEW_CELLS:
        return math.isfinite(np.vdot(X, X))
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(X.sum())


def check_array_alone(estimator: BaseEstimator, X: Any) -> np.ndarray:
    """Validate a plain array of features, without column names.

    Parameters
    ----------
    estimator : object
        The estimator; its ``n_features_in_`` must match, and messages name its class.
    X : ndarray of shape (N, D)
        Features.

    Returns
    -------
    X : ndarray of shape (N, D)
        Finite and C-contiguous, of a real type.

    Raises
    ------
    TypeError
        If X is not an array.
    ValueError
        If its number of columns or axes is wrong, it has no rows, or a value is not a
        finite number.
    """
    if _needs_no_check(estimator, X):
        return X
    name = type(estimator).__name__
    if not isinstance(X, np.ndarray):
        raise TypeError(
            f"{name} only accepts NumPy arrays, got {type(X).__name__}. The columns "
            "must be in the same order as in fit; use the estimator itself to have "
            "their names checked."
        )
    refuse_odd_containers(X)
    dtype = _dtype_to_ask_for(X)
    X = check_array(X, dtype=dtype, order="C", estimator=name, input_name="X")
    if X.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} features, but {name} is expecting "
            f"{estimator.n_features_in_} features as input."
        )
    return X


def check_training_data(
    estimator: BaseEstimator, X: Any, y: Any, reset: bool, numeric_target: bool
) -> tuple[Any, np.ndarray]:
    """Validate features and target together.

    Parameters
    ----------
    estimator : object
        The estimator, on which ``n_features_in_`` and ``feature_names_in_`` are set if
        ``reset``; otherwise, the data must match them.
    X : {array-like, sparse matrix, dataframe} of shape (N, D)
        Features.
    y : array-like of shape (N,) or (N, C)
        Target.
    reset : bool
        Whether the data define the features.
    numeric_target : bool
        Whether the target must be numeric.

    Returns
    -------
    X : ndarray or CSR matrix of shape (N, D)
        Finite and C-contiguous, of a real type. Values beyond 2**64 cause a warning.
    y : ndarray of shape (N,) or (N, C)
        The target; a column vector is flattened, with a warning.
    """
    if (
        not reset
        and _needs_no_check(estimator, X)
        and _target_needs_no_check(y, len(X), numeric_target)
    ):
        warn_of_extreme_column(estimator, X)
        return X, y
    refuse_odd_containers(X)
    y = _unmasked_target(y, numeric_target)
    with _hint_at_encoders():
        X, y = validate_data(
            estimator,
            narrowed(X),
            y,
            accept_sparse="csr",
            dtype=_dtype_to_ask_for(X),
            order="C",
            multi_output=True,
            y_numeric=numeric_target,
            reset=reset,
        )
    warn_of_extreme_column(estimator, X)
    return X, _plain_target(y, numeric_target)


def _target_needs_no_check(y: Any, n_rows: int, numeric: bool) -> bool:
    """Return whether ``validate_data`` would return a target unchanged.

    As with features, the time of validation matters in a stream of small batches.
    """
    if type(y) is not np.ndarray or y.ndim != 1 or len(y) != n_rows:
        return False
    if numeric and y.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return math.isfinite(np.vdot(y, y))
    return y.dtype.kind in ("biu" if numeric else "biuU")


def warn_of_extreme_column(estimator: BaseEstimator, X: Any) -> None:
    """Warn if a value is so large that nothing can be learned from the others.

    Parameters
    ----------
    estimator : object
        The estimator; its ``feature_names_in_`` are used if there are any.
    X : ndarray or CSR matrix of shape (N, D)
        Validated features.
    """
    values = X.data if sparse.issparse(X) else X
    if values.dtype.kind != "f" or not values.size:
        return
    with np.errstate(over="ignore", invalid="ignore"):  # one pass, without a temporary
        if float(np.vdot(values, values)) <= _EXTREME**2:
            return
    largest, least = float(values.max()), float(values.min())
    if not (largest > _EXTREME or least < -_EXTREME):
        return
    at = int(values.argmax() if largest >= -least else values.argmin())
    column = X.indices[at] if sparse.issparse(X) else at % X.shape[1]
    names = vars(estimator).get("feature_names_in_")
    warnings.warn(
        f"Column {column if names is None else repr(names[column])} holds "
        f"{float(values.flat[at]):.3g}, which is so large that a network learns "
        "nothing from other values. If it stands for a missing value, replace it by "
        "NaN and impute it; otherwise scale X (e.g. RobustScaler, "
        "QuantileTransformer).",
        stacklevel=2,
    )


def check_target(estimator: BaseEstimator, y: Any, numeric_target: bool) -> np.ndarray:
    """Validate a target alone.

    Parameters
    ----------
    estimator : object
        The estimator, for messages.
    y : array-like of shape (N,) or (N, C)
        Target.
    numeric_target : bool
        Whether the target must be numeric.

    Returns
    -------
    y : ndarray of shape (N,) or (N, C)
        The target; a column vector is flattened, with a warning.
    """
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but "
            "the target y is None."
        )
    y = _unmasked_target(y, numeric_target)
    with np.errstate(over="ignore", invalid="ignore"):  # the check for NaN sums all
        y = check_y(y, multi_output=True, y_numeric=numeric_target, estimator=estimator)
    return _plain_target(y, numeric_target)


def _unmasked_target(y: Any, numeric: bool) -> Any:
    """Raise an error for a masked target; convert labels of nullable types."""
    refuse_mask(y, "y", "Remove the masked rows, also from X: X[~y.mask].")
    return y if numeric else plain_labels(y)


def _plain_target(y: Any, numeric: bool) -> np.ndarray:
    """Make a validated target dense, and flat if it is a column; reject text."""
    if sparse.issparse(y):
        y = y.toarray()
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    if numeric and y.dtype.kind not in "biuf":
        raise ValueError(
            f"y must be numeric, got an array of dtype {y.dtype}. If it holds numbers "
            "as strings, convert them with y.astype(float)."
        )
    if numeric:  # objects were not checked for NaN before they were converted
        with np.errstate(over="ignore", invalid="ignore"):
            assert_all_finite(y, input_name="y")
    target: np.ndarray = y
    return target


def _dtype_to_ask_for(X: Any) -> Any:
    """Return None for arrays that are kept as they are, otherwise the float types."""
    if isinstance(X, np.ndarray) and X.dtype.type in _KEPT and X.dtype.isnative:
        return None
    return np.uint8 if _is_frame_of_bytes(X) else [np.float64, np.float32]


def _is_frame_of_bytes(X: Any) -> bool:
    """Return whether all columns of a dataframe of pandas or polars are uint8."""
    types = [] if isinstance(X, np.ndarray) else getattr(X, "dtypes", [])
    if not isinstance(types, list):
        types = list(types) if hasattr(types, "__iter__") else []
    in_polars = hasattr(X, "collect_schema")
    return bool(types) and all(
        str(t) == "UInt8" if in_polars else isinstance(t, np.dtype) and t == np.uint8
        for t in types
    )


@contextmanager
def of_validation_set() -> Iterator[None]:
    """Add to errors of the block that X and y are those of the validation set.

    Yields
    ------
    None
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        text = f"The validation set (X_val, y_val, sample_weight_val): {error}"
        raise kind(text) from error


@contextmanager
def _hint_at_encoders() -> Iterator[None]:
    """Add a hint at encoders to errors about text columns; let sums overflow."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # the check for NaN sums all
            yield
    except ValueError as error:
        if "could not convert" in str(error) or "convert your data" in str(error):
            raise ValueError(f"{error}. {_ENCODE}") from error
        raise
