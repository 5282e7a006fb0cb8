"""The focal loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from sknet._component import flag, real
from sknet._numerics import Array, Scalar, log_softmax, softplus
from sknet.losses._base import CLASS_LOSSES, ClassLoss, LossBuffers


@CLASS_LOSSES.register("focal")
@dataclass(frozen=True, repr=False)
class Focal(ClassLoss):
    r"""The log-loss, with less weight on what is nearly right already.

    Of use where one class is rare and most rows are easy. Its probabilities are drawn
    towards the middle: calibrate them, or take the log-loss, if they matter.

    .. math:: \ell = - (1 - p_y)^\gamma \log p_y

    with the probability :math:`p_y` of what is true, by a softmax, or by a logistic
    function for each of several independent columns, over which it is summed.

    Parameters
    ----------
    exclusive : bool, default=True
        Whether a sample has exactly one class; set by the estimator.
    gamma : float in [0, inf), default=2.0
        How much less; 0 is the log-loss.

    Notes
    -----
    :math:`\log p_y` and :math:`\log(1 - p_y)` are computed from the raw outputs, so
    that neither saturates. Pullback: with
    :math:`s = (1 - p_y)^\gamma (\gamma p_y \log p_y / (1 - p_y) - 1)` it is
    :math:`s\, (y_c - p_c)` for each class.

    References
    ----------
    .. [1] T.-Y. Lin et al., "Focal loss for dense object detection", ICCV 2017,
       arXiv:1708.02002.

    Examples
    --------
    >>> from sknet import SimpleMLPClassifier
    >>> from sknet.losses import Focal
    >>> SimpleMLPClassifier(loss=Focal(gamma=1.0)).loss
    Focal(gamma=1.0)
    """

    exclusive: bool = flag(True)
    gamma: float = real(2.0, "[0, inf)")

    @property
    def link_name(self) -> str:
        """Softmax, or logistic."""
        return "softmax" if self.exclusive else "logistic"

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, work: LossBuffers
    ) -> Array:
        """Write the weighted gradient and return the mean loss."""
        reduce = self._exclusive if self.exclusive else self._independent
        reduce(raw, y, out, work)
        out *= weight
        return work.weighted_sum(weight)

    def _exclusive(self, raw: Array, y: Array, out: Array, work: LossBuffers) -> None:
        """Write gradient and losses for one class a row."""
        p, log_p = work.named("p", raw.shape[-1]), work.full
        np.subtract(raw, raw.max(axis=-1, keepdims=True), out=log_p)
        np.exp(log_p, out=p)
        total = np.matmul(p, work.ones_column)
        p /= total
        log_p -= np.log(total)
        np.multiply(log_p, y, out=out)
        own = np.matmul(out, work.ones_column)
        # the probability of the others is a sum, not a difference from one
        np.subtract(1.0, y, out=out)
        out *= p
        rest = np.matmul(out, work.ones_column)
        factor = self._factor(own, rest, work.rows)
        np.subtract(y, p, out=out)
        out *= factor

    def _independent(self, raw: Array, y: Array, out: Array, work: LossBuffers) -> None:
        """Write gradient and losses for columns that are judged one by one."""
        n = raw.shape[-1]
        sign, rest = work.named("sign", n), work.named("rest", n)
        np.multiply(y, 2.0, out=sign)
        sign -= 1.0
        np.multiply(raw, sign, out=out)
        np.negative(out, out=rest)
        log_p = softplus(rest, out=work.full, tmp=out)
        np.negative(log_p, out=log_p)
        expit(rest, out=rest)
        losses = work.named("losses", n)
        np.copyto(out, self._factor(log_p, rest, losses))
        np.matmul(losses, work.ones_column, out=work.rows)
        out *= rest
        out *= sign

    def _factor(self, log_p: Array, rest: Array, losses: Array) -> Array:
        """Write the losses; return the gradient by the margin, over ``rest``."""
        gamma = self.gamma
        power = rest**gamma
        np.multiply(power, log_p, out=losses)
        np.negative(losses, out=losses)
        if gamma == 0.0:
            return -power
        tiny = float(np.finfo(rest.dtype).tiny)
        # p log(p) / (1 - p) tends to -1 where p tends to one
        ratio = np.exp(log_p) * log_p / np.maximum(rest, tiny)
        ratio[rest < tiny] = -1.0
        return power * (gamma * ratio - 1.0)

    def link(self, raw: Array) -> Array:
        """Return probabilities."""
        return np.exp(log_softmax(raw)) if self.exclusive else expit(raw)

    def log_link(self, raw: Array) -> Array:
        """Return log-probabilities."""
        return log_softmax(raw) if self.exclusive else -np.logaddexp(0.0, -raw)

    def constant(self, y: Array, weight: Array) -> Array:
        """There is no formula for it."""
        del y, weight
        raise NotImplementedError("The focal loss has no best constant in closed form.")
