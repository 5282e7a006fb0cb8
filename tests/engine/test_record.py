"""A training step of every component can be recorded, and gives the same bits."""

from dataclasses import replace

import numpy as np
import pytest
from every_component import components
from own_components import (
    Gained,
    ScaledError,
    SignDescent,
    Softsign,
    SquaredMargin,
)
from taped import PLAIN, Step, check_step

from sknet.activations import ACTIVATIONS
from sknet.initializers import INITIALIZERS
from sknet.losses import (
    CLASS_LOSSES,
    VALUE_LOSSES,
    CustomClassLoss,
    CustomValueLoss,
    Focal,
    LogLoss,
    Quantile,
    SquaredError,
)
from sknet.network.blocks import BLOCKS, Plain
from sknet.network.input_embedding import InputEmbedding
from sknet.network.layers import Periodic
from sknet.optimizers import OPTIMIZERS, SGD, AdamW, Lion, RMSprop


def recordable(registry):
    """Every component but losses given as two functions."""
    return [c for c in components(registry) if c.recordable]


def losses():
    """Every loss, of both kinds."""
    for loss in recordable(CLASS_LOSSES):
        yield loss
        yield replace(loss, exclusive=False)
    yield from recordable(VALUE_LOSSES)
    yield from (Focal(gamma=1.5), Quantile((0.1, 0.5, 0.9)))
    yield LogLoss(label_smoothing=0.1)
    yield LogLoss(exclusive=False, label_smoothing=0.1)
    for name in ("logistic", "softmax", "tanh", "softplus", "exp"):
        yield SquaredError(output_activation=name)


OWN = [SGD(nesterov=False), SGD(momentum=0.0), AdamW(), RMSprop(momentum=0.5)]
OWN += [Lion(weight_decay=0.1), SGD(weight_decay=0.1)]
EMBEDDED = InputEmbedding(2, Periodic(waves=3), (3, 4), 2, scales=True)
BACKBONE = replace(PLAIN, n_heads=3, dropout=(0.2,), block=Plain(normalization="batch"))
DROPS = replace(PLAIN, dropout=(0.3,))
STEPS = {
    "nothing special": Step(),
    "no penalty": Step(alpha=0.0),
    "weights": Step(weighted=True),
    "clipping": Step(clip_norm=0.01),
    "clipping of what is short": Step(clip_norm=1e6),
    "average": Step(share=0.25),
    "average that is the newest": Step(share=1.0),
    "multipliers": Step(multipliers=(("bias", 0.1), ("weight", 0.5))),
    "one multiplier for all": Step(multipliers=(("bias", 0.5), ("weight", 0.5))),
    "dropout": Step(DROPS),
    "shared noise": Step(DROPS, shares_noise=True),
    "two rates of dropout": Step(replace(PLAIN, dropout=(0.3, 0.1))),
    "large outputs": Step(scale=1e5),
    "one row": Step(n_rows=1),
    "one row with shared noise": Step(DROPS, shares_noise=True, n_rows=1),
    "one row in a backbone": Step(BACKBONE, weighted=True, n_rows=1),
    "one unit": Step(replace(PLAIN, hidden_layer_sizes=(1, 1))),
    "one output": Step(loss=LogLoss(exclusive=False), n_columns=1),
    "linear": Step(replace(PLAIN, hidden_layer_sizes=())),
    "no bias": Step(replace(PLAIN, use_bias=False)),
    "embeddings": Step(replace(PLAIN, input_embedding=EMBEDDED), scale=3.0),
    "backbone": Step(BACKBONE),
    "backbone with weights": Step(BACKBONE, weighted=True),
    "backbone with shared noise": Step(BACKBONE, shares_noise=True),
    "backbone with embeddings": Step(replace(BACKBONE, input_embedding=EMBEDDED)),
    "backbone with large outputs": Step(BACKBONE, scale=1e5),
    "backbone of values": Step(BACKBONE, loss=SquaredError()),
}
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@DTYPES
@pytest.mark.parametrize("name", STEPS)
def test_step(name, dtype):
    check_step(replace(STEPS[name], dtype=dtype))


@DTYPES
@pytest.mark.parametrize("activation", recordable(ACTIVATIONS), ids=repr)
def test_activation(activation, dtype):
    check_step(Step(replace(PLAIN, activations=(activation,)), dtype=dtype))


@DTYPES
@pytest.mark.parametrize("loss", [*losses()], ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
def test_loss(loss, weighted, dtype):
    check_step(Step(loss=loss, weighted=weighted, dtype=dtype))


@DTYPES
@pytest.mark.parametrize("optimizer", [*recordable(OPTIMIZERS), *OWN], ids=repr)
def test_optimizer(optimizer, dtype):
    check_step(Step(optimizer=optimizer, dtype=dtype))


@DTYPES
@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
@pytest.mark.parametrize("block", BLOCKS)
def test_block(block, normalization, dtype):
    block = BLOCKS[block](normalization=normalization)
    architecture = replace(PLAIN, block=block, dropout=(0.2,))
    check_step(Step(architecture, weighted=True, dtype=dtype))


@pytest.mark.parametrize("initializer", recordable(INITIALIZERS), ids=repr)
def test_initializer(initializer):
    check_step(Step(replace(PLAIN, initializer=initializer)))


def test_custom_losses_are_not_recorded_and_everything_else_is():
    """Their functions may do anything; whoever records asks for ``recordable``."""
    registries = [CLASS_LOSSES, VALUE_LOSSES, ACTIVATIONS, OPTIMIZERS, BLOCKS]
    found = [cls for r in registries for cls in r.values() if not cls.recordable]
    assert found == [CustomClassLoss, CustomValueLoss]


@pytest.mark.parametrize(
    "step",
    [
        Step(replace(PLAIN, activations=(Softsign(),), block=Gained())),
        Step(loss=SquaredMargin()),
        Step(loss=ScaledError(), weighted=True),
        Step(optimizer=SignDescent()),
    ],
    ids=["activation, layer and block", "loss of classes", "of values", "optimizer"],
)
def test_components_of_ones_own(step):
    check_step(step)
