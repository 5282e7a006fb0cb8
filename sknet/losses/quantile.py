"""The quantile loss, for one level or several that never cross."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit

from sknet._numerics import Array, Scalar, softplus
from sknet.losses._base import VALUE_LOSSES, LossBuffers, ValueLoss


@VALUE_LOSSES.register("quantile")
@dataclass(frozen=True, repr=False)
class Quantile(ValueLoss):
    r"""The pinball loss: predictions that a given share of the targets lies below.

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
    ``predict`` gives all levels along a last axis; scores are those of the middle one.
    The value shown to users is averaged over levels and outputs.

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

    levels: float | tuple[float, ...] = (0.5,)

    def check(self) -> None:
        """Refuse levels outside of (0, 1), or not in increasing order."""
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
        return tuple(np.atleast_1d(np.asarray(self.levels, dtype=object)).tolist())

    @property
    def _middle(self) -> int:
        """The position of the level that the others are counted from."""
        return len(self._levels) // 2

    @property
    def link_name(self) -> str:
        """The identity, or the sums that keep the levels apart."""
        return "identity" if len(self._levels) == 1 else "ordered"

    def n_raw(self, n_columns: int) -> int:
        """Return one raw output a target and level."""
        return n_columns * len(self._levels)

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, work: LossBuffers
    ) -> Array:
        """Write the weighted gradient and return the mean loss."""
        levels = self._split(out)
        gap, kept = work.named("gap", raw.shape[-1]), work.named("kept", raw.shape[-1])
        self._predict(raw, out, gap, kept)
        np.subtract(y[..., None], levels, out=levels)
        value, steps = self._split(work.full), self._split(gap)
        for q, level in enumerate(self._levels):
            error = levels[..., q]
            # the slope by the prediction: minus the level, plus one where it is above
            np.less(error, 0.0, out=steps[..., q])
            steps[..., q] -= level
            np.multiply(error, steps[..., q], out=value[..., q])
        np.negative(work.full, out=work.full)
        np.matmul(work.full, work.ones_column, out=work.rows)
        np.copyto(out, gap)
        self._pull_back(raw, levels)
        out *= weight
        return work.weighted_sum(weight)

    def _predict(self, raw: Array, out: Array, gap: Array, tmp: Array) -> None:
        """Write the predictions of all levels into ``out``."""
        np.copyto(out, raw)
        if len(self._levels) == 1:
            return
        softplus(raw, out=gap, tmp=tmp)
        levels, gaps, middle = self._split(out), self._split(gap), self._middle
        for q in range(middle + 1, len(self._levels)):
            np.add(levels[..., q - 1], gaps[..., q], out=levels[..., q])
        for q in range(middle - 1, -1, -1):
            np.subtract(levels[..., q + 1], gaps[..., q], out=levels[..., q])

    def _pull_back(self, raw: Array, levels: Array) -> None:
        """Turn the gradient by the predictions into that by the raw outputs."""
        n_levels, middle = len(self._levels), self._middle
        if n_levels == 1:
            return
        for q in range(n_levels - 1, middle, -1):  # a gap moves all levels behind it
            levels[..., q - 1] += levels[..., q]
        for q in range(middle):
            levels[..., q + 1] += levels[..., q]
        raws = self._split(raw)
        # the middle one moves all levels, and has collected the sums of both sides
        for q in range(n_levels):
            if q != middle:
                sign = 1.0 if q > middle else -1.0
                levels[..., q] *= sign * expit(raws[..., q])

    def _split(self, columns: Array) -> Array:
        """View columns (..., C * Q) as (..., C, Q)."""
        return columns.reshape(*columns.shape[:-1], -1, len(self._levels))

    def link(self, raw: Array) -> Array:
        """Return the predictions of all levels, target by target."""
        out, gap, tmp = raw.copy(), np.empty_like(raw), np.empty_like(raw)
        self._predict(raw, out, gap, tmp)
        return out

    def point(self, prediction: Array) -> Array:
        """Return the middle level."""
        return self._split(prediction)[..., self._middle]

    def constant(self, y: Array, weight: Array) -> Array:
        """Return raw outputs whose predictions are weighted quantiles."""
        levels = np.stack([_weighted_quantiles(c, weight, self._levels) for c in y.T])
        raw, middle = levels.copy(), self._middle
        gaps = np.maximum(np.diff(levels, axis=1), 1e-12)
        inverse = gaps + np.log(-np.expm1(-gaps))  # of the softplus
        raw[:, middle + 1 :], raw[:, :middle] = inverse[:, middle:], inverse[:, :middle]
        return raw.ravel()


def _weighted_quantiles(y: Array, weight: Array, levels: tuple[float, ...]) -> Array:
    """Return values that at least a share of the weight lies at or below."""
    order = np.argsort(y, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    return np.array([y[order][np.searchsorted(share, level)] for level in levels])
