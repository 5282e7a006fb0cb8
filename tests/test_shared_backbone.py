"""A shared backbone: a slow loop over its submodels, gradients, members, memory."""

import json
from functools import partial
from itertools import pairwise, product

import numpy as np
import pytest
from memory import smallest_peak_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sknet._numerics import SparseRows
from sknet._rows import in_rows
from sknet.activations import ReLU, Tanh
from sknet.initializers import INITIALIZERS
from sknet.losses import Gaussian, LogLoss, LossBuffers, SquaredError
from sknet.network.architecture import Architecture
from sknet.network.blocks import BLOCKS
from sknet.network.layers import (
    Activate,
    BatchNorm,
    Dense,
    Dropout,
    EnsembleView,
    LayerNorm,
    LinearEnsemble,
    Residual,
    Sequential,
    Training,
)
from sknet.network.network import Network, perceptron
from sknet.objective import Batch, Objective
from sknet.penalties import L2
from sknet.testing import check_layer, objective_report
from sknet.training import inference
from sknet.training.inference import mean_loss, raw_outputs


N_INPUTS, N_ROWS, N_OUTPUTS, E = 4, 6, 2, 3
NORMALIZATIONS = (None, "batch", "layer")
TANH = Activate(Tanh(), in_place=True)
UNSHIFTED = Dense(5, use_bias=False)
BESIDE = Residual(Sequential((Dense(5), LayerNorm())), Sequential(()))
LAYERS = {
    "spread": EnsembleView(E),
    "one copy": EnsembleView(1),
    "no backbone": Sequential((EnsembleView(E), LinearEnsemble(E, 2))),
    "no bias": Sequential((EnsembleView(2), LinearEnsemble(2, 1, use_bias=False))),
    "ntk": Sequential(
        (EnsembleView(2), LinearEnsemble(2, 2, 1.0, INITIALIZERS.make("ntk")))
    ),
    "behind a layer": Sequential(
        (Dense(4), EnsembleView(E), Dense(5), TANH, LinearEnsemble(E, 2))
    ),
    "in parts": Sequential(
        (
            Sequential((EnsembleView(E), UNSHIFTED)),
            BatchNorm(),
            BESIDE,
            TANH,
            LinearEnsemble(E, 2),
        )
    ),
    "everything": Sequential(
        (
            EnsembleView(E),
            UNSHIFTED,
            BatchNorm(),
            TANH,
            Dropout(0.3),
            BESIDE,
            LinearEnsemble(E, 2),
        )
    ),
}


def described(block="plain", normalization=None, hidden=(5, 4), n_heads=E, **more):
    """Return an architecture with a smooth activation."""
    made = BLOCKS[block](normalization=normalization)
    return Architecture(hidden, (Tanh(),), made, n_heads=n_heads, **more)


def built(architecture, n_outputs=N_OUTPUTS):
    """Return its network."""
    return perceptron(N_INPUTS, architecture, n_outputs)


def point_of(network, n_members=1, dtype=np.float64):
    """Return parameters away from where they start."""
    rng = np.random.default_rng(0)
    streams = [np.random.RandomState(k) for k in range(n_members)]
    theta = network.initial(streams, np.dtype(dtype))
    n_trainable = network.layout.n_trainable
    theta[:, :n_trainable] += 0.3 * rng.normal(size=(n_members, n_trainable))
    return theta


def batch_of(n_members=1, weighted=False, dtype=np.float64, n_columns=N_OUTPUTS):
    """Return rows and targets, with a weight for each row if wanted."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n_members, N_ROWS, N_INPUTS)).astype(dtype)
    y = rng.normal(size=(n_members, N_ROWS, n_columns)).astype(dtype)
    if not weighted:
        return Batch(x, y, 1.0 / N_ROWS, float(N_ROWS), N_ROWS)
    weight = rng.uniform(0.1, 2.0, size=(n_members, N_ROWS, 1)).astype(dtype)
    total = weight.sum(axis=1)
    return Batch(x, y, weight / total[:, :, None], total, N_ROWS)


def noise(n_members):
    """Return a stream for each member, always the same."""
    return [np.random.default_rng(k) for k in range(n_members)]


def parameter(network, theta, path):
    """Return one parameter of all members, by its path."""
    (found,) = (p for p in network.layout.parameters if p.path == path)
    return network.layout.view(theta, found)


def separate(network, plain, theta, e):
    """Return the factors of one submodel and all else as a network of its own."""
    last = f"{len(network.layers) - 1}."
    own = np.zeros((len(theta), plain.layout.n_parameters))
    for p in plain.layout.parameters:
        first, rest = p.path.split(".", 1)
        path = f"{int(first) + 1}.{rest}"
        value = parameter(network, theta, path)
        plain.layout.view(own, p)[...] = value[:, e] if path.startswith(last) else value
    return parameter(network, theta, "0.scale")[:, e], own


def evaluate(objective, theta, batch, streams=()):
    """Return the values and a copy of the gradient; every element is written."""
    point = objective.point(theta, streams)
    point.grad.fill(np.nan)
    data, _ = objective.value_and_gradient(point, batch)
    return data, point.grad.copy()


# ---- the layers


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("n_members", [1, 3])
def test_layers_keep_the_laws(layer, n_members):
    """Pullbacks, members side by side, types, what is written and what is not."""
    check_layer(layer, n_members=n_members)


def test_heads_without_their_copies_are_refused():
    """The number of copies must be that of the heads."""
    for layers in ((LinearEnsemble(3),), (EnsembleView(2), LinearEnsemble(3))):
        with pytest.raises(ValueError, match=r"put EnsembleView\(3\) before"):
            Network(layers, (4,))


def test_copies_of_copies_are_refused():
    """Between the two, there is one number of copies."""
    with pytest.raises(ValueError, match="already 2 copies"):
        Network((EnsembleView(2), Dense(3), EnsembleView(2)), (4,))


@pytest.mark.parametrize("training", [None, Training([], 0.5)])
def test_sparse_rows_are_refused(training):
    """In prediction as in training, by a message that says what to do."""
    network = built(described())
    theta = point_of(network)
    rows = SparseRows([sparse.csr_matrix(np.eye(N_INPUTS))])
    cache = network.workspace(1, theta.dtype, training=True).cache(N_INPUTS)
    with pytest.raises(ValueError, match="shared_backbone=False"):
        network.forward(network.layout.bind(theta), rows, cache, training)


@pytest.mark.parametrize("weighted", [False, True])
def test_shares_are_restored_behind_the_heads(weighted):
    """What the backbone is told is not what stands behind it is told."""
    network, batch = built(described(normalization="batch")), batch_of(3, weighted)
    theta = point_of(network, 3)
    training = Training([], batch.weight)
    cache = network.workspace(3, theta.dtype, training=True).cache(N_ROWS)
    network.forward(network.layout.bind(theta), batch.x, cache, training)
    assert training.weight is batch.weight
    training.join()
    assert training.weight is batch.weight


def test_copies_get_equal_parts_of_the_shares():
    """The shares of all copies sum to what those of the rows sum to."""
    weight = batch_of(3, True).weight
    training = Training([], weight)
    training.spread(E, np.empty((3, E, N_ROWS, 1)))
    assert training.weight.shape == (3, E * N_ROWS, 1)
    assert_allclose(training.weight.reshape(3, E, N_ROWS, 1).sum(axis=1), weight)
    assert_allclose(training.weight.sum(axis=1), 1.0)


def test_factors_start_as_signs():
    """Of one size, and different for each submodel and member."""
    network = perceptron(50, Architecture((3,), n_heads=E), 1)
    streams = [np.random.RandomState(k) for k in range(2)]
    signs = parameter(network, network.initial(streams, np.dtype(float)), "0.scale")
    assert signs.shape == (2, E, 50)
    assert_array_equal(abs(signs), 1.0)
    assert len(np.unique(signs.reshape(-1, 50), axis=0)) == 2 * E


# ---- a slow loop over the submodels


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


# ---- the objective


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


# ---- the description


@pytest.mark.parametrize("hidden", [(5, 3), (5,), ()])
def test_number_of_parameters(hidden):
    """E (D + H C + C) for factors and heads, and the backbone once."""
    network = built(Architecture(hidden, n_heads=E))
    widths = (N_INPUTS, *hidden)
    backbone = sum(a * b + b for a, b in pairwise(widths))
    own = N_INPUTS + widths[-1] * N_OUTPUTS + N_OUTPUTS
    assert network.layout.n_parameters == backbone + E * own
    assert (network.n_heads, network.n_outputs) == (E, N_OUTPUTS)
    n_weights = sum(a * b for a, b in pairwise(widths))
    assert network.layout.n_decayed == n_weights + E * widths[-1] * N_OUTPUTS


def test_description_round_trip():
    """Plain data there and back; without the entry, one submodel."""
    architecture = described("residual", "batch", dropout=(0.2,), use_bias=False)
    config = architecture.to_config()
    assert Architecture.from_config(json.loads(json.dumps(config))) == architecture
    del config["n_heads"]
    assert Architecture.from_config(config).n_heads == 1
    assert built(Architecture((3,))).n_heads == 1


def test_heads_take_the_style_of_the_output_layer():
    """Gain, initializer and biases as those of the plain network."""
    he = INITIALIZERS.make("he_normal")
    made = Architecture((3,), (Tanh(),), initializer=he, use_bias=False, n_heads=2)
    first, *_, last = made.layers(N_INPUTS, 1)
    assert first == EnsembleView(2)
    assert last == LinearEnsemble(2, 1, Tanh().gain, he, use_bias=False)
