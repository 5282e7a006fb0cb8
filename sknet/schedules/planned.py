"""Schedules over the planned training: cosine, one cycle, coslog and flat cosine.

All are functions of the ``progress``; outside [0, 1] they keep their first or last
value.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass

from sknet.fields import real, whole
from sknet.schedules._base import SCHEDULES, Clock, Schedule


class _Planned(Schedule):
    """Base of the schedules that depend only on the progress."""

    @property
    def is_planned(self) -> bool:
        """True: the factor changes with each step."""
        return True

    def factor(self, clock: Clock) -> float:
        """Return the factor at the clock's progress."""
        return self._at(min(max(clock.progress, 0.0), 1.0))

    @abstractmethod
    def _at(self, progress: float) -> float:
        """Return the factor at a ``progress`` in [0, 1]."""


def _ease(first: float, last: float, part: float) -> float:
    """Interpolate by half a cosine wave, at the fraction ``part`` of the way."""
    gone = (1.0 - math.cos(math.pi * part)) / 2.0
    return first * (1.0 - gone) + last * gone


@SCHEDULES.register("cosine", "cosine_annealing")
@dataclass(frozen=True, repr=False)
class Cosine(_Planned):
    r"""Half a cosine wave down from the initial rate, once or with warm restarts.

    A good first choice if the length of the training is known: the high rate at the
    start finds a good region, the low rate at the end settles in it.

    .. math::
        s(t) = \mathrm{floor} + (1 - \mathrm{floor}) \frac{1 + \cos \pi u}{2}, \qquad
        u = \mathrm{cycles} \cdot t - \lfloor \mathrm{cycles} \cdot t \rfloor

    with the progress :math:`t`; at the end, :math:`t = 1`, :math:`u = 1`.

    Parameters
    ----------
    floor : float in [0, 1], default=0.0
        The factor at the end of each cycle.
    cycles : int in [1, inf), default=1
        Number of cycles of equal length. Each starts at the initial rate again.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm
       restarts", ICLR 2017, arXiv:1608.03983.

    Examples
    --------
    >>> from sknet.schedules import Clock, Cosine
    >>> [round(Cosine().factor(Clock(progress=t)), 3) for t in (0, 0.25, 0.5, 1)]
    [1.0, 0.854, 0.5, 0.0]
    """

    floor: float = real(0.0, "[0, 1]")
    cycles: int = whole(1, "[1, inf)")

    def _at(self, progress: float) -> float:
        """Return the factor within the cycle; progress 1 is in the last cycle."""
        part = 1.0 if progress == 1.0 else self.cycles * progress % 1.0
        return _ease(1.0, self.floor, part)


@SCHEDULES.register("one_cycle", "onecycle")
@dataclass(frozen=True, repr=False)
class OneCycle(_Planned):
    r"""Up to the initial rate, here the largest, then down to a very small rate.

    The slow start allows a larger learning rate than other schedules do. Only the rate
    is cycled; momentum does not change.

    .. math::
        s(t) = \begin{cases}
          \mathrm{start} + (1 - \mathrm{start})
            \frac{1}{2} \left(1 - \cos \frac{\pi t}{\mathrm{peak}}\right)
            & t \le \mathrm{peak} \\
          \mathrm{end} + (1 - \mathrm{end}) \frac{1}{2}
            \left(1 + \cos \frac{\pi (t - \mathrm{peak})}{1 - \mathrm{peak}}\right)
            & \text{else} \end{cases}

    with the progress :math:`t`.

    Parameters
    ----------
    peak : float in (0, 1), default=0.3
        The progress at which the factor is 1.
    start : float in (0, 1], default=0.04
        The first factor.
    end : float in [0, 1], default=4e-6
        The last factor.

    References
    ----------
    .. [1] L. N. Smith and N. Topin, "Super-convergence: very fast training of neural
       networks using large learning rates", 2018, arXiv:1708.07120.

    Examples
    --------
    >>> from sknet.schedules import Clock, OneCycle
    >>> schedule = OneCycle(peak=0.25, start=0.1, end=0.0)
    >>> [round(schedule.factor(Clock(progress=t)), 3) for t in (0, 0.25, 0.625, 1)]
    [0.1, 1.0, 0.5, 0.0]
    """

    peak: float = real(0.3, "(0, 1)")
    start: float = real(0.04, "(0, 1]")
    end: float = real(4e-6, "[0, 1]")

    def _at(self, progress: float) -> float:
        """Return the factor, increasing before the peak and decreasing after it."""
        if progress <= self.peak:
            return _ease(self.start, 1.0, progress / self.peak)
        return _ease(1.0, self.end, (progress - self.peak) / (1.0 - self.peak))


@SCHEDULES.register("coslog")
@dataclass(frozen=True, repr=False)
class CosLog(_Planned):
    r"""Whole cosine waves, each about twice as long as the previous one.

    The rate decreases smoothly to zero several times, some of them early, so that good
    parameters are reached throughout training: best combined with selecting the best
    epoch on a validation set. RealMLP uses it with four cycles.

    .. math:: s(t) = \tfrac{1}{2} \left(1 - \cos\bigl(2 \pi
              \log_2(1 + (2^c - 1)\, t)\bigr)\right)

    with the progress :math:`t` and the number :math:`c` of ``cycles``. It is 0 at
    :math:`t = (2^i - 1) / (2^c - 1)` for :math:`i = 0, \ldots, c`.

    Parameters
    ----------
    cycles : int in [1, 50], default=4
        Number of waves.

    Notes
    -----
    The very first step has a rate of 0. With more than 50 cycles, the first cycle would
    be shorter than the resolution of the progress.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       arXiv:2407.04491.

    Examples
    --------
    >>> from sknet.schedules import Clock, CosLog
    >>> [round(CosLog().factor(Clock(progress=t)), 3) for t in (0, 0.1, 0.2, 0.7)]
    [0.0, 0.718, 0.0, 0.995]
    """

    cycles: int = whole(4, "[1, 50]")

    def _at(self, progress: float) -> float:
        """Return the factor, a wave in the logarithm of the progress."""
        turns = math.log2(1.0 + (2.0**self.cycles - 1.0) * progress)
        return _ease(0.0, 1.0, 2.0 * turns)


@SCHEDULES.register("flat_cosine")
@dataclass(frozen=True, repr=False)
class FlatCosine(_Planned):
    r"""The initial rate for a while, then half a cosine wave down to zero.

    It keeps the high rate longer than "cosine" does, which suits optimizers with scaled
    steps and short training.

    .. math::
        s(t) = \begin{cases} 1 & t \le \mathrm{flat} \\
          \frac{1}{2} \left(1 + \cos \frac{\pi (t - \mathrm{flat})}
          {1 - \mathrm{flat}}\right) & \text{else} \end{cases}

    with the progress :math:`t`.

    Parameters
    ----------
    flat : float in [0, 1), default=0.5
        The progress up to which the factor is 1; at 0 this is "cosine".

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       arXiv:2407.04491.

    Examples
    --------
    >>> from sknet.schedules import Clock, FlatCosine
    >>> [round(FlatCosine().factor(Clock(progress=t)), 3) for t in (0, 0.5, 0.75, 1)]
    [1.0, 1.0, 0.5, 0.0]
    """

    flat: float = real(0.5, "[0, 1)")

    def _at(self, progress: float) -> float:
        """Return 1 up to ``flat``, then the decreasing factor."""
        part = max(progress - self.flat, 0.0) / (1.0 - self.flat)
        return _ease(1.0, 0.0, part)
