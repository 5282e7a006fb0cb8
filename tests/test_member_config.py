"""The recipe: what members must share to be rows of one array is derived."""

import dataclasses
import math
from typing import ClassVar

import pytest

from sknet._component import Component
from sknet._rows import shared
from sknet.activations import ReLU, Tanh
from sknet.averages import EMA
from sknet.initializers import HeNormal
from sknet.losses import LogLoss
from sknet.network.architecture import Architecture
from sknet.network.blocks import Plain, Residual
from sknet.network.input_embedding import InputEmbedding
from sknet.network.learning_rules import ErrorByWeights
from sknet.optimizers import SGD, Adam, AdamW
from sknet.schedules import Cosine
from sknet.training.learning_rates import LearningRate
from sknet.training.member_config import Budget, MemberConfig
from sknet.training.monitor import StoppingRule


CONFIG = MemberConfig(
    architecture=Architecture((4,), (ReLU(),), dropout=(0.1,)),
    n_inputs=3,
    n_raw=2,
    loss=LogLoss(label_smoothing=0.1),
    optimizer=Adam(),
    learning_rate=LearningRate(0.1),
    stopping_rule=StoppingRule(tol=1e-4, patience=10, on_score=False),
    budget=Budget(max_iter=10),
    alpha=0.1,
    batch_size=32,
)
# Another value of each field, as a path; and whether members may differ in it.
OTHERS = {
    "architecture.hidden_layer_sizes": ((5,), False),
    "architecture.activations": ((Tanh(),), False),
    "architecture.block": (Residual(), False),
    "architecture.dropout": ((0.3,), True),
    "architecture.initializer": (HeNormal(), False),
    "architecture.use_bias": (False, False),
    "architecture.n_heads": (2, False),
    "architecture.input_embedding": (InputEmbedding(scales=True), False),
    "architecture.learning_rule": (ErrorByWeights(), False),
    "n_inputs": (4, False),
    "n_raw": (1, False),
    "loss": (LogLoss(label_smoothing=0.2), True),
    "optimizer": (Adam(beta_2=0.9), True),
    "learning_rate": (LearningRate(0.2, Cosine(), 9), True),
    "stopping_rule.tol": (1e-3, True),
    "stopping_rule.patience": (math.inf, True),
    "stopping_rule.on_score": (True, False),
    "stopping_rule.later_ties": (True, False),
    "stopping_rule.growth": (2.0, True),
    "budget.max_iter": (20, True),
    "budget.max_time": (1.0, False),
    "alpha": (0.2, True),
    "batch_size": (16, False),
    "least_rows": (2, False),
    "shuffle": (False, False),
    "clip_norm": (1.0, False),
    "averaging": (EMA(), False),
    "learning_rate_multipliers": ((("bias", 0.1),), False),
    "shares_noise": (True, False),
    "verbose": (True, False),
    "engine": ("numpy", False),
}


def changed(path, value):
    """The configuration with another value in one field, maybe of a part."""
    name, _, inner = path.partition(".")
    if inner:
        value = dataclasses.replace(getattr(CONFIG, name), **{inner: value})
    return dataclasses.replace(CONFIG, **{name: value})


def paths_of(value, prefix=""):
    """The paths of all fields; those of components are their own affair."""
    for field in dataclasses.fields(value):
        part = getattr(value, field.name)
        plain = dataclasses.is_dataclass(part) and not isinstance(part, Component)
        if plain and field.name in ("architecture", "stopping_rule", "budget"):
            yield from paths_of(part, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name


def test_each_field_has_a_case():
    """A new field says whether members may differ in it, and is tried here."""
    assert set(OTHERS) == set(paths_of(CONFIG))


@pytest.mark.parametrize("path", OTHERS)
def test_members_share_what_is_not_declared_as_a_row(path):
    value, may_differ = OTHERS[path]
    assert (changed(path, value).shape == CONFIG.shape) is may_differ
    assert hash(changed(path, value).shape) is not None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("architecture.dropout", (0.0,)),
        ("optimizer", AdamW()),
        ("optimizer", SGD(0.9)),
        ("loss", LogLoss(exclusive=False)),
        ("architecture.block", Plain("layer")),
    ],
)
def test_what_decides_the_computation_is_shared(path, value):
    """Dropout or none, decay or none, another class, another field of a component."""
    assert changed(path, value).shape != CONFIG.shape


def test_momentum_or_none_is_shared():
    """One has slots, the other has none."""
    some, none, more = (
        dataclasses.replace(CONFIG, optimizer=SGD(m)) for m in (0.5, 0.0, 0.9)
    )
    assert some.shape == more.shape
    assert some.shape != none.shape


@dataclasses.dataclass(frozen=True)
class Outer:
    """A dataclass with a row."""

    rows: ClassVar[tuple[str, ...]] = ("b",)

    a: int
    b: float = 1.0


@pytest.mark.parametrize("cls", [MemberConfig, StoppingRule, Budget, Architecture])
def test_rows_are_fields(cls):
    assert set(cls.rows) <= {field.name for field in dataclasses.fields(cls)}


def test_new_field_is_shared_unless_it_is_a_row():
    assert shared(Outer(1)) == shared(Outer(1, 2.0))
    assert shared(Outer(1)) != shared(Outer(2))
    assert shared(3) == 3
