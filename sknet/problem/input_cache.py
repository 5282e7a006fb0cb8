"""The input cache: data that several estimators are fitted to are read once."""

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
    """Return what an estimator has learned of its features in reading them."""
    state, names = vars(estimator), ("n_features_in_", "feature_names_in_")
    return {name: state[name] for name in names if name in state}


def _teach(estimator: BaseEstimator, learned: dict[str, Any]) -> None:
    """Let an estimator know what another one has learned."""
    vars(estimator).pop("feature_names_in_", None)
    vars(estimator).update(learned)


def _fitted(estimator: BaseEstimator) -> Any:
    """Return, as a key, what features are compared with by a fitted estimator."""
    state = vars(estimator)
    names = tuple(state.get("feature_names_in_", ()))
    return state.get("n_features_in_"), names, id(state.get("preprocessor_"))


if TYPE_CHECKING:
    from sknet.problem.readers import DataReader


MaybeArray = TypeVar("MaybeArray", Array, Array | None)


class InputCache:
    """What was read before, by the objects it was read from.

    Estimators that are handed the same table share one array of it, and members that
    share an array gather their rows from it at once.

    Parameters
    ----------
    shares : bool, default=True
        Whether there are several estimators; for a single one nothing is remembered.
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
        """Validate data for an estimator, or give what was read for another one.

        Parameters
        ----------
        estimator : BaseMLP
            Learns the number of features, and their names.
        reader : DataReader
            Reads them for this estimator.
        X, y : object
            As they were handed in.
        rows : ndarray of int, or None
            Rows of X that belong to y; None for all.
        reset : bool
            Whether the data define the features; if not, they are compared.

        Returns
        -------
        X : ndarray or CSR matrix of shape (N, D)
            Features.
        y : ndarray of shape (N,) or (N, C)
            Target.
        rows : ndarray of int, or None
            As before, if X is shared by all folds; None if it is that of ``rows``.
        """
        if not self._shares:
            return self._read_fold(estimator, reader, X, y, rows, reset)
        self._let_go_of_fold(X, rows)
        known = None if reset else _fitted(estimator)
        key = (id(X), id(y), id(rows), type(estimator), known)
        if key not in self._read:
            fold = self._read_fold(estimator, reader, X, y, rows, reset)
            self._handed_in += [X, y, rows]  # an id means something while they live
            self._read[key] = (*fold, _learned(estimator))
        X, y, rows, learned = self._read[key]
        _teach(estimator, learned)
        return X, y, rows

    def read_validation(
        self, estimator: BaseEstimator, reader: DataReader, X: Any, y: Any
    ) -> tuple[Any, Array]:
        """Validate a validation set, which all networks of a search may share.

        Parameters
        ----------
        estimator : BaseMLP
            Knows its features.
        reader : DataReader
            Reads them for this estimator.
        X, y : object
            As they were handed in.

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
            self._handed_in += [X, y]  # an id means something while they live
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
        """Validate data of a fold: its target, and maybe the features of all folds."""
        whole = None
        if rows is not None and len(rows):
            whole = self._read_whole(estimator, reader, X, reset)
        if whole is not None:
            return whole, check_target(estimator, y, reader.target.numeric), rows
        if rows is not None:
            self._of_fold = X, rows
            X = safe_indexing(X, rows)
        return *reader.read(estimator, X, y, reset), None

    def _let_go_of_fold(self, X: Any, rows: Array | None) -> None:
        """Forget the copy of a fold's rows, and what was made of it, at the next fold.

        A search goes from fold to fold: these rows are not asked for again.
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
        """Validate features of all folds; None if each is to be read by itself."""
        known = None if reset else _fitted(estimator)
        key = ("whole", id(X), type(estimator), known)

        def read() -> tuple[Any, dict[str, Any]]:
            whole = reader.inputs.read_whole(estimator, X, reset)
            return whole, _learned(estimator)

        whole, learned = self.memoize(key, read)
        _teach(estimator, learned)
        return whole

    def memoize(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what was made for an equal key before, or make it.

        Parameters
        ----------
        key : object
            Says everything that ``make`` depends on; data by the ``id`` of what
            :meth:`read` gave.
        make : callable
            Makes it.

        Returns
        -------
        made : object
            Shared by all who ask with this key.
        """
        try:
            known = key in self._made
        except TypeError:  # something in it that cannot be a key
            return make()
        if not known:
            made = make()
            if not self._shares:
                return made
            self._made[key] = made
        return self._made[key]

    def intern(self, array: MaybeArray) -> MaybeArray:
        """Return the first array that was seen with the same numbers."""
        if array is None or not self._shares:
            return array
        content = np.ascontiguousarray(array).view(np.uint8)
        digest = hashlib.blake2b(content.data, digest_size=16).digest()
        key = (array.shape, array.dtype.str, digest)
        return self._arrays.setdefault(key, array)
