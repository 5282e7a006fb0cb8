"""A search in lockstep is scikit-learn's search: same results, errors and warnings."""

import pickle
import re

import joblib
import numpy as np
import pandas as pd
import pytest
from interrupting import interrupting_loss
from joblib.parallel import get_active_backend
from scipy.stats import loguniform
from searches import assert_same_table, outcome
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    PredefinedSplit,
    RandomizedSearchCV,
    ShuffleSplit,
    cross_val_score,
)
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    StandardScaler,
)
from sklearn.utils import get_tags

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.lockstep import LockstepGridSearchCV, LockstepRandomizedSearchCV


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, SPECIES = load_iris(return_X_y=True)
LENGTH = X[:, 0] / 5.0
GROUPS = np.arange(len(X)) % 7
WEIGHT = 0.5 + np.arange(len(X)) % 3
FRAME = pd.DataFrame(X, columns=[*"abcd"]).assign(e=np.where(LENGTH > 1.1, "u", "v"))
OPTIONS = {"max_iter": 6, "random_state": 0, "batch_size": 20}
NET = SimpleMLPClassifier((5,), **OPTIONS)
REGRESSOR = SimpleMLPRegressor(hidden_layer_sizes=(5,), **OPTIONS)
STOCK = MLPClassifier((5,), **OPTIONS)
RATES = {"learning_rate_init": [1e-3, 1e-1, 1e-2], "alpha": [1e-4, 1.0]}
FEW = {"alpha": [1e-4, 1.0]}
NET_FEW = {"net__alpha": [1e-4, 1.0]}


def scaled(net=NET, scaler=None):
    """Return a pipeline."""
    return Pipeline([("scale", scaler or StandardScaler()), ("net", net)])


def networks(search):
    """Return the refitted network, in a list; empty if it is no network of ours."""
    best = search.best_estimator_
    best = best.steps[-1][1] if isinstance(best, Pipeline) else best
    return [best] if "theta_" in vars(best) else []


def assert_same_search(ours, theirs):
    """Assert equal tables, choices and refitted models."""
    assert_same_table(ours.cv_results_, theirs.cv_results_)
    assert {*vars(ours)} == {*vars(theirs), "interrupted_"}
    assert not ours.interrupted_
    for name in ("best_index_", "best_score_", "n_splits_", "multimetric_"):
        np.testing.assert_equal(getattr(ours, name, None), getattr(theirs, name, None))
    if ours.refit:
        assert str(ours.best_params_) == str(theirs.best_params_)
        for mine, other in zip(*map(networks, (ours, theirs)), strict=True):
            np.testing.assert_array_equal(mine.theta_, other.theta_)


def fits_apart(output):
    """Return how many fits did not run in lockstep, from what was printed."""
    found = re.search(r"(\d+) of \d+ fits do not run in lockstep", output)
    return int(found.group(1)) if found else 0


@pytest.fixture
def both(capsys):
    """Run a search of ours and scikit-learn's, and compare.

    ``apart`` is how many fits are not in lockstep, for none of them is to be so unseen.
    """

    def run(estimator, grid, X=X, y=SPECIES, *, apart=0, fit=None, **options):
        fit = fit or {}
        options = {"cv": 3} | options
        theirs = GridSearchCV(estimator, grid, **options).fit(X, y, **fit)
        capsys.readouterr()
        ours = LockstepGridSearchCV(estimator, grid, verbose=1, **options)
        ours.fit(X, y, **fit)
        assert fits_apart(capsys.readouterr().out) == apart
        assert_same_search(ours, theirs)
        return ours

    return run


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


def many_scores(estimator, X, y):
    """Return two scores."""
    right = np.mean(estimator.predict(X) == y)
    return {"right": right, "wrong": 1.0 - right}


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


def test_search_takes_frames_and_lists(both):
    """What scikit-learn indexes is indexed."""
    both(NET, FEW, X=FRAME[[*"abcd"]], y=pd.Series(SPECIES))
    both(NET, FEW, X=X.tolist(), y=[*"abc"] * 50)


# --------------------------------------------------------------------------- pipelines


def divided(X, by):
    """Return the columns divided by numbers."""
    return X / by


COLUMNS = ColumnTransformer(
    [("numbers", StandardScaler(), [*"abcd"]), ("words", OneHotEncoder(), ["e"])]
)
PIPELINES = {
    "one setting": (scaled(), NET_FEW),
    "settings": (scaled(), {"scale__with_mean": [True, False], **NET_FEW}),
    "steps": (
        scaled(),
        {"scale": [StandardScaler(), MinMaxScaler(), "passthrough", None], **NET_FEW},
    ),
    "step and its setting": (
        scaled(),
        {"scale": [MinMaxScaler()], "scale__feature_range": [(0, 1), (-1, 1)]},
    ),
    "networks": (scaled(), {"net": [NET, clone(NET).set_params(alpha=1.0)]}),
    "network alone": (Pipeline([("net", NET)]), NET_FEW),
    "selection": (scaled(scaler=SelectKBest()), {"scale__k": [1, 3]}),
    "union": (
        scaled(scaler=FeatureUnion([("a", StandardScaler()), ("b", MinMaxScaler())])),
        {"scale__a__with_std": [True, False], **NET_FEW},
    ),
    "pipeline in front": (
        scaled(scaler=Pipeline([("inner", StandardScaler())])),
        {"scale__inner": [StandardScaler(), MinMaxScaler()], **NET_FEW},
    ),
    "no hash": (scaled(scaler=FunctionTransformer(lambda X: X / 3.0)), NET_FEW),
    "arrays": (
        scaled(scaler=FunctionTransformer(divided)),
        {"scale__kw_args": [{"by": np.ones(4)}, {"by": np.arange(1.0, 5.0)}]},
    ),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_pipeline_equals_scikit_learn(both, name):
    """Whatever stands before the network."""
    both(*PIPELINES[name], return_train_score=True)


def test_pipeline_over_columns_of_a_frame_equals_scikit_learn(both):
    """Columns of different kinds, and names on the way."""
    both(make_pipeline(COLUMNS, NET), {"simplemlpclassifier__alpha": [1, 2]}, X=FRAME)
    with config_context(transform_output="pandas"):
        ours = both(scaled(), NET_FEW, X=FRAME[[*"abcd"]])
    assert [*ours.best_estimator_[-1].feature_names_in_] == [*"abcd"]


def test_pipeline_with_memory_equals_scikit_learn(both, tmp_path):
    """A cache of its own is no obstacle, not even when it is warm."""
    pipeline = scaled().set_params(memory=str(tmp_path))
    grid = {"scale__with_mean": [True, False], **NET_FEW}
    both(pipeline, grid)
    both(pipeline, grid)


class CountingScaler(StandardScaler):
    """Counts how often it is fitted."""

    n_fits = 0

    def fit(self, X, y=None):
        """Count."""
        CountingScaler.n_fits += 1
        return super().fit(X, y)


def test_transformers_are_fitted_once_for_each_fold_and_setting():
    """2 settings on 3 folds, for 8 candidates, and the refit."""
    grid = {"scale__with_std": [True, False], "net__alpha": [1e-4, 1e-3, 1e-2, 0.1]}
    CountingScaler.n_fits = 0
    LockstepGridSearchCV(scaled(scaler=CountingScaler()), grid, cv=3).fit(X, SPECIES)
    assert CountingScaler.n_fits == 2 * 3 + 1


class DoublingPipeline(Pipeline):
    """Trains on all rows twice, as one that balances classes might."""

    def fit(self, X, y=None, **params):
        """Fit all steps."""
        return super().fit(np.r_[X, X], np.r_[y, y], **params)


def test_pipeline_of_another_kind_equals_scikit_learn(both):
    """What reaches the network is what its ``fit`` hands on."""
    both(DoublingPipeline(scaled().steps), NET_FEW, return_train_score=True)


def test_input_is_untouched():
    """Neither data, nor estimator, nor grid are changed."""
    scaler, net = StandardScaler(copy=True), clone(NET)
    pipeline, grid = scaled(net, scaler), {"scale": [MinMaxScaler()], **NET_FEW}
    before = pickle.dumps((X, SPECIES, pipeline, grid))
    LockstepGridSearchCV(pipeline, grid, cv=3).fit(X, SPECIES)
    assert pickle.dumps((X, SPECIES, pipeline, grid)) == before


# --------------------------------------------------------------------------- bad input


def assert_same_outcome(estimator, grid, X=X, y=SPECIES, fit=None, **options):
    """Assert that both searches fail, warn and score in the same way."""
    options = {"cv": 3} | options
    theirs = outcome(GridSearchCV(estimator, grid, **options), X, y, **fit or {})
    ours = outcome(LockstepGridSearchCV(estimator, grid, **options), X, y, **fit or {})
    assert ours[0] is theirs[0]
    assert ours[1] == theirs[1]
    if theirs[2] is not None:
        assert_same_table(ours[2], theirs[2])


def broken(X):
    """Refuse wide or long input, whatever it is."""
    raise ArithmeticError(f"no {X.shape[1]} columns")


SOME_FAIL = {"alpha": [1.0, -1.0], "learning_rate_init": [0.1, 0.01]}
ALL_FAIL = {"alpha": [-1.0, -2.0]}
SCORES = [np.nan, -7.0, "raise"]


@pytest.mark.parametrize("error_score", SCORES, ids=str)
@pytest.mark.parametrize("grid", [SOME_FAIL, ALL_FAIL], ids=["some", "all"])
def test_failing_fits_end_as_in_scikit_learn(grid, error_score):
    """A value that the network refuses is found at its fit."""
    assert_same_outcome(NET, grid, error_score=error_score, return_train_score=True)


@pytest.mark.parametrize("error_score", SCORES, ids=str)
@pytest.mark.parametrize("scoring", [many_scores, ["accuracy", "neg_log_loss"]])
def test_failing_fits_have_all_scores(scoring, error_score):
    """With several scorers, too."""
    options = {"scoring": scoring, "refit": False, "error_score": error_score}
    assert_same_outcome(NET, SOME_FAIL, **options)


@pytest.mark.parametrize("error_score", SCORES, ids=str)
def test_failing_transformers_end_as_in_scikit_learn(error_score):
    """Those that fail take their candidates with them, and no others."""
    grid = {"scale": [StandardScaler(), FunctionTransformer(broken)], **NET_FEW}
    assert_same_outcome(scaled(), grid, error_score=error_score)
    broken_first = {"scale__func": [broken, None]}
    pipeline = scaled(scaler=FunctionTransformer(), net=STOCK)
    assert_same_outcome(pipeline, broken_first, error_score=error_score)


@pytest.mark.parametrize(
    ("estimator", "grid"),
    [
        (NET, {"alpha": []}),
        (NET, {"alpha": 1.0}),
        (NET, [{}, 3]),
        (NET, {"nonsense": [1]}),
        (NET, {"solver__nonsense": [1]}),
        (scaled(), {"net__nonsense": [1]}),
        (scaled(), {"absent__alpha": [1]}),
        (scaled(), {"net": [None, "nonsense"]}),
        (Pipeline([]), {}),
        (object(), {}),
        (None, {}),
    ],
)
def test_bad_grid_fails_as_in_scikit_learn(estimator, grid):
    """Empty, not a grid, of parameters that are none, of what cannot be searched."""
    assert_same_outcome(estimator, grid)


@pytest.mark.parametrize(
    "options",
    [
        {"cv": 1},
        {"cv": 1000},
        {"cv": []},
        {"cv": "nonsense"},
        {"scoring": "nonsense"},
        {"scoring": ["accuracy"], "refit": "nonsense"},
        {"scoring": ["accuracy", "neg_log_loss"]},
        {"n_jobs": 0},
        {"n_jobs": 1.5},
        {"error_score": "nonsense"},
        {"verbose": -1},
        {"fit": {"nonsense": 1}},
        {"fit": {"sample_weight": np.ones(3)}},
        {"fit": {"sample_weight": -WEIGHT}},
        {"y": SPECIES[:10]},
        {"y": None},
        {"X": X * np.nan},
        {"X": X[:, 0]},
    ],
    ids=str,
)
def test_bad_arguments_fail_as_in_scikit_learn(options):
    """Same exceptions, same words."""
    assert_same_outcome(NET, FEW, **options)


@pytest.mark.parametrize("bad", [{"scale__x": WEIGHT}, {"net__x": 1}, {"weight": 1}])
def test_bad_parameters_of_a_pipeline_fail_as_in_scikit_learn(bad):
    """Those that no step knows."""
    assert_same_outcome(scaled(), NET_FEW, fit=bad)


def test_fold_with_one_class_ends_as_in_scikit_learn():
    """Be it an error, or a score."""
    y = np.arange(len(X)) >= 50
    for scoring in (None, "roc_auc", "neg_log_loss"):
        assert_same_outcome(NET, FEW, y=y, cv=KFold(3), scoring=scoring)


def test_failing_scorer_ends_as_in_scikit_learn():
    """What fails after the fit."""

    def scorer(estimator, X, y):
        if estimator.alpha == 1.0:
            raise ArithmeticError("cannot score")
        return estimator.score(X, y)

    for error_score in SCORES:
        assert_same_outcome(NET, FEW, scoring=scorer, error_score=error_score)


# --------------------------------------------------------------------------- interrupt


def interrupted_search(n_calls=30, **options):
    """Return a search that is interrupted after two of four candidates, not fitted.

    All 12 networks make a step before any makes the next, so that those of two epochs
    are through after 24 calls.
    """
    net = clone(NET).set_params(loss=interrupting_loss(n_calls), batch_size=100)
    grid = [{"max_iter": [2], **FEW}, {"max_iter": [200], **FEW}]
    return LockstepGridSearchCV(net, grid, cv=3, **options)


@pytest.mark.filterwarnings("ignore:One or more of the:UserWarning")
@pytest.mark.parametrize("error_score", SCORES, ids=str)
@pytest.mark.parametrize(
    ("scoring", "refit"),
    [(None, True), (many_scores, "right"), (["accuracy"], "accuracy")],
    ids=["one", "callable", "list"],
)
def test_interrupt_keeps_what_is_finished(error_score, scoring, refit):
    """The rest has no scores; the best of the finished is refitted."""
    options = {"error_score": error_score, "scoring": scoring, "refit": refit}
    search = interrupted_search(return_train_score=True, **options)
    with pytest.warns(UserWarning, match="Search interrupted: 2 of 4 candidates"):
        search.fit(X, SPECIES)
    assert search.interrupted_
    assert search.best_index_ in (0, 1)
    assert search.best_estimator_.max_iter == 2
    for name, column in search.cv_results_.items():
        if re.match("split|mean_test|mean_train", name):
            np.testing.assert_array_equal(np.isnan(column), [False, False, True, True])


@pytest.mark.filterwarnings("ignore:One or more of the:UserWarning")
def test_interrupt_leaves_out_what_would_run_apart():
    """What has not begun does not begin, and its scores have the form of the others."""
    search = interrupted_search(scoring=many_scores, refit="right")
    search.param_grid = [*search.param_grid, {"solver": ["lbfgs"]}]
    with pytest.warns(UserWarning, match="Search interrupted: 2 of 5 candidates"):
        search.fit(X, SPECIES)
    missing = np.isnan(search.cv_results_["mean_test_wrong"])
    np.testing.assert_array_equal(missing, [False, False, True, True, True])


def test_interrupt_before_anything_is_finished_is_passed_on():
    """There is nothing to keep."""
    search = interrupted_search(n_calls=1)
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, SPECIES)
    assert not {"cv_results_", "interrupted_", "_course"} & {*vars(search)}


# ------------------------------------------------------------- among other estimators


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (LockstepGridSearchCV, GridSearchCV),
        (LockstepRandomizedSearchCV, RandomizedSearchCV),
    ],
)
def test_search_is_an_estimator_like_scikit_learns(ours, theirs):
    """Same parameters and tags; it can be cloned and printed."""
    search, model = ours(NET, FEW), theirs(NET, FEW)
    assert str(search.get_params()) == str(model.get_params())
    assert get_tags(search) == get_tags(model)
    assert str(clone(search)) == str(search)
    assert isinstance(search, theirs)


def test_fitted_search_predicts_and_pickles():
    """All methods of the best estimator are there, and survive."""
    search = LockstepGridSearchCV(scaled(), NET_FEW, cv=3).fit(X, SPECIES)
    again = pickle.loads(pickle.dumps(search))
    model = GridSearchCV(scaled(), NET_FEW, cv=3).fit(X, SPECIES)
    for method in ("predict", "predict_proba", "score"):
        data = (X, SPECIES) if method == "score" else (X,)
        expected = getattr(model, method)(*data)
        np.testing.assert_array_equal(getattr(search, method)(*data), expected)
        np.testing.assert_array_equal(getattr(again, method)(*data), expected)
    assert len(pickle.dumps(search)) < 1.1 * len(pickle.dumps(model))


def test_fitting_again_gives_the_same():
    """A fitted search can be fitted."""
    search = LockstepGridSearchCV(NET, RATES, cv=3).fit(X, SPECIES)
    first = search.cv_results_
    assert_same_table(search.fit(X, SPECIES).cv_results_, first)


def test_search_within_cross_validation_equals_scikit_learn():
    """Also in processes."""
    scores = [
        cross_val_score(search(NET, FEW, cv=3), X, SPECIES, cv=2, n_jobs=n_jobs)
        for search in (GridSearchCV, LockstepGridSearchCV)
        for n_jobs in (1, 2)
    ]
    for other in scores[1:]:
        np.testing.assert_array_equal(other, scores[0])


def test_search_over_a_search_equals_scikit_learn():
    """What is nested runs as ever, in lockstep inside."""
    fitted = [
        outer(inner(NET, FEW, cv=3), {"estimator__solver": ["sgd", "adam"]}, cv=3)
        for outer, inner in [
            (GridSearchCV, GridSearchCV),
            (LockstepGridSearchCV, LockstepGridSearchCV),
        ]
    ]
    first, second = (search.fit(X, SPECIES).cv_results_ for search in fitted)
    np.testing.assert_array_equal(first["mean_test_score"], second["mean_test_score"])


@pytest.mark.parametrize("n_jobs", [1, 2, -1])
def test_results_do_not_depend_on_n_jobs(both, n_jobs):
    """Threads for what is in lockstep, processes for the rest."""
    both(NET, RATES, n_jobs=n_jobs)
    both(NET, {"solver": ["adam", "lbfgs"]}, n_jobs=n_jobs, apart=3)


@pytest.mark.parametrize("backend", ["loky", "threading", "sequential"])
def test_results_do_not_depend_on_the_backend(both, backend):
    """Whatever joblib was told to use."""
    with joblib.parallel_config(backend, n_jobs=None if backend[0] == "s" else 2):
        both(NET, {"solver": ["adam", "lbfgs"]}, apart=3)


def test_nobody_else_meets_our_backend():
    """Scorers, the refit and what comes after see joblib as it was."""
    seen = []

    def scorer(estimator, X, y):
        seen.append(get_active_backend())
        return estimator.score(X, y)

    with joblib.parallel_config("threading", n_jobs=1):
        before = get_active_backend()
        LockstepGridSearchCV(NET, FEW, cv=3, scoring=scorer).fit(X, SPECIES)
        seen.append(get_active_backend())
        with pytest.raises(ValueError, match="nonsense"):
            LockstepGridSearchCV(NET, FEW, scoring="nonsense").fit(X, SPECIES)
        seen.append(get_active_backend())
    assert seen == [before] * 8


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_results_do_not_depend_on_a_cluster(both):
    """Two processes of dask give the same."""
    distributed = pytest.importorskip("dask.distributed")
    cluster = {"n_workers": 2, "threads_per_worker": 1}
    cluster["dashboard_address"] = "127.0.0.1:0"  # any free port
    with (
        distributed.LocalCluster(processes=True, **cluster) as workers,
        distributed.Client(workers),
        joblib.parallel_config("dask"),
    ):
        both(NET, RATES)
        both(scaled(), {"net__solver": ["adam", "lbfgs"]}, apart=3)


class Recorder:
    """Callback that counts what it is told."""

    def __init__(self):
        self.told = []

    def setup(self, estimator, context):
        """Come before fit."""
        self.told.append(("setup", type(estimator).__name__[-12:]))

    def teardown(self, estimator, context):
        """Come after fit."""
        self.told.append(("teardown", type(estimator).__name__[-12:]))

    def on_fit_task_begin(self, estimator, context):
        """Come before a task."""
        self.told.append(("begin", context.task_name))

    def on_fit_task_end(self, estimator, context):
        """Come after a task."""
        self.told.append(("end", context.task_name))


@pytest.mark.parametrize("inner", [False, True])
def test_callbacks_are_told_the_same(inner):
    """Those of the search, and those of a pipeline, which then runs apart."""
    pytest.importorskip("sklearn.callback")

    def told(kind):
        recorder, pipeline = Recorder(), scaled()
        search = kind(pipeline, NET_FEW, cv=3)
        (pipeline if inner else search).set_callbacks(recorder)
        search.fit(X, SPECIES)
        return recorder.told

    assert told(LockstepGridSearchCV) == told(GridSearchCV)
