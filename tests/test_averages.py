"""Averages: against explicit weighted sums of all parameters that entered."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknet.averages import AVERAGES, EMA, SWA


def averaged(averaging, thetas):
    """The running average after each of the parameters, equal parts of the plan."""
    average, n_averaged, history = np.full_like(thetas[0], 1e6), 0, []
    for i, theta in enumerate(thetas, start=1):
        progress = i / len(thetas)
        average = average + averaging.share(n_averaged, progress) * (theta - average)
        n_averaged += averaging.starts(progress)
        history.append(average)
    return np.array(history)


@pytest.fixture
def thetas(rng):
    """Parameters after 40 steps or epochs."""
    return rng.standard_normal((40, 3))


# -------------------------------------------------------------------------------- ema


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.99, 0.999])
def test_ema_is_the_plain_mean_at_first(decay, thetas):
    """For the first ``1 / (1 - decay)`` steps; the initial parameters have no part."""
    n_plain = min(round(1 / (1 - decay)), 40)
    history = averaged(EMA(decay), thetas)
    for n in range(1, n_plain + 1):
        assert_allclose(history[n - 1], thetas[:n].mean(axis=0), atol=1e-9)


@pytest.mark.parametrize("decay", [0.5, 0.8, 0.9])
def test_ema_weights_fall_geometrically_behind_the_plain_mean(decay, thetas):
    """The explicit sum: ``1 - decay`` times a power of it; the mean's share at last."""
    n_plain = round(1 / (1 - decay))
    ages = np.arange(40 - n_plain)[::-1]
    late = (1 - decay) * decay**ages @ thetas[n_plain:]
    early = decay ** (40 - n_plain) * thetas[:n_plain].mean(axis=0)
    assert_allclose(averaged(EMA(decay), thetas)[-1], early + late, atol=1e-9)


def test_ema_without_memory_is_the_newest(thetas):
    """``decay=0`` averages nothing."""
    assert_allclose(averaged(EMA(decay=0.0), thetas), thetas, atol=1e-9)


# -------------------------------------------------------------------------------- swa


@pytest.mark.parametrize(
    ("start", "n_last"), [(0.0, 40), (0.5, 20), (0.75, 10), (0.77, 10), (0.99, 1)]
)
def test_swa_is_the_mean_of_the_last_epochs(start, n_last, thetas):
    """Of those whose end lies behind ``start``."""
    history = averaged(SWA(start), thetas)
    assert_allclose(history[-1], thetas[-n_last:].mean(axis=0), atol=1e-9)


def test_swa_is_the_newest_before_it_starts(thetas):
    """A training that ends early has the parameters it reached."""
    history = averaged(SWA(start=0.75), thetas)
    assert_allclose(history[:31], thetas[:31], atol=1e-9)
    assert_allclose(history[31], thetas[30:32].mean(axis=0), atol=1e-9)


def test_swa_goes_on_behind_the_plan():
    """Further epochs enter the same mean."""
    assert SWA().starts(1.0)
    assert SWA().share(n_averaged=19, progress=1.0) == 0.05


# ------------------------------------------------------------------------------- both


@pytest.mark.parametrize("name", AVERAGES)
def test_share_is_a_float_in_the_unit_interval_and_first_all(name):
    """A Python float keeps float32; the first share forgets what was there before."""
    averaging = AVERAGES.make(name)
    for progress in (0.0, 0.5, 1.0):
        assert averaging.share(0, progress) == 1.0
        for n in (0, 1, 10, 10**6):
            share = averaging.share(n, progress)
            assert type(share) is float
            assert 0.0 < share <= 1.0


@pytest.mark.parametrize("name", AVERAGES)
def test_average_of_equal_parameters_is_they_themselves(name):
    """The weights sum to 1 at any time."""
    assert_allclose(averaged(AVERAGES.make(name), np.full((40, 2), 3.0)), 3.0)


def test_ema_counts_steps_and_swa_epochs():
    """That is what the trainer asks for."""
    assert EMA.each_step
    assert not SWA.each_step


@pytest.mark.parametrize(
    ("averaging", "field"),
    [(EMA(1.0), "decay"), (EMA(-0.1), "decay"), (SWA(1.0), "start")],
    ids=str,
)
def test_field_outside_of_its_interval_is_refused(averaging, field):
    """By a message that names it."""
    with pytest.raises(ValueError, match=f"{field} must be"):
        AVERAGES.make(averaging)
