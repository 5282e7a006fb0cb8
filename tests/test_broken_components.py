"""Broken components are refused by the check of their family, which says what broke."""

from dataclasses import dataclass, field
from itertools import count

import numpy as np
import pytest
from broken import Hyperbola, WrongDerivative, changed, damaged

from sknet._rows import rounded
from sknet.initializers import Initializer
from sknet.losses import LogLoss, SquaredError
from sknet.network import layers
from sknet.optimizers import SGD
from sknet.schedules import Schedule
from sknet.testing import (
    check_activation,
    check_initializer,
    check_layer,
    check_loss,
    check_optimizer,
    check_schedule,
)


BROKEN = []
CALLS = count(1)


def broken(check, component, words, name=None):
    """Enter a component that the check refuses with these words."""
    BROKEN.append(pytest.param(check, component, words, id=name or words))


def replaces(check, sound, method, words):
    """Enter a sound component with another function for a method."""

    def enter(function):
        broken(check, changed(sound, **{method: function}), words, function.__name__)

    return enter


def damages(check, sound, method, words):
    """Enter a sound component, after whose method a function does damage."""

    def enter(function):
        broken(check, damaged(sound, method, function), words, function.__name__)

    return enter


def refuses(self, *_):
    raise ValueError("no")


# ------------------------------------------------------------------------ activations

broken(check_activation, WrongDerivative(), "the derivative at z=")
broken(check_activation, changed(Hyperbola(), needs_input=False), "but needs_input")
broken(check_activation, changed(Hyperbola(), n_outputs=refuses), "accepts no width")


@replaces(check_activation, Hyperbola(), "forward", "does not write every element")
def forgets_an_element(self, z, out, scratch):
    np.hypot(z[..., 1:], 1.0, out=out[..., 1:])


@damages(check_activation, Hyperbola(), "forward", "forward changes its input")
def changes_its_input(_, z, out, scratch):
    z *= 0.5


@damages(check_activation, Hyperbola(), "backward", "backward changes a")
def changes_its_output(_, z, a, da, scratch):
    a += 1.0


@replaces(check_activation, Hyperbola(), "backward", "reads scratch")
def multiplies_by_scratch(self, z, a, da, scratch):
    da *= scratch


@damages(check_activation, Hyperbola(), "forward", "mixes member 0")
def mixes_members_of_an_activation(_, z, out, scratch):
    out += 1e-9 * out.mean()


def positive_part(self, z, out, scratch):
    np.maximum(z, 0.0, out=out)


def step(self, z, a, da, scratch):
    da *= a > 0.0


def exponential(self, z, out, scratch):
    np.exp(z, out=out)


def exponential_slope(self, z, a, da, scratch):
    da *= a


HIDES_ITS_KINK = changed(Hyperbola(), forward=positive_part, backward=step)
OVERFLOWS = changed(Hyperbola(), forward=exponential, backward=exponential_slope)
broken(check_activation, HIDES_ITS_KINK, "the derivative at z=0")
broken(check_activation, OVERFLOWS, "forward is not finite")


# ----------------------------------------------------------------------------- losses

VALUE = SquaredError.value_and_gradient


def square(**members):
    """The squared error, but for these members."""
    return changed(SquaredError(), **members)


def upcasts_the_value(self, *args):
    return VALUE(self, *args).astype(float)


def counts_calls(self, *args):
    return next(CALLS) + VALUE(self, *args)


broken(check_loss, square(value_and_gradient=upcasts_the_value), "are float64")
broken(
    check_loss, square(value_and_gradient=counts_calls), "calls give different values"
)
broken(check_loss, square(link=lambda self, raw: raw.astype(float)), "link turns")
broken(check_loss, square(link=lambda self, raw: raw), "link returns raw itself")
broken(check_loss, square(constant=lambda self, y, w: np.median(y, 0)), "at constant")
broken(check_loss, square(check_target=refuses), "check_target rejects")
broken(check_loss, changed(LogLoss(), log_link=LogLoss.link), "not the logarithm")


def value_is_damaged(words):
    """Enter a squared error, after whose value and gradient damage is done."""
    return damages(check_loss, SquaredError(), "value_and_gradient", words)


def value_is_replaced(words):
    """Enter a squared error with other values and gradients."""
    return replaces(check_loss, SquaredError(), "value_and_gradient", words)


@value_is_damaged(r"gradient at raw\[\d, 0\]")
def wrong_gradient(values, raw, y, weight, out, buffers):
    out[..., 0] *= 1.0 + 1e-5


@value_is_replaced("not every gradient is written")
def forgets_a_gradient(self, raw, y, weight, out, buffers):
    spare = np.empty_like(out)
    values = VALUE(self, raw, y, weight, spare, buffers)
    out[:, 1:] = spare[:, 1:]
    return values


@value_is_damaged("changes raw")
def overwrites_raw(values, raw, y, weight, out, buffers):
    raw += 1.0


@value_is_damaged("changes weight")
def overwrites_the_weight(values, raw, y, weight, out, buffers):
    weight *= 1.0 if isinstance(weight, float) else 0.5


@value_is_replaced("a row of weight zero has a gradient")
def forgets_the_weight(self, raw, y, weight, out, buffers):
    return VALUE(self, raw, y, 1.0 / raw.shape[1], out, buffers)


@value_is_damaged("the gradient mixes member")
def mixes_members_of_a_loss(values, raw, y, weight, out, buffers):
    out *= 1.0 + 1e-3 * values.sum()


@value_is_damaged("or buffers are read")
def reads_scratch(values, raw, y, weight, out, buffers):
    out += buffers.sums


@value_is_replaced("the value is not finite")
def overflows_soon(self, raw, *args):
    return VALUE(self, raw, *args) + 0.0 * np.exp(raw.max(axis=(1, 2)))


@value_is_replaced("gradient at constant")
def kinked_without_saying_so(self, raw, y, weight, out, buffers):
    np.subtract(raw, y, out=out)
    np.abs(out, out=buffers.full)
    np.matmul(buffers.full, buffers.ones_column, out=buffers.rows)
    np.sign(out, out=out)
    out *= weight
    return buffers.weighted_sum(weight)


# ----------------------------------------------------------------------------- layers

DENSE = layers.Dense(3)


@dataclass(frozen=True, repr=False)
class HoldsAnArray(layers.Dense):
    """A dense layer with memory."""

    units: int = 3
    memory: np.ndarray = field(default_factory=lambda: np.zeros(3), compare=False)


broken(check_layer, HoldsAnArray(), "holds arrays")
broken(check_layer, layers.GroupedDense(3, 2), r"shape \(4,\) raises ValueError")


@replaces(check_layer, DENSE, "backward", "does not write every element of bias")
def forgets_the_bias(self, p, grad, dy, cache):
    kept = grad.bias.copy()
    dx = layers.Dense.backward(self, p, grad, dy, cache)
    grad.bias[...] = kept
    return dx


@damages(check_layer, DENSE, "backward", r"the gradient at weight\[1, 2\]")
def wrong_weights(dx, p, grad, dy, cache):
    grad.weight[:, 1, 2] *= 1.001


@replaces(check_layer, DENSE, "backward", r"the gradient at input\[")
def wrong_input_gradient(self, *args):
    dx = layers.Dense.backward(self, *args)
    return dx if dx is None else dx * 2.0


@replaces(check_layer, DENSE, "backward", "backward returns no gradient")
def returns_no_gradient(self, *args):
    layers.Dense.backward(self, *args)


@replaces(check_layer, DENSE, "forward", "forward returns float64")
def upcasts_rows(self, *args):
    return layers.Dense.forward(self, *args).astype(float)


@damages(check_layer, DENSE, "forward", "the input is changed")
def overwrites_the_input(y, p, x, cache, training):
    x *= 2.0


@damages(check_layer, DENSE, "forward", "parameters are changed")
def overwrites_its_parameters(y, p, x, cache, training):
    p.bias += 1.0


@damages(check_layer, DENSE, "forward", "of member 0 differs from that alone")
def mixes_rows_of_members(y, p, x, cache, training):
    y -= 1e-10 * y.mean()


NORM = layers.BatchNorm()


@damages(check_layer, NORM, "forward", "parameters are changed in prediction")
def learns_in_prediction(y, p, x, cache, training):
    p.running_mean += 1.0


@damages(check_layer, layers.LayerNorm(), "forward", "the output is not finite")
def overflows_in_rows(y, p, x, cache, training):
    y += 0.0 * np.exp(np.abs(x))


# ------------------------------------------------------------------------- optimizers

broken(check_optimizer, SGD(momentum=2.0), "momentum must be")
broken(check_optimizer, changed(SGD(), n_slots=0), r"step\(\) with 0 slots raises")


def step_is_damaged(words):
    """Enter a gradient descent whose steps are damaged."""
    return damages(check_optimizer, SGD(), "step", words)


def step_is_replaced(words):
    """Enter a gradient descent with other steps."""
    return replaces(check_optimizer, SGD(), "step", words)


@step_is_damaged("steps in blocks differ")
def not_elementwise(_, grad, slots, t, rate, scratch):
    grad /= np.linalg.norm(grad, axis=1, keepdims=True)


@step_is_damaged("step mixes member")
def mixes_steps(_, grad, slots, t, rate, scratch):
    grad += 1e-3 * grad.max(axis=0)


@step_is_damaged("convex quadratic")
def climbs(_, grad, slots, t, rate, scratch):
    np.negative(grad, out=grad)


@step_is_replaced("leaves the gradient as it is")
def does_nothing(self, grad, slots, t, rate, scratch):
    slots[0][...] = 1.0


@step_is_replaced("not finite for gradients of 0")
def divides_by_zero(self, grad, slots, t, rate, scratch):
    slots[0] += grad**2
    grad *= rounded(rate, grad.dtype) / np.sqrt(slots[0])


@step_is_replaced("scratch is read")
def adds_scratch(self, grad, slots, t, rate, scratch):
    slots[0][...] = grad
    grad += scratch


@step_is_replaced("with its own learning rate, member 1")
def one_rate_for_all(self, grad, slots, t, rate, scratch):
    rate = rate if isinstance(rate, float) else float(rate[0, 0])
    SGD.step(self, grad, slots, t, rate, scratch)


def leaves_a_slot(self, grad, slots, *rest):
    SGD.step(self, grad, slots[:1], *rest)


WANTS_A_SLOT = changed(SGD(), n_slots=2, step=leaves_a_slot)
broken(check_optimizer, WANTS_A_SLOT, "slot 1 of 2 is never written")


# ------------------------------------------------------------------------- schedules


@dataclass(frozen=True, repr=False)
class Flat(Schedule):
    """A schedule that keeps the rate."""

    def factor(self, clock):
        return 1.0


for factor, words in (
    (lambda self, clock: np.float64(1.0), "must be a float, got float64"),
    (lambda self, clock: 1, "must be a float, got int"),
    (lambda self, clock: float(10 - clock.n_epochs), ">= 0, got -1.0"),
    (lambda self, clock: float("nan"), "must be finite"),
    (lambda self, clock: 0.0, "every factor is zero"),
    (lambda self, clock: float(next(CALLS)), "not pure"),
    (lambda self, clock: 1.0 - clock.progress, "is_planned is False"),
):
    broken(check_schedule, changed(Flat(), factor=factor), words)
broken(check_schedule, changed(Flat(), plateau_factor=2.0), "plateau_factor must be")


# ----------------------------------------------------------------------- initializers


@dataclass(frozen=True, repr=False)
class Normal(Initializer):
    """Draws of the standard normal distribution."""

    def draw(self, stream, shape, fan, gain):
        return stream.standard_normal(shape)


for draw, words in (
    (lambda self, s, shape, *_: np.float32(s.standard_normal(shape)), "is float32"),
    (lambda self, s, shape, *_: s.random_sample(shape).ravel(), r"shape \(18,\)"),
    (lambda self, s, shape, *_: np.random.default_rng().random(shape), "another draw"),
    (
        lambda self, s, shape, *_: np.random.default_rng(0).random(shape),
        "an advanced stream",
    ),
    (lambda self, s, shape, *_: np.full(shape, np.inf), "is not finite"),
):
    broken(check_initializer, changed(Normal(), draw=draw), words)
for scale, words in (
    (lambda self, fan: -1.0, "positive float, got -1.0"),
    (lambda self, fan: np.sqrt(1.0 / fan[0]), "positive float, got"),
    (lambda self, fan: 0.5, "rescales is False"),
):
    broken(check_initializer, changed(Normal(), scale=scale), words)
NUMBER_FOR_BIASES = changed(Normal(), for_bias=lambda self: 0.0)
broken(check_initializer, NUMBER_FOR_BIASES, "for_bias")


@pytest.mark.parametrize(("check", "component", "words"), BROKEN)
def test_broken_component_is_refused(check, component, words):
    """The message names component and property."""
    pattern = rf"(?s){type(component).__name__}.*{words}"
    with pytest.raises(AssertionError, match=pattern):
        check(component)
