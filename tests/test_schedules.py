"""Schedules: values by hand, boundaries, continuity, warm-up in front of each."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknet.schedules import (
    SCHEDULES,
    Adaptive,
    Clock,
    Constant,
    Cosine,
    CosLog,
    FlatCosine,
    InvScaling,
    OneCycle,
    Schedule,
    Step,
    Warmup,
)


NAMES = list(SCHEDULES)
PLANNED = [
    Cosine(),
    Cosine(floor=0.1),
    OneCycle(),
    OneCycle(peak=0.9, start=1.0, end=1.0),
    CosLog(),
    CosLog(cycles=1),
    FlatCosine(),
    FlatCosine(flat=0.0),
    Warmup(),
    *(Warmup(name, fraction=0.2) for name in NAMES),
]


def at(schedule, progress):
    """Factor at a progress, early in a training."""
    return schedule.factor(Clock(n_epochs=3, n_seen=99, progress=progress))


# ------------------------------------------------------------------- values by hand


@pytest.mark.parametrize(
    ("schedule", "progress", "factor"),
    [
        *((Cosine(), t, f) for t, f in [(0, 1), (1 / 3, 0.75), (0.5, 0.5), (1, 0)]),
        (Cosine(floor=0.2), 0.5, 0.6),
        (Cosine(floor=0.2), 1, 0.2),
        (Cosine(cycles=2), 0.25, 0.5),
        (Cosine(cycles=2), 0.5, 1),
        (Cosine(cycles=2), 0.75, 0.5),
        (Cosine(cycles=2), 1, 0),
        (OneCycle(), 0, 0.04),
        (OneCycle(), 0.15, 0.52),
        (OneCycle(), 0.3, 1),
        (OneCycle(), 0.65, (1 + 4e-6) / 2),
        (OneCycle(), 1, 4e-6),
        *((CosLog(), t, 0) for t in (0, 1 / 15, 3 / 15, 7 / 15, 1)),
        *((CosLog(), (2.0**k - 1) / 15, 1) for k in (0.5, 1.5, 2.5, 3.5)),
        (CosLog(cycles=1), math.sqrt(2) - 1, 1),
        (FlatCosine(), 0.5, 1),
        (FlatCosine(), 0.75, 0.5),
        (FlatCosine(), 1, 0),
        (FlatCosine(flat=0.4), 0.6, 0.75),
        (Warmup(fraction=0.1), 0, 0.01),
        (Warmup(fraction=0.1, start=0), 0.025, 0.25),
        (Warmup(fraction=0.1, start=0.2), 0.05, 0.6),
        (Warmup(fraction=0.1), 0.1, 1),
        (Warmup(Cosine(), fraction=0.2), 0.6, 0.5),
        (Warmup(InvScaling(), fraction=0.2, start=0.0), 0.1, 0.05),
        (Warmup(InvScaling(), fraction=0.2), 0.5, 0.1),
    ],
    ids=str,
)
def test_factor_equals_the_number_worked_by_hand(schedule, progress, factor):
    """At boundaries and in between; the clock stands at 99 samples."""
    assert_allclose(at(schedule, progress), factor, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("peak", [0.028, 0.122, 0.310, 0.688])
def test_coslog_peaks_where_the_paper_says(peak):
    """Three digits of the place are known; the wave is flat there."""
    around = [at(CosLog(), peak + d) for d in (-0.01, 0.0, 0.01)]
    assert around[1] > 0.999
    assert around[1] > max(around[0], around[2])


def test_flat_cosine_equals_the_published_form(rng):
    """``(1 + cos(pi (2 t - 1))) / 2`` in the second half."""
    for t in rng.uniform(0.5, 1.0, size=20):
        expected = (1.0 + math.cos(math.pi * (2.0 * t - 1.0))) / 2.0
        assert_allclose(at(FlatCosine(), t), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("step", "factors"),
    [
        (Step(drop=0.1, every=2), [1, 1, 0.1, 0.1, 0.01]),
        (Step(drop=0.5, every=1), [1, 0.5, 0.25, 0.125, 0.0625]),
        (Step(drop=1.0, every=3), [1, 1, 1, 1, 1]),
    ],
)
def test_step_drops_every_so_many_epochs(step, factors):
    """Nothing but the finished epochs counts."""
    clocks = [Clock(n_epochs=n, n_seen=7 * n, progress=0.3) for n in range(5)]
    assert_allclose([step.factor(clock) for clock in clocks], factors, rtol=1e-14)


# ----------------------------------------------------------------- what all have alike


@pytest.mark.parametrize("name", NAMES)
def test_factor_is_a_float_in_the_unit_interval(name):
    """Over the whole plan and beyond, early and late in a training."""
    schedule = SCHEDULES.make(name)
    for t in np.linspace(-0.2, 1.2, 141).tolist():
        for n_epochs in (0, 1, 500):
            factor = schedule.factor(Clock(n_epochs, 100 * n_epochs, t))
            assert type(factor) is float
            assert 0.0 <= factor <= 1.0


@pytest.mark.parametrize("name", NAMES)
def test_only_a_planned_schedule_reads_the_progress(name):
    """So that an unplanned one may be asked for once an epoch."""
    schedule = SCHEDULES.make(name)
    factors = {at(schedule, t) for t in (0.0, 0.03, 0.4, 0.9)}
    assert (len(factors) > 1) == schedule.is_planned


@pytest.mark.parametrize("schedule", PLANNED, ids=str)
def test_progress_outside_of_the_plan_is_clamped(schedule):
    """Rounding, or going on behind the end, changes nothing."""
    assert at(schedule, -0.5) == at(schedule, 0.0)
    assert at(schedule, 1.5) == at(schedule, 1.0)


@pytest.mark.parametrize("schedule", PLANNED, ids=str)
def test_factor_is_continuous(schedule):
    """Half of the grid's width halves the largest jump; no restarts in the list."""
    jumps = []
    for n in (4000, 8000):
        factors = [at(schedule, t) for t in np.linspace(0.0, 1.0, n + 1).tolist()]
        jumps.append(np.abs(np.diff(factors)).max())
    assert jumps[1] < 0.55 * jumps[0] or jumps[0] == 0.0


@pytest.mark.parametrize("cycles", [1, 2, 3, 7])
def test_cycles_of_cosine_repeat_the_first(cycles):
    """A cycle is the whole schedule on a shorter plan."""
    for cycle in range(cycles):
        for part in (0.1, 0.5, 0.9):
            repeated = at(Cosine(cycles=cycles), (cycle + part) / cycles)
            assert_allclose(repeated, at(Cosine(), part), rtol=1e-12)


def test_flat_cosine_without_flat_part_is_cosine(rng):
    """Two ways to say the same."""
    for t in rng.uniform(size=20):
        assert at(FlatCosine(flat=0.0), t) == at(Cosine(), t)


# ---------------------------------------------------------------------------- warm-up


@pytest.mark.parametrize("then", NAMES)
def test_warmup_rises_to_the_schedule_behind_it(then):
    """A straight line times its first factor, then the schedule on the rest."""
    warmup = Warmup(then, fraction=0.25, start=0.1)
    inner = SCHEDULES.make(then)
    for t, rise in [(0.0, 0.1), (0.125, 0.55), (0.25, 1.0)]:
        assert_allclose(at(warmup, t), rise * at(inner, 0.0), rtol=1e-14)
    for t in (0.4, 0.75, 1.0):
        assert_allclose(at(warmup, t), at(inner, (t - 0.25) / 0.75), rtol=1e-10)


@pytest.mark.parametrize("then", NAMES)
def test_warmup_leaves_plateaus_to_the_schedule_behind_it(then):
    """ "adaptive" goes on to divide the rate, others to end the training."""
    warmup, inner = Warmup(then), SCHEDULES.make(then)
    assert warmup.plateau_factor == inner.plateau_factor
    assert warmup.rate_floor == inner.rate_floor
    assert warmup.is_planned


@pytest.mark.parametrize("then", NAMES)
def test_warmup_passes_the_counts_on(then):
    """Epochs and samples are the true ones, those of the warm-up included."""
    clock = Clock(n_epochs=25, n_seen=2500, progress=1.0)
    assert Warmup(then).factor(clock) == SCHEDULES.make(then).factor(clock)


def test_warmup_may_stand_in_front_of_a_warmup():
    """The inner rise begins where the outer one ends."""
    twice = Warmup(Warmup(fraction=0.5, start=0.2), fraction=0.2, start=0.5)
    assert_allclose(
        [at(twice, t) for t in (0.0, 0.2, 0.6, 0.8)], [0.1, 0.2, 1.0, 1.0], rtol=1e-12
    )


def test_warmup_takes_an_instance_and_keeps_it_in_its_config():
    """A fit can be stored and found again."""
    warmup = Warmup(Cosine(floor=0.1), fraction=0.3)
    assert SCHEDULES.from_config(warmup.to_config()) == warmup
    assert warmup.with_param("then__floor", 0.2) == Warmup(Cosine(0.2), fraction=0.3)


def test_warmup_refuses_what_is_no_schedule():
    """The message lists the schedules."""
    with pytest.raises(ValueError, match="'coslog'"):
        SCHEDULES.make(Warmup("cosinus"))


# ------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("schedule", "field"),
    [
        (Step(drop=0.0), "drop"),
        (Step(every=0), "every"),
        (Cosine(floor=1.5), "floor"),
        (Cosine(cycles=0), "cycles"),
        (OneCycle(peak=0.0), "peak"),
        (OneCycle(peak=1.0), "peak"),
        (OneCycle(start=0.0), "start"),
        (OneCycle(end=-1e-9), "end"),
        (CosLog(cycles=51), "cycles"),
        (FlatCosine(flat=1.0), "flat"),
        (Warmup(fraction=0.0), "fraction"),
        (Warmup(fraction=1.0), "fraction"),
        (Warmup(start=1.1), "start"),
    ],
    ids=str,
)
def test_field_outside_of_its_interval_is_refused(schedule, field):
    """By a message that names it."""
    with pytest.raises(ValueError, match=f"{field} must be"):
        SCHEDULES.make(schedule)


@pytest.mark.parametrize("schedule", [Constant(), Adaptive(), InvScaling(), Step()])
def test_schedule_without_a_plan_says_so(schedule):
    """They are asked for once an epoch, as in scikit-learn."""
    assert isinstance(schedule, Schedule)
    assert not schedule.is_planned
