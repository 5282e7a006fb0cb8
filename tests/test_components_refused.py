"""Components as parameters: what is refused, and in which words."""

import re

import numpy as np
import pytest
from counted_steps import X, Y, classifier

from sknet import SimpleMLPClassifier
from sknet.activations import ACTIVATIONS, Maxout
from sknet.averages import AVERAGES, EMA
from sknet.initializers import INITIALIZERS
from sknet.network.blocks import BLOCKS, Plain, Residual
from sknet.network.learning_rules import LEARNING_RULES
from sknet.optimizers import OPTIMIZERS, SGD, Adam
from sknet.schedules import SCHEDULES, Cosine, Warmup


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_wrong_nested_name_says_which_there_are():
    """The class, the wrong name, the right ones."""
    with pytest.raises(ValueError, match=r"Adam has no parameter 'beta_3'.*'beta_1'"):
        classifier().set_params(solver__beta_3=1)
    with pytest.raises(ValueError, match=r"Cosine has no parameter 'flor'.*'floor'"):
        classifier(learning_rate=Warmup("cosine")).set_params(
            learning_rate__then__flor=0.1
        )
    with pytest.raises(ValueError, match="ReLU has no parameter 'slope'; it has none"):
        classifier().set_params(activation__slope=0.1)
    with pytest.raises(ValueError, match="LBFGS has no parameter 'beta_2'; it has "):
        classifier(solver="lbfgs").set_params(solver__beta_2=0.5)


@pytest.mark.parametrize(
    ("params", "key"),
    [
        ({"averaging": None}, "averaging__decay"),
        ({"activation": ["relu", "tanh"]}, "activation__slope"),
    ],
)
def test_what_has_no_parameters_says_so(params, key):
    """None is no component, nor is a list."""
    ((name, _),) = params.items()
    with pytest.raises(ValueError, match=rf"{name}=.* has no parameters to set"):
        classifier(**params).set_params(**{key: 0.5})


def test_parameter_without_parts_is_refused_as_in_scikit_learn():
    """``alpha__beta`` makes no sense anywhere."""
    with pytest.raises((ValueError, AttributeError)):
        classifier().set_params(alpha__beta=1)
    with pytest.raises(ValueError, match="Invalid parameter 'optimizer'"):
        classifier().set_params(optimizer__beta_2=1)


FAMILIES = {
    "solver": OPTIMIZERS,
    "activation": ACTIVATIONS,
    "learning_rate": SCHEDULES,
    "averaging": AVERAGES,
    "block": BLOCKS,
    "initializer": INITIALIZERS,
    "learning_rule": LEARNING_RULES,
}


@pytest.mark.parametrize("name", FAMILIES)
def test_wrong_name_lists_all_names(name):
    """Taken from the registry as it is."""
    with pytest.raises(ValueError, match=name) as error:
        classifier(**{name: "wrong"}).fit(X, Y)
    assert all(repr(known) in str(error.value) for known in FAMILIES[name])
    assert "'wrong'" in str(error.value)


def test_wrong_name_in_a_list_lists_all_names():
    """A list of activations is looked through."""
    with pytest.raises(ValueError, match="Unknown activation 'rellu'") as error:
        classifier(activation=["relu", "rellu"]).fit(X, Y)
    assert all(repr(known) in str(error.value) for known in ACTIVATIONS)


OUT_OF_RANGE = {
    "solver": (Adam(beta_1=1.5), r"Adam\(.*beta_1 must be a number in \[0, 1\), got 1"),
    "learning_rate": (
        Cosine(floor=-1.0),
        r"Cosine\(.*floor must be .*\[0, 1\], got -1",
    ),
    "then": (Warmup(Cosine(cycles=0)), r"Cosine\(.*cycles must be .*\[1, inf\), got 0"),
    "wrong then": (Warmup("cosinus"), r"Unknown learning rate schedule 'cosinus'"),
    "averaging": (EMA(decay=1.0), r"EMA\(.*decay must be .*\[0, 1\), got 1"),
    "activation": (Maxout(pieces=1), r"Maxout\(.*pieces must be a whole number"),
    "block": (Plain("bach"), r"Plain\(.*normalization must be one of None, 'batch'"),
    "shortcut": (Residual(shortcut="no"), r"shortcut must be one of 'projection'"),
    "not a number": (SGD(momentum="much"), r"SGD\(.*momentum must be .*got 'much'"),
    "nan": (Adam(epsilon=np.nan), r"Adam\(.*epsilon must be .*\(0, inf\), got nan"),
    "flag": (SGD(nesterov=1), r"SGD\(.*nesterov must be True or False, got 1"),
    "half": (Residual(bottleneck=1.5), r"bottleneck must be .*, or None, got 1\.5"),
}
PLACES = {
    "then": "learning_rate",
    "wrong then": "learning_rate",
    "shortcut": "block",
    "half": "block",
    "not a number": "solver",
    "nan": "solver",
    "flag": "solver",
}


@pytest.mark.parametrize("case", OUT_OF_RANGE)
def test_field_out_of_range_is_refused_at_fit(case):
    """Class, field, domain and value; not before, as scikit-learn wants it."""
    component, words = OUT_OF_RANGE[case]
    model = classifier().set_params(**{PLACES.get(case, case): component})
    with pytest.raises(ValueError, match=words):
        model.fit(X, Y)
    assert not hasattr(model, "theta_")


def test_value_set_by_a_nested_name_is_refused_at_fit():
    """``set_params`` takes it."""
    model = classifier().set_params(solver__beta_2=2.0)
    with pytest.raises(ValueError, match=r"beta_2 must be a number in \[0, 1\), got 2"):
        model.fit(X, Y)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"activation": ["relu"]}, "activation must be a single .* got 1 values for 2"),
        (
            {"activation": ["relu"] * 3},
            "activation must be a single .* got 3 values for 2",
        ),
        ({"activation": []}, "activation must be a single .* got 0 values for 2"),
        ({"dropout": [0.1]}, "dropout must be a single .* got 1 values for 2"),
        (
            {"dropout": np.full(3, 0.1)},
            "dropout must be a single .* got 3 values for 2",
        ),
        ({"dropout": 1.0}, r"'dropout' parameter .* range \[0\.?0?, 1"),
        ({"dropout": -0.1}, r"'dropout' parameter .* range \[0\.?0?, 1"),
        (
            {"dropout": [0.1, 1.0]},
            r"dropout must hold numbers in \[0, 1\), got 1.0 in \[0.1, 1.0\]",
        ),
        ({"dropout": [0.1, np.nan]}, r"dropout must hold numbers in \[0, 1\), got nan"),
        ({"clip_norm": 0.0}, "'clip_norm' parameter"),
        ({"activation": Maxout(), "hidden_layer_sizes": (4, 5)}, "multiples of 2"),
        ({"activation": Maxout(), "block": "highway"}, "cannot be used in it"),
    ],
)
def test_wrong_list_or_rate_is_refused(params, words):
    """The message says what there must be, and what there was."""
    with pytest.raises(ValueError, match=words):
        classifier(**params).fit(X, Y)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"learning_rate": "cosine"}, "learning_rate='cosine'"),
        ({"learning_rate": Warmup()}, "learning_rate=Warmup()"),
        ({"clip_norm": 1.0}, "clip_norm=1.0"),
        ({"averaging": "ema"}, "averaging='ema'"),
        ({"dropout": 0.1}, "dropout=0.1"),
        ({"dropout": [0.0, 0.1]}, "dropout=[0.0, 0.1]"),
        ({"block": Plain("batch")}, "block=Plain(normalization='batch')"),
        ({"block": "residual"}, "normalization='batch'"),
    ],
)
def test_lbfgs_refuses_what_speaks_of_steps(params, named):
    """The parameter, and what to use instead; plain settings pass."""
    with pytest.raises(ValueError, match=re.escape(named)) as error:
        classifier(solver="lbfgs", **params).fit(X, Y)
    assert "Use solver='adam'" in str(error.value)
    classifier(solver="lbfgs", dropout=[0.0, 0.0], block=Plain("layer")).fit(X, Y)


@pytest.mark.parametrize("params", [{"dropout": 0.5}, {"block": "residual"}], ids=str)
def test_what_speaks_of_hidden_layers_needs_one(params):
    """Nothing is ignored in silence: a linear model has no place for it."""
    with pytest.raises(ValueError, match="hidden_layer_sizes is empty"):
        SimpleMLPClassifier((), **params).fit(X, Y)


def test_list_in_a_list_is_no_name():
    """The message lists the names."""
    with pytest.raises(
        ValueError, match=r"Unknown activation \['relu'\]; known names are"
    ):
        SimpleMLPClassifier((4,), activation=[["relu"]]).fit(X, Y)
