"""Memory: bounded by the network and a batch, whatever the number of rows."""

import pickle
import tracemalloc

import numpy as np
import pytest

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def peak_of(function):
    """Return the peak of newly allocated memory in MB, NumPy's arrays included."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_prediction_takes_a_chunk_at_a_time(dtype):
    """512-512 on 108,000 x 64 rows takes less than 60 MB; scikit-learn takes 880."""
    X = np.random.default_rng(0).normal(size=(108_000, 64)).astype(dtype)
    model = SimpleMLPClassifier((512, 512), max_iter=1)
    model.fit(X[:500], np.arange(500) % 10)
    assert peak_of(lambda: model.predict_proba(X)) < 60


@pytest.mark.parametrize("stored", [np.float32, np.float64, np.uint8])
def test_fit_reads_a_memory_map_batch_by_batch(stored, tmp_path):
    """A file of 64 MB and more is trained on in float32 with 8 MB beside it."""
    shape = (64_000, 256)
    X = np.memmap(tmp_path / "X", dtype=stored, mode="w+", shape=shape)
    X[:] = np.random.default_rng(0).integers(0, 2, size=shape)
    X = np.memmap(tmp_path / "X", dtype=stored, mode="r", shape=shape)
    y = np.arange(64_000) % 2
    model = SimpleMLPClassifier((16,), dtype="float32", max_iter=1, random_state=0)
    assert peak_of(lambda: model.fit(X, y)) < 8


def test_lbfgs_takes_a_chunk_at_a_time():
    """The activations of all rows together would be 10 times as much."""
    X = np.random.default_rng(0).normal(size=(60_000, 8)).astype(np.float32)
    model = SimpleMLPRegressor(
        hidden_layer_sizes=(100,), solver="lbfgs", max_iter=2, random_state=0
    )
    assert peak_of(lambda: model.fit(X, X[:, 0])) < 16


def test_early_stopping_copies_the_validation_rows_only():
    """The training rows stay where they are; scikit-learn copies both parts."""
    X = np.random.default_rng(0).normal(size=(40_000, 100))  # 32 MB
    model = SimpleMLPRegressor(
        hidden_layer_sizes=(4,), early_stopping=True, max_iter=1, random_state=0
    )
    assert peak_of(lambda: model.fit(X, X[:, 0])) < 8


def test_pickle_holds_three_copies_of_the_parameters():
    """Parameters and Adam's two moments; a fit that may go on adds the row order."""
    X = np.random.default_rng(0).normal(size=(500, 40))
    model = SimpleMLPClassifier((300, 200), max_iter=1).fit(X, np.arange(500) % 2)
    assert len(pickle.dumps(model)) < 3.1 * model.theta_.nbytes
