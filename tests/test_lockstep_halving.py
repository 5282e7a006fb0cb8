"""Halving in lockstep is scikit-learn's halving, though nothing is trained twice."""

import pickle
import re
import warnings

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401, it enables
from sklearn.model_selection import (
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    KFold,
    ShuffleSplit,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.lockstep import LockstepHalvingRandomSearchCV, LockstepHalvingSearchCV


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, SPECIES = load_iris(return_X_y=True)
LENGTH = X[:, 0] / 5.0
OPTIONS = {"max_iter": 18, "random_state": 0, "batch_size": 20}
NET = SimpleMLPClassifier((5,), **OPTIONS)
REGRESSOR = SimpleMLPRegressor(hidden_layer_sizes=(5,), **OPTIONS)
GRID = {"alpha": [1e-4, 1e-2, 1.0], "learning_rate_init": [1e-3, 1e-2, 1e-1]}
NET_GRID = {f"net__{name}": values for name, values in GRID.items()}
SPACE = {"learning_rate_init": loguniform(1e-4, 1e-1), "alpha": [1e-4, 1.0]}


def scaled(net=NET, scaler=None):
    """Return a pipeline."""
    return Pipeline([("scale", scaler or StandardScaler()), ("net", net)])


def same_text(first, second):
    """Tell whether two columns read alike: settings that are objects are cloned."""
    return list(map(str, first)) == list(map(str, second))


def assert_same_halving(ours, theirs):
    """Assert equal tables, rungs, choices and refitted models."""
    assert list(ours.cv_results_) == list(theirs.cv_results_)
    assert {*vars(ours)} == {*vars(theirs), "interrupted_"}
    assert not ours.interrupted_
    for name, column in theirs.cv_results_.items():
        if name.startswith("param"):
            assert same_text(ours.cv_results_[name], column)
        elif not re.fullmatch("(mean|std)_(fit|score)_time", name):
            np.testing.assert_array_equal(ours.cv_results_[name], column, err_msg=name)
    for name in vars(theirs):
        if name.endswith("s_") and name != "cv_results_":  # n_resources_ and the like
            assert str(getattr(ours, name)) == str(getattr(theirs, name)), name
    mine, other = (s.best_estimator_ for s in (ours, theirs))
    if isinstance(other, Pipeline):
        mine, other = mine[-1], other[-1]
    np.testing.assert_array_equal(mine.theta_, other.theta_)


def both(estimator, grid, X=X, y=SPECIES, *, fit=None, **options):
    """Run a search of ours and scikit-learn's, and compare."""
    options = {"cv": 3, "max_resources": 18, "resource": "max_iter"} | options
    alone = options | {"n_jobs": None}  # the same results, without processes
    theirs = HalvingGridSearchCV(estimator, grid, **alone).fit(X, y, **fit or {})
    ours = LockstepHalvingSearchCV(estimator, grid, **options).fit(X, y, **fit or {})
    assert_same_halving(ours, theirs)
    return ours


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"factor": 2},
        {"factor": 2.5, "min_resources": 2},
        {"min_resources": "smallest"},
        {"min_resources": 7, "aggressive_elimination": True},
        {"min_resources": 7},
        {"scoring": "neg_log_loss", "return_train_score": False},
        {"cv": KFold(2, shuffle=True, random_state=0)},
        {"cv": ShuffleSplit(2, random_state=0), "n_jobs": 2},
        {"resource": "n_samples", "max_resources": "auto", "random_state": 0},
        {"resource": "n_iter_no_change", "max_resources": 9},
    ],
    ids=lambda options: "-".join(options) or "default",
)
@pytest.mark.filterwarnings("ignore:batch_size=20 is raised:UserWarning")
@pytest.mark.filterwarnings("ignore:Got `batch_size`:UserWarning")
def test_halving_equals_scikit_learn(options):
    """n epochs and m epochs more are n + m."""
    both(NET, GRID, **options)


@pytest.mark.parametrize(
    "params",
    [
        {"solver": "sgd"},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1},
        {"dropout": 0.3, "dtype": "float32"},
        {"tol": 1.0, "n_iter_no_change": 2},
        {"early_stopping": True, "n_iter_no_change": 2},
        {"averaging": "ema"},
        {"random_state": np.random.RandomState(3)},
    ],
    ids=lambda params: "-".join(params),
)
def test_halving_goes_on_with_all_that_training_keeps(params):
    """Momentum, rates, streams, and whether it was through with it already."""
    both(clone(NET).set_params(**params), GRID)


@pytest.mark.parametrize(
    "params",
    [
        {"learning_rate": "cosine"},
        {"learning_rate": "one_cycle", "early_stopping": True},
        {"averaging": "swa"},
    ],
    ids=lambda params: "-".join(params),
)
def test_halving_by_a_plan_trains_each_rung_anew(params):
    """What n epochs are the beginning of depends on the plan."""
    both(clone(NET).set_params(**params), GRID)


@pytest.mark.parametrize("kind", [TabularMLPClassifier, TabularMLPRegressor])
def test_halving_of_a_table_ranks_by_the_plan_of_the_refit(kind):
    """Their learning rate is planned unless said otherwise."""
    net = kind((5,), n_estimators=2, max_iter=9, random_state=0, n_jobs=1)
    y = SPECIES if kind is TabularMLPClassifier else LENGTH
    search = both(net, GRID, y=y, max_resources=9)
    assert search.best_params_["max_iter"] == 9
    constant = clone(net).set_params(learning_rate="constant")
    both(constant, GRID, y=y, max_resources=9)


def test_only_plans_are_trained_anew():
    """A rung may have candidates of both kinds."""
    steps = []
    search = counted_search(lambda: steps.append(1), refit=False)
    search.param_grid = {"learning_rate": ["constant", "cosine"], "alpha": [0.1, 1.0]}
    search.set_params(factor=2, max_resources=4, min_resources=2).fit(X, LENGTH)
    rungs = search.cv_results_["iter"], search.cv_results_["param_learning_rate"]
    second = rungs[1][rungs[0] == 1]
    again = sum(4 if kind == "cosine" else 2 for kind in second)
    assert len(steps) == 3 * (4 * 2 + again)


def test_halving_of_a_regressor_equals_scikit_learn():
    """A regressor has no strata."""
    weight = 0.5 + np.arange(len(X)) % 3
    both(REGRESSOR, GRID, y=LENGTH, fit={"sample_weight": weight})


def test_halving_over_a_list_of_grids_equals_scikit_learn():
    """Different layouts, some candidates twice, some apart."""
    grid = [GRID, {"hidden_layer_sizes": [(3,), (4,)]}, {"alpha": [1e-4]}]
    both(NET, [*grid, {"solver": ["adam", "lbfgs"]}])


@pytest.mark.parametrize(
    ("scaler", "grid"),
    [
        (None, {}),
        (None, {"scale": [StandardScaler(), MinMaxScaler()]}),
        (FunctionTransformer(lambda X: X / 3.0), {}),
    ],
    ids=["one", "two", "no hash"],
)
def test_halving_of_a_pipeline_equals_scikit_learn(scaler, grid):
    """The resource is that of the last step."""
    both(scaled(NET, scaler), NET_GRID | grid, resource="net__max_iter")


@pytest.mark.parametrize("n_candidates", ["exhaust", 7])
def test_random_halving_equals_scikit_learn(n_candidates):
    """The same candidates are drawn."""
    options = {"n_candidates": n_candidates, "cv": 3, "random_state": 3}
    net = clone(NET).set_params(max_iter=9)
    ours = LockstepHalvingRandomSearchCV(net, SPACE, **options).fit(X, SPECIES)
    options |= {"resource": "max_iter", "max_resources": 9}
    theirs = HalvingRandomSearchCV(net, SPACE, **options).fit(X, SPECIES)
    theirs.max_resources = "auto"
    assert_same_halving(ours, theirs)


def test_most_resources_are_the_networks_own():
    """``max_resources="auto"`` is its ``max_iter``, and stays "auto"."""
    search = LockstepHalvingSearchCV(NET, GRID, cv=3).fit(X, SPECIES)
    assert search.max_resources_ == 18
    assert search.max_resources == "auto"
    assert search.n_resources_ == [2, 6, 18]
    pipeline = LockstepHalvingSearchCV(scaled(), NET_GRID, resource="net__max_iter")
    assert pipeline.fit(X, SPECIES).n_resources_ == [2, 6, 18]


def counting_loss(tick):
    """Return a squared error that calls a function with each batch's rows."""

    def value(raw, target):
        return ((raw - target) ** 2).sum(axis=-1)

    def gradient(raw, target):
        tick()
        return 2.0 * (raw - target)

    return value, gradient


def counted_search(tick, **options):
    """Return a search that calls a function at each step of a network; not fitted."""
    net = clone(REGRESSOR).set_params(loss=counting_loss(tick), batch_size=100)
    net.set_params(tol=0.0, n_iter_no_change=100)
    return LockstepHalvingSearchCV(net, GRID, cv=3, **options)


def test_nothing_is_trained_twice():
    """Each rung trains its candidates for the epochs that are new, on 3 folds."""
    steps = []
    counted_search(lambda: steps.append(1), refit=False).fit(X, LENGTH)
    assert len(steps) == 3 * (9 * 2 + 3 * (6 - 2) + 1 * (18 - 6))


def test_rungs_are_not_warned_about():
    """That training is not through at the end of a rung is what is wanted."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LockstepHalvingSearchCV(NET, GRID, cv=3, refit=False).fit(X, SPECIES)


def test_nothing_is_kept_after_the_search():
    """The networks of the rungs are gone."""
    search = LockstepHalvingSearchCV(NET, GRID, cv=3).fit(X, SPECIES)
    options = {"resource": "max_iter", "max_resources": 18, "cv": 3}
    model = HalvingGridSearchCV(NET, GRID, **options).fit(X, SPECIES)
    data = pickle.dumps(search)
    assert len(data) < 1.1 * len(pickle.dumps(model))
    np.testing.assert_array_equal(pickle.loads(data).predict(X), model.predict(X))


def message_of(search, **fit):
    """Return type and text of the error that a search ends with."""
    try:
        search.fit(X, SPECIES, **fit)
    except Exception as error:
        text = str(error).replace(type(search).__name__, "Search")
        return type(error), text.partition("Below")[0]
    return None


@pytest.mark.parametrize(
    "options",
    [
        {"resource": "nonsense", "max_resources": 18},
        {"resource": "alpha"},
        {"resource": "learning_rate_init", "max_resources": 18},
        {"max_resources": 0},
        {"max_resources": 3, "min_resources": 5},
        {"cv": KFold(3, shuffle=True)},
        {"scoring": ["accuracy"]},
        {"factor": 0},
        {"param_grid": {"max_iter": [1, 2]}},
        {"param_grid": {"alpha": [-1.0]}},
        {"param_grid": {"alpha": []}},
    ],
    ids=str,
)
def test_bad_arguments_fail_as_in_scikit_learn(options):
    """Same exceptions, same words."""
    options = {"param_grid": GRID, "max_resources": 18} | options
    options = {"resource": "max_iter"} | options
    if options["resource"] == "alpha":  # no whole number to take for "auto"
        options["max_resources"] = "auto"
    theirs = message_of(HalvingGridSearchCV(NET, **options))
    assert theirs
    assert message_of(LockstepHalvingSearchCV(NET, **options)) == theirs


def test_failing_candidates_fall_out():
    """What fails has no score, and goes on to no rung where others do."""
    grid = {"alpha": [1.0, -1.0, 0.1, 0.01, 1e-3, 1e-4]}
    options = {"cv": 3, "resource": "max_iter", "max_resources": 18}
    results = []
    for kind in (LockstepHalvingSearchCV, HalvingGridSearchCV):
        with pytest.warns(match="fits failed|non-finite"):
            results.append(kind(NET, grid, **options).fit(X, SPECIES).cv_results_)
    ours, theirs = (result["mean_test_score"] for result in results)
    np.testing.assert_array_equal(ours, theirs)


def interrupt_at(step):
    """Return a function that interrupts, once, at its call of that number."""
    left = iter(range(1, step + 1))

    def tick():
        if next(left, 0) == step:
            raise KeyboardInterrupt

    return tick


@pytest.mark.filterwarnings("ignore:One or more of the:UserWarning")
def test_interrupt_keeps_the_rungs_that_are_finished():
    """An interrupt in the second rung leaves the first to choose from."""
    search = counted_search(interrupt_at(9 * 3 * 2 + 1), error_score="raise")
    with pytest.warns(UserWarning, match="Search interrupted: 0 of 3 candidates"):
        search.fit(X, LENGTH)
    scores = search.cv_results_["mean_test_score"]
    assert search.interrupted_
    assert search.n_resources_ == [2, 6]
    assert search.n_iterations_ == 2
    assert search.n_required_iterations_ == search.n_possible_iterations_ == 3
    assert search.n_remaining_candidates_ == 1
    np.testing.assert_array_equal(np.isnan(scores), [False] * 9 + [True] * 3)
    assert search.best_index_ == np.argmax(scores[:9])
    assert search.best_estimator_.max_iter == 2


def test_interrupt_in_the_first_rung_is_passed_on():
    """There is nothing to keep."""
    search = counted_search(interrupt_at(1))
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, LENGTH)
    assert not {"cv_results_", "interrupted_", "_course"} & {*vars(search)}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (LockstepHalvingSearchCV, HalvingGridSearchCV),
        (LockstepHalvingRandomSearchCV, HalvingRandomSearchCV),
    ],
)
def test_search_is_an_estimator_like_scikit_learns(ours, theirs):
    """Same parameters and defaults, but for the resource; it can be cloned."""
    search, model = ours(NET, GRID), theirs(NET, GRID, resource="max_iter")
    assert str(search.get_params()) == str(model.get_params())
    assert list(search.get_params()) == list(model.get_params())
    assert str(clone(search)) == str(search)
    assert isinstance(search, theirs)
