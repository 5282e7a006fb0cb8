"""Predictors: what serves a fitted network row by row, from any number of threads."""

from __future__ import annotations

import threading
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sknet._numerics import Array
from sknet._version import read_stamp, stamped
from sknet.estimators.outputs.prediction import (
    ClassPredictions,
    ValuePredictions,
)
from sknet.model.state import model_of
from sknet.problem.inputs import Table
from sknet.problem.precision import type_of_rows
from sknet.problem.validation import check_array_alone
from sknet.solvers.threads import blas_threads
from sknet.training.inference import Inference


if TYPE_CHECKING:
    from sknet.estimators._base import BaseMLP


class Predictor:
    """Base of the predictors: a copy of what a fitted estimator predicts with.

    Made by an estimator's method ``predictor``. What it gives is what the estimator
    gave at that moment, to the last bit; what becomes of the estimator later, a new fit
    or assigned parameters, does not reach it. It cannot be trained.

    Any number of threads may share one predictor. Each has buffers of its own, which
    are kept for up to 256 rows at once; predictions are new arrays. It can be pickled,
    and a copy starts without buffers.

    Parameters
    ----------
    estimator : fitted estimator
        Whose predictions these are.

    Attributes
    ----------
    n_features_in_ : int
        Features, as in the fit.
    """

    def __init__(self, estimator: BaseMLP) -> None:
        check_is_fitted(estimator)
        self.n_features_in_ = estimator.n_features_in_
        self._model = _own_copy(model_of(estimator))
        self._one_thread = estimator.deterministic
        self._threads = threading.local()

    def _outputs(self, X: Any) -> tuple[Any, Array]:
        """Return the model, and its raw outputs (K, N, R) in the type of the rows."""
        model, (columns, dtype) = self._model, self._read(X)
        try:
            inference = self._threads.inference
        except AttributeError:  # the first call of this thread
            inference = Inference(model.network, model.theta)
            self._threads.inference = inference
        if not self._one_thread:
            return model, model.raw(columns, dtype, inference)
        with blas_threads(1, 1, 1):
            return model, model.raw(columns, dtype, inference)

    def _read(self, X: Any) -> tuple[Any, np.dtype[Any]]:
        """Return what the network takes, and the type of predictions."""
        inputs = self._model.inputs
        if isinstance(inputs, Table):
            return inputs.encoder.encode(X), type_of_rows(X)
        columns = check_array_alone(self, X)
        return columns, type_of_rows(columns)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the threads' buffers."""
        return stamped({n: v for n, v in vars(self).items() if n != "_threads"})

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Start without buffers."""
        vars(self).update(read_stamp(type(self), state), _threads=threading.local())
        self._model.theta.flags.writeable = False


def _own_copy(model: Any) -> Any:
    """Return a model whose parameters nothing can change any more."""
    theta = model.theta.copy()
    theta.flags.writeable = False
    inputs, target = deepcopy(model.inputs), deepcopy(model.target)
    return replace(model, theta=theta, inputs=inputs, target=target)


class ClassPredictor(Predictor, ClassPredictions):
    """What serves a fitted classifier.

    Of a :class:`~sknet.SimpleMLPClassifier` it takes arrays: finite real numbers, of
    shape (n_samples, n_features), in the order of the columns of the fit, whose names
    nobody looks at. Those that are C-contiguous are taken without a copy. Of a
    :class:`~sknet.TabularMLPClassifier` it takes the same tables as the estimator, and
    encodes them.

    Parameters
    ----------
    estimator : fitted classifier
        Whose predictions these are.

    Attributes
    ----------
    n_features_in_ : int
        Features, as in the fit.
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the columns of the probabilities.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sknet import SimpleMLPClassifier
    >>> X, y = make_classification(n_samples=100, random_state=1)
    >>> network = SimpleMLPClassifier(max_iter=300, tol=1e-3, random_state=1).fit(X, y)
    >>> predictor = network.predictor()
    >>> predictor.predict(X[:1])
    array([1])
    >>> bool((predictor.predict_proba(X[:1]) == network.predict_proba(X[:1])).all())
    True
    """

    def __init__(self, estimator: BaseMLP) -> None:
        super().__init__(estimator)
        self.classes_ = self._model.target.classes


class ValuePredictor(Predictor, ValuePredictions):
    """What serves a fitted regressor.

    Of a :class:`~sknet.SimpleMLPRegressor` it takes arrays: finite real numbers, of
    shape (n_samples, n_features), in the order of the columns of the fit, whose names
    are not looked at. Those that are C-contiguous are taken without a copy. Of a
    :class:`~sknet.TabularMLPRegressor` it takes the same tables as the estimator, and
    encodes them.

    Parameters
    ----------
    estimator : fitted regressor
        Whose predictions these are.

    Attributes
    ----------
    n_features_in_ : int
        Features, as in the fit.
    n_outputs_ : int
        Targets.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from sknet import SimpleMLPRegressor
    >>> X, y = make_regression(n_samples=200, n_features=20, random_state=1)
    >>> network = SimpleMLPRegressor(max_iter=2000, tol=0.1, random_state=1).fit(X, y)
    >>> predictor = network.predictor()
    >>> bool((predictor.predict(X[:1]) == network.predict(X[:1])).all())
    True
    """

    def __init__(self, estimator: BaseMLP) -> None:
        super().__init__(estimator)
        self.n_outputs_ = estimator.n_outputs_
