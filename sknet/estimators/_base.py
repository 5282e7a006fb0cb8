"""The base of the estimators: ``fit`` in a paragraph, and prediction.

Everything with an underscore at its end is fitted state and holds plain data. It is
bound at the end of a fit, all at once; a fit that fails leaves nothing behind.
"""

from __future__ import annotations

import json
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Self

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sknet._numerics import Array
from sknet._sklearn import KnownParameters, check_sample_weight, fit_context
from sknet.estimators.components import (
    FULL_BATCH_SOLVER,
    NestedParameters,
    architecture_of,
)
from sknet.estimators.constraints import CONSTRAINTS
from sknet.estimators.crew import Crew, train
from sknet.estimators.ensemble import begun, check_ensemble, n_networks
from sknet.estimators.fullbatch import fit_lbfgs
from sknet.estimators.holdout import Holdout, OwnScore, ScorerScore
from sknet.estimators.parameters import LayerParameters
from sknet.estimators.pooling import mean_link
from sknet.estimators.readings import Readings
from sknet.estimators.stochastic import conclude, prepare
from sknet.estimators.targets import class_weights
from sknet.estimators.task import Call, Fit, Task, warn_of
from sknet.estimators.threads import blas_threads
from sknet.estimators.validation import (
    check_features,
    check_hidden_layer_sizes,
    check_training_data,
    moderate_scale,
    rollback,
)
from sknet.initializers import INITIALIZERS
from sknet.losses import Loss
from sknet.network.architecture import Architecture
from sknet.network.network import perceptron
from sknet.training.batches import Dataset
from sknet.training.inference import raw_outputs


def is_stochastic(estimator: Any) -> bool:
    """Tell whether the solver makes minibatch steps, which ``partial_fit`` needs."""
    if estimator.solver == FULL_BATCH_SOLVER:
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. "
            f"{estimator.solver} is not stochastic."
        )
    return True


class BaseMLP(NestedParameters, LayerParameters, KnownParameters, BaseEstimator, ABC):
    """What the classifier and the regressor share."""

    _numeric_target: ClassVar[bool]

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    # ---- what the classifier and the regressor say for themselves

    @abstractmethod
    def _make_target(self, y: Array, going_on: bool, classes: Any) -> Any:
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
        with rollback(self):
            task = self._understand(call, Readings(shares=False))
            if self.solver == FULL_BATCH_SOLVER:
                fit = self._fit_full_batch(task)
            else:
                members = prepare(self, task)
                with self._threads(task, len(members)):
                    n_jobs = min(effective_n_jobs(self.n_jobs), len(members))
                    train(members, Crew(n_jobs))
                fit = conclude(self, task, begun(members))
            self._publish(task, fit)
        warn_of(fit.ending, self, call.incremental)

    def _fit_full_batch(self, task: Task) -> Fit:
        """Train by L-BFGS."""
        with self._threads(task, 1), np.errstate(all="ignore"):
            return fit_lbfgs(self, task)

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
        batch_size = 200 if self.batch_size == "auto" else int(self.batch_size)
        return min(batch_size, data.n_rows)

    def _understand(self, call: Call, readings: Readings) -> Task:
        """Validate everything that was handed in.

        ``readings`` remembers data that were read before, for another estimator.
        """
        goes_on = call.incremental or call.resumable or self.warm_start
        going_on = goes_on and "theta_" in vars(self)
        X, y = readings.read(self, call.X, call.y, not going_on)
        target, encoded = self._read_target(y, going_on, call, readings)
        check_ensemble(self)
        hidden = check_hidden_layer_sizes(self.hidden_layer_sizes)
        architecture = architecture_of(self, hidden)
        if going_on:
            self._check_same_network(architecture, target)
        network = perceptron(X.shape[1], architecture, target.n_raw)
        weight = readings.same(self._weight(target, X, y, call.sample_weight))
        return Task(
            data=Dataset(X, encoded, weight),
            y=y,
            target=target,
            architecture=architecture,
            network=network,
            loss=target.loss,
            dtype=self._computing_dtype(X, going_on),
            going_on=going_on,
            incremental=call.incremental,
            holdout=self._holdout(target, *call.holdout),
            resumable=call.resumable,
        )

    def _read_target(
        self, y: Array, going_on: bool, call: Call, readings: Readings
    ) -> tuple[Any, Array]:
        """Return how the target becomes columns, and the columns."""

        def read() -> tuple[Any, Array]:
            target = self._make_target(y, going_on, call.classes)
            return target, readings.same(target.encode(y))

        if going_on or call.classes is not None:
            return read()
        pair: tuple[Any, Array] = readings.once(
            (type(self), id(y), self.loss, self.output_activation), read
        )
        return pair

    def _weight(
        self, target: Any, X: Any, y: Array, sample_weight: Any
    ) -> Array | None:
        """Return validated weights, those of the classes included, or None."""
        weight = None
        if sample_weight is not None:
            weight = check_sample_weight(sample_weight, X)
        class_weight = getattr(self, "class_weight", None)
        if class_weight is not None:
            weight = class_weights(class_weight, target, y, weight)
        if weight is None:
            return None
        if not weight.any():
            raise ValueError(
                "Sample weights must contain at least one non-zero number: all "
                "samples with a positive weight are of classes whose weight is zero."
            )
        return moderate_scale(weight)

    def _holdout(
        self, target: Any, X: Any, y: Any, sample_weight: Any
    ) -> Holdout | None:
        """Validate the validation set that was handed in."""
        if X is None and y is None and sample_weight is None:
            if self.scoring is not None and not self.early_stopping:
                warnings.warn(
                    f"scoring={self.scoring!r} has no effect without a validation "
                    "set: use early_stopping=True, or pass X_val and y_val to fit.",
                    stacklevel=2,
                )
            return None
        if X is None or y is None:
            raise ValueError(
                "X_val and y_val must be given together, and sample_weight_val only "
                "with them."
            )
        X, y = check_training_data(self, X, y, False, self._numeric_target)
        target.check_labels(y, "y_val")
        weight = self._weight(target, X, y, sample_weight)
        return Holdout(Dataset(X, target.encode(y), weight), y)

    def _computing_dtype(self, X: Any, going_on: bool) -> np.dtype[Any]:
        """Return the type to compute in: once fitted, it stays."""
        if going_on:
            return self.theta_.dtype
        if self.dtype != "auto":
            return np.dtype(self.dtype)
        return np.dtype(np.float32 if X.dtype == np.float32 else np.float64)

    def _check_same_network(self, architecture: Architecture, target: Any) -> None:
        """Refuse to go on with another network than the fitted one."""
        outputs = {
            "number of networks": (n_networks(self), len(self.theta_)),
            "number of outputs": (target.n_outputs, self.n_outputs_),
            "output activation": (target.loss.link_name, self.out_activation_),
            "number of raw outputs": (
                target.n_raw,
                self._fitted_loss().n_raw(self.n_outputs_),
            ),
        }
        fitted = json.loads(self._architecture)
        before = INITIALIZERS.from_config(fitted["initializer"])
        if architecture.initializer.rescales or before.rescales:
            outputs["initializer"] = (architecture.initializer, before)
        parts = {
            name: (value, fitted[name])
            for name, value in architecture.to_config().items()
            # what was drawn at the start, and what is dropped, binds nobody
            if name not in ("initializer", "dropout")
        }
        for what, (now, before) in {**parts, **outputs}.items():
            if now != before:
                raise ValueError(
                    f"Training cannot go on (warm_start or partial_fit): {what} is "
                    f"{now}, but {before} in the fitted network. Fit a new estimator, "
                    "or clone this one first."
                )

    def _publish(self, task: Task, fit: Fit) -> None:
        """Bind all fitted attributes."""
        for name in _TRAINING_ATTRIBUTES:
            vars(self).pop(name, None)
        attributes = self._prediction_state(task) | fit.attributes
        vars(self).update(attributes, theta_=fit.theta, n_iter_=fit.ending.n_iter)

    def _prediction_state(self, task: Task) -> dict[str, Any]:
        """Return the fitted attributes that prediction needs, but for ``theta_``."""
        architecture = task.architecture
        return {
            "n_layers_": len(architecture.hidden_layer_sizes) + 2,
            "n_outputs_": task.target.n_outputs,
            "out_activation_": task.loss.link_name,
            "_architecture": json.dumps(architecture.to_config()),
            "_loss": json.dumps(task.loss.to_config()),
            **self._target_attributes(task.target),
        }

    def _score_on(
        self, task: Task, holdout: Holdout
    ) -> Callable[[Array, Array], float] | None:
        """Return what early stopping watches: parameters, raw outputs -> a number.

        None stands for the loss.
        """
        if self.scoring == "loss":
            return None
        data = holdout.data
        if self.scoring is None:
            weight = None if data.weight is None else holdout.chosen(data.weight)
            return OwnScore(task.target, task.loss, holdout.chosen(holdout.y), weight)
        # A fitted look-alike for the scorer; feature names would make it warn about
        # the plain array that it is given.
        view = type(self)(**self.get_params(deep=False))
        vars(view).update(self._prediction_state(task))
        view.n_features_in_ = self.n_features_in_
        return ScorerScore(view, self.scoring, holdout)

    # ---- prediction

    def _raw_members(self, X: Any) -> Array:
        """Return raw outputs of every network, of shape (K, N, C)."""
        check_is_fitted(self)
        X = check_features(self, X)
        with np.errstate(all="ignore"):
            return raw_outputs(self._fitted_network(), self.theta_, X)

    def _linked(self, X: Any) -> Array:
        """Return linked outputs of shape (N, C), the mean over all networks."""
        raw = self._raw_members(X)
        with np.errstate(all="ignore"):
            return mean_link(self._fitted_loss(), raw)

    def __sklearn_tags__(self) -> Any:
        """Sparse input is taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
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
