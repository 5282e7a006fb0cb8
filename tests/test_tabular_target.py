"""The target of the regressor for tables: its scale, its range, quantiles beside it."""

import numpy as np
import pytest
from made_up_table import SMALL, TABLE, VALUE, N
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_diabetes

from sknet import TabularMLPRegressor
from sknet.losses import Quantile
from sknet.problem.value_target import target_scale


RNG = np.random.default_rng(0)


# ----------------------------------------------------------------------------- target


def test_target_scale_is_a_change_of_units():
    """Kilometres or millimetres: the same network, the same prediction in units."""
    model = TabularMLPRegressor(**SMALL).fit(TABLE, VALUE)
    far = clone(model).fit(TABLE, 1e6 * VALUE - 4e6)
    assert_allclose(far.predict(TABLE), 1e6 * model.predict(TABLE) - 4e6, rtol=1e-3)
    assert_allclose(far.target_deviation_, 1e6 * model.target_deviation_)


@pytest.mark.parametrize("weighted", [False, True])
def test_target_scale_counts_rows_by_weight(weighted):
    y = RNG.normal(3.0, 5.0, size=(50, 2))
    weight = RNG.integers(0, 3, size=50) if weighted else np.ones(50, dtype=int)
    rows = np.repeat(y, weight, axis=0)
    scale = target_scale(y, weight.astype(float) if weighted else None, True)
    assert_allclose(scale.mean, rows.mean(axis=0))
    assert_allclose(scale.deviation, rows.std(axis=0))
    span = np.ptp(rows, axis=0)
    assert_allclose(scale.least, rows.min(axis=0) - 0.05 * span)
    assert_allclose(scale.largest, rows.max(axis=0) + 0.05 * span)
    assert_allclose(scale.backward(scale.forward(y[weight > 0])), y[weight > 0])


def test_predictions_end_near_the_training_range():
    X = np.linspace(-1.0, 1.0, 200)[:, None]
    model = TabularMLPRegressor((32,), n_estimators=1, max_iter=60, random_state=0)
    free = clone(model).set_params(clip_predictions=False)
    y, far = X[:, 0], np.array([[-50.0], [50.0]])
    assert_allclose(model.fit(X, y).target_range_, [[-1.1], [1.1]])
    assert np.abs(model.predict(far)).max() <= 1.1
    assert np.isinf(free.fit(X, y).target_range_).all()


def test_constant_target_is_predicted():
    model = TabularMLPRegressor(**SMALL).fit(TABLE, np.full(N, 7.0))
    assert_allclose(model.predict(TABLE), 7.0, atol=1e-6)


def test_losses_with_a_domain_take_the_target_as_it_is():
    model = TabularMLPRegressor(**SMALL, loss="poisson").fit(TABLE, np.exp(VALUE / 3))
    assert model.target_mean_ is None
    assert (model.predict(TABLE) > 0.0).all()


def test_deviations_are_in_units_of_the_target():
    """Of a loss that gives one, and the spread of the networks."""
    params = SMALL | {"loss": "gaussian", "clip_predictions": False}
    model = TabularMLPRegressor(**params).fit(TABLE, VALUE)
    far = clone(model).fit(TABLE, 1000.0 * VALUE)
    _, std = model.predict(TABLE, return_std=True)
    _, far_std = far.predict(TABLE, return_std=True)
    assert_allclose(far_std, 1000.0 * std, rtol=1e-2)


def test_several_targets_have_a_scale_each():
    X, y = load_diabetes(return_X_y=True)
    both = np.column_stack([y, -1e4 * X[:, 2]])
    params = SMALL | {"max_iter": 30, "hidden_layer_sizes": (32, 32)}
    model = TabularMLPRegressor(**params).fit(X, both)
    assert model.predict(X).shape == both.shape
    assert model.score(X, both) > 0.6


# -------------------------------------------------------------------------- quantiles


def test_quantiles_beside_the_mean():
    """They hold their shares of new rows, do not cross, and leave the mean in place."""
    rng, levels = np.random.default_rng(0), (0.1, 0.5, 0.9)
    x = rng.uniform(-2.0, 2.0, size=(6000, 1))
    y = x[:, 0] + (0.2 + np.abs(x[:, 0])) * rng.normal(size=6000)
    params = {"n_estimators": 4, "max_iter": 20, "random_state": 0}
    model = TabularMLPRegressor((32, 32), quantiles=levels, **params)
    found = model.fit(x[:4000], y[:4000]).predict(x[4000:], quantiles=levels)
    assert found.shape == (2000, 3)
    assert (np.diff(found, axis=1) >= 0.0).all()
    shares = (y[4000:, None] <= found).mean(axis=0)
    assert_allclose(shares, levels, atol=0.05)
    assert model.predict(x).shape == (6000,)
    assert_array_equal(model.predict(x[4000:], quantiles=0.9), found[:, 2])
    assert_array_equal(model.predict(x[4000:], quantiles=[0.9, 0.1]), found[:, [2, 0]])
    wide = np.ptp(model.predict([[2.0]], quantiles=(0.1, 0.9)))
    assert wide > 2.0 * np.ptp(model.predict([[0.0]], quantiles=(0.1, 0.9)))


def test_quantiles_of_several_targets():
    y = np.column_stack([VALUE, -VALUE])
    model = TabularMLPRegressor(**SMALL, quantiles=(0.25, 0.75)).fit(TABLE, y)
    assert model.predict(TABLE).shape == (N, 2)
    assert model.predict(TABLE, quantiles=(0.25, 0.75)).shape == (N, 2, 2)


def test_quantiles_that_were_not_trained_are_refused():
    model = TabularMLPRegressor(**SMALL, quantiles=(0.1, 0.9)).fit(TABLE, VALUE)
    with pytest.raises(ValueError, match=r"not trained for the levels \[0.5\]"):
        model.predict(TABLE, quantiles=(0.1, 0.5))
    with pytest.raises(ValueError, match="cannot be combined with quantiles"):
        model.predict(TABLE, return_std=True, quantiles=0.1)
    plain = TabularMLPRegressor(**SMALL).fit(TABLE, VALUE)
    with pytest.raises(
        ValueError, match=r"MeanQuantiles\(\(0.5,\)\).*quantiles=\(0.5,\)"
    ):
        plain.predict(TABLE, quantiles=0.5)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"quantiles": (0.9, 0.1)}, "increasing order"),
        ({"quantiles": (0.5,), "loss": "huber"}, "requires loss=.squared_error."),
        ({"quantiles": (0.5,), "loss": Quantile()}, "requires loss=.squared_error."),
    ],
)
def test_bad_quantiles_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        TabularMLPRegressor(**params).fit(TABLE, VALUE)
