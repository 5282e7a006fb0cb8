"""Predictions: from raw outputs to classes, probabilities and values."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.metaestimators import available_if

from sknet._numerics import Array
from sknet.estimators.inputs.components import loss_of
from sknet.estimators.inputs.targets import ClassTarget
from sknet.estimators.inputs.value_target import TargetScale, ValueTarget
from sknet.estimators.outputs.pooling import log_mean, mean_link, pooled, total_spread
from sknet.estimators.outputs.precision import in_type
from sknet.losses import CLASS_LOSSES, VALUE_LOSSES, ClassLoss, ValueLoss


@lru_cache(maxsize=128)
def _class_loss(text: str) -> ClassLoss:
    """Return the loss that a fitted estimator describes."""
    return CLASS_LOSSES.from_config(json.loads(text))


def _gives_probability(estimator: Any) -> bool:
    """Tell whether the loss gives probabilities; the hinge loss gives margins."""
    if "_loss" in vars(estimator):
        loss = _class_loss(estimator._loss)
    else:
        loss = loss_of(estimator, CLASS_LOSSES)
    if not loss.gives_probability:
        raise AttributeError(
            f"Probabilities are not available with loss={loss.name!r}; use "
            "decision_function, or loss='log_loss'."
        )
    return True


class ClassPredictions:
    """Mixin: what a fitted classifier predicts from its raw outputs."""

    classes_: Array
    _target_kind: str
    _loss: str

    def _fitted_target(self) -> ClassTarget:
        """Return how the fitted target becomes columns."""
        loss = _class_loss(self._loss)
        return ClassTarget(self._target_kind, self.classes_, loss)

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
        raw, target = self._raw_members(X), self._fitted_target()
        with np.errstate(all="ignore"):
            return target.decode(mean_link(target.loss, raw))

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
        members = self._member_probabilities(X)
        mean: Array = members[0] if len(members) == 1 else members.mean(axis=0)
        return mean

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
        raw, target = self._raw_members(X), self._fitted_target()
        if len(raw) == 1:
            return target.log_probability(raw[0])
        mean = np.stack([target.probability(member) for member in raw]).mean(axis=0)
        return np.log(np.maximum(mean, np.finfo(mean.dtype).tiny))

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
        members, loss = self._raw_members(X), self._fitted_loss()
        with np.errstate(all="ignore"):
            # Raw outputs of a softmax are known up to a number a row, which is noise.
            softmax = loss.link_name == "softmax"
            scores = log_mean(loss, members) if softmax else pooled(loss, members)
        return scores.ravel() if self._target_kind == "binary" else scores

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
        raw, target = self._raw_members(X), self._fitted_target()
        with np.errstate(all="ignore"):
            return np.stack([target.decode(target.loss.link(r)) for r in raw])

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
        return self._member_probabilities(X)

    def _member_probabilities(self, X: Any) -> Array:
        """Return the probabilities of each network."""
        raw, target = self._raw_members(X), self._fitted_target()
        if len(raw) == 1:  # one row is predicted in no time: no copies
            return target.probability(raw[0])[None]
        return np.stack([target.probability(member) for member in raw])


@lru_cache(maxsize=128)
def _value_loss(text: str) -> ValueLoss:
    """Return the loss that a fitted estimator describes."""
    return VALUE_LOSSES.from_config(json.loads(text))


class ValuePredictions:
    """Mixin: what a fitted regressor predicts from its raw outputs."""

    n_outputs_: int
    _loss: str

    def _fitted_target(self) -> ValueTarget:
        """Return how the fitted target becomes columns."""
        scale = self._target_scale()
        return ValueTarget(self.n_outputs_, _value_loss(self._loss), scale)

    def _target_scale(self) -> TargetScale | None:
        """Return how the fitted target is standardised; here it is not."""
        return None

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predict values.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features.
        return_std : bool, default=False
            Whether to return standard deviations too: those that ``loss="gaussian"``
            gives, the spread of an ensemble's networks, or of both the root of the sum
            of their squares.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions, flat for one output. With several quantile levels they stand
            along a last axis.
        y_std : ndarray of the shape of y
            Standard deviations, only if ``return_std``.

        Raises
        ------
        ValueError
            If ``return_std``, and the loss gives no standard deviation.
        """
        raw, target = self._raw_members(X), self._fitted_target()
        with np.errstate(all="ignore"):
            prediction = mean_link(target.loss, raw)
            spread = total_spread(target.loss, raw) if return_std else None
        if not return_std:
            return in_type(target.values(prediction), raw.dtype)
        if spread is None:
            raise ValueError(
                f"return_std=True: loss={target.loss.name!r} gives no standard "
                "deviation; use loss='gaussian', or an ensemble (n_estimators)."
            )
        mean = in_type(target.point(prediction), raw.dtype)
        deviation = in_type(target.spread(spread), raw.dtype)
        return mean, deviation.reshape(mean.shape)

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
        raw, target = self._raw_members(X), self._fitted_target()
        with np.errstate(all="ignore"):
            each = [target.values(target.loss.link(r)) for r in raw]
            return np.stack([in_type(values, raw.dtype) for values in each])

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
        raw, target = self._raw_members(X), self._fitted_target()
        with np.errstate(all="ignore"):
            values = in_type(target.point(mean_link(target.loss, raw)), raw.dtype)
        return float(r2_score(y, values, sample_weight=sample_weight))
