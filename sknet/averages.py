r"""Averages of the parameters over a training, often better than the last ones.

A component only says how much of the newest parameters :math:`\theta` enters the
running average :math:`\bar\theta`; who trains keeps it, beside the parameters, by

.. math:: \bar\theta \leftarrow \bar\theta + s\, (\theta - \bar\theta).
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from sknet._component import Component, Registry
from sknet.fields import real


__all__ = ["AVERAGES", "EMA", "SWA", "Averaging"]


class Averaging(Component):
    """Base of the averages.

    Attributes
    ----------
    each_step : bool
        Whether parameters enter after every step; if not, after every epoch.
    """

    each_step: ClassVar[bool]

    @property
    def is_planned(self) -> bool:
        """Whether the share depends on ``progress``, and so on the length of the plan.

        A training that is made longer later on then has to begin anew.
        """
        return True

    @abstractmethod
    def share(self, n_averaged: int, progress: float) -> float:
        """Return the share, in [0, 1], of the newest parameters in the average.

        ``n_averaged`` counts the parameters that entered before them; ``progress`` is
        the fraction of the plan that is done, the step or the epoch just made
        included.
        """

    def starts(self, progress: float) -> bool:
        """Tell whether parameters of this ``progress`` count in ``n_averaged``."""
        del progress
        return True


AVERAGES: Registry[Averaging] = Registry("averaging of weights", Averaging)


@AVERAGES.register("ema")
@dataclass(frozen=True, repr=False)
class EMA(Averaging):
    r"""The exponential moving average of the parameters after each step.

    It follows the training at a distance of some :math:`1 / (1 - \mathrm{decay})`
    steps and smooths their noise, much as a falling learning rate does, so that it is
    of most use with a constant one.

    .. math::
        \bar\theta_t = \bar\theta_{t-1} + s_t (\theta_t - \bar\theta_{t-1}), \qquad
        s_t = \max(1 - \mathrm{decay},\, 1 / t)

    Parameters
    ----------
    decay : float in [0, 1), default=0.999
        How much of the average stays at each step; larger values remember longer. At
        0 the average is the newest parameters.

    Notes
    -----
    While :math:`t \le 1 / (1 - \mathrm{decay})` the average is the plain mean of
    :math:`\theta_1, \ldots, \theta_t`. So its weights sum to 1 at any time, and the
    initial parameters :math:`\theta_0` have none: no bias is left to be corrected.

    References
    ----------
    .. [1] B. T. Polyak and A. B. Juditsky, "Acceleration of stochastic approximation
       by averaging", SIAM Journal on Control and Optimization 30, 1992.
    .. [2] A. Tarvainen and H. Valpola, "Mean teachers are better role models",
       NIPS 2017, arXiv:1703.01780.

    Examples
    --------
    >>> from sknet.averages import EMA
    >>> [EMA(decay=0.75).share(n, progress=0.0) for n in (0, 1, 2, 3, 4)]
    [1.0, 0.5, 0.333..., 0.25, 0.25]
    """

    each_step: ClassVar[bool] = True

    decay: float = real(0.999, "[0, 1)")

    @property
    def is_planned(self) -> bool:
        """False: only the number of steps counts."""
        return False

    def share(self, n_averaged: int, progress: float) -> float:
        """Return that of a plain mean, until it falls to ``1 - decay``."""
        del progress
        return max(1.0 - self.decay, 1.0 / (n_averaged + 1))


@AVERAGES.register("swa")
@dataclass(frozen=True, repr=False)
class SWA(Averaging):
    r"""Stochastic weight averaging: the mean over the last epochs of the plan.

    With a learning rate that stays high, or restarts, the ends of the epochs lie
    around a minimum; their mean is nearer to its middle.

    .. math::
        \bar\theta = \frac{1}{n} \sum_{i=1}^{n} \theta_i, \qquad \text{kept by} \quad
        s_n = 1 / n

    over the parameters :math:`\theta_i` after the :math:`n` epochs so far that ended
    behind ``start``; up to there :math:`s = 1`.

    Parameters
    ----------
    start : float in [0, 1), default=0.75
        Fraction of the planned training before the mean; at 0 each epoch enters it.

    Notes
    -----
    Before ``start`` the average is the newest parameters, so that a training that ends
    early has something sensible to publish, too. An epoch that ends exactly at
    ``start`` does not enter: of ``E`` planned epochs ``(1 - start) E``, rounded up, do.

    Statistics of batch normalisation are averaged as they are, not estimated anew
    under the averaged weights as in the paper.

    References
    ----------
    .. [1] P. Izmailov et al., "Averaging weights leads to wider optima and better
       generalization", UAI 2018, arXiv:1803.05407.

    Examples
    --------
    >>> from sknet.averages import SWA
    >>> SWA(start=0.5).starts(progress=0.5), SWA(start=0.5).starts(progress=0.6)
    (False, True)
    >>> SWA(start=0.5).share(n_averaged=3, progress=0.9)
    0.25
    """

    each_step: ClassVar[bool] = False

    start: float = real(0.75, "[0, 1)")

    def share(self, n_averaged: int, progress: float) -> float:
        """Return that of a plain mean; 1 before it starts."""
        return 1.0 / (n_averaged + 1) if self.starts(progress) else 1.0

    def starts(self, progress: float) -> bool:
        """Tell whether the epoch ended behind ``start``."""
        return progress > self.start
