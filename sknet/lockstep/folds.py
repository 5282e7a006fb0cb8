"""The training data of the folds, and what preprocessing makes of them.

All candidates of a fold get the very same arrays: what is shared is stored, and
worked on, once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from types import TracebackType
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from sknet._sklearn import check_method_params, requested_metadata, safe_split
from sknet.lockstep.gather import Call


@dataclass
class Front:
    """What stands before the network, fitted: a fold as it is, or transformers.

    Parameters
    ----------
    X : array-like
        The features that reach the network.
    y : array-like
        The target.
    fit_params : dict
        What else its ``fit`` is given.
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
    """

    X: Any = None
    y: Any = None
    fit_params: dict[str, Any] = field(default_factory=dict)
    steps: list[tuple[str, Any]] = field(default_factory=list)
    error: Exception | None = None
    traceback: TracebackType | None = None
    seconds: float = 0.0
    n_users: int = 0

    def share(self) -> float:
        """Return the seconds of each of its users."""
        return self.seconds / max(self.n_users, 1)


class _Catch:
    """Stands in for the ``fit`` of the last step, to see what reaches it."""

    def __init__(self) -> None:
        self.front: Front | None = None

    def __call__(self, X: Any, y: Any = None, **fit_params: Any) -> None:
        self.front = Front(X, y, fit_params)


def fit_front(pipeline: Any, fold: Fold) -> Front:
    """Fit the transformers of a pipeline by its own ``fit``, stopped at the last step.

    Parameters
    ----------
    pipeline : Pipeline
        Left as it is.
    fold : Fold
        The data.

    Returns
    -------
    front : Front
        The fitted transformers, and what they make of the data.
    """
    pipeline = clone(pipeline)
    catch = _Catch()
    vars(pipeline.steps[-1][1])["fit"] = catch
    start = perf_counter()
    try:
        pipeline.fit(fold.front.X, fold.front.y, **fold.front.fit_params)
    except Exception as error:
        seconds = perf_counter() - start
        return Front(error=error, traceback=error.__traceback__, seconds=seconds)
    if catch.front is None:
        raise TypeError(f"{type(pipeline).__name__} does not fit its last step.")
    catch.front.steps = pipeline.steps[:-1]
    catch.front.seconds = perf_counter() - start
    return catch.front


def front_key(pipeline: Any) -> str | None:
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


class Fold:
    """The training part of a split.

    Parameters
    ----------
    call : Call
        A call of ``_fit_and_score`` with this split.
    """

    def __init__(self, call: Call) -> None:
        estimator, X, y = call.args
        self._train = call.kwargs["train"]
        X_train, y_train = safe_split(estimator, X, y, self._train)
        params = call.kwargs["fit_params"] or {}
        self.front = Front(
            X_train,
            y_train,
            check_method_params(X, params=params, indices=self._train),
        )
        self._fronts: dict[str, Front] = {}
        self.trained: dict[Any, list[Any]] = {}

    def is_of(self, call: Call) -> bool:
        """Tell whether a call trains on these rows."""
        train = call.kwargs["train"]
        if train is not self._train:
            if not np.array_equal(train, self._train):
                return False
            self._train = train
        return True

    def fitted_front(self, pipeline: Any, key: str | None) -> Front:
        """Return the fitted transformers of a pipeline; equal ones are fitted once."""
        if key is None:
            return fit_front(pipeline, self)
        if key not in self._fronts:
            self._fronts[key] = fit_front(pipeline, self)
        return self._fronts[key]

    def next_round(self) -> None:
        """Forget the transformers that nobody used, and the networks that were."""
        self._fronts = {key: f for key, f in self._fronts.items() if f.n_users}
        self.trained = {}
