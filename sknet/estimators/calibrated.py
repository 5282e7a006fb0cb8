"""A classifier whose probabilities are calibrated on held-out rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from sknet._numerics import Array
from sknet.estimators.fitting.calibration import (
    CALIBRATED_LINKS,
    CalibratedScore,
    temperature_of,
)
from sknet.estimators.fitting.holdout import Holdout
from sknet.losses import Loss
from sknet.training.member import Member


class CalibratedProbabilities:
    """Mixin: raw outputs are divided by a temperature."""

    _patience_growth: ClassVar[float] = 1.0

    def _calibrates(self, loss: Loss) -> bool:
        """Tell whether there are probabilities to calibrate."""
        return bool(self.calibrate) and loss.link_name in CALIBRATED_LINKS

    def _loss_on(self, task: Any, holdout: Holdout) -> Any:
        """Return the loss that calibration leaves, for early stopping to watch."""
        if not self._calibrates(task.loss):
            return super()._loss_on(task, holdout)  # type: ignore[misc]  # a mixin
        weight = holdout.data.weight
        return CalibratedScore(
            holdout.chosen(holdout.data.y),
            None if weight is None else holdout.chosen(weight),
            task.loss.link_name == "softmax",
        )

    def _judged(
        self, task: Any, theta: Array, members: Sequence[Member]
    ) -> dict[str, Any]:
        """Return the temperature; rows of ``partial_fit`` leave it as it is."""
        watched = members and members[0].recipe.rule.on_score
        if not self._calibrates(task.loss):
            return {"temperature_": 1.0}
        if not watched:
            keeps = task.incremental and task.going_on
            return {"temperature_": self.temperature_ if keeps else 1.0}
        with np.errstate(all="ignore"):
            return {"temperature_": temperature_of(task, theta, members)}
