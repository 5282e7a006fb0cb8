"""Bad images and bad convolutional layers: what is wrong, its value, and the fix."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.neural_network import MLPClassifier
from some_images import DIGIT, IMAGES, KINDS, ROWS, few

from sknet import AggregatedConv, Conv, ResidualConv, SimpleCNNClassifier


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FIRST = np.zeros((30, 3, 16, 16))  # channels first
HALVES = np.arange(30) % 2
NOT_A_NUMBER = IMAGES.astype(float)
NOT_A_NUMBER[3, 3, 3] = np.nan

# name: (parameters, words of the message, in order)
PARAMETERS = {
    "layers: a name": ({"conv_layers": "conv"}, ["conv_layers", "(Conv(", "'conv'"]),
    "layers: one": (
        {"conv_layers": Conv(3)},
        ["conv_layers", "a tuple of Conv", "(Conv(32, pool=2),)", "Conv(filters=3)"],
    ),
    "layers: None": ({"conv_layers": None}, ["conv_layers", "(Conv(", "None"]),
    "layers: names": (
        {"conv_layers": ["conv"]},
        ["conv_layers[0]", "Conv(32, pool=2)", "'conv'"],
    ),
    "layers: widths": ({"conv_layers": (32,)}, ["conv_layers[0]", "got 32"]),
    "filters": ({"conv_layers": (Conv(0),)}, ["Conv(filters=0)", "[1, inf)", "got 0"]),
    "stride of zero": (
        {"conv_layers": (Conv(3, stride=0),)},
        ["stride must be a whole number in [1, inf)", "got 0"],
    ),
    "stride of the pool": (
        {"conv_layers": (Conv(3, pool=2, pool_stride=0),)},
        ["pool_stride must be", "got 0"],
    ),
    "size as a list": (
        {"conv_layers": (Conv(3, [3, 3]),)},
        ["kernel_size must be", "got [3, 3]"],
    ),
    "padding": (
        {"conv_layers": (Conv(3, padding="half"),)},
        ["padding must be one of 'valid', 'same', 'full'", "got 'half'"],
    ),
    "pool": ({"conv_layers": (Conv(3, pool="all"),)}, ["pool must be", "got 'all'"]),
    "large kernel": (
        {"conv_layers": (Conv(3, 9, padding="valid"),)},
        ["conv_layers[0]=Conv(", "images of 8 x 8", "Use smaller windows"],
    ),
    "large pool": (
        {"conv_layers": (Conv(3, pool=4), Conv(3, pool=3))},
        ["conv_layers[1]=Conv(", "pool=3", "images of 2 x 2", "Use smaller windows"],
    ),
    "dilation": (
        {"conv_layers": (Conv(3, 5, padding="valid", dilation=3),)},
        ["conv_layers[0]", "reaches over 13 of 8 positions", "Use smaller windows"],
    ),
    "groups": (
        {"conv_layers": (Conv(3, groups=2),)},
        ["conv_layers[0]", "1 channels and 3 filters", "groups=2", "Use groups=1"],
    ),
    "identity": (
        {"conv_layers": (ResidualConv(3, shortcut="identity"),)},
        ["conv_layers[0]", "shortcut='identity'", "'projection' or 'zero_pad'"],
    ),
    "identity, strided": (
        {"conv_layers": (AggregatedConv(1, stride=2, shortcut="identity"),)},
        ["conv_layers[0]", "stride=2", "Use shortcut='projection'"],
    ),
    "global, not the last": (
        {"conv_layers": (Conv(3, pool="global"), Conv(3))},
        ["conv_layers[0] has pool='global'", "conv_layers[1]", "only the last layer"],
    ),
    "shape: text": ({"image_shape": "88"}, ["image_shape", "(28, 28)", "'88'"]),
    "shape: number": ({"image_shape": 8}, ["image_shape", "(28, 28)", "Got 8"]),
    "shape: texts": ({"image_shape": (8, "8")}, ["image_shape must be", "(8, '8')"]),
    "shape: zero": ({"image_shape": (0, 64)}, ["image_shape must be", "got (0, 64)"]),
    "shape: four": ({"image_shape": (8, 8, 1, 1)}, ["image_shape", "(8, 8, 1, 1)"]),
    "shape: floats": ({"image_shape": (8.0, 8.0)}, ["whole numbers", "(8.0, 8.0)"]),
    "shape: a flag": ({"image_shape": (True, 64)}, ["whole numbers", "(True, 64)"]),
    "shape: other size": (
        {"image_shape": (8, 9)},
        ["image_shape=(8, 9)", "72 columns", "has 64", "Set image_shape to"],
    ),
}
# name: (images, parameters, words of the message)
DATA = {
    "channels first": (
        FIRST,
        {},
        ["(3, 16, 16)", "channels first", "X.transpose(0, 2, 3, 1)", "image_shape="],
    ),
    "one channel first": (FIRST[:, :1], {}, ["(1, 16, 16)", "transpose(0, 2, 3, 1)"]),
    "channels first, shape given": (
        FIRST,
        {"image_shape": (16, 16, 3)},
        ["(3, 16, 16)", "(16, 16, 3) is expected", "X.transpose(0, 2, 3, 1)"],
    ),
    "five axes": (FIRST[..., None], {}, ["5 axes", "(n_samples, height, width"]),
    "one axis": (FIRST[:, 0, 0, 0], {}, ["Expected 2D array, got 1D array"]),
    "no images": (FIRST[:0, 0], {}, ["0 sample(s)", "minimum of 1 is required"]),
    "no pixels": (FIRST[:, :0], {}, ["0 feature(s)"]),
    "other axes": (FIRST[:, 0], {"image_shape": (8, 32)}, ["(16, 16)", "(8, 32, 1)"]),
    "nothing": (None, {}, ["Expected 2D array"]),
    "text": ([["a", "b"]] * 30, {}, ["could not convert string to float: 'a'"]),
    "masked": (
        np.ma.masked_array(FIRST[:, 0], mask=FIRST[:, 0] > 0),
        {},
        ["X is a masked array"],
    ),
}


def assert_words(message, words):
    """Assert that a message has all words, in this order."""
    position = 0
    for word in words:
        position = message.find(word, position)
        assert position >= 0, (word, message)


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("kind", KINDS)
def test_bad_parameter_of_images_is_refused(kind, name):
    """By ``fit``, in rows and images alike; the estimator stays as it was."""
    params, words = PARAMETERS[name]
    for X in (ROWS, IMAGES):
        model = few(kind, **params)
        before = dict(vars(model))
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            model.fit(X, DIGIT)
        assert vars(model) == before
        if not name.startswith("shape: other") or X is ROWS:
            assert_words(str(caught.value), words)


@pytest.mark.parametrize("name", DATA)
def test_bad_images_are_refused(name):
    X, params, words = DATA[name]
    n_rows = 30 if X is None else len(X)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        few(**params).fit(X, HALVES[:n_rows])
    assert_words(str(caught.value), words)


def test_first_axis_may_be_the_height_if_the_shape_says_so():
    model = few(image_shape=(3, 16, 16)).fit(FIRST, HALVES)
    assert model.image_shape_ == (3, 16, 16)


@pytest.mark.parametrize("form", [lambda X: X, lambda X: X.reshape(200, -1)])
def test_not_a_number_in_images_is_refused(form):
    """In fits and in predictions, as in rows."""
    X = form(NOT_A_NUMBER)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        few().fit(X, DIGIT)
    model = few().fit(IMAGES, DIGIT)
    for predict in (model.predict, model.predictor().predict):
        with pytest.raises(ValueError, match="Input X contains NaN"):
            predict(X)
    with pytest.raises(ValueError, match="Input X contains infinity"):
        model.predict(np.where(np.isnan(X), np.inf, X))


def test_sparse_images_are_refused():
    X = sparse.csr_array(ROWS.astype(float))
    with pytest.raises(TypeError, match=r"dense data is required.*X\.toarray\(\)"):
        few().fit(X, DIGIT)
    model = few().fit(ROWS, DIGIT)
    with pytest.raises(TypeError, match="dense data is required"):
        model.predict(X)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (IMAGES[:, :7], ["(7, 8)", "(8, 8, 1) is expected"]),
        (IMAGES.reshape(-1, 16, 4), ["(16, 4)", "(8, 8, 1) is expected"]),
        (IMAGES[..., None, None], ["5 axes"]),
        (IMAGES[0], ["single image", "X[np.newaxis]"]),
        (ROWS[:, :63], ["X has 63 features", "64 features"]),
        (ROWS[0], ["Expected 2D array"]),
        (IMAGES[:0], ["0 sample(s)"]),
    ],
    ids=["height", "axes", "five axes", "one image", "columns", "one row", "none"],
)
def test_other_images_than_those_of_the_fit_are_refused(X, words):
    """By the estimator, its predictor and resumed training, which go on as before."""
    model = few(warm_start=True).fit(IMAGES, DIGIT)
    before = model.theta_.copy()
    y = DIGIT[: len(X)]
    for predict in (model.predict, model.predictor().predict):
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            predict(X)
        assert_words(str(caught.value), words)
    for fit in (model.partial_fit, model.fit):
        with pytest.raises(ValueError, match=r"X|array|sample"):
            fit(X, y)
    assert_array_equal(model.theta_, before)


def test_channels_first_are_told_from_those_of_the_fit():
    X = np.zeros((30, 16, 16, 3))
    model = few().fit(X, HALVES)
    with pytest.raises(ValueError, match=r"channels first. Use X\.transpose\(0, 2, 3"):
        model.predict(FIRST)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"image_shape": (4, 16)}, r"image_shape is \(4, 16, 1\), but was \(8, 8, 1\)"),
        ({"conv_layers": (Conv(5),)}, "conv_layers is .* but was"),
    ],
)
def test_resumed_training_on_images_of_another_network_is_refused(params, words):
    model = few(warm_start=True).fit(ROWS, DIGIT)
    with pytest.raises(ValueError, match=f"cannot resume.*{words}"):
        model.set_params(**params).fit(ROWS, DIGIT)


def test_bad_validation_images_are_refused_by_their_name():
    other = IMAGES.reshape(-1, 16, 4)
    with pytest.raises(ValueError, match=r"The validation set .*\(16, 4\)"):
        few().fit(IMAGES, DIGIT, X_val=other, y_val=DIGIT)


def test_sklearns_class_has_no_images():
    """The reason, in both directions."""
    model = few().fit(IMAGES, DIGIT)
    with pytest.raises(ValueError, match=r"cannot be converted.* takes images"):
        model.to_sklearn()
    with pytest.raises(AttributeError, match="takes images, for convolutional layers"):
        _ = model.coefs_
    mlp = MLPClassifier((8,), max_iter=2).fit(ROWS, DIGIT)
    with pytest.raises(ValueError, match=r"Use SimpleMLPClassifier\.from_sklearn"):
        SimpleCNNClassifier.from_sklearn(mlp)
