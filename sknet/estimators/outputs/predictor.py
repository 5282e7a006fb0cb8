"""Predictors: what serves a fitted network row by row, from any number of threads."""

from __future__ import annotations

import threading
from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sknet._numerics import Array
from sknet._version import read_stamp, stamped
from sknet.estimators.inputs.validation import check_array_alone, refuse_overflow
from sknet.estimators.outputs.calibration import cooled
from sknet.estimators.outputs.members import own_outputs
from sknet.estimators.outputs.precision import in_type, type_of_rows
from sknet.estimators.outputs.prediction import ClassPredictions, ValuePredictions
from sknet.estimators.outputs.quantiles import QuantilePredictions
from sknet.estimators.threads import blas_threads
from sknet.losses import Loss
from sknet.training.inference import Inference


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

    def __init__(self, estimator: Any) -> None:
        check_is_fitted(estimator)
        self.n_features_in_ = estimator.n_features_in_
        self._network = estimator._fitted_network()
        self._theta = _locked(estimator.theta_.copy())
        self._target = deepcopy(estimator._fitted_target())
        self._temperature = vars(estimator).get("temperature_", 1.0)
        self._encoder = deepcopy(vars(estimator).get("preprocessor_"))
        self._head = vars(estimator).get("_head")
        self._one_thread = estimator.deterministic
        self._threads = threading.local()

    def _raw_members(self, X: Any) -> Array:
        """Return raw outputs of every network, (K, N, C), in the type of the rows."""
        columns = self._features(X)
        dtype = type_of_rows(columns if self._encoder is None else X)
        widest = np.promote_types(self._theta.dtype, dtype)
        try:
            inference = self._threads.inference
        except AttributeError:  # the first call of this thread
            inference = Inference(self._network, self._theta)
            self._threads.inference = inference
        with np.errstate(all="ignore"):
            if not self._one_thread:
                raw = inference(columns, widest)
            else:
                with blas_threads(1, 1, 1):
                    raw = inference(columns, widest)
            raw = in_type(own_outputs(self, refuse_overflow(raw)), dtype)
            return cooled(raw, self._temperature)

    def _features(self, X: Any) -> Any:
        """Return what the network takes; a table is encoded."""
        if self._encoder is None:
            return check_array_alone(self, X)
        return self._encoder.encode(X)

    def _fitted_target(self) -> Any:
        """Return how the fitted target becomes columns, and its loss."""
        return self._target

    def _fitted_loss(self) -> Loss:
        """Return the loss of the fitted network."""
        loss: Loss = self._target.loss
        return loss

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the threads' buffers."""
        return stamped({n: v for n, v in vars(self).items() if n != "_threads"})

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Start without buffers."""
        vars(self).update(read_stamp(type(self), state), _threads=threading.local())
        _locked(self._theta)


def _locked(array: Array) -> Array:
    """Return an array that no thread can change any more."""
    array.flags.writeable = False
    return array


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

    def __init__(self, estimator: Any) -> None:
        super().__init__(estimator)
        self.classes_ = self._target.classes
        self._target_kind = self._target.kind
        self._loss = estimator._loss


class ValuePredictor(Predictor, ValuePredictions):
    """What serves a fitted :class:`~sknet.SimpleMLPRegressor`.

    It takes arrays: finite real numbers, of shape (n_samples, n_features), in the order
    of the columns of the fit, whose names nobody looks at. Those that are C-contiguous
    are taken without a copy.

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

    def __init__(self, estimator: Any) -> None:
        super().__init__(estimator)
        self.n_outputs_ = estimator.n_outputs_


class TableValuePredictor(QuantilePredictions, ValuePredictor):
    """What serves a fitted :class:`~sknet.TabularMLPRegressor`.

    It takes the same tables as the estimator, and encodes them.

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
    >>> from sklearn.datasets import load_diabetes
    >>> from sknet import TabularMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> network = TabularMLPRegressor(max_iter=4, random_state=0).fit(X, y)
    >>> predictor = network.predictor()
    >>> bool((predictor.predict(X[:1]) == network.predict(X[:1])).all())
    True
    """
