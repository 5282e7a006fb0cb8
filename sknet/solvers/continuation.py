"""Continuation: the next epoch of ``partial_fit``, by what an earlier call has set up.

Setting up an epoch takes several times as long as a compiled epoch of a few rows. As
long as neither the estimator nor the form of the data changes, a call only replaces the
data and the values. The results are the same, bit for bit, as without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet._reuse_cache import ReuseCache
from sknet._rng import stream_from_state
from sknet.config.training_config import TrainingConfig
from sknet.engine.tape import NotRecordable
from sknet.solvers.ensemble import summary, termination_of
from sknet.solvers.incremental import left_streams
from sknet.solvers.problem import FitResult, Problem, diverged_at_once
from sknet.solvers.resume import to_plain
from sknet.solvers.start import EarlierFit, Start
from sknet.training.batches import Dataset
from sknet.training.compiled import CompiledTraining
from sknet.training.judged import Judged
from sknet.training.learning_rates import begin_plan
from sknet.training.member import Member, Termination
from sknet.training.member_config import trainer_of
from sknet.training.monitor import Monitor


_ONE = np.ones(1, dtype=np.int64)


class Continuation:
    """A compiled training of a single network, ready for an epoch on other rows.

    Parameters
    ----------
    problem : Problem
        The problem of the call that was just made.
    member : Member
        Its network.

    Raises
    ------
    NotRecordable
        If compiled code cannot train it.
    """

    def __init__(self, problem: Problem, member: Member) -> None:
        trainer = trainer_of([member.config])
        self._config = problem.config
        self._plain: dict[str, Any] = {}
        self._member = replace(member, state=replace(member.state), reusable=None)
        state = self._member.state
        state.own_arrays()
        self._theta, self._slots = state.theta, state.slots
        state.order = None if state.order is None else state.order.copy()
        self._compiled = CompiledTraining([member], state, trainer, n_threads=1)
        rule = member.config.stopping_rule
        self._monitor = Monitor([rule], trainer.learning_rates)
        self._judged = Judged([rule], member.history, None, None, np.zeros(1, bool))

    def fits(self, earlier: EarlierFit, config: TrainingConfig, data: Dataset) -> bool:
        """Return whether a call continues from here; if so, its data are bound."""
        same = config is self._config and earlier.training is self._plain
        try:
            return same and self._compiled.rebind([data])
        except NotRecordable:
            return False

    def train(self, earlier: EarlierFit) -> FitResult:
        """Train for one epoch on the data that are bound.

        Parameters
        ----------
        earlier : EarlierFit
            The fit from which it continues.

        Returns
        -------
        fit : FitResult
            What changes in the fitted estimator.

        Raises
        ------
        ValueError
            If training diverges.
        """
        member, state = self._member, self._member.state
        self._restore(earlier)
        begin_plan(member.config.learning_rate, state)
        history = member.history
        history.loss_curves = [history.loss_curves[0].copy()]  # the other is published
        made = self._compiled.run(_ONE, self._judged)
        if made.is_interrupted:
            raise KeyboardInterrupt
        history.loss_curves[0].append(float(made.losses[0, 0]))
        if self._compiled.are_lost[0]:
            raise diverged_at_once()
        converged = self._monitor.stops(history, state)[0]
        member.termination = Termination("converged" if converged else "max_iter", 1)
        state.own_arrays()  # the others are used again
        return self._result()

    def _result(self) -> FitResult:
        """Return the result, and keep this object for the call that continues it."""
        member, state = self._member, self._member.state
        termination = termination_of([member], 1, 1)
        attributes = summary([member], termination)
        before, shuffles = self._plain["streams"], state.n_shuffled > 1
        streams = left_streams(state, before, shuffles, only_integers=True)
        optimizer, theta = member.config.optimizer, state.theta
        plain = to_plain(state, optimizer, None, theta, True, streams)
        plain |= {"n_iter": [termination.n_iter]}
        attributes["_training"] = self._plain | attributes["_training"] | plain
        self.keep_for(theta, attributes["_training"])
        return FitResult(theta, termination, attributes)

    def _restore(self, earlier: EarlierFit) -> None:
        """Copy the values that a user can change; the others are those of the state."""
        state, plain = self._member.state, earlier.training
        np.copyto(self._theta, earlier.model.theta)
        for slot, kept in zip(self._slots, plain["slots"], strict=True):
            np.copyto(slot, kept)
        stream, stands = state.streams[0], plain["streams"][0]
        if stream_from_state(stands) is not stream:
            stream.set_state(stands)

    def keep_for(self, theta: Array, plain: dict[str, Any]) -> None:
        """Keep this object for published parameters, and their state as plain data."""
        self._plain, state = plain, self._member.state
        state.theta, state.slots = self._theta, self._slots  # the key must not be held
        self._compiled.forget_data()
        vars(self._member).update(data=None)
        _continuations.leave(theta, self)


_continuations: ReuseCache[Continuation] = ReuseCache()
# The form of the data of the last call; only if it comes back, a continuation is made.
_forms: ReuseCache[tuple[Any, ...]] = ReuseCache()


def continuation_of(
    start: Start, config: TrainingConfig, data: Dataset
) -> Continuation | None:
    """Return what trains the next epoch of a network, or None if it is to be set up."""
    if not start.is_partial or start.earlier is None:
        return None
    kept = _continuations.take(start.earlier.model.theta)
    fits = kept is not None and kept.fits(start.earlier, config, data)
    return kept if fits else None


def prepare_next(problem: Problem, members: Sequence[Member], fit: FitResult) -> None:
    """Keep what the next call can use, after a call without a continuation.

    Parameters
    ----------
    problem : Problem
        The problem of this call.
    members : sequence of Member
        Its networks.
    fit : FitResult
        Its result.
    """
    earlier, member, config = problem.start.earlier, members[0], problem.config
    is_plain = (
        len(members) == 1
        and member.reusable is not None
        and (
            member.engine == "compiled"
            and member.state.average is None
            and fit.theta is member.state.theta
            and config.checkpoint is None
            and config.batch_size in ("auto", member.config.batch_size)
            and config.scoring == config.preset.default_scoring
            and not member.config.verbose
        )
    )
    if earlier is None or not is_plain:
        return
    data, before, plain = problem.data, earlier.training, fit.attributes["_training"]
    form = (problem.config, data.x.shape, data.x.dtype, data.weight is None)
    same_rate = all(plain[n] == before.get(n) for n in ("was_planned", "largest_batch"))
    if _forms.take(earlier.model.theta) == form and same_rate:
        with suppress(NotRecordable):
            Continuation(problem, member).keep_for(fit.theta, plain)
            return
    _forms.leave(fit.theta, form)
