"""The schedules of scikit-learn: constant, invscaling and adaptive."""

from __future__ import annotations

from dataclasses import dataclass

from sknet.fields import real
from sknet.schedules._base import SCHEDULES, Clock, Schedule


@SCHEDULES.register("constant")
@dataclass(frozen=True, repr=False)
class Constant(Schedule):
    r"""A constant learning rate.

    .. math:: s(t) = 1

    Examples
    --------
    >>> from sknet.schedules import Clock, Constant
    >>> Constant().factor(Clock(n_epochs=3, n_seen=300))
    1.0
    """

    def factor(self, clock: Clock) -> float:
        """Return 1."""
        del clock
        return 1.0


@SCHEDULES.register("invscaling")
@dataclass(frozen=True, repr=False)
class InvScaling(Schedule):
    r"""Inverse scaling: a power of the number of samples seen, updated each epoch.

    .. math:: s(t) = (t + 1)^{-\mathrm{power\_t}}

    with :math:`t` the number of samples seen so far; in the first epoch :math:`s = 1`.

    Parameters
    ----------
    power_t : float in [0, inf), default=0.5
        The exponent; with larger values, the rate decreases faster.

    Examples
    --------
    >>> from sknet.schedules import Clock, InvScaling
    >>> InvScaling(power_t=0.5).factor(Clock(n_epochs=1, n_seen=99))
    0.1
    """

    power_t: float = real(0.5, "[0, inf)")

    def factor(self, clock: Clock) -> float:
        """Return the inverse power of the number of samples seen."""
        return float((clock.n_seen + 1) ** -self.power_t)


@SCHEDULES.register("adaptive")
@dataclass(frozen=True, repr=False)
class Adaptive(Schedule):
    r"""Constant while training improves, divided by five at each plateau.

    .. math:: s(t) = 5^{-p}

    with :math:`p` the number of plateaus so far. A plateau is ``n_iter_no_change``
    consecutive epochs without an improvement of ``tol``; training ends at a plateau
    with a learning rate of 1e-6 or less.

    Notes
    -----
    The division is done by the monitor, because only the monitor sees the loss.
    """

    @property
    def plateau_factor(self) -> float:
        """One fifth."""
        return 0.2

    def factor(self, clock: Clock) -> float:
        """Return 1; the monitor counts the plateaus."""
        del clock
        return 1.0
