"""The start of a fit: from scratch, or from where an earlier fit stopped."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from sklearn.base import BaseEstimator

from sknet._numerics import Array
from sknet.model.fitted import FittedModel
from sknet.model.state import model_of


class FitKind(Enum):
    """The kind of call by which a network is fitted."""

    FIT = "fit"
    PARTIAL = "partial_fit"  # one epoch
    RUNG = "rung"  # of a halving search: up to max_iter epochs in all


@dataclass(frozen=True)
class EarlierFit:
    """The results of an earlier training.

    Parameters
    ----------
    model : FittedModel
        The published networks.
    training : dict
        The state to resume from, as plain data; see ``resume``.
    n_epochs : int
        Number of epochs so far.
    n_seen : int
        Number of training samples seen so far.
    seeds : ndarray of int, or None
        Seeds of the networks of an ensemble.
    texts : tuple of (object, str)
        Architecture and loss of the model, each with the text that describes it.
    """

    model: FittedModel
    training: dict[str, Any]
    n_epochs: int
    n_seen: int
    seeds: Array | None
    texts: tuple[tuple[Any, str], ...]

    @classmethod
    def of(cls, estimator: BaseEstimator) -> EarlierFit:
        """Return the results of the training of a fitted estimator."""
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
        """Number of requested networks, including those that were left out."""
        return int(self.training.get("n_networks", len(self.model.theta)))


@dataclass(frozen=True)
class Start:
    """How a fit starts.

    Parameters
    ----------
    kind : FitKind
        The kind of call.
    earlier : EarlierFit or None, default=None
        The training to resume; None to start from scratch.
    """

    kind: FitKind
    earlier: EarlierFit | None = None

    @property
    def is_partial(self) -> bool:
        """Whether this is a call of ``partial_fit``, which is one epoch."""
        return self.kind is FitKind.PARTIAL

    @property
    def is_rung(self) -> bool:
        """Whether later calls resume from here, up to ``max_iter`` epochs in total."""
        return self.kind is FitKind.RUNG

    @property
    def kept(self) -> dict[str, Any]:
        """The state to resume from; empty when training starts from scratch."""
        return {} if self.earlier is None else self.earlier.training
