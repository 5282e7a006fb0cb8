"""The input cache: data shared by several estimators are validated only once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from sklearn.base import BaseEstimator

from sknet._numerics import Array
from sknet._sklearn import safe_indexing
from sknet.problem.validation import check_target


def _learned(estimator: BaseEstimator) -> dict[str, Any]:
    """Return the feature attributes that validation has set on an estimator."""
    state, names = vars(estimator), ("n_features_in_", "feature_names_in_")
    return {name: state[name] for name in names if name in state}


def _set_learned(estimator: BaseEstimator, learned: dict[str, Any]) -> None:
    """Set the feature attributes that were learned by another estimator."""
    vars(estimator).pop("feature_names_in_", None)
    vars(estimator).update(learned)


def _fitted(estimator: BaseEstimator) -> Any:
    """Return a key for what a fitted estimator compares features with."""
    state = vars(estimator)
    names = tuple(state.get("feature_names_in_", ()))
    return state.get("n_features_in_"), names, id(state.get("preprocessor_"))


if TYPE_CHECKING:
    from sknet.problem.readers import DataReader


MaybeArray = TypeVar("MaybeArray", Array, Array | None)


class InputCache:
    """Validated data, by the objects passed by the user.

    Estimators that are fitted to the same table share one array, and members that
    share an array gather their rows from it at once.

    Parameters
    ----------
    shares : bool, default=True
        Whether there are several estimators; for a single one nothing is cached.
    """

    def __init__(self, shares: bool = True) -> None:
        self._shares = shares
        self._read: dict[Any, tuple[Any, Any, Array | None, dict[str, Any]]] = {}
        self._arrays: dict[tuple[Any, ...], Array] = {}
        self._handed_in: list[Any] = []
        self._made: dict[Any, Any] = {}
        self._of_fold: tuple[Any, Array | None] | None = None
        self._of_validation: dict[Any, tuple[Any, Array]] = {}

    def read(
        self,
        estimator: BaseEstimator,
        reader: DataReader,
        X: Any,
        y: Any,
        rows: Array | None,
        reset: bool,
    ) -> tuple[Any, Array, Array | None]:
        """Validate data for an estimator, or return what was validated for another.

        Parameters
        ----------
        estimator : BaseMLP
            The estimator, which learns the number and names of the features.
        reader : DataReader
            Validates data for this estimator.
        X, y : object
            Features and target, as passed by the user.
        rows : ndarray of int, or None
            Rows of X that belong to y; None for all.
        reset : bool
            Whether the data define the features; if not, features are checked against
            those of the estimator.

        Returns
        -------
        X : ndarray or CSR matrix of shape (N, D)
            Features.
        y : ndarray of shape (N,) or (N, C)
            Target.
        rows : ndarray of int, or None
            The same, if X is shared by all folds; None if X holds only these rows.
        """
        if not self._shares:
            return self._read_fold(estimator, reader, X, y, rows, reset)
        self._release_fold(X, rows)
        known = None if reset else _fitted(estimator)
        key = (id(X), id(y), id(rows), type(estimator), known)
        if key not in self._read:
            fold = self._read_fold(estimator, reader, X, y, rows, reset)
            self._handed_in += [X, y, rows]  # an id is valid while its object lives
            self._read[key] = (*fold, _learned(estimator))
        X, y, rows, learned = self._read[key]
        _set_learned(estimator, learned)
        return X, y, rows

    def read_validation(
        self, estimator: BaseEstimator, reader: DataReader, X: Any, y: Any
    ) -> tuple[Any, Array]:
        """Validate a validation set, which all networks of a search may share.

        Parameters
        ----------
        estimator : BaseMLP
            The estimator; its features are known.
        reader : DataReader
            Validates data for this estimator.
        X, y : object
            Features and target, as passed by the user.

        Returns
        -------
        X : ndarray, CSR matrix or dataframe of shape (N, D)
            Features.
        y : ndarray of shape (N,) or (N, C)
            Target.
        """
        if not self._shares:
            return reader.read(estimator, X, y, False)
        key = (id(X), id(y), type(estimator), *_fitted(estimator)[:2])
        if key not in self._of_validation:
            self._of_validation[key] = reader.read(estimator, X, y, False)
            self._handed_in += [X, y]  # an id is valid while its object lives
        return self._of_validation[key]

    def _read_fold(
        self,
        estimator: BaseEstimator,
        reader: DataReader,
        X: Any,
        y: Any,
        rows: Array | None,
        reset: bool,
    ) -> tuple[Any, Array, Array | None]:
        """Validate the target of a fold, and its features or those of all folds."""
        whole = None
        if rows is not None and len(rows):
            whole = self._read_whole(estimator, reader, X, reset)
        if whole is not None:
            return whole, check_target(estimator, y, reader.target.numeric), rows
        if rows is not None:
            self._of_fold = X, rows
            X = safe_indexing(X, rows)
        return *reader.read(estimator, X, y, reset), None

    def _release_fold(self, X: Any, rows: Array | None) -> None:
        """Release the copy of the previous fold's rows, and what was made from it.

        A search proceeds from fold to fold, so these rows are not needed again.
        """
        if self._of_fold is None:
            return
        table, of_table = self._of_fold
        if table is X and of_table is rows:
            return
        self._read, self._made, self._of_fold = {}, {}, None

    def _read_whole(
        self, estimator: BaseEstimator, reader: DataReader, X: Any, reset: bool
    ) -> Any:
        """Validate the features of all folds; None if each fold needs its own."""
        known = None if reset else _fitted(estimator)
        key = ("whole", id(X), type(estimator), known)

        def read() -> tuple[Any, dict[str, Any]]:
            whole = reader.inputs.read_whole(estimator, X, reset)
            return whole, _learned(estimator)

        whole, learned = self.memoize(key, read)
        _set_learned(estimator, learned)
        return whole

    def memoize(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return the cached result for an equal key, or compute it.

        Parameters
        ----------
        key : object
            Everything that ``make`` depends on; data are identified by the ``id`` of
            the objects that :meth:`read` returned.
        make : callable
            Computes the result.

        Returns
        -------
        made : object
            The result, shared by all calls with this key.
        """
        try:
            known = key in self._made
        except TypeError:  # part of the key is not hashable
            return make()
        if not known:
            made = make()
            if not self._shares:
                return made
            self._made[key] = made
        return self._made[key]

    def intern(self, array: MaybeArray) -> MaybeArray:
        """Return the first array that was seen with the same contents."""
        if array is None or not self._shares:
            return array
        content = np.ascontiguousarray(array).view(np.uint8)
        digest = hashlib.blake2b(content.data, digest_size=16).digest()
        key = (array.shape, array.dtype.str, digest)
        return self._arrays.setdefault(key, array)
