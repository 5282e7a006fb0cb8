"""The objective of a shared backbone: gradients, members, weights of rows, memory."""

from functools import partial

import numpy as np
import pytest
from memory import smallest_peak_of
from numpy.testing import assert_allclose, assert_array_equal
from shared_backbones import (
    N_INPUTS,
    N_OUTPUTS,
    N_ROWS,
    NORMALIZATIONS,
    E,
    batch_of,
    built,
    described,
    evaluate,
    noise,
    point_of,
)

from sknet._rows import in_rows
from sknet.activations import ReLU
from sknet.losses import Gaussian, LogLoss, SquaredError
from sknet.network.architecture import Architecture
from sknet.network.blocks import BLOCKS
from sknet.network.network import Network
from sknet.objective import Batch, Objective
from sknet.penalties import L2
from sknet.testing import objective_report
from sknet.training import inference
from sknet.training.inference import mean_loss, raw_outputs


@pytest.mark.parametrize("block", ["plain", "residual"])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_equals_the_difference(block, normalization, n_members, weighted):
    """Parameter by parameter, with dropout and a penalty."""
    network = built(described(block, normalization, dropout=(0.2,)))
    objective = Objective(network, SquaredError(), L2(), 0.3)
    theta, batch = point_of(network, n_members), batch_of(n_members, weighted)
    stream = np.random.RandomState(0)
    report = objective_report(objective, theta, batch, noise(n_members), stream)
    assert report.passed, report


def test_gradient_equals_the_difference_with_more_raw_outputs_than_targets():
    """Targets are as wide as they are, for each submodel."""
    loss = Gaussian()
    network = built(described(), loss.n_raw(1))
    objective, batch = Objective(network, loss, L2(), 0.3), batch_of(3, n_columns=1)
    stream = np.random.RandomState(0)
    report = objective_report(objective, point_of(network, 3), batch, [], stream)
    assert report.passed, report


def test_value_is_the_mean_of_the_submodels_losses():
    """Not the loss of their mean; the reported loss of each is at hand."""
    network, rng = built(described()), np.random.default_rng(2)
    batch = batch_of()
    batch.y = np.eye(N_OUTPUTS)[None, rng.integers(N_OUTPUTS, size=N_ROWS)]
    theta, loss = point_of(network), LogLoss()
    data, _ = evaluate(Objective(network, loss, L2(), 0.0), theta, batch)
    raw = raw_outputs(network, theta, batch.x[0])
    losses = mean_loss(loss, raw, batch.y[0], None)
    assert losses.shape == (E,)
    assert_allclose(data, losses.mean(), rtol=1e-12)
    together = mean_loss(loss, raw.mean(axis=0, keepdims=True), batch.y[0], None)
    assert together[0] < data[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_members_together_equal_each_alone(weighted, dtype):
    """Bit for bit, with dropout and batch statistics; raw outputs, too."""
    network = built(described("residual", "batch", dropout=(0.3,)))
    objective = Objective(network, SquaredError(), L2(), 0.3)
    start, batch = point_of(network, 3, dtype), batch_of(3, weighted, dtype)
    theta = start.copy()
    data, grad = evaluate(objective, theta, batch, noise(3))
    assert {data.dtype, grad.dtype} == {np.dtype(dtype)}
    raw = raw_outputs(network, theta, batch.x[0])
    for k in range(3):
        one, alone = slice(k, k + 1), start[k : k + 1].copy()
        weight = batch.weight[one] if weighted else batch.weight
        total = batch.total[one] if weighted else batch.total
        part = Batch(batch.x[one], batch.y[one], weight, total, N_ROWS)
        own_data, own_grad = evaluate(objective, alone, part, noise(3)[one])
        assert_array_equal(own_data, data[one])
        assert_array_equal(own_grad, grad[one])
        assert_array_equal(alone, theta[one])
        own_raw = raw_outputs(network, alone, batch.x[0])
        assert_array_equal(own_raw, raw[k * E : (k + 1) * E])


def test_rows_of_hyperparameters_are_those_of_each_member():
    """Bit for bit: label smoothing and dropout differ from member to member."""
    losses = [LogLoss(label_smoothing=share) for share in (0.0, 0.1, 0.3)]
    rates = np.array([[0.1], [0.2], [0.5]])
    batch = batch_of(3)
    classes = np.random.default_rng(2).integers(N_OUTPUTS, size=(3, N_ROWS))
    batch.y = np.eye(N_OUTPUTS)[classes]
    layers = described(dropout=(rates,)).layers(N_INPUTS, N_OUTPUTS)
    network = Network(layers, (N_INPUTS,))
    objective = Objective(network, in_rows(losses), L2(), 0.3)
    theta = point_of(network, 3)
    data, grad = evaluate(objective, theta, batch, noise(3))
    for k, loss in enumerate(losses):
        one, rate = slice(k, k + 1), float(rates[k, 0])
        alone = described(dropout=(rate,)).layers(N_INPUTS, N_OUTPUTS)
        part = Batch(batch.x[one], batch.y[one], batch.weight, batch.total, N_ROWS)
        own = Objective(Network(alone, (N_INPUTS,)), loss, L2(), 0.3)
        own_data, own_grad = evaluate(own, theta[one].copy(), part, noise(3)[one])
        assert_array_equal(own_data, data[one])
        assert_array_equal(own_grad, grad[one])


def test_rows_and_targets_shared_by_all_members_are_copies_for_each():
    """Bit for bit: rows, targets and weights of one member stand for all."""
    network = built(described(normalization="batch"))
    objective = Objective(network, SquaredError(), L2(), 0.3)
    theta, one = point_of(network, 3), batch_of(1, True)
    many = Batch(
        *(np.repeat(a, 3, axis=0) for a in (one.x, one.y, one.weight, one.total)),
        N_ROWS,
    )
    shared = evaluate(objective, theta.copy(), one)
    for ours, theirs in zip(
        shared, evaluate(objective, theta.copy(), many), strict=True
    ):
        assert_array_equal(ours, theirs)


def test_row_of_weight_two_counts_as_two_rows():
    """In the loss and in the statistics of the backbone; weight zero as no row."""
    network = built(described(normalization="batch"))
    objective = Objective(network, SquaredError(), L2(), 0.0)
    theta, batch = point_of(network), batch_of()
    weight = np.array([2.0, 0.0, 1.0, 1.0, 1.0, 1.0])[:, None] / 6.0
    rows = [0, 0, 2, 3, 4, 5]
    repeated = Batch(batch.x[:, rows], batch.y[:, rows], 1.0 / 6.0, 6.0, N_ROWS)
    batch.weight = weight[None]
    ours = evaluate(objective, theta.copy(), batch)
    theirs = evaluate(objective, theta.copy(), repeated)
    for a, b in zip(ours, theirs, strict=True):
        assert_allclose(a, b, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_step_allocates_nothing_that_grows_with_rows(normalization, n_members):
    """An evaluation takes as many bytes with 8192 rows as with 2048.

    Both are more than a buffer of NumPy's, which older ones fill where operands are
    broadcast.
    """
    architecture = Architecture(
        (40, 40), (ReLU(),), BLOCKS["residual"](normalization), (0.2,), n_heads=E
    )
    few, many = (step_peak(architecture, n, n_members) for n in (2048, 8192))
    assert many < few + 512  # a row of float32 weights would be 24576 bytes more


def step_peak(architecture, n_rows, n_members):
    """Return the peak of what one weighted evaluation allocates, in bytes."""
    network, rng = built(architecture), np.random.default_rng(0)
    theta = point_of(network, n_members, np.float32)
    objective = Objective(network, SquaredError(), L2(), 0.1)
    point = objective.point(theta, noise(n_members))
    x = rng.normal(size=(n_members, n_rows, N_INPUTS)).astype(np.float32)
    weight = np.full((n_members, n_rows, 1), 1 / n_rows, dtype=np.float32)
    total = np.ones((n_members, 1), dtype=np.float32)
    batch = Batch(x, x[..., :N_OUTPUTS].copy(), weight, total, n_rows)
    return smallest_peak_of(partial(objective.value_and_gradient, point, batch))


def test_prediction_does_not_depend_on_the_chunks(monkeypatch):
    """Whole, by some rows, or by one, where there are more submodels than that."""
    network, x = built(described()), np.random.default_rng(0).normal(size=(20, 4))
    theta = point_of(network, 2)
    whole = raw_outputs(network, theta, x)
    for rows in (7 * E, 1):
        monkeypatch.setattr(inference, "CHUNK_ROWS", rows)
        assert_allclose(raw_outputs(network, theta, x), whole, rtol=1e-13)
