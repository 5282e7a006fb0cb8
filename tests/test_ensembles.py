"""Ensembles: several networks in one fit, each what it would be alone."""

import pickle
import time
import warnings

import numpy as np
import pytest
from interrupting import interrupting_loss
from irises import LENGTH, NET, SPECIES, X, alone
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.metrics import log_loss

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet._rng import bootstrap_counts
from sknet.inspection import named_parameters
from sknet.losses import LogLoss
from sknet.network.blocks import Plain, Residual
from sknet.solvers import executor


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

BATCH, NORMED = Plain(normalization="batch"), Residual(normalization="layer")


def assert_members_equal_single_fits(model, X, y, weights=None, **fit):
    """Parameters, curves and predictions, bit for bit."""
    for k in range(model.n_estimators):
        weight = {} if weights is None else {"sample_weight": weights[k]}
        single = alone(model, k).fit(X, y, **weight, **fit)
        assert_array_equal(single.theta_[0], model.theta_[k])
        assert_array_equal(single.loss_curve_, model.member_loss_curves_[k])
        assert_array_equal(single.predict(X), model.predict_members(X)[k])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"dropout": 0.4, "block": BATCH},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.05},
        {"hidden_layer_sizes": (8, 8), "block": NORMED, "averaging": "ema"},
        {"learning_rate": "one_cycle", "clip_norm": 0.5, "solver": "adamw"},
        {"loss": LogLoss(label_smoothing=0.1), "activation": "mish", "alpha": 0.0},
        {"tol": 0.3, "n_iter_no_change": 1, "max_iter": 60},
        {"early_stopping": True, "joint_early_stopping": False, "n_iter_no_change": 2},
        {"shuffle": False, "averaging": "swa"},
    ],
    ids=lambda params: "-".join(params) or "default",
)
def test_networks_together_equal_each_alone(params, dtype):
    """Each is what ``random_state=member_seeds_[k]`` gives, to the last bit."""
    model = SimpleMLPClassifier(**NET | params, n_estimators=4, dtype=dtype)
    assert_members_equal_single_fits(model.fit(X, SPECIES), X, SPECIES)


@pytest.mark.parametrize("weighted", [False, True])
def test_bootstrap_weighs_rows_by_how_often_they_are_drawn(weighted):
    """A network with bootstrap is one with its counts as weights."""
    weight = 0.5 + np.arange(150) % 3 if weighted else None
    model = SimpleMLPRegressor(**NET, n_estimators=3, bootstrap=True)
    model.fit(X, LENGTH, sample_weight=weight)
    counts = [bootstrap_counts(seed, 150) for seed in model.member_seeds_.tolist()]
    assert all(c.sum() == 150 for c in counts)
    assert len(np.unique(counts, axis=0)) == 3
    weights = [c if weight is None else c * weight for c in counts]
    assert_members_equal_single_fits(model, X, LENGTH, weights)


def test_rows_that_no_network_has_drawn_wait_for_another_batch():
    """A batch may weigh nothing for one network, and much for another."""
    params = {**NET, "batch_size": 2, "max_iter": 3, "dropout": 0.2}
    model = SimpleMLPRegressor(**params, n_estimators=3, bootstrap=True).fit(X, LENGTH)
    weights = [bootstrap_counts(seed, 150) for seed in model.member_seeds_.tolist()]
    assert_members_equal_single_fits(model, X, LENGTH, weights)


@pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"solver": "lbfgs"}])
def test_result_does_not_depend_on_the_number_of_threads(params, monkeypatch):
    """Networks are shared out among threads, a few at a time; nothing else changes."""
    monkeypatch.setattr(executor, "WORTH_A_THREAD", 0)
    monkeypatch.setattr(executor, "BLOCK_BYTES", 2**15)
    model = SimpleMLPClassifier(**NET | params, n_estimators=5)
    one, two = (clone(model).set_params(n_jobs=n).fit(X, SPECIES) for n in (1, 2))
    assert_array_equal(one.theta_, two.theta_)
    assert one.loss_ == two.loss_


def test_lbfgs_trains_an_ensemble_too():
    """One network after the other, from their own initial weights."""
    params = {**NET, "solver": "lbfgs"}
    model = SimpleMLPRegressor(**params, n_estimators=3).fit(X, LENGTH)
    for k in range(3):
        assert_array_equal(alone(model, k).fit(X, LENGTH).theta_[0], model.theta_[k])
    again = clone(model).set_params(warm_start=True, max_iter=3).fit(X, LENGTH)
    before = again.loss_
    assert again.fit(X, LENGTH).loss_ < before


def test_diverged_network_leaves_the_others_as_they_are():
    """Its best weights are restored, as if it was alone; and a warning says so."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 3)) * 30.0, rng.normal(size=300) * 1e3
    params = {"hidden_layer_sizes": (5,), "solver": "sgd", "momentum": 0.0}
    params |= {"learning_rate": "one_cycle", "learning_rate_init": 2e-5, "tol": 0.0}
    params |= {"batch_size": 2, "dropout": 0.1, "max_iter": 8, "random_state": 0}
    model = SimpleMLPRegressor(**params, n_estimators=8)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
        lengths = {len(curve) for curve in model.member_loss_curves_}
        assert len(lengths) > 1, "they diverge in different epochs"
        assert_members_equal_single_fits(model, X, y)
    assert "diverged" in str(caught[0].message)


# --------------------------------------------------------------------- early stopping


def test_early_stopping_picks_the_epoch_of_the_mean_prediction():
    """All networks stop at one epoch; its score is that of their mean."""
    params = {**NET, "early_stopping": True, "max_iter": 60, "scoring": "loss"}
    model = SimpleMLPClassifier(**params, n_estimators=4, learning_rate_init=0.03)
    model.fit(X, SPECIES)
    curve = model.validation_scores_
    assert model.best_validation_score_ == max(curve)
    assert len(curve) == model.n_iter_ == len(model.member_loss_curves_[0])
    best = curve.index(max(curve)) + 1
    again = clone(model).set_params(max_iter=best).fit(X, SPECIES)
    assert_array_equal(again.theta_, model.theta_)
    assert curve[:best] == again.validation_scores_


def test_given_validation_set_judges_the_mean_prediction():
    """The validation loss is that of the averaged probabilities."""
    model = SimpleMLPClassifier(**NET, n_estimators=3)
    model.fit(X, SPECIES, X_val=X, y_val=SPECIES)
    loss = log_loss(SPECIES, model.predict_proba(X))
    assert model.validation_loss_curve_[-1] == pytest.approx(loss, rel=1e-10)
    assert model.validation_scores_[-1] == model.score(X, SPECIES)


def test_scorer_sees_the_whole_ensemble():
    """With a scorer of scikit-learn's kind, too."""
    params = {**NET, "early_stopping": True, "scoring": "neg_log_loss"}
    model = SimpleMLPClassifier(**params, n_estimators=3)
    model.fit(X, SPECIES, X_val=X, y_val=SPECIES)
    assert model.best_validation_score_ == pytest.approx(
        -log_loss(SPECIES, model.predict_proba(X)), rel=1e-10
    )


def test_networks_in_threads_are_scored_each_by_itself(monkeypatch):
    """A scorer sees one network, whatever the others do in the meantime."""
    monkeypatch.setattr(executor, "WORTH_A_THREAD", 0)

    def scoring(model, X, y):
        before = model.predict_proba(X)
        time.sleep(0.01)
        assert_array_equal(model.predict_proba(X), before)
        return -log_loss(y, before)

    params = {
        **NET,
        "early_stopping": True,
        "joint_early_stopping": False,
        "max_iter": 5,
    }
    model = SimpleMLPClassifier(**params, n_estimators=4, n_jobs=4, scoring=scoring)
    model.fit(X, SPECIES, X_val=X, y_val=SPECIES)
    by_name = clone(model).set_params(scoring="neg_log_loss", n_jobs=1)
    by_name.fit(X, SPECIES, X_val=X, y_val=SPECIES)
    assert_array_equal(model.theta_, by_name.theta_)


# -------------------------------------------------------------------------- going on


@pytest.mark.parametrize(
    "params",
    [{}, {"dropout": 0.2, "averaging": "ema"}, {"early_stopping": True}],
    ids=["default", "dropout", "early stopping"],
)
def test_ten_epochs_and_ten_more_are_twenty(params):
    """An ensemble resumes, each network where it was; pickled in between, too."""
    given = {**NET, **params, "warm_start": True, "n_estimators": 3}
    given |= {"tol": 0.0, "n_iter_no_change": 100}
    whole = SimpleMLPClassifier(**given | {"max_iter": 20}).fit(X, SPECIES)
    parts = SimpleMLPClassifier(**given | {"max_iter": 10}).fit(X, SPECIES)
    parts = pickle.loads(pickle.dumps(parts)).fit(X, SPECIES)
    assert_array_equal(whole.theta_, parts.theta_)
    assert whole.member_loss_curves_ == parts.member_loss_curves_


def test_partial_fit_trains_an_ensemble():
    """An epoch a call, for all networks."""
    model = SimpleMLPClassifier(**NET, n_estimators=3)
    for _ in range(4):
        model.partial_fit(X, SPECIES, classes=[0, 1, 2])
    whole = SimpleMLPClassifier(**NET | {"max_iter": 4}, n_estimators=3)
    assert_array_equal(model.theta_, whole.fit(X, SPECIES).theta_)


def test_networks_that_stopped_at_different_times_go_on_from_there():
    """The one that had converged makes an epoch more, as alone."""
    params = {**NET, "tol": 0.05, "n_iter_no_change": 1, "max_iter": 50}
    model = SimpleMLPClassifier(**params, n_estimators=4, warm_start=True)
    model.fit(X, SPECIES)
    singles = [alone(model, k).fit(X, SPECIES) for k in range(4)]
    assert len({single.n_iter_ for single in singles}) > 1
    model.fit(X, SPECIES)
    for k, single in enumerate(singles):
        assert_array_equal(single.fit(X, SPECIES).theta_[0], model.theta_[k])


# --------------------------------------------------------------------- what is refused


def test_ensemble_has_its_networks_in_front_of_its_parameters():
    """By layer they are views of them all."""
    model = SimpleMLPClassifier(**NET, n_estimators=3).fit(X, SPECIES)
    named = named_parameters(model)
    shapes = {name: array.shape for name, array in named.items()}
    assert list(shapes.values()) == [(3, 4, 7), (3, 1, 7), (3, 7, 3), (3, 1, 3)]
    assert all(np.shares_memory(array, model.theta_) for array in named.values())


@pytest.mark.parametrize("name", ["bootstrap", "shared_backbone"])
def test_options_of_an_ensemble_want_one(name):
    """Nothing is ignored in silence."""
    with pytest.raises(ValueError, match=f"{name}=True requires an ensemble"):
        SimpleMLPClassifier(**NET, **{name: True}).fit(X, SPECIES)


def test_number_of_networks_stays():
    """A warm start does not change it."""
    model = SimpleMLPClassifier(**NET, n_estimators=3, warm_start=True)
    model.fit(X, SPECIES).set_params(n_estimators=4)
    with pytest.raises(ValueError, match="number of networks is 4, but was 3"):
        model.fit(X, SPECIES)


def test_single_network_is_told_nothing_of_ensembles():
    """No attribute of an ensemble, and the stream of ``random_state`` itself."""
    model = SimpleMLPClassifier(**NET).fit(X, SPECIES)
    assert model.theta_.shape[0] == 1
    assert not {"member_seeds_", "member_loss_curves_"} & vars(model).keys()


def test_convergence_of_all_is_the_convergence_of_an_ensemble():
    """One network that has not converged is warned about."""
    params = {**NET, "tol": 0.05, "n_iter_no_change": 1, "max_iter": 50}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = SimpleMLPClassifier(**params, n_estimators=4).fit(X, SPECIES)
    longest = max(map(len, model.member_loss_curves_))
    model.set_params(max_iter=longest - 1)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, SPECIES)


def test_parameters_of_what_is_no_network_are_refused():
    with pytest.raises(TypeError, match=r"of sknet, got Ridge.*pipeline\[-1\]"):
        named_parameters(Ridge())


# --------------------------------------------------------------------------- interrupt


def interrupted(n_calls, monkeypatch):
    """Return an ensemble whose networks are trained one by one, not fitted."""
    monkeypatch.setattr(executor, "BLOCK_BYTES", 1)
    loss = interrupting_loss(n_calls)
    params = {"batch_size": 150, "max_iter": 10, "random_state": 0}
    return SimpleMLPRegressor(loss, (5,), n_estimators=4, **params)


def test_interrupted_ensemble_has_the_networks_that_were_trained(monkeypatch):
    """Two are finished, one has begun; of the fourth there is nothing to publish."""
    model = interrupted(25, monkeypatch)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, LENGTH)
    assert len(model.theta_) == len(model.member_seeds_) == 3
    assert [len(curve) for curve in model.member_loss_curves_] == [10, 10, 4]
    assert model.predict(X).shape == (150,)


def test_interrupt_before_any_network_is_trained_is_passed_on(monkeypatch):
    """The estimator is what it was."""
    model = interrupted(1, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, LENGTH)
    assert "theta_" not in vars(model)
