"""Scoring: what early stopping watches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sknet._numerics import Array
from sknet.problem.inputs import Encoded, Table
from sknet.solvers.calibration import CalibratedScore, is_calibrated
from sknet.solvers.holdout import Holdout, OwnScore, ScorerScore
from sknet.solvers.task import Task


Score = Callable[[Array, Array], float]


def score_on(task: Task, holdout: Holdout) -> Score | None:
    """Return what early stopping watches: parameters, raw outputs -> a number.

    Parameters
    ----------
    task : Task
        What is trained on what.
    holdout : Holdout
        The validation rows.

    Returns
    -------
    score : callable or None
        None stands for the negative loss.
    """
    scoring = task.config.scoring
    if scoring == "loss":
        return loss_on(task, holdout)
    if scoring is None:
        weight = holdout.data.weight
        weight = None if weight is None else holdout.chosen(weight)
        return OwnScore(task.target, task.loss, holdout.chosen(holdout.y), weight)
    # A fitted look-alike for the scorer; feature names would make it warn about the
    # plain array that it is given.
    model, view = task.model, task.unfitted()
    vars(view).update(task.description)
    if isinstance(model.inputs, Table):
        view.preprocessor_ = Encoded(model.inputs.n_columns)
        model = replace(model, inputs=view.preprocessor_)
    return ScorerScore(view, model, scoring, holdout)


def loss_on(task: Task, holdout: Holdout) -> Score | None:
    """Return what early stopping watches if it is the loss: after calibration, if any.

    Parameters
    ----------
    task : Task
        What is trained on what.
    holdout : Holdout
        The validation rows.

    Returns
    -------
    score : callable or None
        None stands for the negative loss as it is.
    """
    if not is_calibrated(task):
        return None
    weight = holdout.data.weight
    return CalibratedScore(
        holdout.chosen(holdout.data.y),
        None if weight is None else holdout.chosen(weight),
        task.loss.link_name == "softmax",
    )
