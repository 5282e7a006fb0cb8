"""Calibration of probabilities by a temperature."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar

from sknet._numerics import Array
from sknet.losses import LogLoss
from sknet.losses.outputs import LINKS
from sknet.solvers.problem import Problem
from sknet.training.batches import Batches
from sknet.training.inference import CHUNK_ROWS, mean_loss, raw_outputs_of_rows
from sknet.training.member import Member


# Links with raw outputs that are logarithms of odds or of probabilities.
CALIBRATED_LINKS = ("logistic", "softmax")

# Prior standard deviation of the logarithm of the temperature. It keeps the temperature
# from zero on a validation set without a wrong prediction.
_DEVIATION = 0.5
_LARGEST = 3.0

# An average of K calibrated networks is underconfident, because they disagree. The
# logarithm of their temperature is scaled by K to this power, which was measured.
_SHRINKAGE = -2.0 / 3.0


class HeldOut(NamedTuple):
    """Predictions for rows that were not trained on.

    Parameters
    ----------
    raw : ndarray of shape (K, N, C)
        Raw outputs of K networks; their predictions are averaged.
    y : ndarray of shape (N, C)
        Encoded targets.
    weight : ndarray of shape (N,)
        Weights of the rows.
    """

    raw: Array
    y: Array
    weight: Array


def is_calibrated(problem: Problem) -> bool:
    """Return whether there are probabilities to calibrate."""
    return bool(problem.config.calibrate) and problem.loss.link_name in CALIBRATED_LINKS


def calibration_attributes(
    problem: Problem, theta: Array, members: Sequence[Member]
) -> dict[str, Any]:
    """Return the fitted attributes that are computed on the validation sets.

    Parameters
    ----------
    problem : Problem
        Configuration, data and network.
    theta : ndarray of shape (K, P)
        Parameters of the networks.
    members : sequence of Member
        The networks; none after L-BFGS, which has no validation sets.

    Returns
    -------
    attributes : dict
        The temperature, if the estimator has one; ``partial_fit`` does not change it.
    """
    if "calibrate" not in problem.config.given:
        return {}
    if not is_calibrated(problem):
        return {"temperature_": 1.0}
    if not members or not members[0].config.stopping_rule.on_score:
        earlier = problem.start.earlier if problem.start.is_partial else None
        return {"temperature_": 1.0 if earlier is None else earlier.model.temperature}
    with np.errstate(all="ignore"):
        return {"temperature_": temperature_of(problem, theta, members)}


def temperature_of(problem: Problem, theta: Array, members: Sequence[Member]) -> float:
    """Return the temperature by which raw outputs of networks are divided.

    Parameters
    ----------
    problem : Problem
        The network and its loss, with a logistic or softmax link.
    theta : ndarray of shape (K, P)
        Parameters of the networks.
    members : sequence of Member
        The networks, with their validation sets.

    Returns
    -------
    temperature : float
        The temperature; 1 without validation sets.
    """
    if members[0].validation_set is None:
        return 1.0
    together = members[0].validation_set.pools
    each = [
        _held_out(problem, row, member)
        for row, member in zip(theta, members, strict=True)
    ]
    exclusive = problem.loss.link_name == "softmax"
    if together:
        raw = np.concatenate([part.raw for part in each])
        each = [each[0]._replace(raw=raw)]
    found = best_temperature(each, exclusive).temperature
    return found if together else found ** (len(members) ** _SHRINKAGE)


def _held_out(problem: Problem, row: Array, member: Member) -> HeldOut:
    """Return the predictions of one network for its validation set."""
    validation_set = member.validation_set
    step = problem.network.rows_at_once(CHUNK_ROWS // problem.network.n_heads)
    batches = Batches(validation_set.data, step, row.dtype)
    order = None if validation_set.rows is None else validation_set.rows[None]
    raw = raw_outputs_of_rows(
        problem.network,
        row[None],
        batches,
        order,
        validation_set.n_rows,
        problem.config.engine,
    )
    weight = validation_set.data.weight
    weight = np.ones(len(raw[0])) if weight is None else validation_set.chosen(weight)
    return HeldOut(raw, validation_set.chosen(validation_set.data.y), weight)


class Calibration(NamedTuple):
    """The best temperature, and the mean log loss at it."""

    temperature: float
    loss: float


def best_temperature(each: Sequence[HeldOut], exclusive: bool) -> Calibration:
    r"""Return the temperature that maximises the likelihood of held-out rows.

    .. math::
        \hat T = \arg\min_T \sum_i w_i\, \ell(z_i / T, y_i)
        + \frac{(\log T)^2}{2\, \sigma^2}

    with the log loss :math:`\ell`, raw outputs :math:`z_i` and a weak prior
    (:math:`\sigma = 0.5`), which counts like a row or two.

    Parameters
    ----------
    each : sequence of HeldOut
        Predictions; their losses are added.
    exclusive : bool
        Whether the columns are mutually exclusive classes.

    Returns
    -------
    calibration : Calibration
        The temperature is above one if the networks were overconfident.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Weinberger, "On calibration of modern neural
       networks", ICML 2017, arXiv:1706.04599.
    """
    total = sum(float(part.weight.sum()) for part in each)
    losses = [_loss_at(part, exclusive) for part in each]

    def cost(log_temperature: float) -> float:
        likely = sum(loss(math.exp(-log_temperature)) for loss in losses)
        return likely + 0.5 * (log_temperature / _DEVIATION) ** 2

    options = {"xatol": 0.01}
    bounds = (-_LARGEST, _LARGEST)
    found = float(
        minimize_scalar(cost, bounds=bounds, method="bounded", options=options).x
    )
    likely = cost(found) - 0.5 * (found / _DEVIATION) ** 2
    return Calibration(math.exp(found), likely / total)


def _loss_at(part: HeldOut, exclusive: bool) -> Callable[[float], float]:
    """Return the summed loss as a function of the inverse temperature."""
    total = float(part.weight.sum())
    if len(part.raw) == 1:
        loss = LogLoss(exclusive=exclusive)

        def single(scale: float) -> float:
            scaled = part.raw * scale
            return total * float(mean_loss(loss, scaled, part.y, part.weight)[0])

        return single
    link = LINKS["softmax" if exclusive else "logistic"]
    truth, least = part.y.astype(bool), np.finfo(np.float64).tiny

    def averaged(scale: float) -> float:
        mean = np.mean([link(raw * scale) for raw in part.raw], axis=0, dtype=float)
        wrong = np.zeros_like(mean) if exclusive else np.where(truth, 0.0, 1.0 - mean)
        likely = (
            np.where(truth, mean, 1.0) if exclusive else np.where(truth, mean, wrong)
        )
        logs = np.log(np.maximum(likely, least)).sum(axis=1)
        return -float(part.weight @ logs)

    return averaged


@dataclass(frozen=True)
class CalibratedScore:
    """The negative log loss at the best temperature, as the score of an epoch.

    The confidence of a network changes from epoch to epoch and is calibrated in the
    end, so it should not influence which epoch is best.

    Parameters
    ----------
    y : ndarray of shape (N, C)
        Encoded targets of the validation rows.
    weight : ndarray of shape (N,), or None
        Weights of the validation rows.
    exclusive : bool
        Whether the columns are mutually exclusive classes.

    References
    ----------
    .. [1] E. Berta, D. Holzmüller, M. I. Jordan and F. Bach, "Rethinking early
       stopping: refine, then calibrate", 2025, arXiv:2501.19195.
    """

    y: Array
    weight: Array | None
    exclusive: bool

    def __call__(self, theta: Array, raw: Array) -> float:
        """Return the score of raw outputs (N, C)."""
        del theta
        weight = np.ones(len(raw)) if self.weight is None else self.weight
        held_out = HeldOut(raw[None], self.y, weight)
        return -best_temperature([held_out], self.exclusive).loss
