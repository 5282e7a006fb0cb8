"""Augmentation: each change against slices and SciPy, its draws, and whole fits."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage, stats
from sklearn.datasets import load_digits
from window_loops import Placed, images

from sknet import (
    SKOPS_TRUSTED,
    Augment,
    Conv,
    SimpleCNNClassifier,
    SimpleCNNRegressor,
)
from sknet._warping import N_MOVES, warp, warp_gradient
from sknet._windows import Windows
from sknet.engine.machine import machine
from sknet.network.image_layers import ImageLayers
from sknet.network.layers import Training


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ENGINES = ["numpy", *(["compiled"] if machine() else [])]
ALL = Augment(2, flip=True, rotation=20.0, cutout=3)
SHORT = {"hidden_layer_sizes": (9,), "conv_layers": (Conv(4, pool=2),), "max_iter": 4}
SHORT |= {"random_state": 0, "tol": 0.0, "batch_size": 32, "augment": ALL}
DIGITS, LABELS = load_digits(return_X_y=True)
DIGITS = DIGITS.reshape(-1, 8, 8) / 16.0
X, Y = DIGITS[:100], LABELS[:100]
MOVES = ["cosine", "sine", "mirror", "down", "right", "top", "bottom", "left", "end"]
of_each_engine = pytest.mark.parametrize("engine", ENGINES)
of_each_type = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def training(n_members=1, seed=0, **how):
    """What the layer is told in training: a noise stream for each member."""
    streams = [np.random.Generator(np.random.PCG64(seed + k)) for k in range(n_members)]
    return Training(streams, 0.1, **how)


def augmented(layer, x, **how):
    """The output in training, and what was done to each image, by name."""
    case = Placed(layer, x)
    y = case.forward(training(len(x), **how)).copy()
    values = np.moveaxis(case.cache.moves.copy(), -1, 0)
    return y, dict(zip(MOVES, values, strict=True))


def moved(image, down, right):
    """An image that is shifted by whole numbers; zeros come in."""
    (height, width), by = image.shape[:2], max(abs(down), abs(right))
    wide = np.pad(image, ((by, by), (by, by), (0, 0))[: image.ndim])
    top, left = by - down, by - right
    return wide[top : top + height, left : left + width]


def fitted(engine="auto", estimator=SimpleCNNClassifier, **params):
    """A small network after a few epochs."""
    return estimator(engine=engine, **SHORT | params).fit(X, Y)


def same_bits(first, second):
    """Compare parameters and loss curves."""
    assert_array_equal(first.theta_, second.theta_)
    assert first.loss_curve_ == second.loss_curve_


# ---- each change


@of_each_type
@pytest.mark.parametrize("flip", [False, True])
def test_shifts_and_flips_are_slices(flip, dtype):
    x = images(2, 60, 6, 5, 3, dtype=dtype)
    y, done = augmented(Augment(4, flip), x)
    assert y.dtype == dtype
    assert len(np.unique(done["mirror"])) == 1 + flip
    for k, i in np.ndindex(2, 60):
        image = x[k, i][:, ::-1] if done["mirror"][k, i] == -1.0 else x[k, i]
        by = int(done["down"][k, i]), int(done["right"][k, i])
        assert_array_equal(y[k, i], moved(image, *by))


@of_each_type
def test_rotation_is_that_of_scipy(dtype):
    x = images(1, 20, 9, 12, 2, dtype=dtype)
    y, done = augmented(Augment(0, rotation=180.0), x)
    angles = np.degrees(np.arctan2(done["sine"], done["cosine"]))[0]
    assert angles.min() < -90.0
    assert angles.max() > 90.0
    for image, angle, found in zip(x[0], angles, y[0], strict=True):
        how = {"reshape": False, "order": 1, "mode": "grid-constant"}
        expected = ndimage.rotate(image.astype(float), float(angle), **how)
        assert_allclose(found, expected, atol=1e-5 if dtype == np.float32 else 1e-12)


def test_mirror_rotation_and_shift_are_applied_in_this_order():
    x = images(1, 30, 11, 11, 1)
    y, done = augmented(Augment(2, flip=True, rotation=45.0), x)
    angles = np.degrees(np.arctan2(done["sine"], done["cosine"]))[0]
    for i, image in enumerate(x[0]):
        image = image[:, ::-1] if done["mirror"][0, i] == -1.0 else image
        wide = np.pad(image, ((4, 4), (4, 4), (0, 0)))
        how = {"reshape": False, "order": 1, "mode": "grid-constant"}
        wide = ndimage.rotate(wide, float(angles[i]), **how)
        by = int(done["down"][0, i]), int(done["right"][0, i])
        assert_allclose(y[0, i], moved(wide, *by)[4:-4, 4:-4], atol=1e-12)


@of_each_type
@pytest.mark.parametrize("n", [4, 5])
@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_quarters_of_a_turn_are_exact(quarters, n, dtype):
    x = images(1, 3, n, n, 2, dtype=dtype)
    moves, y = np.zeros((1, 3, N_MOVES), dtype), np.empty_like(x)
    cosine, sine = [(1, 0), (0, 1), (-1, 0), (0, -1)][quarters]
    moves[..., :3] = cosine, sine, 1.0
    warp(x, moves, Windows((2, 2)), out=y)
    assert_array_equal(y, np.rot90(x, quarters, axes=(2, 3)))


def test_images_that_were_turned_by_nothing_are_the_same():
    x = images(1, 5, 4, 7, 2)
    moves, y = np.zeros((1, 5, N_MOVES)), np.empty_like(x)
    moves[..., 0] = moves[..., 2] = 1.0
    for size in (1, 2):
        warp(x, moves, Windows((size, size)), out=y)
        assert_array_equal(y, x)


@pytest.mark.parametrize("side", [1, 2, 3, 4])
def test_cutout_is_a_square_whose_centre_is_in_the_image(side):
    x = np.ones((1, 300, 7, 6, 2))
    y, done = augmented(Augment(0, cutout=side), x)
    for i, image in enumerate(y[0]):
        top, bottom, left, end = (
            int(done[name][0, i]) for name in ("top", "bottom", "left", "end")
        )
        assert (bottom - top, end - left) == (side, side)
        assert 0 <= top + side // 2 < 7
        assert 0 <= left + side // 2 < 6
        expected = np.ones((7, 6, 2))
        expected[max(top, 0) : bottom, max(left, 0) : end] = 0.0
        assert_array_equal(image, expected)
    n_zeros = (y[0, ..., 0] == 0.0).sum(axis=(1, 2))
    assert n_zeros.max() == side * side
    assert n_zeros.min() >= (side + 1) // 2 * ((side + 1) // 2) - (side % 2 == 0)


def test_one_row_of_pixels_moves_along_it():
    x = images(1, 50, 1, 9, 1)
    y, done = augmented(Augment(3, flip=True, cutout=2), x)
    assert not done["down"].any()
    assert done["right"].min() == -3.0
    assert ((y == 0.0).sum(axis=(2, 3, 4)) >= 1).all()


def test_pullback_is_the_transpose():
    layer, x = Augment(2, True, 40.0, 2), images(2, 7, 6, 5, 3)
    case = Placed(layer, x)
    y, g = case.forward(training(2)).copy(), case.dy.copy()
    dx = case.backward()
    assert_allclose((y * g).sum(), (x * dx).sum(), rtol=1e-12)
    out = np.empty_like(g)
    warp_gradient(g, case.cache.moves, Windows((2, 2)), out=out)
    assert_array_equal(out, dx)


# ---- draws


def draws(layer, shape=(8, 9, 1), n=20_000):
    """What was done to many images."""
    return augmented(layer, np.zeros((1, n, *shape), np.float32), seed=3)[1]


def is_uniform(values, expected):
    """Whether all of the expected values come, equally often by a chi-square test."""
    found, counts = np.unique(values, return_counts=True)
    assert_array_equal(found, expected)
    return stats.chisquare(counts).pvalue > 1e-3


def test_draws_are_uniform():
    done = draws(Augment(2, flip=True, cutout=3))
    pairs = 5 * done["down"] + done["right"]
    assert is_uniform(pairs, np.arange(-12, 13))
    assert is_uniform(done["mirror"], [-1.0, 1.0])
    places = 9 * (done["top"] + 1) + done["left"] + 1
    assert is_uniform(places, np.arange(72))
    assert is_uniform(25 * (done["mirror"] > 0) + pairs, np.arange(-12, 38))


def test_angles_are_uniform():
    done = draws(Augment(0, rotation=30.0))
    angles = np.degrees(np.arctan2(done["sine"], done["cosine"])).ravel()
    assert stats.kstest(angles, stats.uniform(-30.0, 60.0).cdf).pvalue > 1e-3


def test_a_change_has_the_same_draws_with_and_without_others():
    only, together = draws(Augment(2), n=50), draws(ALL, n=50)
    for name in ("down", "right"):
        assert_array_equal(only[name], together[name])


@of_each_type
def test_the_largest_number_of_a_generator_moves_by_no_more_than_shift(dtype):
    largest = np.nextafter(dtype(1), dtype(0))
    for shift in range(1, 200):
        n = dtype(2 * shift + 1)
        assert np.floor(largest * n) == n - 1


@of_each_type
@pytest.mark.parametrize("n", [1, 10])
def test_members_draw_on_their_own(n, dtype):
    x = np.repeat(images(1, n, 8, 8, 2, dtype=dtype), 3, axis=0)
    together, _ = augmented(ALL, x)
    for k in range(3):
        alone, _ = augmented(ALL, x[k : k + 1], seed=k)
        assert_array_equal(alone[0], together[k])
    assert not np.array_equal(together[0], together[1])


def test_shared_noise_changes_all_images_in_the_same_way():
    done = augmented(ALL, images(2, 10, 8, 8, 2), shares_noise=True)[1]
    for values in done.values():
        assert (values == values[:, :1]).all()
        assert len(values) == 2


def test_prediction_changes_nothing():
    case = Placed(ALL, images(1, 10, 8, 8, 2))
    assert case.forward() is case.x
    assert case.backward(case.dy) is case.dy


# ---- fits


@pytest.mark.parametrize("augment", [Augment(1), ALL, Augment(0, True)], ids=repr)
@pytest.mark.parametrize("estimator", [SimpleCNNClassifier, SimpleCNNRegressor])
def test_engines_agree(estimator, augment):
    first, *others = (fitted(engine, estimator, augment=augment) for engine in ENGINES)
    assert not np.array_equal(first.theta_, fitted("numpy", augment=None).theta_)
    for other in others:
        assert_allclose(other.theta_, first.theta_, rtol=0, atol=1e-9)
        assert_allclose(other.loss_curve_, first.loss_curve_, rtol=1e-9)


@of_each_engine
def test_augment_without_effect_is_none(engine):
    same_bits(fitted(engine, augment=Augment(0)), fitted(engine, augment=None))


@of_each_engine
@pytest.mark.parametrize("shared_backbone", [False, True])
def test_threads_and_jobs_change_no_bit(shared_backbone, engine):
    how = {"n_estimators": 3, "shared_backbone": shared_backbone}
    expected = fitted(engine, **how)
    for n_jobs, n_threads in [(2, 1), (1, 2), (3, 3)]:
        same_bits(fitted(engine, **how, n_jobs=n_jobs, n_threads=n_threads), expected)


@of_each_engine
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_members_are_the_same_alone(dtype, engine):
    together = fitted(engine, n_estimators=3, dtype=dtype)
    for k, seed in enumerate(together.member_seeds_):
        alone = fitted(engine, random_state=seed, dtype=dtype)
        assert_array_equal(alone.theta_[0], together.theta_[k])
        assert alone.loss_curve_ == together.member_loss_curves_[k]


@of_each_engine
def test_training_in_two_parts_is_the_same(engine):
    whole = fitted(engine, max_iter=5)
    parts = pickle.loads(pickle.dumps(fitted(engine, max_iter=2, warm_start=True)))
    same_bits(parts.set_params(max_iter=3).fit(X, Y), whole)


def test_partial_fit():
    found = []
    for engine in ENGINES:
        network = SimpleCNNClassifier(engine=engine, **SHORT | {"batch_size": 20})
        for start in range(0, 100, 20):
            rows = slice(start, start + 20)
            network.partial_fit(X[rows], Y[rows], classes=range(10))
        found.append(network.theta_)
    for theta in found:
        assert_allclose(theta, found[0], rtol=0, atol=1e-9)


@of_each_engine
def test_prediction_and_validation_see_the_images_themselves(engine):
    new = DIGITS[100:200], LABELS[100:200]
    network = SimpleCNNClassifier(engine=engine, early_stopping=True, **SHORT)
    network.fit(X, Y, X_val=new[0], y_val=new[1])
    assert network.best_validation_score_ == network.score(*new)
    p = network.predict_proba(new[0])
    assert_array_equal(network.predict_proba(new[0]), p)
    assert_allclose(network.predict_proba(new[0][:5]), p[:5], rtol=1e-12)


def test_saving():
    network = fitted()
    again = pickle.loads(pickle.dumps(network))
    assert again.get_params()["augment__rotation"] == 20.0
    assert_array_equal(again.predict_proba(X), network.predict_proba(X))
    assert f"{Augment.__module__}.Augment" in SKOPS_TRUSTED
    layers = ImageLayers((8, 8, 1), (Conv(4),), False, ALL)
    assert ImageLayers.from_config(layers.to_config()) == layers


@of_each_engine
def test_bytes_are_scaled_before(engine):
    as_bytes = (X * 255.0).astype(np.uint8)
    network = SimpleCNNClassifier(engine=engine, dtype="float64", **SHORT)
    theta = network.fit(as_bytes, Y).theta_
    assert_allclose(network.fit(as_bytes / 255.0, Y).theta_, theta, atol=1e-9)


@of_each_engine
def test_a_row_of_weight_two_is_two_rows(engine):
    """Where all rows are one small batch, as they share the changes of a step."""
    network = SimpleCNNClassifier(engine=engine, **SHORT | {"batch_size": "auto"})
    weight = np.arange(12) % 3 + 1
    theta = network.fit(X[:12], Y[:12], sample_weight=weight).theta_
    repeated = np.repeat(np.arange(12), weight)
    network.fit(X[repeated], Y[repeated])
    assert_allclose(network.theta_, theta, rtol=0, atol=1e-9)


def test_shifts_help_with_shifted_digits():
    rng = np.random.default_rng(0)
    by = rng.integers(-1, 2, size=(len(DIGITS), 2))
    test = np.array([moved(x, *d) for x, d in zip(DIGITS, by, strict=True)])[1::2]
    scores = []
    for augment in (None, Augment(1)):
        how = SHORT | {"max_iter": 30, "augment": augment, "conv_layers": (Conv(16),)}
        network = SimpleCNNClassifier(**how).fit(DIGITS[::2], LABELS[::2])
        scores.append(network.score(test, LABELS[1::2]))
    assert scores[1] > scores[0] + 0.1


# ---- what is refused


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        (Augment(-1), r"shift must be a whole number in \[0, inf\), got -1"),
        (Augment(1.5), r"shift must be a whole number in \[0, inf\), got 1.5"),
        (Augment(flip=1), "flip must be True or False, got 1"),
        (Augment(rotation=200), r"rotation must be a number in \[0, 180\], got 200"),
        (Augment(rotation=np.nan), r"rotation must be a number in \[0, 180\], got nan"),
        (Augment(cutout=-2), r"cutout must be a whole number in \[0, inf\), got -2"),
    ],
)
def test_values_outside_of_their_domain_are_refused(augment, message):
    with pytest.raises(ValueError, match=message):
        augment.check()
    with pytest.raises(ValueError, match=message):
        SimpleCNNClassifier(augment=augment).fit(X, Y)


@pytest.mark.parametrize("estimator", [SimpleCNNClassifier, SimpleCNNRegressor])
@pytest.mark.parametrize(
    ("augment", "shape", "message"),
    [
        (Augment(8), (8, 8), r"augment=Augment\(shift=8\): shift=8 .* Use shift=7 or"),
        (Augment(4), (16, 4), "shift=4 must be smaller than .* 16 x 4 pixels"),
        (Augment(0, cutout=9), (8, 8), "cutout=9 must be smaller .* Use cutout=7 or"),
        (Augment(1, rotation=5.0), (1, 64), "rotation=5.0 needs .* 1 x 64. Use"),
    ],
)
def test_what_leaves_nothing_of_images_is_refused(augment, shape, message, estimator):
    network = estimator(**SHORT | {"augment": augment}, image_shape=shape)
    with pytest.raises(ValueError, match=message):
        network.fit(X.reshape(100, 64), Y)


def test_other_values_and_solvers_are_refused():
    with pytest.raises(ValueError, match=r"'augment' parameter .* instance of 'sknet"):
        SimpleCNNClassifier(augment="shift").fit(X, Y)
    with pytest.raises(ValueError, match=r"augment=Augment\(\) is not supported .*lbf"):
        SimpleCNNClassifier(augment=Augment(), solver="lbfgs").fit(X, Y)
    with pytest.raises(ValueError, match="augment=None has no parameters to set"):
        SimpleCNNClassifier().set_params(augment__shift=1)
    network = SimpleCNNClassifier(augment=Augment()).set_params(augment__shift=1)
    assert network.augment == Augment(1)
