"""Bad input of the searches: what scikit-learn's own searches say is what ours say."""

import re
import warnings

import numpy as np
import pytest
from bad_input import LABELS
from bad_rows import X, with_one
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401, it enables
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)

from sknet import (
    LockstepGridSearchCV,
    LockstepHalvingRandomSearchCV,
    LockstepHalvingSearchCV,
    LockstepRandomizedSearchCV,
    SimpleMLPClassifier,
    TabularMLPClassifier,
)


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

GOOD = {"alpha": [0.1, 1.0]}
SEARCHES = {
    "grid": (GridSearchCV, LockstepGridSearchCV),
    "random": (RandomizedSearchCV, LockstepRandomizedSearchCV),
    "halving": (HalvingGridSearchCV, LockstepHalvingSearchCV),
    "halving random": (HalvingRandomSearchCV, LockstepHalvingRandomSearchCV),
}
HALVING = ["halving", "halving random"]


def network(estimator=SimpleMLPClassifier, **params):
    return estimator(**{"hidden_layer_sizes": (3,), "max_iter": 3} | params)


def search(kind, candidates, estimator=None, **options):
    """A search of scikit-learn's and ours, both as far as they are asked for alike."""
    if "halving" in kind:  # ours differ from scikit-learn's in these defaults
        options = {"resource": "n_samples", "max_resources": "auto"} | options
    if kind == "random":
        options = {"n_iter": 2} | options
    options = {"cv": 2} | options
    if kind != "grid":
        options = {"random_state": 0} | options
    return [
        made(network() if estimator is None else estimator, candidates, **options)
        for made in SEARCHES[kind]
    ]


def complaint(deed):
    """Type and text of the exception, without names of classes and numbers of lines."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exception is what is looked at
        with pytest.raises(Exception) as caught:  # noqa: PT011, any
            deed()
    text = re.sub(r"Lockstep|(Grid|Random|Randomized)?SearchCV", "", str(caught.value))
    return type(caught.value), text.partition("Traceback")[0]


CASES = {
    "unknown parameter": {"candidates": {"depth": [1, 2]}},
    "empty list": {"candidates": {"alpha": []}},
    "no list": {"candidates": {"alpha": 0.1}},
    "text for a list": {"candidates": {"solver": "adam"}},
    "no dict": {"candidates": 3},
    "one fold": {"candidates": GOOD, "options": {"cv": 1}},
    "more folds than rows": {"candidates": GOOD, "options": {"cv": 61}},
    "folds in words": {"candidates": GOOD, "options": {"cv": "many"}},
    "unknown scoring": {"candidates": GOOD, "options": {"scoring": "elegance"}},
    "refit of nothing": {
        "candidates": GOOD,
        "options": {"scoring": ["accuracy", "f1"], "refit": "speed"},
    },
    "error score": {"candidates": GOOD, "options": {"error_score": "ignore"}},
    "a bad value": {
        "candidates": {"activation": ["swoosh", "relu"]},
        "options": {"error_score": "raise"},
    },
    "nothing but bad values": {"candidates": {"alpha": [-1.0, -2.0]}},
    "missing values": {
        "candidates": GOOD,
        "X": with_one(np.nan),
        "options": {"error_score": "raise"},
    },
    "rows too few": {"candidates": GOOD, "X": X[:59]},
    "no target": {"candidates": GOOD, "y": None},
    "one-dimensional features": {
        "candidates": GOOD,
        "X": X[:, 0],
        "options": {"error_score": "raise"},
    },
    "weights too few": {
        "candidates": GOOD,
        "fit": {"sample_weight": np.ones(59)},
        "options": {"error_score": "raise"},
    },
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("kind", SEARCHES)
def test_search_refuses_what_scikit_learns_does_in_its_words(kind, case):
    """Type and message are those of scikit-learn's search."""
    options = case.get("options", {})
    data = case.get("X", X), case.get("y", LABELS)
    theirs, ours = (
        complaint(lambda made=made: made.fit(*data, **case.get("fit", {})))
        for made in search(kind, case["candidates"], case.get("estimator"), **options)
    )
    assert ours == theirs


@pytest.mark.filterwarnings("ignore:One or more of the t(est|rain) scores")
@pytest.mark.parametrize("kind", SEARCHES)
def test_bad_candidate_has_no_score_and_the_others_are_searched(kind):
    """As in scikit-learn, with its warning; the message names parameter and value."""
    _, ours = search(kind, {"alpha": [-1.0, 0.1, 1.0]}, **of_three(kind))
    with pytest.warns(FitFailedWarning, match=r"(?s)'alpha' parameter .* Got -1\.0"):
        ours.fit(X, LABELS)
    scores = dict(
        zip(
            ours.cv_results_["param_alpha"],
            ours.cv_results_["mean_test_score"],
            strict=True,
        )
    )
    assert np.isnan(scores[-1.0])
    assert ours.best_params_["alpha"] > 0


def of_three(kind):
    """Options that try three candidates."""
    if kind == "random":
        return {"n_iter": 3}
    return {"n_candidates": 3} if kind == "halving random" else {}


@pytest.mark.parametrize("kind", SEARCHES)
def test_search_that_was_not_fitted_says_so(kind):
    """As any estimator does."""
    _, ours = search(kind, GOOD)
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        ours.predict(X)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factor": -1}, "The 'factor' parameter"),
        ({"resource": "patience"}, "resource"),
        ({"min_resources": 0}, "min_resources"),
        ({"max_resources": 0}, "max_resources"),
        ({"resource": "max_iter", "max_resources": "all"}, "max_resources"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("kind", HALVING)
def test_halving_names_the_option_that_is_wrong(kind, options, message):
    """So that it can be mended."""
    _, ours = search(kind, GOOD, **options)
    with pytest.raises(ValueError, match=message):
        ours.fit(X, LABELS)


@pytest.mark.parametrize("kind", SEARCHES)
def test_tables_in_a_search_may_miss_values_but_not_be_infinite(kind):
    """Where the estimator takes them, the search does."""
    estimator = network(TabularMLPClassifier, n_estimators=2, random_state=0)
    options = {"n_candidates": 2} if kind == "halving random" else {}
    _, ours = search(kind, GOOD, estimator, error_score="raise", **options)
    assert np.isfinite(ours.fit(with_one(np.nan), LABELS).best_score_)

    with pytest.raises(ValueError, match="Input X contains infinity"):
        ours.fit(with_one(np.inf), LABELS)
