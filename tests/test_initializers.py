"""Initializers: variances, orthogonality, scikit-learn's numbers, groups, biases."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from sknet.initializers import (
    INITIALIZERS,
    NTK,
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LeCunNormal,
    Normal,
    Orthogonal,
    RandomSigns,
)


NAMES = list(INITIALIZERS)
# (initializer, gain, variance) for a layer of 50 inputs and 30 outputs
VARIANCES = [
    (GlorotUniform(), 1.0, 2 / 80),
    (GlorotUniform(), 1 / 3, 2 / 240),
    (GlorotNormal(), 1.0, 2 / 80),
    (GlorotNormal(), 1 / 3, 2 / 240),
    (HeNormal(), 1 / 3, 2 / 50),
    (HeUniform(), 1 / 3, 2 / 50),
    (LeCunNormal(), 1 / 3, 1 / 50),
    (NTK(), 1 / 3, 1.0),
    (Normal(), 1 / 3, 1 / 50),
    (Normal(exponent=-1.0), 1.0, 1 / 2500),
    (Normal(exponent=-1.0, fan="out"), 1.0, 1 / 900),
    (Normal(exponent=0.0), 1.0, 1.0),
    (Orthogonal(), 1 / 3, 1 / 50),
    (Orthogonal(gain=2.0), 1.0, 4 / 50),
    (RandomSigns(), 1 / 3, 1.0),
    (RandomSigns(size=0.5), 1.0, 0.25),
]


def draw(initializer, shape, seed=0, gain=1.0, fan=None):
    """Weights of a layer whose fans are the last two axes."""
    stream = np.random.RandomState(seed)
    return initializer.draw(stream, shape, fan or shape[-2:], gain)


# ----------------------------------------------------------------------- distributions


@pytest.mark.parametrize(("initializer", "gain", "variance"), VARIANCES, ids=str)
def test_mean_and_variance_are_the_stated_ones(
    initializer, gain, variance, global_random_seed
):
    """30000 weights: five standard errors of both, for the normal distribution."""
    w = draw(initializer, (20, 50, 30), global_random_seed, gain)
    assert abs(w.mean()) < 5 * np.sqrt(variance / w.size)
    assert_allclose(w.var(), variance, rtol=5 * np.sqrt(2 / w.size))


@pytest.mark.parametrize(
    "initializer",
    [
        HeNormal(),
        HeUniform(),
        LeCunNormal(),
        NTK(),
        Normal(),
        Orthogonal(),
        RandomSigns(),
    ],
    ids=str,
)
def test_gain_of_the_activation_is_ignored(initializer):
    """What the variance must make up for is part of the initializer."""
    assert_array_equal(
        draw(initializer, (5, 3), gain=1.0), draw(initializer, (5, 3), gain=9.0)
    )


@pytest.mark.parametrize(
    ("initializer", "bound"),
    [(GlorotUniform(), np.sqrt(6 / 80)), (HeUniform(), np.sqrt(6 / 50))],
    ids=str,
)
def test_uniform_weights_fill_their_interval(initializer, bound):
    """Within it, and close to both of its ends."""
    w = draw(initializer, (20, 50, 30))
    assert abs(w).max() <= bound
    assert w.max() > 0.999 * bound
    assert w.min() < -0.999 * bound


@pytest.mark.parametrize("initializer", [HeNormal(), GlorotNormal()], ids=str)
def test_normal_weights_are_those_of_the_stream(initializer):
    """A factor on the stream's standard normal numbers, in their order."""
    expected = np.random.RandomState(3).standard_normal((6, 2)) * 0.5
    fan = (8, 2) if initializer == HeNormal() else (3, 5)
    w = initializer.draw(np.random.RandomState(3), (6, 2), fan, 1.0)
    assert_allclose(w, expected, rtol=1e-15)


@pytest.mark.parametrize("width", [10, 1000])
def test_signal_keeps_its_size_through_rectifiers_of_he(width, global_random_seed):
    """The mean square behind two layers, over many draws of the weights."""
    ratios = []
    stream = np.random.RandomState(global_random_seed)
    for _ in range(10_000 // width):
        a = x = stream.standard_normal((20, width))
        for _ in range(2):
            z = a @ HeNormal().draw(stream, (width, width), (width, width), 1.0)
            a = np.maximum(z, 0.0)
        ratios.append((z**2).mean() / (x**2).mean())
    assert_allclose(np.mean(ratios), 2.0, rtol=0.15)


@pytest.mark.parametrize("activation", ["relu", "logistic"])
def test_glorot_uniform_draws_scikit_learns_numbers(activation):
    """All layers and biases in its order; a rate of 1e-300 leaves them in place."""
    theirs = MLPRegressor(hidden_layer_sizes=(4, 2), activation=activation)
    theirs.set_params(solver="sgd", learning_rate_init=1e-300)
    theirs.set_params(max_iter=1, random_state=7)
    with pytest.warns(ConvergenceWarning):
        theirs.fit(np.ones((5, 3)), np.arange(5.0))
    stream, gain = np.random.RandomState(7), 1 / 3 if activation == "logistic" else 1.0
    for coef, intercept in zip(theirs.coefs_, theirs.intercepts_, strict=True):
        ours = GlorotUniform()
        w = ours.draw(stream, coef.shape, coef.shape, gain)
        b = ours.for_bias().draw(stream, (1, coef.shape[1]), coef.shape, gain)
        assert_array_equal(w, coef)
        assert_array_equal(b[0], intercept)


# ------------------------------------------------------------------------- orthogonal


@pytest.mark.parametrize("gain", [1.0, 1.5])
@pytest.mark.parametrize("shape", [(7, 7), (9, 4), (4, 9), (1, 5), (5, 1), (3, 6, 2)])
def test_orthogonal_matrices_are_orthogonal(shape, gain):
    """On their shorter side; each group on its own."""
    w = draw(Orthogonal(gain), shape)
    assert w.shape == shape
    turned = w.swapaxes(-1, -2)
    product = turned @ w if shape[-2] >= shape[-1] else w @ turned
    identity = np.broadcast_to(np.eye(min(shape[-2:])), product.shape)
    assert_allclose(product, gain**2 * identity, atol=1e-12)


def test_orthogonal_groups_are_single_draws():
    """Groups one after the other are matrices one after the other."""
    stream = np.random.RandomState(0)
    single = [Orthogonal().draw(stream, (6, 2), (6, 2), 1.0) for _ in range(3)]
    assert_allclose(draw(Orthogonal(), (3, 6, 2)), single, rtol=1e-14)


def test_orthogonal_is_uniform_over_the_rotations(global_random_seed):
    """As likely as its product with a fixed rotation; LAPACK's own signs are not.

    Of a uniform 2 x 2 matrix, the angle of the first column is uniform and the
    determinant is 1 or -1 with equal chances.
    """
    w = draw(Orthogonal(), (8000, 2, 2), global_random_seed)
    angles = np.arctan2(w[:, 1, 0], w[:, 0, 0])
    counts, _ = np.histogram(angles, bins=8, range=(-np.pi, np.pi))
    assert_allclose(counts, 1000, atol=5 * np.sqrt(1000))
    assert abs(np.linalg.det(w).mean()) < 5 / np.sqrt(8000)


# ----------------------------------------------------------------------- random signs


def test_random_signs_have_one_size():
    """Both signs of it, and nothing else."""
    w = draw(RandomSigns(size=0.3), (20, 5))
    assert_array_equal(np.unique(w), [-0.3, 0.3])


# ------------------------------------------------------------------ biases and scales


@pytest.mark.parametrize(
    ("initializer", "bias"),
    [
        (GlorotUniform(), GlorotUniform()),
        (NTK(), NTK()),
        (Normal(biases="normal"), Normal(biases="normal")),
        *((i, Constant(0.0)) for i in (GlorotNormal(), HeNormal(), HeUniform())),
        *((i, Constant(0.0)) for i in (LeCunNormal(), Normal(), Orthogonal())),
        (RandomSigns(), Constant(0.0)),
    ],
    ids=str,
)
def test_biases_come_from_the_stated_initializer(initializer, bias):
    """Zeros, unless biases are drawn like the weights."""
    assert initializer.for_bias() == bias


def test_normal_biases_have_the_deviation_of_the_weights():
    """That of the layer's fan, not of the bias's own shape."""
    normal = Normal(exponent=-1.0, biases="normal")
    b = draw(normal.for_bias(), (1, 20_000), fan=(50, 20_000))
    assert_allclose(b.std(), 1 / 50, rtol=0.03)


@pytest.mark.parametrize("name", NAMES)
def test_only_ntk_scales_the_layer(name):
    """By one over the root of its inputs; others put the scale into the weights."""
    initializer = INITIALIZERS.make(name)
    scale = initializer.scale((16, 3))
    assert type(scale) is float
    in_its_form = name in ("ntk", "data_driven")
    assert initializer.rescales == in_its_form
    assert scale == (0.25 if in_its_form else 1.0)


def test_ntk_starts_as_lecun():
    """The scaled weights are its weights, for the same stream."""
    scaled = NTK().scale((16, 3)) * draw(NTK(), (16, 3))
    assert_allclose(scaled, draw(LeCunNormal(), (16, 3)), rtol=1e-15)


# ----------------------------------------------------------------- what all have alike


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (1, 1), (4, 5, 3), (1, 7)])
@pytest.mark.parametrize("name", NAMES)
def test_draw_has_the_shape_and_float64(name, shape):
    """Rounding to the parameters' type is the network's work."""
    w = draw(INITIALIZERS.make(name), shape)
    assert w.shape == shape
    assert w.dtype == np.float64
    assert np.isfinite(w).all()


@pytest.mark.parametrize("name", NAMES)
def test_draw_follows_from_the_stream(name):
    """Same seed, same bits; a stream that has moved on gives others."""
    initializer = INITIALIZERS.make(name)
    assert_array_equal(draw(initializer, (5, 3)), draw(initializer, (5, 3)))
    if name != "constant":
        stream = np.random.RandomState(0)
        first, second = (initializer.draw(stream, (5, 3), (5, 3), 1.0) for _ in "ab")
        differ = first != second
        assert differ.any() if name == "random_signs" else differ.all()


@pytest.mark.parametrize("name", [n for n in NAMES if n not in {"constant", "ntk"}])
def test_groups_have_the_variance_of_one_group(name):
    """The fan handed in counts, not the number of groups."""
    w = draw(INITIALIZERS.make(name), (300, 20, 10))
    one_by_one = [draw(INITIALIZERS.make(name), (20, 10), seed) for seed in range(300)]
    assert_allclose(w.var(), np.var(one_by_one), rtol=0.05)


@pytest.mark.parametrize(
    ("initializer", "field"),
    [
        (Orthogonal(gain=0.0), "gain"),
        (RandomSigns(size=0.0), "size"),
        (Normal(exponent=np.nan), "exponent"),
        (Normal(exponent=400.0), "exponent"),
        (Normal(fan="both"), "fan"),
        (Normal(biases="ones"), "biases"),
    ],
    ids=str,
)
def test_field_outside_of_its_domain_is_refused(initializer, field):
    """By a message that names it."""
    with pytest.raises(ValueError, match=f"{field} must be"):
        INITIALIZERS.make(initializer)
