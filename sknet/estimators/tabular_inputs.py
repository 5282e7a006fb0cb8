"""What the estimators for tables share: encoded inputs, and the recipe."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_consistent_length

from sknet._numerics import Array
from sknet.activations import Activation, Blend, Maxout
from sknet.config.components import activations_of, optimizer_of, schedule_of
from sknet.estimators.fitting.holdout import MIN_VALIDATION_ROWS
from sknet.estimators.fitting.task import Call, Task
from sknet.estimators.understanding import Understanding, no_way_on
from sknet.network.entrance import NUMERIC_EMBEDDINGS, Entrance
from sknet.network.layers import Layer
from sknet.optimizers import AdamW, Optimizer
from sknet.preprocessing import TabularPreprocessor
from sknet.preprocessing.columns import check_table
from sknet.preprocessing.constant_columns import warn_of_constant_columns
from sknet.problem.readings import Readings
from sknet.problem.validation import check_target
from sknet.schedules import Constant, Schedule


# Batch sizes by rows to train on: small tables get more steps.
_BATCH_SIZES = ((200, 32), (1024, 64), (8192, 128), (30_000, 256), (100_000, 512))
_LARGEST_BATCH = 1024

# With less rows than this all are trained on, in one batch whose rows share the noise
# of dropout: a few rows have none to spare, and integer weights equal repeated rows.
SMALL_TABLE = 50

# Steps of these parameters, relative to those of weights, as RealMLP takes them.
_RATE_FACTORS = {
    "bias": 0.1,
    "scale": 6.0,
    "mix": 0.1,
    "frequency": 0.1,
    "phase": 0.1,
    "mixing": 0.1,
    "offset": 0.1,
}


class TabularInputs(Understanding):
    """Mixin: tables in, encoded by a ``TabularPreprocessor``."""

    preprocessor_: TabularPreprocessor

    _reads_tables: ClassVar[bool] = True
    _default_scoring: ClassVar[str | None] = "loss"
    _later_ties: ClassVar[bool] = True
    _stratifies_all: ClassVar[bool] = True
    _full_batch_rows: ClassVar[int] = SMALL_TABLE - 1
    # Share of the initial learning rate at which partial_fit goes on after a planned
    # fit, which has ended at none. Measured on streams of 1 to 100 rows at a time: at 1
    # much of what was learned is lost, at 0.15 rows of another kind hardly count.
    _share_after_plan: ClassVar[float] = 0.3

    def _read(self, X: Any, y: Any, reset: bool) -> tuple[Any, Array]:
        """Validate a table and its target."""
        X = check_table(self, X, reset)
        y = check_target(self, y, self._numeric_target)
        check_consistent_length(X, y)
        return X, y

    def _read_whole(self, X: Any, reset: bool) -> None:
        """Leave each fold to itself, since each has a preprocessor of its own."""
        del X, reset

    def _understand(self, call: Call, readings: Readings) -> Task:
        """Validate everything; of a stream, the first table should be a sample."""
        task = super()._understand(call, readings)
        if task.incremental and not task.going_on:
            warn_of_constant_columns(task.model.inputs.encoder)
        return task

    def _encoder(
        self, X: Any, weight: Array | None, going_on: bool, readings: Readings
    ) -> Any:
        """Return the fitted preprocessor; a training that goes on keeps its own."""
        if going_on:
            return self._fitted_encoder()
        encoder = TabularPreprocessor(
            self.categorical_features,
            max_one_hot=self.max_one_hot,
            dtype=self._table_dtype(X.shape[0]),
        )
        features = id(self.categorical_features)  # an array may have no short text
        parameters = (features, encoder.max_one_hot, encoder.dtype)
        key = ("encoder", id(X), id(weight), *parameters)
        return readings.once(key, lambda: encoder.fit(X, sample_weight=weight))

    def _fitted_encoder(self) -> TabularPreprocessor:
        """Return the fitted preprocessor; refuse parameters that it was not made by."""
        for name in ("categorical_features", "max_one_hot"):
            now, before = getattr(self, name), getattr(self.preprocessor_, name)
            if not np.array_equal(np.array(now, object), np.array(before, object)):
                raise no_way_on(name, now, before)
        return self.preprocessor_

    def _table_dtype(self, n_rows: int) -> str:
        """Return the type to compute in; a handful of rows has double precision."""
        if self.dtype != "auto":
            return str(self.dtype)
        return "float64" if n_rows < SMALL_TABLE else "float32"

    def _entrance(self, encoder: Any, columns: Any) -> Entrance:
        """Return embeddings and factors; a sparse table comes in as it is."""
        del columns
        if encoder._from_sparse:
            return Entrance()
        embedding: Layer | None = None
        if self.numeric_embedding is not None:
            embedding = NUMERIC_EMBEDDINGS.make(self.numeric_embedding)
        return Entrance(
            encoder.n_numeric_,
            embedding,
            tuple(encoder.n_levels_),
            int(self.embedding_size),
            scales=True,
        )

    # ---- the recipe

    def _activations(self) -> tuple[Activation, ...]:
        """Return the activations, each unit with a share of its own if blended."""
        found = activations_of(self)
        if not self.blend_activation:
            return found
        return tuple(a if isinstance(a, (Blend, Maxout)) else Blend(a) for a in found)

    def _chosen_optimizer(self) -> Optimizer:
        """Return the optimizer; "adamw" takes the estimator's own numbers."""
        if self.solver != AdamW.name:
            return optimizer_of(self)
        return AdamW(self.beta_1, self.beta_2, self.epsilon, self.weight_decay)

    def _chosen_schedule(self, incremental: bool) -> Schedule:
        """Return the course of the learning rate: flat where the end is not known."""
        schedule = schedule_of(self)
        return Constant() if incremental and schedule.is_planned else schedule

    def _later_rate(self, of_batch: float, was_planned: bool) -> float:
        """Return a share that leaves what was learned in place, and goes on learning.

        Adam's steps have one length, however few rows say where to. With the root of
        their share in a batch, rows one by one move the weights as far, on average, as
        they would together.
        """
        return math.sqrt(of_batch) * (self._share_after_plan if was_planned else 1.0)

    def _rate_factors(self) -> dict[str, float]:
        """Return the factors on the learning rate; "auto" takes RealMLP's."""
        return _RATE_FACTORS if self.rate_factors == "auto" else self.rate_factors or {}

    def _auto_batch_size(self, n_rows: int) -> int:
        """Return a batch size that grows with the rows; all batches are about equal.

        A last batch of a few rows would move the weights as far as a full one, even if
        these rows had hardly any weight.
        """
        if n_rows < SMALL_TABLE:
            return n_rows
        sizes = [size for largest, size in _BATCH_SIZES if n_rows <= largest]
        n_batches = math.ceil(n_rows / (sizes[0] if sizes else _LARGEST_BATCH))
        return math.ceil(n_rows / n_batches)

    def _splits(self, n_rows: int) -> bool:
        """Tell whether rows are held out: a small table has none to spare."""
        n_validation = math.ceil(self.validation_fraction * n_rows)
        return bool(self.early_stopping) and n_validation >= MIN_VALIDATION_ROWS

    def __sklearn_tags__(self) -> Any:
        """Missing values and categories are taken."""
        tags = super().__sklearn_tags__()  # type: ignore[misc]  # a mixin
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
