"""The task: one call of fit, understood, and the parts its parameters ask for."""

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
    """One call of ``fit`` or ``partial_fit``, as it came in.

    Parameters
    ----------
    X, y, sample_weight : object
        Data.
    validation : tuple of three, default=(None, None, None)
        The same of a validation set.
    classes : array-like or None, default=None
        All classes that will ever come.
    kind : FitKind, default=FitKind.FIT
        How the fit is called.
    rows : ndarray of int, or None, default=None
        Rows of ``X`` that are trained on, one for each of ``y``; None for all.
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
    """What is trained on what.

    Parameters
    ----------
    name : str
        The class of the estimator.
    config : TrainingConfig
        How it is trained.
    start : Start
        Where training begins.
    data : Dataset
        Training data; a part may be split off for validation.
    y : ndarray of shape (N,) or (N, C)
        The target as the user sees it.
    model : FittedModel
        Inputs, network and target, without parameters so far.
    description : dict
        The fitted attributes of the model.
    dtype : dtype
        Type of the computation.
    validation_set : ValidationSet or None
        The validation set that was handed in.
    unfitted : callable
        Makes an estimator of the same class and parameters, which knows its features.
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
        """How targets become columns."""
        return self.model.target

    @property
    def network(self) -> Network:
        """The network."""
        return self.model.network

    @property
    def loss(self) -> Loss:
        """Its loss."""
        return self.model.loss

    def objective(self, alpha: float) -> Objective:
        """Return network, loss and the ridge penalty as one function."""
        return Objective(self.network, self.loss, L2(), float(alpha))


@dataclass(frozen=True)
class FitResult:
    """What a solver gives back.

    Parameters
    ----------
    theta : ndarray of shape (K, P)
        The parameters to publish.
    termination : Termination
        How it ended.
    attributes : dict
        Further fitted attributes.
    """

    theta: Array
    termination: Termination
    attributes: dict[str, Any] = field(default_factory=dict)

    def interrupted_if(self, came: bool) -> FitResult:
        """Return the same; with the ending of an interrupt if one came at the end."""
        if not came:
            return self
        return replace(
            self, termination=replace(self.termination, reason="interrupted")
        )


def warn_of(termination: Termination, config: TrainingConfig, kind: FitKind) -> None:
    """Warn about an ending that was not meant.

    Parameters
    ----------
    termination : Termination
        How a fit ended.
    config : TrainingConfig
        Its configuration.
    kind : FitKind
        How it was called: ``partial_fit`` may well be unfinished.
    """
    text, category = "", ConvergenceWarning
    if termination.reason == "interrupted":
        text, category = "Training interrupted by user.", UserWarning
    elif termination.reason == "max_iter" and termination.detail:
        text = (
            f"lbfgs failed to converge after {termination.n_iter} iteration(s): "
            f"{termination.detail}. Increase max_iter or max_fun, or scale the data."
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
            text += " Raise max_time for more."
    elif termination.reason == "diverged":
        text = (
            f"Training diverged in iteration {termination.n_iter}; the best finite "
            "weights were restored. Likely causes: learning_rate_init="
            f"{config.learning_rate_init} is too large, or X or y is not scaled "
            "(StandardScaler, TransformedTargetRegressor)."
        )
    if text:
        warnings.warn(text + _left_out(termination), category, stacklevel=5)


def _left_out(termination: Termination) -> str:
    """Return a sentence about the networks that are missing, and what to do, or ""."""
    if not termination.left_out:
        return ""
    text = (
        f" {termination.left_out} networks were never begun: the ensemble lacks them."
    )
    if termination.reason == "max_time":
        text += " Raise max_time, or lower n_estimators."
    return text


def batch_rows(batch_size: int, n_rows: int, shuffle: bool) -> int:
    """Return the rows of a batch, with a warning where they are not those asked for.

    Parameters
    ----------
    batch_size : int
        As the user gave it.
    n_rows : int
        Training rows.
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
            f"{FULL_BATCH_ROWS} shuffled rows are one batch. Smaller ones, in the "
            "order given, need shuffle=False, which the Simple pair has.",
            stacklevel=2,
        )
        return n_rows
    return int(min(batch_size, n_rows))
