"""The executor: threads or processes that train many networks, as rows of arrays.

Networks of the same shape form a stack, regardless of the estimator they belong to and
the rows they are trained on. The result of each network is the same, bit for bit, as if
it were trained alone.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from joblib.parallel import get_active_backend
from scipy import sparse

from sknet.engine.machine import machine
from sknet.solvers.threads import blas_threads
from sknet.solvers.validation_set import Validator
from sknet.training.interrupts import Interrupts
from sknet.training.member import EpochSnapshot, Hooks, Member, Termination
from sknet.training.reporting import ProgressLine
from sknet.training.session import Session


# Bytes of all arrays that a block of members works in. Measured best from 4 to 16 MB,
# with 1 MB of second-level and 32 MB of third-level cache: an operation only reads two
# or three of the arrays, and in smaller blocks the overhead of the calls dominates. The
# smallest of the equally fast sizes is used, because a search has to hold the block in
# addition to its data.
BLOCK_BYTES = 2**22

# Number of multiply-adds in a block's largest product above which a second thread
# helps. Threads pass Python's lock to each other at every operation, which takes longer
# than a short operation.
WORTH_A_THREAD = 2**21

# Seconds after which the main thread looks for signals while it waits for threads.
_TURN = 0.1


@dataclass
class Executor:
    """The threads or processes that train blocks of members.

    Parameters
    ----------
    n_jobs : int, default=1
        Number of blocks that are trained at the same time.
    parallel : joblib.Parallel or None, default=None
        Runs the blocks in processes, possibly on other machines; None for threads.
    line : ProgressLine or None, default=None
        Called after every epoch, if blocks are trained in threads.
    watch, save : callable or None, default=None
        Likewise; see ``Hooks``. ``watch`` is for a single estimator, whose members have
        the same shape: they form a single block, so that their epochs coincide.
    interrupts : Interrupts
        Interrupts of the fit. Ctrl-C ends all blocks after their current epoch, even if
        its exception was lost.
    failures : list of (block, error), or None, default=None
        Collects the blocks that failed, while the other blocks are still trained; None
        if an error ends the training of all. Members of a failed block that have not
        terminated are lost.
    n_threads : int or None, default=None
        Number of threads that make a compiled step together; None to decide by its
        size. If several blocks are trained at the same time, it is 1.
    """

    n_jobs: int = 1
    parallel: Parallel | None = None
    line: ProgressLine | None = None
    watch: Callable[[EpochSnapshot], bool] | None = None
    save: Callable[[EpochSnapshot | None, list[Member]], None] | None = None
    interrupts: Interrupts = field(default_factory=Interrupts)
    halt: threading.Event = field(default_factory=threading.Event)
    failures: list[tuple[Sequence[Member], Exception]] | None = None
    began: float = field(default_factory=lambda: time.perf_counter())
    has_trained: bool = False
    n_threads: int | None = None

    @classmethod
    def active(cls, n_jobs: int | None, line: ProgressLine | None = None) -> Executor:
        """Return an executor with threads, or with the active joblib backend."""
        backend = get_active_backend(prefer="threads")[0]
        n_workers = effective_n_jobs(n_jobs)
        shares = getattr(backend, "supports_sharedmem", False) or n_workers == 1
        return cls(n_workers, None if shares else Parallel(n_jobs), line)

    def is_halted(self) -> bool:
        """Return whether all blocks are to stop after their current epoch."""
        interrupts = self.interrupts
        return interrupts.raised or interrupts.came or self.halt.is_set()

    def deadline(self, max_time: float, share: float) -> float | None:
        """Return the deadline of a block about to start; None if no time is left.

        The block gets a ``share`` of the remaining time. The first block starts in any
        case, so that there is something to publish.
        """
        if max_time == math.inf:
            return math.inf
        now = time.perf_counter()
        left = self.began + max_time - now
        if left <= 0.0 and self.has_trained:
            return None
        self.has_trained = True
        return now + left * share


def train(members: Sequence[Member], executor: Executor) -> None:
    """Train members, where those of the same shape are stacked and cut into blocks.

    Parameters
    ----------
    members : sequence of Member
        The members, which are updated with the state and the termination of their
        training. Members that have not started have no termination after an interrupt,
        and one without a further epoch when the time is up.
    executor : Executor
        The threads or processes.
    """
    alone = len(members) == 1 == executor.n_jobs and executor.parallel is None
    if alone or executor.watch is not None:
        train_block(members, executor)
        return
    groups = group_compatible(members)
    if executor.parallel is not None:
        blocks = [
            block for stack in groups for block in partition(stack, executor.n_jobs)
        ]
        _train_in_processes(blocks, executor, executor.parallel)
        return
    small = [stack for stack in groups if not worth_threads(stack, executor.n_jobs)]
    large = [stack for stack in groups if worth_threads(stack, executor.n_jobs)]
    blocks = [block for stack in small for block in partition(stack, 1)]
    later = sum(map(len, large)) / executor.n_jobs
    for block, share in zip(blocks, shares(blocks, 1, later), strict=True):
        train_block(block, executor, share)
        if any(map(was_interrupted, block)):
            return
    _train_in_threads(
        [b for stack in large for b in partition(stack, executor.n_jobs)], executor
    )


def shares(
    blocks: Sequence[list[Member]], n_jobs: int, later: float = 0.0
) -> list[float]:
    """Return the share of the remaining time that each block gets when it starts.

    Parameters
    ----------
    blocks : sequence of list of Member
        The blocks, in the order in which they start.
    n_jobs : int
        Number of blocks that are trained at the same time: each is followed by every
        ``n_jobs``-th of the later blocks.
    later : float, default=0.0
        Number of networks per job that are trained after all blocks.

    Returns
    -------
    shares : list of float
        The number of networks in a block, as a fraction of all networks that its job
        still has to train. Thus all networks get the same time, and unused time passes
        to the next block.
    """
    sizes = [len(block) for block in blocks]
    return [n / (sum(sizes[i::n_jobs]) + later) for i, n in enumerate(sizes)]


def was_interrupted(member: Member) -> bool:
    """Return whether the training of a member was interrupted."""
    return member.termination is not None and member.termination.reason == "interrupted"


def _train_in_threads(blocks: Sequence[list[Member]], executor: Executor) -> None:
    """Train blocks in threads; an interrupt ends all after their current epoch."""
    if not blocks:
        return
    executor = replace(executor, n_threads=1)
    pool, jobs = ThreadPoolExecutor(executor.n_jobs), []
    try:  # an interrupt may occur while jobs are still being submitted
        for block, share in zip(blocks, shares(blocks, executor.n_jobs), strict=True):
            jobs.append(pool.submit(train_block, block, executor, share))
        _wait_for(jobs)
    except BaseException as reason:
        executor.halt.set()
        pool.shutdown(wait=False, cancel_futures=True)
        if not isinstance(reason, KeyboardInterrupt):
            raise
    finally:
        pool.shutdown()


def _wait_for(jobs: Sequence[Future[None]]) -> None:
    """Wait for jobs, or raise the error of one, in turns of a fraction of a second.

    Python sees a signal that arrives just before a wait begins when the wait ends.
    """
    left = set(jobs)
    while left:
        done, left = wait(left, timeout=_TURN, return_when=FIRST_EXCEPTION)
        for job in done:
            job.result()


def _train_in_processes(
    blocks: Sequence[list[Member]], executor: Executor, parallel: Parallel
) -> None:
    """Train blocks in processes, and copy the results into the members.

    A block that failed in a process is trained again here, because not every error can
    be pickled.
    """
    trained = parallel(delayed(_trained_block)(block) for block in blocks)
    for block, result in zip(blocks, trained, strict=True):
        if result is None:
            train_block(block, executor)
            continue
        for member, copy in zip(block, result, strict=True):
            vars(member).update(
                state=copy.state,
                history=copy.history,
                best=copy.best,
                termination=copy.termination,
                engine=copy.engine,
            )


def _trained_block(block: list[Member]) -> list[Member] | None:
    """Train a block in another process; return it without data, or None on error."""
    executor = Executor(failures=[], n_threads=1)
    with blas_threads(1, 1, 1):
        train_block(block, executor)
    if executor.failures:
        return None
    for member in block:
        vars(member).update(data=None, validation_set=None)
    return block


def train_block(
    block: Sequence[Member], executor: Executor, share: float = 1.0
) -> None:
    """Train members of the same shape as rows of one array, in a share of the time."""
    if executor.is_halted():
        return
    deadline = executor.deadline(block[0].config.budget.max_time, share)
    if deadline is None:
        for member in block:
            member.termination = Termination("max_time", member.n_done)
        return
    make = None if block[0].validation_set is None else Validator
    hooks = Hooks(
        executor.line,
        executor.is_halted,
        executor.interrupts.deferred,
        executor.watch,
        executor.save,
    )
    try:
        with np.errstate(all="ignore"):
            Session(block, make, hooks, deadline, executor.n_threads).run()
    except Exception as error:
        if executor.failures is None:
            raise
        executor.failures.append((block, error))


def group_compatible(members: Sequence[Member]) -> list[list[Member]]:
    """Group members that can be rows of one array.

    Members with the same data are next to each other, and the least trained ones come
    first: if time is short, the others have already been trained before.
    """
    groups: dict[Any, list[Member]] = {}
    for member in members:
        try:
            groups.setdefault(_shape(member), []).append(member)
        except Exception:  # a user-defined component that is not hashable
            groups[id(member)] = [member]
    return [sorted(group, key=_neighbourhood) for group in groups.values()]


def _neighbourhood(member: Member) -> tuple[int, int, int]:
    """Return the key by which a stack is sorted."""
    data = member.data
    return id(data.x), id(data.rows), int(member.state.n_epochs[0])


def _shape(member: Member) -> tuple[Any, ...]:
    """Return what members of a stack share: the shapes of configuration and data."""
    state, data, validation_set = member.state, member.data, member.validation_set
    validated: tuple[Any, ...] = ()
    if validation_set is not None:
        pool = id(validation_set) if validation_set.pools else None
        weighted = validation_set.data.weight is None
        validated = (validation_set.n_rows, validation_set.rows is None, weighted, pool)
    return (
        member.config.shape,
        state.theta.dtype,
        data.n_rows if state.order is None else state.order.shape[1],
        state.order is None,
        data.weight is None,
        sparse.issparse(data.x),
        state.average is None,
        validated,
    )


def worth_threads(stack: Sequence[Member], n_jobs: int) -> bool:
    """Return whether several threads are faster than a single one."""
    if n_jobs == 1:
        return False
    if is_compiled(stack):
        return True  # compiled code does not need Python's lock
    config, n_members = stack[0].config, math.ceil(len(stack) / n_jobs)
    in_block = min(n_members, max(1, BLOCK_BYTES // _bytes_of(stack[0])))
    rows = in_block * config.batch_size
    return rows * config.network.n_largest >= WORTH_A_THREAD


def is_compiled(stack: Sequence[Member]) -> bool:
    """Return whether compiled code makes the steps, one member after the other."""
    return stack[0].config.engine != "numpy" and machine() is not None


def partition(stack: list[Member], n_jobs: int) -> list[list[Member]]:
    """Cut a stack into blocks that fit into the cache and keep all jobs busy.

    Members that are scored by their mean prediction stay in one block.
    """
    validation_set = stack[0].validation_set
    if validation_set is not None and validation_set.pools:
        return [stack]
    fitting = max(1, BLOCK_BYTES // _bytes_of(stack[0]))
    n_blocks = max(math.ceil(len(stack) / fitting), min(n_jobs, len(stack)))
    n_blocks = min(len(stack), n_jobs * math.ceil(n_blocks / n_jobs))
    ends = [len(stack) * (i + 1) // n_blocks for i in range(n_blocks)]
    return [stack[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def _bytes_of(member: Member) -> int:
    """Return the number of bytes in use while a member is trained."""
    config, theta = member.config, member.state.theta
    network = config.network
    rows = config.batch_size * (network.n_inputs + network.n_columns)
    parameters = theta.shape[1] * (3 + config.optimizer.n_slots)
    return theta.itemsize * (rows + parameters)
