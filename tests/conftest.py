"""One BLAS thread, seeds that can be many, small problems.

That warnings are errors stands in ``pyproject.toml``.
"""

import importlib
import os
import warnings


# Read by libraries when they load, so before NumPy is imported. One thread: the same
# bits on each machine, and test processes side by side do not fight over the cores.
for _name in ("OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "VECLIB_MAXIMUM"):
    os.environ[f"{_name}_THREADS"] = "1"
# Without it check_estimator leaves out a check.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import numpy as np
import pytest
import scipy.linalg  # noqa: F401  (loads its own BLAS, to be limited below)
from dying import dies, half_trained, lives  # noqa: F401  (fixtures of two files)
from paired_searches import both  # noqa: F401  (fixture of three files)
from sklearn.datasets import (
    make_classification,
    make_multilabel_classification,
    make_regression,
)
from threadpoolctl import threadpool_limits


def chosen_seeds(text):
    """Seeds that SKNET_TEST_SEEDS asks for: "7", "0-9", "all" (0 to 99)."""
    if text == "all":
        return list(range(100))
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


SEEDS = chosen_seeds(os.environ.get("SKNET_TEST_SEEDS", "42"))


def import_or_fail(name, **options):
    """Stand in for ``pytest.importorskip``: a library that is missing is an error."""
    del options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library, as importorskip does
        return importlib.import_module(name)


if os.environ.get("SKNET_ALL_INSTALLED"):  # make test-works-with
    pytest.importorskip = import_or_fail


def pytest_configure():
    """Limit a BLAS that a plugin loaded before the environment was set, too."""
    threadpool_limits(limits=1, user_api="blas")


def pytest_report_header():
    """Say which seeds are in use."""
    return f"SKNET_TEST_SEEDS: {SEEDS[0]} to {SEEDS[-1]}"


@pytest.fixture(params=SEEDS)
def global_random_seed(request):
    """Seed of a test that must pass for each seed, not for a lucky one."""
    return request.param


@pytest.fixture
def rng(global_random_seed):
    """Random generator of one test."""
    return np.random.default_rng(global_random_seed)


# --- small problems, (X, y) each: new arrays for each test, so a test may change them


@pytest.fixture
def binary_problem():
    """60 rows, 5 columns, 2 classes."""
    return make_classification(
        60, 5, n_informative=3, n_redundant=0, class_sep=2.0, random_state=0
    )


@pytest.fixture
def multiclass_problem():
    """90 rows, 6 columns, 3 classes."""
    return make_classification(
        90, 6, n_informative=4, n_redundant=0, n_classes=3, random_state=0
    )


@pytest.fixture
def multilabel_problem():
    """60 rows, 6 columns, 3 labels, of which a row carries none, some or all."""
    return make_multilabel_classification(60, 6, n_classes=3, random_state=0)


@pytest.fixture
def regression_problem():
    """60 rows, 5 columns, a target of unit variance."""
    X, y = make_regression(60, 5, n_informative=3, noise=1.0, random_state=0)
    return X, y / y.std()


@pytest.fixture
def multioutput_problem():
    """60 rows, 5 columns, 2 targets of unit variance."""
    X, y = make_regression(60, 5, n_informative=3, n_targets=2, random_state=0)
    return X, y / y.std(axis=0)


@pytest.fixture
def counts_problem():
    """80 rows, 3 columns, counts of mean exp(x_0 / 2)."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 3))
    return X, rng.poisson(np.exp(X[:, 0] / 2)).astype(float)
