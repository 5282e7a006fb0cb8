"""Memory: bounded by the network and a batch, whatever the number of rows."""

import pickle

import numpy as np
import pytest
from memory import MB, kept_by, peak_of
from scipy import sparse

from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SIMPLE = [SimpleMLPClassifier, SimpleMLPRegressor]
TABULAR = [TabularMLPClassifier, TabularMLPRegressor]
SEVERAL = {
    "one": {},
    "several": {"n_estimators": 4},
    "bootstrap": {"n_estimators": 4, "bootstrap": True},
    "a shared backbone": {"n_estimators": 4, "shared_backbone": True},
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_prediction_takes_a_chunk_at_a_time(dtype):
    """512-512 on 108,000 x 64 rows takes less than 60 MB; scikit-learn takes 880."""
    X = np.random.default_rng(0).normal(size=(108_000, 64)).astype(dtype)
    model = SimpleMLPClassifier((512, 512), max_iter=1)
    model.fit(X[:500], np.arange(500) % 10)
    assert peak_of(lambda: model.predict_proba(X)) < 60 * MB


@pytest.mark.parametrize("stored", [np.float32, np.float64, np.uint8])
def test_fit_reads_a_memory_map_batch_by_batch(stored, tmp_path):
    """A file of 64 MB and more is trained on in float32 with 8 MB beside it."""
    shape = (64_000, 256)
    X = np.memmap(tmp_path / "X", dtype=stored, mode="w+", shape=shape)
    X[:] = np.random.default_rng(0).integers(0, 2, size=shape)
    X = np.memmap(tmp_path / "X", dtype=stored, mode="r", shape=shape)
    y = np.arange(64_000) % 2
    model = SimpleMLPClassifier((16,), dtype="float32", max_iter=1, random_state=0)
    assert peak_of(lambda: model.fit(X, y)) < 8 * MB


def test_lbfgs_takes_a_chunk_at_a_time():
    """The activations of all rows together would be 10 times as much."""
    X = np.random.default_rng(0).normal(size=(60_000, 8)).astype(np.float32)
    model = SimpleMLPRegressor(
        hidden_layer_sizes=(100,), solver="lbfgs", max_iter=2, random_state=0
    )
    assert peak_of(lambda: model.fit(X, X[:, 0])) < 16 * MB


def test_early_stopping_copies_the_validation_rows_only():
    """The training rows stay where they are; scikit-learn copies both parts."""
    X = np.random.default_rng(0).normal(size=(40_000, 100))  # 32 MB
    model = SimpleMLPRegressor(
        hidden_layer_sizes=(4,), early_stopping=True, max_iter=1, random_state=0
    )
    assert peak_of(lambda: model.fit(X, X[:, 0])) < 8 * MB


def test_pickle_holds_three_copies_of_the_parameters():
    """Parameters and Adam's two moments; a fit that may go on adds the row order."""
    X = np.random.default_rng(0).normal(size=(500, 40))
    model = SimpleMLPClassifier((300, 200), max_iter=1).fit(X, np.arange(500) % 2)
    assert len(pickle.dumps(model)) < 3.1 * model.theta_.nbytes


# ----------------------------------------------------- ceilings, whatever is fitted


@pytest.mark.parametrize("params", SEVERAL.values(), ids=SEVERAL)
@pytest.mark.parametrize("kind", SIMPLE)
def test_fit_and_predict_copy_no_rows(kind, params):
    """X takes 20 MB; what grows with the rows is their order, and the predictions."""
    X = np.random.default_rng(0).normal(size=(40_000, 64))
    y = np.arange(len(X)) % 2
    model = kind(hidden_layer_sizes=(16,), max_iter=1, random_state=0, **params)
    assert peak_of(lambda: model.fit(X, y)) < 8 * MB
    assert peak_of(lambda: model.predict(X)) < 4 * MB


@pytest.mark.parametrize("kind", TABULAR)
def test_a_table_is_encoded_at_once(kind):
    """In four times its 5 MB of float32; chunks of 2048 rows take 20 MB of buffers."""
    X = np.random.default_rng(0).normal(size=(40_000, 32)).astype(np.float32)
    y = np.arange(len(X)) % 2
    model = kind((16,), max_iter=1, n_estimators=1, random_state=0)
    assert peak_of(lambda: model.fit(X, y)) < 4 * X.nbytes + 20 * MB
    assert peak_of(lambda: model.predict(X)) < 4 * X.nbytes + 20 * MB


@pytest.mark.parametrize("kind", SIMPLE + TABULAR)
def test_wide_text_is_never_made_dense(kind):
    """200,000 columns, of which 1000 rows made dense would take 800 MB and more.

    Four copies of the parameters, one of the product with the sparse rows, and the
    numbers of the columns, which the preprocessor keeps.
    """
    rng = np.random.default_rng(0)
    words = np.sort(rng.integers(0, 200_000, size=(1000, 20)), axis=1)
    counts = rng.integers(1, 5, size=words.size).astype(np.float64)
    starts = np.arange(0, words.size + 1, 20)
    X = sparse.csr_matrix((counts, words.ravel(), starts), shape=(1000, 200_000))
    X.sum_duplicates()
    y = np.arange(1000) % 2
    params = {"hidden_layer_sizes": (8,), "max_iter": 1, "random_state": 0}
    if kind in TABULAR:
        params |= {"n_estimators": 1, "dtype": "float64"}
    model = kind(**params)
    fit = peak_of(lambda: model.fit(X, y))
    assert fit < 5 * model.theta_.nbytes + 40 * MB
    assert peak_of(lambda: model.predict(X)) < 4 * MB


# ------------------------------------------------- ceilings in copies of the network

NETWORK = {"hidden_layer_sizes": (2000, 2000), "dtype": "float32", "random_state": 0}
FEW_ROWS = np.random.default_rng(0).normal(size=(64, 16)).astype(np.float32)
BUFFERS = 8 * MB  # of the rows of a batch, and blocks of the penalty and the update


def copies_of(model, function):
    """Return the peak of a fit in copies of the parameters, buffers apart."""
    peak = peak_of(function)
    return (peak - BUFFERS) / model.theta_.nbytes


@pytest.mark.parametrize("kind", SIMPLE)
@pytest.mark.parametrize("params", [{}, {"initializer": "he_normal"}], ids=str)
def test_an_epoch_takes_four_copies(kind, params):
    """Parameters, gradient and Adam's two moments: 4 million parameters here."""
    model, y = kind(max_iter=1, **NETWORK, **params), np.arange(64) % 2
    assert copies_of(model, lambda: model.fit(FEW_ROWS, y)) < 4


@pytest.mark.parametrize("kind", TABULAR)
def test_an_epoch_on_a_table_takes_four_copies(kind):
    """Factors on the learning rate are kept for the columns that have one."""
    model, y = kind(max_iter=1, n_estimators=1, **NETWORK), np.arange(64) % 2
    assert copies_of(model, lambda: model.fit(FEW_ROWS, y)) < 4


def test_the_first_partial_fit_takes_four_copies():
    model, y = SimpleMLPClassifier(**NETWORK), np.arange(64) % 2
    assert copies_of(model, lambda: model.partial_fit(FEW_ROWS, y, classes=[0, 1])) < 4


def test_the_next_partial_fit_takes_three_more():
    """What was fitted before, with its moments, comes back if the training fails."""
    model, y = SimpleMLPRegressor(**NETWORK), FEW_ROWS[:, 0]
    model.partial_fit(FEW_ROWS, y)
    # three of the seven were there before, and are not newly allocated
    assert copies_of(model, lambda: model.partial_fit(FEW_ROWS, y)) < 4


def test_batches_of_many_sizes_leave_nothing_behind():
    """Rows of zeros are compared with; one for each size would be 13 MB."""
    X = np.random.default_rng(0).normal(size=(2048, 16)).astype(np.float32)
    model = SimpleMLPClassifier((64,), max_iter=1).fit(X[:64], np.arange(64) % 2)
    model.predict(X)

    def predict_each():
        for n_rows in range(48, 2048, 40):
            model.predict(X[:n_rows])

    assert kept_by(predict_each) < MB
