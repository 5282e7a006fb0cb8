"""One fit of a search: what is trained, and how the search gets to see it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from sknet._sklearn import fit_and_score, has_callbacks
from sknet.estimators.multi_fit import (
    Outcome,
    Request,
    follows_a_plan,
    reason_not_batchable,
    shares_rows,
)
from sknet.lockstep.collector import Call
from sknet.lockstep.folds import (
    Fold,
    PreparedFold,
    digest_of,
    n_bytes,
    preparation_key,
    prepare_fold,
)


class SearchInterrupted(Exception):
    """A fit was not finished before the search was interrupted."""


class NotBatchable(Exception):
    """A fit cannot run in lockstep; the message says why in a few words."""


def is_fit_and_score(call: Call) -> bool:
    """Tell whether a call is a fit of a search."""
    return inspect.unwrap(call.function) is fit_and_score


def set_parameters(call: Call) -> Any:
    """Give a call's estimator its parameters, as ``_fit_and_score`` will once more.

    Returns
    -------
    estimator : object
        The estimator, unfitted.
    """
    estimator = call.args[0]
    if parameters := call.kwargs["parameters"]:
        estimator.set_params(**clone(parameters, safe=False))
    return estimator


def network_of(estimator: BaseEstimator) -> Any:
    """Return what is to be trained: the estimator, or the last step of a pipeline."""
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


@lru_cache(maxsize=16)
def _fit_parameters(kind: Any) -> frozenset[str]:
    """Return the names that the ``fit`` of a class knows."""
    return frozenset(inspect.signature(kind.fit).parameters)


def _check_known(network: Any, fit_params: dict[str, Any]) -> None:
    """Leave it to scikit-learn to pass what ``fit`` will refuse."""
    kind: Any = type(network)
    if not _fit_parameters(kind) >= fit_params.keys():
        raise NotBatchable("unknown parameters of fit")


@dataclass(frozen=True)
class Candidate:
    """What the fits of one candidate have in common.

    Parameters
    ----------
    key : str or None
        What its transformers do; None if it has none, or nothing can say it.
    """

    key: str | None

    @classmethod
    def of(cls, estimator: BaseEstimator, call: Call) -> Candidate:
        """Look at a candidate.

        Parameters
        ----------
        estimator : object
            The estimator with the candidate's parameters.
        call : Call
            A fit of it.

        Returns
        -------
        candidate : Candidate
            What was seen.

        Raises
        ------
        NotBatchable
            If it cannot run in lockstep.
        """
        network = network_of(estimator)
        if reason := reason_not_batchable(network):
            raise NotBatchable(reason)
        if call.args[2] is None:
            raise NotBatchable("no target")
        if estimator is network:
            _check_known(network, call.kwargs["fit_params"] or {})
            return cls(None)
        if get_tags(estimator).input_tags.pairwise:
            raise NotBatchable("pairwise input")
        parts = [estimator, *estimator.get_params().values()]
        if any(isinstance(p, BaseEstimator) and has_callbacks(p) for p in parts):
            raise NotBatchable("callbacks")
        return cls(preparation_key(estimator))


@dataclass
class Fit:
    """A fit that is to run in lockstep.

    Parameters
    ----------
    call : Call
        The search's call; its estimator has its parameters.
    candidate : Candidate
        What it has in common with the candidate's other fits.
    fold : Fold
        What it is fitted to.
    key : object
        What tells its candidate from others, in all rounds.
    """

    call: Call
    candidate: Candidate
    fold: Fold
    key: Any

    @property
    def estimator(self) -> Any:
        """The estimator, as the search has it."""
        return self.call.args[0]

    @property
    def unit(self) -> Any:
        """What is equal for fits whose networks see the same data."""
        if self.estimator is network_of(self.estimator):
            return self.fold
        key = self.candidate.key
        return self.fold, id(self.call) if key is None else key

    def prepared(self, has_digest: bool) -> PreparedFold:
        """Return what is before the network: the fold, or fitted transformers."""
        if self.estimator is network_of(self.estimator):
            return self.fold.prepared
        prepared = prepare_fold(self.estimator, self.fold)
        if has_digest and prepared.error is None:
            prepared.digest = digest_of(prepared)
        return prepared

    def n_bytes(self, prepared: PreparedFold) -> float:
        """Return about how much memory the rows take that the network reads."""
        if prepared.rows is None:
            return n_bytes(prepared.X) if prepared.error is None else 0.0
        return 0.0 if shares_rows(self.estimator) else self.fold.n_bytes()


@dataclass
class Kept:
    """A network between two rounds.

    Parameters
    ----------
    network : estimator
        Fitted, and ready to go on.
    digest : str or None
        That of the data that it was fitted to; None if it is not known.
    """

    network: Any
    digest: str | None


@dataclass
class Training:
    """A fit that runs in lockstep, on its way.

    Parameters
    ----------
    fit : Fit
        What was asked for.
    network : estimator
        What is trained.
    prepared : PreparedFold
        What is before it.
    going_on : bool
        Whether the network goes on from the round before.
    is_resumable : bool
        Whether the next round may go on from this one.
    """

    fit: Fit
    network: Any
    prepared: PreparedFold
    going_on: bool = False
    is_resumable: bool = False
    outcome: Outcome = field(default_factory=Outcome)

    @classmethod
    def new(cls, fit: Fit, prepared: PreparedFold, is_resumable: bool) -> Training:
        """Return the training of a network from its start.

        It is resumable only where n epochs and m more are n + m.
        """
        network = network_of(fit.estimator)
        _check_known(network, prepared.fit_params)
        if is_resumable:
            is_resumable = not follows_a_plan(network)
        return cls(fit, network, prepared, is_resumable=is_resumable)

    @property
    def kept(self) -> list[Kept]:
        """What the next round may go on from: at most one network."""
        failed = self.has_failed() or not self.outcome.finished
        if failed or not self.is_resumable:
            return []
        return [Kept(self.network, self.prepared.digest)]

    def has_failed(self) -> bool:
        """Tell whether an error came, before or in the training."""
        return self.prepared.error is not None or self.outcome.error is not None

    def request(self) -> Request:
        """Return what is asked of the training of many networks."""
        return Request(
            self.network,
            self.prepared.X,
            self.prepared.y,
            self.prepared.fit_params,
            resume=self.going_on,
            resumable=self.is_resumable,
            rows=self.prepared.rows,
        )

    def result(self) -> Any:
        """Make the search's own call, in which ``fit`` is answered at once."""
        call = self.fit.call
        vars(self.fit.estimator)["fit"] = self._fit
        # The parameters are set; scikit-learn needs them only to print them.
        set_already = {} if call.kwargs["verbose"] > 1 else {"parameters": None}
        result = call(**set_already)
        result["fit_time"] = self.outcome.seconds + self.prepared.share()
        return result

    def let_go(self) -> None:
        """Keep neither data nor the model, which is scored."""
        self.prepared.let_go()
        self.fit.call.args = (None, *self.fit.call.args[1:])

    def _fit(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Move what was trained into the estimator that the search scores."""
        del X, y, fit_params
        estimator = self.fit.estimator
        del vars(estimator)["fit"]
        if self.prepared.error is not None:
            raise self.prepared.error.with_traceback(self.prepared.traceback)
        if self.outcome.error is not None:
            raise self.outcome.error
        if isinstance(estimator, Pipeline):
            name = estimator.steps[-1][0]
            estimator.steps = [*self.prepared.steps, (name, self.network)]
        elif estimator is not self.network:
            vars(estimator).update(vars(self.network))
        return estimator


def _refuse(X: Any, y: Any = None, **fit_params: Any) -> None:
    """Stand in for the ``fit`` that there was no time for."""
    del X, y, fit_params
    raise SearchInterrupted("The search was interrupted before this fit was finished.")


def unfinished_result(call: Call) -> dict[str, Any]:
    """Return the result of a fit that was not finished: its scores are missing.

    It is no failure, which would be an error with ``error_score="raise"``.
    """
    vars(call.args[0])["fit"] = _refuse
    result = call(error_score=np.nan)
    result["fit_error"] = None
    return result
