"""The quantile loss, for one level or several levels that never cross."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sknet._numerics import Array, Scalar, logistic, softplus
from sknet.losses import outputs
from sknet.losses._base import VALUE_LOSSES, LossBuffers, ValueLoss
from sknet.losses.regression import weighted_quantile


@VALUE_LOSSES.register("quantile", "pinball")
@dataclass(frozen=True, repr=False)
class Quantile(ValueLoss):
    r"""The pinball loss, for predictions of quantiles of the target.

    .. math:: \ell = \sum_q \max\bigl(\tau_q (y - p_q), (\tau_q - 1)(y - p_q)\bigr)

    for ``levels`` :math:`\tau`, summed over the targets. Several levels are predicted
    by one network and never cross: with the middle level :math:`m` and raw outputs
    :math:`r`,

    .. math:: p_m = r_m, \qquad p_{q + 1} = p_q + \log(1 + e^{r_{q + 1}}) \; (q \ge m),
              \qquad p_{q - 1} = p_q - \log(1 + e^{r_{q - 1}}) \; (q \le m).

    Parameters
    ----------
    levels : float or tuple of float in (0, 1), default=(0.5,)
        The levels, in increasing order.

    Notes
    -----
    ``predict`` returns all levels along a last axis; scores use the middle level. The
    reported value is averaged over levels and outputs.

    References
    ----------
    .. [1] R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46, 1978.

    Examples
    --------
    >>> from sknet import SimpleMLPRegressor
    >>> from sknet.losses import Quantile
    >>> SimpleMLPRegressor(Quantile(levels=(0.05, 0.5, 0.95))).loss
    Quantile(levels=(0.05, 0.5, 0.95))
    """

    averages_outputs: ClassVar[bool] = True
    kinks: ClassVar[bool] = True
    scaling: ClassVar[str] = "quantiles"

    levels: float | tuple[float, ...] = (0.5,)

    def check(self) -> None:
        """Raise ValueError unless the levels increase and lie in (0, 1)."""
        super().check()
        try:
            good = all(0.0 < level < 1.0 for level in self._levels)
        except TypeError:
            good = False
        increasing = good and np.all(np.diff(self._levels) > 0.0)
        if not good or not increasing or not self._levels:
            raise ValueError(
                "Quantile: levels must be numbers in (0, 1), excluding both ends, in "
                f"increasing order, got {self.levels!r}; e.g. levels=(0.05, 0.5, 0.95)."
            )

    @property
    def _levels(self) -> tuple[float, ...]:
        """The levels as a tuple."""
        several = isinstance(self.levels, (list, tuple))
        return tuple(self.levels) if several else (self.levels,)  # type: ignore  # a number

    @property
    def _middle(self) -> int:
        """The position of the middle level, from which the other levels are reached."""
        return len(self._levels) // 2

    @property
    def link_name(self) -> str:
        """The identity, or sums that keep the levels in order."""
        return "identity" if len(self._levels) == 1 else "ordered"

    def n_raw(self, n_columns: int) -> int:
        """Return the number of raw outputs, one per target and level."""
        return n_columns * len(self._levels)

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, buffers: LossBuffers
    ) -> Array:
        """Write the weighted gradient and return the mean loss."""
        error = buffers.full
        self._predict(raw, error, out, buffers.named("scratch", raw.shape[-1]))
        n_levels = len(self._levels)
        for q, level in enumerate(map(float, self._levels)):
            errors, slope = error[..., q::n_levels], out[..., q::n_levels]
            errors -= y
            # 1 - level above the target, -level below it, zero at the target
            np.heaviside(errors, level, out=slope)
            slope -= level
            errors *= slope
        np.matmul(error, buffers.ones_column, out=buffers.rows)
        if n_levels > 1:
            self._pull_back(raw, out, buffers.full)
        out *= weight
        return buffers.weighted_sum(weight)

    def _predict(self, raw: Array, out: Array, gap: Array, scratch: Array) -> None:
        """Write the predictions of all levels into ``out``."""
        np.copyto(out, raw)
        n_levels, middle = len(self._levels), self._middle
        if n_levels == 1:
            return
        softplus(raw, out=gap, scratch=scratch)
        for q in range(middle + 1, n_levels):
            below, gaps = out[..., q - 1 :: n_levels], gap[..., q::n_levels]
            np.add(below, gaps, out=out[..., q::n_levels])
        for q in range(middle - 1, -1, -1):
            above, gaps = out[..., q + 1 :: n_levels], gap[..., q::n_levels]
            np.subtract(above, gaps, out=out[..., q::n_levels])

    def _pull_back(self, raw: Array, out: Array, scratch: Array) -> None:
        """Turn the gradient by predictions into the gradient by raw outputs."""
        n_levels, middle = len(self._levels), self._middle
        slope = logistic(raw, out=scratch)
        # a gap moves all levels beyond it, and the middle level moves all levels
        for q in range(n_levels - 1, middle, -1):
            out[..., q - 1 :: n_levels] += out[..., q::n_levels]
            out[..., q::n_levels] *= slope[..., q::n_levels]
        for q in range(middle):
            out[..., q + 1 :: n_levels] += out[..., q::n_levels]
            out[..., q::n_levels] *= slope[..., q::n_levels]
            # In NumPy 2.2 to 2.4, np.negative is wrong for every fourth number of an
            # array; see findings/numpy_negative_strides.sh.
            out[..., q::n_levels] *= -1.0

    def link(self, raw: Array) -> Array:
        """Return the predictions of all levels, target by target."""
        out, gap, scratch = raw.copy(), np.empty_like(raw), np.empty_like(raw)
        self._predict(raw, out, gap, scratch)
        return out

    def point(self, prediction: Array) -> Array:
        """Return the middle level."""
        return prediction[..., self._middle :: len(self._levels)]

    def constant(self, y: Array, weight: Array) -> Array:
        """Return raw outputs whose predictions are weighted quantiles."""
        levels = np.array(
            [
                [weighted_quantile(c, weight, level) for level in self._levels]
                for c in y.T
            ]
        )
        raw, middle = levels.copy(), self._middle
        inverse = outputs.inverse("softplus", np.diff(levels, axis=1))
        raw[:, middle + 1 :], raw[:, :middle] = inverse[:, middle:], inverse[:, :middle]
        return raw.ravel()
