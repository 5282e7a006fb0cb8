"""What the estimators for tables do differently: they encode, scale and calibrate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from sklearn.utils import check_consistent_length

from sknet._numerics import Array
from sknet._sklearn import Interval, Part, StrOptions
from sknet.activations import Activation, Blend, Maxout
from sknet.estimators.calibration import (
    CALIBRATED_LINKS,
    CalibratedScore,
    temperature_of,
)
from sknet.estimators.components import activations_of, optimizer_of, schedule_of
from sknet.estimators.constraints import CONSTRAINTS
from sknet.estimators.holdout import MIN_VALIDATION_ROWS, Holdout
from sknet.estimators.pooling import mean_link
from sknet.estimators.readings import Readings
from sknet.estimators.understanding import Understanding
from sknet.estimators.validation import check_target
from sknet.estimators.value_target import TargetScale, ValueTarget, target_scale
from sknet.losses import Loss, MeanQuantiles, SquaredError, ValueLoss
from sknet.network.architecture import Architecture
from sknet.network.entrance import NUMERIC_EMBEDDINGS, Entrance
from sknet.network.layers import Layer
from sknet.optimizers import AdamW, Optimizer
from sknet.preprocessing import TabularPreprocessor
from sknet.preprocessing.columns import check_table
from sknet.schedules import Constant, Schedule
from sknet.training.session import Member


# Batch sizes by rows to train on: small tables get more steps.
_BATCH_SIZES = ((200, 16), (1024, 64), (8192, 128), (30_000, 256), (100_000, 512))
_LARGEST_BATCH = 1024

# With less rows than this all are trained on, in one batch and without dropout: a few
# rows have none to spare, and integer weights equal repeated rows.
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

    _default_scoring: ClassVar[str | None] = "loss"
    _later_ties: ClassVar[bool] = True

    def _read(self, X: Any, y: Any, reset: bool) -> tuple[Any, Array]:
        """Validate a table and its target."""
        X = check_table(self, X, reset)
        y = check_target(self, y, self._numeric_target)
        check_consistent_length(X, y)
        return X, y

    def _encoder(
        self, X: Any, weight: Array | None, going_on: bool, readings: Readings
    ) -> Any:
        """Return the fitted preprocessor; a training that goes on keeps its own."""
        if going_on:
            return self.preprocessor_
        encoder = TabularPreprocessor(
            self.categorical_features,
            max_one_hot=self.max_one_hot,
            dtype=self._table_dtype(X.shape[0]),
        )
        features = self.categorical_features
        known = features if features is None or isinstance(features, str) else None
        parameters = (id(features), known, encoder.max_one_hot, encoder.dtype)
        key = ("encoder", id(X), id(weight), *parameters)
        return readings.once(key, lambda: encoder.fit(X, sample_weight=weight))

    def _table_dtype(self, n_rows: int) -> str:
        """Return the type to compute in; a handful of rows has double precision."""
        if self.dtype != "auto":
            return str(self.dtype)
        return "float64" if n_rows < SMALL_TABLE else "float32"

    def _entrance(self, encoder: Any, columns: Any) -> Entrance:
        """Return embeddings and factors; sparse columns come in as they are."""
        if sparse.issparse(columns):
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

    def _features(self, X: Any) -> Any:
        """Encode a table to predict for."""
        if "_takes_columns" in vars(self):  # a scorer's look-alike, see _score_on
            return X
        return self.preprocessor_.encode(check_table(self, X, reset=False))

    def _n_inputs(self) -> int:
        """Return the columns that the preprocessor makes."""
        encoder = self.preprocessor_
        return encoder.n_numeric_ + encoder.n_flags_ + len(encoder.n_levels_)

    def _prediction_state(self, task: Any) -> dict[str, Any]:
        """Add the preprocessor to what prediction needs."""
        state: dict[str, Any] = super()._prediction_state(task)  # type: ignore[misc]
        return state | {"preprocessor_": task.encoder}

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

    def _described(self, n_rows: int, encoder: Any, columns: Any) -> Architecture:
        """Return the network, without noise for a handful of rows."""
        architecture = super()._described(n_rows, encoder, columns)
        if n_rows < SMALL_TABLE:
            return replace(architecture, dropout=(0.0,))
        return architecture

    def _rate_factors(self) -> dict[str, float]:
        """Return the factors on the learning rate; "auto" takes RealMLP's."""
        return _RATE_FACTORS if self.rate_factors == "auto" else self.rate_factors or {}

    def _auto_batch_size(self, n_rows: int) -> int:
        """Return a batch size that grows with the rows."""
        if n_rows < SMALL_TABLE:
            return n_rows
        sizes = [size for largest, size in _BATCH_SIZES if n_rows <= largest]
        return min(n_rows, sizes[0] if sizes else _LARGEST_BATCH)

    def _splits(self, n_rows: int) -> bool:
        """Tell whether rows are held out: a small table has none to spare."""
        n_validation = math.ceil(self.validation_fraction * n_rows)
        return bool(self.early_stopping) and n_validation >= MIN_VALIDATION_ROWS

    def __sklearn_tags__(self) -> Any:
        """Missing values and categories are taken."""
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


class CalibratedProbabilities:
    """Mixin: a classifier whose probabilities are calibrated on held-out rows."""

    _patience_growth: ClassVar[float] = 1.0

    def _calibrates(self, loss: Loss) -> bool:
        """Tell whether there are probabilities to calibrate."""
        return bool(self.calibrate) and loss.link_name in CALIBRATED_LINKS

    def _score_on(self, task: Any, holdout: Holdout) -> Any:
        """Return what early stopping watches: the loss that calibration leaves."""
        if self.scoring != "loss" or not self._calibrates(task.loss):
            return super()._score_on(task, holdout)  # type: ignore[misc]
        weight = holdout.data.weight
        return CalibratedScore(
            holdout.chosen(holdout.data.y),
            None if weight is None else holdout.chosen(weight),
            task.loss.link_name == "softmax",
        )

    def _judged(
        self, task: Any, theta: Array, members: Sequence[Member]
    ) -> dict[str, Any]:
        """Return the temperature."""
        watched = members[0].recipe.rule.on_score
        if not watched or not self._calibrates(task.loss):
            return {"temperature_": 1.0}
        with np.errstate(all="ignore"):
            return {"temperature_": temperature_of(task, theta, members)}

    def _raw_members(self, X: Any) -> Array:
        """Return calibrated raw outputs of every network."""
        raw: Array = super()._raw_members(X)  # type: ignore[misc]
        temperature = vars(self).get("temperature_", 1.0)
        return raw if temperature == 1.0 else raw / raw.dtype.type(temperature)


# Losses that mean the same whatever the units of the target are.
_SCALABLE = (
    "squared_error",
    "absolute_error",
    "huber",
    "log_cosh",
    "quantile",
    "gaussian",
    "mean_quantiles",
)


class ScaledTarget:
    """Mixin: a regressor whose target is standardised, and whose predictions end."""

    _patience_growth: ClassVar[float] = 2.0

    def _loss_to_fit(self) -> ValueLoss:
        """Return the loss; with quantiles it is that of the mean beside them."""
        loss: ValueLoss = super()._loss_to_fit()  # type: ignore[misc]
        if self.quantiles is None:
            return loss
        if loss != SquaredError():
            raise ValueError(
                f"quantiles={self.quantiles!r} are learned beside the mean, with "
                f"loss='squared_error', but loss={self.loss!r}. For quantiles alone "
                "leave them out and use loss=Quantile(levels)."
            )
        beside = MeanQuantiles(tuple(self.quantiles))
        beside.check()
        return beside

    def _target_key(self) -> tuple[Any, ...]:
        """Return the parameters that say how the target becomes columns."""
        quantiles = None if self.quantiles is None else tuple(self.quantiles)
        return self.loss, self.output_activation, quantiles, self.clip_predictions

    def predict(
        self, X: Any, return_std: bool = False, *, quantiles: Any = None
    ) -> Any:
        """Predict values.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The table.
        return_std : bool, default=False
            Whether to return standard deviations too: those that ``loss="gaussian"``
            gives, the spread of the networks, or of both the root of the sum of their
            squares.
        quantiles : float or array-like of float, default=None
            Levels to predict in place of the mean: some of those that the estimator's
            ``quantiles`` named at the fit.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions, flat for one output. Several quantiles stand along a last axis.
        y_std : ndarray of the shape of y
            Standard deviations, only if ``return_std``.

        Raises
        ------
        ValueError
            If ``return_std``, and there is no standard deviation, or for levels that
            were not trained.
        """
        if quantiles is None:
            return super().predict(X, return_std)  # type: ignore[misc]
        if return_std:
            raise ValueError("return_std=True and quantiles do not go together.")
        target = self._fitted_target()
        levels = np.atleast_1d(np.asarray(quantiles, dtype=float)).tolist()
        trained = list(getattr(target.loss, "levels", ()))
        unknown = [level for level in levels if level not in trained]
        if unknown or target.loss.name != MeanQuantiles.name:
            raise ValueError(
                f"quantiles={quantiles!r}: this network was not trained for the levels "
                f"{unknown or levels}. Fit it with quantiles={tuple(levels)!r}."
            )
        raw = self._raw_members(X)
        with np.errstate(all="ignore"):
            everything = target.decode(mean_link(target.loss, raw))
        chosen = [1 + trained.index(level) for level in levels]
        found: Array = everything[..., chosen]
        return found[..., 0] if np.ndim(quantiles) == 0 else found

    def _make_target(
        self, y: Array, weight: Array | None, going_on: bool, classes: Any
    ) -> ValueTarget:
        """Measure the target; a training that goes on keeps its measure."""
        target = super()._make_target(y, weight, going_on, classes)  # type: ignore[misc]
        if going_on:
            return replace(target, scale=self._target_scale())
        identity = self.output_activation in (None, "identity")
        if target.loss.name not in _SCALABLE or not identity:
            return target
        columns = y.reshape(len(y), -1)
        clips = bool(self.clip_predictions)
        return replace(target, scale=target_scale(columns, weight, clips))

    def _target_attributes(self, target: ValueTarget) -> dict[str, Any]:
        """Return the measures of the target."""
        scale = target.scale
        names = ("target_mean_", "target_deviation_", "target_range_")
        if scale is None:
            return dict.fromkeys(names)
        ends = np.stack([scale.least, scale.largest])
        return dict(zip(names, (scale.mean, scale.deviation, ends), strict=True))

    def _target_scale(self) -> TargetScale | None:
        """Return how the fitted target is standardised."""
        if self.target_mean_ is None:
            return None
        return TargetScale(
            self.target_mean_, self.target_deviation_, *self.target_range_
        )


TABULAR_CONSTRAINTS: dict[str, list[Any]] = {
    **CONSTRAINTS,
    "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
    "max_one_hot": [Interval(Integral, 0, None, closed="left")],
    "embedding_size": [Interval(Integral, 1, None, closed="left")],
    "numeric_embedding": [Part(NUMERIC_EMBEDDINGS, Layer), None],
    "blend_activation": ["boolean"],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "rate_factors": [dict, StrOptions({"auto"}), None],
}
