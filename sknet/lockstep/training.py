"""One fit of a search in lockstep: its training, and its result for the search."""

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
    """A fit cannot run in lockstep; the message gives the reason in a few words."""


def is_fit_and_score(call: Call) -> bool:
    """Return whether a call is a fit of a search."""
    return inspect.unwrap(call.function) is fit_and_score


def set_parameters(call: Call) -> Any:
    """Set the parameters of a call's estimator, as ``_fit_and_score`` will do again.

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
    """Return the network: the estimator itself, or the last step of a pipeline."""
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


@lru_cache(maxsize=16)
def _fit_parameters(kind: Any) -> frozenset[str]:
    """Return the names of the parameters of a class's ``fit``."""
    return frozenset(inspect.signature(kind.fit).parameters)


def _check_known(network: Any, fit_params: dict[str, Any]) -> None:
    """Raise ``NotBatchable`` for parameters that ``fit`` does not have.

    scikit-learn then calls ``fit``, which raises its own error.
    """
    kind: Any = type(network)
    if not _fit_parameters(kind) >= fit_params.keys():
        raise NotBatchable("unknown parameters of fit")


@dataclass(frozen=True)
class Candidate:
    """The properties that the fits of one candidate share.

    Parameters
    ----------
    key : str or None
        Hash of its transformers; None if it has none, or they cannot be hashed.
    """

    key: str | None

    @classmethod
    def of(cls, estimator: BaseEstimator, call: Call) -> Candidate:
        """Inspect a candidate.

        Parameters
        ----------
        estimator : object
            The estimator with the candidate's parameters.
        call : Call
            A fit of the candidate.

        Returns
        -------
        candidate : Candidate
            Its properties.

        Raises
        ------
        NotBatchable
            If the candidate cannot run in lockstep.
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
    """A fit to run in lockstep.

    Parameters
    ----------
    call : Call
        The call of the search; the parameters of its estimator are set.
    candidate : Candidate
        The properties shared by all fits of the candidate.
    fold : Fold
        The training data.
    key : object
        Key that identifies the candidate in all rounds.
    """

    call: Call
    candidate: Candidate
    fold: Fold
    key: Any

    @property
    def estimator(self) -> Any:
        """The estimator of the search's call."""
        return self.call.args[0]

    @property
    def unit(self) -> Any:
        """A key that is equal for fits whose networks are trained on the same data."""
        if self.estimator is network_of(self.estimator):
            return self.fold
        key = self.candidate.key
        return self.fold, id(self.call) if key is None else key

    def prepared(self, has_digest: bool) -> PreparedFold:
        """Return the data for the network: the fold as it is, or transformed."""
        if self.estimator is network_of(self.estimator):
            return self.fold.prepared
        prepared = prepare_fold(self.estimator, self.fold)
        if has_digest and prepared.error is None:
            prepared.digest = digest_of(prepared)
        return prepared

    def n_bytes(self, prepared: PreparedFold) -> float:
        """Return the approximate size of the row copies for the network, in bytes."""
        if prepared.rows is None:
            return n_bytes(prepared.X) if prepared.error is None else 0.0
        return 0.0 if shares_rows(self.estimator) else self.fold.n_bytes()


@dataclass
class Kept:
    """A network kept between two rounds.

    Parameters
    ----------
    network : estimator
        A fitted network that can continue training.
    digest : str or None
        Hash of its training data; None if they cannot be hashed.
    """

    network: Any
    digest: str | None


@dataclass
class Training:
    """A fit in lockstep that is in progress.

    Parameters
    ----------
    fit : Fit
        The requested fit.
    network : estimator
        The network to train.
    prepared : PreparedFold
        Its training data, and the transformers before it.
    resume : bool
        Whether the network continues from the previous round.
    is_resumable : bool
        Whether the next round may continue training the network.
    """

    fit: Fit
    network: Any
    prepared: PreparedFold
    resume: bool = False
    is_resumable: bool = False
    outcome: Outcome = field(default_factory=Outcome)

    @classmethod
    def new(cls, fit: Fit, prepared: PreparedFold, is_resumable: bool) -> Training:
        """Return the training of a network from scratch.

        It is resumable only if n epochs followed by m more are the same as n + m.
        """
        network = network_of(fit.estimator)
        _check_known(network, prepared.fit_params)
        if is_resumable:
            is_resumable = not follows_a_plan(network)
        return cls(fit, network, prepared, is_resumable=is_resumable)

    @property
    def kept(self) -> list[Kept]:
        """The networks that the next round may continue training: at most one."""
        failed = self.has_failed() or not self.outcome.finished
        if failed or not self.is_resumable:
            return []
        return [Kept(self.network, self.prepared.digest)]

    def has_failed(self) -> bool:
        """Return whether the preparation or the training failed."""
        return self.prepared.error is not None or self.outcome.error is not None

    def request(self) -> Request:
        """Return the request for ``fit_many``."""
        return Request(
            self.network,
            self.prepared.X,
            self.prepared.y,
            self.prepared.fit_params,
            resume=self.resume,
            resumable=self.is_resumable,
            rows=self.prepared.rows,
        )

    def result(self) -> Any:
        """Make the search's own call, in which ``fit`` returns the trained network."""
        call = self.fit.call
        vars(self.fit.estimator)["fit"] = self._fit
        # The parameters are already set; scikit-learn needs them only for printing.
        set_already = {} if call.kwargs["verbose"] > 1 else {"parameters": None}
        result = call(**set_already)
        result["fit_time"] = self.outcome.seconds + self.prepared.share()
        return result

    def release(self) -> None:
        """Release the data and the model, which has been scored."""
        self.prepared.release()
        self.fit.call.args = (None, *self.fit.call.args[1:])

    def _fit(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Move the trained network into the estimator that the search scores."""
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
    """Replace the ``fit`` of an unfinished fit."""
    del X, y, fit_params
    raise SearchInterrupted("The search was interrupted before this fit was finished.")


def unfinished_result(call: Call) -> dict[str, Any]:
    """Return the result of an unfinished fit, with missing scores.

    It does not count as failed, which would raise an error with
    ``error_score="raise"``.
    """
    vars(call.args[0])["fit"] = _refuse
    result = call(error_score=np.nan)
    result["fit_error"] = None
    return result
