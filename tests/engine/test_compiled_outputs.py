"""Predictions and probabilities of single networks, computed in one program."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from every_component import components
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from sknet import SimpleMLPClassifier, SimpleMLPRegressor, TabularMLPClassifier
from sknet.engine.machine import machine
from sknet.losses import CLASS_LOSSES, VALUE_LOSSES
from sknet.model.compiled import compiled_output


pytestmark = [
    pytest.mark.skipif(machine() is None, reason="The engine is not compiled."),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

X = np.random.default_rng(0).normal(size=(700, 5))
VALUES = np.exp(X[:, 0])
TARGETS = {
    "one class": np.zeros(700, int),
    "binary": (X[:, 0] > 0.0).astype(int),
    "multiclass": np.digitize(X[:, 0], [-0.5, 0.5]),
    "multilabel": (X[:, :3] > 0.0).astype(int),
}
CLASS_CASES = [
    (loss, target)
    for loss in components(CLASS_LOSSES)
    for target in TARGETS
    if loss.recordable
]
VALUE_CASES = [loss for loss in components(VALUE_LOSSES) if loss.recordable]
FEW = {"hidden_layer_sizes": (6,), "max_iter": 3, "random_state": 0}


def both(model, y, X=X):
    """Return the same network with compiled predictions, and with NumPy's."""
    compiled = model.fit(X, y)
    numpy = clone(model).set_params(engine="numpy", max_iter=1).fit(X, y)
    numpy.theta_ = compiled.theta_
    return compiled, numpy


def is_compiled(model, name):
    """Return whether an output of a fitted network is compiled."""
    return compiled_output(model._model, name, X[:1], X.dtype) is not None


def assert_bits_of_rows(method, rows=X):
    """Assert that a row has the same bits, alone and in any company."""
    whole = method(rows)
    for n in (1, 2, 15, 16, 17, 255, 257):
        assert_array_equal(method(rows[:n]), whole[:n])
    assert_array_equal(method(rows[::-1].copy()), whole[::-1])


@pytest.mark.parametrize(("loss", "target"), CLASS_CASES, ids=repr)
def test_classes(loss, target):
    compiled, numpy = both(SimpleMLPClassifier(loss=loss, **FEW), TARGETS[target])
    assert is_compiled(compiled, "prediction")
    assert (compiled.predict(X) == numpy.predict(X)).mean() > 0.99
    assert_bits_of_rows(compiled.predict)
    if not compiled._model.loss.gives_probability:
        return
    assert is_compiled(compiled, "probability")
    assert_allclose(compiled.predict_proba(X), numpy.predict_proba(X), rtol=1e-12)
    assert_bits_of_rows(compiled.predict_proba)
    served = compiled.predictor()
    assert_array_equal(served.predict_proba(X), compiled.predict_proba(X))
    assert_array_equal(served.predict_proba(X[:1]), compiled.predict_proba(X)[:1])


@pytest.mark.parametrize("loss", VALUE_CASES, ids=repr)
def test_values(loss):
    compiled, numpy = both(SimpleMLPRegressor(loss=loss, **FEW), VALUES)
    assert_allclose(compiled.predict(X), numpy.predict(X), rtol=1e-12)
    assert_bits_of_rows(compiled.predict)
    served = compiled.predictor()
    assert_array_equal(served.predict(X[:1]), compiled.predict(X)[:1])


def test_usual_values_are_compiled():
    assert is_compiled(SimpleMLPRegressor(**FEW).fit(X, VALUES), "prediction")


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint16", "bool"])
def test_types_of_features(dtype):
    rows = (10.0 * X).astype(dtype)
    compiled, numpy = both(SimpleMLPClassifier(**FEW), TARGETS["multiclass"], rows)
    found, expected = compiled.predict_proba(rows), numpy.predict_proba(rows)
    assert found.dtype == expected.dtype
    assert_allclose(found, expected, rtol=1e-5 if dtype == "float32" else 1e-12)
    assert_bits_of_rows(compiled.predict_proba, rows)


def test_rows_of_another_type_than_the_network():
    """These are computed from raw outputs, as before."""
    network = SimpleMLPClassifier(dtype="float32", **FEW).fit(X, TARGETS["binary"])
    assert network.predict_proba(X).dtype == np.float64
    assert network.predict_proba(X.astype("f")).dtype == np.float32
    assert_bits_of_rows(network.predict_proba)


def test_changed_weights_are_seen():
    network, _ = both(SimpleMLPClassifier(**FEW), TARGETS["binary"])
    served, before = network.predictor(), network.predict_proba(X[:3])
    network.coefs_[0][...] = 0.0
    network.coefs_[1][...] = 0.0
    network.intercepts_[1][...] = np.log(3.0)
    assert_allclose(network.predict_proba(X[:3])[:, 1], 0.75)
    assert_array_equal(served.predict_proba(X[:3]), before)


@pytest.mark.parametrize("n_rows", [1, 100])
def test_outputs_that_are_not_finite(n_rows):
    network, _ = both(SimpleMLPClassifier(**FEW), TARGETS["binary"])
    rows = X[:n_rows].copy()
    rows[-1] = 1e308
    for method in (network.predict_proba, network.predict, network.predictor().predict):
        with pytest.raises(ValueError, match=f"row {n_rows - 1} is not finite"):
            method(rows)


@pytest.mark.parametrize("shared_backbone", [False, True])
def test_several_networks(shared_backbone):
    """Each member predicts the same bits as the ensemble does with it."""
    few = {**FEW, "n_estimators": 3, "shared_backbone": shared_backbone}
    for kind, y in (
        (SimpleMLPClassifier, TARGETS["multiclass"]),
        (SimpleMLPRegressor, VALUES),
    ):
        compiled, numpy = both(kind(**few), y)
        assert is_compiled(compiled, "prediction")
        methods = ["predict", "predict_members"]
        if kind is SimpleMLPClassifier:
            methods += ["predict_proba", "predict_proba_members"]
        for name in methods:
            ours, theirs = getattr(compiled, name)(X), getattr(numpy, name)(X)
            assert_allclose(ours, theirs, rtol=1e-12)
        for member, expected in zip(
            compiled.estimators_, compiled.predict_members(X), strict=True
        ):
            assert_array_equal(member.predict(X), expected)


def test_temperatures_are_left_to_numpy():
    table = TabularMLPClassifier(**{**FEW, "n_estimators": 1, "max_iter": 8})
    table.fit(X, np.where(np.arange(700) % 5, TARGETS["binary"], 0))
    assert table.temperature_ != 1.0
    assert not is_compiled(table, "probability")


def test_threads_do_not_disturb_each_other():
    network, _ = both(SimpleMLPClassifier(**FEW), TARGETS["multiclass"])
    served, expected = network.predictor(), network.predict_proba(X)

    def predicted(i):
        row = i % len(X)
        method = (served if i % 2 else network).predict_proba
        return bool((method(X[row : row + 1])[0] == expected[row]).all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(predicted, range(4000)))
