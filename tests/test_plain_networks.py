"""What describes a plain network is there for plain networks alone."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier
from sklearn.utils.validation import check_is_fitted

from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.activations import ACTIVATIONS
from sknet.inspection import named_parameters
from sknet.network.blocks import BLOCKS, Highway, Plain


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = np.arange(60) % 3
SIMPLE = [SimpleMLPClassifier, SimpleMLPRegressor]
TABULAR = [TabularMLPClassifier, TabularMLPRegressor]
OF_PLAIN = ("coefs_", "intercepts_", "n_layers_")

PLAIN = {
    "default": {},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "dropout": {"dropout": 0.2},
    "several activations": {"activation": ["tanh", "gelu"]},
    "own number of an activation": {"activation": ACTIVATIONS.make("leaky_relu")},
    "L-BFGS": {"solver": "lbfgs"},
    "averaged": {"averaging": "ema"},
    "float32": {"dtype": "float32"},
    "given start": {"initializer": [RNG.normal(size=s) for s in ((4, 6), (6, 6))]},
}
# What it is, and what the error says of it.
OTHERS = {
    "batch norm": ({"block": Plain("batch")}, r"block=Plain\(normalization='batch'\)"),
    "layer norm": ({"block": Plain("layer")}, r"block=Plain\(normalization='layer'\)"),
    "blend": ({"activation": "blend"}, r"activation=Blend"),
    "maxout": ({"activation": "maxout"}, r"activation=Maxout"),
    "maxout among others": ({"activation": ["tanh", "maxout"]}, r"activation=Maxout"),
    "rescaled weights": ({"initializer": "ntk"}, r"initializer=NTK\(\) multiplies"),
    "ensemble": ({"n_estimators": 2}, r"ensemble of 2 networks.* in estimators_\."),
    "backbone": (
        {"n_estimators": 2, "shared_backbone": True},
        r"ensemble of 2 networks",
    ),
} | {
    name: ({"block": name}, rf"block={BLOCKS.make(name)!r}".replace("()", r"\(\)"))
    for name in BLOCKS
    if name != "plain"
}


def fitted(kind, **params):
    """A network of two hidden layers that has seen a little."""
    params = {"hidden_layer_sizes": (6, 6), "max_iter": 2, "random_state": 0} | params
    if isinstance(params.get("initializer"), list):
        params["initializer"] = [*params["initializer"], np.ones((6, 3))]
    y = Y if "Classifier" in kind.__name__ else X[:, [0, 1, 2]]
    return kind(**params).fit(X, y)


@pytest.mark.parametrize("params", list(PLAIN))
@pytest.mark.parametrize("kind", SIMPLE)
def test_plain_network_is_what_its_attributes_say(kind, params):
    """Products, biases and activations in a row, as many as there are layers."""
    model = fitted(kind, **PLAIN[params])
    n_hidden = len(model.coefs_) - 1
    assert model.n_layers_ == n_hidden + 2
    names = model.activation
    names = names if isinstance(names, list) else [names] * n_hidden
    a = X
    for k, (W, b) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        z = a @ W + b
        if k < n_hidden:
            function = names[k]
            if isinstance(function, str):
                function = ACTIVATIONS.make(function)
            a = np.empty_like(z[None])
            function.forward(z[None], a, function.scratch(z[None]))
            a = a[0]
    found = model.predict(X) if kind is SimpleMLPRegressor else model.predict_proba(X)
    if kind is SimpleMLPClassifier:
        z = np.exp(z - z.max(axis=1, keepdims=True))
        z /= z.sum(axis=1, keepdims=True)
    tolerance = 1e-4 if model.theta_.dtype == np.float32 else 1e-10
    assert_allclose(found, z, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", OF_PLAIN)
@pytest.mark.parametrize("other", list(OTHERS))
@pytest.mark.parametrize("kind", SIMPLE)
def test_other_network_has_none_of_them(kind, other, name):
    """And says why, and where its parameters are."""
    params, reason = OTHERS[other]
    model = fitted(kind, **params)
    assert not hasattr(model, name)
    with pytest.raises(AttributeError, match=rf"no {name}: .*{reason}.*theta_.*named_"):
        getattr(model, name)
    assert model.out_activation_  # these say nothing of layers
    assert model.n_outputs_


@pytest.mark.parametrize("name", OF_PLAIN)
@pytest.mark.parametrize("kind", TABULAR)
def test_network_behind_an_encoder_has_none_of_them(kind, name):
    """However plain it is itself."""
    plain = {"numeric_embedding": None, "blend_activation": False, "n_estimators": 1}
    for params in (plain, {}):
        model = fitted(kind, **params)
        with pytest.raises(
            AttributeError, match=r"it encodes tables \(preprocessor_\)"
        ):
            getattr(model, name)


@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
def test_other_network_cannot_be_assigned_to(name):
    model = fitted(SimpleMLPClassifier, block="highway")
    before = model.theta_.copy()
    with pytest.raises(AttributeError, match="named_parameters"):
        setattr(model, name, [np.zeros((4, 6))])
    assert_array_equal(model.theta_, before)


@pytest.mark.parametrize("name", [*OF_PLAIN, "estimators_"])
def test_nothing_is_there_before_a_fit(name):
    for kind in SIMPLE + TABULAR:
        assert not hasattr(kind(), name)
        with pytest.raises(AttributeError, match=f"{kind.__name__} is not fitted yet"):
            getattr(kind(), name)


def test_what_is_fitted_decides_and_not_the_parameters():
    """Set afterwards, or fitted anew as another kind of network."""
    model = fitted(SimpleMLPClassifier)
    assert model.set_params(block="highway").n_layers_ == 4
    model.fit(X, Y)
    assert not hasattr(model, "n_layers_")
    assert not hasattr(pickle.loads(pickle.dumps(model)), "coefs_")
    assert clone(model).set_params(block="plain").fit(X, Y).n_layers_ == 4


def test_other_network_is_fitted_all_the_same():
    check_is_fitted(fitted(SimpleMLPClassifier, block=Highway()))


def test_conversion_has_scikit_learns_number_of_layers():
    model = fitted(SimpleMLPClassifier)
    mlp = model.to_sklearn()
    assert mlp.n_layers_ == model.n_layers_ == 4
    assert SimpleMLPClassifier.from_sklearn(mlp).n_layers_ == 4
    assert isinstance(mlp, MLPClassifier)


# -------------------------------------------------------------- parameters by layer


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        (kind, other)
        for kind in SIMPLE + TABULAR
        for other in ("default", *OTHERS)
        if kind in SIMPLE or other != "backbone"
    ],
)
def test_named_parameters_are_theta_in_parts(kind, other):
    """Each number once, and what is written there is predicted with."""
    model = fitted(kind, **OTHERS.get(other, ({}, ""))[0])
    named = named_parameters(model)
    assert sum(array.size for array in named.values()) == model.theta_.size
    for array in named.values():
        array[...] = 7.0
    assert (model.theta_ == 7.0).all()


def test_named_parameters_of_a_plain_network_are_its_lists():
    model = fitted(SimpleMLPClassifier)
    named = named_parameters(model)
    assert list(named) == [f"{i}.{n}" for i in (0, 2, 4) for n in ("weight", "bias")]
    for i, (W, b) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        assert_array_equal(named[f"{2 * i}.weight"], W)
        assert_array_equal(named[f"{2 * i}.bias"][0], b)
