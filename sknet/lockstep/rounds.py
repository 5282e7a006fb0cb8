"""The rounds of a search: all candidates on all folds, trained together and scored."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sknet.estimators.together import fit_together, follows_a_plan
from sknet.lockstep.folds import Fold
from sknet.lockstep.gather import Call
from sknet.lockstep.training import (
    Apart,
    Candidate,
    Training,
    is_fit_and_score,
    set_parameters,
    unfinished_result,
)
from sknet.training.callbacks import Reporter


@dataclass
class Course:
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
        self.course = Course()
        self._n_jobs = n_jobs
        self._pre_dispatch = pre_dispatch
        self._verbose = verbose
        self._resource = resource
        self._folds: dict[int, Fold] = {}
        self._candidates: dict[int, Candidate | Apart] = {}

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
        trainings, apart = self._plan(calls)
        self._train(list(trainings.values()))
        unfinished = {i for i, t in trainings.items() if not t.outcome.finished}
        if unfinished:
            unfinished |= apart.keys()
            self._interrupt(calls, unfinished)
            results = {i: unfinished_result(calls[i]) for i in apart}
        else:
            self.course.has_finished = True
            run = joblib.Parallel(self._n_jobs, pre_dispatch=self._pre_dispatch)
            each = ((calls[i].function, calls[i].args, calls[i].kwargs) for i in apart)
            results = dict(zip(apart, run(each) if apart else (), strict=True))
        for i, training in trainings.items():
            results[i] = training.result()
        self._keep(trainings.values())
        return _in_one_form([results[i] for i in range(len(calls))], unfinished)

    # ---- before

    def _plan(self, calls: list[Call]) -> tuple[dict[int, Training], dict[int, str]]:
        """Return the fits that run in lockstep, and why the others do not."""
        trainings, apart = {}, {}
        self._candidates = {}
        for i, call in enumerate(calls):
            if not is_fit_and_score(call):
                apart[i] = "another function"
                continue
            try:
                trainings[i] = self._training(call)
            except Apart as reason:
                apart[i] = str(reason)
            except Exception:  # scikit-learn's own call will fail, in its own way
                apart[i] = "an error"
        if apart:
            reasons = ", ".join(
                f"{why} ({n})" for why, n in Counter(apart.values()).items()
            )
            Reporter(self._verbose > 0).message(
                f"{len(apart)} of {len(calls)} fits do not run in lockstep: {reasons}"
            )
        return trainings, apart

    def _training(self, call: Call) -> Training:
        """Prepare a fit to run in lockstep; raise ``Apart`` if it cannot."""
        estimator = set_parameters(call)
        candidate = self._candidate(estimator, call)
        fold = self._fold(call)
        before = fold.trained.get(self._key(call))
        if before:
            return self._going_on(call, before.pop())
        training = Training.new(call, estimator, candidate, fold)
        if self._resource is not None:
            training.is_resumable = not follows_a_plan(training.network)
        return training

    def _candidate(self, estimator: Any, call: Call) -> Candidate:
        """Return what is known of a candidate, found out once for all folds."""
        name = id(call.kwargs["parameters"])
        if name not in self._candidates:
            try:
                self._candidates[name] = Candidate.of(estimator, call)
            except Apart as reason:
                self._candidates[name] = reason
        known = self._candidates[name]
        if isinstance(known, Apart):
            raise known
        return known

    def _fold(self, call: Call) -> Fold:
        """Return the data of a split, cut out once for all candidates."""
        position = call.kwargs["split_progress"][0]
        fold = self._folds.get(position)
        if fold is None or not fold.is_of(call):
            fold = self._folds[position] = Fold(call)
        return fold

    # ---- from round to round

    def _key(self, call: Call) -> Any:
        """Return what a candidate keeps from round to round: the very same values."""
        parameters = call.kwargs["parameters"] or {}
        return frozenset(
            (name, id(value))
            for name, value in parameters.items()
            if name != self._resource
        )

    def _going_on(self, call: Call, before: Training) -> Training:
        """Return the training that goes on from the round before."""
        max_iter = call.kwargs["parameters"][self._resource]
        before.network.set_params(max_iter=max_iter)
        network, front = before.network, before.front
        return Training(call, network, front, going_on=True, is_resumable=True)

    def _keep(self, trainings: Any) -> None:
        """Keep the networks of the round, if the next one can go on from them."""
        for fold in self._folds.values():
            fold.next_round()
        for training in trainings:
            training.front.n_users, training.front.seconds = 0, 0.0
            finished = training.outcome.finished and not training.has_failed()
            if training.is_resumable and finished:
                kept = self._fold(training.call).trained
                kept.setdefault(self._key(training.call), []).append(training)

    # ---- within a round

    def _train(self, trainings: list[Training]) -> None:
        """Train all networks of a round."""
        ready = [t for t in trainings if t.front.error is None]
        for training in trainings:
            training.front.n_users += 1
        if not ready:
            return
        with warnings.catch_warnings():
            if self._resource is not None:  # the end of a rung is no end of training
                warnings.simplefilter("ignore", ConvergenceWarning)
            requests = [t.request() for t in ready]
            outcomes = fit_together(requests, self._n_jobs, verbose=self._verbose)
        for training, outcome in zip(ready, outcomes, strict=True):
            training.outcome = outcome

    def _interrupt(self, calls: list[Call], unfinished: set[int]) -> None:
        """Say what was finished when the interrupt came, or pass it on."""
        position = [call.kwargs["candidate_progress"] for call in calls]
        n_candidates = position[0][1]
        missing = {position[i][0] for i in unfinished}
        n_finished = n_candidates - len(missing)
        self.course.interrupted = True
        self.course.has_finished |= n_finished > 0
        if not self.course.has_finished:
            raise KeyboardInterrupt
        warnings.warn(
            f"search interrupted: {n_finished} of {n_candidates} candidates were "
            "finished. The others have no scores.",
            stacklevel=2,
        )


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
