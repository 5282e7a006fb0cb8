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
from sknet.model.value_model import ValueModel


if TYPE_CHECKING:
    from sknet.estimators._base import BaseMLP


def _gives_probability(estimator: BaseMLP) -> bool:
    """Return whether the loss gives probabilities; the hinge loss gives margins."""
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


class ClassPredictions:
    """Mixin: the predictions of a fitted classifier."""

    _model: ClassModel
    _outputs: Callable[[Any], tuple[ClassModel, Array]]

    def predict(self, X: Any) -> Array:
        """Predict the most probable classes.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or ones and zeros for several labels at once.
        """
        model, raw = self._outputs(X)
        return model.predict(raw)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of the predictions; of several labels that of whole rows.

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
            Share of right predictions, in [0, 1].
        """
        prediction = self.predict(X)
        plain = isinstance(y, np.ndarray) and y.dtype == prediction.dtype
        plain = plain and y.ndim == 1 and y.dtype.kind in "iu"
        if plain and len(y) == len(prediction) and sample_weight is None:
            # What accuracy_score gives, which takes ten times as long to look at y.
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
            A column a class, in the order of ``classes_``: above 0, with the sum one;
            for several labels at once a column a label, between 0 and 1.
        """
        model, raw = self._outputs(X)
        return model.probability(raw)

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
            Logarithms of ``predict_proba``, finite: at least that of the least number.
        """
        model, raw = self._outputs(X)
        return model.log_probability(raw)

    def decision_function(self, X: Any) -> Array:
        """Return a score for each class: the larger, the more probable.

        Scores of several classes under a softmax are log-probabilities: a column means
        the same in every row, which calibration, one-against-rest and displays rely on.
        All others are raw outputs, before the logistic function. Of an ensemble they
        are those that give its mean prediction.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Finite. Flat for two classes: the log-odds of ``classes_[1]``.
        """
        model, raw = self._outputs(X)
        return model.scores(raw)

    def predict_members(self, X: Any) -> Array:
        """Predict classes by each network of an ensemble.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray of shape (n_estimators, n_samples[, n_labels])
            Their predictions; of a single network its own.
        """
        model, raw = self._outputs(X)
        return model.predict_members(raw)

    @available_if(_gives_probability)
    def predict_proba_members(self, X: Any) -> Array:
        """Predict probabilities by each network of an ensemble.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        probability : ndarray of shape (n_estimators, n_samples, n_classes)
            As :meth:`predict_proba`, which is their mean; their spread shows where the
            networks know nothing.
        """
        model, raw = self._outputs(X)
        return model.probability_members(raw)


class ValuePredictions:
    """Mixin: the predictions of a fitted regressor."""

    _model: ValueModel
    _outputs: Callable[[Any], tuple[ValueModel, Array]]

    def predict(
        self, X: Any, return_std: bool = False, *, quantiles: Any = None
    ) -> Any:
        """Predict values.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features.
        return_std : bool, default=False
            Whether to return standard deviations too: those that ``loss="gaussian"``
            gives, the spread of the networks, or of both the root of the sum of their
            squares.
        quantiles : float or array-like of float, default=None
            Levels to predict in place of the mean: some of those that were learned
            beside it, by ``quantiles`` or by ``loss=MeanQuantiles(levels)``.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions, flat for one output. Several quantiles stand along a last axis.
        y_std : ndarray of the shape of y
            Standard deviations, only if ``return_std``.

        Raises
        ------
        ValueError
            If ``return_std``, and there is no standard deviation, or for levels that
            were not trained.
        """
        if quantiles is None:
            model, raw = self._outputs(X)
            if not return_std:
                return model.predict(raw)
            deviation = model.deviation(raw)
            return model.point(raw), deviation
        if return_std:
            raise ValueError("return_std=True and quantiles do not go together.")
        places = self._model.places_of_quantiles(quantiles)
        model, raw = self._outputs(X)
        found = model.quantiles(raw, places)
        return found[..., 0] if np.ndim(quantiles) == 0 else found

    def predict_members(self, X: Any) -> Array:
        """Predict values by each network of an ensemble.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray of shape (n_estimators, n_samples[, n_outputs])
            As :meth:`predict`, which is their mean; of a single network its own.
        """
        model, raw = self._outputs(X)
        return model.predict_members(raw)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the coefficient of determination of the predictions.

        With several quantile levels it is that of the middle one.

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
            At most 1, which is a perfect prediction.
        """
        model, raw = self._outputs(X)
        return float(r2_score(y, model.point(raw), sample_weight=sample_weight))
