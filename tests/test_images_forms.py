"""Images as people have them: rows, axes, containers, and types of pixels."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from some_images import CONVOLUTIONS, DIGIT, IMAGES, KINDS, ROWS, SHARES, few, output

from sknet import Conv, SimpleCNNClassifier, SimpleMLPClassifier, SimpleMLPRegressor


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Other forms of the same images of bytes.
FORMS = {
    "rows": lambda folder: ROWS,
    "images": lambda folder: IMAGES,
    "channels": lambda folder: IMAGES[..., None],
    "list of images": lambda folder: list(IMAGES),
    "Fortran order": lambda folder: np.asfortranarray(IMAGES),
    "every second": lambda folder: np.repeat(IMAGES, 2, axis=0)[::2],
    "transposed": lambda folder: np.ascontiguousarray(IMAGES.T).T,
    "memory map": lambda folder: mapped(folder, IMAGES),
    "frame": lambda folder: pd.DataFrame(ROWS),
    "read-only": lambda folder: read_only(IMAGES),
}


def mapped(folder, X):
    """The array in a file."""
    np.save(folder / "X.npy", X)
    return np.load(folder / "X.npy", mmap_mode="r")


def read_only(X):
    """A copy that cannot be written to."""
    X = X.copy()
    X.flags.writeable = False
    return X


@pytest.fixture(scope="module", params=KINDS)
def fitted(request):
    """A network fitted to images of bytes."""
    return few(request.param).fit(IMAGES, DIGIT)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("form", FORMS)
def test_form_of_images_changes_no_bit(form, fitted, tmp_path):
    """Neither of the fit nor of predictions."""
    X = FORMS[form](tmp_path)
    again = few(type(fitted)).fit(X, DIGIT)
    assert_array_equal(again.theta_, fitted.theta_)
    assert_array_equal(output(fitted, X), output(fitted, IMAGES))
    assert_array_equal(output(again, X), output(fitted, IMAGES))


def test_form_of_images_in_three_channels_changes_no_bit():
    X = np.random.default_rng(0).integers(0, 256, (60, 4, 6, 3), dtype=np.uint8)
    y = np.arange(60) % 2
    images = few().fit(X, y)
    rows = few(image_shape=(4, 6, 3)).fit(X.reshape(60, -1), y)
    assert_array_equal(images.theta_, rows.theta_)
    assert images.image_shape_ == rows.image_shape_ == (4, 6, 3)
    turned = few().fit(X.transpose(0, 3, 1, 2).copy().transpose(0, 2, 3, 1), y)
    assert_array_equal(turned.theta_, images.theta_)


@pytest.mark.parametrize("convolutions", CONVOLUTIONS)
def test_bytes_are_scaled_to_shares_of_255(convolutions):
    """To rounding, in the fit and in predictions, whichever type was fitted."""
    layers = CONVOLUTIONS[convolutions]
    of_bytes = few(conv_layers=layers).fit(IMAGES, DIGIT)
    of_shares = few(conv_layers=layers).fit(SHARES, DIGIT)
    assert_allclose(of_bytes.theta_, of_shares.theta_, atol=1e-9)
    for X in (IMAGES, SHARES):
        expected = of_shares.predict_proba(SHARES)
        assert_allclose(of_bytes.predict_proba(X), expected, atol=1e-9)
        assert_allclose(of_shares.predict_proba(X), expected, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.bool_, np.float32])
def test_other_types_of_pixels_are_taken_as_they_are(dtype):
    """Small whole numbers are the same floats; float32 is computed in float32."""
    X = (IMAGES // 64).astype(dtype)
    given = few().fit(X, DIGIT)
    same = few().fit(X.astype(np.float32 if dtype == np.float32 else float), DIGIT)
    assert_array_equal(given.theta_, same.theta_)


def test_predictions_have_the_type_of_floats_and_are_double_for_bytes(fitted):
    for dtype, expected in {"f4": "f4", "f8": "f8", "u1": "f8"}.items():
        assert output(fitted, IMAGES.astype(dtype)).dtype == expected


@pytest.mark.parametrize(
    ("axes", "given", "found"),
    [
        ((64,), None, (8, 8, 1)),
        ((12,), None, (1, 12, 1)),
        ((1,), None, (1, 1, 1)),
        ((12,), (3, 4), (3, 4, 1)),
        ((12,), [2, 2, 3], (2, 2, 3)),
        ((12,), np.array([2, 6]), (2, 6, 1)),
        ((3, 4), None, (3, 4, 1)),
        ((3, 4), (3, 4, 1), (3, 4, 1)),
        ((5, 4, 2), None, (5, 4, 2)),
        ((3, 16, 16), (3, 16, 16), (3, 16, 16)),
        ((1, 9, 1), None, (1, 9, 1)),
    ],
)
def test_shape_of_images_is_given_or_inferred(axes, given, found):
    X = np.random.default_rng(0).random((20, *axes))
    model = few(image_shape=given, conv_layers=(Conv(2),)).fit(X, np.arange(20) % 2)
    assert model.image_shape_ == found
    assert model.n_features_in_ == np.prod(axes)


def test_rows_of_pixels_are_convolved_along_the_row():
    """Windows have one position along the axis of a single one."""
    X = np.random.default_rng(0).random((20, 12))
    y = np.arange(20) % 2
    square = few(conv_layers=(Conv(2, 3, pool=2),)).fit(X, y)
    flat = few(conv_layers=(Conv(2, (1, 3), pool=(1, 2)),)).fit(X, y)
    assert_array_equal(square.theta_, flat.theta_)


@pytest.mark.parametrize("kind", KINDS)
def test_network_without_convolutions_is_the_simple_one(kind):
    """Bit for bit; bytes are scaled first."""
    simple = {SimpleCNNClassifier: SimpleMLPClassifier}.get(kind, SimpleMLPRegressor)
    params = {"hidden_layer_sizes": (8,), "max_iter": 4, "random_state": 0}
    images = kind(**params, conv_layers=()).fit(SHARES.reshape(-1, 8, 8), DIGIT)
    rows = simple(**params).fit(SHARES, DIGIT)
    assert_array_equal(images.theta_, rows.theta_)
    assert_array_equal(output(images, SHARES), output(rows, SHARES))


def test_names_of_columns_are_checked():
    frame = pd.DataFrame(ROWS, columns=[f"pixel {j}" for j in range(64)])
    model = few().fit(frame, DIGIT)
    assert list(model.feature_names_in_) == list(frame.columns)
    with pytest.raises(ValueError, match="in the same order as they were in fit"):
        model.predict(frame[frame.columns[::-1]])


@pytest.mark.parametrize("fit_on", [IMAGES, SHARES], ids=["bytes", "shares"])
@pytest.mark.parametrize("validate_on", [ROWS, SHARES], ids=["bytes", "shares"])
@pytest.mark.parametrize("scoring", [None, "neg_log_loss"])
def test_validation_set_may_have_other_pixels(fit_on, validate_on, scoring):
    params = {"early_stopping": True, "scoring": scoring}
    model = few(**params).fit(fit_on, DIGIT, X_val=validate_on[:50], y_val=DIGIT[:50])
    same = few(**params).fit(fit_on, DIGIT, X_val=fit_on[:50], y_val=DIGIT[:50])
    assert_allclose(model.validation_scores_, same.validation_scores_, rtol=1e-12)
    assert_allclose(model.theta_, same.theta_, rtol=1e-12)


def test_signals_of_two_channels_are_images_of_one_row():
    """They do not look like images with the channels first."""
    signals = np.random.default_rng(0).random((24, 1, 40, 2))
    model = SimpleCNNClassifier(conv_layers=(Conv(2, 5, pool=2),), max_iter=1)
    model.fit(signals, np.arange(24) % 2)
    assert model.image_shape_ == (1, 40, 2)
