"""What is registered is compiled; what cannot be is found, or at least explained."""

from dataclasses import dataclass

import numpy as np
import pytest
from broken import Hyperbola, changed, damaged
from every_component import components
from own_components import Gain, ScaledError, SignDescent, Softsign, SquaredMargin

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.activations import ACTIVATIONS
from sknet.engine.machine import machine
from sknet.losses import CLASS_LOSSES, VALUE_LOSSES, CustomValueLoss, SquaredError
from sknet.network import layers
from sknet.network.layers import Dense, Dropout, Scale
from sknet.optimizers import OPTIMIZERS, SGD
from sknet.schedules import Constant
from sknet.testing import (
    check_activation,
    check_compiled,
    check_gradient,
    check_layer,
    check_loss,
    check_optimizer,
    recorded,
    temporarily_registered,
)


needs_engine = pytest.mark.skipif(machine() is None, reason="There is no engine.")

REGISTERED = [
    component
    for registry in (ACTIVATIONS, CLASS_LOSSES, VALUE_LOSSES, OPTIMIZERS)
    for component in components(registry)
    if component.recordable
]
OWN = [Softsign(), SquaredMargin(), ScaledError(), SignDescent(), Gain()]


@pytest.mark.parametrize("component", [*REGISTERED, *OWN], ids=repr)
def test_component_is_compiled(component):
    """In both types, on other data, and on extreme data."""
    check_compiled(component)


@pytest.mark.parametrize(
    ("layer", "shape"), [(Dropout(0.4), (3, 4)), (Dense(2), 5), (Scale(), (2, 3, 4))]
)
def test_layer_is_compiled_for_rows_of_any_shape(layer, shape):
    """The other layers are in ``test_laws.py`` and ``test_recorded_layers.py``."""
    check_compiled(layer, shape)


# --------------------------------------------- found: recorded, but not the computation

LAST = np.zeros(1)


def branches_behind_numpys_back(self, z, out, scratch):
    np.hypot(z, 1.0, out=out)
    if float(np.asarray(z).max()) > 6.0:
        out *= 2.0


def reads_a_number(self, z, out, scratch):
    np.hypot(z, 1.0, out=out)
    out *= 1.0 + float(np.abs(np.asarray(z)).max() > 6.0)


def keeps_a_number(self, z, out, scratch):
    LAST[...] = np.asarray(z).max()
    np.hypot(z, 1.0, out=out)
    out += float(LAST[0])


def keeps_an_array(self, z, out, scratch):
    last = np.empty(z.shape, z.dtype)
    last[...] = z
    last.flags.writeable = False
    np.hypot(last, 1.0, out=out)


def knows_the_overflow_of_the_recorded_data(self, raw, y, weight, out, buffers):
    shift = float(np.asarray(raw).max())
    np.subtract(raw, shift if shift > 80.0 else 0.0, out=buffers.full)
    np.minimum(buffers.full, 80.0, out=buffers.full)
    np.exp(buffers.full, out=out)
    np.matmul(out, buffers.ones_column, out=buffers.rows)
    out *= weight
    return buffers.weighted_sum(weight)


def branches_on_the_gradient(_, grad, slots, t, rate, scratch):
    if not np.asarray(grad).any():
        grad += 1.0


def branches_on_the_sum(_, grad, slots, t, rate, scratch):
    if np.asarray(grad).sum() > 0.0:
        grad *= 2.0


def counts_the_large(y, p, x, cache, training):
    y *= 1.0 + float((np.asarray(x) > 100.0).any())


def hyperbola(forward):
    """An activation with another forward pass."""
    return changed(Hyperbola(), forward=forward)


WRONG = {
    "a branch on data": hyperbola(branches_behind_numpys_back),
    "a number from an array": hyperbola(reads_a_number),
    "a number kept between calls": hyperbola(keeps_a_number),
    "an array without like=": hyperbola(keeps_an_array),
    "a branch of a loss": changed(
        SquaredError(), value_and_gradient=knows_the_overflow_of_the_recorded_data
    ),
    "a branch on zero": damaged(SGD(), "step", branches_on_the_gradient),
    "a branch of an optimizer": damaged(SGD(momentum=0.0), "step", branches_on_the_sum),
    "a branch of a layer": damaged(Dense(3), "forward", counts_the_large),
}
DIFFERS = r"compiled, the .* differs from NumPy's.*; the element .*like=.*recordable"


@needs_engine
@pytest.mark.parametrize("what", WRONG)
def test_what_is_recorded_wrongly_is_found(what):
    """The recorder does not see it, but on other data the results differ."""
    with pytest.raises(AssertionError, match=DIFFERS):
        check_compiled(WRONG[what])


# -------------------------------------------------- explained: it cannot be recorded

BUFFER = np.zeros(10**5)


def branches(self, z, out, scratch):
    np.hypot(z, 1.0, out=out)
    if float(z.max(axis=-1)[0, 0]) > 1.0:
        out *= 1.0


def masks(self, z, out, scratch):
    np.hypot(z, 1.0, out=out)
    out[z > 1e9] = 1.0


def allocates(self, z, out, scratch):
    np.hypot(z, 1.0, out=np.empty(z.shape, z.dtype))
    np.hypot(z, 1.0, out=out)


def writes_into_a_buffer(self, z, out, scratch):
    np.copyto(BUFFER[: z.size].reshape(z.shape), z)
    np.hypot(z, 1.0, out=out)


def sorts(self, z, out, scratch):
    z.copy().sort()
    np.hypot(z, 1.0, out=out)


def sums_up(self, z, out, scratch):
    z.cumsum(axis=-1)
    np.hypot(z, 1.0, out=out)


@dataclass(frozen=True, repr=False)
class SaysSo(Hyperbola):
    """Cannot be recorded, and says so."""

    recordable = False


REFUSED = {
    "a branch on data": (branches, "reads numbers from an array, or branches"),
    "a mask": (masks, "write the comparison into an array"),
    "an array without like=": (allocates, "create arrays with like="),
    "a writable buffer": (writes_into_a_buffer, "create arrays with like="),
    "a method that sorts": (sorts, "reads numbers from an array"),
    "a method that sums up": (sums_up, "reads numbers from an array"),
}


@needs_engine
@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_recorded_is_explained(what):
    """NumPy computes it, which its family allows; asked for, there is a reason."""
    forward, reason = REFUSED[what]
    component = hyperbola(forward)
    check_activation(component)
    with pytest.raises(AssertionError, match=f"is not compiled: .*{reason}"):
        check_compiled(component)


@needs_engine
@pytest.mark.parametrize(
    "component", [SaysSo(), layers.Activate(SaysSo()), CustomValueLoss(max, min)]
)
def test_component_that_says_so_is_not_compiled(component):
    """The reason names the class, also inside of another component."""
    name = "SaysSo" if "SaysSo" in repr(component) else "CustomValueLoss"
    with pytest.raises(AssertionError, match=f"compiled: {name} says recordable"):
        check_compiled(component)
    check_activation(SaysSo())


def test_other_families_are_refused():
    """Nothing of a schedule is recorded."""
    with pytest.raises(TypeError, match="check_compiled takes"):
        check_compiled(Constant())


# ------------------------------------- found by the check of a family, and in networks


def frozen(array):
    """A constant copy, which the recorder takes for the same one in each step."""
    copy = np.array(array)
    copy.flags.writeable = False
    return copy


@dataclass(frozen=True, repr=False)
class FrozenActivation(Hyperbola):
    """Right in NumPy; a recording knows one input only."""

    def forward(self, z, out, scratch):
        np.hypot(frozen(z), 1.0, out=out)


class FrozenDense(Dense):
    """Right in NumPy; a recording knows one input only."""

    def forward(self, p, x, cache, training):
        return super().forward(p, frozen(x), cache, training)


class FrozenDropout(Dropout):
    """Right in NumPy; a recording knows one draw only."""

    def backward(self, p, grad, dy, cache):
        if cache.dropped:
            dy *= frozen(cache.mask)
        return dy


@dataclass(frozen=True, repr=False)
class FrozenError(SquaredError):
    """Right in NumPy; a recording knows one target only."""

    def value_and_gradient(self, raw, y, weight, out, buffers):
        return super().value_and_gradient(raw, frozen(y), weight, out, buffers)


@dataclass(frozen=True, repr=False)
class FrozenDescent(SGD):
    """Right in NumPy; a recording knows one gradient only."""

    def step(self, grad, slots, t, rate, scratch):
        np.copyto(grad, frozen(grad))
        super().step(grad, slots, t, rate, scratch)


FROZEN = [
    (check_activation, FrozenActivation()),
    (check_layer, FrozenDense(3)),
    (check_layer, FrozenDropout(0.4)),
    (check_loss, FrozenError()),
    (check_optimizer, FrozenDescent()),
]


@needs_engine
@pytest.mark.parametrize(
    ("check", "component"), FROZEN, ids=[repr(component) for _, component in FROZEN]
)
def test_check_of_a_family_finds_what_is_recorded_wrongly(check, component):
    """It has passed all other laws."""
    with pytest.raises(AssertionError, match=DIFFERS):
        check(component)


@needs_engine
def test_check_of_a_network_finds_what_is_recorded_wrongly():
    """In each network with the component."""
    with temporarily_registered(ACTIVATIONS, "frozen", FrozenActivation):
        network = SimpleMLPClassifier((4,), "frozen")
        with pytest.raises(AssertionError, match=f"SimpleMLPClassifier.*{DIFFERS}"):
            check_gradient(network)


X, Y = np.random.default_rng(0).normal(size=(2, 60, 3))
FITTED = {
    "activation": (ACTIVATIONS, FrozenActivation, {}),
    "loss": (VALUE_LOSSES, FrozenError, {}),
    "solver": (OPTIMIZERS, FrozenDescent, {}),
    "activation with L-BFGS": (ACTIVATIONS, FrozenActivation, {"solver": "lbfgs"}),
}


@needs_engine
@pytest.mark.parametrize("what", FITTED)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_fit_finds_what_is_recorded_wrongly(what):
    """NumPy trains: the program is right on the recorded batch, not on another one."""
    registry, kind, params = FITTED[what]
    params = {what.split()[0]: kind(), "max_iter": 3, "random_state": 0, **params}
    with temporarily_registered(registry, "frozen", kind):
        network = SimpleMLPRegressor(**params).fit(X, Y[:, 0])
    assert network.engine_ == "numpy: A step on other numbers differs from NumPy's."


def test_nothing_happens_without_the_engine(monkeypatch):
    """As in a pure installation."""
    monkeypatch.setattr(recorded, "machine", lambda: None)
    for component in WRONG.values():
        check_compiled(component)
    for check, component in FROZEN:
        check(component)
