"""The mean and quantiles of a target, learned by one network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sknet._numerics import Array, Scalar
from sknet.losses._base import VALUE_LOSSES, LossBuffers, ValueLoss
from sknet.losses.quantile import Quantile


@VALUE_LOSSES.register("mean_quantiles")
@dataclass(frozen=True, repr=False)
class MeanQuantiles(ValueLoss):
    r"""The squared error of a mean plus the pinball losses of quantiles.

    .. math:: \ell = \tfrac{1}{2} (p_0 - y)^2 + \sum_q \ell_{\tau_q}(p_q, y)

    with the pinball losses :math:`\ell_\tau` of :class:`Quantile`, summed over the
    targets. All outputs share the hidden layers. The quantiles never cross; the mean
    may lie anywhere.

    Parameters
    ----------
    levels : tuple of float in (0, 1), default=(0.05, 0.5, 0.95)
        The levels :math:`\tau`, in increasing order.

    Notes
    -----
    ``predict`` returns the mean, and scores are computed from it. The two terms have
    similar weight if the target is scaled to a deviation of about one. The target may
    have a column for each raw output, if the mean and the quantiles have different
    units.

    References
    ----------
    .. [1] R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46, 1978.

    Examples
    --------
    >>> from sknet.losses import MeanQuantiles
    >>> MeanQuantiles((0.1, 0.9)).n_raw(1)
    3
    """

    kinks: ClassVar[bool] = True
    shows_point: ClassVar[bool] = True

    levels: tuple[float, ...] = (0.05, 0.5, 0.95)

    def check(self) -> None:
        """Raise ValueError unless the levels increase and lie in (0, 1)."""
        super().check()
        self._quantile.check()

    @property
    def _quantile(self) -> Quantile:
        """The loss of the quantiles."""
        return Quantile(self.levels)

    @property
    def scaling(self) -> tuple[str, ...]:  # type: ignore[override]  # here computed
        """Moments for the mean, quantiles for the levels."""
        return ("moments", *["quantiles"] * (self._n_each - 1))

    @property
    def _n_each(self) -> int:
        """Number of raw outputs per target."""
        return 1 + self._quantile.n_raw(1)

    @property
    def link_name(self) -> str:
        """The mean, and sums that keep the levels in order."""
        return "mean_ordered"

    def n_raw(self, n_columns: int) -> int:
        """Return the number of raw outputs: per target one, and one for each level."""
        return n_columns * self._n_each

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, buffers: LossBuffers
    ) -> Array:
        """Write the weighted gradient and return the mean loss."""
        n_each, quantile = self._n_each, self._quantile
        n_targets = raw.shape[-1] // n_each
        if y.shape[-1] == n_targets:
            of_mean = of_levels = y
        else:
            of_mean, of_levels = y[..., ::n_each], y[..., 1::n_each]
        n_quantiles = quantile.n_raw(n_targets)
        inner, d_raw = (buffers.named(name, n_quantiles) for name in ("raw", "d_raw"))
        split = (*raw.shape[:2], n_targets, n_each)
        apart = (*split[:3], n_each - 1)
        np.copyto(inner.reshape(apart), raw.reshape(split)[..., 1:])
        nested = buffers.nested("quantiles", n_quantiles)
        value = quantile.value_and_gradient(inner, of_levels, weight, d_raw, nested)
        out.reshape(split)[..., 1:] = d_raw.reshape(apart)
        error, square = out[..., ::n_each], buffers.named("square", n_targets)
        np.subtract(raw[..., ::n_each], of_mean, out=error)
        np.multiply(error, error, out=square)
        ones = buffers.ones_column[..., :n_targets, :]
        np.matmul(square, ones, out=buffers.rows)
        error *= weight
        total: Array = value + 0.5 * buffers.weighted_sum(weight)
        return total

    def link(self, raw: Array) -> Array:
        """Return the mean and the levels, target by target."""
        split = (*raw.shape[:-1], -1, self._n_each)
        out = raw.copy()
        levels = np.ascontiguousarray(raw.reshape(split)[..., 1:])
        linked = self._quantile.link(levels.reshape(*raw.shape[:-1], -1))
        out.reshape(split)[..., 1:] = linked.reshape(levels.shape)
        return out

    def point(self, prediction: Array) -> Array:
        """Return the means."""
        return prediction[..., :: self._n_each]

    def constant(self, y: Array, weight: Array) -> Array:
        """Return means, and raw outputs whose predictions are weighted quantiles."""
        mean = np.average(y, axis=0, weights=weight)[:, None]
        levels = self._quantile.constant(y, weight).reshape(len(mean), -1)
        return np.hstack([mean, levels]).ravel()
