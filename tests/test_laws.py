"""What is registered passes the check of its family, and so does each layer.

Activations and losses have more variants: ``test_activations.py``,
``test_loss_family.py``.
"""

import pytest
from every_component import components
from layer_examples import EVERY, EXAMPLES, STACK, names_of
from one_layer import LAYERS, N_IN

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


@pytest.mark.parametrize(("layer", "shape"), EXAMPLES, ids=repr)
def test_layer_passes(layer, shape):
    """The laws of layers, for each layer of the package."""
    check_layer(layer, shape)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_layer_passes_to_eight_digits(layer):
    """Compositions, and layers that have options."""
    check_layer(layer, N_IN, rtol=1e-8)


def test_layer_passes_with_one_member():
    """K = 1 has no code of its own."""
    check_layer(layers.Sequential(STACK), input_shape=2, n_members=1)


def test_each_layer_is_among_the_examples():
    """A new layer gets an example in ``layer_examples.py``, maybe inside another."""
    shown = set().union(*(names_of(layer) for layer, _ in EVERY))
    abstract = {"Layer", "Training", "activation_layer"}
    assert set(layers.__all__) - abstract == shown
