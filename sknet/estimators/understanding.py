"""Understanding a call of ``fit``: from what was handed in to a task.

What estimators do differently here (reading tables, encoding them, scaling targets)
they say by overriding a method; see the first part of the class.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from sknet._numerics import Array
from sknet.activations import Activation
from sknet.config.components import (
    activations_of,
    architecture_of,
    optimizer_of,
    schedule_of,
)
from sknet.config.lists import check_hidden_layer_sizes
from sknet.estimators.fitting.ensemble import check_ensemble, n_networks
from sknet.estimators.fitting.holdout import Holdout
from sknet.estimators.fitting.task import FULL_BATCH_ROWS, Call, Task
from sknet.estimators.threads import check_threads
from sknet.model.fitted import FittedModel
from sknet.model.state import to_attributes, untrained
from sknet.network.architecture import Architecture
from sknet.network.entrance import Entrance
from sknet.optimizers import Optimizer
from sknet.problem.inputs import Columns, Table
from sknet.problem.readings import Readings
from sknet.problem.validation import (
    check_features,
    check_training_data,
    of_validation_set,
    warn_of_extreme_column,
)
from sknet.problem.weights import check_weight, class_weights, moderate_scale
from sknet.schedules import Schedule
from sknet.training.batches import Dataset
from sknet.training.member import Member


def no_way_on(what: str, now: Any, before: Any) -> ValueError:
    """Return the error about what may not change while a training goes on."""
    return ValueError(
        f"Training cannot go on (warm_start or partial_fit): {what} is {now}, but "
        f"{before} in the fitted network. Fit a new estimator, or clone this one first."
    )


class Understanding:
    """Mixin: what an estimator makes of a call."""

    _numeric_target: ClassVar[bool]

    # ---- what other estimators may do differently

    _default_scoring: ClassVar[str | None] = None
    _later_ties: ClassVar[bool] = False
    _patience_growth: ClassVar[float] = 0.0
    # Losses whose first predictions are those of the weights as they were drawn.
    _losses_as_drawn: ClassVar[tuple[str, ...]] = ()
    # Whether more than two classes are held out in proportion; scikit-learn does not.
    _stratifies_all: ClassVar[bool] = False
    # Up to so many rows in one batch share the noise of a step.
    _full_batch_rows: ClassVar[int] = FULL_BATCH_ROWS

    def _target_key(self) -> tuple[Any, ...]:
        """Return the parameters that say how the target becomes columns."""
        return self.loss, self.output_activation

    def _activations(self) -> tuple[Activation, ...]:
        """Return the activations, one for all hidden layers or one for each."""
        return activations_of(self)

    def _chosen_optimizer(self) -> Optimizer:
        """Return the optimizer that the parameters describe."""
        return optimizer_of(self)

    def _chosen_schedule(self, incremental: bool) -> Schedule:
        """Return the course of the learning rate, in ``fit`` or ``partial_fit``."""
        del incremental
        return schedule_of(self)

    def _later_rate(self, of_batch: float, was_planned: bool) -> float:
        """Return the share of the learning rate that a later ``partial_fit`` takes.

        Parameters
        ----------
        of_batch : float
            Its rows in a batch, relative to those of the largest batch so far.
        was_planned : bool
            Whether a fit has gone through a planned course of the learning rate.

        Returns
        -------
        share : float
            In (0, 1].
        """
        del of_batch, was_planned
        return 1.0

    def _auto_batch_size(self, n_rows: int) -> int:
        """Return the rows of a batch for ``n_rows`` to train on, if not asked for."""
        return min(200, n_rows)

    def _read(self, X: Any, y: Any, reset: bool) -> tuple[Any, Array]:
        """Validate features and target."""
        return check_training_data(self, X, y, reset, self._numeric_target)

    def _read_whole(self, X: Any, reset: bool) -> Any:
        """Validate features of which each fold trains on some rows.

        Return None if each fold has to read its own: what is wrong with rows that it
        leaves out is none of its business.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                X = check_features(self, X, reset)
                warn_of_extreme_column(self, X)
            except Exception:  # each fold finds out for itself
                return None
        return X

    def _encoder(
        self, X: Any, weight: Array | None, going_on: bool, readings: Readings
    ) -> Any:
        """Return what makes the network's columns of features, or None for nothing.

        Parameters
        ----------
        X : object
            What :meth:`_read` gave.
        weight : ndarray of shape (N,), or None
            Weights of the rows.
        going_on : bool
            Whether an earlier training goes on, whose encoder it must be.
        readings : Readings
            Remembers encoders of other estimators.

        Returns
        -------
        encoder : object or None
            Fitted, with a method ``encode_checked``.
        """
        del X, weight, going_on, readings
        return None

    def _entrance(self, encoder: Any, columns: Any) -> Entrance:
        """Return what stands in front of the hidden layers, for these columns."""
        del encoder, columns
        return Entrance()

    def _described(self, n_rows: int, encoder: Any, columns: Any) -> Architecture:
        """Return the network that the parameters describe."""
        del n_rows
        hidden = check_hidden_layer_sizes(self.hidden_layer_sizes)
        return architecture_of(self, hidden, self._entrance(encoder, columns))

    def _rate_factors(self) -> dict[str, float]:
        """Return the factors on the learning rate of some parameters."""
        return self.rate_factors or {}

    def _splits(self, n_rows: int) -> bool:
        """Tell whether early stopping holds out rows, of ``n_rows`` that there are."""
        del n_rows
        return bool(self.early_stopping)

    def _judged(
        self, task: Task, theta: Array, members: Sequence[Member]
    ) -> dict[str, Any]:
        """Return attributes that trained networks get by their validation sets.

        After L-BFGS, which has none, there are no ``members``.
        """
        del task, theta, members
        return {}

    # ---- what all do

    def _understand(self, call: Call, readings: Readings) -> Task:
        """Validate everything that was handed in.

        ``readings`` remembers data that were read before, for another estimator.
        """
        goes_on = call.incremental or call.resumable or self.warm_start
        going_on = goes_on and "theta_" in vars(self)
        if going_on:
            self._check_goes_on()
        X, y, rows = readings.read(self, call.X, call.y, call.rows, not going_on)
        weight = readings.same(check_weight(call.sample_weight, y))
        target, encoded = self._read_target(y, weight, going_on, call, readings)
        weight = readings.same(self._weight_by_class(target, y, weight))
        check_ensemble(self)
        check_threads(self)
        encoder = self._encoder(X, weight, going_on, readings)
        columns = self._columns(X, encoder, readings)
        architecture = self._described(len(y), encoder, columns)
        inputs = Columns(columns.shape[1]) if encoder is None else Table(encoder)
        model = untrained(inputs, architecture, target)
        if going_on:
            self._check_same_network(model)
        return Task(
            data=Dataset(columns, encoded, weight, rows),
            y=y,
            model=model,
            description=to_attributes(model),
            dtype=self._computing_dtype(columns, going_on),
            going_on=going_on,
            incremental=call.incremental,
            holdout=self._holdout(target, encoder, *call.validation),
            resumable=call.resumable,
        )

    @staticmethod
    def _columns(X: Any, encoder: Any, readings: Readings) -> Any:
        """Return the columns of the network, made once for all that share them."""
        if encoder is None:
            return X
        return readings.once((id(X), id(encoder)), partial(encoder.encode_checked, X))

    def _read_target(
        self,
        y: Array,
        weight: Array | None,
        going_on: bool,
        call: Call,
        readings: Readings,
    ) -> tuple[Any, Array]:
        """Return how the target becomes columns, and the columns."""

        def read() -> tuple[Any, Array]:
            target = self._make_target(y, weight, going_on, call.classes)
            return target, readings.same(target.encode(y))

        if going_on or call.classes is not None:
            return read()
        key = (type(self), id(y), id(weight), *self._target_key())
        pair: tuple[Any, Array] = readings.once(key, read)
        return pair

    def _weight_by_class(
        self, target: Any, y: Array, weight: Array | None
    ) -> Array | None:
        """Return weights with those of the classes in them, or None."""
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
        self, target: Any, encoder: Any, X: Any, y: Any, sample_weight: Any
    ) -> Holdout | None:
        """Validate the validation set that was handed in."""
        if X is None and y is None and sample_weight is None:
            if self.scoring != self._default_scoring and not self.early_stopping:
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
        with of_validation_set():
            X, y = self._read(X, y, False)
            target.check_labels(y, "y_val")
            weight = check_weight(sample_weight, X)
            weight = self._weight_by_class(target, y, weight)
            columns = X if encoder is None else encoder.encode_checked(X)
        return Holdout(Dataset(columns, target.encode(y), weight), y)

    def _computing_dtype(self, X: Any, going_on: bool) -> np.dtype[Any]:
        """Return the type to compute in: once fitted, it stays."""
        if going_on:
            return self.theta_.dtype
        if self.dtype != "auto":
            return np.dtype(self.dtype)
        return np.dtype(np.float32 if X.dtype == np.float32 else np.float64)

    def _n_asked_for(self) -> int:
        """Return the networks of the last fit, those among them that it left out."""
        memory = vars(self).get("_training", {})
        return int(memory.get("n_networks", len(self.theta_)))

    def _check_same_network(self, model: FittedModel) -> None:
        """Refuse to go on with another network than the fitted one."""
        fitted, target = self._model, model.target
        fitted_dtype = str(fitted.theta.dtype)
        own_dtype = fitted_dtype if self.dtype == "auto" else self.dtype
        pairs = {
            "dtype": (own_dtype, fitted_dtype),
            "number of networks": (n_networks(self), self._n_asked_for()),
            "number of outputs": (target.n_outputs, fitted.target.n_outputs),
            "output activation": (target.loss.link_name, fitted.loss.link_name),
            "number of raw outputs": (target.n_raw, fitted.target.n_raw),
        }
        now, before = model.architecture.initializer, fitted.architecture.initializer
        if now.rescales or before.rescales:
            pairs["initializer"] = (now, before)
        parts = _differences(model.architecture, fitted.architecture)
        for what, (now, before) in {**parts, **pairs}.items():
            if now != before:
                raise no_way_on(what, now, before)


def _differences(now: Architecture, before: Architecture) -> dict[str, Any]:
    """Return what differs between two descriptions, as plain data, by name.

    What was drawn at the start, and what is dropped out, may change.
    """
    if now == before:
        return {}
    pairs, fitted = now.to_config(), before.to_config()
    return {
        name: (value, fitted[name])
        for name, value in pairs.items()
        if name not in ("initializer", "dropout")
    }
