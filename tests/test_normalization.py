"""Layers that normalise, and dropout."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from one_layer import N_IN, N_ROWS, place, run_backward, run_forward, streams, views_of

from sknet.network.layers import BatchNorm, Dropout, LayerNorm, Training


# ---- dropout


def test_dropout_keeps_the_mean():
    """Zeros come at the rate, the rest is scaled up: five standard errors."""
    layer, n_rows = Dropout(0.3), 20_000
    case = place(layer, n_rows=n_rows)
    case.x[:] = 1.0
    y, n = run_forward(case), n_rows * N_IN
    assert set(np.unique(y)) == {0.0, 1.0 / 0.7}
    assert abs((y == 0.0).mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / n)
    assert abs(y.mean() - 1.0) < 5 * np.sqrt(0.3 / 0.7 / n)


def test_dropout_of_rate_zero_is_the_identity():
    """Nothing is dropped and nothing scaled."""
    case = place(Dropout(0.0))
    assert_array_equal(run_forward(case), case.x)


def test_dropout_predicts_with_the_identity():
    """At prediction the input itself comes back."""
    case = place(Dropout(0.5))
    views = case.network.layout.bind(case.theta)
    assert case.network.forward(views, case.x, case.cache) is case.x


def test_dropout_draws_from_a_stream_of_each_member():
    """A new mask each time; equal streams give equal masks."""
    case = place(Dropout(0.5), 2)
    case.x[:] = 1.0
    views = case.network.layout.bind(case.theta)
    training = Training(streams([4, 4]), 1.0)
    first = case.network.forward(views, case.x, case.cache, training).copy()
    second = case.network.forward(views, case.x, case.cache, training)
    assert_array_equal(first[0], first[1])
    assert not np.array_equal(first, second)


# ---- normalisation


def set_ones_and_zeros(case):
    """Make a fresh normalisation of a case: scale one, nothing else."""
    views = views_of(case)
    case.theta[:] = 0.0
    views.scale[:] = 1.0
    if case.network.mixes_rows:
        views.running_variance[:] = 1.0
    return views


@pytest.mark.parametrize("mode", ["train", "weighted"])
def test_batch_norm_standardises_columns_by_weights(mode):
    """Weighted mean 0 and weighted variance 1, but for epsilon."""
    case = place(BatchNorm(epsilon=1e-12), 3)
    set_ones_and_zeros(case)
    y = run_forward(case, mode)
    weight = case.weight if mode == "weighted" else np.full((3, N_ROWS, 1), 1 / N_ROWS)
    assert_allclose((weight * y).sum(axis=1), 0.0, atol=1e-14)
    assert_allclose((weight * y**2).sum(axis=1), 1.0, rtol=1e-10)


def test_batch_norm_takes_a_row_of_weight_two_as_two_rows():
    """Outputs, gradients and running statistics of repeated rows."""
    counts = np.array([1, 2, 1, 3, 1, 1, 2])
    case = place(BatchNorm())
    case.weight = (counts / counts.sum())[None, :, None]
    twice = place(BatchNorm(), n_rows=counts.sum())
    twice.x = case.x.repeat(counts, axis=1)
    y = run_forward(case, "weighted")
    assert_allclose(y.repeat(counts, axis=1), run_forward(twice), rtol=1e-12)
    assert_allclose(case.theta, twice.theta, rtol=1e-12)
    twice.v = (case.v / counts[:, None]).repeat(counts, axis=1)
    grad, dx = run_backward(case)
    grad_twice, dx_twice = run_backward(twice)
    assert_allclose(grad, grad_twice, rtol=1e-12)
    summed = np.add.reduceat(dx_twice, np.cumsum(counts) - counts, axis=1)
    assert_allclose(dx, summed, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("momentum", [0.1, 0.5, 1.0])
def test_batch_norm_remembers_the_first_batches_alike(momentum):
    """Running statistics are means at first, then move by the momentum."""
    layer = BatchNorm(momentum=momentum)
    case = place(layer)
    views = set_ones_and_zeros(case)
    rng = np.random.default_rng(5)
    mean, variance = np.full(N_IN, np.nan), np.full(N_IN, np.nan)
    for n in range(1, 16):
        x = rng.normal(n, 2.0, size=case.x.shape)
        run_forward(case, x=x)
        share = max(1.0 / n, momentum)
        if n == 1:
            mean, variance = x[0].mean(axis=0), x[0].var(axis=0)
        mean = (1 - share) * mean + share * x[0].mean(axis=0)
        variance = (1 - share) * variance + share * x[0].var(axis=0)
        assert_allclose(views.running_mean[0, 0], mean, rtol=1e-12)
        assert_allclose(views.running_variance[0, 0], variance, rtol=1e-12)
        assert views.n_batches.item() == n


def test_batch_norm_predicts_with_the_running_statistics():
    """Prediction is a fixed affine map of each column."""
    case = place(BatchNorm(epsilon=0.1))
    views = views_of(case)
    deviation = np.sqrt(views.running_variance + 0.1)
    expected = (case.x - views.running_mean) / deviation * views.scale + views.shift
    assert_allclose(run_forward(case, "predict"), expected, rtol=1e-13)


def test_batch_norm_ignores_a_row_without_weight():
    """Whatever stands in it, the others stay as they are."""
    case = place(BatchNorm())
    case.weight[:, 0] = 0.0
    case.weight /= case.weight.sum()
    before = run_forward(case, "weighted")[:, 1:]
    case.x[:, 0] = 1e6
    assert_allclose(run_forward(case, "weighted")[:, 1:], before, rtol=1e-12)


@pytest.mark.parametrize("mode", ["train", "predict"])
def test_layer_norm_equals_its_formula(mode):
    """Rows of mean 0 and variance 1, scaled and shifted by columns."""
    case = place(LayerNorm(epsilon=0.01))
    views, x = views_of(case), case.x
    normal = (x - x.mean(axis=2, keepdims=True)) / np.sqrt(
        x.var(axis=2, keepdims=True) + 0.01
    )
    expected = normal * views.scale + views.shift
    assert_allclose(run_forward(case, mode), expected, rtol=1e-13)
