"""The same answer every time: across processes, threads, containers and company."""

import json
import os
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_info, threadpool_limits

from sknet import (
    LockstepGridSearchCV,
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.solvers.threads import BlasLimit


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PROGRAM = Path(__file__).with_name("same_bits.py")
X, DIGIT = load_digits(return_X_y=True)
X, DIGIT = X[:200] / 16.0, DIGIT[:200]
FEW = {"hidden_layer_sizes": (8,), "max_iter": 4, "random_state": 0}
ESTIMATORS = [
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
]


def report(what, **environment):
    """What the program prints in a process with this environment."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), what],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    return json.loads(done.stdout)


def test_processes_give_the_same_bits():
    """Whatever the hashes of strings are, by which Python orders sets."""
    first, second = (report("seeds", PYTHONHASHSEED=seed) for seed in "12")
    assert first == second
    assert len(set(first.values())) == len(first)


def test_deterministic_is_the_same_with_any_number_of_threads():
    """In fit and prediction, for ``n_jobs``, and in the processes of joblib.

    Without ``deterministic=True`` the bits of networks of this size depend on it.
    """
    two = {f"{name}_NUM_THREADS": "2" for name in ("OMP", "OPENBLAS", "MKL")}
    found = report("threads", **two)
    for name, (one, other) in found.items():
        assert one == other, name
    assert found["ensemble"] == found["ensemble in threads"]


def test_deterministic_refuses_more_threads():
    """One of the two parameters must be wrong."""
    model = SimpleMLPClassifier(**FEW, deterministic=True, n_threads=2)
    with pytest.raises(ValueError, match=r"deterministic=True .* n_threads=2"):
        model.fit(X, DIGIT)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_containers_change_no_bit(estimator):
    """Arrays in C and Fortran order, lists, tables of pandas."""
    pandas = pytest.importorskip("pandas")
    expected = estimator(**FEW).fit(X, DIGIT)
    frame = pandas.DataFrame(X, columns=[f"pixel{j}" for j in range(X.shape[1])])
    for rows in (np.asfortranarray(X), X.tolist(), frame, X[::-1][::-1]):
        model = estimator(**FEW).fit(rows, DIGIT)
        assert_array_equal(model.theta_, expected.theta_)
        assert_array_equal(model.predict(rows), expected.predict(X))


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_tables_of_other_libraries_change_no_bit(estimator, library):
    """Those that hand out arrays, or speak the dataframe protocol."""
    module = pytest.importorskip(library)
    make = module.DataFrame if library == "polars" else module.table
    table = make({f"pixel{j}": column for j, column in enumerate(X.T.copy())})
    expected = estimator(**FEW).fit(X, DIGIT)
    model = estimator(**FEW).fit(table, DIGIT)
    assert_array_equal(model.theta_, expected.theta_)
    assert_array_equal(model.predict(table), expected.predict(X))


@pytest.mark.parametrize("estimator", ESTIMATORS[:2])
def test_sparse_formats_change_no_bit(estimator):
    """Rows, columns, triples and a dictionary; dense rows agree to 1e-12.

    A sparse product adds only the entries that are there, so that its last digits
    cannot be those of a dense one; see ``test_safety.py``.
    """
    expected = estimator(**FEW).fit(sparse.csr_matrix(X), DIGIT)
    for make in (sparse.csc_array, sparse.coo_array, sparse.dok_array):
        model = estimator(**FEW).fit(make(X), DIGIT)
        assert_array_equal(model.theta_, expected.theta_)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_jobs_change_no_bit(estimator):
    """Networks of an ensemble that are shared out between threads."""
    wide = FEW | {"hidden_layer_sizes": (120, 120), "n_estimators": 4}
    one = estimator(**wide, n_jobs=1).fit(X, DIGIT)
    two = estimator(**wide, n_jobs=2).fit(X, DIGIT)
    assert_array_equal(one.theta_, two.theta_)


def test_jobs_of_a_search_change_no_bit():
    """Candidates that are shared out; small ones never are."""
    wide = SimpleMLPClassifier(**FEW | {"hidden_layer_sizes": (120, 120)})
    grid = {"alpha": [1e-4, 1.0], "learning_rate_init": [1e-3, 1e-2]}
    results = [
        LockstepGridSearchCV(wide, grid, cv=2, n_jobs=n_jobs)
        .fit(X, DIGIT)
        .cv_results_["split1_test_score"]
        for n_jobs in (1, 2)
    ]
    assert_array_equal(*results)


# -------------------------------------------------------------------------- threads


def fit_quietly(model):
    """Fit a copy; warnings are no business of other threads."""
    return clone(model).fit(X, DIGIT)


@pytest.mark.parametrize("deterministic", [False, True])
def test_threads_fit_and_predict_side_by_side(deterministic):
    """Each fit and each prediction is what it is alone, whatever the others do."""
    rng = np.random.default_rng(0)
    models = [
        estimator(**FEW | {"random_state": seed}, deterministic=deterministic)
        for seed, estimator in enumerate(ESTIMATORS * 2)
    ]
    models += [SimpleMLPRegressor(**FEW, solver="lbfgs")]
    alone = [fit_quietly(model) for model in models]
    rows = rng.random((300, X.shape[1]))
    expected = [model.predict(rows) for model in alone]
    order = rng.integers(len(models), size=60).tolist()
    start = threading.Barrier(6)

    def buffers(k):
        if k < 6:
            start.wait()
        if k % 3:  # two predictions for a fit
            return np.array_equal(alone[order[k]].predict(rows), expected[order[k]])
        fitted = fit_quietly(models[order[k]])
        return np.array_equal(fitted.theta_, alone[order[k]].theta_)

    with warnings.catch_warnings(), ThreadPoolExecutor(6) as pool:
        warnings.simplefilter("ignore")  # few iterations
        assert all(pool.map(buffers, range(60)))


def blas_threads_now():
    """How many threads each BLAS may use."""
    return [
        lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"
    ]


def test_fits_in_threads_give_blas_its_threads_back():
    """The one that began first ends first, and the other one still has its limit."""
    limit = BlasLimit()
    with threadpool_limits(3, user_api="blas"):
        before = blas_threads_now()
        first, second = limit.to(2), limit.to(1)
        first.__enter__()
        assert set(blas_threads_now()) == {2}
        second.__enter__()
        assert set(blas_threads_now()) == {1}
        first.__exit__(None, None, None)
        assert set(blas_threads_now()) == {1}
        second.__exit__(None, None, None)
        assert blas_threads_now() == before


def test_limit_holds_in_any_thread_and_leaves_the_programs_own_limits():
    """Whichever thread was the first to set a limit, as threadpoolctl has it."""
    limit = BlasLimit()

    def threads_inside():
        with limit.to(1):
            return blas_threads_now()

    with threadpool_limits(3, user_api="blas"), ThreadPoolExecutor(1) as pool:
        assert set(threads_inside()) == {1}
        assert set(pool.submit(threads_inside).result()) == {1}
        assert set(blas_threads_now()) == {3}
        with threadpool_limits(2, user_api="blas"):
            assert set(blas_threads_now()) == {2}


@pytest.mark.parametrize("number", ["two", -(2**70)], ids=["no number", "too large"])
def test_limit_that_fails_leaves_none_behind(number):
    """Later fits of the process do not fail for it, and BLAS has what it had."""
    limit = BlasLimit()
    before = blas_threads_now()
    with pytest.raises(Exception, match=r"two|convert"), limit.to(number):
        pass
    with limit.to(1):
        assert set(blas_threads_now()) == {1}
    assert blas_threads_now() == before
