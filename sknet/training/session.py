"""A session: training of a stack of members until each of them terminates."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.training.batches import Batches
from sknet.training.buffers import Buffers
from sknet.training.compiled import CompiledTraining, compiled_training
from sknet.training.judged import Judged
from sknet.training.member import EpochSnapshot, Hooks, Member, Termination
from sknet.training.member_config import trainer_of
from sknet.training.monitor import History, Monitor, stack_histories
from sknet.training.reporting import Reporter
from sknet.training.state import TrainState, stack_states


# A function from the parameters (K, P) of the members in training to their validation
# losses and scores, both of shape (K,).
Validate = Callable[[Array], tuple[Array, Array]]
MakeValidate = Callable[[Sequence[Member], Any, Buffers], Validate]

# Reasons of termination after which a member needs its best parameters, because it is
# reset to them, or may be in a later session that resumes from here.
_NEEDS_BEST = ("diverged", "interrupted", "max_time")

# Seconds of training after which Python looks at a time limit, if nothing is to be done
# after each epoch.
_SECONDS_AT_ONCE = 0.01


class Session:
    """Trains a stack of members, monitors them and keeps their best parameters.

    Members of a stack are rows of the same arrays. Members that have finished leave the
    stack, and training continues without them.

    Parameters
    ----------
    members : sequence of Member
        The members, which are changed in place. Their configurations have the same
        shape, and their data the same number of rows.
    make_validate : callable or None
        Returns the validation function for the members in training, given the members,
        their type of computation, and buffers that are free between epochs; None
        without validation sets.
    hooks : Hooks
        Functions that are called after every epoch.
    deadline : float, default=inf
        Time of ``perf_counter`` after which all members stop at the end of an epoch.
    n_threads : int or None, default=None
        Number of threads that make a compiled step together; None to decide by its
        size.
    """

    def __init__(
        self,
        members: Sequence[Member],
        make_validate: MakeValidate | None,
        hooks: Hooks,
        deadline: float = math.inf,
        n_threads: int | None = None,
    ) -> None:
        first = members[0].config
        self._make_validate = make_validate
        self._reporter = Reporter(first.verbose)
        self._hooks = hooks
        self._deadline, self._n_threads = deadline, n_threads
        state = stack_states([member.state for member in members], spend=True)
        history = stack_histories([member.history for member in members])
        best = None
        if any(member.best is not None for member in members):
            best = np.concatenate(
                [state.theta[:1] if m.best is None else m.best for m in members]
            )
        has_best = np.array([member.best is not None for member in members])
        self._n_done = np.zeros(len(members), dtype=np.int64)
        self._epoch_seconds = math.inf
        self._set(list(members), state, history, best, has_best)

    def _set(
        self,
        members: list[Member],
        state: TrainState,
        history: History,
        best: Array | None,
        has_best: Array,
    ) -> None:
        """Start training, or continue with fewer members."""
        config = members[0].config
        configs = [member.config for member in members]
        self._members, self._state, self._history = members, state, history
        self._best, self._has_best = best, has_best
        self._n_before = np.array([member.n_done for member in members])
        max_iter = np.array([r.budget.max_iter for r in configs])
        self._last_epochs = max_iter - self._n_before
        self._all_members = np.ones(len(members), dtype=bool)
        trainer = trainer_of(configs)
        self._monitor = Monitor(
            [r.stopping_rule for r in configs], trainer.learning_rates
        )
        dtype, buffers = state.theta.dtype, Buffers()
        self._compiled = compiled_training(members, state, trainer, self._n_threads)
        if self._compiled is None:
            data = [member.data for member in members]
            size, least = config.batch_size, config.least_rows
            batches = Batches(data, size, dtype, least=least, buffers=buffers)
            self._epochs = trainer.epochs(state, batches, members[0].reusable)
        else:
            self._epochs = self._compiled.epochs(self._hooks.halted)
        make = self._make_validate
        self._validate = None if make is None else make(members, dtype, buffers)
        # The parameters before an epoch are kept in case a later one diverges. This is
        # not necessary for the last epoch, or if a score selects the published ones.
        self._keeps_until = 0
        if not self._monitor.on_score:
            self._keeps_until = int(self._last_epochs.max()) - 1
        self._before = None
        if self._n_done.min() < self._keeps_until:
            self._before = state.theta.copy()

    def run(self) -> None:
        """Train until every member has terminated.

        An interrupt terminates all remaining members in their current state.
        """
        try:
            while self._members:
                if self._needs_every_epoch:
                    self._epoch()
                else:
                    self._epochs_at_once()
        except KeyboardInterrupt:
            self._leave(np.full(len(self._members), "interrupted", dtype=object))

    def _epoch(self) -> None:
        """Train and evaluate one epoch; remove the members that have finished."""
        state, history = self._state, self._history
        with nullcontext() if self._compiled is None else self._hooks.deferred():
            loss = next(self._epochs).loss
            self._n_done += 1
            _extend(history.loss_curves, loss)
        finite = self._all_members
        if not (state.is_finite() and all(map(math.isfinite, loss.tolist()))):
            finite = state.finite_members() & np.isfinite(loss)
        score = self._score(finite)
        self._report(loss, score)
        counts = self._counts(finite, score)
        is_best = self._monitor.improved(history, loss, score, counts)
        self._keep(is_best)
        report = self._reporter.message if self._reporter.verbose else None
        converged = self._monitor.stops(history, state, report)
        halt = self._reason_to_halt()
        left: list[Member] = []
        done = self._n_done >= self._last_epochs
        if (
            halt
            or np.count_nonzero(done | converged)
            or finite is not self._all_members
        ):
            left = self._leave(self._reasons(halt, converged, ~finite))
        if self._n_done.min(initial=self._keeps_until) >= self._keeps_until:
            self._before = None
        elif self._members and self._before is not None:
            np.copyto(self._before, self._state.theta)
        if self._hooks.save is not None:
            self._hooks.save(self._snapshot() if self._members else None, left)

    @property
    def _needs_every_epoch(self) -> bool:
        """Whether something other than training is done after every epoch."""
        hooks = self._hooks
        watchers = (hooks.watch, hooks.save, hooks.line, self._validate)
        is_watched = any(watcher is not None for watcher in watchers)
        return self._compiled is None or is_watched or self._reporter.verbose

    def _epochs_at_once(self) -> None:
        """Train some epochs; remove the members that have finished."""
        state, history, compiled = self._state, self._history, self._compiled
        if compiled is None:
            return
        with self._hooks.deferred():
            self._make_epochs(compiled)
        lost = compiled.are_lost
        converged = self._monitor.stops(history, state) & ~lost
        halt = self._reason_to_halt()
        if halt or np.count_nonzero(
            (self._n_done >= self._last_epochs) | converged | lost
        ):
            self._leave(self._reasons(halt, converged, lost))

    def _make_epochs(self, compiled: CompiledTraining) -> None:
        """Train some epochs, and note them.

        An interrupt in between would leave parameters and counters of different epochs.
        """
        history = self._history
        if self._before is not None and self._best is None:
            self._best = np.empty_like(self._before)
        best = None if self._before is None else self._best
        rules = [member.config.stopping_rule for member in self._members]
        judged = Judged(rules, history, self._before, best, self._has_best)
        left = self._last_epochs - self._n_done
        n_at_once, began = compiled.n_at_once, time.perf_counter()
        if self._deadline < math.inf:
            in_time = int(_SECONDS_AT_ONCE / self._epoch_seconds)
            n_at_once = min(n_at_once, max(1, in_time))
        made = compiled.run(np.minimum(left, n_at_once), judged, self._hooks.halted)
        n_done, seconds = made.n_done, time.perf_counter() - began
        self._epoch_seconds = seconds / max(1, n_done.max())
        self._n_done += n_done
        for curve, row, n in zip(
            history.loss_curves, made.losses.tolist(), n_done.tolist(), strict=True
        ):
            curve += row[:n]
        if made.is_interrupted:
            raise KeyboardInterrupt

    def _reasons(self, halt: str, converged: Array, lost: Array) -> Array:
        """Return why each member stops, or "" if it does not."""
        reasons = np.full(len(converged), halt, dtype=object)
        if halt != "stopped":  # after the last epoch there is nothing to resume
            reasons[self._n_done >= self._last_epochs] = "max_iter"
        reasons[converged] = "converged"
        reasons[lost] = "diverged"
        return reasons

    def _reason_to_halt(self) -> str:
        """Return why all members stop regardless of their losses, or ""."""
        watch = self._hooks.watch
        stopped = watch is not None and watch(self._snapshot())
        if self._hooks.halted():
            return "interrupted"
        if self._deadline < math.inf and time.perf_counter() >= self._deadline:
            return "max_time"
        return "stopped" if stopped else ""

    def _snapshot(self) -> EpochSnapshot:
        """Return a snapshot of the members."""
        return EpochSnapshot(
            self._members,
            (self._n_before + self._n_done).tolist(),
            self._state,
            self._history,
            self._best,
            self._has_best,
        )

    def _score(self, finite: Array) -> Array | None:
        """Return the validation scores of the last epoch, if there are any."""
        if self._validate is None:
            return None
        losses, scores = self._validate(self._state.published)
        losses, scores = (np.where(finite, v, np.nan) for v in (losses, scores))
        _extend(self._history.validation_loss_curves, losses)
        _extend(self._history.validation_scores, scores)
        return scores

    def _counts(self, finite: Array, score: Array | None) -> Array | None:
        """Return for which members the epoch counts, or None for all.

        Before the first score there is nothing to improve on: if a scorer always
        returned NaN, patience would end a training that is going well.
        """
        if score is not None and self._monitor.on_score and np.isnan(score).any():
            losses = [curve[-1] for curve in self._history.validation_loss_curves]
            unscored = np.isnan(score) & np.isneginf(self._history.best_score)
            return finite & ~(unscored & np.isfinite(losses))
        return None if finite is self._all_members else finite

    def _report(self, loss: Array, score: Array | None) -> None:
        """Report the last epoch."""
        if self._reporter.verbose:
            scores = [] if score is None else score.tolist()
            n_iter = int(self._n_before[0] + self._n_done[0])
            self._reporter.epoch(n_iter, loss.tolist(), scores)
        if self._hooks.line is not None:
            self._hooks.line.epoch(int(self._n_done[0]), loss.tolist())

    def _keep(self, is_best: Array) -> None:
        """Copy the parameters of the members for which the epoch is the best so far."""
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
        """Remove the members that have a reason to stop, and continue with the rest."""
        whys = reasons.tolist()
        done = [k for k, why in enumerate(whys) if why]
        left = [k for k, why in enumerate(whys) if not why]
        gone = [self._members[k] for k in done]
        for k, member in zip(done, gone, strict=True):
            if len(whys) == 1:
                member.state, member.history = self._state, self._history
            else:
                state = self._state
                member.state = state.members([k]) if left else state.member(k)
                member.history = self._history.members([k])
            member.termination = Termination(
                whys[k], int(self._n_before[k] + self._n_done[k])
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
            self._n_done = self._n_done[left]
            self._set(
                [self._members[k] for k in left],
                self._state.members(left),
                self._history.members(left),
                None if self._best is None else self._best[left],
                self._has_best[left],
            )
        return gone


def _extend(curves: list[list[float]], values: Array) -> None:
    """Append a number to each curve."""
    for curve, value in zip(curves, values.tolist(), strict=True):
        curve.append(value)
