"""Large data and large networks at full size: minutes, and gigabytes."""

import shutil

import numpy as np
import pytest
from memory import MB, peak_of

from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)


pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

GB = 10**9
N_FEATURES = 256
N_ROWS = 2 * GB // (4 * N_FEATURES)
KINDS = [SimpleMLPClassifier, SimpleMLPRegressor]
TABLES = [TabularMLPClassifier, TabularMLPRegressor]


def free_memory():
    """Return the memory that is free or can be freed, in bytes; 0 if nobody tells."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            found = [line.split() for line in lines]
    except OSError:
        return 0
    return next(int(n) * 1024 for name, n, *_ in found if name == "MemAvailable:")


@pytest.fixture(scope="module")
def big_file(tmp_path_factory):
    """Two gigabytes of float32 in a file, and a target."""
    folder = tmp_path_factory.mktemp("large")
    if shutil.disk_usage(folder).free < 3 * GB:
        pytest.skip("needs 3 GB of free disk for a file of 2 GB")
    path, rng = folder / "X", np.random.default_rng(0)
    block = rng.standard_normal((4096, N_FEATURES)).astype(np.float32)
    with path.open("wb") as file:
        for start in range(0, N_ROWS, len(block)):
            block[: N_ROWS - start].tofile(file)
    X = np.memmap(path, dtype=np.float32, mode="r", shape=(N_ROWS, N_FEATURES))
    yield X, np.arange(N_ROWS) % 2
    path.unlink()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_two_gigabytes_is_fitted_and_predicted(kind, big_file):
    """What is beside it: the order of the rows and the target, twice each or so."""
    X, y = big_file
    model = kind(hidden_layer_sizes=(16,), max_iter=1, batch_size=1024, random_state=0)
    assert peak_of(lambda: model.fit(X, y)) < 100 * MB
    assert peak_of(lambda: model.predict(X)) < 100 * MB


@pytest.mark.parametrize("kind", KINDS)
def test_fifty_million_parameters_make_a_step_in_four_copies(kind):
    """Parameters, gradient and Adam's two moments, of 200 MB each."""
    if free_memory() < 2 * GB:
        pytest.skip("needs 2 GB of free memory for a network of 50 million parameters")
    X = np.random.default_rng(0).normal(size=(32, 64)).astype(np.float32)
    model = kind(hidden_layer_sizes=(7000, 7000), max_iter=1, random_state=0)
    peak = peak_of(lambda: model.fit(X, np.arange(32) % 2))
    assert model.theta_.size > 49_000_000
    assert peak < 4 * model.theta_.nbytes + 20 * MB
    assert peak_of(lambda: model.predict(X)) < 20 * MB
