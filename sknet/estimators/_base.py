"""The base of the estimators: ``fit`` in a paragraph, and prediction.

Everything with an underscore at its end is fitted state and holds plain data. It is
bound at the end of a fit, all at once; a fit that fails leaves nothing behind.
"""

from __future__ import annotations

from abc import ABC
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from typing import Any, ClassVar, Self

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sknet._component import Registry
from sknet._numerics import Array
from sknet._sklearn import CallbackSupportMixin, KnownParameters, fit_context
from sknet.config.components import makes_steps
from sknet.config.nested import NestedParameters
from sknet.config.presets import SIMPLE, Preset
from sknet.config.training_config import TrainingConfig
from sknet.estimators.callbacks import begin_callbacks
from sknet.estimators.keeping.conversion import Conversion
from sknet.estimators.keeping.saving import Saving
from sknet.estimators.outputs.members import EnsembleMembers
from sknet.estimators.outputs.parameters import LayerParameters
from sknet.estimators.preparation import prepare_task
from sknet.model.state import keep_model, model_of
from sknet.problem.readers import ClassReader, ColumnReader, TableReader, ValueReader
from sknet.problem.readings import Readings
from sknet.problem.validation import rollback
from sknet.solvers.events import Events
from sknet.solvers.minibatch import Minibatch
from sknet.solvers.task import Fit, FitRequest, Task, warn_of
from sknet.solvers.threads import blas_threads
from sknet.training.interrupts import Interrupts


def is_stochastic(estimator: Any) -> bool:
    """Return whether the solver makes minibatch steps, which ``partial_fit`` needs."""
    if not makes_steps(estimator):
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. "
            f"{estimator.solver} is not stochastic."
        )
    return True


class BaseMLP(
    NestedParameters,
    LayerParameters,
    EnsembleMembers,
    KnownParameters,
    Conversion,
    Saving,
    CallbackSupportMixin,
    BaseEstimator,
    ABC,
):
    """What the classifier and the regressor share."""

    # What the classes differ in: how data are read, and how they are trained.
    _input_reader: ClassVar[ColumnReader | TableReader] = ColumnReader()
    _target_reader: ClassVar[ClassReader | ValueReader]
    _preset: ClassVar[Preset] = SIMPLE
    _losses: ClassVar[Registry[Any]]

    # ---- fitting

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Fit the network to data.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features: finite numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target: of a classifier labels, or an indicator matrix of several labels
            at once; of a regressor real values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0 of the rows; None for equal ones.
        X_val : {array-like, sparse matrix, dataframe}, default=None
            Features of a validation set. Its curves are recorded; with
            ``early_stopping=True`` it is watched, and no rows are split off.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Target of the validation set.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of the validation rows.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are invalid, or training diverges in its first
            epoch. The estimator is then what it was before.
        """
        validation = (X_val, y_val, sample_weight_val)
        self._fit(FitRequest(X, y, sample_weight, validation))
        return self

    def _fit(self, request: FitRequest) -> None:
        """Prepare, solve, publish; a failure leaves the estimator as it was."""
        config = TrainingConfig.of(self)
        callbacks = begin_callbacks(self, config, request)
        with ExitStack() as afterwards, rollback(self), self._one_thread():
            task = prepare_task(self, config, request, Readings(shares=False))
            solver = config.solver or Minibatch(config.steps_by)
            with Interrupts() as interrupts:
                events = Events(callbacks, interrupts, afterwards)
                fit = solver.solve(task, events).interrupted_if(interrupts.came)
                self._publish(task, fit)
            if callbacks is not None:
                callbacks.end()
        warn_of(fit.ending, config, request.kind)

    def _one_thread(self) -> AbstractContextManager[Any]:
        """Give BLAS one thread if no bit may depend on their number."""
        return blas_threads(1, 1, 1) if self.deterministic else nullcontext()

    def _publish(self, task: Task, fit: Fit) -> None:
        """Bind all fitted attributes."""
        for name in _TRAINING_ATTRIBUTES:
            vars(self).pop(name, None)
        attributes = task.description | fit.attributes
        vars(self).update(attributes, theta_=fit.theta, n_iter_=fit.ending.n_iter)
        temperature = attributes.get("temperature_", 1.0)
        model = replace(task.model, theta=fit.theta, temperature=temperature)
        keep_model(self, model)

    # ---- prediction

    @property
    def _model(self) -> Any:
        """The fitted model."""
        if "theta_" not in vars(self):  # a look, not the 6 microseconds of a check
            check_is_fitted(self)
        return model_of(self)

    def _raw(self, X: Any) -> Array:
        """Return raw outputs of every network, (K, N, R), in the type of the rows."""
        model = self._model
        columns, dtype = model.inputs.read(self, X)
        with self._one_thread():
            raw: Array = model.raw(columns, dtype)
        return raw

    def __sklearn_tags__(self) -> Any:
        """Sparse input is taken, but by a trunk that networks share."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.share_trunk
        if self._input_reader.encodes_tables:
            tags.input_tags.allow_nan = True
            tags.input_tags.categorical = True
            tags.input_tags.string = True
        return tags


# Fitted attributes that depend on the solver: none of an earlier fit may survive.
_TRAINING_ATTRIBUTES = (
    "loss_",
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "validation_loss_curve_",
    "best_validation_score_",
    "n_no_improvement_",
    "learning_rate_",
    "member_loss_curves_",
    "member_seeds_",
)
