"""Validation: from what users hand in to clean arrays, or to an error that helps."""

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


# Dense arrays of these types are used where they lie and converted batch by batch.
_KEPT = frozenset(
    np.dtype(code).type
    for code in ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")
)
# Up to so many cells the sum of their squares takes half of the time of their sum; of
# more, BLAS would add them up by several threads.
_FEW_CELLS = 1024
# No count, identifier or time stamp that fits into 64 bits is larger.
_EXTREME = 2.0**64
_ENCODE = (
    "Encode text first, e.g. with OneHotEncoder, OrdinalEncoder or TargetEncoder, or "
    "use TabularMLPClassifier or TabularMLPRegressor, which take tables as they are."
)


@contextmanager
def rollback(estimator: BaseEstimator) -> Iterator[None]:
    """Give an estimator back as it was if anything fails inside.

    Parameters
    ----------
    estimator : object
        Its attributes are rebound, never changed in place, by what runs inside.

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
        Fitted; its number and names of features must be met.
    X : {array-like, sparse matrix, dataframe} of shape (N, D)
        Features.
    reset : bool, default=False
        Whether this is the first sight of the data, which define these features.

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
    """Tell whether ``validate_data`` would return an array as it is.

    Looking takes 3 microseconds instead of 57, which is half of a prediction of one
    row. Whatever is not plainly right goes the long way, and gets its message there.
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
    """Validate features for somebody who knows no names of columns.

    Parameters
    ----------
    estimator : object
        Its ``n_features_in_`` must be met; messages name its class.
    X : ndarray of shape (N, D)
        Features.

    Returns
    -------
    X : ndarray of shape (N, D)
        Finite and C-contiguous, of a real type.

    Raises
    ------
    TypeError
        If X is no array.
    ValueError
        If it has another number of columns or axes, no rows, or cells that are no
        finite numbers.
    """
    if _needs_no_check(estimator, X):
        return X
    name = type(estimator).__name__
    if not isinstance(X, np.ndarray):
        raise TypeError(
            f"{name} takes NumPy arrays, got {type(X).__name__}. Its columns must "
            "stand as they did in fit; the estimator itself checks their names."
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
        Gets ``n_features_in_`` and ``feature_names_in_`` if ``reset``, else must
        agree with them.
    X : {array-like, sparse matrix, dataframe} of shape (N, D)
        Features.
    y : array-like of shape (N,) or (N, C)
        Target.
    reset : bool
        Whether this is the first sight of the data.
    numeric_target : bool
        Whether the target must be numbers.

    Returns
    -------
    X : ndarray or CSR matrix of shape (N, D)
        Finite and C-contiguous, of a real type. A value beyond 2**64 is warned of.
    y : ndarray of shape (N,) or (N, C)
        The target; a column vector has become flat, with a warning.
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
    """Tell whether ``validate_data`` would return a target as it is.

    As with features, what it takes to look counts in a stream of small batches.
    """
    if type(y) is not np.ndarray or y.ndim != 1 or len(y) != n_rows:
        return False
    if numeric and y.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return math.isfinite(np.vdot(y, y))
    return y.dtype.kind in ("biu" if numeric else "biuU")


def warn_of_extreme_column(estimator: BaseEstimator, X: Any) -> None:
    """Say so where a value is too large for anything to be learned beside it.

    Parameters
    ----------
    estimator : object
        May know the names of the columns.
    X : ndarray or CSR matrix of shape (N, D)
        Validated features.
    """
    values = X.data if sparse.issparse(X) else X
    if values.dtype.kind != "f" or not values.size:
        return
    with np.errstate(over="ignore", invalid="ignore"):  # one look at all, no temporary
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
        f"{float(values.flat[at]):.3g}, beside which a network learns nothing from "
        "other values. If it stands for something missing, say so with NaN and impute "
        "it; else scale X (e.g. RobustScaler, QuantileTransformer).",
        stacklevel=2,
    )


def check_target(estimator: BaseEstimator, y: Any, numeric_target: bool) -> np.ndarray:
    """Validate a target alone.

    Parameters
    ----------
    estimator : object
        Whose target it is, for messages.
    y : array-like of shape (N,) or (N, C)
        Target.
    numeric_target : bool
        Whether it must be numbers.

    Returns
    -------
    y : ndarray of shape (N,) or (N, C)
        The target; a column vector has become flat, with a warning.
    """
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but "
            "the target y is None."
        )
    y = _unmasked_target(y, numeric_target)
    with np.errstate(over="ignore", invalid="ignore"):  # a look for NaN sums all
        y = check_y(y, multi_output=True, y_numeric=numeric_target, estimator=estimator)
    return _plain_target(y, numeric_target)


def _unmasked_target(y: Any, numeric: bool) -> Any:
    """Refuse a masked target; make labels that pandas may miss plain ones."""
    refuse_mask(y, "y", "Leave the masked rows out, of X too: X[~y.mask].")
    return y if numeric else plain_labels(y)


def _plain_target(y: Any, numeric: bool) -> np.ndarray:
    """Make a validated target flat if it is a column, and dense; refuse text."""
    if sparse.issparse(y):
        y = y.toarray()
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    if numeric and y.dtype.kind not in "biuf":
        raise ValueError(
            f"y must be numbers, got an array of type {y.dtype}. If the strings are "
            "numbers, convert them: y.astype(float)."
        )
    if numeric:  # of objects only their types were looked at, until they were numbers
        with np.errstate(over="ignore", invalid="ignore"):
            assert_all_finite(y, input_name="y")
    target: np.ndarray = y
    return target


def _dtype_to_ask_for(X: Any) -> Any:
    """Return None for arrays that stay as they are, else the float types."""
    if isinstance(X, np.ndarray) and X.dtype.type in _KEPT and X.dtype.isnative:
        return None
    return [np.float64, np.float32]


@contextmanager
def of_validation_set() -> Iterator[None]:
    """Say of an error inside that X and y are those of the validation set.

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
    """Add how to encode to the error about text columns; sums may overflow."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # a look for NaN sums all
            yield
    except ValueError as error:
        if "could not convert" in str(error) or "convert your data" in str(error):
            raise ValueError(f"{error}. {_ENCODE}") from error
        raise
