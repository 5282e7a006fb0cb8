"""The time of a fit is shared by its networks; what it is too short for is left out.

The clock of these tests goes on by a second for each step of a network, which here is
an epoch, and stands still otherwise.
"""

import time
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from sknet import (
    LockstepGridSearchCV,
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.solvers import executor, minibatch


X = load_iris().data
Y = X[:, 0] / 5.0
ROWS = {"batch_size": 150, "random_state": 0, "hidden_layer_sizes": (4,)}
ENDLESS = ROWS | {"max_iter": 1000, "n_iter_no_change": np.inf}
LBFGS = ROWS | {"max_iter": 1000, "solver": "lbfgs"}
REGRESSORS = [SimpleMLPRegressor, TabularMLPRegressor]
KINDS = [*REGRESSORS, SimpleMLPClassifier, TabularMLPClassifier]


class Clock:
    """Stands in for the clock; ``loss`` is a squared error that takes a second."""

    def __init__(self):
        self.now = 0.0

    def value(self, raw, y):
        self.now += 1.0
        return ((raw - y) ** 2).sum(axis=1)

    @staticmethod
    def gradient(raw, y):
        return 2.0 * (raw - y)

    def __deepcopy__(self, memo):
        """Return itself, so that the losses of clones move the same clock."""
        return self

    @property
    def loss(self):
        return self.value, self.gradient


@pytest.fixture
def clock(monkeypatch):
    """Make each network a block, and time pass in seconds of training."""
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)
    monkeypatch.setattr(executor, "BLOCK_BYTES", 1)
    return clock


def fitted(model, y=Y):
    """Fit, and return what was warned of, in a text."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    return " ".join(str(w.message) for w in caught)


def ensemble(kind, clock, max_time, n_networks=12, **params):
    """Return an ensemble whose steps take a second, not fitted."""
    params = ENDLESS | {"early_stopping": False, "n_jobs": 1} | params
    params |= {"n_estimators": n_networks, "max_time": max_time, "loss": clock.loss}
    return kind(**params)


def epochs(model):
    """Return how many epochs each network has made."""
    return [len(curve) for curve in model.member_loss_curves_]


@pytest.mark.parametrize("kind", KINDS)
def test_networks_share_the_time(kind, clock):
    """All get as many epochs; before, the first had them all, and others one."""
    model = ensemble(kind, clock, 72.0)
    said = fitted(model, Y.mean() < Y if "Classifier" in kind.__name__ else Y)
    assert epochs(model) == [6] * 12
    assert clock.now == 72.0
    assert "Training stopped at max_time=72.0 s after 6 iterations" in said
    assert "never started" not in said


def test_time_that_is_left_over_falls_to_the_others(clock):
    """Each block gets its share of what is left when it begins."""
    company = executor.Executor()
    assert company.deadline(12.0, 1 / 3) == 4.0
    clock.now = 1.0  # it has converged
    assert company.deadline(12.0, 1 / 2) == 6.5
    clock.now = 7.0  # the epoch in progress was finished
    assert company.deadline(12.0, 1.0) == 12.0
    clock.now = 12.0
    assert company.deadline(12.0, 1.0) is None
    assert company.deadline(np.inf, 1.0) == np.inf


@pytest.mark.parametrize("kind", REGRESSORS)
def test_networks_that_were_never_begun_are_left_out(kind, clock):
    """Two and a half seconds are enough for an epoch of three networks of 24."""
    model = ensemble(kind, clock, 2.5, n_networks=24)
    said = fitted(model)
    assert epochs(model) == [1, 1, 1]
    assert clock.now == 3.0
    assert "21 of 24 networks were never started" in said
    assert "Raise max_time, or lower n_estimators." in said
    assert len(model.theta_) == len(model.member_seeds_) == 3
    whole = ensemble(kind, clock, None, n_networks=24, max_iter=1)
    fitted(whole)
    assert_array_equal(model.theta_, whole.theta_[:3])
    assert_array_equal(model.member_seeds_, whole.member_seeds_[:3])
    assert np.isfinite(model.predict(X)).all()
    assert model.predict_members(X).shape == (3, 150)


@pytest.mark.parametrize("kind", REGRESSORS)
def test_networks_that_there_is_no_time_to_draw_are_left_out(kind, clock, monkeypatch):
    """Drawing one takes a second here: three of them more than a quarter of ten."""

    def drawn(*args):
        clock.now += 1.0
        return real_initial_theta(*args)

    real_initial_theta = minibatch.initial_theta
    monkeypatch.setattr(minibatch, "initial_theta", drawn)
    model = ensemble(kind, clock, 10.0, n_networks=24)
    said = fitted(model)
    assert epochs(model) == [3, 2, 2]
    assert clock.now == 10.0
    assert "21 of 24 networks were never started" in said
    whole = ensemble(kind, clock, None, n_networks=24, max_iter=1)
    fitted(whole)
    assert_array_equal(model.member_seeds_, whole.member_seeds_[:3])
    quick = ensemble(kind, clock, 10.0, n_networks=24, max_iter=1)
    assert "Training stopped at max_time=10.0" in fitted(quick)
    assert len(quick.estimators_) == 3


def test_single_network_that_is_left_of_several_is_shown_as_one(clock):
    model = ensemble(TabularMLPRegressor, clock, 1e-6, n_networks=4)
    fitted(model)
    (only,) = model.estimators_
    assert_array_equal(only.predict(X), model.predict(X))


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("kind", REGRESSORS)
def test_one_network_is_trained_in_any_case(kind, n_jobs, clock, monkeypatch):
    """However short the time is; it is an ensemble of one."""
    monkeypatch.setattr(executor, "WORTH_A_THREAD", 0)
    model = ensemble(kind, clock, 1e-6, n_networks=4, n_jobs=n_jobs)
    said = fitted(model)
    assert 1 <= len(model.theta_) <= n_jobs
    assert epochs(model) == [1] * len(model.theta_) == [1] * len(model.member_seeds_)
    assert "of 4 networks were never started" in said
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("n_blocks", [1, 2, 5, 12])
@pytest.mark.parametrize("n_jobs", [1, 2, 3])
def test_shares_give_each_network_the_same_time(n_blocks, n_jobs):
    """Of blocks as ``partition`` makes them, one after another on each job."""
    blocks = [[None] * (1 + (i >= n_blocks - n_jobs)) for i in range(n_blocks)]
    shares = executor.shares(blocks, n_jobs)
    for first in range(min(n_jobs, n_blocks)):
        left, each = 1.0, []
        for block, share in list(zip(blocks, shares, strict=True))[first::n_jobs]:
            each += [left * share / len(block)]
            left -= left * share
        assert left == pytest.approx(0.0)
        np.testing.assert_allclose(each, each[0])


def test_a_single_network_has_all_the_time(clock):
    model = ensemble(SimpleMLPRegressor, clock, 7.0, n_networks=1)
    fitted(model)
    assert model.n_iter_ == 7
    assert not hasattr(model, "member_seeds_")


def test_networks_that_are_judged_together_end_together(clock):
    """By one validation set: their epochs are common, and none can be left out."""
    model = ensemble(SimpleMLPRegressor, clock, 8.5, 4, early_stopping=True)
    model.set_params(joint_early_stopping=True, batch_size=135)
    said = fitted(model)
    assert len({*epochs(model)}) == 1
    assert len(model.theta_) == 4
    assert "never started" not in said


# ------------------------------------------------------------------------- going on


def timeless(raw, y):
    """Return the squared error; a loss that counts would be another one each time."""
    return ((raw - y) ** 2).sum(axis=1)


def ticking(epoch, clock):
    """Return an epoch that takes a second."""

    def ticks(session):
        clock.now += 1.0
        epoch(session)

    return ticks


@pytest.mark.parametrize("kind", REGRESSORS)
def test_next_fit_begins_what_was_left_out_of_a_checkpoint(
    kind, clock, tmp_path, monkeypatch
):
    """Each call goes on, first of all with those that have had the least."""
    params = {"n_networks": 4, "max_iter": 3}
    whole = ensemble(kind, clock, None, **params)
    fitted(whole)
    model = ensemble(kind, clock, 2.5, **params, checkpoint=tmp_path / "run.npz")
    model.set_params(loss=(timeless, clock.gradient))
    monkeypatch.setattr(
        executor.Session, "_epoch", ticking(executor.Session._epoch, clock)
    )
    for expected in ([1, 1, 1], [2, 2, 1, 1], [3, 2, 2, 2], [3] * 4):
        fitted(model)
        assert sorted(epochs(model), reverse=True) == expected
        assert (tmp_path / "run.npz").exists() == (expected != [3] * 4)
    assert_array_equal(model.theta_, whole.theta_)
    assert_array_equal(model.member_seeds_, whole.member_seeds_)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_warm_start_keeps_what_an_earlier_fit_has_trained(solver, clock):
    """There is no time for most of them, but they are there already."""
    params = {"n_networks": 4, "solver": solver, "warm_start": True}
    model = ensemble(SimpleMLPRegressor, clock, None, **params, max_iter=3)
    fitted(model)
    before = model.theta_.copy()
    said = fitted(model.set_params(max_time=1e-6))
    assert_array_equal(model.theta_[1:], before[1:])
    assert len(model.member_seeds_) == 4
    assert "Training stopped at max_time" in said
    assert "never started" not in said


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_warm_start_goes_on_with_the_networks_that_there_are(solver, clock):
    """``n_estimators`` is as it was, so that nothing has been asked for anew."""
    params = {"n_networks": 4, "solver": solver, "warm_start": True}
    model = ensemble(SimpleMLPRegressor, clock, 1e-6, **params, max_iter=3)
    fitted(model)
    assert len(model.theta_) == 1
    for _ in range(2):
        fitted(model.set_params(max_time=None))
        assert len(model.theta_) == len(model.member_seeds_) == 1
    with pytest.raises(ValueError, match="number of networks is 5, but was 4"):
        model.set_params(n_estimators=5).fit(X, Y)


@pytest.mark.parametrize("kind", REGRESSORS)
def test_partial_fit_has_no_limit_of_time(kind, clock):
    """It is one epoch, of every network."""
    model = ensemble(kind, clock, 1e-6, n_networks=4)
    for n_calls in (1, 2):
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            model.partial_fit(X, Y)
        assert epochs(model) == [n_calls] * 4


# ------------------------------------------------------------------- other solvers


def test_networks_share_the_time_of_lbfgs(clock):
    """A second each time that the loss is asked for."""
    model = SimpleMLPRegressor(**LBFGS, loss=clock.loss, n_estimators=4, tol=0.0)
    fitted(model.set_params(max_time=40.0))
    assert clock.now <= 40.0 + 2 * 4  # and what is asked for after the end
    assert len(model.theta_) == 4


def test_networks_that_lbfgs_never_began_are_left_out(clock):
    model = SimpleMLPRegressor(**LBFGS, loss=clock.loss, n_estimators=4, tol=0.0)
    said = fitted(model.set_params(max_time=1e-6))
    assert len(model.theta_) == len(model.member_seeds_) == 1
    assert "3 of 4 networks were never started" in said
    assert np.isfinite(model.predict(X)).all()


# --------------------------------------------------------------------------- searches


def test_each_candidate_of_a_search_has_its_own_time(clock):
    """As in scikit-learn: it is that of a fit, and the fits run one by one."""
    model = ensemble(SimpleMLPRegressor, clock, 4.0, n_networks=2, batch_size=100)
    grid = {"alpha": [1e-4, 1.0, 3.0], "max_time": [4.0, 8.0]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # time ends all
        ours, theirs = (
            search(clone(model), grid, cv=3, refit=False).fit(X, Y)
            for search in (LockstepGridSearchCV, GridSearchCV)
        )
    name = "mean_test_score"
    assert_array_equal(ours.cv_results_[name], theirs.cv_results_[name])
    assert clock.now == 2 * 3 * 3 * (4.0 + 8.0)  # searches, values of alpha, folds
