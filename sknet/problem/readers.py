"""Readers: validation and encoding of the features and the target for training."""

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
from sknet.network.image_layers import ImageLayers
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
    """Reads numeric features, which are the columns of the network."""

    encodes_tables = False
    accepts_sparse = True

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
            The estimator, which learns the number and names of the features, or whose
            features the data must match.
        X, y : object
            Features and target, as passed by the user.
        reset : bool
            Whether the data define the features; if not, features are checked against
            those of the estimator.
        numeric_target : bool
            Whether the target must be numeric.

        Returns
        -------
        X : ndarray, CSR matrix or dataframe of shape (N, D)
            Features.
        y : ndarray of shape (N,) or (N, C)
            Target.
        """
        return check_training_data(estimator, X, y, reset, numeric_target)

    def read_whole(self, estimator: BaseEstimator, X: Any, reset: bool) -> Any:
        """Validate features from which each fold takes some rows.

        Return None if each fold has to validate its own rows, since invalid rows that
        a fold does not use do not matter to it.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                X = check_features(estimator, X, reset)
                warn_of_extreme_column(estimator, X)
            except Exception:  # raised again by the folds that it concerns
                return None
        return X

    def inputs(
        self, config: TrainingConfig, X: Any, weight: Array | None, cache: InputCache
    ) -> Any:
        """Return the encoding of rows as columns, as inferred from these features."""
        del config, weight, cache
        return Columns(X.shape[1])

    def goes_on(self, config: TrainingConfig, inputs: Any, X: Any) -> Any:
        """Return the encoding of rows as columns for resumed training."""
        del config, inputs
        return Columns(X.shape[1])

    def columns(self, inputs: Any, X: Any, cache: InputCache) -> Any:
        """Return the columns of the network."""
        del inputs, cache
        return X

    def input_embedding(
        self, config: TrainingConfig, inputs: Any
    ) -> InputEmbedding | ImageLayers:
        """Return the input embedding: the part before the hidden layers."""
        del config, inputs
        return InputEmbedding()


class TableReader:
    """Reads tables, which are encoded by a preprocessor fitted to each fold."""

    encodes_tables = True
    accepts_sparse = True

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
        """Return None: each fold has its own preprocessor."""
        del estimator, X, reset

    def inputs(
        self, config: TrainingConfig, X: Any, weight: Array | None, cache: InputCache
    ) -> Table:
        """Return a preprocessor fitted to the table."""
        dtype = config.dtype
        if dtype == "auto":
            is_small = X.shape[0] < config.preset.small_table
            dtype = "float64" if is_small else "float32"
        encoder = TabularPreprocessor(
            config.categorical_features, max_one_hot=config.max_one_hot, dtype=dtype
        )
        features = id(config.categorical_features)  # an array is not hashable
        key = ("encoder", id(X), id(weight), features, config.max_one_hot, dtype)
        return Table(cache.memoize(key, lambda: encoder.fit(X, sample_weight=weight)))

    def goes_on(self, config: TrainingConfig, inputs: Any, X: Any) -> Table:
        """Return the fitted preprocessor; raise an error if its parameters changed."""
        del X
        for name in ("categorical_features", "max_one_hot"):
            now, before = getattr(config, name), getattr(inputs.encoder, name)
            if not np.array_equal(np.array(now, object), np.array(before, object)):
                raise no_way_on(name, now, before)
        return inputs

    def columns(self, inputs: Any, X: Any, cache: InputCache) -> Any:
        """Return the encoded table, which is computed once and shared."""
        encoder = inputs.encoder
        key = (id(X), id(encoder))
        return cache.memoize(key, lambda: encoder.encode_checked(X))

    def input_embedding(self, config: TrainingConfig, inputs: Any) -> InputEmbedding:
        """Return embeddings and feature scales; none for a sparse table."""
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
    """Reads targets that are classes."""

    numeric: bool = False

    def key(self, config: TrainingConfig) -> tuple[Any, ...]:
        """Return the parameters that say how the target becomes columns."""
        return config.given["loss"], config.given["output_activation"]

    def target(
        self, config: TrainingConfig, y: Array, weight: Array | None, classes: Any
    ) -> ClassTarget:
        """Return the encoding of the classes."""
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
        """Return the encoding of the earlier fit; check that the classes match it."""
        del weight
        loss = config.loss.with_param("exclusive", fitted.kind == "multiclass")
        target = fitted
        if loss != fitted.loss:
            target = replace(fitted, loss=cast("ClassLoss", loss))
        target.check_goes_on(y, classes, config.warm_start)
        target.check_labels(y, "y")
        return target


@dataclass(frozen=True)
class ValueReader:
    """Reads targets that are values.

    Parameters
    ----------
    standardises : bool, default=False
        Whether targets are standardised as their loss specifies, and predictions may
        be clipped near the range of the targets.
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
        """Return the encoding of the target, with its scale."""
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
        """Return the encoding of the earlier fit, with bounds that include ``y``."""
        del classes
        target = ValueTarget(
            1 if y.ndim == 1 else y.shape[1], cast("ValueLoss", config.loss)
        )
        if target.n_outputs != fitted.n_outputs:
            return target  # check_labels raises the error for the number of outputs
        scale = fitted.scale
        if scale is not None:
            scale = scale.widened(y.reshape(len(y), -1), weight)
        is_same = scale is fitted.scale and target.loss == fitted.loss
        return fitted if is_same else replace(target, scale=scale)


@dataclass(frozen=True)
class DataReader:
    """The readers of an estimator for features and target.

    Parameters
    ----------
    inputs : ColumnReader or TableReader
        The reader of features.
    target : ClassReader or ValueReader
        The reader of the target.
    """

    inputs: ColumnReader | TableReader
    target: ClassReader | ValueReader

    def read(
        self, estimator: BaseEstimator, X: Any, y: Any, reset: bool
    ) -> tuple[Any, Array]:
        """Validate features and target; see :meth:`ColumnReader.read`."""
        return self.inputs.read(estimator, X, y, reset, self.target.numeric)


def no_way_on(what: str, now: Any, before: Any) -> ValueError:
    """Return the error for a change that makes it impossible to resume training."""
    return ValueError(
        f"Training cannot resume (warm_start or partial_fit): {what} is {now}, but "
        f"was {before} for the fitted network. Fit a new estimator, or a clone of this "
        "one."
    )
