"""Compiled epochs: the machine trains members by their programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from sknet._numerics import Array
from sknet.engine import library
from sknet.engine.machine import (
    JOB,
    MEMBER,
    REGIONS,
    SLOTS,
    aligned,
    bit_generator,
    machine,
)
from sknet.engine.program import Program
from sknet.engine.tape import NotRecordable, address_of
from sknet.training.batches import Dataset
from sknet.training.choice import chosen, threads_of_steps
from sknet.training.compiled_data import CompiledData, Cut, check_state
from sknet.training.judged import Judged, addresses_of_rows
from sknet.training.member import Member
from sknet.training.programs import program_of, scratch_for
from sknet.training.recording import FirstBatch, leaves_of
from sknet.training.state import TrainState
from sknet.training.step_numbers import StepNumbers, numbers_of_steps
from sknet.training.trainer import Record, Trainer


# The most epochs that are made at once, and numbers that are computed ahead of them.
_MOST_EPOCHS = 1000
_MOST_NUMBERS = 4096
# Time of a call of the machine, in seconds, after which Python looks for interrupts.
_CALL_SECONDS = 0.02
# Multiply-adds between two looks at the clock, which take some milliseconds.
_LOOK_WORK = 2**24


class Epochs(NamedTuple):
    """The epochs that members have made in one call.

    Parameters
    ----------
    losses : ndarray of shape (K, n)
        Their losses; NaN for those that were not made.
    n_done : ndarray of int, of shape (K,)
        How many epochs each member has made.
    is_interrupted : bool
        Whether an interrupt has ended them.
    """

    losses: Array
    n_done: Array
    is_interrupted: bool


class CompiledTraining:
    """Trains members by compiled programs.

    Parameters
    ----------
    members : sequence of Member
        The members, of one shape.
    state : TrainState
        Their state, which is changed in place.
    trainer : Trainer
        Their trainer, which has the learning rates and the average.
    n_threads : int or None, default=None
        Number of threads that make a step together; None to decide by its size.

    Raises
    ------
    NotRecordable
        If the machine cannot train them; the message is the reason.
    """

    def __init__(
        self,
        members: Sequence[Member],
        state: TrainState,
        trainer: Trainer,
        n_threads: int | None = None,
    ) -> None:
        compiled = machine()
        if compiled is None:
            raise NotRecordable(library.reason())
        self._machine, self._state, self._trainer = compiled, state, trainer
        check_state(state, members[0].config.network.layout)
        self._configs = [member.config for member in members]
        self._sources = CompiledData(
            [member.data for member in members], state.theta.dtype
        )
        config = self._configs[0]
        n_rows = members[0].data.n_rows if state.order is None else state.order.shape[1]
        self._cut = Cut.of(n_rows, config.batch_size, config.least_rows)
        x = members[0].data.x
        self._n_threads = threads_of_steps(
            n_threads, config.batch_size, config.network, x
        )
        averaging = trainer.averaging
        self._each_step = averaging is not None and averaging.each_step
        if self._each_step and self._sources.has_zero_weights:
            raise NotRecordable("Rows of weight zero, with an average of every step.")
        if averaging is not None and state.average is None:
            state.average = state.theta.copy()
        self._programs = self._recorded()
        self._job = self._new_job()
        self._members = self._new_members()
        self._bind(self._sources)

    # ------------------------------------------------------------------------ programs

    def _recorded(self) -> list[list[Program]]:
        """Return the programs of each member, for full batches and for the last one."""
        programs: list[list[Program]] = []
        for k, config in enumerate(self._configs):
            is_same = k > 0 and config is self._configs[k - 1]
            programs.append(programs[-1] if is_same else self._record(k))
        return programs

    def _record(self, k: int) -> list[Program]:
        """Return the programs of a member, recorded on its first batch and its last."""
        cut, config = self._cut, self._configs[k]
        starts = [0, (cut.n_batches - 1) * cut.size]
        sizes = [cut.size, cut.last] if cut.n_batches > 1 else [cut.last, cut.last]
        programs: list[Program] = []
        for start, size in zip(starts, sizes, strict=True):
            if programs and size == sizes[0]:
                programs.append(programs[0])
                continue
            kind = self._sources.kind(k, size)
            first = partial(self._first_batch, k, start, size)
            programs.append(program_of(config, self._machine, kind, first))
        return programs

    def _first_batch(self, k: int, start: int, n_rows: int) -> FirstBatch:
        """Return rows of a member's order, and where it stands."""
        state, config = self._state, self._configs[k]
        order = None if state.order is None else state.order[k, start : start + n_rows]
        rows: Any = slice(start, start + n_rows) if order is None else order
        x, y, weight, total = self._sources.batch(k, rows)
        leaves = leaves_of(config)
        leaves["t"] = float(state.t[k]) + 1.0
        leaves["rate"] = float(config.learning_rate.rate)
        return FirstBatch(
            *(x, y, weight, total, state.theta[k : k + 1]),
            [slot[k : k + 1] for slot in state.slots],
            state.noise[k] if state.noise else None,
            leaves,
        )

    def lines(self) -> list[tuple[str, list[str]]]:
        """Return the instructions of the first member as text, with their titles."""
        found = []
        for program in dict.fromkeys(self._programs[0]):
            batch = f"a batch of {program.n_rows} rows, {program.dtype}"
            names = ("value and gradient", "update", "average")
            for name, part in zip(names, program.parts, strict=True):
                if part.lines:
                    found.append((f"training, {batch}: {name}", list(part.lines)))
        return found

    # ------------------------------------------------------------------------- the job

    def _new_job(self) -> Array:
        """Return the parts of the job that stay the same."""
        state, cut, sources = self._state, self._cut, self._sources
        config, trainer = self._configs[0], self._trainer
        programs = list({id(p): p for pair in self._programs for p in pair}.values())
        dtype = state.theta.dtype
        self._work = aligned(max(p.n_work for p in programs) + 1, dtype)
        self._scratch = scratch_for(self._machine, programs, self._n_threads)
        network, loss = config.network, trainer.objective.loss
        work = cut.size * max(network.layout.n_parameters, 1)
        job = np.zeros(1, dtype=JOB)
        job["n_batches"] = cut.n_batches
        job["is_double"], job["kernels"] = dtype == np.float64, self._machine.kernels
        job["shuffle"], job["n_order"] = trainer.shuffle, cut.n_rows
        job["n_features"], job["n_targets"] = sources.n_features, sources.n_targets
        job["x_type"] = sources.x_type
        job["index_bytes"], job["normalize"] = sources.index_bytes, 1
        job["n_parameters"] = state.theta.shape[1]
        job["n_slots"], job["n_trainable"] = (
            len(state.slots),
            network.layout.n_trainable,
        )
        job["report"] = loss.report_factor(network.n_outputs)
        job["work"], job["scratch"] = address_of(self._work), address_of(self._scratch)
        job["look_every"] = max(1, _LOOK_WORK // work)
        job["n_threads"] = self._n_threads
        job["scratch_step"] = self._scratch.nbytes // self._n_threads
        job["nanoseconds"] = int(_CALL_SECONDS * 1e9)
        return job

    def _new_members(self) -> Array:
        """Return the structures of the members."""
        state = self._state
        members = np.zeros(state.n_members, dtype=MEMBER)
        self._numbers = []
        for k, member in enumerate(members):
            leaves = leaves_of(self._configs[k])
            numbers = [program.numbers(leaves) for program in self._programs[k]]
            self._numbers.append(numbers)
            regions = {"theta": state.theta[k], "average": state.average}
            if state.average is not None:
                regions["average"] = state.average[k]
            regions |= {name: s[k] for name, s in zip(SLOTS, state.slots, strict=False)}
            member["regions"] = _addresses(regions)
            member["shuffles"] = bit_generator(state.streams[k])
            member["noise"] = bit_generator(state.noise[k]) if state.noise else 0
            member["order"] = 0 if state.order is None else address_of(state.order[k])
            member["numbers"] = [address_of(n) for n in numbers]
        return members

    def _bind(self, sources: CompiledData) -> None:
        """Train on these data from now on."""
        self._form, job = sources.form, self._job
        self._sources = sources
        for k, member in enumerate(self._members):
            for name, array in sources.arrays(k).items():
                member[name] = 0 if array is None else address_of(array)
        job["x_step"], job["x_column_step"] = sources.x_step, sources.x_column_step

    def rebind(self, data: Sequence[Dataset]) -> bool:
        """Train on other rows from now on.

        Parameters
        ----------
        data : sequence of Dataset
            The data of each member.

        Returns
        -------
        done : bool
            False if the programs are for data of another form; nothing is changed then.
        """
        sources = CompiledData(data, self._state.theta.dtype)
        if self._each_step or sources.form != self._form:
            return False
        self._bind(sources)
        return True

    def forget_data(self) -> None:
        """Release the data; before more epochs, others must be bound."""
        del self._sources

    @property
    def n_at_once(self) -> int:
        """The most epochs to make at once; planned numbers might not be needed."""
        rates, cut = self._trainer.learning_rates, self._cut
        if rates.changes_at_plateaus_only and self._trainer.averaging is None:
            return _MOST_EPOCHS
        of_each_batch = rates.is_planned or self._each_step
        return max(1, _MOST_NUMBERS // (cut.n_batches if of_each_batch else 1))

    def run(
        self,
        n_epochs: Array,
        judged: Judged | None = None,
        halted: Callable[[], bool] = bool,
    ) -> Epochs:
        """Train all members, each until it is lost, or stops by its rule.

        Parameters
        ----------
        n_epochs : ndarray of int, of shape (K,)
            Largest number of epochs of each member.
        judged : Judged or None, default=None
            The stopping rules, whose values are updated; None if they are not applied.
        halted : callable, default=bool
            Returns whether to stop as after an interrupt; asked every few milliseconds.

        Returns
        -------
        epochs : Epochs
            The epochs that were made.
        """
        state, members, job = self._state, self._members, self._job[0]
        n_most = int(n_epochs.max())
        losses = np.full((len(members), n_most), np.nan)
        cut = self._cut
        numbers = numbers_of_steps(
            self._trainer, state, n_most, cut.n_batches, cut.n_rows
        )
        for name in ("epoch", "batch", "n_counted", "total", "is_lost"):
            members[name] = 0
        members["t"], members["n_epochs"] = state.t, n_epochs
        members["rates"] = rates = addresses_of_rows(numbers.rates)
        has_shares = numbers.shares is not numbers.rates
        members["shares"] = addresses_of_rows(numbers.shares) if has_shares else rates
        members["losses"] = addresses_of_rows(losses)
        job["rates_per_epoch"] = numbers.rates.shape[1] // n_most
        job["shares_per_epoch"] = numbers.shares.shape[1] // n_most
        job["stops"] = judged is not None
        if judged is not None:
            judged.write(members, state)
        is_interrupted = False
        try:
            self._train(members, halted)
        except KeyboardInterrupt:
            is_interrupted = True
        self._count(numbers)
        if judged is not None:
            judged.read(members)
        return Epochs(losses, members["epoch"].copy(), is_interrupted)

    def _count(self, numbers: StepNumbers) -> None:
        """Update the counters of the state."""
        state, members = self._state, self._members
        n_done = members["epoch"]
        state.t[:] = members["t"]
        state.n_epochs += n_done
        state.n_seen += n_done * self._cut.n_rows
        lost = self.are_lost & (n_done > 0)
        state.n_seen[lost] += members["n_seen"][lost] - self._cut.n_rows
        state.n_averaged += numbers.n_averages[np.arange(len(n_done)), n_done]

    @property
    def are_lost(self) -> Array:
        """Whether loss, parameters or slots of each member are no longer finite."""
        lost: Array = self._members["is_lost"] != 0
        return lost

    def _train(self, members: Array, halted: Callable[[], bool]) -> None:
        """Run the job to its end, in calls that let Python handle interrupts.

        Members with different programs make jobs of their own.
        """
        job = self._job
        for a, b, programs in self._runs():
            part = members[a:b]
            job["programs"] = [address_of(p.header) for p in programs]
            job["members"], job["n_members"], job["current"] = (
                address_of(part),
                b - a,
                0,
            )
            while not self._machine.train(job):
                if halted():
                    raise KeyboardInterrupt

    def _runs(self) -> Iterator[tuple[int, int, list[Program]]]:
        """Iterate over runs of members that share their programs."""
        start, n = 0, len(self._programs)
        for k in range(1, n + 1):
            if k == n or any(
                a is not b
                for a, b in zip(self._programs[k], self._programs[start], strict=True)
            ):
                yield start, k, self._programs[start]
                start = k

    def epochs(self, halted: Callable[[], bool]) -> Iterator[Record]:
        """Train indefinitely, yielding a record after each epoch, as a trainer does."""
        one = np.ones(self._state.n_members, dtype=np.int64)
        while True:
            made = self.run(one, halted=halted)
            if made.is_interrupted:
                raise KeyboardInterrupt
            yield Record(made.losses[:, 0])


def compiled_training(
    members: Sequence[Member],
    state: TrainState,
    trainer: Trainer,
    n_threads: int | None = None,
) -> CompiledTraining | None:
    """Return the compiled training of members, or None if NumPy trains them.

    Each member gets to know its engine.

    Raises
    ------
    ValueError
        If the configuration demands the compiled engine, and it is not possible.
    """
    config = members[0].config
    compiled, used = chosen(
        *(config.engine, config.network, state.theta, config.batch_size),
        lambda: CompiledTraining(members, state, trainer, n_threads),
        members[0].data.x,
    )
    for member in members:
        member.engine = used
    return compiled


def _addresses(regions: dict[str, Any]) -> list[int]:
    """Return the addresses of the regions of a member."""
    return [
        0 if regions.get(name) is None else address_of(regions[name])
        for name in REGIONS
    ]
