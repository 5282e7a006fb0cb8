"""The numbers that change from step to step: learning rates, and shares of averages."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sknet._numerics import Array
from sknet.averages import Averaging
from sknet.training.learning_rates import EpochRates
from sknet.training.state import TrainState
from sknet.training.trainer import Trainer


@dataclass(frozen=True)
class StepNumbers:
    """The numbers of some epochs, for each of K members.

    Parameters
    ----------
    rates : ndarray of shape (K, n_epochs * n)
        Learning rates, n of them for each epoch: one, or one for each batch.
    shares : ndarray of shape (K, n_epochs * n)
        Shares of the newest parameters in the average, likewise.
    n_averages : ndarray of int, of shape (K, n_epochs + 1)
        How often parameters have entered the average after each number of epochs.
    """

    rates: Array
    shares: Array
    n_averages: Array


def numbers_of_steps(
    trainer: Trainer, state: TrainState, n_epochs: int, n_batches: int, n_rows: int
) -> StepNumbers:
    """Return the numbers of the next epochs, as the trainer computes them.

    Parameters
    ----------
    trainer : Trainer
        Has learning rates and average.
    state : TrainState
        The state before these epochs.
    n_epochs : int
        Number of epochs, in which no plateau lowers a rate.
    n_batches, n_rows : int
        Numbers of batches and of rows of an epoch.

    Returns
    -------
    numbers : StepNumbers
        The numbers.
    """
    rates, averaging = trainer.learning_rates, trainer.averaging
    n_averages = np.zeros((state.n_members, n_epochs + 1), dtype=np.int64)
    if rates.changes_at_plateaus_only and averaging is None:
        table = np.repeat(rates.constant(state)[:, None], n_epochs, axis=1)
        return StepNumbers(table, table, n_averages)
    ahead = replace(state, n_epochs=state.n_epochs.copy(), n_seen=state.n_seen.copy())
    counts = state.n_averaged.copy()
    each_rates, each_shares = [], []
    for e in range(n_epochs):
        epoch = rates.epoch(ahead)
        moments = np.arange(n_batches) / n_batches if rates.is_planned else [0.0]
        each_rates += [epoch.rates(moment) for moment in moments]
        if averaging is not None:
            each_shares += _shares(averaging, epoch, n_batches, counts)
        n_averages[:, e + 1] = counts - state.n_averaged
        ahead.n_epochs += 1
        ahead.n_seen += n_rows
    rate_table = np.array(each_rates).T
    share_table = np.array(each_shares).T if averaging is not None else rate_table
    rate_table, share_table = map(np.ascontiguousarray, (rate_table, share_table))
    return StepNumbers(rate_table, share_table, n_averages)


def _shares(
    averaging: Averaging, epoch: EpochRates, n_batches: int, counts: Array
) -> list[list[float]]:
    """Return the shares of an epoch, (n, K); update how many averages were made."""
    ends = [1.0]
    if averaging.each_step:
        ends = [(i + 1) / n_batches for i in range(n_batches)]
    shares = []
    for end in ends:
        progress = epoch.progress(end)
        pairs = zip(counts.tolist(), progress, strict=True)
        shares.append([averaging.share(n, done) for n, done in pairs])
        counts += [averaging.starts(done) for done in progress]
    return shares
