"""The base class of the classifiers: their target, and ``partial_fit``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from sklearn.base import ClassifierMixin
from sklearn.neural_network import MLPClassifier
from sklearn.utils.metaestimators import available_if

from sknet._component import Registry
from sknet._sklearn import (
    partial_fit_context,
)
from sknet.estimators._base import BaseMLP, is_stochastic
from sknet.estimators.fitting import fit_estimator
from sknet.estimators.outputs.prediction import ClassPredictions
from sknet.estimators.outputs.predictor import ClassPredictor
from sknet.losses import CLASS_LOSSES, ClassLoss
from sknet.problem.readers import ClassReader, ColumnReader, DataReader
from sknet.solvers.problem import FitRequest
from sknet.solvers.start import FitKind


if TYPE_CHECKING:
    from sknet.estimators._base import BaseMLP


def learns_in_steps(estimator: BaseMLP) -> bool:
    """Return whether ``partial_fit`` is available, or raise ``AttributeError``."""
    if isinstance(estimator.class_weight, str):
        raise AttributeError(
            f"class_weight={estimator.class_weight!r} is not available in partial_fit, "
            "which does not see all classes at once. Pass a dict of weights: "
            "sklearn.utils.class_weight.compute_class_weight('balanced', ...)."
        )
    return is_stochastic(estimator)


class BaseMLPClassifier(ClassPredictions, ClassifierMixin, BaseMLP):
    """Base class of the classifiers."""

    _losses: ClassVar[Registry[ClassLoss]] = CLASS_LOSSES
    _reader: ClassVar[DataReader] = DataReader(ColumnReader(), ClassReader())
    _counterpart: ClassVar[type] = MLPClassifier

    @available_if(learns_in_steps)
    @partial_fit_context
    def partial_fit(
        self, X: Any, y: Any, *, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Train for one epoch on the given data, continuing from earlier calls.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features: finite numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or a multilabel indicator matrix.
        classes : array-like of shape (n_classes,), default=None
            All classes that can occur in any call; required in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0 of the rows; None weights all rows equally.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data are invalid, or inconsistent with those of earlier calls.
        """
        if classes is None and "classes_" not in vars(self):
            raise ValueError("classes must be passed on the first call to partial_fit.")
        request = FitRequest(X, y, sample_weight, classes=classes, kind=FitKind.PARTIAL)
        fit_estimator(self, request)
        return self

    def predictor(self) -> ClassPredictor:
        """Return a predictor: a copy of the model for fast predictions in serving.

        Returns
        -------
        predictor : ClassPredictor
            Makes the same predictions as ``predict`` and ``predict_proba`` from any
            number of threads, independently of later changes to this estimator.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted yet.
        """
        return ClassPredictor(self)

    def __sklearn_tags__(self) -> Any:
        """Return the tags; multilabel targets are supported without class weights."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self.class_weight is None
        return tags
