"""Calls of partial_fit continue by what earlier calls have set up, with the same bits.

The oracle is a network that is pickled between any two calls: nothing is kept for it.
"""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
from numpy.testing import assert_array_equal, assert_equal
from scipy import sparse

from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.engine.machine import machine
from sknet.network.blocks import Plain
from sknet.solvers.continuation import Continuation, _continuations


pytestmark = [
    pytest.mark.skipif(machine() is None, reason="The engine is not compiled."),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
N_CALLS = 7
RNG = np.random.default_rng(0)
CHUNKS = [RNG.normal(size=(30, 4)) for _ in range(N_CALLS)]
COMMON = {"hidden_layer_sizes": (6,), "random_state": 0}


def values(X):
    """Return a noiseless number for each row."""
    first, second = (np.asarray(X[:, [k]].sum(axis=1)).ravel() for k in (0, 1))
    return first - 2.0 * second


def labels(X, n_classes=2):
    """Return the number of a class for each row."""
    return np.digitize(values(X), [-1.0, 1.0][: n_classes - 1])


def several(X):
    """Return an indicator matrix of two labels."""
    return (X[:, :2] > 0.0).astype(int)


def classes(n):
    """Return the arguments of the first call."""
    return {"classes": np.arange(n)}


CASES = {
    "binary": (SimpleMLPClassifier(**COMMON), labels, classes(2)),
    "multiclass": (
        SimpleMLPClassifier(**COMMON),
        lambda X: labels(X, 3),
        classes(3),
    ),
    "multilabel": (SimpleMLPClassifier(**COMMON), several, classes(2)),
    "values": (SimpleMLPRegressor(**COMMON), values, {}),
    "outputs": (SimpleMLPRegressor(**COMMON), lambda X: X[:, :2], {}),
    "in order": (SimpleMLPRegressor(**COMMON, shuffle=False), values, {}),
    "batches": (SimpleMLPRegressor(**COMMON, shuffle=False, batch_size=8), values, {}),
    "momentum": (SimpleMLPRegressor(**COMMON, solver="sgd"), values, {}),
    "plateaus": (
        SimpleMLPRegressor(
            **COMMON,
            solver="sgd",
            learning_rate="adaptive",
            n_iter_no_change=1,
            tol=10.0,
        ),
        values,
        {},
    ),
    "decreasing": (
        SimpleMLPRegressor(**COMMON, solver="sgd", learning_rate="invscaling"),
        values,
        {},
    ),
    "planned": (
        SimpleMLPRegressor(**COMMON, learning_rate="cosine", max_iter=3),
        values,
        {},
    ),
    "dropout": (SimpleMLPRegressor(**COMMON, dropout=0.3), values, {}),
    "normalization": (
        SimpleMLPRegressor(**COMMON, block=Plain(normalization="batch")),
        values,
        {},
    ),
    "clipped": (SimpleMLPRegressor(**COMMON, clip_norm=0.1), values, {}),
    "single precision": (SimpleMLPRegressor(**COMMON, dtype="float32"), values, {}),
    "table of classes": (TabularMLPClassifier(**COMMON), labels, classes(2)),
    "table of values": (TabularMLPRegressor(**COMMON), values, {}),
}
CASES = {
    name: (model.set_params(**({"n_estimators": 1} if "table" in name else {})), *more)
    for name, (model, *more) in CASES.items()
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@pytest.fixture
def continued(monkeypatch):
    """Return a list that gets an item for each epoch of a continuation."""
    calls, train = [], Continuation.train

    def counted(self, earlier):
        calls.append(earlier)
        return train(self, earlier)

    monkeypatch.setattr(Continuation, "train", counted)
    return calls


def state_of(network):
    """Return all fitted attributes; of a preprocessor, its own."""
    found = {k: v for k, v in vars(network).items() if k.endswith("_") or k[0] == "_"}
    if "preprocessor_" in found:
        found["preprocessor_"] = vars(found["preprocessor_"])
    return found


def through_pickle(network):
    """Return a copy for which nothing is kept."""
    return pickle.loads(pickle.dumps(network))


def after_calls(case, between, chunks=CHUNKS, **more):
    """Return a copy of a network after all calls, and its states after each."""
    model, target, first = case
    network, states = copy.deepcopy(model), []
    for i, X in enumerate(chunks):
        network.partial_fit(X, target(X), **(first if i == 0 else {}), **more)
        states.append(copy.deepcopy(state_of(network)))
        network = between(network)
    return network, states


def assert_same(case, chunks=CHUNKS, **more):
    """Assert that all fitted attributes are the same as without a continuation."""
    _, ours = after_calls(case, lambda network: network, chunks, **more)
    _, theirs = after_calls(case, through_pickle, chunks, **more)
    for one, other in zip(ours, theirs, strict=True):
        assert_equal(one, other)


@cases
def test_all_attributes_are_the_same(case, continued):
    assert_same(case)
    assert len(continued) == N_CALLS - 3  # it is set up in the third call


def test_weights_and_other_types_of_features_continue(continued):
    weight = np.linspace(0.0, 2.0, 30)
    assert_same(CASES["values"], sample_weight=weight)
    integers = [np.round(X * 100.0).astype(np.int16) for X in CHUNKS]
    assert_same(CASES["binary"], integers)
    few = [sparse.csr_matrix(X * (X > 0.5)) for X in CHUNKS]
    assert_same(CASES["binary"], few)
    assert len(continued) == 3 * (N_CALLS - 3)


def test_data_of_another_form_do_not_continue(continued):
    sizes = [30, 30, 30, 30, 7, 30, 30]
    chunks = [X[:n] for X, n in zip(CHUNKS, sizes, strict=True)]
    assert_same(CASES["values"], chunks)
    assert len(continued) == 1
    mixed = [X.astype("f") if i > 3 else X for i, X in enumerate(CHUNKS)]
    assert_same(CASES["values"], mixed)
    assert len(continued) == 1 + 2


def changed_rate(network):
    """Return the network with a parameter changed."""
    return network.set_params(learning_rate_init=network.learning_rate_init * 0.9)


def edited(network):
    """Return the network with a weight changed in place."""
    network.coefs_[0][0, 0] += 0.25
    return network


@pytest.mark.parametrize("between", [changed_rate, edited])
def test_changes_between_calls_count(between):
    case = CASES["values"]
    _, ours = after_calls(case, between)
    _, theirs = after_calls(case, lambda network: through_pickle(between(network)))
    assert_equal(ours, theirs)


def test_copies_learn_on_independently():
    """They share arrays and the state of the streams with the original."""
    network, _ = after_calls(CASES["dropout"], lambda network: network)
    twin, expected = copy.copy(network), through_pickle(network)
    X = CHUNKS[0]
    for model in (network, twin, expected):
        model.partial_fit(X, values(X)).partial_fit(X, values(X))
    assert_array_equal(network.theta_, expected.theta_)
    assert_array_equal(twin.theta_, expected.theta_)


def test_published_values_stay():
    network, _ = after_calls(CASES["values"], lambda network: network)
    state = state_of(network)
    kept, before = dict(state), copy.deepcopy(state)
    network.partial_fit(CHUNKS[0], values(CHUNKS[0]))
    assert_equal(kept, before)
    assert len(network.loss_curve_) == N_CALLS + 1


def test_bad_data_and_a_divergence_leave_the_network_unchanged():
    network, _ = after_calls(CASES["values"], lambda network: network)
    before, X = copy.deepcopy(state_of(network)), CHUNKS[0]
    with pytest.raises(ValueError, match="NaN"):
        network.partial_fit(np.full_like(X, np.nan), values(X))
    with pytest.raises(ValueError, match="features"):
        network.partial_fit(X[:, :2], values(X))
    with pytest.raises(ValueError, match="non-finite"):
        network.partial_fit(X, np.full(30, 1e300))
    assert_equal(state_of(network), before)
    expected = through_pickle(network).partial_fit(X, values(X))
    assert_array_equal(network.partial_fit(X, values(X)).theta_, expected.theta_)


def test_an_interrupt_leaves_the_network_unchanged(monkeypatch):
    network, _ = after_calls(CASES["values"], lambda network: network)
    before, X = copy.deepcopy(state_of(network)), CHUNKS[0]

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Continuation, "_result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        network.partial_fit(X, values(X))
    assert_equal(state_of(network), before)
    monkeypatch.undo()
    expected = through_pickle(network).partial_fit(X, values(X))
    assert_array_equal(network.partial_fit(X, values(X)).theta_, expected.theta_)


def test_nothing_is_kept_for_a_network_that_is_gone():
    """Nor for one that was fitted again."""
    gc.collect()
    before = len(_continuations._things)
    for _ in range(3):
        network, _ = after_calls(CASES["values"], lambda network: network)
        network.fit(CHUNKS[0], values(CHUNKS[0]))
        network, _ = after_calls(CASES["values"], lambda network: network)
        del network
    gc.collect()
    assert len(_continuations._things) == before


@pytest.mark.parametrize(
    "params",
    [{"batch_size": 100}, {"scoring": "r2"}],
    ids=lambda params: next(iter(params)),
)
def test_each_call_warns(params):
    """A call that warns is not continued."""
    network = SimpleMLPRegressor(**COMMON, **params)
    for X in CHUNKS:
        with pytest.warns(UserWarning, match="batch_size|scoring"):
            network.partial_fit(X, values(X))


def test_the_rows_of_a_call_are_not_kept():
    network, _ = after_calls(CASES["values"], lambda network: network)
    X = CHUNKS[0].copy()
    y = values(X)
    network.partial_fit(X, y)
    references = [weakref.ref(X), weakref.ref(y)]
    del X, y
    gc.collect()
    assert [reference() for reference in references] == [None, None]
