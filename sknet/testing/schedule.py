"""The check of a schedule."""

from __future__ import annotations

import math

from sknet.schedules import Clock, Schedule
from sknet.testing.checker import Checker


_PLANS = (0.0, 1e-9, 0.01, 0.05, 0.1, 0.25, 0.3, 0.5, 0.75, 0.9, 0.999, 1.0)
_EPOCHS = (0, 1, 2, 9, 10, 11, 50, 1000)


def check_schedule(schedule: Schedule) -> None:
    """Check that a schedule meets the requirements of its family.

    Its factors are Python floats, finite and not negative, and not all of them zero;
    the same clock always gives the same factor; and only a schedule with ``is_planned``
    depends on the progress of the training.

    Parameters
    ----------
    schedule : Schedule
        The schedule to check.

    Raises
    ------
    AssertionError
        If a requirement is violated; the message states which one, and at which clock.

    Examples
    --------
    >>> from sknet.schedules import InvScaling
    >>> from sknet.testing import check_schedule
    >>> check_schedule(InvScaling())
    """
    checker = Checker(schedule)
    with checker.converting_errors("check()"):
        schedule.check()
    clocks = [Clock(n, 100 * n, p) for n in _EPOCHS for p in _PLANS]
    factors = [schedule.factor(clock) for clock in clocks]
    for clock, factor in zip(clocks, factors, strict=True):
        # NumPy scalars would promote float32 parameters to float64.
        checker.require(
            type(factor) is float,
            f"factor({clock}) must be a float, got {type(factor).__name__}",
        )
        checker.require(
            math.isfinite(factor) and factor >= 0.0,
            f"factor({clock}) must be finite and >= 0, got {factor!r}",
        )
    checker.require(any(factors), "every factor is zero")
    backwards = [schedule.factor(clock) for clock in reversed(clocks)]
    checker.require(
        backwards[::-1] == factors, "factor is not pure: two values for the same clock"
    )
    if not schedule.is_planned:
        starts = [schedule.factor(clock._replace(progress=0.0)) for clock in clocks]
        checker.require(
            starts == factors, "factor depends on progress, but is_planned is False"
        )
    plateau, floor = schedule.plateau_factor, schedule.rate_floor
    checker.require(
        0.0 < plateau <= 1.0, f"plateau_factor must be in (0, 1], got {plateau!r}"
    )
    checker.require(floor >= 0.0, f"rate_floor must be >= 0, got {floor!r}")
