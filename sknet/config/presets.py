"""Presets: how a kind of estimator trains where no parameter says it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sknet.optimizers import AdamW, Optimizer


# Up to this many rows a shuffled epoch is one batch: then a fit does not depend on
# the order of a handful of rows, and integer weights equal repeated rows.
FULL_BATCH_ROWS = 40


@dataclass(frozen=True)
class BatchRule:
    """Rows of a batch, by the rows to train on.

    Parameters
    ----------
    sizes : tuple of (float, int)
        Up to so many rows to train on, so many in a batch; the last entry has no end.
    whole_below : int, default=0
        Fewer rows than this are one batch.
    evens_out : bool, default=False
        Whether all batches get about equally many rows. A last batch of a few would
        move the weights as far as a full one, even if its rows had hardly any weight.
    """

    sizes: tuple[tuple[float, int], ...]
    whole_below: int = 0
    evens_out: bool = False

    def rows(self, n_rows: int) -> int:
        """Return the rows of a batch, from 1 to ``n_rows``."""
        if n_rows < self.whole_below:
            return n_rows
        size = next(size for most, size in self.sizes if n_rows <= most)
        if not self.evens_out:
            return min(size, n_rows)
        return math.ceil(n_rows / math.ceil(n_rows / size))


@dataclass(frozen=True)
class Preset:
    """How a kind of estimator trains where no parameter says it.

    Parameters
    ----------
    batch_rule : BatchRule
        What ``batch_size="auto"`` stands for.
    learning_rate_multipliers : dict of str to float
        What ``learning_rate_multipliers="auto"`` stands for.
    optimizers : mapping of str to Optimizer
        What names of optimizers stand for, where it is not the defaults of the class.
    fixed : mapping of str to object
        Values of parameters that this kind of estimator does not have, by name.
    default_scoring : str or None, default=None
        The default of ``scoring``, which says nothing about a validation set.
    later_ties : bool, default=False
        Whether of equally good epochs the last is the best.
    patience_growth : float, default=0.0
        Further epochs without an improvement that are allowed for each so far.
    losses_as_drawn : tuple of str, default=()
        Losses whose first predictions are those of the weights as they were drawn.
    stratifies_all : bool, default=False
        Whether more than two classes are held out in proportion.
    least_validation_rows : int, default=0
        With fewer, no rows are held out.
    full_batch_rows : int, default=40
        Up to so many rows in one batch share the noise of a step.
    small_table : int, default=0
        Fewer rows than this are computed in double precision.
    ends_plan_in_partial_fit : bool, default=False
        Whether ``partial_fit`` leaves a planned learning rate for a constant one.
    shares_later_rate : bool, default=False
        Whether a batch of ``partial_fit`` that is smaller than those before takes the
        root of its share of their learning rate. Adam's steps have one length, however
        few rows say where to; so rows one by one move the weights as far, on average,
        as they would together.
    share_after_plan : float, default=1.0
        Share of the initial learning rate at which ``partial_fit`` goes on after a
        planned fit, which has ended at none.
    """

    batch_rule: BatchRule = BatchRule(((math.inf, 200),))
    learning_rate_multipliers: dict[str, float] = field(
        default_factory=dict, hash=False
    )
    optimizers: Mapping[str, Optimizer] = field(default_factory=dict, hash=False)
    fixed: Mapping[str, Any] = field(default_factory=dict, hash=False)
    default_scoring: str | None = None
    later_ties: bool = False
    patience_growth: float = 0.0
    losses_as_drawn: tuple[str, ...] = ()
    stratifies_all: bool = False
    least_validation_rows: int = 0
    full_batch_rows: int = FULL_BATCH_ROWS
    small_table: int = 0
    ends_plan_in_partial_fit: bool = False
    shares_later_rate: bool = False
    share_after_plan: float = 1.0

    def later_rate(self, of_batch: float, was_planned: bool) -> float:
        """Return the share of the learning rate that a later ``partial_fit`` takes.

        Parameters
        ----------
        of_batch : float
            Its rows in a batch, relative to those of the largest batch so far.
        was_planned : bool
            Whether a fit has gone through a planned course of the learning rate.

        Returns
        -------
        share : float
            In (0, 1].
        """
        share = math.sqrt(of_batch) if self.shares_later_rate else 1.0
        return share * (self.share_after_plan if was_planned else 1.0)


# With less rows than this all are trained on, in one batch whose rows share the noise
# of dropout: a few rows have none to spare, and integer weights equal repeated rows.
_SMALL_TABLE = 50

SIMPLE = Preset()

SIMPLE_REGRESSOR = Preset(losses_as_drawn=("poisson",))

_TABULAR = Preset(
    # Small tables get more steps.
    batch_rule=BatchRule(
        (
            (200, 32),
            (1024, 64),
            (8192, 128),
            (30_000, 256),
            (100_000, 512),
            (math.inf, 1024),
        ),
        whole_below=_SMALL_TABLE,
        evens_out=True,
    ),
    # Steps of these parameters, relative to those of weights, as RealMLP takes them.
    learning_rate_multipliers={
        "bias": 0.1,
        "scale": 6.0,
        "mix": 0.1,
        "frequency": 0.1,
        "phase": 0.1,
        "mixing": 0.1,
        "offset": 0.1,
    },
    # RealMLP's, but for the decay, which is constant here.
    optimizers={"adamw": AdamW(beta_2=0.95, weight_decay=0.02)},
    # A tolerance would be one on the scale of the loss; best epochs are kept anyway.
    fixed={
        "bootstrap": False,
        "max_fun": 15000,
        "shared_backbone": False,
        "shuffle": True,
        "tol": 0.0,
    },
    default_scoring="loss",
    later_ties=True,
    stratifies_all=True,
    least_validation_rows=10,
    full_batch_rows=_SMALL_TABLE - 1,
    small_table=_SMALL_TABLE,
    ends_plan_in_partial_fit=True,
    shares_later_rate=True,
)

# Shares of the learning rate were measured on streams of 1 to 100 rows at a time: at 1
# much of what was learned is lost, at 0.15 rows of another kind hardly count.
TABULAR_CLASSIFIER = replace(_TABULAR, patience_growth=1.0, share_after_plan=0.5)

TABULAR_REGRESSOR = replace(_TABULAR, patience_growth=2.0, share_after_plan=0.3)
