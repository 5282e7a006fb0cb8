"""A shared backbone against a slow loop over its submodels."""

from itertools import product

import numpy as np
import pytest
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
    parameter,
    point_of,
    separate,
)

from sknet.losses import LossBuffers, SquaredError
from sknet.network.layers import EnsembleView, LinearEnsemble, Training
from sknet.network.network import Network
from sknet.objective import Batch, Objective
from sknet.penalties import L2
from sknet.training.inference import raw_outputs


SLOW = list(product(("plain", "residual", "preactivation"), (None, "layer")))


@pytest.mark.parametrize("block", ["plain", "residual", "tabular_resnet"])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("hidden", [(5, 4), ()])
def test_raw_outputs_are_those_of_separate_networks(block, normalization, hidden):
    """Each submodel is the backbone with its own head on rows times its factors."""
    network = built(described(block, normalization, hidden))
    plain = built(described(block, normalization, hidden, n_heads=1))
    theta, x = point_of(network, 2), batch_of().x[0]
    raw = raw_outputs(network, theta, x)
    assert raw.shape == (2 * E, N_ROWS, N_OUTPUTS)
    for k, e in product(range(2), range(E)):
        scale, own = separate(network, plain, theta, e)
        expected = raw_outputs(plain, own[k : k + 1], x * scale[k])
        assert_allclose(raw[k * E + e], expected[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("block", "normalization"), SLOW)
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_is_the_mean_of_separate_networks(block, normalization, weighted):
    """Value too; a head gets its own part, the factors what comes out at the input."""
    network = built(described(block, normalization))
    plain = built(described(block, normalization, n_heads=1))
    plain = Network(plain.layers, (N_INPUTS,), input_gradient=True)
    theta, batch = point_of(network, 2), batch_of(2, weighted)
    data, grad = evaluate(Objective(network, SquaredError(), L2(), 0.0), theta, batch)
    expected, values = np.zeros_like(grad), np.zeros(2)
    last = f"{len(network.layers) - 1}."
    for e in range(E):
        scale, own = separate(network, plain, theta, e)
        value, own_grad, dx = pulled_back(plain, own, batch, batch.x * scale[:, None])
        values += value / E
        parameter(network, expected, "0.scale")[:, e] = (batch.x * dx).sum(axis=1) / E
        for p in plain.layout.parameters:
            first, rest = p.path.split(".", 1)
            path = f"{int(first) + 1}.{rest}"
            into = parameter(network, expected, path)
            into = into[:, e] if path.startswith(last) else into
            into += plain.layout.view(own_grad, p) / E
    assert_allclose(data, values, rtol=1e-12)
    assert_allclose(grad, expected, rtol=1e-10, atol=1e-12)


def pulled_back(network, theta, batch, x):
    """Return values, gradient and input gradient, without an objective."""
    n_members, loss = len(theta), SquaredError()
    cache = network.workspace(n_members, theta.dtype, training=True).cache(N_ROWS)
    grad = np.zeros((n_members, network.layout.n_trainable))
    views, training = network.layout.bind(theta), Training([], batch.weight)
    raw = network.forward(views, x, cache, training)
    draw = np.empty_like(raw)
    buffers = LossBuffers(*raw.shape, raw.dtype)
    value = loss.value_and_gradient(raw, batch.y, batch.weight, draw, buffers)
    dx = network.backward(views, network.layout.bind(grad), draw, cache)
    return value, grad, dx


@pytest.mark.parametrize("block", ["plain", "residual", "preactivation"])
@pytest.mark.parametrize("weighted", [False, True])
def test_batch_statistics_are_those_of_all_copies(block, weighted):
    """With heads that are alike: a plain network on the copies as rows of one batch."""
    network = built(described(block, "batch"))
    plain = built(described(block, "batch", n_heads=1))
    theta, batch = point_of(network), batch_of(1, weighted)
    for name in ("weight", "bias"):
        head = parameter(network, theta, f"{len(network.layers) - 1}.{name}")
        head[:] = head[:, :1]
    _, own = separate(network, plain, theta, 0)
    scale = parameter(network, theta, "0.scale")[0]
    x = np.concatenate([batch.x * factors for factors in scale], axis=1)
    weight = batch.weight if weighted else np.full((1, N_ROWS, 1), 1 / N_ROWS)
    rows = Batch(
        x, np.tile(batch.y, (1, E, 1)), np.tile(weight / E, (1, E, 1)), 1.0, E * N_ROWS
    )
    loss = SquaredError()
    data, grad = evaluate(Objective(network, loss, L2(), 0.0), theta, batch)
    value, own_grad = evaluate(Objective(plain, loss, L2(), 0.0), own, rows)
    assert_allclose(data, value, rtol=1e-12)
    for p in plain.layout.parameters:
        first, rest = p.path.split(".", 1)
        path = f"{int(first) + 1}.{rest}"
        if p.path.endswith(("running_mean", "running_variance", "n_batches")):
            kept = parameter(network, theta, path)
            assert_allclose(kept, plain.layout.view(own, p), rtol=1e-12)
            continue
        found = parameter(network, grad, path)
        if int(first) == len(plain.layers) - 1:
            found = found.sum(axis=1)
        assert_allclose(found, plain.layout.view(own_grad, p), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("weighted", [False, True])
def test_one_submodel_with_factors_of_one_is_the_plain_network(normalization, weighted):
    """Bit for bit: value, gradient and statistics, with dropout."""
    architecture = described("plain", normalization, n_heads=1, dropout=(0.3,))
    plain = built(architecture)
    backbone = plain.layers[:-1]
    network = Network(
        (EnsembleView(1), *backbone, LinearEnsemble(1, N_OUTPUTS)), (N_INPUTS,)
    )
    theta, batch = point_of(network, 2), batch_of(2, weighted)
    parameter(network, theta, "0.scale")[:] = 1.0
    _, own = separate(network, plain, theta, 0)
    made = [
        evaluate(Objective(n, SquaredError(), L2(), 0.3), t, batch, noise(2))
        for n, t in ((network, theta), (plain, own))
    ]
    assert_array_equal(made[0][0], made[1][0])
    for p in plain.layout.parameters:
        first, rest = p.path.split(".", 1)
        path, vectors = f"{int(first) + 1}.{rest}", (theta, own)
        if p.path.rpartition(".")[2] in {"weight", "bias", "scale", "shift"}:
            vectors = made[0][1], made[1][1]
        ours, theirs = parameter(network, vectors[0], path), vectors[1]
        theirs = plain.layout.view(theirs, p)
        assert_array_equal(ours.reshape(theirs.shape), theirs)
