"""The squared error of class probabilities."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np

from sknet._numerics import Array, Scalar, log_softmax
from sknet.fields import choice, flag
from sknet.losses import outputs
from sknet.losses._base import CLASS_LOSSES, ClassLoss, LossBuffers


@CLASS_LOSSES.register("squared_error", "brier")
@dataclass(frozen=True, repr=False)
class Brier(ClassLoss):
    r"""Half the squared error of class probabilities, also called the Brier score.

    The loss of classic textbooks, with a logistic function for each output. It
    tolerates wrong labels better than the log-loss does, but learns more slowly from
    confident errors.

    .. math:: \ell = \tfrac12 \sum_c (p_c - t_c)^2, \qquad
              \nabla_r \ell = J^T (p - t)

    with predictions :math:`p` from the raw outputs :math:`r`, :math:`J` the derivative
    of the output activation, and :math:`t` one of the two ``targets``, for no and for
    yes.

    Parameters
    ----------
    exclusive : bool, default=True
        Whether a sample has exactly one class; set by the estimator.
    output_activation : {None, "logistic", "softmax", "identity"}, default=None
        The function from raw outputs to predictions. None means the softmax for
        exclusive classes, otherwise the logistic function. With "identity", predictions
        are not probabilities.
    targets : tuple of two floats, default=(0.0, 1.0)
        Target values for no and for yes; the classic digit recogniser uses
        (0.01, 0.99).

    Notes
    -----
    The reported value is averaged over the outputs.

    References
    ----------
    .. [1] G. W. Brier, "Verification of forecasts expressed in terms of probability",
       Monthly Weather Review 78, 1950.

    Examples
    --------
    >>> from sknet import SimpleMLPClassifier
    >>> from sknet.losses import Brier
    >>> SimpleMLPClassifier(loss=Brier(output_activation="logistic")).loss
    Brier(output_activation='logistic')
    """

    averages_outputs: ClassVar[bool] = True

    exclusive: bool = flag(True)
    output_activation: str | None = choice(
        None, (None, "logistic", "softmax", "identity")
    )
    targets: tuple[float, float] = (0.0, 1.0)

    def check(self) -> None:
        """Raise ValueError for a softmax over independent outputs, or bad targets."""
        super().check()
        if self.output_activation == "softmax" and not self.exclusive:
            raise ValueError(
                "output_activation='softmax' needs at least three exclusive classes; "
                "for two classes or multilabel targets, use 'logistic' or None."
            )
        if not self._ordered_targets():
            raise ValueError(
                f"{type(self).__name__}: targets must be two numbers, the smaller one "
                f"first, got {self.targets!r}."
            )
        low, high = self.targets
        if self.gives_probability and not 0.0 <= low < high <= 1.0:
            raise ValueError(
                f"{type(self).__name__}: targets must lie in [0, 1], the range of "
                f"the output activation {self.link_name!r}, got {self.targets!r}. "
                "For other targets, use output_activation='identity'."
            )

    def _ordered_targets(self) -> bool:
        """Return whether the targets are two finite numbers in increasing order."""
        if not isinstance(self.targets, (list, tuple)) or len(self.targets) != 2:
            return False
        if not all(isinstance(t, Real) and math.isfinite(t) for t in self.targets):
            return False
        return bool(self.targets[0] < self.targets[1])

    @property
    def link_name(self) -> str:
        """The output activation."""
        if self.output_activation is not None:
            return self.output_activation
        return "softmax" if self.exclusive else "logistic"

    @property
    def gives_probability(self) -> bool:  # type: ignore[override]  # here computed
        """Whether the output activation has the range [0, 1]."""
        return self.link_name != "identity"

    @property
    def threshold(self) -> float:  # type: ignore[override]  # here computed
        """The midpoint between the targets."""
        return 0.5 * float(self.targets[0] + self.targets[1])

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, buffers: LossBuffers
    ) -> Array:
        """Write the weighted gradient and return half the mean squared error."""
        p = self._write_difference(raw, y, out, buffers)
        np.multiply(out, out, out=buffers.full)
        np.matmul(buffers.full, buffers.ones_column, out=buffers.rows)
        outputs.pull_back(self.link_name, raw, p, out, buffers)
        out *= weight
        return 0.5 * buffers.weighted_sum(weight)

    def error(
        self, raw: Array, y: Array, weight: Scalar, d_raw: Array, buffers: LossBuffers
    ) -> Array:
        """Return the weighted differences of predictions and targets."""
        if self.link_name == "identity":
            return d_raw
        error = buffers.named("error", raw.shape[-1])
        self._write_difference(raw, y, error, buffers)
        error *= weight
        return error

    def _write_difference(
        self, raw: Array, y: Array, out: Array, buffers: LossBuffers
    ) -> Array:
        """Write predictions minus targets into ``out``; return the predictions."""
        p = outputs.forward(self.link_name, raw, buffers)
        low, high = (float(t) for t in self.targets)
        if (low, high) != (0.0, 1.0):
            aim = np.multiply(y, high - low, out=buffers.full)
            y = np.add(aim, low, out=aim)
        np.subtract(p, y, out=out)
        return p

    def link(self, raw: Array) -> Array:
        """Return predictions."""
        return outputs.LINKS[self.link_name](raw)

    def log_link(self, raw: Array) -> Array:
        """Return logarithms of the predictions, accurate for tiny predictions."""
        if self.link_name == "softmax":
            return log_softmax(raw)
        if self.link_name == "logistic":
            return -np.logaddexp(0.0, -raw)
        return super().log_link(raw)

    def constant(self, y: Array, weight: Array) -> Array:
        """Return raw outputs whose predictions are the mean targets."""
        low, high = self.targets
        mean = low + (high - low) * np.average(y, axis=0, weights=weight)
        return outputs.inverse(self.link_name, mean)
