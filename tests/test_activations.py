"""Activations: values and slopes against formulas, tails, manners, what is special."""

from functools import partial

import numpy as np
import pytest
from activation_formulas import ALPHA, SCALE, slope_of, value_of
from every_component import components
from memory import smallest_peak_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtr

from sknet.activations import (
    ACTIVATIONS,
    ELU,
    GELU,
    SELU,
    Blend,
    HardThreshold,
    LeakyReLU,
    Logistic,
    Maxout,
    Mish,
    ReLU,
    SiLU,
    Softplus,
    Tanh,
)
from sknet.testing import check_activation


EVERY = [
    *(cls() for cls in ACTIVATIONS.values()),
    LeakyReLU(slope=0.0),
    LeakyReLU(slope=0.3),
    ELU(alpha=0.5),
    ELU(alpha=2.0),
    Maxout(pieces=3),
    Blend("gelu", initial=0.3),
    Blend(Mish(), initial=-0.5),
    Blend(LeakyReLU(0.2), initial=2.0),
]
ELEMENTWISE = [f for f in EVERY if not isinstance(f, Maxout)]

every_activation = pytest.mark.parametrize("activation", EVERY, ids=repr)
elementwise = pytest.mark.parametrize("activation", ELEMENTWISE, ids=repr)
both_types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def forward(activation, z):
    """Return the output, from arrays full of garbage."""
    out = np.full((*z.shape[:-1], activation.n_outputs(z.shape[-1])), np.nan, z.dtype)
    scratch = activation.scratch(z)
    scratch.fill(np.nan)
    activation.forward(z, out, scratch)
    return out


def backward(activation, z, a, da):
    """Return the pullback of ``da``, which has the shape of ``z``."""
    dz, scratch = da.copy(), activation.scratch(z)
    scratch.fill(np.nan)
    activation.backward(z, a, dz, scratch)
    return dz


def slope(activation, z):
    """Return the derivative at ``z``."""
    return backward(activation, z, forward(activation, z), np.ones_like(z))


def column(*values, dtype=np.float64):
    """Return values as one member's only column."""
    return np.array(values, dtype=dtype).reshape(1, -1, 1)


def grid(low, high, n_points=2001, dtype=np.float64):
    """Return points that avoid 0 and 1, as one member with three columns."""
    return np.linspace(low, high, n_points * 3).reshape(1, n_points, 3).astype(dtype)


# ------------------------------------------------------------------ values and slopes


@pytest.mark.parametrize("activation", [*EVERY, *components(ACTIVATIONS)], ids=repr)
def test_activation_keeps_the_laws(activation):
    """Pullback, manners and extremes."""
    check_activation(activation)


@elementwise
@pytest.mark.parametrize("span", [1e-6, 0.1, 3.0, 12.0, 36.0, 700.0, 1e6])
def test_value_is_that_of_the_formula(activation, span):
    """Around zero and far from it, to some units in the last place."""
    z = grid(-span, span)
    assert_allclose(
        forward(activation, z), value_of(activation, z), rtol=1e-13, atol=1e-13
    )


@elementwise
@pytest.mark.parametrize("span", [1e-6, 0.1, 3.0, 12.0, 36.0, 700.0, 1e6])
def test_slope_is_that_of_the_formula(activation, span):
    """Around zero and far from it; a slope of 1 has 2e-16."""
    z = grid(-span, span, 2000)
    assert_allclose(
        slope(activation, z), slope_of(activation, z), rtol=1e-13, atol=1e-13
    )


@elementwise
def test_single_precision_is_that_of_the_formula(activation):
    """Rounding of x in exp(x) grows with x: 1e-5 is 100 units at x = 70."""
    z = grid(-12.0, 12.0, dtype=np.float32)
    exact = z.astype(np.float64)
    assert_allclose(forward(activation, z), value_of(activation, exact), 1e-5, 2e-7)
    assert_allclose(slope(activation, z), slope_of(activation, exact), 1e-5, 5e-7)


@pytest.mark.parametrize("activation", [ELU(), SELU(), Softplus(), SiLU(), Mish()])
def test_tail_keeps_its_digits(activation):
    """Where value or slope are tiny, they are right to 1e-13 of themselves."""
    z = grid(-600.0, -20.0)
    if isinstance(activation, (ELU, SELU)):
        limit = forward(activation, column(-1e3)).item()
        assert_allclose(forward(activation, z), limit, rtol=1e-8)
    else:
        assert_allclose(forward(activation, z), value_of(activation, z), rtol=1e-13)
    if isinstance(activation, Mish):  # tanh(s) = s, and cosh(s) = 1
        exact = np.exp(z) * (1 + z)
        assert_allclose(slope(activation, z), exact, rtol=1e-7)
    else:
        assert_allclose(slope(activation, z), slope_of(activation, z), rtol=1e-13)


@both_types
def test_gelu_keeps_the_digits_of_its_tail(dtype):
    """To 10 units, beside what rounding z * z / 2 makes of the exponential."""
    low = {np.float32: -12.5, np.float64: -37.0}[dtype]
    z = grid(low, -1e-3, 30000, dtype=dtype)
    exact = z.astype(np.float64)
    value = exact * ndtr(exact)
    error = np.abs(forward(GELU(), z) / value - 1)
    units = error / np.finfo(dtype).eps
    assert np.all(units <= 10.0 * (1 + 0.5 * exact * exact))


@both_types
def test_gelu_has_slope_one_half_at_zero(dtype):
    """Where a / z is 0 / 0, or a quotient of numbers that have lost their digits."""
    tiny = np.finfo(dtype).smallest_subnormal
    z = column(0.0, -0.0, tiny, -tiny, 1e-30, -1e-30, 1e-21, -1e-21, dtype=dtype)
    assert_array_equal(slope(GELU(), z), np.full_like(z, 0.5))


@both_types
@pytest.mark.parametrize(
    "activation", [LeakyReLU(), ELU(), ELU(0.5), SELU(), Blend("elu")], ids=repr
)
def test_small_negative_input_is_scaled(activation, dtype):
    """No digit is lost close to zero, as it would be by exp(z) - 1."""
    z = column(-1e-12, -1e-20, -1e-30, dtype=dtype)
    expected = z * slope(activation, z)
    rtol = 8 * np.finfo(dtype).eps
    assert_allclose(forward(activation, z), expected, rtol=max(rtol, 2e-12))


# -------------------------------------------------------------------------- the limits


@pytest.mark.parametrize(
    ("activation", "low", "high"),
    [
        (Logistic(), 0.0, 1.0),
        (Tanh(), -1.0, 1.0),
        (HardThreshold(), 0.0, 1.0),
        (ReLU(), 0.0, 1e30),
        (LeakyReLU(0.25), -0.25e30, 1e30),
        (ELU(0.5), -0.5, 1e30),
        (SELU(), -SCALE * ALPHA, SCALE * 1e30),
        (Softplus(), 0.0, 1e30),
        (SiLU(), 0.0, 1e30),
        (GELU(), 0.0, 1e30),
        (Mish(), 0.0, 1e30),
        (Blend(), 0.0, 1e30),
        (Blend("identity", 0.3), -1e30, 1e30),
    ],
    ids=repr,
)
@both_types
def test_limits_are_those_of_the_function(activation, low, high, dtype):
    """What is huge gives the limit, and a slope that is finite."""
    z = column(-1e30, 1e30, dtype=dtype)
    rtol = 4 * np.finfo(dtype).eps
    with np.errstate(over="ignore"):  # as a network runs
        assert_allclose(forward(activation, z), column(low, high), rtol=rtol)
        assert np.isfinite(slope(activation, z)).all()


# ------------------------------------------------------------------------- the manners


def both_ways(activation, z, a, dz, scratch):
    """Write the output into ``a``, and the gradient over ``dz``."""
    activation.forward(z, a, scratch)
    activation.backward(z, a, dz, scratch)


@every_activation
@both_types
def test_arrays_are_written_in_place(activation, dtype, rng):
    """The type is kept, the input too, and no temporary grows with the rows."""
    peaks = []
    for n_rows in (500, 4000):  # above what NumPy buffers
        z = rng.normal(size=(2, n_rows, 30)).astype(dtype)
        kept, a = z.copy(), forward(activation, z)
        output, dz, scratch = a.copy(), np.ones_like(z), activation.scratch(z)
        peaks.append(
            smallest_peak_of(partial(both_ways, activation, z, a, dz, scratch))
        )
        assert_array_equal(z, kept)
        assert_array_equal(a, output)
    assert peaks[1] < peaks[0] + 1000
    assert scratch.dtype == dtype


@pytest.mark.parametrize(
    "make",
    [LeakyReLU, ELU, lambda value: Blend("tanh", value)],
    ids=["leaky_relu", "elu", "blend"],
)
def test_parameter_of_numpy_gives_the_same_bits(make, rng):
    """Those of a grid made by np.linspace are np.float64, which upcasts."""
    z = rng.normal(size=(1, 50, 8)).astype(np.float32)
    ours, theirs = make(0.1), make(np.float64(0.1))
    assert_array_equal(forward(ours, z), forward(theirs, z))
    assert_array_equal(slope(ours, z), slope(theirs, z))


@pytest.mark.parametrize(
    ("activation", "words"),
    [
        (LeakyReLU(slope=1.0), r"slope must be a number in \[0, 1\), got 1.0"),
        (LeakyReLU(slope=-0.1), "slope must be"),
        (ELU(alpha=0.0), r"alpha must be a number in \(0, inf\), got 0.0"),
        (Maxout(pieces=1), r"pieces must be a whole number in \[2, inf\), got 1"),
        (Maxout(pieces=2.0), "pieces must be"),
        (Blend("nonsense"), "Unknown activation 'nonsense'; known names are"),
        (Blend(Maxout()), "activation must act on each column separately"),
        (Blend("maxout"), "activation must act on each column separately"),
        (Blend("blend"), "must not be a blend itself; use e.g. activation='relu'"),
        (Blend(ELU(-1.0)), "alpha must be"),
        (Blend(initial=np.nan), "initial must be"),
    ],
    ids=repr,
)
def test_field_without_sense_is_refused(activation, words):
    """The message names the field, and what it may be."""
    with pytest.raises(ValueError, match=words):
        activation.check()


# ------------------------------------------------------------------- what is special


def test_only_the_logistic_has_a_gain():
    """Glorot's bound, by scikit-learn's convention."""
    gains = {name: cls.gain for name, cls in ACTIVATIONS.items() if cls.gain != 1.0}
    assert gains == {"logistic": 1 / 3}


@pytest.mark.parametrize("pieces", [2, 3, 4, 5])
@both_types
def test_maxout_is_the_largest_of_neighbours(pieces, dtype, rng):
    """The reshaped maximum; the gradient goes to where the reshaped argmax is."""
    z = rng.integers(0, 3, size=(2, 40, 4 * pieces)).astype(dtype)  # with many ties
    groups = z.reshape(2, 40, 4, pieces)
    da = rng.normal(size=(2, 40, 4)).astype(dtype)
    expected = np.zeros_like(groups)
    first = groups.argmax(axis=-1)[..., None]
    np.put_along_axis(expected, first, da[..., None], axis=-1)

    a = forward(Maxout(pieces), z)
    dz = backward(Maxout(pieces), z, a, np.repeat(da, pieces, axis=-1))

    assert_array_equal(a, groups.max(axis=-1))
    assert_array_equal(dz, expected.reshape(z.shape))


@pytest.mark.parametrize(("pieces", "width"), [(2, 7), (3, 10), (4, 2)])
def test_maxout_refuses_a_width_that_it_does_not_divide(pieces, width):
    """The message says which, and how to mend it."""
    words = (
        f"joins pieces={pieces} columns to one, but a layer has {width}: choose widths "
        f"in hidden_layer_sizes that are multiples of {pieces}"
    )
    with pytest.raises(ValueError, match=words):
        Maxout(pieces).n_outputs(width)


def test_hard_threshold_is_off_at_zero_and_learns_near_it():
    """Zero counts as off; the gradient passes from -1 to 1, both included."""
    z = column(-5.0, -1.001, -1.0, -0.0, 0.0, 1e-300, 1.0, 1.001, 5.0)
    assert HardThreshold().surrogate
    assert_array_equal(forward(HardThreshold(), z), column(0, 0, 0, 0, 0, 1, 1, 1, 1))
    assert_array_equal(slope(HardThreshold(), z), column(0, 0, 1, 1, 1, 1, 1, 0, 0))


@pytest.mark.parametrize("activation", [f for f in ELEMENTWISE if f.name != "blend"])
def test_blend_reaches_from_the_identity_to_its_function(activation, rng):
    """A share of 0 is the identity exactly, a share of 1 the function."""
    z = rng.normal(size=(2, 9, 5))
    none, whole = Blend(activation, initial=0.0), Blend(activation)
    assert_array_equal(forward(none, z), z)
    assert_array_equal(slope(none, z), np.ones_like(z))
    assert_allclose(forward(whole, z), forward(activation, z), rtol=0, atol=1e-15)
    assert_array_equal(slope(whole, z), slope(activation, z))


def test_blend_takes_over_what_its_function_says():
    """Kinks and surrogates are those of the function, given by name or instance."""
    assert Blend("selu").function == SELU()
    assert Blend(LeakyReLU(0.2)).function == LeakyReLU(0.2)
    assert Blend("tanh").kinks == ()
    assert Blend("relu").kinks == (0.0,)
    assert Blend("hard_threshold").surrogate
    assert not Blend("relu").surrogate
    assert Blend("relu").needs_input


@pytest.mark.parametrize(
    "name", [name for name in ACTIVATIONS if not ACTIVATIONS[name].forward_scratch]
)
def test_activation_without_forward_scratch_takes_none(name):
    """At prediction there is no scratch memory for it, and it needs none."""
    function = ACTIVATIONS.make(name)
    z = np.linspace(-3.0, 3.0, 12).reshape(1, 3, 4)
    a, expected = np.empty((2, 1, 3, function.n_outputs(4)))
    function.forward(z, a, None)
    function.forward(z, expected, function.scratch(z))
    assert_array_equal(a, expected)
