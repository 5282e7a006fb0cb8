"""The log-loss for classification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit

from sknet._numerics import Array, Scalar, log_softmax, logistic, softplus
from sknet._operations import overflow_shift
from sknet._rows import is_in_use, rounded
from sknet.fields import flag, real
from sknet.losses._base import CLASS_LOSSES, ClassLoss, LossBuffers


@CLASS_LOSSES.register("log_loss", "cross_entropy")
@dataclass(frozen=True, repr=False)
class LogLoss(ClassLoss):
    r"""The negative log-likelihood of the classes, also called cross-entropy.

    For exclusive classes, with one-hot :math:`y` and softmax :math:`p`,

    .. math:: \ell = \log \sum_c e^{r_c} - \sum_c y_c r_c, \qquad
              \nabla_r \ell = p - y

    and for independent outputs, with logistic :math:`p`,

    .. math:: \ell = \sum_c \log(1 + e^{r_c}) - y_c r_c, \qquad
              \nabla_r \ell = p - y

    with the raw outputs :math:`r`.

    Parameters
    ----------
    exclusive : bool, default=True
        Whether a sample has exactly one class; set by the estimator. If not, every
        output is an independent yes-or-no question, as for two classes or multilabel
        targets.
    label_smoothing : float in [0, 1), default=0.0
        Share of each target that is spread evenly over all classes, or over yes and no.
        It keeps the network from becoming overconfident, and pulls its probabilities
        together.

    References
    ----------
    .. [1] C. M. Bishop, "Pattern Recognition and Machine Learning", 2006, 4.3.
    .. [2] C. Szegedy et al., "Rethinking the inception architecture for computer
       vision", CVPR 2016, arXiv:1512.00567 (label smoothing).

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import LogLoss
    >>> LogLoss().link(np.array([[0.0, 0.0]]))
    array([[0.5, 0.5]])
    """

    rows: ClassVar[tuple[str, ...]] = ("label_smoothing",)

    exclusive: bool = flag(True)
    label_smoothing: float = real(0.0, "[0, 1)")

    @property
    def link_name(self) -> str:
        """Softmax, or logistic."""
        return "softmax" if self.exclusive else "logistic"

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, buffers: LossBuffers
    ) -> Array:
        """Write ``weight * (p - y)`` and return the mean log-loss."""
        if is_in_use(self.label_smoothing):
            y = self._smooth(y, buffers)
        reduce = self._exclusive if self.exclusive else self._independent
        reduce(raw, y, out, buffers)
        out -= y
        out *= weight
        return buffers.weighted_sum(weight)

    def _smooth(self, y: Array, buffers: LossBuffers) -> Array:
        """Return the smoothed targets in a scratch array."""
        n_outputs = y.shape[-1]
        smooth = buffers.named("smooth", n_outputs)
        share = self.label_smoothing
        if isinstance(share, np.ndarray):
            share = share[:, :, None]
        np.multiply(y, rounded(1.0 - share, smooth.dtype), out=smooth)
        smooth += rounded(share / (n_outputs if self.exclusive else 2), smooth.dtype)
        return smooth

    @staticmethod
    def _exclusive(raw: Array, y: Array, out: Array, buffers: LossBuffers) -> None:
        """Write the softmax into ``out`` and the losses into ``buffers.rows``."""
        shift = overflow_shift(raw, out, buffers.sums)
        z = raw if shift is None else np.subtract(raw, shift, out=out)
        np.multiply(z, y, out=buffers.full)
        np.matmul(buffers.full, buffers.ones_column, out=buffers.rows)
        np.exp(z, out=out)
        np.matmul(out, buffers.ones_column, out=buffers.sums)
        out /= buffers.sums
        np.log(buffers.sums, out=buffers.sums)
        np.subtract(buffers.sums, buffers.rows, out=buffers.rows)

    @staticmethod
    def _independent(raw: Array, y: Array, out: Array, buffers: LossBuffers) -> None:
        """Write the sigmoids into ``out`` and the losses into ``buffers.rows``."""
        softplus(raw, out=buffers.full, scratch=out)
        np.multiply(raw, y, out=out)
        buffers.full -= out
        np.matmul(buffers.full, buffers.ones_column, out=buffers.rows)
        logistic(raw, out=out)

    def link(self, raw: Array) -> Array:
        """Return probabilities."""
        if self.exclusive:
            return np.exp(log_softmax(raw))
        return expit(raw)

    def log_link(self, raw: Array) -> Array:
        """Return log-probabilities of the classes, or of a yes for each output."""
        if self.exclusive:
            return log_softmax(raw)
        return -np.logaddexp(0.0, -raw)

    def constant(self, y: Array, weight: Array) -> Array:
        """Return the logarithms of the frequencies, or of the odds."""
        frequency = np.average(y, axis=0, weights=weight)
        spread = self.label_smoothing / (len(frequency) if self.exclusive else 2)
        frequency = frequency * (1.0 - self.label_smoothing) + spread
        if self.exclusive:
            return np.log(frequency)
        return np.log(frequency) - np.log1p(-frequency)
