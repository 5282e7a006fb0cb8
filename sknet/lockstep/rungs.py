"""The rungs of a halving search, in which surviving networks continue training."""

from __future__ import annotations

import copy
from math import ceil, floor, log
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from sknet.lockstep.search import Lockstep


RESOURCE = "max_iter"


class _Interrupted(Exception):
    """Ends a search after an interrupted rung."""


class Halving(Lockstep):
    """Mixin that runs scikit-learn's halving searches in lockstep."""

    estimator: Any
    resource: str
    factor: float
    max_resources: Any
    max_resources_: int
    min_resources_: int
    n_candidates_: list[int]

    def _growing_epochs(self) -> str | None:
        """Return the resource if it is the network's ``max_iter``, else None."""
        estimator, name = self.estimator, RESOURCE
        if isinstance(estimator, Pipeline) and estimator.steps:
            name = f"{estimator.steps[-1][0]}__{RESOURCE}"
        return name if self.resource == name else None

    def _check_input_parameters(self, X: Any, y: Any, split_params: Any) -> None:
        """Resolve ``max_resources="auto"`` to the estimator's own value."""
        checked = copy.copy(self)
        if self.max_resources == "auto":
            own = self.estimator.get_params().get(self.resource)
            if isinstance(own, Integral) and int(own) > 0:
                checked.max_resources = own
        base: Any = super(Halving, checked)
        base._check_input_parameters(X, y, split_params)
        self.min_resources_ = checked.min_resources_
        self.max_resources_ = checked.max_resources_

    def _run_search(
        self, evaluate_candidates: Any, *, callback_ctx: Any = None
    ) -> None:
        """Run the rungs until the last one or an interrupt."""

        def evaluate(*args: Any, **kwargs: Any) -> Any:
            results = evaluate_candidates(*args, **kwargs)
            if self._status.interrupted:
                raise _Interrupted
            return results

        context = {} if callback_ctx is None else {"callback_ctx": callback_ctx}
        try:
            base: Any = super()
            base._run_search(evaluate, **context)
        except _Interrupted:
            self._count_iterations()

    def _count_iterations(self) -> None:
        """Set the attributes that scikit-learn sets after the last rung."""
        possible = log(self.max_resources_ // self.min_resources_, self.factor)
        required = log(self.n_candidates_[0], self.factor)
        self.n_possible_iterations_ = 1 + floor(possible)
        self.n_required_iterations_ = 1 + floor(required)
        self.n_iterations_ = len(self.n_candidates_)
        self.n_remaining_candidates_ = ceil(self.n_candidates_[-1] / self.factor)

    def _select_best_index(self, refit: Any, refit_metric: Any, results: Any) -> int:
        """Return the best candidate of the last rung that has any scores."""
        rung, scores = results["iter"], results["mean_test_score"]
        if self._status.interrupted and not np.isnan(scores).all():
            last = rung <= rung[~np.isnan(scores)].max()
            results = {"iter": rung[last], "mean_test_score": scores[last]}
        base: Any = super()
        best: int = base._select_best_index(refit, refit_metric, results)
        return best
