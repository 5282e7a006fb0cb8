"""Readers: how an estimator understands features and target, as values."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length

from sknet._numerics import Array
from sknet.config.lists import check_flat
from sknet.config.training_config import TrainingConfig
from sknet.losses import ClassLoss, ValueLoss
from sknet.network.input_embedding import InputEmbedding
from sknet.preprocessing import TabularPreprocessor
from sknet.preprocessing.columns import check_table
from sknet.problem.class_target import ClassTarget, class_target
from sknet.problem.input_cache import InputCache
from sknet.problem.inputs import Columns, Table
from sknet.problem.validation import (
    check_features,
    check_target,
    check_training_data,
    warn_of_extreme_column,
)
from sknet.problem.value_target import ValueTarget, target_scale


# ------------------------------------------------------------------------- features


class ColumnReader:
    """Features are the columns of the network."""

    encodes_tables = False

    def read(
        self,
        estimator: BaseEstimator,
        X: Any,
        y: Any,
        reset: bool,
        numeric_target: bool,
    ) -> tuple[Any, Array]:
        """Validate features and target.

        Parameters
        ----------
        estimator : BaseMLP
            Learns number and names of the features, or is asked for them.
        X, y : object
            As they were handed in.
        reset : bool
            Whether the data define the features; if not, they are compared.
        numeric_target : bool
            Whether the target must be numbers.

        Returns
        -------
        X : ndarray, CSR matrix or dataframe of shape (N, D)
            Features.
        y : ndarray of shape (N,) or (N, C)
            Target.
        """
        return check_training_data(estimator, X, y, reset, numeric_target)

    def read_whole(self, estimator: BaseEstimator, X: Any, reset: bool) -> Any:
        """Validate features of which each fold trains on some rows.

        Return None if each fold has to read its own: what is wrong with rows that it
        leaves out does not concern it.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                X = check_features(estimator, X, reset)
                warn_of_extreme_column(estimator, X)
            except Exception:  # each fold finds out for itself
                return None
        return X

    def inputs(
        self, config: TrainingConfig, X: Any, weight: Array | None, cache: InputCache
    ) -> Columns:
        """Return how rows become columns, as these features show it."""
        del config, weight, cache
        return Columns(X.shape[1])

    def goes_on(self, config: TrainingConfig, inputs: Any, X: Any) -> Columns:
        """Return how rows become columns where a training goes on."""
        del config, inputs
        return Columns(X.shape[1])

    def columns(self, inputs: Any, X: Any, cache: InputCache) -> Any:
        """Return the columns of the network."""
        del inputs, cache
        return X

    def input_embedding(self, config: TrainingConfig, inputs: Any) -> InputEmbedding:
        """Return what stands in front of the hidden layers."""
        del config, inputs
        return InputEmbedding()


class TableReader:
    """Tables are encoded by a preprocessor, which each fold has for itself."""

    encodes_tables = True

    def read(
        self,
        estimator: BaseEstimator,
        X: Any,
        y: Any,
        reset: bool,
        numeric_target: bool,
    ) -> tuple[Any, Array]:
        """Validate a table and its target, as :class:`ColumnReader` does."""
        X = check_table(estimator, X, reset)
        y = check_target(estimator, y, numeric_target)
        check_consistent_length(X, y)
        return X, y

    def read_whole(self, estimator: BaseEstimator, X: Any, reset: bool) -> None:
        """Leave each fold to itself, since each has a preprocessor of its own."""
        del estimator, X, reset

    def inputs(
        self, config: TrainingConfig, X: Any, weight: Array | None, cache: InputCache
    ) -> Table:
        """Return a preprocessor that is fitted to the table."""
        dtype = config.dtype
        if dtype == "auto":
            is_small = X.shape[0] < config.preset.small_table
            dtype = "float64" if is_small else "float32"
        encoder = TabularPreprocessor(
            config.categorical_features, max_one_hot=config.max_one_hot, dtype=dtype
        )
        features = id(config.categorical_features)  # an array may have no short text
        key = ("encoder", id(X), id(weight), features, config.max_one_hot, dtype)
        return Table(cache.memoize(key, lambda: encoder.fit(X, sample_weight=weight)))

    def goes_on(self, config: TrainingConfig, inputs: Any, X: Any) -> Table:
        """Return the fitted preprocessor; refuse parameters that it was not made by."""
        del X
        for name in ("categorical_features", "max_one_hot"):
            now, before = getattr(config, name), getattr(inputs.encoder, name)
            if not np.array_equal(np.array(now, object), np.array(before, object)):
                raise no_way_on(name, now, before)
        return inputs

    def columns(self, inputs: Any, X: Any, cache: InputCache) -> Any:
        """Return the encoded table, made once for all that share it."""
        encoder = inputs.encoder
        key = (id(X), id(encoder))
        return cache.memoize(key, lambda: encoder.encode_checked(X))

    def input_embedding(self, config: TrainingConfig, inputs: Any) -> InputEmbedding:
        """Return embeddings and factors; a sparse table comes in as it is."""
        encoder = inputs.encoder
        if encoder._from_sparse:
            return InputEmbedding()
        return InputEmbedding(
            encoder.n_numeric_,
            config.embedding,
            tuple(encoder.n_levels_),
            int(config.embedding_size),
            scales=True,
        )


# --------------------------------------------------------------------------- target


@dataclass(frozen=True)
class ClassReader:
    """Targets are classes."""

    numeric: bool = False

    def key(self, config: TrainingConfig) -> tuple[Any, ...]:
        """Return the parameters that say how the target becomes columns."""
        return config.given["loss"], config.given["output_activation"]

    def target(
        self, config: TrainingConfig, y: Array, weight: Array | None, classes: Any
    ) -> ClassTarget:
        """Read the classes."""
        del weight
        target = class_target(y, cast("ClassLoss", config.loss), classes)
        target.check_labels(y, "y")
        return target

    def goes_on(
        self,
        config: TrainingConfig,
        fitted: ClassTarget,
        y: Array,
        weight: Array | None,
        classes: Any,
    ) -> ClassTarget:
        """Check that the classes are those of the earlier fit."""
        del weight
        loss = config.loss.with_param("exclusive", fitted.kind == "multiclass")
        loss = fitted.loss if loss == fitted.loss else loss
        target = ClassTarget(fitted.kind, fitted.classes, cast("ClassLoss", loss))
        target.check_goes_on(y, classes, config.warm_start)
        target.check_labels(y, "y")
        return target


@dataclass(frozen=True)
class ValueReader:
    """Targets are values.

    Parameters
    ----------
    standardises : bool, default=False
        Whether they are standardised as their loss asks for, and whether predictions
        may end near their range.
    """

    standardises: bool = False
    numeric: bool = True

    def key(self, config: TrainingConfig) -> tuple[Any, ...]:
        """Return the parameters that say how the target becomes columns."""
        given = config.given
        quantiles = given.get("quantiles")
        if quantiles is not None:
            quantiles = check_flat("quantiles", quantiles)
        clips = config.clip_predictions
        return given["loss"], given["output_activation"], quantiles, clips

    def target(
        self, config: TrainingConfig, y: Array, weight: Array | None, classes: Any
    ) -> ValueTarget:
        """Measure the target."""
        del classes
        target = ValueTarget(
            1 if y.ndim == 1 else y.shape[1], cast("ValueLoss", config.loss)
        )
        scaling = target.loss.scaling
        if not self.standardises or scaling is None:
            return target
        columns, clips = y.reshape(len(y), -1), bool(config.clip_predictions)
        return replace(target, scale=target_scale(columns, weight, clips, scaling))

    def goes_on(
        self,
        config: TrainingConfig,
        fitted: ValueTarget,
        y: Array,
        weight: Array | None,
        classes: Any,
    ) -> ValueTarget:
        """Keep the measure of the earlier fit; predictions end where all targets do."""
        del classes
        target = ValueTarget(
            1 if y.ndim == 1 else y.shape[1], cast("ValueLoss", config.loss)
        )
        if fitted.scale is None or target.n_outputs != fitted.n_outputs:
            return target  # another number of outputs is refused in better words
        scale = fitted.scale.widened(y.reshape(len(y), -1), weight)
        return replace(target, scale=scale)


@dataclass(frozen=True)
class DataReader:
    """How an estimator reads what it is handed.

    Parameters
    ----------
    inputs : ColumnReader or TableReader
        Reads features.
    target : ClassReader or ValueReader
        Reads the target.
    """

    inputs: ColumnReader | TableReader
    target: ClassReader | ValueReader

    def read(
        self, estimator: BaseEstimator, X: Any, y: Any, reset: bool
    ) -> tuple[Any, Array]:
        """Validate features and target; see :meth:`ColumnReader.read`."""
        return self.inputs.read(estimator, X, y, reset, self.target.numeric)


def no_way_on(what: str, now: Any, before: Any) -> ValueError:
    """Return the error about what may not change while a training goes on."""
    return ValueError(
        f"Training cannot go on (warm_start or partial_fit): {what} is {now}, but "
        f"{before} in the fitted network. Fit a new estimator, or clone this one first."
    )
