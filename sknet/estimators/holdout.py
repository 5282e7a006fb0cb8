"""The holdout: rows that judge a training instead of taking part in it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split

from sknet._numerics import Array
from sknet.losses import Loss
from sknet.network.network import Network
from sknet.training.batches import Dataset
from sknet.training.inference import mean_loss, raw_outputs
from sknet.training.session import Validate


# Fewer validation rows say nothing about when to stop.
MIN_VALIDATION_ROWS = 10


class NoSplitError(ValueError):
    """Raised where no validation set can be split off; the message says why."""


@dataclass(frozen=True)
class Holdout:
    """A validation set.

    Parameters
    ----------
    data : Dataset
        Features, encoded target and weights.
    y : ndarray of shape (N,) or (N, C)
        The target as the user sees it.
    """

    data: Dataset
    y: Array


def split_rows(
    n_rows: int, fraction: float, labels: Array | None, stream: np.random.RandomState
) -> tuple[Array, Array]:
    """Split row numbers at random, with scikit-learn's draws.

    Parameters
    ----------
    n_rows : int
        N.
    fraction : float in [0, 1)
        Share of the validation rows.
    labels : ndarray of shape (N,), or None
        Labels whose frequencies both parts keep.
    stream : RandomState
        Advanced.

    Returns
    -------
    training, validation : ndarray of int
        Row numbers, shuffled.

    Raises
    ------
    NoSplitError
        If either part would be too small, or a label has a single row.
    """
    n_validation = math.ceil(fraction * n_rows)
    if n_validation < MIN_VALIDATION_ROWS:
        raise NoSplitError(
            f"validation_fraction={fraction:g} of {n_rows} rows is {n_validation}, "
            f"fewer than {MIN_VALIDATION_ROWS}"
        )
    if labels is not None:
        names, counts = np.unique(labels, return_counts=True)
        if counts.min() < 2:
            rare = names[counts < 2].tolist()
            raise NoSplitError(f"the classes {rare} have a single row each")
        if min(n_validation, n_rows - n_validation) < len(names):
            raise NoSplitError(
                f"{n_rows} rows cannot be split so that both parts have all classes"
            )
    if n_rows - n_validation < 1:
        raise NoSplitError(
            f"validation_fraction={fraction:g} leaves no row of {n_rows} to train on"
        )
    training, validation = train_test_split(
        np.arange(n_rows), test_size=fraction, random_state=stream, stratify=labels
    )
    return training, validation


def validator(
    network: Network,
    loss: Loss,
    holdout: Holdout,
    score: Callable[[Array, Array], float] | None,
) -> Validate:
    """Return the function that judges parameters on a validation set.

    Parameters
    ----------
    network : Network
        The network.
    loss : Loss
        Its loss.
    holdout : Holdout
        The validation set.
    score : callable
        From parameters (1, P) and finite raw outputs (N, C) to a number; None for
        the negative loss.

    Returns
    -------
    validate : callable
        From parameters to validation loss and score.
    """

    def validate(theta: Array) -> tuple[float, float]:
        raw = raw_outputs(network, theta, holdout.data.x)
        value = mean_loss(loss, raw, holdout.data.y, holdout.data.weight)
        if not np.isfinite(raw).all():
            return float(value[0]), math.nan
        if score is None:
            return float(value[0]), -float(value[0])
        return float(value[0]), float(score(theta, raw[0]))

    return validate


def scorer_of(scoring: Any) -> Callable[[Any, Holdout], float]:
    """Return a function that scores an estimator on a holdout.

    Parameters
    ----------
    scoring : str or callable
        A scorer's name, or a callable ``scorer(estimator, X, y)``.

    Returns
    -------
    score : callable
        From estimator and holdout to a number. Weights are handed on where the scorer
        takes a ``sample_weight``.
    """
    scorer = get_scorer(scoring)
    takes_weight = "sample_weight" in inspect.signature(scorer).parameters

    def score(estimator: Any, holdout: Holdout) -> float:
        data = holdout.data
        if data.weight is None or not takes_weight:
            return float(scorer(estimator, data.x, holdout.y))
        return float(scorer(estimator, data.x, holdout.y, sample_weight=data.weight))

    return score
