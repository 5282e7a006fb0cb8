"""A regressor whose target is standardised, with quantiles beside its mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from sknet._numerics import Array
from sknet.config.lists import check_flat
from sknet.estimators.outputs.prediction import QuantilePredictions
from sknet.estimators.outputs.predictor import TableValuePredictor
from sknet.losses import MeanQuantiles, SquaredError, ValueLoss
from sknet.problem.value_target import ValueTarget, target_scale


class ScaledTarget(QuantilePredictions):
    """Mixin: a regressor whose target is standardised, and whose predictions end."""

    _patience_growth: ClassVar[float] = 2.0

    def predictor(self) -> TableValuePredictor:
        """Return what serves this network: a copy that predicts at once.

        Returns
        -------
        predictor : TableValuePredictor
            Gives what ``predict`` gives, from any number of threads, whatever becomes
            of this estimator.

        Raises
        ------
        NotFittedError
            If there is nothing to serve yet.
        """
        return TableValuePredictor(self)

    def _loss_to_fit(self) -> ValueLoss:
        """Return the loss; with quantiles it is that of the mean beside them."""
        loss: ValueLoss = super()._loss_to_fit()  # type: ignore[misc]  # a mixin
        if self.quantiles is None:
            return loss
        if loss != SquaredError():
            raise ValueError(
                f"quantiles={self.quantiles!r} are learned beside the mean, with "
                f"loss='squared_error', but loss={self.loss!r}. For quantiles alone "
                "leave them out and use loss=Quantile(levels)."
            )
        beside = MeanQuantiles(check_flat("quantiles", self.quantiles))
        try:
            beside.check()
        except ValueError as error:
            raise ValueError(
                f"quantiles={self.quantiles!r} must be numbers in (0, 1), in "
                "increasing order, e.g. quantiles=(0.05, 0.5, 0.95)."
            ) from error
        return beside

    def _target_key(self) -> tuple[Any, ...]:
        """Return the parameters that say how the target becomes columns."""
        quantiles = self.quantiles
        if quantiles is not None:
            quantiles = check_flat("quantiles", quantiles)
        return self.loss, self.output_activation, quantiles, self.clip_predictions

    def _make_target(
        self, y: Array, weight: Array | None, going_on: bool, classes: Any
    ) -> ValueTarget:
        """Measure the target; a training that goes on keeps its measure.

        Predictions end where all its targets allow it.
        """
        target = super()._make_target(y, weight, going_on, classes)  # type: ignore[misc]  # a mixin
        if going_on:
            if target.n_outputs != self.n_outputs_:
                return target  # to be refused by its number of outputs
            scale = self._model.target.scale
            if scale is not None:
                scale = scale.widened(y.reshape(len(y), -1), weight)
            return replace(target, scale=scale)
        scaling = target.loss.scaling
        if scaling is None:
            return target
        columns = y.reshape(len(y), -1)
        clips = bool(self.clip_predictions)
        return replace(target, scale=target_scale(columns, weight, clips, scaling))
