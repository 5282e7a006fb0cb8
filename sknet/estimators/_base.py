"""The base of the estimators: ``fit`` in a paragraph, and prediction.

Everything with an underscore at its end is fitted state and holds plain data. It is
bound at the end of a fit, all at once; a fit that fails leaves nothing behind.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer_names
from sklearn.utils.validation import check_is_fitted

from sknet._numerics import Array
from sknet._sklearn import Interval, Options, StrOptions, check_sample_weight
from sknet.activations import ACTIVATIONS
from sknet.estimators.fullbatch import fit_lbfgs
from sknet.estimators.holdout import Holdout, scorer_of
from sknet.estimators.stochastic import fit_stochastic
from sknet.estimators.task import Fit, Task
from sknet.estimators.threads import blas_threads
from sknet.estimators.validation import (
    check_features,
    check_hidden_layer_sizes,
    check_training_data,
    moderate_scale,
    rollback,
)
from sknet.losses import Loss
from sknet.network.network import Network, perceptron
from sknet.optimizers import OPTIMIZERS
from sknet.schedules import SCHEDULES
from sknet.training.batches import Dataset
from sknet.training.inference import raw_outputs

_FULL_BATCH_SOLVER = "lbfgs"


def is_stochastic(estimator: Any) -> bool:
    """Tell whether the solver makes minibatch steps, which ``partial_fit`` needs."""
    if estimator.solver == _FULL_BATCH_SOLVER:
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. "
            f"{estimator.solver} is not stochastic."
        )
    return True


class BaseMLP(BaseEstimator, ABC):
    """What the classifier and the regressor share."""

    _numeric_target: bool

    _parameter_constraints: dict[str, list[Any]] = {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "solver": [StrOptions({_FULL_BATCH_SOLVER, *OPTIMIZERS})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "learning_rate": [StrOptions(set(SCHEDULES))],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "scoring": [StrOptions({"loss", *get_scorer_names()}), callable, None],
        "dtype": [StrOptions({"auto", "float32", "float64"})],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "n_threads": [Interval(Integral, 1, None, closed="left"), None],
    }

    # ---- what the classifier and the regressor say for themselves

    @abstractmethod
    def _make_target(self, y: Array, going_on: bool, classes: Any) -> Any:
        """Return how the target becomes columns; refuse one that does not fit."""

    @abstractmethod
    def _make_weight(
        self, target: Any, y: Array, weight: Array | None
    ) -> Array | None:
        """Return the weights to train with."""

    @abstractmethod
    def _target_attributes(self, target: Any) -> dict[str, Any]:
        """Return the fitted attributes that describe the target."""

    @abstractmethod
    def _default_score(
        self, target: Any, prediction: Array, y: Array, weight: Array | None
    ) -> float:
        """Return the score that early stopping watches by default."""

    @abstractmethod
    def _fitted_loss(self) -> Loss:
        """Return the loss of the fitted network."""

    # ---- fitting

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        holdout: tuple[Any, Any, Any] = (None, None, None),
        classes: Any = None,
        incremental: bool = False,
    ) -> BaseMLP:
        """Understand, train, publish; a failure leaves the estimator as it was."""
        with rollback(self):
            task = self._understand(X, y, sample_weight, holdout, classes, incremental)
            solve = (
                fit_lbfgs if self.solver == _FULL_BATCH_SOLVER else fit_stochastic
            )
            n_batch = task.data.n_rows if self.batch_size == "auto" else self.batch_size
            widths = task.network.widths
            with (
                blas_threads(self.n_threads, min(n_batch, 200), widths),
                np.errstate(all="ignore"),
            ):
                fit = solve(self, task)
            self._publish(task, fit)
        self._warn(fit, incremental)
        return self

    def _understand(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        holdout: tuple[Any, Any, Any],
        classes: Any,
        incremental: bool,
    ) -> Task:
        """Validate everything that was handed in."""
        going_on = (incremental or self.warm_start) and "theta_" in vars(self)
        X, y = check_training_data(
            self, X, y, not going_on, self._numeric_target
        )
        target = self._make_target(y, going_on, classes)
        hidden = check_hidden_layer_sizes(self.hidden_layer_sizes)
        activation = ACTIVATIONS.make(self.activation)
        network = perceptron(X.shape[1], hidden, activation, target.n_outputs)
        if going_on:
            self._check_same_network(hidden, target.n_outputs)
        weight = self._weight(target, X, y, sample_weight)
        return Task(
            data=Dataset(X, target.encode(y), weight),
            y=y,
            target=target,
            network=network,
            loss=target.loss,
            dtype=self._computing_dtype(X, going_on),
            going_on=going_on,
            incremental=incremental,
            holdout=self._holdout(target, *holdout),
        )

    def _weight(
        self, target: Any, X: Any, y: Array, sample_weight: Any
    ) -> Array | None:
        """Return validated weights, those of the classes included, or None."""
        weight = None
        if sample_weight is not None:
            weight = check_sample_weight(sample_weight, X)
        weight = self._make_weight(target, y, weight)
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
        self._check_holdout_target(target, y)
        weight = self._weight(target, X, y, sample_weight)
        return Holdout(Dataset(X, target.encode(y), weight), y)

    @abstractmethod
    def _check_holdout_target(self, target: Any, y: Array) -> None:
        """Refuse a validation target that does not go with the training target."""

    def _computing_dtype(self, X: Any, going_on: bool) -> np.dtype[Any]:
        """Return the type to compute in: once fitted, it stays."""
        if going_on:
            return self.theta_.dtype  # type: ignore[no-any-return]
        if self.dtype != "auto":
            return np.dtype(self.dtype)
        return np.dtype(np.float32 if X.dtype == np.float32 else np.float64)

    def _check_same_network(self, hidden: tuple[int, ...], n_outputs: int) -> None:
        """Refuse to go on with another network than the fitted one."""
        fitted = self._architecture
        now = {
            "hidden_layer_sizes": hidden,
            "activation": self.activation,
            "number of outputs": n_outputs,
        }
        before = {
            "hidden_layer_sizes": tuple(fitted["hidden_layer_sizes"]),
            "activation": fitted["activation"],
            "number of outputs": self.n_outputs_,
        }
        for what, value in now.items():
            if value != before[what]:
                raise ValueError(
                    f"Training cannot go on (warm_start or partial_fit): {what} is "
                    f"{value}, but {before[what]} in the fitted network. Fit a new "
                    "estimator, or clone this one first."
                )

    def _publish(self, task: Task, fit: Fit) -> None:
        """Bind all fitted attributes."""
        for name in _TRAINING_ATTRIBUTES:
            vars(self).pop(name, None)
        attributes = self._prediction_state(task) | fit.attributes
        vars(self).update(attributes, theta_=fit.theta, n_iter_=fit.ending.n_iter)

    def _prediction_state(self, task: Task) -> dict[str, Any]:
        """Return the fitted attributes that prediction needs, but for ``theta_``."""
        hidden = list(check_hidden_layer_sizes(self.hidden_layer_sizes))
        architecture = {"hidden_layer_sizes": hidden, "activation": self.activation}
        return {
            "n_layers_": len(hidden) + 2,
            "n_outputs_": task.network.n_outputs,
            "out_activation_": task.loss.link_name,
            "_architecture": architecture,
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
            link, target = task.loss.link, task.target

            def score(theta: Array, raw: Array) -> float:
                del theta
                prediction = link(raw)
                return self._default_score(target, prediction, holdout.y, data.weight)

            return score
        # A fitted look-alike for the scorer; feature names would make it warn about
        # the plain array that it is given.
        view = type(self)(**self.get_params(deep=False))
        vars(view).update(self._prediction_state(task))
        view.n_features_in_ = self.n_features_in_
        scorer = scorer_of(self.scoring)

        def score_view(theta: Array, raw: Array) -> float:
            del raw
            view.theta_ = theta
            return scorer(view, holdout)

        return score_view

    def _warn(self, fit: Fit, incremental: bool) -> None:
        """Warn about an ending that was not meant, once all is published."""
        reason, n_iter = fit.ending.reason, fit.ending.n_iter
        if reason == "interrupted":
            warnings.warn("Training interrupted by user.", stacklevel=4)
        elif reason == "max_iter" and fit.ending.detail:
            warnings.warn(
                f"lbfgs failed to converge after {n_iter} iteration(s): "
                f"{fit.ending.detail}. Increase max_iter or max_fun, or scale the "
                "data.",
                ConvergenceWarning,
                stacklevel=4,
            )
        elif reason == "max_iter" and not incremental:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached "
                "and the optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=4,
            )
        elif reason == "max_time":
            warnings.warn(
                f"Training stopped at max_time={self.max_time} s after {n_iter} "
                "iterations, before it converged.",
                ConvergenceWarning,
                stacklevel=4,
            )
        elif reason == "diverged":
            warnings.warn(
                f"Training diverged in iteration {n_iter}; the best finite weights "
                "were restored. Likely causes: learning_rate_init="
                f"{self.learning_rate_init} is too large, or X or y is not scaled "
                "(e.g. by StandardScaler and TransformedTargetRegressor).",
                ConvergenceWarning,
                stacklevel=4,
            )

    # ---- prediction

    def _fitted_network(self) -> Network:
        """Return the fitted network's description."""
        return perceptron(
            self.n_features_in_,
            tuple(self._architecture["hidden_layer_sizes"]),
            ACTIVATIONS.make(self._architecture["activation"]),
            self.n_outputs_,
        )

    def _raw(self, X: Any) -> Array:
        """Return raw outputs of shape (N, C)."""
        check_is_fitted(self)
        X = check_features(self, X)
        with np.errstate(all="ignore"):
            return raw_outputs(self._fitted_network(), self.theta_, X)[0]  # type: ignore[no-any-return]

    def _linked(self, X: Any) -> Array:
        """Return linked outputs of shape (N, C)."""
        raw = self._raw(X)
        with np.errstate(all="ignore"):
            return self._fitted_loss().link(raw)

    # ---- the parameters layer by layer

    @property
    def coefs_(self) -> list[Array]:
        """Weight matrices, layer by layer: views of ``theta_``, and assignable."""
        return self._layer_parameters("weight")

    @coefs_.setter
    def coefs_(self, values: list[Array]) -> None:
        self._assign_layer_parameters("weight", values)

    @property
    def intercepts_(self) -> list[Array]:
        """Bias vectors, layer by layer: views of ``theta_``, and assignable."""
        return [bias.reshape(-1) for bias in self._layer_parameters("bias")]

    @intercepts_.setter
    def intercepts_(self, values: list[Array]) -> None:
        self._assign_layer_parameters("bias", values)

    def _layer_parameters(self, name: str) -> list[Array]:
        """Return the views of one kind of parameter."""
        if "theta_" not in vars(self):
            raise AttributeError(f"This {type(self).__name__} is not fitted yet.")
        layout = self._fitted_network().layout
        return [view[0] for view in layout.named(self.theta_, name)]

    def _assign_layer_parameters(self, name: str, values: list[Array]) -> None:
        """Overwrite one kind of parameter."""
        views = self._layer_parameters(name)
        if len(values) != len(views):
            raise ValueError(f"Expected {len(views)} arrays, got {len(values)}.")
        arrays = [
            np.asarray(value).reshape(view.shape)
            for view, value in zip(views, values, strict=True)
        ]
        for view, array in zip(views, arrays, strict=True):
            view[...] = array
        # What was kept to go on belongs to other parameters now.
        self._training = self._training | {"last_theta": None}

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
)
