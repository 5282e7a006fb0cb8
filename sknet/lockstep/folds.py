"""The training data of the folds, and what preprocessing makes of them.

A fold is row numbers. All candidates of a fold get the very same arrays: what is
shared is stored, and worked on, once, and only while it is in work.
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
    """What stands before the network, fitted: a fold as it is, or transformers.

    Parameters
    ----------
    X : array-like
        The features that reach the network, or a table of which they are some rows.
    y : array-like
        The target.
    fit_params : dict
        What else its ``fit`` is given.
    rows : ndarray of int, or None
        The rows of X that belong to y; None for all.
    steps : list
        The fitted steps of the pipeline before the network.
    error : Exception or None
        What came instead of all that.
    traceback : traceback or None
        Where the error came from; it grows each time that it is raised again.
    seconds : float
        Time it took.
    n_users : int
        Fits of the round that it is for.
    digest : str or None
        What tells other data of another round from these; None where it is not known.
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
        """Return the seconds of each of its users."""
        return self.seconds / max(self.n_users, 1)

    def let_go(self) -> None:
        """Keep no data that were made for this front; the fold has its rows."""
        if self.rows is None:
            self.X, self.y, self.fit_params = None, None, {}


class _Catch:
    """Stands in for the ``fit`` of the last step, to see what reaches it."""

    def __init__(self) -> None:
        self.prepared: PreparedFold | None = None

    def __call__(self, X: Any, y: Any = None, **fit_params: Any) -> None:
        self.prepared = PreparedFold(X, y, fit_params)


def prepare_fold(pipeline: Any, fold: Fold) -> PreparedFold:
    """Fit the transformers of a pipeline by its own ``fit``, stopped at the last step.

    Parameters
    ----------
    pipeline : Pipeline
        Left as it is.
    fold : Fold
        The data.

    Returns
    -------
    prepared : PreparedFold
        The fitted transformers, and what they make of the data.
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
    """Return a text that says what the transformers do, or None if nothing can say it.

    It is what ``Pipeline(memory=...)`` goes by: a hash of everything the transformers
    hold. What has none (a lambda, a class written in a function) is equal to nothing.
    """
    if type(pipeline) is not Pipeline:
        return None
    network = pipeline.steps[-1][1]
    content = (pipeline.steps[:-1], pipeline.transform_input, type(network))
    try:
        return joblib.hash((*content, requested_metadata(network)))
    except Exception:  # whatever pickling something unknown may raise
        return None


def digest_of(prepared: PreparedFold) -> str | None:
    """Return a text that says what reaches the network, or None if nothing can."""
    try:
        digest: str = joblib.hash((prepared.X, prepared.y, prepared.fit_params))
    except Exception:  # whatever pickling something unknown may raise
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
            rows=np.arange(len(y))[self._train],  # numbers, be they a mask or negative
        )

    def is_of(self, call: Call) -> bool:
        """Tell whether a call trains on these rows."""
        train = call.kwargs["train"]
        if train is not self._train:
            if not np.array_equal(train, self._train):
                return False
            self._train = train
        return True

    def cut(self) -> Any:
        """Return the features of these rows, a copy."""
        return safe_indexing(self.prepared.X, self._train)

    def n_bytes(self) -> float:
        """Return about how much memory a copy of them takes."""
        X = self.prepared.X
        n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
        return n_bytes(X) * len(self.prepared.rows) / n_rows


def n_bytes(X: Any) -> float:
    """Return about how much memory a table takes.

    Parameters
    ----------
    X : array-like or sparse matrix
        Of a frame or a list, eight bytes are counted for each cell.

    Returns
    -------
    n_bytes : float
        Bytes.
    """
    if sparse.issparse(X):
        return float(X.nnz * (X.dtype.itemsize + 4))
    if isinstance(X, np.ndarray):
        return float(X.nbytes)
    shape = X.shape if hasattr(X, "shape") else np.shape(X)
    return 8.0 * math.prod(shape)
