"""The base class of the regressors: their target, and ``partial_fit``."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.neural_network import MLPRegressor
from sklearn.utils.metaestimators import available_if

from sknet._component import Registry
from sknet._sklearn import partial_fit_context
from sknet.config.components import loss_to_fit
from sknet.config.presets import SIMPLE_REGRESSOR, Preset
from sknet.estimators._base import BaseMLP, is_stochastic
from sknet.estimators.fitting import fit_estimator
from sknet.estimators.outputs.prediction import ValuePredictions
from sknet.estimators.outputs.predictor import ValuePredictor
from sknet.losses import VALUE_LOSSES, ValueLoss
from sknet.problem.readers import ColumnReader, DataReader, ValueReader
from sknet.solvers.problem import FitRequest
from sknet.solvers.start import FitKind


class BaseMLPRegressor(ValuePredictions, MultiOutputMixin, RegressorMixin, BaseMLP):
    """Base class of the regressors."""

    _losses: ClassVar[Registry[ValueLoss]] = VALUE_LOSSES
    _preset: ClassVar[Preset] = SIMPLE_REGRESSOR
    _reader: ClassVar[DataReader] = DataReader(ColumnReader(), ValueReader())
    _counterpart: ClassVar[type] = MLPRegressor

    @available_if(is_stochastic)
    @partial_fit_context
    def partial_fit(self, X: Any, y: Any, *, sample_weight: Any = None) -> Self:
        """Train for one epoch on the given data, continuing from earlier calls.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features: finite numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Real target values.
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
        fit_estimator(self, FitRequest(X, y, sample_weight, kind=FitKind.PARTIAL))
        return self

    def predictor(self) -> ValuePredictor:
        """Return a predictor: a copy of the model for fast predictions in serving.

        Returns
        -------
        predictor : ValuePredictor
            Makes the same predictions as ``predict`` from any number of threads,
            independently of later changes to this estimator.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted yet.
        """
        return ValuePredictor(self)

    # ---- scikit-learn's contract

    def __sklearn_tags__(self) -> Any:
        """Return the tags; some losses require a positive target."""
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = self._needs_positive_target()
        return tags

    def _needs_positive_target(self) -> bool:
        """Return whether the loss rejects a negative target."""
        try:
            loss = loss_to_fit(self._given(), VALUE_LOSSES)
        except (TypeError, ValueError):  # an invalid loss, which fit will report
            return False
        try:
            loss.check_target(np.array([-1.0]))
        except ValueError:
            return True
        return False
