"""The training data of the folds, before and after preprocessing.

A fold is an array of row numbers. All candidates of a fold get the very same arrays, so
that shared data are stored and processed only once, and only while they are needed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from time import perf_counter
from types import TracebackType
from typing import Any

import joblib
import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from sknet._sklearn import (
    check_method_params,
    requested_metadata,
    safe_indexing,
)
from sknet.lockstep.collector import Call


@dataclass
class PreparedFold:
    """The data of a fold as the network gets them, and the fitted transformers.

    Parameters
    ----------
    X : array-like
        The features that reach the network, or the full table if ``rows`` is given.
    y : array-like
        The target.
    fit_params : dict
        Other arguments of the network's ``fit``.
    rows : ndarray of int, or None
        The rows of X that belong to y; None for all.
    steps : list
        The fitted steps of the pipeline before the network.
    error : Exception or None
        The error, if the transformers failed.
    traceback : traceback or None
        The original traceback of the error, because it grows with each re-raise.
    seconds : float
        Time that the preparation took.
    n_users : int
        Number of fits of the round that use it.
    digest : str or None
        Hash of the data, to compare them between rounds; None if they cannot be hashed.
    """

    X: Any = None
    y: Any = None
    fit_params: dict[str, Any] = field(default_factory=dict)
    rows: Any = None
    steps: list[tuple[str, Any]] = field(default_factory=list)
    error: Exception | None = None
    traceback: TracebackType | None = None
    seconds: float = 0.0
    n_users: int = 0
    digest: str | None = ""

    def share(self) -> float:
        """Return the share of the seconds of each fit that uses it."""
        return self.seconds / max(self.n_users, 1)

    def release(self) -> None:
        """Release transformed data; those of a plain fold are shared and kept."""
        if self.rows is None:
            self.X, self.y, self.fit_params = None, None, {}


class _Catch:
    """Replaces the ``fit`` of the last step, to record its arguments."""

    def __init__(self) -> None:
        self.prepared: PreparedFold | None = None

    def __call__(self, X: Any, y: Any = None, **fit_params: Any) -> None:
        self.prepared = PreparedFold(X, y, fit_params)


def prepare_fold(pipeline: Any, fold: Fold) -> PreparedFold:
    """Fit the transformers of a pipeline with its own ``fit``, without the last step.

    Parameters
    ----------
    pipeline : Pipeline
        The pipeline; it is not changed.
    fold : Fold
        The training data.

    Returns
    -------
    prepared : PreparedFold
        The fitted transformers, and the transformed data.
    """
    pipeline = clone(pipeline)
    catch = _Catch()
    vars(pipeline.steps[-1][1])["fit"] = catch
    start = perf_counter()
    try:
        pipeline.fit(fold.cut(), fold.prepared.y, **fold.prepared.fit_params)
    except Exception as error:
        seconds = perf_counter() - start
        return PreparedFold(error=error, traceback=error.__traceback__, seconds=seconds)
    if catch.prepared is None:
        raise TypeError(f"{type(pipeline).__name__} does not fit its last step.")
    catch.prepared.steps = pipeline.steps[:-1]
    catch.prepared.seconds = perf_counter() - start
    return catch.prepared


def preparation_key(pipeline: Any) -> str | None:
    """Return a hash of the transformers of a pipeline, or None if there is none.

    As in ``Pipeline(memory=...)``, it covers everything that the transformers hold.
    Objects that cannot be hashed (a lambda, a local class) never equal any other.
    """
    if type(pipeline) is not Pipeline:
        return None
    network = pipeline.steps[-1][1]
    content = (pipeline.steps[:-1], pipeline.transform_input, type(network))
    try:
        return joblib.hash((*content, requested_metadata(network)))
    except Exception:  # pickling an unknown object may raise anything
        return None


def digest_of(prepared: PreparedFold) -> str | None:
    """Return a hash of the data that reach the network, or None if there is none."""
    try:
        digest: str = joblib.hash((prepared.X, prepared.y, prepared.fit_params))
    except Exception:  # pickling an unknown object may raise anything
        return None
    return digest


class Fold:
    """The training part of a split.

    Parameters
    ----------
    call : Call
        A call of ``_fit_and_score`` with this split.
    """

    def __init__(self, call: Call) -> None:
        _, X, y = call.args
        self._train = call.kwargs["train"]
        params = call.kwargs["fit_params"] or {}
        self.prepared = PreparedFold(
            X,
            safe_indexing(y, self._train),
            check_method_params(X, params=params, indices=self._train),
            rows=np.arange(len(y))[self._train],  # resolves masks, negative indices
        )

    def is_of(self, call: Call) -> bool:
        """Return whether a call trains on these rows."""
        train = call.kwargs["train"]
        if train is not self._train:
            if not np.array_equal(train, self._train):
                return False
            self._train = train
        return True

    def cut(self) -> Any:
        """Return a copy of the features of these rows."""
        return safe_indexing(self.prepared.X, self._train)

    def n_bytes(self) -> float:
        """Return the approximate size of a copy of these rows, in bytes."""
        X = self.prepared.X
        n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
        return n_bytes(X) * len(self.prepared.rows) / n_rows


def n_bytes(X: Any) -> float:
    """Return the approximate size of a table, in bytes.

    Parameters
    ----------
    X : array-like or sparse matrix
        The table. For a dataframe or a list, eight bytes are counted per cell.

    Returns
    -------
    n_bytes : float
        Size in bytes.
    """
    if sparse.issparse(X):
        return float(X.nnz * (X.dtype.itemsize + 4))
    if isinstance(X, np.ndarray):
        return float(X.nbytes)
    shape = X.shape if hasattr(X, "shape") else np.shape(X)
    return 8.0 * math.prod(shape)
