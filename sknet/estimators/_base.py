"""The base of the estimators: ``fit`` in a paragraph, and prediction.

Everything with an underscore at its end is fitted state and holds plain data. It is
bound at the end of a fit, all at once; a fit that fails leaves nothing behind.
"""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from functools import partial
from typing import Any, Self

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sknet._numerics import Array
from sknet._sklearn import CallbackSupportMixin, KnownParameters, fit_context
from sknet.estimators.fitting.callbacks import EpochCallbacks, begin_callbacks
from sknet.estimators.fitting.checkpoints import saving
from sknet.estimators.fitting.crew import Crew, train
from sknet.estimators.fitting.fullbatch import fit_lbfgs
from sknet.estimators.fitting.holdout import Holdout, OwnScore, ScorerScore
from sknet.estimators.fitting.stochastic import conclude, prepare
from sknet.estimators.fitting.task import Call, Fit, Task, warn_of
from sknet.estimators.inputs.components import (
    NestedParameters,
)
from sknet.estimators.inputs.readings import Readings
from sknet.estimators.inputs.validation import refuse_overflow, rollback
from sknet.estimators.keeping.conversion import Conversion
from sknet.estimators.keeping.saving import Saving
from sknet.estimators.outputs.members import (
    OF_TRAINING,
    EnsembleMembers,
    own_outputs,
)
from sknet.estimators.outputs.parameters import LayerParameters
from sknet.estimators.outputs.precision import in_type
from sknet.estimators.threads import blas_threads
from sknet.estimators.understanding import Understanding
from sknet.losses import Loss
from sknet.network.architecture import Architecture
from sknet.training.batches import Dataset
from sknet.training.inference import raw_outputs
from sknet.training.interrupts import Interrupts
from sknet.training.lbfgs import FULL_BATCH_SOLVER


def is_stochastic(estimator: Any) -> bool:
    """Tell whether the solver makes minibatch steps, which ``partial_fit`` needs."""
    if estimator.solver == FULL_BATCH_SOLVER:
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. "
            f"{estimator.solver} is not stochastic."
        )
    return True


class BaseMLP(
    Understanding,
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

    # ---- what the classifier and the regressor say for themselves

    @abstractmethod
    def _make_target(
        self, y: Array, weight: Array | None, going_on: bool, classes: Any
    ) -> Any:
        """Return how the target becomes columns; refuse one that does not fit."""

    @abstractmethod
    def _target_attributes(self, target: Any) -> dict[str, Any]:
        """Return the fitted attributes that describe the target."""

    @abstractmethod
    def _fitted_target(self) -> Any:
        """Return how the fitted target becomes columns, and its loss."""

    def _fitted_loss(self) -> Loss:
        """Return the loss of the fitted network, whatever the parameter is now."""
        return self._fitted_target().loss

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
        self._fit(Call(X, y, sample_weight, (X_val, y_val, sample_weight_val)))
        return self

    def _fit(self, call: Call) -> None:
        """Understand, train, publish; a failure leaves the estimator as it was."""
        callbacks = begin_callbacks(self, call)
        with ExitStack() as afterwards, rollback(self), self._one_thread():
            task = self._understand(call, Readings(shares=False))
            solve = partial(self._fit_by_steps, afterwards=afterwards)
            if self.solver == FULL_BATCH_SOLVER:
                solve = self._fit_full_batch
            with Interrupts() as interrupts:
                fit = solve(task, callbacks, interrupts)
            if callbacks is not None:
                callbacks.end()
        warn_of(fit.ending, self, call.incremental)

    def _fit_by_steps(
        self,
        task: Task,
        callbacks: EpochCallbacks | None,
        interrupts: Interrupts,
        afterwards: ExitStack,
    ) -> Fit:
        """Train by minibatch steps, and publish; a checkpoint goes afterwards."""
        began = time.perf_counter()
        members = prepare(self, task)
        saver = afterwards.enter_context(saving(self, task, members, interrupts))
        n_jobs = min(effective_n_jobs(self.n_jobs), len(members))
        crew = Crew(n_jobs, save=saver, interrupts=interrupts, began=began)
        if callbacks is not None:
            crew.watch = callbacks.of_members(task, members)
        with self._threads(task, len(members)):
            with suppress(KeyboardInterrupt), interrupts.let_in():
                train([m for m in members if m.ending is None], crew)
            if saver is not None:
                saver.catch_up(members)
            fit = conclude(self, task, members).interrupted_if(interrupts.came)
            self._publish(task, fit)
        return fit

    def _fit_full_batch(
        self, task: Task, callbacks: EpochCallbacks | None, interrupts: Interrupts
    ) -> Fit:
        """Train by L-BFGS, and publish."""
        watch = None if callbacks is None else callbacks.of_full_batch(task)
        with self._threads(task, 1), np.errstate(all="ignore"):
            fit = fit_lbfgs(self, task, interrupts, watch)
        fit = fit.interrupted_if(interrupts.came)
        self._publish(task, fit)
        return fit

    def _one_thread(self) -> AbstractContextManager[Any]:
        """Give BLAS one thread if no bit may depend on their number."""
        return blas_threads(1, 1, 1) if self.deterministic else nullcontext()

    def _threads(self, task: Task, n_members: int) -> AbstractContextManager[Any]:
        """Limit the threads of BLAS: blocks of members have one each."""
        n_threads = self.n_threads
        if n_members > 1 and effective_n_jobs(self.n_jobs) > 1:
            n_threads = 1
        n_rows, n_largest = self._rows_at_once(task.data), task.network.n_largest
        return blas_threads(n_threads, n_rows, n_largest)

    def _rows_at_once(self, data: Dataset) -> int:
        """Return the rows of a matrix product, or about so many."""
        if self.solver == FULL_BATCH_SOLVER:
            return data.n_rows
        if self.batch_size == "auto":
            return self._auto_batch_size(data.n_rows)
        return min(int(self.batch_size), data.n_rows)

    def _publish(self, task: Task, fit: Fit) -> None:
        """Bind all fitted attributes."""
        for name in OF_TRAINING:
            vars(self).pop(name, None)
        attributes = self._prediction_state(task) | fit.attributes
        vars(self).update(attributes, theta_=fit.theta, n_iter_=fit.ending.n_iter)

    def _prediction_state(self, task: Task) -> dict[str, Any]:
        """Return the fitted attributes that prediction needs, but for ``theta_``."""
        return dict(task.description)

    def _network_state(self, architecture: Architecture, target: Any) -> dict[str, Any]:
        """Return the fitted attributes that describe a network and its target.

        A part that could not be stored is refused.
        """
        return {
            "n_outputs_": target.n_outputs,
            "out_activation_": target.loss.link_name,
            "_architecture": json.dumps(architecture.to_config()),
            "_loss": json.dumps(target.loss.to_config()),
            **self._target_attributes(target),
        }

    def _score_on(
        self, task: Task, holdout: Holdout
    ) -> Callable[[Array, Array], float] | None:
        """Return what early stopping watches: parameters, raw outputs -> a number.

        None stands for the loss.
        """
        if self.scoring == "loss":
            return self._loss_on(task, holdout)
        data = holdout.data
        if self.scoring is None:
            weight = None if data.weight is None else holdout.chosen(data.weight)
            return OwnScore(task.target, task.loss, holdout.chosen(holdout.y), weight)
        # A fitted look-alike for the scorer; feature names would make it warn about
        # the plain array that it is given.
        view = type(self)(**self.get_params(deep=False))
        vars(view).update(self._prediction_state(task))
        view.n_features_in_ = self.n_features_in_
        view._takes_columns = True
        return ScorerScore(view, self.scoring, holdout)

    def _loss_on(
        self, task: Task, holdout: Holdout
    ) -> Callable[[Array, Array], float] | None:
        """Return what early stopping watches if it is the loss; None for no more."""
        del task, holdout
        return None

    # ---- prediction

    def _raw_members(self, X: Any) -> Array:
        """Return raw outputs of every network, (K, N, C), in the type of the rows."""
        if "theta_" not in vars(self):  # a look, not the 6 microseconds of a check
            check_is_fitted(self)
        columns = self._features(X)
        dtype, theta = self._type_of_predictions(X, columns), self.theta_
        widest = np.promote_types(theta.dtype, dtype)
        with np.errstate(all="ignore"), self._one_thread():
            raw = raw_outputs(self._fitted_network(), theta, columns, widest)
        return in_type(own_outputs(self, refuse_overflow(raw)), dtype)

    def __sklearn_tags__(self) -> Any:
        """Sparse input is taken, but by a trunk that networks share."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.share_trunk
        return tags
