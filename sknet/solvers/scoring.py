"""The score that early stopping monitors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.problem.images import Images
from sknet.problem.inputs import Encoded, Table
from sknet.solvers.calibration import CalibratedScore, is_calibrated
from sknet.solvers.problem import Problem
from sknet.solvers.validation_set import OwnScore, ScorerScore, ValidationSet


Score = Callable[[Array, Array], float]


def score_on(problem: Problem, validation_set: ValidationSet) -> Score | None:
    """Return the score that early stopping monitors.

    Parameters
    ----------
    problem : Problem
        Configuration, data and network.
    validation_set : ValidationSet
        The validation rows.

    Returns
    -------
    score : callable or None
        Maps parameters and raw outputs to a number; None for the negative loss.
    """
    scoring = problem.config.scoring
    if scoring == "loss":
        return loss_on(problem, validation_set)
    if scoring is None:
        weight = validation_set.data.weight
        weight = None if weight is None else validation_set.chosen(weight)
        return OwnScore(
            problem.target,
            problem.loss,
            validation_set.chosen(validation_set.y),
            weight,
        )
    # A fitted copy of the estimator for the scorer. It has no feature names, so that it
    # does not warn about the plain array that the scorer gets.
    model, view = problem.model, problem.unfitted()
    vars(view).update(problem.description)
    if _are_encoded(model.inputs, validation_set.data.x):
        view.preprocessor_ = Encoded(model.inputs.n_columns)
        model = replace(model, inputs=view.preprocessor_)
    return ScorerScore(view, model, scoring, validation_set)


def _are_encoded(inputs: Any, columns: Any) -> bool:
    """Return whether columns are not in the unit of the rows that users pass.

    That is the case for tables, and for other pixels if the network scales bytes.
    """
    if isinstance(inputs, Images):
        return inputs.are_bytes and columns.dtype != np.uint8
    return isinstance(inputs, Table)


def loss_on(problem: Problem, validation_set: ValidationSet) -> Score | None:
    """Return the score for ``scoring="loss"``: the loss after calibration, if any.

    Parameters
    ----------
    problem : Problem
        Configuration, data and network.
    validation_set : ValidationSet
        The validation rows.

    Returns
    -------
    score : callable or None
        None for the negative loss without calibration.
    """
    if not is_calibrated(problem):
        return None
    weight = validation_set.data.weight
    return CalibratedScore(
        validation_set.chosen(validation_set.data.y),
        None if weight is None else validation_set.chosen(weight),
        problem.loss.link_name == "softmax",
    )
