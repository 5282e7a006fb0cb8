r"""Averages of the parameters during training, often better than the last parameters.

A component only defines the share :math:`s` of the newest parameters :math:`\theta` in
the running average :math:`\bar\theta`; the trainer updates the average by

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
        Whether the average is updated after every step; if not, after every epoch.
    """

    each_step: ClassVar[bool]

    @property
    def is_planned(self) -> bool:
        """Whether the share depends on ``progress``, and so on the length of the plan.

        If so, training that is extended later has to start from scratch.
        """
        return True

    @abstractmethod
    def share(self, n_averaged: int, progress: float) -> float:
        """Return the share, in [0, 1], of the newest parameters in the average.

        ``n_averaged`` is the number of parameter vectors averaged before; ``progress``
        is the fraction of the plan that is done, including the current step or epoch.
        """

    def starts(self, progress: float) -> bool:
        """Return whether parameters at this ``progress`` count in ``n_averaged``."""
        del progress
        return True


AVERAGES: Registry[Averaging] = Registry("averaging of weights", Averaging)


@AVERAGES.register("ema")
@dataclass(frozen=True, repr=False)
class EMA(Averaging):
    r"""An exponential moving average of the parameters after each step.

    It lags behind training by about :math:`1 / (1 - \mathrm{decay})` steps and smooths
    their noise, much as a decreasing learning rate does, so it is most useful with a
    constant learning rate.

    .. math::
        \bar\theta_t = \bar\theta_{t-1} + s_t (\theta_t - \bar\theta_{t-1}), \qquad
        s_t = \max(1 - \mathrm{decay},\, 1 / t)

    Parameters
    ----------
    decay : float in [0, 1), default=0.999
        Share of the average that is kept at each step; larger values remember longer.
        With 0, the average equals the newest parameters.

    Notes
    -----
    While :math:`t \le 1 / (1 - \mathrm{decay})`, the average is the plain mean of
    :math:`\theta_1, \ldots, \theta_t`. Hence its weights always sum to 1, and the
    initial parameters :math:`\theta_0` have weight 0: no bias correction is needed.

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
        """Return the share of a plain mean, but at least ``1 - decay``."""
        del progress
        return max(1.0 - self.decay, 1.0 / (n_averaged + 1))


@AVERAGES.register("swa")
@dataclass(frozen=True, repr=False)
class SWA(Averaging):
    r"""Stochastic weight averaging: the mean over the last epochs of the plan.

    With a learning rate that stays high or restarts, the parameters at the ends of
    epochs lie around a minimum; their mean is closer to its centre.

    .. math::
        \bar\theta = \frac{1}{n} \sum_{i=1}^{n} \theta_i, \qquad \text{kept by} \quad
        s_n = 1 / n

    over the parameters :math:`\theta_i` after the :math:`n` epochs so far that ended
    after ``start``; before that, :math:`s = 1`.

    Parameters
    ----------
    start : float in [0, 1), default=0.75
        Fraction of the planned training before averaging starts; with 0, every epoch is
        averaged.

    Notes
    -----
    Before ``start`` the average equals the newest parameters, so that training that
    ends early also has a sensible result. An epoch that ends exactly at ``start`` is
    not averaged: of ``E`` planned epochs, ``(1 - start) E``, rounded up, are.

    The statistics of batch normalisation are averaged directly, not re-estimated with
    the averaged weights as in the paper.

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
        """Return the share of a plain mean, or 1 before ``start``."""
        return 1.0 / (n_averaged + 1) if self.starts(progress) else 1.0

    def starts(self, progress: float) -> bool:
        """Return whether the epoch ended after ``start``."""
        return progress > self.start
