"""Dask: blocks of rows from dask-ml, and its workers in place of joblib's."""

import warnings

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict

from sknet import LockstepGridSearchCV


BLOCKS = [slice(0, 50), slice(50, 120)]
PASSES = 3


@pytest.fixture
def wrappers():
    """dask-ml's wrappers, run in this process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its old imports
        found = pytest.importorskip("dask_ml.wrappers")
    dask = pytest.importorskip("dask")
    with dask.config.set(scheduler="synchronous"):
        yield found


def in_blocks(array):
    """Rows as a Dask array of the blocks above."""
    da = pytest.importorskip("dask.array")
    sizes = tuple(block.stop - block.start for block in BLOCKS)
    return da.from_array(array, chunks=(sizes, *array.shape[1:]))


# The first table of partial_fit has a constant column, and says so.
@pytest.mark.filterwarnings("ignore:The first table of partial_fit")
def test_incremental_is_a_loop_over_the_blocks(case_of_numbers, wrappers):
    """Pass after pass, bit for bit; predictions come block by block."""
    model, X, y = case_of_numbers
    model.set_params(batch_size=20)  # shuffled: the random stream has to go on, too
    classes = {"classes": np.unique(y)} if y.dtype.kind == "U" else {}
    incremental = wrappers.Incremental(model, shuffle_blocks=False)
    rows, target = in_blocks(X), in_blocks(y)
    for _ in range(PASSES):
        incremental.partial_fit(rows, target, **classes)

    alone = clone(model)
    for _ in range(PASSES):
        for block in BLOCKS:
            alone.partial_fit(X[block], y[block], **classes)
    assert_array_equal(incremental.estimator_.theta_, alone.theta_)
    assert incremental.estimator_.t_ == PASSES * len(X)  # it went on, pass after pass
    expected = np.concatenate([alone.predict(X[block]) for block in BLOCKS])
    assert_array_equal(incremental.predict(rows).compute(), expected)


@pytest.fixture
def workers():
    """Two workers, threads of this process, for joblib's backend.

    On any free port: the usual one is that of the test process next to this one.
    """
    distributed = pytest.importorskip("dask.distributed")
    cluster = {"n_workers": 2, "threads_per_worker": 1}
    cluster["dashboard_address"] = "127.0.0.1:0"
    with (
        distributed.LocalCluster(
            processes=False, protocol="inproc://", **cluster
        ) as two,
        distributed.Client(two),
    ):
        yield two


@pytest.mark.parametrize("search", [GridSearchCV, LockstepGridSearchCV])
def test_search_on_dask_is_the_search(case_of_numbers, search, workers):
    model, X, y = case_of_numbers
    one = search(model, {"alpha": [0.0, 1.0, 10.0]}, cv=3, n_jobs=1)
    here = clone(one).fit(X, y)
    with joblib.parallel_config("dask"):
        there = clone(one).set_params(n_jobs=None).fit(X, y)
    assert workers.scheduler.transition_log  # they had something to do
    for name, column in here.cv_results_.items():
        if "time" not in name:
            assert_array_equal(there.cv_results_[name], column, err_msg=name)
    assert_array_equal(there.best_estimator_.theta_, here.best_estimator_.theta_)


def test_folds_on_dask(case_of_numbers, workers):
    model, X, y = case_of_numbers
    here = cross_val_predict(model, X, y, cv=3)
    with joblib.parallel_config("dask"):
        there = cross_val_predict(model, X, y, cv=3)
    assert workers.scheduler.transition_log
    assert_array_equal(there, here)
