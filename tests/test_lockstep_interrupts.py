"""A lockstep search that is interrupted keeps what is finished."""

import re

import numpy as np
import pytest
from interrupting import interrupting_loss
from paired_searches import FEW, NET, SCORES, SPECIES, X, many_scores
from sklearn.base import clone

from sknet.lockstep import LockstepGridSearchCV


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
