"""Averages of the parameters: what a training with them publishes."""

import numpy as np
import pytest
from counted_steps import TARGET, X, regressor
from numpy.testing import assert_allclose

from sknet.averages import EMA, SWA


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def snapshots(n_epochs, **params):
    """Return the parameters after each epoch of a training."""
    model = regressor(**params)
    return [model.partial_fit(X, TARGET).theta_.copy() for _ in range(n_epochs)]


def test_averages_do_not_disturb_training():
    """The loss curve is that of the parameters, with and without."""
    curves = [
        regressor(averaging=averaging).fit(X, TARGET).loss_curve_
        for averaging in (None, "ema", "swa")
    ]
    assert curves[0] == curves[1] == curves[2]


@pytest.mark.parametrize("decay", [0.0, 0.7, 0.99])
def test_ema_publishes_the_running_average(decay):
    """Plain means at first, then the newest step has the share 1 - decay."""
    average = 0.0
    for t, theta in enumerate(snapshots(8), 1):
        share = max(1.0 - decay, 1.0 / t)
        average = (1.0 - share) * average + share * theta
    model = regressor(averaging=EMA(decay=decay)).fit(X, TARGET)
    assert_allclose(model.theta_, average, rtol=1e-12)


@pytest.mark.parametrize("start", [0.0, 0.6])
def test_swa_publishes_the_mean_of_the_last_epochs(start):
    """Of eight epochs, those that end in the last 40 per cent are five to eight."""
    params = {"batch_size": 32}
    last = snapshots(8, **params)[4 if start else 0 :]
    model = regressor(averaging=SWA(start=start), **params).fit(X, TARGET)
    assert_allclose(model.theta_, np.mean(last, axis=0), rtol=1e-12)


def test_swa_that_has_not_started_publishes_the_newest():
    """A training that ends early still gives something sensible."""
    model = regressor(averaging=SWA(start=0.6))
    for theta in snapshots(3):
        assert_allclose(model.partial_fit(X, TARGET).theta_, theta, rtol=1e-14)
