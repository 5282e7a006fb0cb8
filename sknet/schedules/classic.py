"""scikit-learn's schedules: constant, invscaling, adaptive."""

from __future__ import annotations

from dataclasses import dataclass

from sknet.fields import real
from sknet.schedules._base import SCHEDULES, Clock, Schedule


@SCHEDULES.register("constant")
@dataclass(frozen=True, repr=False)
class Constant(Schedule):
    r"""The initial learning rate throughout.

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
    r"""A power law in the number of samples seen, updated after each epoch.

    .. math:: s(t) = (t + 1)^{-\mathrm{power\_t}}

    with :math:`t` the samples seen so far; before the first epoch :math:`s = 1`.

    Parameters
    ----------
    power_t : float in [0, inf), default=0.5
        The exponent; larger values fall faster.

    Examples
    --------
    >>> from sknet.schedules import Clock, InvScaling
    >>> InvScaling(power_t=0.5).factor(Clock(n_epochs=1, n_seen=99))
    0.1
    """

    power_t: float = real(0.5, "[0, inf)")

    def factor(self, clock: Clock) -> float:
        """Return the inverse power of the samples seen."""
        return float((clock.n_seen + 1) ** -self.power_t)


@SCHEDULES.register("adaptive")
@dataclass(frozen=True, repr=False)
class Adaptive(Schedule):
    r"""Constant while training improves, a fifth of it after each plateau.

    .. math:: s(t) = 5^{-p}

    with :math:`p` plateaus so far. A plateau is ``n_iter_no_change`` epochs in a row
    without an improvement of ``tol``; training ends at a plateau at 1e-6 or less.

    Notes
    -----
    The division is done by the monitor, which alone sees the loss.
    """

    @property
    def plateau_factor(self) -> float:
        """A fifth."""
        return 0.2

    def factor(self, clock: Clock) -> float:
        """Return 1; the plateaus are counted elsewhere."""
        del clock
        return 1.0
