"""The focal loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import root
from scipy.special import expit

from sknet._numerics import Array, Scalar, log_softmax, logistic, softplus
from sknet.fields import flag, real
from sknet.losses._base import CLASS_LOSSES, ClassLoss, LossBuffers


# Rarer classes are treated as this rare in the search for the best constant.
_LEAST_SHARE = 1e-9


@CLASS_LOSSES.register("focal")
@dataclass(frozen=True, repr=False)
class Focal(ClassLoss):
    r"""The log-loss with less weight on rows that are already nearly correct.

    Useful if one class is rare and most rows are easy. Its probabilities are biased
    towards the middle: if they matter, calibrate them or use the log-loss.

    .. math:: \ell = - (1 - p_y)^\gamma \log p_y

    with the probability :math:`p_y` of the true class from a softmax or, for
    independent columns, from a logistic function for each; the loss is then summed over
    the columns.

    Parameters
    ----------
    exclusive : bool, default=True
        Whether a sample has exactly one class; set by the estimator.
    gamma : float in [0, inf), default=2.0
        How strongly easy rows are downweighted; 0 is the log-loss.

    Notes
    -----
    Both kinds are the same function of the lead of the other classes,
    :math:`m = \log \sum_{c \ne y} e^{r_c} - r_y` for the raw outputs :math:`r`, or
    :math:`m = -r` for a yes and :math:`m = r` for a no. With the logistic function
    :math:`\sigma`,

    .. math:: \ell = \sigma(m)^\gamma \log(1 + e^m), \qquad \ell'(m) = \sigma(m)^\gamma
              \bigl(\gamma\, \sigma(-m) \log(1 + e^m) + \sigma(m)\bigr)

    without any subtraction, so that no digits are lost when :math:`p_y` is close to
    zero or one.

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
        self, raw: Array, y: Array, weight: Scalar, out: Array, buffers: LossBuffers
    ) -> Array:
        """Write the weighted gradient and return the mean loss."""
        reduce = self._exclusive if self.exclusive else self._independent
        reduce(raw, y, out, buffers)
        out *= weight
        return buffers.weighted_sum(weight)

    def _exclusive(
        self, raw: Array, y: Array, out: Array, buffers: LossBuffers
    ) -> None:
        """Write gradient and losses for one class per row."""
        others = buffers.full
        np.multiply(raw, y, out=others)
        np.matmul(others, buffers.ones_column, out=buffers.rows)
        # a huge number excludes the true class; if it is the only one, -inf gives nan
        np.multiply(y, float(np.finfo(raw.dtype).max) / 4.0, out=others)
        np.subtract(raw, others, out=others)
        np.maximum.reduce(others, axis=-1, keepdims=True, out=buffers.sums)
        ahead = buffers.named("ahead", 1)
        np.subtract(buffers.sums, buffers.rows, out=ahead)
        others -= buffers.sums
        np.exp(others, out=others)
        np.matmul(others, buffers.ones_column, out=buffers.sums)
        others /= buffers.sums
        ahead += np.log(buffers.sums, out=buffers.sums)
        self._focus(ahead, buffers.rows, buffers.sums, buffers.named("weight", 1))
        np.subtract(others, y, out=out)
        out *= buffers.sums

    def _independent(
        self, raw: Array, y: Array, out: Array, buffers: LossBuffers
    ) -> None:
        """Write gradient and losses for independent columns."""
        n = raw.shape[-1]
        sign, losses = buffers.named("sign", n), buffers.named("losses", n)
        np.multiply(y, -2.0, out=sign)
        sign += 1.0
        np.multiply(raw, sign, out=buffers.full)
        self._focus(buffers.full, losses, out, buffers.named("weight", n))
        np.matmul(losses, buffers.ones_column, out=buffers.rows)
        out *= sign

    def _focus(self, ahead: Array, losses: Array, slope: Array, weight: Array) -> None:
        """Write losses and slopes for the lead of the other classes."""
        gamma = float(self.gamma)
        softplus(ahead, out=losses, scratch=slope)
        np.negative(ahead, out=slope)
        logistic(slope, out=slope)
        slope *= losses
        slope *= gamma
        logistic(ahead, out=weight)
        slope += weight
        np.power(weight, gamma, out=weight)
        losses *= weight
        slope *= weight

    def link(self, raw: Array) -> Array:
        """Return probabilities."""
        return np.exp(log_softmax(raw)) if self.exclusive else expit(raw)

    def log_link(self, raw: Array) -> Array:
        """Return log-probabilities."""
        return log_softmax(raw) if self.exclusive else -np.logaddexp(0.0, -raw)

    def constant(self, y: Array, weight: Array) -> Array:
        """Return the zero of the gradient, by root finding from a nearby start."""
        share = np.average(y, axis=0, weights=weight)
        share = np.clip(share, _LEAST_SHARE, 1.0 - _LEAST_SHARE)
        n = len(share)
        if self.exclusive:
            rows, start, shares = np.eye(n), np.log(share), share[:, None]
        else:
            rows = np.stack([np.ones(n), np.zeros(n)])
            start, shares = (
                np.log(share / (1.0 - share)),
                np.stack([share, 1.0 - share]),
            )
        buffers, out = (
            LossBuffers(1, len(rows), n, rows.dtype),
            np.empty((1, *rows.shape)),
        )

        def slope(raw: Array) -> Array:
            batch = np.tile(raw, (1, len(rows), 1))
            self.value_and_gradient(batch, rows[None], 1.0, out, buffers)
            # a common shift does not change the softmax: take the solution of mean zero
            shift = raw.mean() if self.exclusive else 0.0
            return (shares * out[0]).sum(axis=0) + shift

        # to first order, probabilities are drawn towards the middle by this factor
        solution: Array = root(slope, start / (1.0 + self.gamma), tol=1e-14).x
        return solution
