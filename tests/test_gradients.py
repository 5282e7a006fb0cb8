"""Gradients of whole networks: the product of everything that can be combined.

One random direction for each combination; parameter by parameter, gradients are checked
in ``test_check_gradient.py``. Each network is also compiled, each loss with some of the
networks, and the engine's gradient is compared with NumPy's.
"""

from dataclasses import fields, replace

import numpy as np
import pytest

from sknet.activations import ACTIVATIONS, Identity, Logistic, Tanh
from sknet.initializers import INITIALIZERS
from sknet.losses import CLASS_LOSSES, VALUE_LOSSES, ClassLoss, LogLoss
from sknet.network.architecture import Architecture
from sknet.network.blocks import BLOCKS
from sknet.network.network import Network
from sknet.objective import Batch, Objective
from sknet.penalties import L2
from sknet.testing import Effort, objective_report
from sknet.testing.compiled import compiled_complaint


N_INPUTS, HIDDEN, N_ROWS = 3, (4, 4), 6
RTOL = 1e-6
ONE_DIRECTION = Effort(n_coordinates=0, n_directions=1)
OUTPUTS = ("identity", "logistic", "softmax", "tanh", "softplus", "exp")
# Of as few columns as the blocks can have.
SMALL = {"aggregated": {"cardinality": 2, "branch_width": 2}}
# By design: a joined body has fewer columns than what is carried past it.
REFUSED = {("maxout", "highway")}


def squared(raw, y):
    """Value of a custom loss."""
    return 0.5 * ((raw - y) ** 2).sum(axis=1)


def residual(raw, y):
    """Its gradient."""
    return raw - y


def blocks():
    """Each block with each normalisation that it can have."""
    found = []
    for name, cls in BLOCKS.items():
        block = cls(**SMALL.get(name, {}))
        if "normalization" in {f.name for f in fields(cls)}:
            kinds = (None, "batch", "layer")
            found += [replace(block, normalization=kind) for kind in kinds]
        else:
            found.append(block)
    return found


def variants(loss):
    """The loss, for both kinds of classes if it is for classes and takes both."""
    if not isinstance(loss, ClassLoss):
        return [loss]
    found = []
    for exclusive in (True, False):
        variant = loss.with_param("exclusive", exclusive)
        try:
            variant.check()
        except ValueError:
            continue  # a softmax over a single column
        found.append(variant)
    return found


def losses():
    """Each loss, for each kind of target."""
    found = []
    for registry in (CLASS_LOSSES, VALUE_LOSSES):
        for name, cls in registry.items():
            loss = cls(squared, residual) if name == "custom" else cls()
            found += variants(loss)
    return found


def losses_with_outputs():
    """Each loss with each output activation that it may have."""
    found = []
    for cls in (*CLASS_LOSSES.values(), *VALUE_LOSSES.values()):
        for f in fields(cls):
            if f.name == "output_activation":
                allowed = filter(f.metadata["domain"].contains, OUTPUTS)
                for output in allowed:
                    found += variants(cls(output_activation=output))
    return found


def batch_of(loss, n_members, rng):
    """Rows with weights, and targets that any loss of their kind takes."""
    n_columns = 3 if isinstance(loss, ClassLoss) and loss.exclusive else 2
    shape = (n_members, N_ROWS, n_columns)
    y = rng.uniform(0.2, 3.0, size=shape)
    if isinstance(loss, ClassLoss):
        y = np.eye(n_columns)[rng.integers(n_columns, size=shape[:2])]
        if not loss.exclusive:
            y = rng.integers(2, size=shape).astype(float)
    x = rng.normal(size=(n_members, N_ROWS, N_INPUTS))
    weight = rng.uniform(0.1, 2.0, size=(n_members, N_ROWS, 1))
    total = weight.sum(axis=1)
    return Batch(x, y, weight / total[:, :, None], total, N_ROWS)


def problem_of(network, loss, n_members, seed):
    """Objective, random parameters, rows, noise and the stream to go on with."""
    rng = np.random.default_rng(seed)
    streams = [np.random.RandomState(seed + k) for k in range(n_members)]
    theta = network.initial(streams, np.dtype(float))
    shape = (n_members, network.layout.n_trainable)
    theta[:, : shape[1]] += 0.3 * rng.normal(size=shape)
    noise = [np.random.default_rng([seed, k]) for k in range(n_members)]
    objective = Objective(network, loss, L2(), 0.3)
    return objective, theta, batch_of(loss, n_members, rng), noise, streams[0]


def report_of(network, loss, n_members, seed):
    """The report on one random direction at one random point."""
    problem = problem_of(network, loss, n_members, seed)
    return objective_report(*problem, RTOL, ONE_DIRECTION)


def assert_agrees(network, loss, n_members, what):
    """Assert that the slope is right, at the first point that is not on a kink."""
    for seed in range(5):
        report = report_of(network, loss, n_members, seed)
        if report.n_checked:
            break
    combination = f"{what}, {loss!r}, {n_members} members"
    assert report.n_checked, f"{combination}: only kinks"
    assert report.worst.error <= RTOL, f"{combination}\n{report}"


def assert_compiled(network, loss, what):
    """Assert that the engine, given three members, computes NumPy's gradients."""
    *problem, _ = problem_of(network, loss, 3, 0)
    complaint = compiled_complaint(*problem)
    assert not complaint, f"{what}, {loss!r}: {complaint}"


def networks(architecture):
    """The network of a loss, built once for each number of outputs."""
    built = {}

    def of(loss):
        n_raw = loss.n_raw(3 if isinstance(loss, ClassLoss) and loss.exclusive else 2)
        if n_raw not in built:
            layers = architecture.layers(N_INPUTS, n_raw)
            built[n_raw] = Network(layers, (N_INPUTS,))
        return built[n_raw]

    return of


def label(value):
    """A readable test name: "tanh", "residual-batch"."""
    kind = getattr(value, "normalization", None)
    return f"{value.name}-{kind}" if kind else value.name


EVERY_ACTIVATION = [cls() for cls in ACTIVATIONS.values()]


@pytest.mark.parametrize("block", blocks(), ids=label)
@pytest.mark.parametrize("activation", EVERY_ACTIVATION, ids=label)
def test_slope_equals_the_difference(activation, block):
    """Every loss, one member and three, for each activation in each block."""
    network = networks(Architecture(HIDDEN, (activation,), block))
    if (activation.name, block.name) in REFUSED:
        with pytest.raises(ValueError, match="activation that joins columns"):
            network(LogLoss())
        return
    what = f"{activation!r}, {block!r}"
    for loss in losses():
        for n_members in (1, 3):
            assert_agrees(network(loss), loss, n_members, what)
    # Recording takes time: each loss meets many activations and blocks, but not all.
    compiled = [loss for loss in losses() if loss.recordable]
    number = EVERY_ACTIVATION.index(activation) + blocks().index(block)
    loss = compiled[number % len(compiled)]
    assert_compiled(network(loss), loss, what)


@pytest.mark.parametrize("loss", losses_with_outputs(), ids=repr)
def test_slope_equals_the_difference_with_an_output_activation(loss):
    """Each output activation under each loss that has them."""
    network = networks(Architecture(HIDDEN, (Tanh(),)))
    assert_agrees(network(loss), loss, 3, "a plain network")
    assert_compiled(network(loss), loss, "a plain network")


@pytest.mark.parametrize("exclusive", [True, False])
def test_slope_equals_the_difference_with_label_smoothing(exclusive):
    """Targets between zero and one."""
    loss = LogLoss(exclusive=exclusive, label_smoothing=0.2)
    network = networks(Architecture(HIDDEN, (Tanh(),)))
    assert_agrees(network(loss), loss, 3, "a plain network")
    assert_compiled(network(loss), loss, "a plain network")


# Everything else that shapes a network, with a smooth activation and three members.
SPECIAL = {
    "dropout": {"dropout": (0.4,)},
    "dropout-of-layers": {"dropout": (0.0, 0.4)},
    "activations-of-layers": {"activations": (Tanh(), Logistic())},
    "bottleneck": {"activations": (Identity(), Tanh())},
    "no-bias": {"use_bias": False},
    "widths-differ": {"hidden_layer_sizes": (6, 2)},
    "no-hidden-layer": {"hidden_layer_sizes": ()},
    **{name: {"initializer": cls()} for name, cls in INITIALIZERS.items()},
}


@pytest.mark.parametrize("block", blocks(), ids=label)
@pytest.mark.parametrize("special", SPECIAL)
def test_slope_equals_the_difference_in_special_networks(special, block):
    """Dropout, a choice for each layer, no biases, other widths, each initializer."""
    given = {"hidden_layer_sizes": HIDDEN, "activations": (Tanh(),), **SPECIAL[special]}
    network = networks(Architecture(block=block, **given))
    loss = LogLoss()
    assert_agrees(network(loss), loss, 3, f"{special}, {block!r}")
    if special not in INITIALIZERS:  # which give other numbers, not other operations
        assert_compiled(network(loss), loss, f"{special}, {block!r}")


def test_bare_identity_is_refused_where_widths_differ():
    """Widths that differ are refused where the shortcut is the bare identity."""
    block = BLOCKS["residual"](shortcut="identity")
    network = networks(Architecture((4, 2), (Tanh(),), block))
    with pytest.raises(ValueError, match="shortcut='projection' or 'zero_pad'"):
        network(LogLoss())


@pytest.mark.parametrize("name", ["residual", "preactivation", "aggregated"])
@pytest.mark.parametrize(
    ("shortcut", "widths"), [("identity", (3, 3)), ("zero_pad", (4, 2))]
)
def test_slope_equals_the_difference_with_other_shortcuts(name, shortcut, widths):
    """The identity where widths agree, and zeros where they do not."""
    block = BLOCKS[name](shortcut=shortcut, **SMALL.get(name, {}))
    network = networks(Architecture(widths, (Tanh(),), block))
    assert_agrees(network(LogLoss()), LogLoss(), 3, f"{block!r}, {widths}")
    assert_compiled(network(LogLoss()), LogLoss(), f"{block!r}, {widths}")
