"""The problem: one call of fit, with validated data and parsed parameters."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sknet._numerics import Array
from sknet.config.presets import FULL_BATCH_ROWS
from sknet.config.training_config import TrainingConfig
from sknet.losses import Loss
from sknet.model.fitted import FittedModel
from sknet.network.network import Network
from sknet.objective import Objective
from sknet.penalties import L2
from sknet.solvers.start import FitKind, Start
from sknet.solvers.validation_set import ValidationSet
from sknet.training.batches import Dataset
from sknet.training.member import Termination


@dataclass(frozen=True)
class FitRequest:
    """The arguments of one call of ``fit`` or ``partial_fit``.

    Parameters
    ----------
    X, y, sample_weight : object
        The training data.
    validation : tuple of three, default=(None, None, None)
        Features, target and sample weights of a validation set.
    classes : array-like or None, default=None
        All classes that may occur in this or later calls.
    kind : FitKind, default=FitKind.FIT
        The kind of call.
    rows : ndarray of int, or None, default=None
        The training rows of ``X``, one for each element of ``y``; None for all rows.
    """

    X: Any
    y: Any
    sample_weight: Any = None
    validation: tuple[Any, Any, Any] = (None, None, None)
    classes: Any = None
    kind: FitKind = FitKind.FIT
    rows: Array | None = None


@dataclass(frozen=True)
class Problem:
    """Everything that a solver needs: configuration, data and network.

    Parameters
    ----------
    name : str
        Name of the estimator's class.
    config : TrainingConfig
        The training configuration.
    start : Start
        Where training starts: from scratch, or from an earlier fit.
    data : Dataset
        The training data; some rows may be split off for validation.
    y : ndarray of shape (N,) or (N, C)
        The target, as passed by the user.
    model : FittedModel
        Inputs, network and target, without parameters.
    description : dict
        The fitted attributes of the model.
    dtype : dtype
        Type of the computation.
    validation_set : ValidationSet or None
        The validation set passed by the user.
    unfitted : callable
        Returns an unfitted estimator of the same class, parameters and features.
    """

    name: str
    config: TrainingConfig
    start: Start
    data: Dataset
    y: Array
    model: FittedModel
    description: dict[str, Any]
    dtype: np.dtype[Any]
    validation_set: ValidationSet | None
    unfitted: Callable[[], Any]

    @property
    def target(self) -> Any:
        """The encoding of targets as columns."""
        return self.model.target

    @property
    def network(self) -> Network:
        """The network."""
        return self.model.network

    @property
    def loss(self) -> Loss:
        """The loss."""
        return self.model.loss

    def objective(self, alpha: float) -> Objective:
        """Return the objective: network, loss and L2 penalty as one function."""
        return Objective(self.network, self.loss, L2(), float(alpha))


@dataclass(frozen=True)
class FitResult:
    """The result of a solver.

    Parameters
    ----------
    theta : ndarray of shape (K, P)
        The parameters to publish.
    termination : Termination
        How training ended.
    attributes : dict
        Further fitted attributes.
    """

    theta: Array
    termination: Termination
    attributes: dict[str, Any] = field(default_factory=dict)

    def interrupted_if(self, came: bool) -> FitResult:
        """Return the result, marked as interrupted if an interrupt came at the end."""
        if not came:
            return self
        return replace(
            self, termination=replace(self.termination, reason="interrupted")
        )


def warn_of(termination: Termination, config: TrainingConfig, kind: FitKind) -> None:
    """Warn if a fit ended before it converged.

    Parameters
    ----------
    termination : Termination
        How the fit ended.
    config : TrainingConfig
        Its configuration.
    kind : FitKind
        The kind of call; ``partial_fit`` is not expected to converge.
    """
    text, category = "", ConvergenceWarning
    if termination.reason == "interrupted":
        text, category = "Training interrupted by user.", UserWarning
    elif termination.reason == "max_iter" and config.solver is not None:
        detail = f": {termination.detail}" if termination.detail else ""
        text = (
            f"{config.solver.name} failed to converge after {termination.n_iter} "
            f"iteration(s){detail}. Increase max_iter or max_fun, or scale the data."
        )
    elif termination.reason == "max_iter" and kind is not FitKind.PARTIAL:
        text = (
            f"Stochastic Optimizer: Maximum iterations ({config.max_iter}) reached "
            "and the optimization hasn't converged yet."
        )
    elif termination.reason == "max_time":
        text = (
            f"Training stopped at max_time={config.max_time} s after "
            f"{termination.n_iter} iterations, before it converged."
        )
        if not termination.left_out:
            text += " Raise max_time to train longer."
    elif termination.reason == "diverged":
        text = (
            f"Training diverged in iteration {termination.n_iter}; the best finite "
            "weights were restored. Likely causes: learning_rate_init="
            f"{config.learning_rate_init} is too large, or X or y is not scaled "
            "(StandardScaler, TransformedTargetRegressor)."
        )
    if text:
        warnings.warn(text + _left_out(termination), category, stacklevel=5)


def diverged_at_once() -> ValueError:
    """Return the error for a training without a finite epoch."""
    return ValueError(
        "Solver produced non-finite parameter weights. The input data may "
        "contain large values and need to be preprocessed. Training diverged "
        "in its first epoch: scale X (e.g. StandardScaler) and y, or lower "
        "learning_rate_init."
    )


def _left_out(termination: Termination) -> str:
    """Return sentences about missing networks and how to avoid them, or ""."""
    if not termination.left_out:
        return ""
    text = (
        f" {termination.left_out} networks were never started, and are missing from "
        "the ensemble."
    )
    if termination.reason == "max_time":
        text += " Raise max_time, or lower n_estimators."
    return text


def batch_rows(batch_size: int, n_rows: int, shuffle: bool) -> int:
    """Return the batch size, with a warning if it is not the given one.

    Parameters
    ----------
    batch_size : int
        The batch size as given by the user.
    n_rows : int
        Number of training rows.
    shuffle : bool
        Whether the rows are shuffled.

    Returns
    -------
    n_batch : int
        From 1 to ``n_rows``.
    """
    if batch_size > n_rows:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to "
            "be clipped",
            stacklevel=2,
        )
    elif shuffle and batch_size < n_rows <= FULL_BATCH_ROWS:
        warnings.warn(
            f"batch_size={batch_size} is raised to all {n_rows} rows: up to "
            f"{FULL_BATCH_ROWS} shuffled rows form a single batch. For smaller "
            "batches, in the given order, use shuffle=False (not available for the "
            "Tabular estimators).",
            stacklevel=2,
        )
        return n_rows
    return int(min(batch_size, n_rows))
