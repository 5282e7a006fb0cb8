"""The start of a fit: anew, or where an earlier one has stopped."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from sklearn.base import BaseEstimator

from sknet._numerics import Array
from sknet.model.fitted import FittedModel
from sknet.model.state import model_of


class FitKind(Enum):
    """How a fit is called."""

    FIT = "fit"
    PARTIAL = "partial_fit"  # one epoch
    RUNG = "rung"  # of a halving search: up to max_iter epochs in all


@dataclass(frozen=True)
class EarlierFit:
    """What an earlier training has left.

    Parameters
    ----------
    model : FittedModel
        The published networks.
    training : dict
        What training goes on with, as plain data; see ``memory``.
    n_epochs : int
        Epochs so far.
    n_seen : int
        Rows trained on so far.
    seeds : ndarray of int, or None
        Seeds of the networks of an ensemble.
    texts : tuple of (object, str)
        Architecture and loss of the model, with the text that describes each.
    """

    model: FittedModel
    training: dict[str, Any]
    n_epochs: int
    n_seen: int
    seeds: Array | None
    texts: tuple[tuple[Any, str], ...]

    @classmethod
    def of(cls, estimator: BaseEstimator) -> EarlierFit:
        """Return what the training of a fitted estimator has left."""
        state, model = vars(estimator), model_of(estimator)
        texts = (
            (model.architecture, state["_architecture"]),
            (
                model.loss,
                state["_loss"],
            ),
        )
        return cls(
            model,
            state["_training"],
            state["n_epochs_"],
            state["t_"],
            state.get("member_seeds_"),
            texts,
        )

    @property
    def n_networks(self) -> int:
        """Networks that were asked for, those among them that were left out."""
        return int(self.training.get("n_networks", len(self.model.theta)))


@dataclass(frozen=True)
class Start:
    """How a fit begins.

    Parameters
    ----------
    kind : FitKind
        How it is called.
    earlier : EarlierFit or None, default=None
        The training that goes on; None for a new one.
    """

    kind: FitKind
    earlier: EarlierFit | None = None

    @property
    def is_partial(self) -> bool:
        """Whether this is a call of ``partial_fit``, which is one epoch."""
        return self.kind is FitKind.PARTIAL

    @property
    def is_rung(self) -> bool:
        """Whether later calls go on from here, until ``max_iter`` epochs in all."""
        return self.kind is FitKind.RUNG

    @property
    def kept(self) -> dict[str, Any]:
        """What training goes on with; nothing if it is new."""
        return {} if self.earlier is None else self.earlier.training
