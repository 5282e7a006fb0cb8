"""A lockstep search gives the same with any number of jobs and any backend."""

import joblib
import pytest
from joblib.parallel import get_active_backend
from paired_searches import FEW, NET, RATES, SPECIES, X, scaled

from sknet.lockstep import LockstepGridSearchCV


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
