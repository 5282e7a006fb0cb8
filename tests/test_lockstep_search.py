"""A search in lockstep is scikit-learn's search: same results for all it is given."""

import re

import numpy as np
import pytest
from paired_searches import (
    FEW,
    GROUPS,
    LENGTH,
    NET,
    NET_FEW,
    RATES,
    REGRESSOR,
    SPECIES,
    STOCK,
    WEIGHT,
    X,
    assert_same_search,
    many_scores,
    scaled,
)
from scipy.stats import loguniform
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    PredefinedSplit,
    RandomizedSearchCV,
    ShuffleSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet.lockstep import LockstepGridSearchCV, LockstepRandomizedSearchCV


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# ------------------------------------------------------------------ estimators, grids


@pytest.mark.parametrize(
    "grid",
    [
        RATES,
        {"hidden_layer_sizes": [(3,), (5,), (4, 3)], "activation": ["relu", "tanh"]},
        {"solver": ["sgd", "adam"], "dropout": [0.0, 0.3], "dtype": ["float32"]},
        [{"alpha": [1.0]}, {"momentum": [0.5, 0.9], "solver": ["sgd"]}],
        {"max_iter": [1, 3], "random_state": [0, 1], "early_stopping": [True]},
        {"random_state": [np.random.RandomState(3)], "shuffle": [True, False]},
        {"class_weight": ["balanced", {0: 2.0}], "solver__beta_2": [0.9, 0.99]},
        {},
    ],
    ids=["rates", "layouts", "solvers", "list", "stopping", "state", "parts", "none"],
)
@pytest.mark.filterwarnings("ignore:Early stopping")
def test_grid_of_a_classifier_equals_scikit_learn(both, grid):
    """Whatever is searched, and however many layouts there are."""
    both(NET, grid)


def test_grid_of_a_regressor_equals_scikit_learn(both):
    """A regressor has no strata."""
    both(REGRESSOR, RATES, y=LENGTH, cv=None, return_train_score=True)


def test_grid_of_several_outputs_equals_scikit_learn(both):
    """The target may have columns."""
    both(REGRESSOR, FEW, y=np.c_[LENGTH, X[:, 1]])


@pytest.mark.parametrize("listed", [False, True])
def test_randomized_search_equals_scikit_learn(listed):
    """The same candidates are drawn."""
    space = {"alpha": loguniform(1e-5, 1.0), "solver": ["sgd", "adam"]}
    space = [space, {"hidden_layer_sizes": [(3,)]}] if listed else space
    options = {"n_iter": 5, "random_state": 1, "cv": 3}
    ours = LockstepRandomizedSearchCV(NET, space, **options).fit(X, SPECIES)
    theirs = RandomizedSearchCV(NET, space, **options).fit(X, SPECIES)
    assert_same_search(ours, theirs)


@pytest.mark.parametrize(
    ("estimator", "grid", "apart"),
    [
        (NET, {"solver": ["adam", "lbfgs"], **FEW}, 6),
        (NET, {"max_time": [None, 100.0]}, 3),
        (STOCK, FEW, 6),
        (BaggingClassifier(NET, 2, random_state=0), {"max_samples": [0.5]}, 3),
        (scaled(), {"net": [NET, STOCK]}, 3),
        (make_pipeline(StandardScaler(), scaled()), {"pipeline__net__alpha": [1]}, 3),
        (scaled(), {"net__solver": ["lbfgs"], "scale": ["passthrough"]}, 3),
    ],
    ids=["lbfgs", "time", "stock", "bagging", "step", "nested", "pipeline"],
)
def test_what_cannot_run_in_lockstep_runs_as_ever(both, estimator, grid, apart):
    """Mixed or alone, it gives scikit-learn's results, and verbose says so."""
    both(estimator, grid, apart=apart)


def test_transformed_target_runs_as_ever(both):
    """A network within another estimator is that one's business."""
    net = TransformedTargetRegressor(REGRESSOR, func=np.log, inverse_func=np.exp)
    both(net, {"regressor__alpha": [1e-4, 1.0]}, y=LENGTH, apart=6)


def test_fits_apart_say_why(capsys):
    """A line tells the reasons."""
    grid = {"solver": ["adam", "lbfgs"]}
    LockstepGridSearchCV(NET, grid, cv=3, verbose=1).fit(X, SPECIES)
    assert "3 of 6 fits do not run in lockstep:" in capsys.readouterr().out
    LockstepGridSearchCV(NET, grid, cv=3).fit(X, SPECIES)
    assert not capsys.readouterr().out


# -------------------------------------------------------------------------- arguments


def plain_score(estimator, X, y):
    """Return one score."""
    del y
    return -estimator.predict_proba(X)[:, 0].mean()


def last_index(results):
    """Choose the last candidate."""
    return len(results["params"]) - 1


@pytest.mark.parametrize(
    "options",
    [
        {"scoring": "neg_log_loss"},
        {"scoring": plain_score},
        {"scoring": ["accuracy", "neg_log_loss"], "refit": "accuracy"},
        {"scoring": ["accuracy", "neg_log_loss"], "refit": False},
        {"scoring": {"a": "accuracy", "b": plain_score}, "refit": last_index},
        {"scoring": many_scores, "refit": "right", "return_train_score": True},
        {"refit": last_index},
        {"refit": False},
        {"return_train_score": True, "pre_dispatch": 1},
        {"pre_dispatch": "n_jobs", "n_jobs": 2},
        {"cv": KFold(4, shuffle=True, random_state=0)},
        {"cv": ShuffleSplit(2, test_size=0.3, random_state=0)},
        {"cv": PredefinedSplit(np.arange(len(X)) % 3 - 1)},
        {"cv": [(np.arange(0, 90), np.arange(90, 150)), ([*range(60)], [*range(120)])]},
    ],
    ids=lambda options: "-".join(options),
)
def test_arguments_have_their_effect(both, options):
    """Scorers, what is refitted, splits and dispatch are scikit-learn's."""
    both(NET, RATES, **options)


def test_groups_reach_the_splitter(both):
    """``groups`` is not for the estimator."""
    both(NET, FEW, cv=GroupKFold(3), fit={"groups": GROUPS})


def test_parameters_of_fit_reach_the_network(both):
    """What is as long as the data is split with it; a validation set is not."""
    both(NET, FEW, fit={"sample_weight": WEIGHT})
    both(NET, FEW, fit={"X_val": X[:20], "y_val": SPECIES[:20]})
    both(scaled(), NET_FEW, fit={"net__sample_weight": WEIGHT})


@pytest.mark.parametrize("wrapped", [False, True])
def test_routed_metadata_reach_everything(both, wrapped):
    """With metadata routing, weights go to fit and score, groups to the splitter."""
    with config_context(enable_metadata_routing=True):
        net = clone(NET).set_fit_request(sample_weight=True)
        net.set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        fit = {"sample_weight": WEIGHT, "groups": GROUPS}
        if wrapped:
            scorer = get_scorer("accuracy").set_score_request(sample_weight=True)
            options = {"cv": GroupKFold(3), "scoring": scorer}
            both(scaled(net, scaler), NET_FEW, fit=fit, **options)
        else:
            both(net, FEW, cv=GroupKFold(3), fit=fit)


@pytest.mark.parametrize("verbose", [2, 3, 10])
def test_verbose_prints_the_lines_of_scikit_learn(capsys, verbose):
    """A line for each fit, with its parameters and scores."""

    def lines(search):
        search(NET, FEW, cv=3, verbose=verbose).fit(X, SPECIES)
        printed = [
            re.sub(r"\.\.+|\S+$", "", line)
            for line in capsys.readouterr().out.splitlines()
        ]
        return [line for line in printed if line.startswith(("[CV", "Fitting"))]

    assert lines(LockstepGridSearchCV) == lines(GridSearchCV)
