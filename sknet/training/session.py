"""A session: epochs of a stack of members until each has a reason to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.training.batches import Batches
from sknet.training.buffers import Buffers
from sknet.training.member import EpochSnapshot, Hooks, Member, Termination
from sknet.training.member_config import trainer_of
from sknet.training.monitor import History, Monitor, stack_histories
from sknet.training.reporting import Reporter
from sknet.training.state import TrainState, stack_states


# Made for the members in training: from their parameters (K, P) to their validation
# losses and scores, of shape (K,).
Validate = Callable[[Array], tuple[Array, Array]]
MakeValidate = Callable[[Sequence[Member], Any, Buffers], Validate]

# Endings after which a member needs its best parameters: it goes back to them, or it
# may do so after another session, which goes on from here.
_NEEDS_BEST = ("diverged", "interrupted", "max_time")


class Session:
    """Runs the epochs of a stack, watches its members and keeps their best parameters.

    Members of a stack are rows of the same arrays. Who is done leaves, and the stack
    goes on without.

    Parameters
    ----------
    members : sequence of Member
        Changed in place. Their recipes have one shape, their data as many rows.
    make_validate : callable or None
        Makes of the members in training, of the type they compute in, and of buffers
        that are free between epochs, what judges them; None without validation sets.
    hooks : Hooks
        Told of every epoch.
    deadline : float, default=inf
        When all stop after their epoch, on the clock of ``perf_counter``.
    """

    def __init__(
        self,
        members: Sequence[Member],
        make_validate: MakeValidate | None,
        hooks: Hooks,
        deadline: float = math.inf,
    ) -> None:
        first = members[0].config
        self._make_validate = make_validate
        self._reporter = Reporter(first.verbose)
        self._hooks = hooks
        self._n_done = 0
        self._deadline = deadline
        state = stack_states([member.state for member in members], spend=True)
        history = stack_histories([member.history for member in members])
        best = None
        if any(member.best is not None for member in members):
            best = np.concatenate(
                [state.theta[:1] if m.best is None else m.best for m in members]
            )
        has_best = np.array([member.best is not None for member in members])
        self._set(list(members), state, history, best, has_best)

    def _set(
        self,
        members: list[Member],
        state: TrainState,
        history: History,
        best: Array | None,
        has_best: Array,
    ) -> None:
        """Begin, or go on with fewer members."""
        config = members[0].config
        configs = [member.config for member in members]
        self._members, self._state, self._progress = members, state, history
        self._best, self._has_best = best, has_best
        self._n_before = np.array([member.n_done for member in members])
        max_iter = np.array([r.budget.max_iter for r in configs])
        self._last_epochs = max_iter - self._n_before
        self._first_end = int(self._last_epochs.min())
        self._everybody = np.ones(len(members), dtype=bool)
        trainer = trainer_of(configs)
        self._monitor = Monitor(
            [r.stopping_rule for r in configs], trainer.learning_rates
        )
        data, dtype = [member.data for member in members], state.theta.dtype
        size, least, buffers = config.batch_size, config.least_rows, Buffers()
        batches = Batches(data, size, dtype, least=least, buffers=buffers)
        self._epochs = trainer.epochs(state, batches, members[0].reusable)
        make = self._make_validate
        self._validate = None if make is None else make(members, dtype, buffers)
        # What an epoch starts from is kept for the case that a later one diverges; so
        # not for the last one, and not if a score chooses what is published.
        self._keeps_until = 0
        if not self._monitor.on_score:
            self._keeps_until = int(self._last_epochs.max()) - 1
        self._before = None
        if self._n_done < self._keeps_until:
            self._before = state.theta.copy()

    def run(self) -> None:
        """Train until every member has an ending.

        An interrupt ends all that are left, as they are.
        """
        try:
            while self._members:
                self._epoch()
        except KeyboardInterrupt:
            self._leave(np.full(len(self._members), "interrupted", dtype=object))

    def _epoch(self) -> None:
        """Train an epoch and judge it; let go of those who are done."""
        state, history = self._state, self._progress
        loss = next(self._epochs).loss
        self._n_done += 1
        finite = self._everybody
        if not (state.is_finite() and all(map(math.isfinite, loss.tolist()))):
            finite = state.finite_members() & np.isfinite(loss)
        _extend(history.loss_curves, loss)
        score = self._judge(finite)
        self._report(loss, score)
        judged = self._counts(finite, score)
        is_best = self._monitor.improved(history, loss, score, judged)
        self._keep(is_best)
        tell = self._reporter.message if self._reporter.verbose else None
        converged = self._monitor.stops(history, state, tell)
        halt = self._reason_to_halt()
        left: list[Member] = []
        done = self._n_done >= self._first_end or halt
        if done or np.count_nonzero(converged) or finite is not self._everybody:
            reasons = np.full(len(loss), halt, dtype=object)
            if halt != "stopped":  # who has come to the end has nothing to go on with
                reasons[self._n_done >= self._last_epochs] = "max_iter"
            reasons[converged] = "converged"
            reasons[~finite] = "diverged"
            left = self._leave(reasons)
        if self._n_done >= self._keeps_until:
            self._before = None
        elif self._members and self._before is not None:
            np.copyto(self._before, self._state.theta)
        if self._hooks.save is not None:
            self._hooks.save(self._snapshot() if self._members else None, left)

    def _reason_to_halt(self) -> str:
        """Return why all stop after this epoch, whatever their losses are, or ""."""
        watch = self._hooks.watch
        stopped = watch is not None and watch(self._snapshot())
        if self._hooks.halted():
            return "interrupted"
        if self._deadline < math.inf and time.perf_counter() >= self._deadline:
            return "max_time"
        return "stopped" if stopped else ""

    def _snapshot(self) -> EpochSnapshot:
        """Return where the members stand."""
        return EpochSnapshot(
            self._members,
            (self._n_before + self._n_done).tolist(),
            self._state,
            self._progress,
            self._best,
            self._has_best,
        )

    def _judge(self, finite: Array) -> Array | None:
        """Return the validation scores of the newest epoch, if there are any."""
        if self._validate is None:
            return None
        losses, scores = self._validate(self._state.published)
        losses, scores = (np.where(finite, v, np.nan) for v in (losses, scores))
        _extend(self._progress.validation_loss_curves, losses)
        _extend(self._progress.validation_scores, scores)
        return scores

    def _counts(self, finite: Array, score: Array | None) -> Array | None:
        """Return for whom the epoch counts, or None for all.

        Before the first score there is nothing to improve on: where a scorer gives NaN
        all along, patience would end a training that goes well.
        """
        if score is not None and self._monitor.on_score and np.isnan(score).any():
            losses = [curve[-1] for curve in self._progress.validation_loss_curves]
            unscored = np.isnan(score) & np.isneginf(self._progress.best_score)
            return finite & ~(unscored & np.isfinite(losses))
        return None if finite is self._everybody else finite

    def _report(self, loss: Array, score: Array | None) -> None:
        """Tell about the newest epoch."""
        if self._reporter.verbose:
            scores = [] if score is None else score.tolist()
            n_iter = int(self._n_before[0]) + self._n_done
            self._reporter.epoch(n_iter, loss.tolist(), scores)
        if self._hooks.line is not None:
            self._hooks.line.epoch(self._n_done, loss.tolist())

    def _keep(self, is_best: Array) -> None:
        """Copy the parameters of those who were never better."""
        if not np.count_nonzero(is_best):  # a tenth of the time of any()
            return
        source = self._state.published if self._monitor.on_score else self._before
        if source is None:
            return
        if self._best is None:
            self._best = source.copy()
        else:
            np.copyto(self._best, source, where=is_best[:, None])
        self._has_best |= is_best

    def _leave(self, reasons: Array) -> list[Member]:
        """Let go of the members that have a reason, and go on with the others."""
        whys = reasons.tolist()
        done = [k for k, why in enumerate(whys) if why]
        left = [k for k, why in enumerate(whys) if not why]
        gone = [self._members[k] for k in done]
        for k, member in zip(done, gone, strict=True):
            if len(whys) == 1:
                member.state, member.history = self._state, self._progress
            else:
                state = self._state
                member.state = state.members([k]) if left else state.member(k)
                member.history = self._progress.members([k])
            member.termination = Termination(
                whys[k], int(self._n_before[k]) + self._n_done
            )
            wanted = self._monitor.on_score or whys[k] in _NEEDS_BEST
            if wanted and self._best is not None and self._has_best[k]:
                best = self._best[k : k + 1]
                member.best = best.copy() if left else best
        if self._hooks.line is not None:
            self._hooks.line.finished(len(done))
        if not left:
            self._members = []
        elif done:
            self._set(
                [self._members[k] for k in left],
                self._state.members(left),
                self._progress.members(left),
                None if self._best is None else self._best[left],
                self._has_best[left],
            )
        return gone


def _extend(curves: list[list[float]], values: Array) -> None:
    """Append a number to each curve."""
    for curve, value in zip(curves, values.tolist(), strict=True):
        curve.append(value)
