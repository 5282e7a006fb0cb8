"""A search in lockstep is an estimator: among others, in files, with callbacks."""

import pickle

import numpy as np
import pytest
from paired_searches import FEW, NET, NET_FEW, RATES, SPECIES, X, scaled
from searches import assert_same_table
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.utils import get_tags

from sknet.lockstep import LockstepGridSearchCV, LockstepRandomizedSearchCV


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
