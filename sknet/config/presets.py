"""Training presets: choices that an estimator's parameters leave open."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sknet.network.learning_rules import Gradient
from sknet.optimizers import AdamW, Optimizer


# Up to this many rows a shuffled epoch is one batch, so that a fit does not depend on
# the order of a handful of rows, and integer weights equal repeated rows.
FULL_BATCH_ROWS = 40


@dataclass(frozen=True)
class BatchRule:
    """The batch size as a function of the number of training rows.

    Parameters
    ----------
    sizes : tuple of (float, int)
        Pairs of the largest number of training rows and the batch size up to it; the
        last number of rows is infinite.
    whole_below : int, default=0
        Fewer training rows than this form a single batch.
    evens_out : bool, default=False
        Whether all batches get about the same number of rows. Otherwise a small last
        batch moves the weights as far as a full one, even if its rows have hardly any
        weight.
    """

    sizes: tuple[tuple[float, int], ...]
    whole_below: int = 0
    evens_out: bool = False

    def rows(self, n_rows: int) -> int:
        """Return the batch size, from 1 to ``n_rows``."""
        if n_rows < self.whole_below:
            return n_rows
        size = next(size for most, size in self.sizes if n_rows <= most)
        if not self.evens_out:
            return min(size, n_rows)
        return math.ceil(n_rows / math.ceil(n_rows / size))


@dataclass(frozen=True)
class Preset:
    """Choices for training that the parameters of an estimator leave open.

    Parameters
    ----------
    batch_rule : BatchRule
        The batch size for ``batch_size="auto"``.
    learning_rate_multipliers : dict of str to float
        The factors for ``learning_rate_multipliers="auto"``.
    optimizers : mapping of str to Optimizer
        Optimizers for names that do not stand for the defaults of their class.
    fixed : mapping of str to object
        Values of parameters that this kind of estimator does not have, by name.
    default_scoring : str or None, default=None
        The default of ``scoring``, which does not call for a validation set.
    later_ties : bool, default=False
        Whether the last of several equally good epochs counts as the best.
    patience_growth : float, default=0.0
        Number of epochs by which patience grows with each epoch up to the best one.
    losses_as_drawn : tuple of str, default=()
        Losses for which the output biases start at their drawn values, rather than
        where the loss would start them.
    stratifies_all : bool, default=False
        Whether the split is also stratified for more than two classes.
    least_validation_rows : int, default=0
        If fewer rows would be held out, none are.
    full_batch_rows : int, default=40
        Up to this many rows that form a single batch share the noise of a step.
    small_table : int, default=0
        Tables with fewer rows than this are computed in double precision.
    ends_plan_in_partial_fit : bool, default=False
        Whether ``partial_fit`` replaces a planned learning rate by a constant one.
    shares_later_rate : bool, default=False
        Whether a batch of ``partial_fit`` that is smaller than the largest one so far
        scales the learning rate by the square root of the ratio of their sizes. Adam's
        steps have the same length however few rows determine their direction; with
        this scaling, rows passed one by one move the weights as far, on average, as
        they would together.
    share_after_plan : float, default=1.0
        Fraction of the initial learning rate with which ``partial_fit`` continues after
        a planned fit, at whose end the learning rate was zero.
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
        """Return the fraction of the learning rate that a ``partial_fit`` call uses.

        Parameters
        ----------
        of_batch : float
            Its batch size, relative to the largest batch size so far.
        was_planned : bool
            Whether an earlier fit followed a planned learning rate schedule.

        Returns
        -------
        share : float
            In (0, 1].
        """
        share = math.sqrt(of_batch) if self.shares_later_rate else 1.0
        return share * (self.share_after_plan if was_planned else 1.0)


# With fewer rows than this, all rows are trained on, in a single batch whose rows share
# the noise of dropout: a few rows leave none for validation, and integer weights equal
# repeated rows.
_SMALL_TABLE = 50

SIMPLE = Preset()

SIMPLE_REGRESSOR = Preset(losses_as_drawn=("poisson",))

_ONLY_GRADIENT = {"learning_rule": Gradient.name}

IMAGES = replace(SIMPLE, fixed=_ONLY_GRADIENT)

IMAGES_REGRESSOR = replace(SIMPLE_REGRESSOR, fixed=_ONLY_GRADIENT)

_TABULAR = Preset(
    # Smaller batches give small tables more steps.
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
    # Learning rates of these parameters, relative to the weights', as in RealMLP.
    learning_rate_multipliers={
        "bias": 0.1,
        "scale": 6.0,
        "mix": 0.1,
        "frequency": 0.1,
        "phase": 0.1,
        "mixing": 0.1,
        "offset": 0.1,
    },
    # RealMLP's optimizer, except that its weight decay is constant here.
    optimizers={"adamw": AdamW(beta_2=0.95, weight_decay=0.02)},
    # No tolerance, which would depend on the scale of the loss; the best epoch is kept
    # in any case.
    fixed={
        "bootstrap": False,
        "learning_rule": Gradient.name,
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

# The fractions of the learning rate were measured on streams of 1 to 100 rows at a
# time: at 1 much of what was learned is lost; at 0.15 rows of a new kind hardly count.
TABULAR_CLASSIFIER = replace(_TABULAR, patience_growth=1.0, share_after_plan=0.5)

TABULAR_REGRESSOR = replace(_TABULAR, patience_growth=2.0, share_after_plan=0.3)
