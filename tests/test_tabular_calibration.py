"""Calibration of the classifier for tables: one temperature, of rows held out."""

import numpy as np
import pytest
from made_up_table import LABEL, SMALL, TABLE, X_IRIS, Y_IRIS
from numpy.testing import assert_allclose
from scipy.special import softmax
from sklearn.base import clone
from sklearn.metrics import log_loss

from sknet import TabularMLPClassifier
from sknet.solvers.calibration import CalibratedScore, HeldOut, best_temperature


RNG = np.random.default_rng(0)


def grid_of_losses(raw, y, weight):
    """Log losses at many temperatures, by scikit-learn."""
    temperatures = np.exp(np.linspace(-2.0, 2.0, 401))
    losses = [
        log_loss(y, softmax(raw / t, axis=1), sample_weight=weight)
        for t in temperatures
    ]
    return temperatures, np.array(losses)


@pytest.mark.parametrize("weighted", [False, True])
def test_best_temperature_is_that_of_a_search(weighted):
    """Of three classes; the prior is too weak to be seen."""
    y = RNG.integers(0, 3, size=4000)
    raw = 3.0 * np.eye(3)[y] + 2.5 * RNG.normal(size=(4000, 3))
    weight = RNG.uniform(0.1, 2.0, size=4000) if weighted else np.ones(4000)
    temperatures, losses = grid_of_losses(raw, y, weight)
    held_out = HeldOut(raw[None], np.eye(3, dtype=bool)[y], weight)
    found = best_temperature([held_out], exclusive=True)
    assert_allclose(found.temperature, temperatures[losses.argmin()], rtol=0.03)
    assert_allclose(found.loss, losses.min(), rtol=1e-4)
    score = CalibratedScore(held_out.y, weight if weighted else None, True)
    assert_allclose(score(None, raw), -losses.min(), rtol=1e-4)


@pytest.mark.parametrize("exclusive", [False, True])
def test_mean_of_networks_has_the_temperature_of_its_members(exclusive):
    """One network twice is one network."""
    y = RNG.random((500, 3)) < 0.4
    if exclusive:
        y = np.eye(3, dtype=bool)[RNG.integers(0, 3, size=500)]
    raw, weight = 4.0 * (y - 0.5) + 3.0 * RNG.normal(size=y.shape), np.ones(500)
    one = best_temperature([HeldOut(raw[None], y, weight)], exclusive)
    two = best_temperature([HeldOut(np.stack([raw, raw]), y, weight)], exclusive)
    assert_allclose(two.temperature, one.temperature, rtol=0.01)
    assert_allclose(two.loss, one.loss, rtol=1e-4)


def test_flawless_validation_set_leaves_the_temperature_finite():
    """Nothing would keep it from zero but the prior."""
    y = np.arange(20)[:, None] % 2 == 0
    raw = np.where(y, 2.0, -2.0)
    found = best_temperature([HeldOut(raw[None], y, np.ones(20))], False)
    assert 0.3 < found.temperature < 1.0


def test_probabilities_are_those_of_scaled_outputs():
    """predict_proba is the mean over the networks, each divided by the temperature."""
    params = SMALL | {"n_estimators": 3}
    model = TabularMLPClassifier(**params).fit(X_IRIS, Y_IRIS)
    assert model.temperature_ != 1.0
    members = model.predict_proba_members(X_IRIS)
    assert_allclose(model.predict_proba(X_IRIS), members.mean(axis=0), rtol=1e-6)
    before = clone(model).set_params(calibrate=False, scoring="loss")
    calibrated = members[0]
    model.temperature_, scale = 1.0, model.temperature_
    plain = model.predict_proba_members(X_IRIS)[0]
    powers = plain.astype(float) ** (1.0 / scale)
    expected = powers / powers.sum(axis=1, keepdims=True)
    assert_allclose(calibrated, expected, rtol=1e-4, atol=1e-6)
    assert before.fit(X_IRIS, Y_IRIS).temperature_ == 1.0


def test_temperature_is_that_of_held_out_rows_made_milder():
    """One for all networks, each on its own rows; nearer to 1 the more there are."""
    params = SMALL | {"n_estimators": 3, "warm_start": True}
    model = TabularMLPClassifier(**params).fit(X_IRIS, Y_IRIS)
    rows, found = np.asarray(model._training["validation_rows"]), model.temperature_
    model.temperature_ = 1.0
    raw, y = model._raw(*model._inputs(X_IRIS)), np.eye(3, dtype=bool)[Y_IRIS]
    each = [
        HeldOut(raw[k : k + 1, rows[k]], y[rows[k]], np.ones(rows.shape[1]))
        for k in range(3)
    ]
    whole = best_temperature(each, exclusive=True).temperature
    assert abs(np.log(whole)) > 0.05
    assert_allclose(np.log(found), np.log(whole) * 3.0 ** (-2 / 3), rtol=1e-3)


def test_calibration_helps_on_new_rows():
    """In the mean over ten data sets, with an epoch chosen by something else."""
    gains = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(1300, 6))
        y = (X[:, 0] + rng.normal(size=1300) > 0).astype(int)
        params = {"max_iter": 20, "random_state": seed, "scoring": "accuracy"}
        model = TabularMLPClassifier((32, 32), **params, n_estimators=1)
        model.fit(X[:300], y[:300])
        with_it = log_loss(y[300:], model.predict_proba(X[300:]))
        model.temperature_ = 1.0
        gains.append(log_loss(y[300:], model.predict_proba(X[300:])) - with_it)
    assert np.mean(gains) > 0.0


def test_margins_have_no_temperature():
    model = TabularMLPClassifier(**SMALL, loss="hinge").fit(TABLE, LABEL)
    assert model.temperature_ == 1.0
