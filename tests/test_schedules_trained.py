"""Planned learning rates in a training: each step, a warm start, a new plan."""

import numpy as np
import pytest
from counted_steps import TARGET, X, regressor, start_of
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from sknet.optimizers import SGD
from sknet.schedules import Cosine, Warmup


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def constant_value(raw, y):
    """Return a loss whose slope is one everywhere."""
    return raw[:, 0] - y[:, 0]


def constant_slope(raw, y):
    """Return its gradient."""
    del y
    return np.ones_like(raw)


def odometer(schedule, **params):
    """Return a regressor whose bias goes down by the learning rate in each step."""
    base = {"loss": (constant_value, constant_slope), "hidden_layer_sizes": ()}
    base |= {"solver": SGD(momentum=0.0), "learning_rate": schedule}
    base |= {"batch_size": 32, "learning_rate_init": 0.5}
    return regressor(**(base | params))


def cosine(progress, floor=0.0):
    """Return the factor of half a cosine."""
    return floor + (1.0 - floor) * (1.0 + np.cos(np.pi * progress)) / 2.0


def ways(factor, n_epochs=8, n_batches=3):
    """Return the sum of the rates of each epoch."""
    progress = np.arange(n_epochs * n_batches) / (n_epochs * n_batches)
    rates = 0.5 * np.array([factor(p) for p in progress])
    return rates.reshape(n_epochs, n_batches).sum(axis=1)


def warmed(progress):
    """Return the factor of a cosine behind a linear rise over a quarter."""
    if progress < 0.25:
        return progress / 0.25
    return cosine((progress - 0.25) / 0.75)


@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_planned_rate_changes_with_each_step(floor):
    """Half a cosine over the planned steps, down to its floor."""
    model = odometer(Cosine(floor=floor))
    before = start_of(odometer, schedule=Cosine())[0, -1]
    for epoch, way in enumerate(ways(lambda p: cosine(p, floor)), 1):
        model.partial_fit(X, TARGET)
        assert_allclose(before - model.theta_[0, -1], way, rtol=1e-10)
        assert_allclose(
            model.learning_rate_, 0.5 * cosine(epoch / 8, floor), atol=1e-15
        )
        before = model.theta_[0, -1]
    assert_allclose(model.learning_rate_, 0.5 * floor, atol=1e-15)


def test_warm_up_rises_before_the_plan_begins():
    """After the first step, whose rate is next to nothing, by the formula."""
    way = ways(warmed).sum()
    start = start_of(odometer, schedule=Cosine())[0, -1]
    model = odometer(Warmup("cosine", fraction=0.25)).fit(X, TARGET)
    # The share of the very first step is the schedule's own choice: at most a step.
    assert_allclose(start - model.theta_[0, -1], way, atol=0.5 / 6)
    assert model.learning_rate_ == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("n_first", [1, 3, 7])
def test_warm_start_finishes_an_unfinished_plan(n_first):
    """However the first part ended, the plan of ``max_iter`` epochs goes on."""
    whole = odometer(Cosine()).fit(X, TARGET)
    parts = odometer(Cosine(), warm_start=True)
    for _ in range(n_first):
        parts.partial_fit(X, TARGET)
    parts.fit(X, TARGET)
    assert parts.n_iter_ == 8 - n_first
    assert_array_equal(parts.theta_, whole.theta_)


def test_plan_that_ran_out_of_time_is_finished():
    """A fit stopped by ``max_time`` is gone on with."""
    whole = odometer(Cosine()).fit(X, TARGET)
    parts = odometer(Cosine(), warm_start=True, max_time=1e-9)
    with pytest.warns(ConvergenceWarning, match="max_time"):
        parts.fit(X, TARGET)
    assert parts.n_iter_ == 1
    parts.set_params(max_time=None).fit(X, TARGET)
    assert_array_equal(parts.theta_, whole.theta_)


@pytest.mark.parametrize("incremental", [False, True])
def test_finished_plan_is_followed_by_a_new_one(incremental):
    """The next fit, or the next call of ``partial_fit``, starts at the full rate."""
    model = odometer(Cosine(), warm_start=True).fit(X, TARGET)
    for cycle in (1, 2):
        before = model.theta_[0, -1]
        for _ in range(8 if incremental else 1):
            (model.partial_fit if incremental else model.fit)(X, TARGET)
        way = ways(cosine).sum()
        assert_allclose(before - model.theta_[0, -1], way, rtol=1e-10)
        assert model.n_epochs_ == 8 * (cycle + 1)


def test_schedule_without_a_plan_goes_on_beyond_max_iter():
    """A warm start makes ``max_iter`` more epochs."""
    model = odometer("constant", warm_start=True).fit(X, TARGET).fit(X, TARGET)
    assert model.n_iter_ == 8
    assert model.n_epochs_ == 16
