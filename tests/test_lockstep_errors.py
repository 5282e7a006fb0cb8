"""A lockstep search fails as scikit-learn's does: same errors, warnings and scores."""

import numpy as np
import pytest
from paired_searches import (
    FEW,
    NET,
    NET_FEW,
    SCORES,
    SPECIES,
    STOCK,
    WEIGHT,
    X,
    many_scores,
    scaled,
)
from searches import assert_same_table, outcome
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sknet.lockstep import LockstepGridSearchCV


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
