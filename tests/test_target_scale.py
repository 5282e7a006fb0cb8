"""The scale of a target follows the loss: what is far off counts as it does there."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import r2_score

from sknet import LockstepGridSearchCV, TabularMLPRegressor
from sknet.losses import VALUE_LOSSES, AbsoluteError, Quantile, SquaredError
from sknet.problem.value_target import target_scale
from sknet.testing import check_loss, temporarily_registered


RNG = np.random.default_rng(0)
N = 800
X, X_NEW = RNG.normal(size=(N, 3)), RNG.normal(size=(500, 3))
CLEAN, CLEAN_NEW = (3.0 * np.sin(Z[:, 0]) + Z[:, 1] for Z in (X, X_NEW))
NETWORK = TabularMLPRegressor(
    (32, 32), n_estimators=1, max_iter=20, n_jobs=1, random_state=0
)
ROBUST = ["absolute_error", "huber", "log_cosh", Quantile((0.1, 0.5, 0.9))]
robust = pytest.mark.parametrize("loss", ROBUST, ids=str)


def by_quantiles(y, weight=None):
    """Return centre and spread of a single target."""
    scale = target_scale(np.reshape(y, (-1, 1)), weight, True, "quantiles")
    return float(scale.mean[0]), float(scale.deviation[0])


def point(model, X):
    """Return one value a row: of several levels the middle one."""
    found = model.predict(X)
    return found if found.ndim == 1 else found[:, found.shape[1] // 2]


# ------------------------------------------------------------------------- the measure


@pytest.mark.parametrize("wrong", [1e4, -1e7, 1e30, 1e300, np.finfo(float).max])
def test_quantile_scale_does_not_see_how_far_off_a_value_is(wrong):
    y = RNG.normal(5.0, 2.0, size=20_000)
    near, far = y.copy(), y.copy()
    near[7], far[7] = np.copysign(1e3, wrong), wrong
    assert by_quantiles(far) == by_quantiles(near)
    assert_allclose(by_quantiles(far), by_quantiles(y), rtol=0.02)


def test_quantile_scale_of_normal_values_is_mean_and_deviation():
    y = RNG.normal(-3.0, 4.0, size=200_000)
    assert_allclose(by_quantiles(y), (-3.0, 4.0), rtol=0.01)


@pytest.mark.parametrize("n_zeros", [0, 49, 50, 74, 75, 76, 90, 98])
def test_quantile_scale_is_that_of_the_amounts_however_many_zeros_there_are(n_zeros):
    """Where quartiles are equal, or nearly so, the values beside the zeros count."""
    amounts = np.geomspace(1.0, 100.0, 100)
    y = np.r_[np.zeros(100 * n_zeros // (100 - n_zeros)), amounts]
    centre, spread = by_quantiles(y)
    assert 0.0 <= centre <= np.median(amounts)
    assert 1.0 < spread <= y.std()
    assert by_quantiles(np.r_[y, 1e9])[1] < 50.0


def test_quantile_scale_counts_rows_by_weight():
    y, times = RNG.exponential(size=(60, 2)), RNG.integers(0, 4, size=60)
    weighted = target_scale(y, times.astype(float), True, "quantiles")
    repeated = target_scale(np.repeat(y, times, axis=0), None, True, "quantiles")
    assert_allclose(weighted.mean, repeated.mean, rtol=1e-14)
    assert_allclose(weighted.deviation, repeated.deviation, rtol=1e-14)
    assert_array_equal(weighted.least, repeated.least)


def test_quantile_scale_is_a_change_of_units():
    y = RNG.exponential(size=101)
    centre, spread = by_quantiles(y)
    assert by_quantiles(y * 2.0**900) == (centre * 2.0**900, spread * 2.0**900)
    assert by_quantiles(y * 2.0**-900) == (centre * 2.0**-900, spread * 2.0**-900)
    assert_allclose(by_quantiles(-7.0 * y + 2.0), (-7.0 * centre + 2.0, 7.0 * spread))


@pytest.mark.parametrize("y", [[7.0], [0.0, 0.0], [1e300, 1e300], [3.0, 3.0 + 4e-16]])
def test_quantile_scale_of_equal_values_is_one(y):
    assert by_quantiles(y) == (y[0], 1.0)


@pytest.mark.parametrize("scaling", ["moments", "quantiles"])
def test_scale_of_the_largest_numbers_is_finite(scaling):
    largest = np.finfo(float).max
    y = np.array([-1.0, -1.0, 1.0, 1.0])[:, None] * largest
    scale = target_scale(y, None, True, scaling)
    assert np.isfinite([scale.mean, scale.deviation]).all()
    assert np.isfinite(scale.forward(y)).all()
    assert_allclose(scale.backward(scale.forward(y)), y)


# ------------------------------------------------------------------------ what is asked


def test_losses_say_what_they_are_scaled_by():
    said = {name: VALUE_LOSSES[name]().scaling for name in VALUE_LOSSES}
    assert said == {
        "squared_error": "moments",
        "gaussian": "moments",
        "mean_quantiles": ("moments", "quantiles", "quantiles", "quantiles"),
        "absolute_error": "quantiles",
        "huber": "quantiles",
        "log_cosh": "quantiles",
        "quantile": "quantiles",
        "poisson": None,
        "gamma": None,
        "custom": None,
    }


@robust
def test_a_network_is_scaled_as_its_loss_says(loss):
    y = np.c_[CLEAN, RNG.exponential(size=N)]
    weight = RNG.integers(0, 3, size=N).astype(float)
    model = clone(NETWORK).set_params(loss=loss, max_iter=1)
    model.fit(X, y, sample_weight=weight)
    scale = target_scale(y, weight, True, "quantiles")
    assert_array_equal(model.target_mean_, scale.mean)
    assert_array_equal(model.target_deviation_, scale.deviation)


@pytest.mark.parametrize("given", ["instance", "parameter"])
def test_targets_behind_an_output_activation_are_not_scaled(given):
    """A range that an activation keeps is in units of the target."""
    loss = SquaredError(output_activation="exp") if given == "instance" else None
    model = clone(NETWORK).set_params(max_iter=2)
    model.set_params(**{"loss": loss} if loss else {"output_activation": "exp"})
    model.fit(X, np.exp(CLEAN))
    assert model.target_mean_ is None
    assert (model.predict(X) > 0.0).all()


@dataclass(frozen=True, repr=False)
class DoubleError(AbsoluteError):
    """The absolute error again."""

    scaling: ClassVar[str] = "quantiles"


@dataclass(frozen=True, repr=False)
class MisspeltScale(AbsoluteError):
    """A scale that there is not."""

    scaling: ClassVar[str] = "quartiles"


def test_a_loss_of_ones_own_says_its_scale():
    with temporarily_registered(VALUE_LOSSES, "double_error", DoubleError):
        model = clone(NETWORK).set_params(loss="double_error", max_iter=1)
        assert model.fit(X, CLEAN).target_mean_ == by_quantiles(CLEAN)[0]
    with pytest.raises(AssertionError, match=r"scaling must be .* got 'quartiles'"):
        check_loss(MisspeltScale())
    with pytest.raises(ValueError, match=r"scaling must be .* got 'quartiles'"):
        clone(NETWORK).set_params(loss=MisspeltScale()).fit(X, CLEAN)


# --------------------------------------------------------------------- what comes of it


@robust
@pytest.mark.parametrize("wrong", [1e5, -1e7, 1e12, 1e30, 1e300])
def test_one_wrong_target_changes_little(loss, wrong):
    y = CLEAN.copy()
    y[5] = wrong
    model = clone(NETWORK).set_params(loss=loss).fit(X, y)
    assert r2_score(CLEAN_NEW, point(model, X_NEW)) > 0.9


# That networks of few epochs have not converged is no news.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@robust
def test_wrong_targets_of_an_ensemble_and_of_one_target_among_two(loss):
    y = np.c_[CLEAN, CLEAN]
    y[:40, 1] = 1e7
    model = clone(NETWORK).set_params(loss=loss, n_estimators=2).fit(X, y)
    found = model.predict(X_NEW)
    for j in range(2):
        values = found[:, j] if found.ndim == 2 else found[:, j, 1]
        assert r2_score(CLEAN_NEW, values) > 0.9


@robust
def test_units_of_a_target_do_not_matter(loss):
    model = clone(NETWORK).set_params(loss=loss, dtype="float64", max_iter=4)
    one, other = model.fit(X, CLEAN).predict(X), clone(model).fit(X, 1024.0 * CLEAN)
    assert_allclose(other.predict(X), 1024.0 * one, rtol=1e-9)


@pytest.mark.parametrize("wrong", [1e4, -1e7, 1e30])
def test_one_wrong_target_moves_the_mean_and_no_quantile_beside_it(wrong):
    """Mean and levels of one network have a scale each."""
    levels, y = (0.1, 0.5, 0.9), np.c_[CLEAN, CLEAN]
    y[5, 1] = wrong
    model = clone(NETWORK).set_params(quantiles=levels).fit(X, y)
    found = model.predict(X_NEW, quantiles=levels)
    for j in range(2):
        assert r2_score(CLEAN_NEW, found[:, j, 1]) > 0.9
    mean = model.target_mean_.reshape(2, 4)
    assert_allclose(mean[:, 0], y.mean(axis=0), rtol=1e-12)
    assert_array_equal(mean[:, 1:], np.tile(np.median(y, axis=0)[:, None], 3))
    assert r2_score(CLEAN_NEW, model.predict(X_NEW)[:, 0]) > 0.9


def test_spread_of_means_beside_quantiles_is_in_units_of_the_target():
    model = clone(NETWORK).set_params(quantiles=(0.1, 0.9), n_estimators=3, max_iter=3)
    model.set_params(clip_predictions=False).fit(X, np.c_[CLEAN, 100.0 * CLEAN**3])
    mean, std = model.predict(X_NEW, return_std=True)
    members = model.predict_members(X_NEW)
    assert_allclose(std, members.std(axis=0), rtol=1e-4)
    assert_allclose(mean, members.mean(axis=0), rtol=1e-3, atol=1e-3)


def test_a_search_scales_each_candidate_by_its_loss():
    model = clone(NETWORK).set_params(max_iter=3)
    y = CLEAN.copy()
    y[5] = 1e7
    grid = {"loss": ["squared_error", "absolute_error"]}
    search = LockstepGridSearchCV(
        model, grid, cv=[(np.arange(N), np.arange(N))], refit=False
    ).fit(X, y)
    alone = [clone(model).set_params(loss=loss).fit(X, y) for loss in grid["loss"]]
    assert_array_equal(
        search.cv_results_["mean_test_score"], [m.score(X, y) for m in alone]
    )
