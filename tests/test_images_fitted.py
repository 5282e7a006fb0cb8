"""Fitted networks for images: served, saved, exported, inspected, searched."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from searches import assert_same_table
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from some_images import CONVOLUTIONS, DIGIT, IMAGES, KINDS, ROWS, SHARES, few, output
from stored import through

from sknet import Conv, LockstepGridSearchCV, ResidualConv, SimpleMLPClassifier
from sknet.inspection import (
    input_gradients,
    integrated_gradients,
    named_parameters,
)


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TYPES = {
    "bytes": IMAGES,
    "rows of bytes": ROWS,
    "shares": SHARES,
    "float32": SHARES.astype(np.float32).reshape(-1, 8, 8),
    "whole numbers": IMAGES.astype(np.int16) // 64,
}
SINGLE_AND_TRIO = {
    "compiled": {},
    "NumPy": {"engine": "numpy"},
    "trio": {"n_estimators": 3},
    "trio, NumPy": {"n_estimators": 3, "engine": "numpy"},
    "backbone": {"n_estimators": 3, "shared_backbone": True},
}
each_kind = pytest.mark.parametrize("kind", KINDS)
each_network = pytest.mark.parametrize("convolutions", CONVOLUTIONS)
each_type = pytest.mark.parametrize("X", [IMAGES, SHARES], ids=["bytes", "shares"])


# --------------------------------------------------------------------------- serving


@each_kind
@each_type
@pytest.mark.parametrize("params", SINGLE_AND_TRIO.values(), ids=SINGLE_AND_TRIO)
def test_predictor_for_images_takes_types_in_turn(kind, X, params):
    """Bit for bit as the estimator, whichever type came before."""
    model = few(kind, **params).fit(X, DIGIT)
    predictor = model.predictor()
    for _ in range(2):
        for given in TYPES.values():
            for rows in (given, given[:1], given[:3]):
                assert_array_equal(output(predictor, rows), output(model, rows))


@each_network
def test_predictor_is_the_network(convolutions):
    model = few(conv_layers=CONVOLUTIONS[convolutions]).fit(IMAGES, DIGIT)
    again = through(model.predictor(), "pickle")
    for X in TYPES.values():
        assert_array_equal(again.predict_proba(X), model.predict_proba(X))


@each_type
@pytest.mark.parametrize("params", SINGLE_AND_TRIO.values(), ids=SINGLE_AND_TRIO)
def test_rows_of_images_are_predicted_one_by_one(X, params):
    """As all together, to rounding; members are those of the ensemble."""
    model = few(**params).fit(X, DIGIT)
    together = model.predict_proba(X)
    alone = np.concatenate([model.predict_proba(X[i : i + 1]) for i in range(20)])
    assert_allclose(alone, together[:20], rtol=1e-12)
    if "n_estimators" in params:
        members = [member.predict_proba(X) for member in model.estimators_]
        assert_array_equal(model.predict_proba_members(X), members)


# ---------------------------------------------------------------------------- saving


@each_network
@pytest.mark.parametrize("form", ["pickle", "joblib", "skops", "copy"])
def test_saved_network_for_images_is_the_same(form, convolutions):
    """It predicts for each type, and its training goes on, bit for bit."""
    layers = CONVOLUTIONS[convolutions]
    model = few(conv_layers=layers, warm_start=True).fit(IMAGES, DIGIT)
    again = through(model, form)
    for X in TYPES.values():
        assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert again.conv_layers == layers
    assert again.image_shape_ == (8, 8, 1)
    assert_array_equal(again.fit(IMAGES, DIGIT).theta_, model.fit(IMAGES, DIGIT).theta_)


@each_kind
def test_compact_network_for_images_only_predicts(kind):
    model = few(kind).fit(IMAGES, DIGIT)
    small = through(model, "copy").compact()
    assert_array_equal(output(small, IMAGES), output(model, IMAGES))
    assert_array_equal(output(small, SHARES), output(model, SHARES))
    with pytest.raises(ValueError, match="cannot be resumed"):
        small.partial_fit(IMAGES, DIGIT)


# ------------------------------------------------------------------------ inspection


@each_network
@pytest.mark.parametrize("params", SINGLE_AND_TRIO.values(), ids=SINGLE_AND_TRIO)
def test_gradients_have_the_shape_of_the_images(params, convolutions):
    """And are those of the rows; those of bytes are 255 times smaller."""
    params = params | {"conv_layers": CONVOLUTIONS[convolutions], "max_iter": 1}
    model = few(**params).fit(IMAGES, DIGIT)
    rows = input_gradients(model, ROWS[:5], output=3)
    shares = input_gradients(model, SHARES[:5], output=3)
    assert rows.shape == (5, 64)
    assert_allclose(shares, rows * 255.0, rtol=1e-9, atol=1e-12)
    for X, shape in ((IMAGES, (5, 8, 8)), (IMAGES[..., None], (5, 8, 8, 1))):
        found = input_gradients(model, X[:5], output=3)
        assert found.shape == shape
        assert_array_equal(found.reshape(5, 64), rows)


def test_gradients_of_images_are_differences():
    model = few(activation="tanh").fit(IMAGES, DIGIT)
    # Of noise: in black areas, all positions of a pool's window are the largest.
    X, step = np.random.default_rng(0).random((3, 8, 8)), 1e-6
    found = input_gradients(model, X, output=2)
    for i, j in ((0, 0), (2, 3), (7, 7)):
        moved = X.copy(), X.copy()
        moved[0][:, i, j] += step
        moved[1][:, i, j] -= step
        high, low = (np.log(model.predict_proba(x)) for x in moved)
        others = [input_gradients(model, X, output=k)[:, i, j] for k in range(10)]
        proba = model.predict_proba(X)
        expected = found[:, i, j] - (proba * np.transpose(others)).sum(axis=1)
        slope = (high - low)[:, 2] / (2 * step)
        assert_allclose(slope, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("baseline", [None, "black"])
def test_integrated_gradients_sum_to_the_difference(baseline):
    """In the shape of the images; the unit of the pixels does not matter."""
    model = few(activation="tanh").fit(IMAGES, DIGIT)
    X = IMAGES[:5]
    start = None if baseline is None else np.zeros((8, 8))
    shares = integrated_gradients(model, X, baseline=start, output=1, n_steps=512)
    assert shares.shape == X.shape
    floats = integrated_gradients(model, X / 255.0, baseline=start, output=1, n_steps=9)
    same = integrated_gradients(model, X, baseline=start, output=1, n_steps=9)
    assert_allclose(floats, same, rtol=1e-9, atol=1e-12)
    reference = X.mean(axis=0) / 255.0 if start is None else start
    pair = input_raw(model, X / 255.0), input_raw(model, reference[None])
    assert_allclose(shares.sum(axis=(1, 2)), (pair[0] - pair[1])[:, 1], atol=1e-4)
    with pytest.raises(ValueError, match=r"baseline must have shape \(8, 8\), got"):
        integrated_gradients(model, X, baseline=np.zeros(64))


def input_raw(model, X):
    """Raw outputs, which the log of probabilities has up to a constant."""
    return model._raw(*model._inputs(X))[0]


def test_parameters_of_convolutions_have_names():
    """Views: what is written into them is predicted with."""
    layers = (Conv(4, pool=2), ResidualConv(4))
    model = few(conv_layers=layers).fit(IMAGES, DIGIT)
    named = named_parameters(model)
    shapes = [a.shape for name, a in named.items() if name.endswith("weight")]
    assert shapes == [(9, 4), (36, 4), (36, 4), (64, 8), (8, 10)]
    assert sum(array.size for array in named.values()) == model.theta_.size
    for name, array in named.items():
        if name.endswith(("weight", "bias")):
            array[...] = 0.0
    assert_allclose(model.predict_proba(IMAGES), 0.1)


@each_kind
def test_program_for_images_is_explained(kind):
    """With the convolution and the pool by their names."""
    text = few(kind).fit(IMAGES, DIGIT).program(IMAGES).explain()
    assert "convolve" in text
    assert "max_pool" in text


# -------------------------------------------------------------------------- searches


@each_type
def test_lockstep_search_on_images_is_the_search_of_sklearn(X):
    """Whole layers, nested names, and parameters of the network."""
    grid = [
        {"conv_layers": [(), (Conv(3),), (Conv(2, pool=2), ResidualConv(2))]},
        {"conv_layers__0__filters": [2, 5], "alpha": [1e-4, 1.0]},
        {"conv_layers__0": [Conv(3, 5)], "image_shape": [(8, 8), (8, 8, 1), None]},
    ]
    ours = LockstepGridSearchCV(few(), grid, cv=3, error_score="raise").fit(X, DIGIT)
    theirs = GridSearchCV(few(), grid, cv=3, error_score="raise").fit(X, DIGIT)
    assert_same_table(ours.cv_results_, theirs.cv_results_)
    assert_array_equal(ours.best_estimator_.theta_, theirs.best_estimator_.theta_)
    assert ours.best_params_ == theirs.best_params_


def test_nested_names_change_one_layer():
    """The estimator gets another tuple; the layers, which are frozen, stay."""
    layers = (Conv(4), Conv(8, pool=2))
    model = few(conv_layers=layers)
    model.set_params(conv_layers__1__filters=5, conv_layers__0=Conv(3, 5))
    assert model.conv_layers == (Conv(3, 5), Conv(5, pool=2))
    assert layers == (Conv(4), Conv(8, pool=2))
    model.set_params(conv_layers__0__filters=9, conv_layers=layers)
    assert model.conv_layers == (Conv(9), Conv(8, pool=2))
    model.set_params(conv_layers__0__activation="elu")
    model.set_params(conv_layers__0__activation__alpha=0.5)
    assert model.conv_layers[0].activation.alpha == 0.5


def test_nested_names_are_among_the_parameters():
    """As those of other components; they give back what they were."""
    model = few(conv_layers=[Conv(4), ResidualConv(8)])
    params = model.get_params()
    assert params["conv_layers__0"] == Conv(4)
    assert params["conv_layers__1__shortcut"] == "projection"
    assert "conv_layers__2" not in params
    assert clone(model).set_params(**params).get_params() == params | {
        "conv_layers": (Conv(4), ResidualConv(8))
    }
    assert "conv_layers__0" not in model.get_params(deep=False)
    assert "conv_layers" not in SimpleMLPClassifier().get_params()
    inner = make_pipeline(model).get_params()
    assert inner["simplecnnclassifier__conv_layers__0__filters"] == 4
    assert "Conv" in model._repr_html_()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("conv_layers__2__filters", "no parameter conv_layers__2__filters.*__0, .*__1"),
        ("conv_layers__x", "no parameter conv_layers__x"),
        ("conv_layers__0__width", "Conv has no parameter 'width'; it has 'filters'"),
        ("conv_layers__-1__filters", "no parameter conv_layers__-1__filters"),
    ],
)
def test_nested_name_that_is_none_is_refused(name, words):
    with pytest.raises(ValueError, match=words):
        few(conv_layers=(Conv(4), Conv(4))).set_params(**{name: 3})
    with pytest.raises(ValueError, match="Invalid parameter 'conv_layers'"):
        SimpleMLPClassifier().set_params(**{name: 3})
