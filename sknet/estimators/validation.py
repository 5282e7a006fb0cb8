"""Validation: from what users hand in to clean arrays, or to an error that helps."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import column_or_1d
from sklearn.utils.validation import validate_data

from sknet._sklearn import InvalidParameterError


# Dense arrays of these types are used where they lie and converted batch by batch.
_KEPT = frozenset(
    np.dtype(code).type
    for code in ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")
)
_ENCODE = "Encode text first, e.g. with OneHotEncoder, OrdinalEncoder or TargetEncoder."


@contextmanager
def rollback(estimator: Any) -> Iterator[None]:
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


def check_features(estimator: Any, X: Any) -> Any:
    """Validate features of a fitted estimator.

    Parameters
    ----------
    estimator : object
        Fitted; its number and names of features must be met.
    X : {array-like, sparse matrix, dataframe} of shape (N, D)
        Features.

    Returns
    -------
    X : ndarray or CSR matrix of shape (N, D)
        Finite and C-contiguous, of a real type.
    """
    if _needs_no_check(estimator, X):
        return X
    _refuse_odd_containers(X)
    with _hint_at_encoders():
        return validate_data(
            estimator,
            X,
            accept_sparse="csr",
            dtype=_dtype_to_ask_for(X),
            order="C",
            reset=False,
        )


def _needs_no_check(estimator: Any, X: Any) -> bool:
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
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(X.sum())


def check_training_data(
    estimator: Any, X: Any, y: Any, reset: bool, numeric_target: bool
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
        Finite and C-contiguous, of a real type.
    y : ndarray of shape (N,) or (N, C)
        The target; a column vector has become flat, with a warning.
    """
    _refuse_odd_containers(X)
    if not numeric_target:
        y = _plain_labels(y)
    with _hint_at_encoders():
        X, y = validate_data(
            estimator,
            X,
            y,
            accept_sparse="csr",
            dtype=_dtype_to_ask_for(X),
            order="C",
            multi_output=True,
            y_numeric=numeric_target,
            reset=reset,
        )
    if sparse.issparse(y):
        y = y.toarray()
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    if numeric_target and y.dtype.kind not in "biuf":
        raise ValueError(
            f"y must be numbers, got an array of type {y.dtype}. If the strings are "
            "numbers, convert them: y.astype(float)."
        )
    return X, y


def _dtype_to_ask_for(X: Any) -> Any:
    """Return None for arrays that stay as they are, else the float types."""
    if isinstance(X, np.ndarray) and X.dtype.type in _KEPT and X.dtype.isnative:
        return None
    return [np.float64, np.float32]


def _refuse_odd_containers(X: Any) -> None:
    """Refuse what scikit-learn takes without a word, or refuses without a hint."""
    if type(X) is np.ndarray and X.dtype.kind not in "mM":
        return
    if isinstance(X, np.ma.MaskedArray):
        raise ValueError(
            "X is a masked array, whose mask would be ignored. Impute the masked "
            "values first, e.g. SimpleImputer().fit_transform(X.filled(np.nan))."
        )
    if type(X).__name__ == "LazyFrame":
        raise TypeError("X is a polars LazyFrame; call .collect() on it first.")
    kind = getattr(getattr(X, "dtype", None), "kind", "")
    if kind in ("m", "M"):
        raise TypeError(f"X has the type {X.dtype}; {_NUMBERS_FROM_DATES}")
    if isinstance(getattr(X, "columns", None), property) or sparse.issparse(X):
        return
    _refuse_odd_columns(X)


_NUMBERS_FROM_DATES = (
    "dates and durations must be made numbers first (year, weekday, seconds ...)."
)


def _refuse_odd_columns(X: Any) -> None:
    """Refuse columns of dates, and columns of one name, in a dataframe."""
    names, types = getattr(X, "columns", None), getattr(X, "dtypes", None)
    if names is None or types is None:
        return
    names = list(names)
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise ValueError(f"X has several columns of the same name: {doubled}.")
    for name, dtype in zip(names, types, strict=False):
        text = str(dtype).lower()
        if text.startswith(("date", "time", "duration")):
            raise TypeError(
                f"Column {name!r} of X has the type {dtype}; {_NUMBERS_FROM_DATES}"
            )


@contextmanager
def _hint_at_encoders() -> Iterator[None]:
    """Add how to encode to the error about text columns."""
    try:
        yield
    except ValueError as error:
        if "could not convert" in str(error) or "convert your data" in str(error):
            raise ValueError(f"{error}. {_ENCODE}") from error
        raise


def _plain_labels(y: Any) -> Any:
    """Turn nullable integer and boolean labels of pandas into plain ones."""
    name = str(getattr(y, "dtype", ""))
    if name.startswith(("Int", "UInt", "boolean")) and not np.any(y.isna()):
        return y.to_numpy(dtype="bool" if name == "boolean" else name.lower())
    return y


def check_hidden_layer_sizes(hidden_layer_sizes: Any) -> tuple[int, ...]:
    """Return the widths of the hidden layers as a tuple of ints.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int
        As the user gave them.

    Returns
    -------
    sizes : tuple of int
        Maybe empty, for a linear model.

    Raises
    ------
    ValueError
        If a width is not positive, or not a whole number.
    """
    sizes = list(np.atleast_1d(np.asarray(hidden_layer_sizes, dtype=object)))
    for size in sizes:
        if isinstance(size, (bool, np.bool_)) or not isinstance(
            size, (int, np.integer)
        ):
            raise InvalidParameterError(
                "The 'hidden_layer_sizes' parameter must hold whole numbers, got "
                f"{size!r} of type {type(size).__name__} in {hidden_layer_sizes!r}."
            )
        if size <= 0:
            raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return tuple(int(size) for size in sizes)


def moderate_scale(weight: np.ndarray) -> np.ndarray:
    """Bring absurdly large or small weights to a mean of one.

    Within a hundred orders of magnitude weights stay as they are: ``alpha`` is
    divided by their sum, so that their scale means something, as in scikit-learn.

    Parameters
    ----------
    weight : ndarray of shape (N,)
        Sample weights, not all of them zero.

    Returns
    -------
    weight : ndarray of shape (N,)
        Weights whose sums neither overflow nor vanish.
    """
    largest = weight.max()
    if 1e-30 < largest < 1e30:
        return weight
    weight = weight / largest
    return weight / weight.mean()
