"""The rounds of a search: all candidates on all folds, trained together and scored."""

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


# Bytes of the rows that are held for networks at a time, about: those of at least one
# fold, and of enough folds to keep every job busy. Small folds are in work together,
# which makes their networks fast; of large ones there is no need.
HELD_BYTES = 2**22


@dataclass
class SearchStatus:
    """How a search goes.

    Parameters
    ----------
    interrupted : bool
        Whether it was interrupted.
    has_finished : bool
        Whether any candidate was trained on all folds.
    """

    interrupted: bool = False
    has_finished: bool = False


class Rounds:
    """Answers a search's rounds of ``_fit_and_score`` calls.

    Parameters
    ----------
    n_jobs : int or None
        The search's.
    pre_dispatch : int or str
        The search's.
    verbose : int
        The search's.
    resource : str or None
        Name of the parameter that grows from round to round and in which networks go
        on from where they are: their ``max_iter``. Where it is also the length of a
        plan they begin anew, since the best one will be refitted by the last plan.
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
            The fits that the search asks for.

        Returns
        -------
        results : list
            What each of them returns.

        Raises
        ------
        KeyboardInterrupt
            If the search is interrupted before any candidate is finished.
        """
        fits, apart = self._plan(calls)
        self._say(apart, len(calls))
        known = len(apart)
        before, self._kept = self._kept, {}
        results: dict[int, Any] = {}
        group: dict[int, Any] = {}
        for group in self._groups(fits, apart, before):
            self._train(list(group.values()))
            if not all(training.outcome.finished for training in group.values()):
                break
            results |= self._results(group)
            group.clear()
        self._say(dict([*apart.items()][known:]), len(calls))
        if len(results) + len(apart) < len(calls):
            return self._interrupted(calls, results, group)
        self.status.has_finished = True
        run = joblib.Parallel(self._n_jobs, pre_dispatch=self._pre_dispatch)
        each = ((calls[i].function, calls[i].args, calls[i].kwargs) for i in apart)
        results |= zip(apart, run(each) if apart else (), strict=True)
        return [results[i] for i in range(len(calls))]

    # ---- before

    def _plan(self, calls: list[Call]) -> tuple[dict[int, Fit], dict[int, str]]:
        """Return the fits that run in lockstep, and why the others do not."""
        fits, apart = {}, {}
        self._candidates = {}
        for i, call in enumerate(calls):
            if not is_fit_and_score(call):
                apart[i] = "another function"
                continue
            try:
                estimator = set_parameters(call)
                candidate = self._candidate(estimator, call)
                key = self._key(call)
                fits[i] = Fit(call, candidate, self._fold(call), key)
            except NotBatchable as reason:
                apart[i] = str(reason)
            except Exception:  # scikit-learn's own call will fail, in its own way
                apart[i] = "an error"
        return fits, apart

    def _say(self, apart: dict[int, str], n_calls: int) -> None:
        """Tell which fits do not run in lockstep, if there are any."""
        if apart:
            reasons = ", ".join(
                f"{why} ({n})" for why, n in Counter(apart.values()).items()
            )
            Reporter(self._verbose > 0).message(
                f"{len(apart)} of {n_calls} fits do not run in lockstep: {reasons}"
            )

    def _candidate(self, estimator: BaseEstimator, call: Call) -> Candidate:
        """Return what is known of a candidate, found out once for all folds."""
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
        """Return a split, looked at once for all candidates."""
        position = call.kwargs["split_progress"][0]
        fold = self._folds.get(position)
        if fold is None or not fold.is_of(call):
            fold = self._folds[position] = Fold(call)
        return fold

    def _key(self, call: Call) -> Any:
        """Return what a candidate keeps from round to round: the very same values."""
        parameters = call.kwargs["parameters"] or {}
        return frozenset(
            (name, id(value))
            for name, value in parameters.items()
            if name != self._resource
        )

    # ---- group by group

    def _groups(
        self, fits: dict[int, Fit], apart: dict[int, str], before: Any
    ) -> Iterator[dict[int, Training]]:
        """Yield what is in work at a time: as many folds as have little data together.

        Those that share a table hold none. What turns out not to run in lockstep gets
        a reason in ``apart``. An interrupt ends them all.
        """
        units: dict[Any, dict[int, Fit]] = {}
        for i, fit in fits.items():
            units.setdefault(fit.unit, {})[i] = fit
        n_jobs, held = joblib.effective_n_jobs(self._n_jobs), 0.0
        group: dict[int, Training] = {}
        for unit in units.values():
            try:
                held += self._begin(unit, group, apart, before)
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
        apart: dict[int, str],
        before: dict[Any, list[Kept]],
    ) -> float:
        """Prepare trainings with the same data; return how many bytes these take."""
        first, goes_on = next(iter(unit.values())), self._resource is not None
        try:
            prepared = first.prepared(has_digest=goes_on)
            held = first.n_bytes(prepared)
        except Exception:  # as above
            apart |= dict.fromkeys(unit, "an error")
            return 0.0
        prepared.n_users = len(unit)
        for i, fit in unit.items():
            try:
                kept = _taken(before.get((fit.fold, fit.key), []), prepared)
                if kept is None:
                    group[i] = Training.new(fit, prepared, goes_on)
                else:
                    group[i] = self._going_on(fit, prepared, kept.network)
            except NotBatchable as reason:
                apart[i] = str(reason)
            except Exception:  # as above
                apart[i] = "an error"
        return held

    def _going_on(self, fit: Fit, prepared: PreparedFold, network: Any) -> Training:
        """Return the training that goes on from the round before."""
        network.set_params(max_iter=fit.call.kwargs["parameters"][self._resource])
        return Training(fit, network, prepared, going_on=True, is_resumable=True)

    def _train(self, trainings: list[Training]) -> None:
        """Train the networks of a group."""
        ready = [t for t in trainings if t.prepared.error is None]
        if not ready:
            return
        with warnings.catch_warnings():
            if self._resource is not None:  # the end of a rung is no end of training
                warnings.simplefilter("ignore", ConvergenceWarning)
            requests = [t.request() for t in ready]
            outcomes = fit_many(requests, self._n_jobs, verbose=self._verbose)
        for training, outcome in zip(ready, outcomes, strict=True):
            training.outcome = outcome

    def _results(self, group: dict[int, Training]) -> dict[int, Any]:
        """Return the results of fits that were trained, and let go of all else."""
        results = {i: training.result() for i, training in sorted(group.items())}
        for training in group.values():
            place = training.fit.fold, training.fit.key
            self._kept.setdefault(place, []).extend(training.kept)
            training.let_go()
        return results

    # ---- after an interrupt

    def _interrupted(
        self, calls: list[Call], results: dict[int, Any], group: dict[int, Training]
    ) -> list[Any]:
        """Return what was finished when the interrupt came, or pass it on."""
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
            f"search interrupted: {n_finished} of {n_candidates} candidates were "
            "finished. The others have no scores.",
            stacklevel=2,
        )
        results |= self._results(group)
        results |= {i: unfinished_result(calls[i]) for i in unfinished}
        return _in_one_form([results[i] for i in range(len(calls))], unfinished)


def _taken(kept: list[Kept], prepared: PreparedFold) -> Kept | None:
    """Take what was fitted to the data of a front, if it is there."""
    for i, one in enumerate(kept):
        if one.digest is not None and one.digest == prepared.digest:
            return kept.pop(i)
    return None


def _in_one_form(results: list[Any], unfinished: Any) -> list[Any]:
    """Give missing scores the form of the others, if a scorer returns many."""
    for kind in ("test_scores", "train_scores"):
        scored = (r[kind] for r in results if isinstance(r, dict) and kind in r)
        names = next((s.keys() for s in scored if isinstance(s, dict)), None)
        if names is None:
            continue
        for i in unfinished:
            results[i][kind] = dict.fromkeys(names, np.nan)
    return results
