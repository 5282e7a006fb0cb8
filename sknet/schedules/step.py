"""The step schedule: drops after fixed numbers of epochs."""

from __future__ import annotations

from dataclasses import dataclass

from sknet.fields import real, whole
from sknet.schedules._base import SCHEDULES, Clock, Schedule


@SCHEDULES.register("step")
@dataclass(frozen=True, repr=False)
class Step(Schedule):
    r"""A learning rate that drops by a constant factor at fixed intervals.

    It needs no planned length, so it suits training that may be continued. "adaptive"
    drops at plateaus instead of at fixed times.

    .. math:: s(t) = \mathrm{drop}^{\lfloor t / \mathrm{every} \rfloor}

    with :math:`t` the number of finished epochs.

    Parameters
    ----------
    drop : float in (0, 1], default=0.5
        Factor on the learning rate at each drop; 1 leaves it constant.
    every : int in [1, inf), default=10
        Number of epochs between drops.

    Examples
    --------
    >>> from sknet.schedules import Clock, Step
    >>> [Step(every=2).factor(Clock(n_epochs=n)) for n in range(6)]
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """

    drop: float = real(0.5, "(0, 1]")
    every: int = whole(10, "[1, inf)")

    def factor(self, clock: Clock) -> float:
        """Return ``drop`` to the power of the number of drops so far."""
        return float(self.drop ** (clock.n_epochs // self.every))
