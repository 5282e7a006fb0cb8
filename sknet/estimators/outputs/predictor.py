"""Predictors: thread-safe copies of fitted models for fast prediction row by row."""

from __future__ import annotations

import threading
from contextlib import nullcontext
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
from sknet.problem.images import Images
from sknet.problem.inputs import Table
from sknet.problem.precision import type_of_rows
from sknet.problem.validation import check_array_alone
from sknet.solvers.threads import blas_threads
from sknet.training.inference import Inference


if TYPE_CHECKING:
    from sknet.estimators._base import BaseMLP


class Predictor:
    """Base class of the predictors: a copy of the model of a fitted estimator.

    Created by the method ``predictor`` of an estimator. Its predictions are those of
    the estimator at that time, to the last bit; later changes to the estimator, such
    as a new fit or assigned parameters, do not affect it. It cannot be trained.

    Any number of threads may share one predictor. Each thread has its own buffers,
    which are kept for up to 256 rows at once; predictions are new arrays. A predictor
    can be pickled; the copy starts without buffers.

    Parameters
    ----------
    estimator : fitted estimator
        The estimator to copy the model from.

    Attributes
    ----------
    n_features_in_ : int
        Number of features seen during fit.
    """

    def __init__(self, estimator: BaseMLP) -> None:
        check_is_fitted(estimator)
        self.n_features_in_ = estimator.n_features_in_
        self._model = _own_copy(model_of(estimator))
        self._one_thread = estimator.deterministic
        self._threads = threading.local()

    def _inputs(self, X: Any) -> tuple[Any, Any, np.dtype[Any]]:
        """Return the model, the columns of its network, and the dtype of X."""
        columns, dtype = self._read(X)
        return self._model.suited(columns), columns, dtype

    def _raw(self, model: Any, columns: Any, dtype: np.dtype[Any]) -> Array:
        """Return the raw outputs (K, N, R) of the model."""
        try:  # bytes and other pixels each have a network
            inference = self._threads.inferences[model]
        except (AttributeError, KeyError):  # the first call of this thread
            inference = Inference(model.network, model.theta, model.engine)
            vars(self._threads).setdefault("inferences", {})[model] = inference
        with blas_threads(1, 1, 1) if self._one_thread else nullcontext():
            raw: Array = model.raw(columns, dtype, inference)
        return raw

    def _read(self, X: Any) -> tuple[Any, np.dtype[Any]]:
        """Return the inputs of the network, and the dtype of the predictions."""
        inputs = self._model.inputs
        if isinstance(inputs, Table):
            return inputs.encoder.encode(X), type_of_rows(X)
        if isinstance(inputs, Images):
            X = inputs.rows(X)
        columns = check_array_alone(self, X)
        return columns, type_of_rows(columns)

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes without the buffers of the threads."""
        return stamped({n: v for n, v in vars(self).items() if n != "_threads"})

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the attributes, without buffers."""
        vars(self).update(read_stamp(type(self), state), _threads=threading.local())
        self._model.theta.flags.writeable = False


def _own_copy(model: Any) -> Any:
    """Return a copy of a model with read-only parameters."""
    theta = model.theta.copy()
    theta.flags.writeable = False
    inputs, target = deepcopy(model.inputs), deepcopy(model.target)
    return replace(model, theta=theta, inputs=inputs, target=target)


class ClassPredictor(Predictor, ClassPredictions):
    """Predictor of a fitted classifier, for serving.

    The predictor of a :class:`~sknet.SimpleMLPClassifier` takes arrays of finite real
    numbers, of shape (n_samples, n_features), with the columns in the order of the fit;
    column names are ignored. C-contiguous arrays are not copied. The predictor of a
    :class:`~sknet.TabularMLPClassifier` takes the same tables as the estimator, and
    encodes them.

    Parameters
    ----------
    estimator : fitted classifier
        The estimator to copy the model from.

    Attributes
    ----------
    n_features_in_ : int
        Number of features seen during fit.
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
    """Predictor of a fitted regressor, for serving.

    The predictor of a :class:`~sknet.SimpleMLPRegressor` takes arrays of finite real
    numbers, of shape (n_samples, n_features), with the columns in the order of the fit;
    column names are ignored. C-contiguous arrays are not copied. The predictor of a
    :class:`~sknet.TabularMLPRegressor` takes the same tables as the estimator, and
    encodes them.

    Parameters
    ----------
    estimator : fitted regressor
        The estimator to copy the model from.

    Attributes
    ----------
    n_features_in_ : int
        Number of features seen during fit.
    n_outputs_ : int
        Number of outputs.

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
