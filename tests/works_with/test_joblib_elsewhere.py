"""joblib on Spark and Ray: a search there is the search of one process.

Both start servers, and Spark needs Java (make test-works-with-more).
"""

import os
import sys

import joblib
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknet import LockstepGridSearchCV


pytestmark = [
    pytest.mark.more,
    pytest.mark.filterwarnings("ignore"),  # of the libraries, at start and stop
]


@pytest.fixture(scope="module")
def spark():
    """A Spark of this machine, whose workers run this Python."""
    sql = pytest.importorskip("pyspark.sql")
    joblibspark = pytest.importorskip("joblibspark")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        builder = sql.SparkSession.builder.master("local[2]")
        session = builder.config("spark.ui.enabled", "false").getOrCreate()
        joblibspark.register_spark()
        yield
        session.stop()


@pytest.fixture(scope="module")
def ray():
    """A Ray of this machine, which reports nothing to its makers."""
    ray = pytest.importorskip("ray")
    util = pytest.importorskip("ray.util.joblib")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "disabled")  # else a token in the home folder
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        util.register_ray()
        yield
        ray.shutdown()


@pytest.fixture(params=["spark", "ray"])
def elsewhere(request):
    """Name of a backend that has been started."""
    request.getfixturevalue(request.param)
    return request.param


@pytest.mark.parametrize("search", [GridSearchCV, LockstepGridSearchCV])
def test_search_elsewhere_is_the_search(classifier, search, elsewhere):
    model, X, y = classifier
    one = search(model, {"alpha": [0.0, 10.0]}, cv=2, n_jobs=1)
    here = clone(one).fit(X, y)
    with joblib.parallel_config(elsewhere, n_jobs=2):
        there = clone(one).set_params(n_jobs=None).fit(X, y)
    for name, column in here.cv_results_.items():
        if "time" not in name:
            assert_array_equal(there.cv_results_[name], column, err_msg=name)
    assert_array_equal(there.best_estimator_.theta_, here.best_estimator_.theta_)


def test_work_is_done_elsewhere(elsewhere):
    """By other processes than this one: the backend is not passed over."""
    with joblib.parallel_config(elsewhere, n_jobs=2):
        workers = joblib.Parallel()(joblib.delayed(os.getpid)() for _ in range(4))
    assert os.getpid() not in workers
