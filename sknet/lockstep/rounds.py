"""The rounds of a search: training all candidates on all folds, and scoring them."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from sknet.estimators.multi_fit import fit_many
from sknet.lockstep.collector import Call
from sknet.lockstep.folds import Fold, PreparedFold
from sknet.lockstep.training import (
    Candidate,
    Fit,
    Kept,
    NotBatchable,
    Training,
    is_fit_and_score,
    set_parameters,
    unfinished_result,
)
from sknet.training.reporting import Reporter


# Approximate bytes of row copies held at a time, of at least one fold and enough folds
# to keep every job busy. Training several small folds at once makes their networks
# faster; large folds do not need it.
HELD_BYTES = 2**22


@dataclass
class SearchStatus:
    """The status of a search.

    Parameters
    ----------
    interrupted : bool
        Whether the search was interrupted.
    has_finished : bool
        Whether any candidate has been trained on all folds.
    """

    interrupted: bool = False
    has_finished: bool = False


class Rounds:
    """Runs the rounds of ``_fit_and_score`` calls of a search.

    Parameters
    ----------
    n_jobs : int or None
        Parameter of the search.
    pre_dispatch : int or str
        Parameter of the search.
    verbose : int
        Parameter of the search.
    resource : str or None
        Name of the ``max_iter`` parameter, if it grows from round to round and networks
        continue training. Networks with a schedule planned over ``max_iter`` start from
        scratch instead, since the best one will be refitted with its last plan.
    """

    def __init__(
        self, n_jobs: Any, pre_dispatch: Any, verbose: int, resource: str | None = None
    ) -> None:
        self.status = SearchStatus()
        self._n_jobs = n_jobs
        self._pre_dispatch = pre_dispatch
        self._verbose = verbose
        self._resource = resource
        self._folds: dict[int, Fold] = {}
        self._candidates: dict[int, Candidate | NotBatchable] = {}
        self._kept: dict[Any, list[Kept]] = {}

    def answer(self, calls: list[Call]) -> list[Any]:
        """Return the results of a round.

        Parameters
        ----------
        calls : list of Call
            The fits requested by the search.

        Returns
        -------
        results : list
            The return value of each call.

        Raises
        ------
        KeyboardInterrupt
            If the search is interrupted before any candidate is finished.
        """
        fits, not_batchable = self._plan(calls)
        self._report(not_batchable, len(calls))
        n_reported = len(not_batchable)
        earlier, self._kept = self._kept, {}
        results: dict[int, Any] = {}
        group: dict[int, Any] = {}
        for group in self._groups(fits, not_batchable, earlier):
            self._train(list(group.values()))
            if not all(training.outcome.finished for training in group.values()):
                break
            results |= self._results(group)
            group.clear()
        self._report(dict([*not_batchable.items()][n_reported:]), len(calls))
        if len(results) + len(not_batchable) < len(calls):
            return self._interrupted(calls, results, group)
        self.status.has_finished = True
        run = joblib.Parallel(self._n_jobs, pre_dispatch=self._pre_dispatch)
        others = [calls[i] for i in not_batchable]
        each = ((call.function, call.args, call.kwargs) for call in others)
        results |= zip(not_batchable, run(each) if others else (), strict=True)
        return [results[i] for i in range(len(calls))]

    # ---- before training

    def _plan(self, calls: list[Call]) -> tuple[dict[int, Fit], dict[int, str]]:
        """Return the fits that can run in lockstep, and why other calls cannot."""
        fits, not_batchable = {}, {}
        self._candidates = {}
        for i, call in enumerate(calls):
            if not is_fit_and_score(call):
                not_batchable[i] = "another function"
                continue
            try:
                estimator = set_parameters(call)
                candidate = self._candidate(estimator, call)
                key = self._key(call)
                fits[i] = Fit(call, candidate, self._fold(call), key)
            except NotBatchable as reason:
                not_batchable[i] = str(reason)
            except Exception:  # scikit-learn's own call will raise its own error
                not_batchable[i] = "an error"
        return fits, not_batchable

    def _report(self, not_batchable: dict[int, str], n_calls: int) -> None:
        """Report the fits that do not run in lockstep, if there are any."""
        if not_batchable:
            counts = Counter(not_batchable.values())
            reasons = ", ".join(f"{why} ({n})" for why, n in counts.items())
            n_others = len(not_batchable)
            Reporter(self._verbose > 0).message(
                f"{n_others} of {n_calls} fits do not run in lockstep: {reasons}"
            )

    def _candidate(self, estimator: BaseEstimator, call: Call) -> Candidate:
        """Return the candidate of a call, which is created once for all folds."""
        name = id(call.kwargs["parameters"])
        if name not in self._candidates:
            try:
                self._candidates[name] = Candidate.of(estimator, call)
            except NotBatchable as reason:
                self._candidates[name] = reason
        known = self._candidates[name]
        if isinstance(known, NotBatchable):
            raise known
        return known

    def _fold(self, call: Call) -> Fold:
        """Return the fold of a call, which is created once for all candidates."""
        position = call.kwargs["split_progress"][0]
        fold = self._folds.get(position)
        if fold is None or not fold.is_of(call):
            fold = self._folds[position] = Fold(call)
        return fold

    def _key(self, call: Call) -> Any:
        """Return a key that identifies a candidate in all rounds.

        It consists of the identities of its parameter values, without the resource.
        """
        parameters = call.kwargs["parameters"] or {}
        return frozenset(
            (name, id(value))
            for name, value in parameters.items()
            if name != self._resource
        )

    # ---- group by group

    def _groups(
        self, fits: dict[int, Fit], not_batchable: dict[int, str], earlier: Any
    ) -> Iterator[dict[int, Training]]:
        """Yield groups of trainings whose row copies take little memory in total.

        Trainings that share a table need no copies. Fits that turn out not to be
        batchable get a reason in ``not_batchable``. An interrupt ends the iteration.
        """
        units: dict[Any, dict[int, Fit]] = {}
        for i, fit in fits.items():
            units.setdefault(fit.unit, {})[i] = fit
        n_jobs, held = joblib.effective_n_jobs(self._n_jobs), 0.0
        group: dict[int, Training] = {}
        for unit in units.values():
            try:
                held += self._begin(unit, group, not_batchable, earlier)
            except KeyboardInterrupt:
                return
            if held >= HELD_BYTES and len(group) >= n_jobs:
                yield group
                group, held = {}, 0.0
        if group:
            yield group

    def _begin(
        self,
        unit: dict[int, Fit],
        group: dict[int, Training],
        not_batchable: dict[int, str],
        earlier: dict[Any, list[Kept]],
    ) -> float:
        """Prepare trainings with the same data; return the bytes of the row copies."""
        first, is_resumable = next(iter(unit.values())), self._resource is not None
        try:
            prepared = first.prepared(has_digest=is_resumable)
            held = first.n_bytes(prepared)
        except Exception:  # as above
            not_batchable |= dict.fromkeys(unit, "an error")
            return 0.0
        prepared.n_users = len(unit)
        for i, fit in unit.items():
            try:
                kept = _pop_kept(earlier.get((fit.fold, fit.key), []), prepared)
                if kept is None:
                    group[i] = Training.new(fit, prepared, is_resumable)
                else:
                    group[i] = self._resumed(fit, prepared, kept.network)
            except NotBatchable as reason:
                not_batchable[i] = str(reason)
            except Exception:  # as above
                not_batchable[i] = "an error"
        return held

    def _resumed(self, fit: Fit, prepared: PreparedFold, network: Any) -> Training:
        """Return the training of a network that continues from the previous round."""
        network.set_params(max_iter=fit.call.kwargs["parameters"][self._resource])
        return Training(fit, network, prepared, resume=True, is_resumable=True)

    def _train(self, trainings: list[Training]) -> None:
        """Train the networks of a group."""
        ready = [t for t in trainings if t.prepared.error is None]
        if not ready:
            return
        with warnings.catch_warnings():
            if self._resource is not None:  # training does not end with the rung
                warnings.simplefilter("ignore", ConvergenceWarning)
            requests = [t.request() for t in ready]
            outcomes = fit_many(requests, self._n_jobs, verbose=self._verbose)
        for training, outcome in zip(ready, outcomes, strict=True):
            training.outcome = outcome

    def _results(self, group: dict[int, Training]) -> dict[int, Any]:
        """Return the results of a trained group, and release its data and models."""
        results = {i: training.result() for i, training in sorted(group.items())}
        for training in group.values():
            place = training.fit.fold, training.fit.key
            self._kept.setdefault(place, []).extend(training.kept)
            training.release()
        return results

    # ---- after an interrupt

    def _interrupted(
        self, calls: list[Call], results: dict[int, Any], group: dict[int, Training]
    ) -> list[Any]:
        """Return the results finished before an interrupt, or re-raise it if none."""
        group = {i: t for i, t in group.items() if t.outcome.finished}
        unfinished = {*range(len(calls))} - results.keys() - group.keys()
        position = [call.kwargs["candidate_progress"] for call in calls]
        n_candidates = position[0][1]
        n_finished = n_candidates - len({position[i][0] for i in unfinished})
        self.status.interrupted = True
        self.status.has_finished |= n_finished > 0
        if not self.status.has_finished:
            raise KeyboardInterrupt
        warnings.warn(
            f"Search interrupted: {n_finished} of {n_candidates} candidates were "
            "finished. The remaining candidates have no scores.",
            stacklevel=2,
        )
        results |= self._results(group)
        results |= {i: unfinished_result(calls[i]) for i in unfinished}
        return _in_one_form([results[i] for i in range(len(calls))], unfinished)


def _pop_kept(kept: list[Kept], prepared: PreparedFold) -> Kept | None:
    """Remove and return the network fitted to the data of a prepared fold, if any."""
    for i, entry in enumerate(kept):
        if entry.digest is not None and entry.digest == prepared.digest:
            return kept.pop(i)
    return None


def _in_one_form(results: list[Any], unfinished: Any) -> list[Any]:
    """Fill in missing scores for each metric, if the scorer returns several."""
    for kind in ("test_scores", "train_scores"):
        scored = (r[kind] for r in results if isinstance(r, dict) and kind in r)
        names = next((s.keys() for s in scored if isinstance(s, dict)), None)
        if names is None:
            continue
        for i in unfinished:
            results[i][kind] = dict.fromkeys(names, np.nan)
    return results
