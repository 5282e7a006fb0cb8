"""Early stopping where a class is rare: splits in proportion, and what scorers get."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.model_selection import GridSearchCV, train_test_split

from sknet import (
    Checkpoint,
    LockstepGridSearchCV,
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
)
from sknet.solvers.validation_set import NoSplitError, split_in_proportion


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 200
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 4))
SIDE = (X[:, 0] > 0.0).astype(int)
RARE = SIDE.copy()
RARE[RNG.permutation(N)[:10]] = 2
NAMES = np.array(["fair", "good", "bad"])
SIMPLE = {"hidden_layer_sizes": (8,), "early_stopping": True, "max_iter": 15}
SIMPLE |= {"learning_rate_init": 0.02, "random_state": 0}
TABULAR = {"hidden_layer_sizes": (8,), "max_iter": 4, "n_jobs": 1, "random_state": 0}
MODELS = {
    "simple": SimpleMLPClassifier(**SIMPLE),
    "together": SimpleMLPClassifier(**SIMPLE, n_estimators=3),
    "each alone": SimpleMLPClassifier(
        **SIMPLE, n_estimators=3, joint_early_stopping=False
    ),
    "bootstrap": SimpleMLPClassifier(**SIMPLE, n_estimators=3, bootstrap=True),
    "backbone": SimpleMLPClassifier(**SIMPLE, n_estimators=3, shared_backbone=True),
    "table": TabularMLPClassifier(**TABULAR, n_estimators=1),
    "tables": TabularMLPClassifier(**TABULAR),
}
every_model = pytest.mark.parametrize("name", MODELS)


def least_probable(model, X, y):
    """Score by the mean probability of each class in its rows; all must be there."""
    probability = model.predict_proba(X)
    return min(probability[y == c, k][[0]].item() for k, c in enumerate(model.classes_))


NEED_ALL = {
    "neg_log_loss": "neg_log_loss",
    "one against the rest": "roc_auc_ovr",
    "one against one": "roc_auc_ovo_weighted",
    "callable": least_probable,
}
needs_all = pytest.mark.parametrize("scoring", NEED_ALL.values(), ids=NEED_ALL)


def model_of(name, **params):
    """Return an unfitted estimator."""
    return clone(MODELS[name]).set_params(**params)


# ---------------------------------------------------------------------------- the split


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.6])
@pytest.mark.parametrize("n_classes", [2, 3, 20, 90])
@pytest.mark.parametrize("seed", range(5))
def test_split_is_in_proportion_and_leaves_every_class_a_row(fraction, n_classes, seed):
    """Within a row of the share, whatever the frequencies are."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(n_classes, 0.3))
    labels = rng.choice(n_classes, size=151, p=shares)
    parts = split_in_proportion(151, fraction, labels, np.random.RandomState(seed))
    training, validation = parts
    assert_array_equal(np.sort(np.concatenate(parts)), np.arange(151))
    assert len(validation) == np.ceil(fraction * 151)
    counts = np.bincount(labels, minlength=n_classes)
    held = np.bincount(labels[validation], minlength=n_classes)
    assert (held[counts > 0] < counts[counts > 0]).all()
    share = counts * len(validation) / 151
    assert (held <= np.ceil(share)).all() or fraction > 0.5
    assert (held >= np.minimum(np.floor(share), np.maximum(counts - 1, 0))).all()
    again = split_in_proportion(151, fraction, labels, np.random.RandomState(seed))
    assert_array_equal(validation, again[1])
    assert_array_equal(training, again[0])


def test_rows_of_a_class_are_held_out_equally_often():
    """As many draws as rows, and none of them is favoured."""
    labels, stream = np.repeat([0, 1, 2], [120, 70, 10]), np.random.RandomState(0)
    draws = [split_in_proportion(N, 0.1, labels, stream)[1] for _ in range(4000)]
    often = np.bincount(np.concatenate(draws), minlength=N) / 4000
    assert abs(often - 0.1).max() < 4.5 * np.sqrt(0.1 * 0.9 / 4000)


@pytest.mark.parametrize(
    ("fraction", "labels"), [(0.04, RARE), (0.99, RARE), (0.5, np.arange(N))]
)
def test_split_that_cannot_be_is_not_made(fraction, labels):
    """Too few rows, or no row of some class to train on."""
    with pytest.raises(NoSplitError, match="validation_fraction"):
        split_in_proportion(N, fraction, labels, np.random.RandomState(0))


def test_simple_pair_splits_as_scikit_learn_does():
    """Several classes at random: the same draws."""
    model = model_of("simple", warm_start=True, max_iter=1).fit(X, RARE)
    stream = np.random.RandomState(0)
    model_of("simple", early_stopping=False, max_iter=1, shuffle=False).set_params(
        random_state=stream
    ).fit(X, RARE)  # draws the weights
    expected = train_test_split(np.arange(N), test_size=0.1, random_state=stream)[1]
    assert_array_equal(model._training["validation_rows"][0], expected)


@needs_all
@pytest.mark.parametrize("names", [np.arange(3), NAMES], ids=["int", "str"])
def test_tables_hold_out_a_rare_class_in_proportion(scoring, names):
    """One of its ten rows, for each network: no scorer has anything to complain of."""
    for seed in range(5):
        model = model_of("tables", scoring=scoring, random_state=seed, warm_start=True)
        model.fit(X, names[RARE])
        rows = np.asarray(model._training["validation_rows"])
        assert ((RARE == 2)[rows].sum(axis=1) == 1).all()
        assert np.isfinite(model.validation_scores_).all()


@pytest.mark.parametrize("n_rows", [1, 2, 3])
def test_tables_always_train_on_a_rare_class(n_rows):
    """A single row is held out by no network."""
    y = SIDE.copy()
    y[:n_rows] = 2
    for seed in range(5):
        model = model_of("tables", random_state=seed, warm_start=True, max_iter=1)
        model.fit(X, y)
        order = np.asarray(model._training["order"])
        assert ((y == 2)[order].sum(axis=1) >= 1).all()


def test_class_that_is_held_out_whole_is_told_of():
    """scikit-learn's draw may do that; the network never sees the class."""
    y = SIDE.copy()
    rows = model_of("simple", warm_start=True, max_iter=1).fit(X, RARE)
    y[rows._training["validation_rows"][0, 0]] = 2
    with pytest.warns(
        UserWarning, match=r"holds out all rows of the classes \['bad'\]"
    ):
        model_of("simple").fit(X, NAMES[y])
    weight = np.ones(N)
    weight[RARE == 2] = 0.0
    weight[
        np.intersect1d(rows._training["validation_rows"], np.flatnonzero(RARE == 2))
    ] = 1.0
    with pytest.warns(UserWarning, match=r"holds out all rows of the classes \[2\]"):
        model_of("simple").fit(X, RARE, sample_weight=weight)


# -------------------------------------------------------------- what cannot be scored

LACK = {"X_val": X[SIDE != 2][:40], "y_val": SIDE[:40]}


@every_model
@needs_all
def test_loss_stands_in_for_a_scorer_that_misses_a_class(name, scoring):
    """The fit is that with scoring="loss", bit for bit, and a warning says so."""
    model = model_of(name, scoring=scoring)
    with pytest.warns(UserWarning, match=r"lack the classes \[2\] \(.*Pass X_val"):
        model.fit(X, RARE, **LACK)
    by_loss = model_of(name, scoring="loss").fit(X, RARE, **LACK)
    assert_array_equal(model.theta_, by_loss.theta_)
    assert model.validation_scores_ == by_loss.validation_scores_
    assert model.n_iter_ == by_loss.n_iter_
    assert_array_equal(model.predict_proba(X), by_loss.predict_proba(X))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", ["simple", "together", "backbone"])
def test_split_that_lacks_a_class_is_scored_by_the_loss(name, seed):
    """Where the draw is scikit-learn's; else by the scorer, without a warning."""
    params = {"scoring": "roc_auc_ovr", "random_state": seed, "warm_start": True}
    model = model_of(name, **params)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        model.fit(X, NAMES[RARE])
    rows = model._training["validation_rows"][0]
    lacks = 2 not in RARE[rows]
    texts = [str(w.message) for w in said if "cannot score" in str(w.message)]
    assert len(texts) == lacks
    assert all("lack the classes ['bad']" in text for text in texts)
    assert (max(model.validation_scores_) < 0.0) == lacks
    by_loss = model_of(name, **params | {"scoring": "loss"}).fit(X, NAMES[RARE])
    assert np.array_equal(model.theta_, by_loss.theta_) or not lacks


@pytest.mark.parametrize(
    "scoring",
    ["roc_auc", "neg_log_loss", "average_precision", "f1", "recall", "precision"],
)
@pytest.mark.parametrize("name", ["simple", "tables"])
@pytest.mark.parametrize("seed", range(3))
def test_scorer_that_is_blind_to_a_single_class_is_replaced(name, scoring, seed):
    """It is NaN, raises, or is 0 whatever is predicted: not a model of one epoch."""
    val = {"X_val": X[SIDE == 0][:30], "y_val": np.zeros(30, dtype=int)}
    model = model_of(name, scoring=scoring, random_state=seed)
    with pytest.warns(UserWarning, match=r"lack the classes \[1\]"):
        model.fit(X, SIDE, **val)
    by_loss = model_of(name, scoring="loss", random_state=seed).fit(X, SIDE, **val)
    assert_array_equal(model.theta_, by_loss.theta_)


@pytest.mark.parametrize("scoring", ["accuracy", "f1_macro", "neg_brier_score"])
@pytest.mark.parametrize("name", ["simple", "table", "tables"])
@pytest.mark.parametrize("seed", range(3))
def test_scorer_that_sees_a_single_class_is_kept(name, scoring, seed):
    """Although new networks may predict the same of all rows."""
    val = {"X_val": X[SIDE == 0][:30], "y_val": np.zeros(30, dtype=int)}
    model = model_of(name, scoring=scoring, random_state=seed)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        model.fit(X, SIDE, **val)
    assert not [w for w in said if "cannot score" in str(w.message)]


@pytest.mark.parametrize("name", ["simple", "tables"])
@pytest.mark.parametrize("scoring", [None, "accuracy", "f1_macro", "loss"])
def test_scorer_that_can_do_without_a_class_is_kept(name, scoring):
    """Nothing is said, and nothing replaced."""
    kept = model_of(name, scoring=scoring).fit(X, RARE, **LACK)
    assert (max(kept.validation_scores_) > 0.0) == (scoring != "loss")


@pytest.mark.parametrize("name", ["simple", "table"])
def test_class_without_weight_counts_as_missing(name):
    """All its rows weigh nothing, by themselves or by their class."""
    weight = np.where(RARE == 2, 0.0, 1.0)
    models = []
    for params, given in (
        ({}, {"sample_weight": weight}),
        ({"class_weight": {2: 0.0}}, {}),
    ):
        model = model_of(name, scoring="roc_auc_ovr", random_state=1, **params)
        with pytest.warns(UserWarning, match="lack rows of positive weight of the cl"):
            models.append(model.fit(X, RARE, **given))
    assert_array_equal(models[0].theta_, models[1].theta_)


@pytest.mark.parametrize("name", ["simple", "tables"])
def test_label_that_no_validation_row_has_is_told_of(name):
    """Of several labels at once, one that does not vary."""
    y = (X[:, :3] > [0.0, 0.5, 3.5]).astype(int)
    y[199, 2] = 1
    val = {"X_val": X[:40], "y_val": y[:40]}
    model = model_of(name, scoring="roc_auc")
    with pytest.warns(
        UserWarning, match=r"all of them, or none, have the labels \[2\]"
    ):
        model.fit(X, y, **val)
    by_loss = model_of(name, scoring="loss").fit(X, y, **val)
    assert_array_equal(model.theta_, by_loss.theta_)


def test_networks_that_split_by_themselves_are_judged_by_themselves():
    """Each is what it is alone; the curve is that of those that the scorer judges."""
    model = model_of("each alone", scoring="roc_auc_ovr", n_estimators=6)
    with pytest.warns(UserWarning, match="lack the classes"):
        model.fit(X, RARE)
    alone = []
    for k, seed in enumerate(model.member_seeds_.tolist()):
        single = model_of("simple", scoring="roc_auc_ovr", random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # as above
            alone.append(single.fit(X, RARE))
        assert_array_equal(single.theta_[0], model.theta_[k])
    best = np.array([single.best_validation_score_ for single in alone])
    assert 0 < (best < 0.0).sum() < 6
    assert model.best_validation_score_ == pytest.approx(best[best > 0.0].mean())
    assert min(model.validation_scores_) > 0.0


@pytest.mark.parametrize("name", ["simple", "table"])
def test_search_in_lockstep_scores_rare_classes_alike(name):
    """As scikit-learn's search does, fold by fold."""
    model = model_of(name, scoring="neg_log_loss", max_iter=3)
    found = []
    for search in (GridSearchCV, LockstepGridSearchCV):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of folds that lack a class
            grid = {"alpha": [1e-4, 1.0]}
            found.append(search(model, grid, cv=3, refit=False).fit(X, RARE))
    scores = [search.cv_results_["mean_test_score"] for search in found]
    assert np.isfinite(scores).all()
    assert_array_equal(*scores)


def broken(model, *_):
    """Raise what has nothing to do with the classes."""
    return model.no_such_attribute


@pytest.mark.parametrize(
    ("scoring", "error", "said"),
    [(broken, AttributeError, "no_such"), (lambda *_: "good", ValueError, "a number")],
)
def test_scorer_that_is_wrong_is_no_rare_class(scoring, error, said):
    with pytest.raises(error, match=said):
        model_of("simple", scoring=scoring).fit(X, RARE, **LACK)


def test_killed_training_keeps_its_yardstick(tmp_path):
    """Also where the split of the process that died was another."""
    model = model_of("each alone", scoring="neg_log_loss", n_estimators=6, max_iter=6)
    whole = clone(model).set_params(random_state=np.random.RandomState(7))
    with pytest.warns(UserWarning, match="lack the classes"):
        whole.fit(X, RARE)
    model.set_params(checkpoint=Checkpoint(tmp_path / "run.npz", epochs=1))
    for seed, max_time in ((7, 1e-9), (8, None)):
        stream = np.random.RandomState(seed)
        model.set_params(random_state=stream, max_time=max_time)
        with pytest.warns(UserWarning, match="lack the classes"):
            model.fit(X, RARE)
    assert_array_equal(model.theta_, whole.theta_)
    assert model.validation_scores_ == whole.validation_scores_


# ------------------------------------------------------------------ scores that are NaN


def never(*_):
    """Score nothing."""
    return np.nan


@pytest.mark.parametrize("name", ["simple", "together", "table"])
def test_score_that_is_never_a_number_ends_no_training(name):
    """The last epoch is kept, as without early stopping; a warning says so."""
    val = {"X_val": X[150:], "y_val": SIDE[150:]}
    params = {"max_iter": 30, "n_iter_no_change": 1}
    model = model_of(name, scoring=never, **params)
    with pytest.warns(UserWarning, match="NaN in every epoch, so early stopping"):
        model.fit(X[:150], SIDE[:150], **val)
    plain = model_of(
        name, early_stopping=False, **params | {"n_iter_no_change": np.inf}
    )
    plain.fit(X[:150], SIDE[:150])
    assert model.n_iter_ == 30
    assert_array_equal(model.theta_, plain.theta_)


def test_epochs_before_the_first_score_do_not_count():
    """There was nothing to improve on; from then on NaN is no improvement."""
    scores = iter([np.nan] * 9 + [0.5, 0.7] + [np.nan] * 90)
    model = model_of("simple", max_iter=50, n_iter_no_change=3)
    model.set_params(scoring=lambda *_: next(scores))
    model.fit(X, SIDE)
    assert model.n_iter_ == 9 + 2 + 3 + 1
    assert model.best_validation_score_ == 0.7


def test_warm_start_with_a_score_that_is_never_a_number_is_told_of():
    """Of the new epochs, whatever the old ones were."""
    model = model_of("simple", warm_start=True).fit(X, SIDE)
    model.set_params(scoring=never)
    with pytest.warns(UserWarning, match="NaN in every epoch"):
        model.fit(X, SIDE)
    assert model.n_iter_ == 15


def test_one_validation_row_has_no_r2_and_ends_nothing():
    """Of a regressor, too."""
    params = SIMPLE | {"n_iter_no_change": 1}
    with (
        pytest.warns(UserWarning, match="NaN in every epoch"),
        pytest.warns(UndefinedMetricWarning),
    ):
        model = SimpleMLPRegressor(**params).fit(X, X[:, 0], X_val=X[:1], y_val=[1.0])
    assert model.n_iter_ == 15
