"""A training that goes on with other data: the best belongs to what measured it."""

import itertools
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

import sknet
from sknet import (
    SKOPS_TRUSTED,
    Checkpoint,
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 400
RNG = np.random.default_rng(0)
X, X2 = RNG.normal(size=(2, N, 3)).round(3)
VALUE = 3.0 * np.sin(X[:, 0]) + X[:, 1]
VALUE2 = -3.0 * np.sin(X2[:, 0]) + X2[:, 1] + RNG.normal(size=N)
VAL = {"X_val": X[300:], "y_val": VALUE[300:]}
SIMPLE = {"hidden_layer_sizes": (32,), "early_stopping": True, "max_iter": 60}
SIMPLE |= {"learning_rate_init": 0.02, "random_state": 0, "warm_start": True}
TABULAR = {"hidden_layer_sizes": (16,), "max_iter": 12, "n_estimators": 1}
TABULAR |= {"random_state": 0, "warm_start": True, "n_jobs": 1}
MODELS = {
    "classifier": SimpleMLPClassifier(**SIMPLE),
    "regressor": SimpleMLPRegressor(**SIMPLE),
    "together": SimpleMLPRegressor(**SIMPLE, n_estimators=3),
    "each alone": SimpleMLPClassifier(
        **SIMPLE, n_estimators=3, joint_early_stopping=False
    ),
    "bootstrap": SimpleMLPRegressor(**SIMPLE, n_estimators=3, bootstrap=True),
    "backbone": SimpleMLPRegressor(**SIMPLE, n_estimators=3, shared_backbone=True),
    "table classifier": TabularMLPClassifier(**TABULAR),
    "table regressor": TabularMLPRegressor(**TABULAR),
    "tables": TabularMLPClassifier(**TABULAR | {"n_estimators": 3}),
}
every_model = pytest.mark.parametrize("name", MODELS)


CALLS = itertools.count()


def falling(model, X, y):
    """Score worse with every call: no epoch after the first is an improvement."""
    del model, X, y
    return float(-next(CALLS))


def model_of(name, **params):
    """Return an unfitted estimator."""
    return clone(MODELS[name]).set_params(**params)


def fitted(model, X, value, **val):
    """Fit to values, or to their signs."""
    if "Classifier" in type(model).__name__:
        value = (value > 0.0).astype(int)
        if "y_val" in val:
            val["y_val"] = (val["y_val"] > 0.0).astype(int)
    return model.fit(X, value, **val)


def forgotten(model):
    """Return a copy that knows its weights and memory, but no best."""
    model = pickle.loads(pickle.dumps(model))
    kept = model._training["history"]
    n = len(model.theta_)
    kept["best_score"], kept["best_loss"] = [-np.inf] * n, [np.inf] * n
    kept["n_no_improvement"], kept["first_epoch"] = [0] * n, [model.n_epochs_] * n
    return model


def new_scores(model, n_before):
    """Return the validation scores of the last fit."""
    return model.validation_scores_[n_before:]


# ------------------------------------------------------------------------- other data


@every_model
@pytest.mark.parametrize("n_rows", [N, N - 1])
def test_other_rows_are_learned_as_if_there_had_been_no_best(name, n_rows):
    """As many rows as before are not those of before."""
    model = fitted(model_of(name), X, VALUE)
    old = model.theta_.copy()
    fitted(model, X2[:n_rows], VALUE2[:n_rows])
    assert (model.theta_ != old).any(axis=1).all()
    y2 = VALUE2 if "Classifier" not in type(model).__name__ else VALUE2 > 0.0
    assert model.score(X2, y2) > 0.6


@every_model
@pytest.mark.parametrize(
    "again", [lambda m: m, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_other_validation_set_has_a_best_of_its_own(name, again):
    """Whatever the first set said; the rows to train on are the same."""
    model = again(fitted(model_of(name, max_iter=4), X[:300], VALUE[:300], **VAL))
    best, n_before = model.best_validation_score_, len(model.validation_scores_)
    blank = forgotten(model)
    val = {"X_val": X2[300:], "y_val": VALUE2[300:]}
    fitted(model, X[:300], VALUE[:300], **val)
    fitted(blank, X[:300], VALUE[:300], **val)
    assert_array_equal(model.theta_, blank.theta_)
    assert model.best_validation_score_ == max(new_scores(model, n_before)) < best


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"sample_weight_val": np.r_[np.zeros(50), np.ones(50)]}),
        ({}, {"y_val": VALUE[:100]}),
        ({"sample_weight_val": np.ones(100)}, {"sample_weight_val": np.arange(100.0)}),
    ],
    ids=["weights at all", "targets", "weights"],
)
@pytest.mark.parametrize("name", ["regressor", "table regressor"])
def test_each_part_of_a_validation_set_counts(name, first, second):
    model = fitted(model_of(name, max_iter=4), X[:300], VALUE[:300], **VAL | first)
    blank, n_before = forgotten(model), len(model.validation_scores_)
    for each in (model, blank):
        fitted(each, X[:300], VALUE[:300], **VAL | second)
    assert_array_equal(model.theta_, blank.theta_)
    assert model.best_validation_score_ == max(new_scores(model, n_before))


def median_score(model, X, y):
    """Score by the median error."""
    return -np.median(abs(model.predict(X) - y))


SCORERS = {
    "simple": ("classifier", {"scoring": "neg_log_loss"}),
    "loss": ("classifier", {"scoring": "loss"}),
    "table": ("table classifier", {"scoring": "accuracy"}),
    "uncalibrated": ("table classifier", {"calibrate": False}),
    "smoothed": (
        "table classifier",
        {"loss": sknet.losses.LogLoss(label_smoothing=0.2)},
    ),
    "value": ("regressor", {"scoring": median_score}),
    "values": ("table regressor", {"scoring": median_score}),
    "huber": ("table regressor", {"loss": sknet.losses.Huber(0.1)}),
    "each alone": ("together", {"joint_early_stopping": False}),
}


@pytest.mark.parametrize(("name", "changed"), SCORERS.values(), ids=SCORERS)
def test_other_measure_has_a_best_of_its_own(name, changed):
    """Another scorer, or another loss where that is watched, on the same rows."""
    model = fitted(model_of(name, max_iter=3), X, VALUE)
    n_before = len(model.validation_scores_)
    old = model.theta_.copy()
    model = fitted(model.set_params(max_iter=9, **changed), X, VALUE)
    assert (model.theta_ != old).any(axis=1).all()
    if len(old) == 1:
        assert model.best_validation_score_ == max(new_scores(model, n_before))


@pytest.mark.parametrize("name", ["classifier", "tables"])
@pytest.mark.parametrize("fraction", [0.05, 0.3])
def test_other_share_of_validation_rows_is_split_off_anew(name, fraction):
    """The parameter acts, and the best starts anew."""
    model = fitted(model_of(name), X, VALUE)
    n_before = len(model.validation_scores_)
    fitted(model.set_params(validation_fraction=fraction), X, VALUE)
    rows = np.asarray(model._training["validation_rows"])
    assert rows.shape[1] == fraction * N
    order = np.asarray(model._training["order"])
    for row, others in zip(rows, order, strict=True):
        assert_array_equal(np.sort([*row, *others]), np.arange(N))
    if len(model.theta_) == 1:
        assert model.best_validation_score_ == max(new_scores(model, n_before))


@pytest.mark.parametrize("together", [False, True])
def test_networks_may_be_stopped_together_or_alone_from_now_on(together):
    """Rows that some have been trained on are no common validation set."""
    model = model_of("together", joint_early_stopping=not together, max_iter=4)
    fitted(model, X, VALUE)
    n_before = len(model.validation_scores_)
    for _ in range(2):
        fitted(model.set_params(joint_early_stopping=together), X, VALUE)
        rows = np.asarray(model._training["validation_rows"])
        order = np.asarray(model._training["order"])
        assert len(rows) == (1 if together else 3)
        assert not any(
            np.intersect1d(rows[k % len(rows)], order[k]).size for k in (0, 1, 2)
        )
    if together:
        assert model.best_validation_score_ == max(new_scores(model, n_before))


@every_model
def test_patience_counts_anew_on_other_data(name):
    """After epochs without an improvement, and however many there were before."""
    model = model_of(name, n_iter_no_change=3, max_iter=40, scoring=falling)
    n_first = fitted(model, X, VALUE).n_iter_
    more = {"table classifier": 1, "tables": 1, "table regressor": 2}
    assert n_first == 5 + more.get(name, 0)
    for rows, value, n_epochs in ((X2, VALUE2, n_first), (X2, VALUE2, 1)):
        fitted(model, rows, value)
        assert model.n_iter_ == n_epochs


def test_best_on_the_same_validation_set_stays_the_best():
    """Other rows are trained on, and do not help: what was published stays."""
    model = fitted(model_of("regressor"), X[:300], VALUE[:300], **VAL)
    best, theta = model.best_validation_score_, model.theta_.copy()
    fitted(model, X2[:300], VALUE2[:300], **VAL)
    assert model.n_iter_ > 10  # it had the patience of a new training
    assert model.best_validation_score_ == best
    assert_array_equal(model.theta_, theta)


def test_score_of_edited_weights_is_not_that_of_before():
    """The best score was that of others."""
    model = fitted(model_of("regressor", max_iter=10), X, VALUE)
    n_before = len(model.validation_scores_)
    model.coefs_ = [-weights for weights in model.coefs_]
    fitted(model.set_params(max_iter=2), X, VALUE)
    assert model.best_validation_score_ == max(new_scores(model, n_before))


def test_score_that_sklearn_measured_is_not_compared_with():
    """Its split is not known here, and a validation set is another one."""
    params = {name: SIMPLE[name] for name in SIMPLE if name != "max_iter"}
    mlp = MLPRegressor(**params, max_iter=20).fit(X, VALUE)
    model = SimpleMLPRegressor.from_sklearn(mlp).set_params(max_iter=3)
    fitted(model, X2, VALUE2, X_val=X2[300:], y_val=VALUE2[300:])
    assert model.best_validation_score_ == max(model.validation_scores_[-3:])


# ------------------------------------------------------------- without early stopping


@every_model
def test_training_loss_of_other_data_is_not_compared_with(name):
    """Else a fit ends after n_iter_no_change epochs, since the old loss was less."""
    params = {"early_stopping": False, "learning_rate": "constant", "max_iter": 200}
    params |= {"n_iter_no_change": 3, "learning_rate_init": 0.005}
    model = fitted(model_of(name, **params), X, VALUE)
    blank = forgotten(model)
    noisy = VALUE2 + 2.0 * X2[:, 2]
    for each in (model, blank):
        fitted(each, X2, noisy)
    assert model.n_iter_ == blank.n_iter_ > 4
    assert_array_equal(model.theta_, blank.theta_)
    assert model.best_loss_ == blank.best_loss_


def test_loss_with_another_penalty_is_not_compared_with():
    params = {"early_stopping": False, "max_iter": 200, "n_iter_no_change": 3}
    model = fitted(model_of("regressor", **params), X, VALUE)
    fitted(model.set_params(alpha=30.0), X, VALUE)
    assert model.n_iter_ > 10
    assert model.best_loss_ == min(model.loss_curve_[-model.n_iter_ :])


def test_training_that_diverges_on_other_data_goes_back_to_their_best_epoch():
    """Where the old least loss was never reached again there was nothing to go to."""
    params = {"early_stopping": False, "solver": "sgd", "max_iter": 60}
    model = fitted(model_of("regressor", **params), X, VALUE)
    model.set_params(learning_rate_init=1.2, momentum=0.0)
    with pytest.warns(ConvergenceWarning, match="diverged in iteration"):
        fitted(model, X2, 3.0 * VALUE2)
    assert np.isfinite(model.theta_).all()


# ---------------------------------------------------------------------------- the plan


@pytest.mark.parametrize("name", ["table classifier", "table regressor", "tables"])
def test_plan_begins_again_on_other_data_and_is_finished_on_the_same(name):
    """Else other data get what is left: a few epochs at a vanishing rate."""
    model = fitted(model_of(name, n_iter_no_change=1, scoring=falling), X, VALUE)
    assert 1 < model.n_iter_ < 8
    model.set_params(n_iter_no_change=np.inf)
    same, other = (pickle.loads(pickle.dumps(model)) for _ in range(2))
    assert fitted(same, X, VALUE).n_iter_ == 12 - model.n_iter_
    assert fitted(other, X2, VALUE2).n_iter_ == 12


def test_adaptive_rate_starts_again_on_other_data():
    """Where it had come to its floor, there was nothing left to learn with."""
    params = {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1}
    model = model_of("regressor", **params, tol=0.01, max_iter=500)
    fitted(model, X, VALUE)
    assert model.learning_rate_ < 1e-5
    assert fitted(model, X, VALUE).n_iter_ < 5
    assert fitted(model, X2, VALUE2).score(X2, VALUE2) > 0.6


# ----------------------------------------------------------------------- the same data

CONTAINERS = {
    "list": np.ndarray.tolist,
    "columns": np.asfortranarray,
    "float32": lambda x: x.astype(np.float32),
    "integers": lambda x: x.astype(np.int32),
    "sparse": sparse.csr_matrix,
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_same_values_in_another_container_are_the_same_data(container, early_stopping):
    """Ten epochs and ten more are twenty, also in what is counted."""
    grid = (X * 3).round()
    first = sparse.csc_array(grid) if container == "sparse" else grid
    params = {"early_stopping": early_stopping, "n_iter_no_change": 8, "tol": 0.02}
    params |= {"dtype": "float64"}
    whole = model_of("regressor", max_iter=40, **params)
    fitted(whole, first, VALUE)
    parts = model_of("regressor", max_iter=10, **params)
    fitted(fitted(parts, first, VALUE), CONTAINERS[container](grid), VALUE)
    fitted(parts.set_params(max_iter=20), first, VALUE)
    assert_array_equal(parts.theta_, whole.theta_)
    assert parts.n_epochs_ == whole.n_epochs_ < 40


@every_model
def test_saved_model_knows_its_validation_set(name):
    """The same data are the same after a file, and others are others."""
    params = {"max_iter": 4, "learning_rate": "constant"}
    model = fitted(model_of(name, **params), X, VALUE)
    skops = pytest.importorskip("skops.io")
    loaded = skops.loads(skops.dumps(model), trusted=SKOPS_TRUSTED)
    for rows, value in ((X, VALUE), (X2, VALUE2)):
        fitted(model, rows, value)
        fitted(loaded, rows, value)
        assert_array_equal(loaded.theta_, model.theta_)
        assert loaded.best_validation_score_ == model.best_validation_score_


@every_model
def test_killed_training_on_other_data_goes_on(name, tmp_path):
    """To the same bits."""
    begun = pickle.dumps(fitted(model_of(name), X, VALUE))
    whole = fitted(pickle.loads(begun), X2, VALUE2)
    model = pickle.loads(begun)
    path = Checkpoint(tmp_path / "run.npz", epochs=1)
    model.set_params(checkpoint=path, max_time=1e-9)
    with pytest.warns(ConvergenceWarning, match="max_time"):
        fitted(model, X2, VALUE2)
    model = pickle.loads(begun).set_params(checkpoint=path)
    fitted(model, X2, VALUE2)
    assert_array_equal(model.theta_, whole.theta_)
    assert model.validation_scores_ == whole.validation_scores_


def test_partial_fit_in_between_leaves_no_best_behind():
    """Its chunks are other data, each time."""
    model = fitted(model_of("regressor", early_stopping=False), X, VALUE)
    model.partial_fit(X[:20], VALUE[:20])
    blank = forgotten(model)
    for each in (model, blank):
        fitted(each, X, VALUE)
    assert_array_equal(model.theta_, blank.theta_)
    assert model.best_loss_ == blank.best_loss_
