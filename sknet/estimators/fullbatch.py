"""Fitting by L-BFGS: from an estimator's parameters to trained ones."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sknet._rng import stream_state
from sknet.estimators.task import Fit, Task, limits_of
from sknet.training.callbacks import Reporter
from sknet.training.lbfgs import FullBatch, minimize_lbfgs


def fit_lbfgs(estimator: Any, task: Task) -> Fit:
    """Train on all rows at once by L-BFGS.

    Parameters
    ----------
    estimator : BaseMLP
        Its parameters say how; ``theta_`` is the start if training goes on.
    task : Task
        What is trained on what.

    Returns
    -------
    fit : Fit
        Trained parameters.
    """
    for parameter, is_given in (
        ("early_stopping=True", estimator.early_stopping),
        ("X_val", task.holdout is not None),
    ):
        if is_given:
            warnings.warn(
                f"{parameter} has no effect with solver='lbfgs', which has no epochs; "
                "use solver='adam' or 'sgd'.",
                stacklevel=2,
            )
    if task.going_on:
        stream, theta = estimator._training["stream"], estimator.theta_.copy()
    else:
        streams = [check_random_state(estimator.random_state)]
        theta = task.network.initial(streams, task.dtype)
        stream = stream_state(streams[0])
    full = FullBatch(task.objective(estimator.alpha), task.data, theta)
    ending, x, loss = minimize_lbfgs(
        full,
        limits_of(estimator, incremental=False),
        estimator.max_fun,
        estimator.tol,
        Reporter(bool(estimator.verbose)),
    )
    theta[0, : len(x)] = x
    if not np.isfinite(loss) or not np.isfinite(theta).all():
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain "
            "large values and need to be preprocessed. L-BFGS found no finite value "
            "of the loss: scale X (e.g. StandardScaler) and y."
        )
    before = estimator.n_epochs_ if task.going_on else 0
    attributes = {
        "loss_": loss,
        "n_epochs_": before + ending.n_iter,
        "t_": estimator.t_ if task.going_on else 0,
        "_training": {"stream": stream},
    }
    return Fit(theta, ending, attributes)
