"""Predictions: from raw outputs to classes, probabilities and values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.metaestimators import available_if

from sknet._numerics import Array
from sknet.config.components import loss_of
from sknet.losses import CLASS_LOSSES
from sknet.model.class_model import ClassModel
from sknet.model.compiled import compiled_output
from sknet.model.pooling import predictions_of
from sknet.model.value_model import ValueModel


if TYPE_CHECKING:
    from sknet.estimators._base import BaseMLP


def _gives_probability(estimator: BaseMLP) -> bool:
    """Return whether the loss yields probabilities; the hinge loss yields margins."""
    if "classes_" in vars(estimator):
        loss = estimator._model.loss
    else:
        loss = loss_of(estimator._given(), CLASS_LOSSES)
    if not loss.gives_probability:
        raise AttributeError(
            f"Probabilities are not available with loss={loss.name!r}; use "
            "decision_function, or loss='log_loss'."
        )
    return True


def _outputs(estimator: Any, X: Any) -> tuple[Any, Array]:
    """Return the model and its raw outputs (K, N, R), with the dtype of X."""
    model, columns, dtype = estimator._inputs(X)
    return model, estimator._raw(model, columns, dtype)


def _predictions(estimator: Any, X: Any) -> tuple[Any, Array]:
    """Return the model, and what each network predicts, (K, N, C)."""
    model, columns, dtype = estimator._inputs(X)
    found = compiled_output(model, "prediction", columns, dtype)
    if found is None:
        with np.errstate(all="ignore"):
            raw = estimator._raw(model, columns, dtype)
            found = predictions_of(model.loss, raw)
    return model, found


class ClassPredictions:
    """Mixin: the predictions of a fitted classifier."""

    _model: ClassModel
    _inputs: Callable[[Any], tuple[ClassModel, Any, np.dtype[Any]]]
    _raw: Callable[[ClassModel, Any, np.dtype[Any]], Array]

    def predict(self, X: Any) -> Array:
        """Predict the most probable classes.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Class labels; zeros and ones for multilabel targets.
        """
        model, predictions = _predictions(self, X)
        return model.decoded(predictions)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of the predictions; the subset accuracy for multilabel.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            Share of correct predictions, in [0, 1].
        """
        prediction = self.predict(X)
        plain = isinstance(y, np.ndarray) and y.dtype == prediction.dtype
        plain = plain and y.ndim == 1 and y.dtype.kind in "iu"
        if plain and len(y) == len(prediction) and sample_weight is None:
            # Equal to accuracy_score, which takes ten times as long to validate y.
            return float(np.mean(y == prediction))
        return float(accuracy_score(y, prediction, sample_weight=sample_weight))

    @available_if(_gives_probability)
    def predict_proba(self, X: Any) -> Array:
        """Predict probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        probability : ndarray of shape (n_samples, n_classes)
            One column per class, in the order of ``classes_``: positive, with sum 1.
            For multilabel targets one column per label, with values between 0 and 1.
        """
        model, members = self._probabilities(X)
        return model.mean_probability(members)

    @available_if(_gives_probability)
    def predict_log_proba(self, X: Any) -> Array:
        """Predict logarithms of probabilities, from the raw outputs.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        log_probability : ndarray of shape (n_samples, n_classes)
            Logarithms of ``predict_proba``: finite, at least the logarithm of the
            smallest normal number.
        """
        model, raw = _outputs(self, X)
        return model.log_probability(raw)

    def decision_function(self, X: Any) -> Array:
        """Return a score for each class: the larger, the more probable.

        With a softmax over several classes, scores are log-probabilities: a column has
        the same meaning in every row, as calibration, one-vs-rest and displays require.
        Otherwise they are raw outputs, before the logistic function. The scores of an
        ensemble are those that correspond to its mean prediction.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Finite scores. One-dimensional for two classes: the log-odds of
            ``classes_[1]``.
        """
        model, raw = _outputs(self, X)
        return model.scores(raw)

    def predict_members(self, X: Any) -> Array:
        """Predict classes with each network of an ensemble.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray of shape (n_estimators, n_samples[, n_labels])
            The predictions of each network; an axis of length 1 for a single network.
        """
        model, predictions = _predictions(self, X)
        return model.decoded_members(predictions)

    @available_if(_gives_probability)
    def predict_proba_members(self, X: Any) -> Array:
        """Predict probabilities with each network of an ensemble.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        probability : ndarray of shape (n_estimators, n_samples, n_classes)
            The probabilities of each network. :meth:`predict_proba` returns their mean;
            their spread indicates how uncertain the networks are.
        """
        return self._probabilities(X)[1]

    def _probabilities(self, X: Any) -> tuple[ClassModel, Array]:
        """Return the model, and the probabilities of each network, (K, N, C)."""
        model, columns, dtype = self._inputs(X)
        found = compiled_output(model, "probability", columns, dtype)
        if found is None:
            found = model.probability_members(self._raw(model, columns, dtype))
        return model, found


class ValuePredictions:
    """Mixin: the predictions of a fitted regressor."""

    _model: ValueModel
    _inputs: Callable[[Any], tuple[ValueModel, Any, np.dtype[Any]]]
    _raw: Callable[[ValueModel, Any, np.dtype[Any]], Array]

    def predict(
        self, X: Any, return_std: bool = False, *, quantiles: Any = None
    ) -> Any:
        """Predict values.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features.
        return_std : bool, default=False
            Whether to also return standard deviations: those of ``loss="gaussian"``,
            the spread of the networks of an ensemble, or, for both, the root of the sum
            of their squares.
        quantiles : float or array-like of float, default=None
            Quantile levels to predict instead of the mean. They must be among those
            that were trained, with ``quantiles`` or ``loss=MeanQuantiles(levels)``.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions, one-dimensional for one output. Several quantiles are along an
            additional last axis.
        y_std : ndarray of the shape of y
            Standard deviations, only if ``return_std``.

        Raises
        ------
        ValueError
            If ``return_std`` is set but the model has no standard deviation, or if
            levels were not trained.
        """
        if quantiles is None:
            model, predictions = _predictions(self, X)
            if not return_std:
                return model.values(predictions)
            _, raw = _outputs(self, X)
            return model.point(predictions), model.deviation(raw)
        if return_std:
            raise ValueError("return_std=True cannot be combined with quantiles.")
        places = self._model.places_of_quantiles(quantiles)
        model, predictions = _predictions(self, X)
        found = model.quantiles(predictions, places)
        return found[..., 0] if np.ndim(quantiles) == 0 else found

    def predict_members(self, X: Any) -> Array:
        """Predict values with each network of an ensemble.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray of shape (n_estimators, n_samples[, n_outputs])
            The predictions of each network; :meth:`predict` returns their mean.
        """
        model, predictions = _predictions(self, X)
        return model.values_of_members(predictions)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the coefficient of determination of the predictions.

        With several quantile levels, the middle one is scored.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            At most 1, the score of a perfect prediction.
        """
        model, predictions = _predictions(self, X)
        return float(r2_score(y, model.point(predictions), sample_weight=sample_weight))
