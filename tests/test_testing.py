"""The public checks: what is registered passes them, and what is broken does not."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet._rows import rounded
from sknet.activations import ACTIVATIONS, Activation, Logistic, Tanh
from sknet.fields import flag
from sknet.initializers import INITIALIZERS, Constant, Initializer
from sknet.losses import CLASS_LOSSES, VALUE_LOSSES, LogLoss, SquaredError
from sknet.network import layers
from sknet.network.blocks import BLOCKS
from sknet.optimizers import OPTIMIZERS, SGD, Optimizer
from sknet.schedules import SCHEDULES, Schedule
from sknet.testing import (
    ArrayCheck,
    GradientReport,
    Worst,
    check_activation,
    check_gradient,
    check_initializer,
    check_layer,
    check_loss,
    check_optimizer,
    check_schedule,
    temporarily_registered,
)
from sknet.testing.slopes import Surface, slopes_along


def squared(raw, y):
    """Value of a custom loss."""
    return 0.5 * ((raw - y) ** 2).sum(axis=1)


def residual(raw, y):
    """Its gradient."""
    return raw - y


def components(registry):
    """Each registered component with its defaults, and around each it may hold."""
    found = []
    for name, cls in registry.items():
        found.append(cls(squared, residual) if name == "custom" else cls())
        for f in cls._fields():
            inside = f.metadata.get("registry") or ()
            found += [cls(**{f.name: inner}) for inner in inside]
    return [component for component in found if is_allowed(component)]


def outputs(registry):
    """Losses with each of the output activations that they may have."""
    found = []
    for cls in registry.values():
        for f in cls._fields():
            if f.name == "output_activation":
                allowed = filter(f.metadata["domain"].contains, OUTPUTS)
                found += [cls(output_activation=option) for option in allowed]
    return found


def is_allowed(component):
    """Whether its own check lets it pass: no blend of a maxout, for example."""
    try:
        component.check()
    except ValueError:
        return False
    return True


OUTPUTS = ("identity", "logistic", "softmax", "tanh", "softplus", "exp")


# ------------------------------------------------------------ what is registered passes


@pytest.mark.parametrize("activation", components(ACTIVATIONS), ids=repr)
def test_registered_activation_passes(activation):
    """Pullback, manners and extremes of each activation."""
    check_activation(activation)


@pytest.mark.parametrize(
    "loss",
    [
        *components(CLASS_LOSSES),
        *outputs(CLASS_LOSSES),
        *components(VALUE_LOSSES),
        *outputs(VALUE_LOSSES),
    ],
    ids=repr,
)
def test_registered_loss_passes(loss):
    """Gradient, manners and extremes of each loss."""
    check_loss(loss)


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
    layers.BatchNorm(),
    layers.Dense(3),
    layers.Dense(3, use_bias=False),
    layers.Dropout(),
    layers.Flatten(),
    layers.Embedding((3, 1, 2, 4), 2),
    layers.GroupedDense(2, 3),
    layers.Heads(1, 3),
    layers.Highway(layers.Dense(4), GATE, layers.Sequential(())),
    layers.LayerNorm(),
    layers.Partition((3, 1), (layers.Periodic(), layers.Sequential(()))),
    layers.Periodic(waves=3, size=2, lowest=0.5),
    layers.Reshape((2, 2)),
    layers.Residual(layers.Dense(4), layers.Sequential(())),
    layers.Residual(layers.Dense(5), layers.ZeroPad(5)),
    layers.Scale(),
    layers.Sequential(STACK),
    layers.Sequential((layers.Spread(3), *STACK, layers.Heads(3, 2))),
    layers.Spread(3),
    layers.ZeroPad(3),
    layers.ZeroPad(6),
    *(layers.activation_layer(activation) for activation in components(ACTIVATIONS)),
    *(layers.Dense(3, 1.0, initializer) for initializer in components(INITIALIZERS)),
]


@pytest.mark.parametrize("layer", EXAMPLES, ids=repr)
def test_layer_passes(layer):
    """The laws of layers, for each layer of the package."""
    check_layer(layer)


def test_layer_passes_with_one_member():
    """K = 1 has no code of its own."""
    check_layer(layers.Sequential(STACK), input_shape=2, n_members=1)


def test_each_layer_is_among_the_examples():
    """A new layer gets an example here."""
    shown = {type(layer).__name__ for layer in EXAMPLES}
    abstract = {"Layer", "Training", "activation_layer"}
    assert set(layers.__all__) - abstract == shown


# ------------------------------------------------------------- broken ones do not pass


@dataclass(frozen=True, repr=False)
class Hyperbola(Activation):
    """A sound activation, to be broken: the root of one and the square."""

    needs_input = True

    def forward(self, z, out, tmp):
        np.hypot(z, 1.0, out=out)

    def backward(self, z, a, da, tmp):
        np.divide(z, a, out=tmp)
        da *= tmp


@dataclass(frozen=True, repr=False)
class WrongDerivative(Hyperbola):
    """It forgets to divide."""

    def backward(self, z, a, da, tmp):
        da *= z


class ForgetsAnElement(Hyperbola):
    def forward(self, z, out, tmp):
        super().forward(z[..., 1:], out[..., 1:], tmp)


class ChangesItsInput(Hyperbola):
    def forward(self, z, out, tmp):
        super().forward(z, out, tmp)
        z *= 0.5


class ChangesItsOutput(Hyperbola):
    def backward(self, z, a, da, tmp):
        super().backward(z, a, da, tmp)
        a += 1.0


class ReadsTmp(Hyperbola):
    def backward(self, z, a, da, tmp):
        da *= tmp


class HidesItsKink(Hyperbola):
    def forward(self, z, out, tmp):
        np.maximum(z, 0.0, out=out)

    def backward(self, z, a, da, tmp):
        da *= a > 0.0


class ClaimsTooMuch(Hyperbola):
    needs_input = False


class MixesMembers(Hyperbola):
    def forward(self, z, out, tmp):
        super().forward(z, out, tmp)
        out += 1e-9 * out.mean()


class Overflows(Hyperbola):
    def forward(self, z, out, tmp):
        np.exp(z, out=out)

    def backward(self, z, a, da, tmp):
        da *= a


class TakesNothing(Hyperbola):
    def n_outputs(self, n_inputs):
        raise ValueError("no")


def test_sound_activation_passes():
    """What the broken ones derive from is whole."""
    check_activation(Hyperbola())


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (WrongDerivative(), "the derivative at z="),
        (ForgetsAnElement(), "does not write every element"),
        (ChangesItsInput(), "forward changes its input"),
        (ChangesItsOutput(), "backward changes a"),
        (ReadsTmp(), "reads tmp"),
        (HidesItsKink(), "the derivative at z=0"),
        (ClaimsTooMuch(), "needs_input is False"),
        (MixesMembers(), "mixes member 0"),
        (Overflows(), "forward is not finite"),
        (TakesNothing(), "n_outputs takes no width"),
    ],
    ids=repr,
)
def test_broken_activation_is_refused(broken, words):
    """The message names component and property."""
    with pytest.raises(AssertionError, match=rf"{type(broken).__name__}.*{words}"):
        check_activation(broken)


@dataclass(frozen=True, repr=False)
class BrokenLoss(SquaredError):
    """Squared error, with one thing wrong in each subclass."""


class WrongGradient(BrokenLoss):
    def value_and_gradient(self, raw, y, weight, out, work):
        values = super().value_and_gradient(raw, y, weight, out, work)
        out[..., 0] *= 1.0 + 1e-5
        return values


class ForgetsAGradient(BrokenLoss):
    def value_and_gradient(self, raw, y, weight, out, work):
        spare = np.empty_like(out)
        values = super().value_and_gradient(raw, y, weight, spare, work)
        out[:, 1:] = spare[:, 1:]
        return values


class UpcastsTheValue(BrokenLoss):
    def value_and_gradient(self, raw, y, weight, out, work):
        values = super().value_and_gradient(raw, y, weight, out, work)
        return np.float64(1.0) * values.astype(float)


class UpcastsTheLink(BrokenLoss):
    def link(self, raw):
        return raw.astype(float)


class ReturnsRaw(BrokenLoss):
    def link(self, raw):
        return raw


class OverwritesRaw(BrokenLoss):
    def value_and_gradient(self, raw, y, weight, out, work):
        values = super().value_and_gradient(raw, y, weight, out, work)
        raw += 1.0
        return values


class ForgetsTheWeight(BrokenLoss):
    def value_and_gradient(self, raw, y, weight, out, work):
        return super().value_and_gradient(raw, y, 1.0 / raw.shape[1], out, work)


class WrongConstant(BrokenLoss):
    def constant(self, y, weight):
        return np.median(y, axis=0)


class MixesMembersOfALoss(BrokenLoss):
    def value_and_gradient(self, raw, y, weight, out, work):
        values = super().value_and_gradient(raw, y, weight, out, work)
        out *= 1.0 + 1e-3 * values.sum()
        return values


class ReadsScratch(BrokenLoss):
    def value_and_gradient(self, raw, y, weight, out, work):
        values = super().value_and_gradient(raw, y, weight, out, work)
        out += work.sums
        return values


class CountsCalls(BrokenLoss):
    calls: ClassVar[list] = []

    def value_and_gradient(self, raw, y, weight, out, work):
        self.calls.append(1)
        return len(self.calls) + super().value_and_gradient(raw, y, weight, out, work)


class OverflowsSoon(BrokenLoss):
    def value_and_gradient(self, raw, y, weight, out, work):
        values = super().value_and_gradient(raw, y, weight, out, work)
        return values + 0.0 * np.exp(raw.max(axis=(1, 2)))


class TakesNoTarget(BrokenLoss):
    def check_target(self, y):
        raise ValueError("no")


@dataclass(frozen=True, repr=False)
class NoLogarithm(LogLoss):
    """Log-loss whose log_link is a link."""

    exclusive: bool = flag(True)

    def log_link(self, raw):
        return self.link(raw)


class KinkedWithoutSayingSo(BrokenLoss):
    def value_and_gradient(self, raw, y, weight, out, work):
        np.subtract(raw, y, out=out)
        np.abs(out, out=work.full)
        np.matmul(work.full, work.ones_column, out=work.rows)
        np.sign(out, out=out)
        out *= weight
        return work.weighted_sum(weight)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (WrongGradient(), r"gradient at raw\[\d, 0\]"),
        (ForgetsAGradient(), "not every gradient is written"),
        (UpcastsTheValue(), "values are float64 for float32"),
        (UpcastsTheLink(), "link turns float32"),
        (ReturnsRaw(), "link returns raw itself"),
        (OverwritesRaw(), "changes raw"),
        (ForgetsTheWeight(), "a row of weight zero has a gradient"),
        (WrongConstant(), "gradient at constant"),
        (MixesMembersOfALoss(), "the gradient mixes member"),
        (ReadsScratch(), "or work is read"),
        (CountsCalls(), "two calls give two values"),
        (OverflowsSoon(), "the value is not finite"),
        (TakesNoTarget(), "check_target refuses"),
        (NoLogarithm(), "log_link is not the logarithm"),
        (KinkedWithoutSayingSo(), "gradient at constant"),
    ],
    ids=repr,
)
def test_broken_loss_is_refused(broken, words):
    """The message names component and property."""
    with pytest.raises(AssertionError, match=rf"(?s){type(broken).__name__}.*{words}"):
        check_loss(broken)


@dataclass(frozen=True, repr=False)
class BrokenLayer(layers.Dense):
    """A dense layer, with one thing wrong in each subclass."""

    units: int = 3


class ForgetsTheBias(BrokenLayer):
    def backward(self, p, grad, dy, cache):
        kept = grad.bias.copy()
        dx = super().backward(p, grad, dy, cache)
        grad.bias[...] = kept
        return dx


class WrongWeights(BrokenLayer):
    def backward(self, p, grad, dy, cache):
        dx = super().backward(p, grad, dy, cache)
        grad.weight[:, 1, 2] *= 1.001
        return dx


class WrongInputGradient(BrokenLayer):
    def backward(self, p, grad, dy, cache):
        dx = super().backward(p, grad, dy, cache)
        return dx if dx is None else dx * 2.0


class UpcastsRows(BrokenLayer):
    def forward(self, p, x, cache, training):
        y = super().forward(p, x, cache, training)
        return y * np.float64(1.0) if y.dtype == np.float64 else y.astype(float)


class OverwritesTheInput(BrokenLayer):
    def forward(self, p, x, cache, training):
        y = super().forward(p, x, cache, training)
        x *= 2.0
        return y


class OverwritesItsParameters(BrokenLayer):
    def forward(self, p, x, cache, training):
        p.bias += 1.0
        return super().forward(p, x, cache, training)


class MixesRowsOfMembers(BrokenLayer):
    def forward(self, p, x, cache, training):
        y = super().forward(p, x, cache, training)
        y -= 1e-10 * y.mean()
        return y


class LearnsInPrediction(layers.BatchNorm):
    def forward(self, p, x, cache, training):
        y = super().forward(p, x, cache, training)
        p.running_mean += 1.0
        return y


class ReturnsNoGradient(BrokenLayer):
    def backward(self, p, grad, dy, cache):
        super().backward(p, grad, dy, cache)


class OverflowsInRows(layers.LayerNorm):
    def forward(self, p, x, cache, training):
        y = super().forward(p, x, cache, training)
        y += 0.0 * np.exp(np.abs(x))
        return y


@dataclass(frozen=True, repr=False)
class HoldsAnArray(layers.Dense):
    """A dense layer with memory."""

    units: int = 3
    memory: np.ndarray = field(default_factory=lambda: np.zeros(3), compare=False)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (ForgetsTheBias(), "does not write every element of bias"),
        (WrongWeights(), r"the gradient at weight\[1, 2\]"),
        (WrongInputGradient(), r"the gradient at input\["),
        (UpcastsRows(), "forward returns float64"),
        (OverwritesTheInput(), "the input is changed"),
        (OverwritesItsParameters(), "parameters are changed"),
        (MixesRowsOfMembers(), "of member 0 is not as if alone"),
        (LearnsInPrediction(), "parameters are changed in prediction"),
        (ReturnsNoGradient(), "backward returns no gradient"),
        (OverflowsInRows(), "the output is not finite"),
        (HoldsAnArray(), "holds arrays"),
        (layers.GroupedDense(3, 2), r"build on rows of shape \(4,\) raises ValueError"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_broken_layer_is_refused(broken, words):
    """The message names component, parameter and property."""
    with pytest.raises(AssertionError, match=rf"(?s){type(broken).__name__}.*{words}"):
        check_layer(broken)


class NotElementwise(SGD):
    def step(self, grad, slots, t, rate, tmp):
        super().step(grad, slots, t, rate, tmp)
        grad /= np.linalg.norm(grad, axis=1, keepdims=True)


class MixesSteps(SGD):
    def step(self, grad, slots, t, rate, tmp):
        super().step(grad, slots, t, rate, tmp)
        grad += 1e-3 * grad.max(axis=0)


class WantsMoreSlots(SGD):
    n_slots = 0


class WantsFewerSlots(SGD):
    n_slots = 2

    def step(self, grad, slots, t, rate, tmp):
        super().step(grad, slots[:1], t, rate, tmp)


class Climbs(SGD):
    def step(self, grad, slots, t, rate, tmp):
        super().step(grad, slots, t, rate, tmp)
        np.negative(grad, out=grad)


class DoesNothing(SGD):
    def step(self, grad, slots, t, rate, tmp):
        slots[0][...] = 1.0


class DividesByZero(SGD):
    def step(self, grad, slots, t, rate, tmp):
        slots[0] += grad**2
        grad *= rounded(rate, grad.dtype) / np.sqrt(slots[0])


class IgnoresTmp(SGD):
    def step(self, grad, slots, t, rate, tmp):
        slots[0][...] = grad
        grad += tmp


@dataclass(frozen=True, repr=False)
class OneRateForAll(SGD):
    """Takes the first member's rate for all."""

    def step(self, grad, slots, t, rate, tmp):
        rate = rate if isinstance(rate, float) else float(rate[0, 0])
        super().step(grad, slots, t, rate, tmp)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (NotElementwise(), "steps in blocks differ"),
        (MixesSteps(), "step mixes member"),
        (WantsMoreSlots(), r"step\(\) with 0 slots raises ValueError"),
        (WantsFewerSlots(), "slot 1 of 2 is never written"),
        (Climbs(), "convex quadratic"),
        (DoesNothing(), "leaves the gradient as it is"),
        (DividesByZero(), "gradients of 0 give a step"),
        (IgnoresTmp(), "tmp is read"),
        (OneRateForAll(), "with a rate of its own, member 1"),
        (SGD(momentum=2.0), "momentum must be"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_broken_optimizer_is_refused(broken, words):
    """The message names component and property."""
    assert isinstance(broken, Optimizer)
    with pytest.raises(AssertionError, match=rf"(?s){type(broken).__name__}.*{words}"):
        check_optimizer(broken)


@dataclass(frozen=True, repr=False)
class Broken(Schedule):
    """A schedule whose factor is a function of the clock."""

    function: object = None
    plateau: float = 1.0

    @property
    def plateau_factor(self):
        return self.plateau

    def factor(self, clock):
        return self.function(clock)


class Counter:
    """A function that remembers how often it was called."""

    n_calls = 0

    def __call__(self, clock):
        self.n_calls += 1
        return float(self.n_calls)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (Broken(lambda clock: np.float64(1.0)), "must be a float, got float64"),
        (Broken(lambda clock: 1), "must be a float, got int"),
        (Broken(lambda clock: float(10 - clock.n_epochs)), ">= 0, got -1.0"),
        (Broken(lambda clock: float("nan")), "must be finite"),
        (Broken(lambda clock: 0.0), "every factor is zero"),
        (Broken(Counter()), "not pure"),
        (Broken(lambda clock: 1.0 - clock.progress), "is_planned is False"),
        (Broken(lambda clock: 1.0, plateau=2.0), "plateau_factor must be"),
    ],
    ids=["numpy", "int", "negative", "nan", "zero", "impure", "planned", "plateau"],
)
def test_broken_schedule_is_refused(broken, words):
    """The message names the property and the clock."""
    with pytest.raises(AssertionError, match=rf"(?s)Broken.*{words}"):
        check_schedule(broken)


@dataclass(frozen=True, repr=False)
class BrokenDraw(Initializer):
    """Draws normal weights, with one thing wrong in each subclass."""

    def draw(self, stream, shape, fan, gain):
        return stream.standard_normal(shape)


class DrawsFloat32(BrokenDraw):
    def draw(self, stream, shape, fan, gain):
        return super().draw(stream, shape, fan, gain).astype(np.float32)


class DrawsFlat(BrokenDraw):
    def draw(self, stream, shape, fan, gain):
        return super().draw(stream, shape, fan, gain).ravel()


class DrawsFromElsewhere(BrokenDraw):
    def draw(self, stream, shape, fan, gain):
        return np.random.default_rng().normal(size=shape)


class DrawsTheSame(BrokenDraw):
    def draw(self, stream, shape, fan, gain):
        return np.random.default_rng(0).normal(size=shape)


class DrawsInfinity(BrokenDraw):
    def draw(self, stream, shape, fan, gain):
        return super().draw(stream, shape, fan, gain) / 0.0


class NegativeScale(BrokenDraw):
    def scale(self, fan):
        return -1.0


class NumpyScale(BrokenDraw):
    def scale(self, fan):
        return np.sqrt(1.0 / fan[0])


class HiddenScale(BrokenDraw):
    def scale(self, fan):
        return 0.5


class NumberForBiases(BrokenDraw):
    def for_bias(self):
        return 0.0


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (DrawsFloat32(), "is float32"),
        (DrawsFlat(), r"is float64 of the shape \(18,\)"),
        (DrawsFromElsewhere(), "same state gives another draw"),
        (DrawsTheSame(), "went on gives the same draw"),
        (DrawsInfinity(), "is not finite"),
        (NegativeScale(), "positive float, got -1.0"),
        (NumpyScale(), "positive float, got"),
        (HiddenScale(), "rescales is False"),
        (NumberForBiases(), "for_bias"),
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_broken_initializer_is_refused(broken, words):
    """The message names component and property."""
    with pytest.raises(AssertionError, match=rf"(?s){type(broken).__name__}.*{words}"):
        check_initializer(broken)


# ----------------------------------------------------------------- whole estimators


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("activation", ["tanh", "logistic", "identity"])
@pytest.mark.parametrize(
    "cls", [SimpleMLPClassifier, SimpleMLPRegressor], ids=["classes", "values"]
)
def test_textbook_network_agrees_to_seven_digits(cls, activation, n_members):
    """Smooth activations, with the penalty: 1e-7 relative, and none left out."""
    estimator = cls(hidden_layer_sizes=(5, 4), activation=activation, alpha=0.5)
    report = check_gradient(estimator, rtol=1e-7, n_members=n_members)
    assert report.passed
    assert report.n_left_out == 0
    n_parameters = sum(np.prod(array.shape) for array in report.arrays[:-1])
    assert report.n_checked == n_members * (n_parameters + 3)


@pytest.mark.parametrize("block", components(BLOCKS), ids=repr)
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_every_block_passes(block, dropout):
    """Batch normalisation as in training, and the same noise in each evaluation."""
    estimator = SimpleMLPClassifier((6, 5), "tanh", block=block, dropout=dropout)
    assert check_gradient(estimator).passed


def test_large_network_is_sampled():
    """Of many parameters some are compared, but of each array at least eight."""
    report = check_gradient(SimpleMLPRegressor(hidden_layer_sizes=(60, 60)))
    counts = [array.n_checked for array in report.arrays[:-1]]
    assert sum(counts) < 300
    assert min(counts[:-1]) >= 8


@pytest.mark.parametrize("random_state", range(3))
def test_rectifiers_pass_nearly_without_gaps(random_state):
    """Steps that straddle a kink are made smaller, rather than called wrong."""
    estimator = SimpleMLPClassifier((20, 20), "relu")
    report = check_gradient(estimator, random_state=random_state)
    assert report.n_left_out <= 2


def test_fitted_estimator_is_checked_where_it_stands(multiclass_problem):
    """At its parameters, in float64, without a change of it."""
    X, y = (array[:40] for array in multiclass_problem)
    fitted = SimpleMLPClassifier((4,), "tanh", solver="lbfgs", tol=0.1, random_state=0)
    fitted.fit(X.astype(np.float32), y)
    theta, before = fitted.theta_.copy(), set(vars(fitted))
    reports = [check_gradient(fitted, X, y, random_state=s) for s in (0, 1)]
    assert reports[0].arrays[0].error == reports[1].arrays[0].error
    np.testing.assert_array_equal(fitted.theta_, theta)
    assert set(vars(fitted)) == before


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "multioutput"])
def test_data_are_made_up_for_a_fitted_estimator(kind, request):
    """Without X and y, rows like those of the fit are drawn."""
    X, y = request.getfixturevalue(f"{kind}_problem")
    cls = SimpleMLPRegressor if kind == "multioutput" else SimpleMLPClassifier
    estimator = cls(hidden_layer_sizes=(3,), activation="tanh", alpha=0.1)
    estimator.set_params(solver="lbfgs", tol=1.0).fit(X, y)
    assert check_gradient(estimator).passed


def test_weights_count(regression_problem):
    """Sample weights enter the objective, and so its gradient."""
    X, y = (array[:10] for array in regression_problem)
    estimator = SimpleMLPRegressor(hidden_layer_sizes=(3,), activation="tanh")
    weight = np.linspace(0.0, 2.0, 10)
    weighted = check_gradient(estimator, X, y, sample_weight=weight)
    plain = check_gradient(estimator, X, y)
    assert weighted.worst.analytic != plain.worst.analytic


def test_sparse_rows_give_the_same_report():
    """A sparse X stays sparse up to the first dense layer; the slopes are the same."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(10, 3)), rng.normal(size=10)
    estimator = SimpleMLPRegressor(hidden_layer_sizes=(3,), activation="tanh")
    dense, rare = (check_gradient(estimator, x, y) for x in (X, csr_matrix(X)))
    assert [a.n_checked for a in dense.arrays] == [a.n_checked for a in rare.arrays]


class BrokenDense(layers.Dense):
    """A dense layer that gets one weight of the gradient wrong."""

    def backward(self, p, grad, dy, cache):
        dx = super().backward(p, grad, dy, cache)
        if grad.weight.shape[1:] == (4, 4):
            grad.weight[:, 3, 1] *= 1.01
        return dx


@dataclass(frozen=True, repr=False)
class BrokenBlock(BLOCKS["plain"]):
    """The classic hidden layer of a broken dense layer."""

    def hidden(self, shape, width, style):
        return (BrokenDense(width), style.activate())


def test_report_names_the_broken_parameter():
    """Path and indices of the worst slope, both numbers, and a table of all arrays."""
    with temporarily_registered(BLOCKS, "broken", BrokenBlock):
        estimator = SimpleMLPClassifier((4, 4), "tanh", block="broken")
        with pytest.raises(AssertionError) as caught:
            check_gradient(estimator)
    text = str(caught.value)
    assert "FAILED: the gradient is wrong at 2.weight[3, 1]" in text
    assert "worst: 2.weight[3, 1]: gradient" in text
    assert "BrokenDense" in text
    assert all(name in text for name in ("0.weight", "0.bias", "4.bias"))


def test_report_names_the_member():
    """Of several networks, the worst is told."""
    with temporarily_registered(BLOCKS, "broken", BrokenBlock):
        estimator = SimpleMLPClassifier((4, 4), "tanh", block="broken")
        with pytest.raises(AssertionError, match=r"2.weight\[3, 1\] of member \d"):
            check_gradient(estimator, n_members=2)


def test_broken_activation_fails_for_the_whole_estimator():
    """A wrong derivative shows in every layer below."""
    registered = temporarily_registered(ACTIVATIONS, "broken", WrongDerivative)
    with registered, pytest.raises(AssertionError, match="FAILED"):
        check_gradient(SimpleMLPRegressor(activation="broken"))


@dataclass(frozen=True, repr=False)
class Step(Activation):
    """A step whose gradient is that of the identity."""

    surrogate = True

    def forward(self, z, out, tmp):
        np.greater(z, 0.0, out=out)

    def backward(self, z, a, da, tmp):
        pass


def test_surrogate_gradient_is_said_plainly():
    """Differences of a step are zero: only what stands behind it is compared."""
    with temporarily_registered(ACTIVATIONS, "step", Step):
        report = check_gradient(SimpleMLPClassifier((4, 4), "step"))
        check_activation(ACTIVATIONS.make("step"))
    assert report.surrogate
    assert report.passed
    assert "surrogate gradient" in str(report)
    assert [array.n_checked for array in report.arrays] == [0, 0, 0, 0, 12, 3, 3]


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (GradientReport("it", 1e-6, (), None), "nothing to compare"),
        (
            GradientReport("it", 1e-6, (ArrayCheck("w", "", (9,), 0.0, 5, 4),), None),
            "4 of 9 differences straddle a kink",
        ),
        (
            GradientReport(
                "it",
                1e-6,
                (ArrayCheck("w", "", (9,), np.inf, 9, 0),),
                Worst("w[0]", np.nan, 1.0, np.inf),
            ),
            "wrong at w[0]",
        ),
    ],
    ids=["empty", "kinks", "nan"],
)
def test_report_that_shows_too_little_fails(report, words):
    """Nothing compared, too much left out, or a NaN: none of them passes."""
    assert not report.passed
    assert words in str(report)


@pytest.mark.parametrize(
    ("value", "slope", "right", "left_out"),
    [
        (np.abs, 0.5, False, True),
        (np.abs, 1.0, False, True),
        (np.abs, 2.0, False, False),
        (lambda z: np.abs(z - 1.5e-3), -1.0, True, False),
        (lambda z: np.abs(z - 1.5e-3), 1.0, False, False),
        (lambda z: z * np.abs(z), 1e-4, False, False),
        (lambda z: np.exp(3.0 * z), 3.0, True, False),
        (lambda z: np.exp(3.0 * z), 3.0001, False, False),
        (lambda z: np.sin(200.0 * z), 200.0, True, False),
        (lambda z: 0.0 * z, 1e-9, False, False),
        (np.cos, np.nan, False, False),
    ],
    ids=[
        *("kink", "kink-edge", "kink-wrong", "near-kink", "near-kink-wrong"),
        *("bend-wrong", "smooth", "smooth-wrong", "sharp", "flat-wrong", "nan"),
    ],
)
def test_only_kinks_are_left_out(value, slope, right, left_out):
    """At zero, a slope is right, wrong, or between two that differ."""
    surface = Surface(
        lambda vectors: value(vectors)[:, 0], np.zeros((1, 1)), np.array([[slope]])
    )
    found = slopes_along(surface, np.ones(1), 1e-6)
    assert (found.error[0] <= 1e-6) == right
    assert found.left_out[0] == left_out
    strict = replace(surface, may_kink=False)
    assert not slopes_along(strict, np.ones(1), 1e-6).left_out[0]


def test_components_get_the_check_of_their_family():
    """An activation, a layer or a loss is handed on."""
    assert check_gradient(Tanh()) is None
    assert check_gradient(layers.Dense(2)) is None
    assert check_gradient(LogLoss()) is None
    with pytest.raises(AssertionError, match="WrongDerivative"):
        check_gradient(WrongDerivative())


def test_other_objects_are_refused():
    """The message says what is taken."""
    with pytest.raises(TypeError, match="takes an estimator of sknet"):
        check_gradient(Constant(0.0))


def test_half_of_the_data_is_refused():
    """X without y says nothing."""
    with pytest.raises(ValueError, match="X and y must be given together"):
        check_gradient(SimpleMLPRegressor(), np.zeros((3, 2)))


def test_data_of_another_network_are_refused(regression_problem):
    """A fitted network takes data like those it was fitted to."""
    X, y = regression_problem
    fitted = SimpleMLPRegressor(hidden_layer_sizes=(2,), solver="lbfgs", tol=1.0)
    fitted.fit(X, y)
    with pytest.raises(ValueError, match="The fitted network has 15 parameters"):
        check_gradient(fitted, X[:, :2], y)


def fail_while_registered(name):
    """Register an activation, look at it, and raise."""
    with temporarily_registered(ACTIVATIONS, name, Hyperbola):
        assert ACTIVATIONS.make(name).name == name
        raise RuntimeError("inside")


def test_temporary_registration_ends_after_an_error():
    """Nothing of it is left behind."""
    names = set(ACTIVATIONS)
    with pytest.raises(RuntimeError, match="inside"):
        fail_while_registered("parabola")
    assert set(ACTIVATIONS) == names
    assert Hyperbola.name == ""


def test_report_can_be_kept():
    """It is frozen, plain data."""
    report = check_gradient(SimpleMLPRegressor(hidden_layer_sizes=(2,)))
    assert replace(report) == report
    assert "passed (rtol=1e-06)" in str(report)
