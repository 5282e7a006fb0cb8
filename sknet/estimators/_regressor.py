"""What is common to the regressors: their target, and ``partial_fit``."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.neural_network import MLPRegressor
from sklearn.utils.metaestimators import available_if

from sknet._component import Registry
from sknet._numerics import Array
from sknet._sklearn import partial_fit_context
from sknet.config.components import loss_of
from sknet.estimators._base import BaseMLP, is_stochastic
from sknet.estimators.fitting.task import Call
from sknet.estimators.outputs.prediction import ValuePredictions
from sknet.estimators.outputs.predictor import ValuePredictor
from sknet.losses import VALUE_LOSSES, ValueLoss
from sknet.problem.value_target import ValueTarget


class BaseMLPRegressor(ValuePredictions, MultiOutputMixin, RegressorMixin, BaseMLP):
    """Base of the regressors."""

    _losses: ClassVar[Registry[ValueLoss]] = VALUE_LOSSES
    _numeric_target: ClassVar[bool] = True
    _sister: ClassVar[type] = MLPRegressor

    @available_if(is_stochastic)
    @partial_fit_context
    def partial_fit(self, X: Any, y: Any, *, sample_weight: Any = None) -> Self:
        """Train one epoch on the given data, going on from earlier calls.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features: finite numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Real target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0 of the rows; None for equal ones.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data are invalid, or do not go with the earlier ones.
        """
        self._fit(Call(X, y, sample_weight, incremental=True))
        return self

    def predictor(self) -> ValuePredictor:
        """Return what serves this network: a copy that predicts at once.

        Returns
        -------
        predictor : ValuePredictor
            Gives what ``predict`` gives, from any number of threads, whatever becomes
            of this estimator.

        Raises
        ------
        NotFittedError
            If there is nothing to serve yet.
        """
        return ValuePredictor(self)

    # ---- what the base asks for

    def _loss_to_fit(self) -> ValueLoss:
        """Return the loss that the parameters describe."""
        loss: ValueLoss = loss_of(self, VALUE_LOSSES)
        return loss

    def _make_target(
        self, y: Array, weight: Array | None, going_on: bool, classes: Any
    ) -> ValueTarget:
        """Read the number of outputs."""
        del weight, going_on, classes
        n_outputs = 1 if y.ndim == 1 else y.shape[1]
        return ValueTarget(n_outputs, self._loss_to_fit())

    def _label_sister(self, mlp: Any) -> None:
        """Give nothing: values are what they are."""

    def _target_of_sister(self, mlp: Any) -> ValueTarget:
        """Return the number of outputs of scikit-learn's class."""
        return ValueTarget(mlp.n_outputs_, self._loss_to_fit())

    def __sklearn_tags__(self) -> Any:
        """Say whether the loss takes positive targets only."""
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = self._needs_positive_target()
        return tags

    def _needs_positive_target(self) -> bool:
        """Tell whether the loss refuses a negative target."""
        try:
            loss = self._loss_to_fit()
        except (TypeError, ValueError):  # no loss at all, of which fit will tell
            return False
        try:
            loss.check_target(np.array([-1.0]))
        except ValueError:
            return True
        return False
