"""Optimizers: against their papers in scalar loops, in blocks, for many members."""

import math
from functools import partial

import numpy as np
import pytest
from memory import smallest_peak_of
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from sknet.optimizers import OPTIMIZERS, SGD, Adam, AdamW, Lion, RMSprop
from sknet.training.update import Update


VARIANTS = [
    *(OPTIMIZERS.make(name) for name in OPTIMIZERS),
    SGD(momentum=0.0),
    SGD(momentum=0.6, nesterov=False),
    Adam(beta_1=0.0, beta_2=0.7, epsilon=0.1),
    AdamW(beta_1=0.5),
    RMSprop(rho=0.0),
    RMSprop(rho=0.6, epsilon=0.1, momentum=0.8),
    Lion(beta_1=0.0, beta_2=0.0),
    Lion(beta_1=0.3, beta_2=0.6),
]
DTYPES = [np.float32, np.float64]


# ------------------------------------------------------- the papers, one scalar a time


def paper_sgd(o, gradients, rates):
    """Steps of gradient descent with momentum."""
    velocity = 0.0
    for g, rate in zip(gradients, rates, strict=True):
        velocity = o.momentum * velocity + rate * g
        yield o.momentum * velocity + rate * g if o.nesterov else velocity


def paper_adam(o, gradients, rates):
    """Steps of Adam, with epsilon before the correction, as in scikit-learn."""
    m = v = 0.0
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        m = o.beta_1 * m + (1 - o.beta_1) * g
        v = o.beta_2 * v + (1 - o.beta_2) * g * g
        corrected = rate * math.sqrt(1 - o.beta_2**t) / (1 - o.beta_1**t)
        yield corrected * m / (math.sqrt(v) + o.epsilon)


def paper_rmsprop(o, gradients, rates):
    """Steps of RMSprop, with momentum over steps."""
    v = step = 0.0
    for g, rate in zip(gradients, rates, strict=True):
        v = o.rho * v + (1 - o.rho) * g * g
        step = o.momentum * step + rate * g / (math.sqrt(v) + o.epsilon)
        yield step


def paper_lion(o, gradients, rates):
    """Steps of Lion."""
    m = 0.0
    for g, rate in zip(gradients, rates, strict=True):
        mixed = o.beta_1 * m + (1 - o.beta_1) * g
        yield rate * ((mixed > 0) - (mixed < 0))
        m = o.beta_2 * m + (1 - o.beta_2) * g


PAPERS = {
    SGD: paper_sgd,
    Adam: paper_adam,
    AdamW: paper_adam,
    RMSprop: paper_rmsprop,
    Lion: paper_lion,
}


def gradients_of(rng, n_steps, n_members, n_parameters, dtype=np.float64):
    """Gradients of very different sizes; a coordinate is always zero."""
    sizes = 10.0 ** rng.uniform(-6, 6, size=n_parameters)
    grads = rng.standard_normal((n_steps, n_members, n_parameters)) * sizes
    grads[..., 0] = 0.0
    return grads.astype(dtype)


def memory(optimizer, grads):
    """Empty slots and a scratch array for gradients (steps, K, P)."""
    slots = [np.zeros_like(grads[0]) for _ in range(optimizer.n_slots)]
    return slots, np.empty_like(grads[0])


def steps_of(optimizer, grads, rates):
    """All steps, made at once for all columns."""
    slots, scratch = memory(optimizer, grads)
    made = grads.copy()
    for t, (grad, rate) in enumerate(zip(made, rates, strict=True), start=1):
        optimizer.step(grad, slots, t, rate, scratch)
    return made


# -------------------------------------------------------------------- values of steps


@pytest.mark.parametrize("optimizer", VARIANTS, ids=str)
def test_steps_equal_those_of_the_paper(optimizer, rng):
    """Five steps at falling rates, each coordinate against a loop over scalars."""
    grads = gradients_of(rng, 5, 2, 7)
    rates = [0.1, 0.1, 0.05, 0.02, 0.0]
    steps = steps_of(optimizer, grads, rates)
    for k, j in np.ndindex(2, 7):
        column = grads[:, k, j].tolist()
        expected = list(PAPERS[type(optimizer)](optimizer, column, rates))
        cancelled = 1e-14 * np.abs(expected).max()
        assert_allclose(steps[:, k, j], expected, rtol=1e-12, atol=cancelled)


@pytest.mark.parametrize(
    ("optimizer", "steps"),
    [
        (SGD(momentum=0.5), [0.3, -0.1]),
        (SGD(momentum=0.5, nesterov=False), [0.2, 0.0]),
        (Adam(beta_1=0.0, beta_2=0.0, epsilon=1.0), [0.2 / 3, -0.05]),
        (AdamW(beta_1=0.0, beta_2=0.0, epsilon=1.0), [0.2 / 3, -0.05]),
        (RMSprop(rho=0.75, epsilon=1.0), [0.1, -0.1 / 2]),
        (RMSprop(rho=0.75, epsilon=1.0, momentum=0.5), [0.1, 0.0]),
        (Lion(beta_1=0.8, beta_2=0.5), [0.1, 0.1]),
        (Lion(beta_1=0.1, beta_2=0.5), [0.1, -0.1]),
    ],
    ids=str,
)
def test_two_steps_equal_the_numbers_worked_by_hand(optimizer, steps):
    """Gradients 2 and -1 at the rate 0.1."""
    made = steps_of(optimizer, np.array([[[2.0]], [[-1.0]]]), [0.1, 0.1])
    assert_allclose(made.ravel(), steps, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("nesterov", [True, False])
def test_sgd_is_scikit_learns(nesterov, rng):
    """Updates of their optimizer, which subtracts in another order of rounding."""
    grads = gradients_of(rng, 6, 1, 9)
    theirs = SGDOptimizer([np.zeros(9)], 0.03, momentum=0.8, nesterov=nesterov)
    expected = [-theirs._get_updates([grad[0]])[0] for grad in grads]
    made = steps_of(SGD(momentum=0.8, nesterov=nesterov), grads, [0.03] * 6)
    assert_allclose(made[:, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("optimizer", [Adam(), AdamW()], ids=str)
def test_adam_is_scikit_learns(optimizer, rng):
    """Moments without the constant factors give the same steps."""
    grads = gradients_of(rng, 6, 1, 9)
    theirs = AdamOptimizer([np.zeros(9)], 0.03)
    expected = [-theirs._get_updates([grad[0]])[0] for grad in grads]
    made = steps_of(optimizer, grads, [0.03] * 6)
    assert_allclose(made[:, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_adamw_makes_the_steps_of_adam(dtype, rng):
    """Bit for bit: they differ in the default of the decay only."""
    grads = gradients_of(rng, 5, 2, 7, dtype)
    rates = [0.1, 0.2, 0.3, 0.2, 0.1]
    assert_array_equal(steps_of(AdamW(), grads, rates), steps_of(Adam(), grads, rates))
    assert AdamW().weight_decay == 0.01
    assert Adam().weight_decay == 0.0


def test_rmsprop_without_momentum_is_adam_without_first_moment(rng):
    """Up to the bias correction, which is known."""
    grads = gradients_of(rng, 5, 1, 7)
    rmsprop = steps_of(RMSprop(rho=0.9), grads, [0.1] * 5)
    adam = steps_of(Adam(beta_1=0.0, beta_2=0.9), grads, [0.1] * 5)
    correction = np.sqrt(1.0 - 0.9 ** np.arange(1, 6))[:, None, None]
    assert_allclose(adam, rmsprop * correction, rtol=1e-12)


@pytest.mark.parametrize("optimizer", [Adam(), AdamW(), RMSprop(), Lion()], ids=str)
def test_scaled_steps_do_not_feel_the_size_of_the_gradient(optimizer, rng):
    """A common factor changes nothing, but for epsilon."""
    grads = rng.choice([-1.0, 1.0], size=(5, 1, 7)) * rng.uniform(1, 2, (5, 1, 7))
    rates = [0.1] * 5
    made = steps_of(optimizer, grads, rates)
    assert_allclose(made, steps_of(optimizer, 1024.0 * grads, rates), rtol=1e-6)


# ------------------------------------------------------------------- arrays and memory


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", VARIANTS, ids=str)
def test_rates_of_members_equal_separate_runs(optimizer, dtype, rng):
    """Bit for bit: rows of three rates, against each member with its own."""
    grads = gradients_of(rng, 4, 3, 33, dtype)
    rates = rng.uniform(0.001, 0.1, size=(4, 3, 1)).astype(dtype)
    together = steps_of(optimizer, grads, rates)
    for k in range(3):
        alone = steps_of(optimizer, grads[:, k : k + 1], rates[:, k : k + 1])
        assert_array_equal(together[:, k : k + 1], alone)


@pytest.mark.parametrize("optimizer", VARIANTS, ids=str)
def test_rates_in_an_array_equal_numbers(optimizer, rng):
    """Bit for bit in float64."""
    grads = gradients_of(rng, 4, 2, 33)
    numbers = [0.1, 0.03, 0.01, 0.0]
    arrays = [np.full((2, 1), number) for number in numbers]
    assert_array_equal(
        steps_of(optimizer, grads, numbers), steps_of(optimizer, grads, arrays)
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", VARIANTS, ids=str)
def test_block_by_block_equals_at_once(optimizer, dtype, rng):
    """Bit for bit, for blocks that no vector register divides."""
    grads = gradients_of(rng, 3, 2, 101, dtype)
    at_once = steps_of(optimizer, grads, [0.1, 0.05, 0.01])
    slots, scratch = memory(optimizer, grads)
    for t, rate in enumerate([0.1, 0.05, 0.01]):
        for start in range(0, 101, 13):
            block = np.s_[:, start : start + 13]
            views = [slot[block] for slot in slots]
            optimizer.step(grads[t][block], views, t + 1, rate, scratch[block])
    assert_array_equal(grads, at_once)


@pytest.mark.parametrize("optimizer", VARIANTS, ids=str)
def test_float32_stays_and_follows_float64(optimizer, rng):
    """To the rounding of each coordinate's largest step."""
    grads = gradients_of(rng, 5, 2, 33, np.float32)
    made = steps_of(optimizer, grads, [0.1] * 5)
    assert made.dtype == np.float32
    exact = steps_of(optimizer, grads.astype(np.float64), [0.1] * 5)
    assert (abs(made - exact) <= 1e-5 * abs(exact).max(axis=0)).all()


# A memory of 0 would multiply a square that overflowed with 0.
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "optimizer", [o for o in VARIANTS if o != RMSprop(rho=0.0)], ids=str
)
def test_extreme_gradients_give_no_nan(optimizer, dtype):
    """Zeros, the smallest and very large numbers, whose squares overflow."""
    row = np.array([0.0, 1e-45, -1e-30, 1e-10, 1.0, -1e10, 1e20, -1e30], dtype=dtype)
    grads = np.stack([row, -row, np.zeros_like(row), row])[:, None, :]
    with np.errstate(all="ignore"):
        steps = steps_of(optimizer, grads, [0.1] * 4)
    assert np.isfinite(steps).all()
    assert not steps[..., 0].any()


@pytest.mark.parametrize("optimizer", VARIANTS, ids=str)
def test_nan_in_a_gradient_is_not_hidden(optimizer):
    """A training that breaks down must be seen to."""
    grads = np.array([[[math.nan, 1.0]]])
    step = steps_of(optimizer, grads, [0.1])[0, 0]
    assert math.isnan(step[0])
    assert math.isfinite(step[1])


@pytest.mark.parametrize("rate", [0.1, np.full((2, 1), 0.1)], ids=["float", "rows"])
@pytest.mark.parametrize("optimizer", VARIANTS, ids=str)
def test_step_allocates_nothing_that_grows(optimizer, rate):
    """At most NumPy's buffer of 8192 numbers, for arrays of 100000."""
    grads = np.ones((1, 2, 50_000))
    slots, scratch = memory(optimizer, grads)
    step = partial(optimizer.step, grads[0], slots, 2, rate, scratch)
    assert smallest_peak_of(step) < 80_000


@pytest.mark.parametrize(
    ("optimizer", "n_slots"),
    [
        *[(SGD(), 1), (Adam(), 2), (AdamW(), 2), (Lion(), 1)],
        *[(RMSprop(), 1), (RMSprop(momentum=0.5), 2)],
    ],
    ids=str,
)
def test_number_of_slots_is_what_the_method_needs(optimizer, n_slots):
    """One array like the parameters for each thing remembered."""
    assert optimizer.n_slots == n_slots


# -------------------------------------------------------------------- with the update


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_decay_is_decoupled_from_the_step(name, rng):
    """Without a gradient only the decayed weights shrink, by rate times decay."""
    optimizer = OPTIMIZERS.make(name).with_param("weight_decay", 0.5)
    theta = rng.standard_normal((2, 6))
    expected = theta * np.array([0.95] * 4 + [1.0] * 2)
    grad = np.zeros((2, 6))
    slots = [np.zeros((2, 6)) for _ in range(optimizer.n_slots)]
    Update(optimizer, theta, grad, slots, n_decayed=4)(1, 0.1)
    assert_allclose(theta, expected, rtol=1e-15)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_lead_to_the_minimum(name):
    """A bowl whose axes differ tenfold, with a falling rate."""
    optimizer = OPTIMIZERS.make(name)
    curvature, lowest = np.array([[1.0, 10.0]]), np.array([[0.3, -0.7]])
    theta, grad = np.zeros((1, 2)), np.empty((1, 2))
    slots = [np.zeros((1, 2)) for _ in range(optimizer.n_slots)]
    update = Update(optimizer, theta, grad, slots)
    for t in range(1, 1001):
        np.multiply(curvature, theta - lowest, out=grad)
        update(t, 0.02 * (1.0 - t / 1001))
    assert_allclose(theta, lowest, atol=1e-3)


@pytest.mark.parametrize(
    ("optimizer", "field"),
    [
        (AdamW(beta_2=1.0), "beta_2"),
        (AdamW(epsilon=0.0), "epsilon"),
        (RMSprop(rho=1.0), "rho"),
        (RMSprop(momentum=-0.1), "momentum"),
        (RMSprop(epsilon=0.0), "epsilon"),
        (Lion(beta_1=1.0), "beta_1"),
        (Lion(weight_decay=-1.0), "weight_decay"),
    ],
    ids=str,
)
def test_field_outside_of_its_interval_is_refused(optimizer, field):
    """By a message that names it."""
    with pytest.raises(ValueError, match=f"{field} must be"):
        OPTIMIZERS.make(optimizer)
