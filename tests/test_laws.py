"""What is registered passes the check of its family, and so does each layer.

Activations and losses have more variants: ``test_activations.py``,
``test_loss_family.py``.
"""

import pytest
from every_component import components
from one_layer import LAYERS, N_IN

from sknet.activations import ACTIVATIONS, Logistic
from sknet.initializers import INITIALIZERS
from sknet.network import layers
from sknet.optimizers import OPTIMIZERS
from sknet.schedules import SCHEDULES
from sknet.testing import (
    check_initializer,
    check_layer,
    check_optimizer,
    check_schedule,
)


@pytest.mark.parametrize("optimizer", components(OPTIMIZERS), ids=repr)
def test_registered_optimizer_passes(optimizer):
    """Blocks, members, slots and descent of each optimizer."""
    check_optimizer(optimizer)


@pytest.mark.parametrize("schedule", components(SCHEDULES), ids=repr)
def test_registered_schedule_passes(schedule):
    """Factors of each schedule, and of a warm-up before each."""
    check_schedule(schedule)


@pytest.mark.parametrize("initializer", components(INITIALIZERS), ids=repr)
def test_registered_initializer_passes(initializer):
    """Draws of each initializer."""
    check_initializer(initializer)


GATE = layers.Sequential((layers.Dense(4), layers.Activate(Logistic(), True)))
STACK = (layers.Dense(6), layers.BatchNorm(), layers.Dropout(0.3), layers.Dense(2))
EXAMPLES = [
    layers.Embedding((3, 1, 2, 4), 2),
    layers.Flatten(),
    layers.LinearEnsemble(1, 3),
    layers.Highway(layers.Dense(4), GATE, layers.Sequential(())),
    layers.Partition((3, 1), (layers.Periodic(), layers.Sequential(()))),
    layers.Periodic(waves=3, size=2, lowest=0.5),
    layers.Reshape((2, 2)),
    layers.Residual(layers.Dense(5), layers.ZeroPad(5)),
    layers.Scale(),
    layers.Sequential((layers.EnsembleView(3), *STACK, layers.LinearEnsemble(3, 2))),
    layers.EnsembleView(3),
    *(layers.activation_layer(activation) for activation in components(ACTIVATIONS)),
    *(layers.Dense(3, 1.0, initializer) for initializer in components(INITIALIZERS)),
]


@pytest.mark.parametrize("layer", EXAMPLES, ids=repr)
def test_layer_passes(layer):
    """The laws of layers, for each layer of the package."""
    check_layer(layer)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_layer_passes_to_eight_digits(layer):
    """Compositions, and layers that have options."""
    check_layer(layer, N_IN, rtol=1e-8)


def test_layer_passes_with_one_member():
    """K = 1 has no code of its own."""
    check_layer(layers.Sequential(STACK), input_shape=2, n_members=1)


def test_each_layer_is_among_the_examples():
    """A new layer gets an example here."""
    shown = {type(layer).__name__ for layer in (*EXAMPLES, *LAYERS.values())}
    abstract = {"Layer", "Training", "activation_layer"}
    assert set(layers.__all__) - abstract == shown
