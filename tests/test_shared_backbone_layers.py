"""The layers of a shared backbone, its description and its number of parameters."""

import json
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from shared_backbones import (
    N_INPUTS,
    N_OUTPUTS,
    N_ROWS,
    E,
    batch_of,
    built,
    described,
    parameter,
    point_of,
)

from sknet._numerics import SparseRows
from sknet.activations import Tanh
from sknet.initializers import INITIALIZERS
from sknet.network.architecture import Architecture
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
from sknet.testing import check_layer


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
    """Plain data there and back."""
    architecture = described("residual", "batch", dropout=(0.2,), use_bias=False)
    config = architecture.to_config()
    assert Architecture.from_config(json.loads(json.dumps(config))) == architecture
    assert built(Architecture((3,))).n_heads == 1


def test_heads_take_the_style_of_the_output_layer():
    """Gain, initializer and biases as those of the plain network."""
    he = INITIALIZERS.make("he_normal")
    made = Architecture((3,), (Tanh(),), initializer=he, use_bias=False, n_heads=2)
    first, *_, last = made.layers(N_INPUTS, 1)
    assert first == EnsembleView(2)
    assert last == LinearEnsemble(2, 1, Tanh().gain, he, use_bias=False)
