"""Warm-up: a slow start before any other schedule."""

from __future__ import annotations

from dataclasses import dataclass

from sknet.fields import part, real
from sknet.schedules._base import SCHEDULES, Clock, Schedule


@SCHEDULES.register("warmup")
@dataclass(frozen=True, repr=False)
class Warmup(Schedule):
    r"""A linear increase over the first steps, then another schedule.

    It helps if the first gradients are large or the optimizer's running averages are
    still noisy: for deep networks, high learning rates, or Adam with a long memory.

    .. math::
        s(t) = \min\left(1,\; \mathrm{start} + (1 - \mathrm{start})
               \frac{t}{\mathrm{fraction}}\right) \cdot
               s_\mathrm{then}\left(\max\left(0,\;
               \frac{t - \mathrm{fraction}}{1 - \mathrm{fraction}}\right)\right)

    with the progress :math:`t`.

    Parameters
    ----------
    then : str or Schedule, default="constant"
        The schedule after the warm-up. A planned schedule runs over the rest of the
        plan; a schedule in epochs or samples counts them from the beginning.
    fraction : float in (0, 1), default=0.05
        Length of the warm-up, as a fraction of the planned training.
    start : float in [0, 1], default=0.01
        The factor at the first step. At 0, that step would change nothing; with one
        step per epoch, neither would the whole epoch.

    Notes
    -----
    During the warm-up, ``then`` stays at its own beginning, so that the factor does not
    jump at the end of the warm-up. ``then`` also determines the effect of a plateau.

    References
    ----------
    .. [1] P. Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1
       hour", 2017, arXiv:1706.02677.

    Examples
    --------
    >>> from sknet.schedules import Clock, Warmup
    >>> schedule = Warmup("cosine", fraction=0.2, start=0.0)
    >>> [round(schedule.factor(Clock(progress=t)), 3) for t in (0.1, 0.2, 0.6, 1)]
    [0.5, 1.0, 0.5, 0.0]
    """

    then: str | Schedule = part("constant", SCHEDULES)
    fraction: float = real(0.05, "(0, 1)")
    start: float = real(0.01, "[0, 1]")

    @property
    def is_planned(self) -> bool:
        """True: the factor changes with each step."""
        return True

    @property
    def plateau_factor(self) -> float:
        """The plateau factor of ``then``."""
        return SCHEDULES.make(self.then).plateau_factor

    @property
    def rate_floor(self) -> float:
        """The rate floor of ``then``."""
        return SCHEDULES.make(self.then).rate_floor

    def factor(self, clock: Clock) -> float:
        """Return the warm-up factor times the factor of ``then``."""
        progress = min(max(clock.progress, 0.0), 1.0)
        risen = min(progress / self.fraction, 1.0)
        rest = max(progress - self.fraction, 0.0) / (1.0 - self.fraction)
        rise = 1.0 if risen == 1.0 else self.start + (1.0 - self.start) * risen
        return rise * SCHEDULES.make(self.then).factor(clock._replace(progress=rest))
