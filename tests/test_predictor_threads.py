"""Predictors in copies and threads, and the memory that they keep."""

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import partial

import pytest
from memory import kept_by, smallest_peak_of
from numpy.testing import assert_array_equal
from predicted import FIT, classifier, labels, regressor, rows, table

from sknet import TabularMLPClassifier, TabularMLPRegressor
from sknet.losses import Quantile


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# ------------------------------------------------------------------------- copies


@pytest.mark.parametrize(
    "again", [deepcopy, lambda p: pickle.loads(pickle.dumps(p))], ids=["copy", "pickle"]
)
def test_a_copy_predicts_the_same_bits(again):
    X, y = table()
    networks = [
        (classifier(3, n_estimators=2), rows(5)),
        (regressor(loss=Quantile((0.1, 0.9))), rows(5)),
        (TabularMLPRegressor((8,), **FIT).fit(X, y), X[:5]),
    ]
    for network, x in networks:
        predictor = network.predictor()
        expected = predictor.predict(x)  # a thread's buffers are left behind
        assert_array_equal(again(predictor).predict(x), expected)


def test_a_pickle_holds_the_parameters_and_little_more():
    network = classifier(hidden_layer_sizes=(300, 300))
    predictor, size = network.predictor(), network.theta_.nbytes
    predictor.predict(rows(200))
    assert len(pickle.dumps(predictor)) < 1.01 * size + 20_000


# ------------------------------------------------------------------------ threads


def of_a_table():
    """Return a classifier of a table, whose encoding is shared by the threads, too."""
    X = rows(60)
    params = {"hidden_layer_sizes": (64, 32), "n_estimators": 2, "dtype": "float32"}
    return TabularMLPClassifier(**params, **FIT).fit(X, labels(X, 3))


@pytest.mark.parametrize(
    "make",
    [
        lambda: classifier(3, "float32", hidden_layer_sizes=(64, 32)),
        lambda: classifier(3, "float32", hidden_layer_sizes=(64, 32), n_estimators=2),
        of_a_table,
    ],
    ids=["one", "several", "table"],
)
def test_threads_do_not_see_each_other(make):
    """Rows of each thread's own, as many as the others', switching all the time."""
    network = make()
    predictor = network.predictor()
    parts = [rows(100, "float32", seed) for seed in range(8)]
    expected = [network.predict_proba(x) for x in parts]

    def serve(k):
        return [predictor.predict_proba(parts[k]) for _ in range(60)]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            served = list(pool.map(serve, range(8)))
    finally:
        sys.setswitchinterval(interval)
    for answers, right in zip(served, expected, strict=True):
        for answer in answers:
            assert_array_equal(answer, right)


def test_a_thread_that_ends_leaves_no_buffers():
    predictor = classifier(hidden_layer_sizes=(1000, 1000)).predictor()
    predictor.predict(rows(200))

    def predict_in_a_thread():
        with ThreadPoolExecutor(1) as pool:
            pool.submit(predictor.predict, rows(250)).result()

    predict_in_a_thread()
    assert kept_by(predict_in_a_thread) < 100_000  # the buffers would be 4 MB


# ------------------------------------------------------------------ memory


def test_buffers_are_kept_for_the_next_rows():
    """A call of as many rows as the last one makes its result and no more."""
    predictor = classifier(hidden_layer_sizes=(1000, 1000)).predictor()
    peak = smallest_peak_of(partial(predictor.predict_proba, rows(200)))
    assert peak < 100_000  # the buffers would be 3.2 MB


def test_many_rows_leave_nothing_behind():
    """Buffers of more rows than are kept are those of the call."""
    predictor, X = classifier(hidden_layer_sizes=(1000,)).predictor(), rows(5000)
    predictor.predict_proba(X[:1])  # makes those that are kept
    assert kept_by(partial(predictor.predict_proba, X)) < 100_000
