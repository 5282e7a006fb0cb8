"""Components as parameters: names, instances and functions, nested in grids."""

import pickle

import numpy as np
import pytest
from counted_steps import TARGET, X, Y, classifier, regressor
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknet.activations import ACTIVATIONS, Maxout, ReLU, Tanh
from sknet.averages import AVERAGES, EMA, SWA
from sknet.initializers import INITIALIZERS
from sknet.losses import CLASS_LOSSES, VALUE_LOSSES
from sknet.network.blocks import BLOCKS, Highway, Plain, Residual
from sknet.network.learning_rules import LEARNING_RULES, FeedbackAlignment
from sknet.optimizers import OPTIMIZERS, SGD, Adam
from sknet.schedules import SCHEDULES, Cosine, InvScaling, Warmup


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# ---- names and instances

SAME = {
    "adam": (
        {"solver": Adam(beta_1=0.8, beta_2=0.95, epsilon=1e-6)},
        {"solver": "adam", "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-6},
    ),
    "sgd": (
        {"solver": SGD(momentum=0.5, nesterov=False)},
        {"solver": "sgd", "momentum": 0.5, "nesterovs_momentum": False},
    ),
    "invscaling": (
        {"learning_rate": InvScaling(power_t=0.3)},
        {"learning_rate": "invscaling", "power_t": 0.3},
    ),
    "activation": ({"activation": Tanh()}, {"activation": "tanh"}),
    "activations": ({"activation": [Tanh(), "relu"]}, {"activation": ("tanh", ReLU())}),
    "one activation": ({"activation": ["tanh", "tanh"]}, {"activation": "tanh"}),
    "block": ({"block": Residual()}, {"block": "residual"}),
    "average": ({"averaging": EMA()}, {"averaging": "ema"}),
}


@pytest.mark.parametrize(("instance", "name"), SAME.values(), ids=SAME)
def test_instance_equals_the_name(instance, name):
    """The same fit, bit for bit."""
    first, second = (classifier(**params).fit(X, Y) for params in (instance, name))
    assert_array_equal(first.theta_, second.theta_)
    assert first.loss_curve_ == second.loss_curve_


SYNONYMS = [
    ("activation", "swish", "silu"),
    ("activation", "sigmoid", "logistic"),
    ("loss", "cross_entropy", "log_loss"),
    ("learning_rate", "cosine_annealing", "cosine"),
    ("initializer", "kaiming_normal", "he_normal"),
    ("block", "resnet", "residual"),
]


@pytest.mark.parametrize(("parameter", "synonym", "name"), SYNONYMS)
def test_synonym_is_the_component(parameter, synonym, name):
    """The same bits and the same description of the fitted network."""
    ours, other = (classifier(**{parameter: n}).fit(X, Y) for n in (name, synonym))
    assert_array_equal(other.theta_, ours.theta_)
    again = pickle.loads(pickle.dumps(other))
    assert_array_equal(again.predict_proba(X), ours.predict_proba(X))
    assert getattr(clone(other), parameter) == synonym


def test_synonyms_are_names_of_one_component_each():
    """None is a name of another one, of its family; a registry lists names alone."""
    families = (ACTIVATIONS, AVERAGES, BLOCKS, INITIALIZERS, OPTIMIZERS, SCHEDULES)
    families += (LEARNING_RULES,)
    for registry in (*families, CLASS_LOSSES, VALUE_LOSSES):
        synonyms = [s for cls in registry.values() for s in cls.synonyms]
        assert len(set(synonyms)) == len(synonyms)
        assert not set(synonyms) & set(registry)
        assert registry.names == {*registry, *synonyms}


def test_synonym_cannot_be_taken_twice():
    """Neither as a name nor as a synonym."""
    for names in (("swish",), ("other", "swish")):
        with pytest.raises(ValueError, match="'swish' is already registered"):
            ACTIVATIONS.register(*names)(Tanh)
    assert "other" not in ACTIVATIONS


def test_synonym_has_nested_parameters():
    """As its name has."""
    network = classifier(block="resnet").set_params(block__bottleneck=3)
    assert network.block == Residual(bottleneck=3)


def test_instance_says_everything_itself():
    """scikit-learn's parameters go with a name only."""
    one, two = (classifier(solver=Adam(), beta_2=b).fit(X, Y) for b in (0.5, 0.9))
    assert_array_equal(one.theta_, two.theta_)


@pytest.mark.parametrize("component", [Adam(beta_2=0.5), Warmup("cosine"), Highway()])
def test_component_survives_a_pickle(component):
    """It comes back equal."""
    assert pickle.loads(pickle.dumps(component)) == component


def test_numbers_of_numpy_become_numbers_of_python():
    """A grid of ``np.linspace`` must not widen float32 arrays by its scalars."""
    optimizer = Adam(beta_1=np.float64(0.8), beta_2=np.float32(0.5))
    assert type(optimizer.beta_1) is float
    assert type(optimizer.beta_2) is float
    assert Maxout(pieces=np.int64(3)) == Maxout(pieces=3)


# ---- nested parameters


def test_nested_parameter_of_a_name_keeps_the_other_parameters():
    """A name becomes an instance, with what the scalar parameters say."""
    model = classifier(solver="adam", beta_1=0.8).set_params(solver__beta_2=0.95)
    assert model.solver == Adam(beta_1=0.8, beta_2=0.95)


def test_nested_parameter_of_an_instance_makes_a_new_one():
    """Components are frozen: the old one stays what it was."""
    old = SGD(momentum=0.5)
    model = classifier(solver=old).set_params(solver__nesterov=False)
    assert model.solver == SGD(momentum=0.5, nesterov=False)
    assert old == SGD(momentum=0.5)


NESTED = {
    "block__normalization": ("plain", "batch", Plain("batch")),
    "learning_rule__initializer": (
        "feedback_alignment",
        "orthogonal",
        FeedbackAlignment("orthogonal"),
    ),
    "activation__pieces": (Maxout(2), 3, Maxout(3)),
    "learning_rate__power_t": ("invscaling", 0.3, InvScaling(0.3)),
    "averaging__decay": ("ema", 0.5, EMA(0.5)),
    "learning_rate__then__floor": (
        Warmup("cosine"),
        0.1,
        Warmup(Cosine(floor=0.1)),
    ),
}


@pytest.mark.parametrize("key", NESTED)
def test_nested_parameters_of_every_family(key):
    """The estimator, its component, and a component inside of it."""
    before, value, after = NESTED[key]
    name = key.partition("__")[0]
    model = classifier(**{name: before}).set_params(**{key: value})
    assert getattr(model, name) == after
    assert model.get_params()[key] == value


TOGETHER = {
    "learning_rate__then__floor": 0.1,
    "learning_rate__then": "cosine",
    "solver__momentum": 0.5,
    "solver": "sgd",
    "learning_rate": Warmup(),
}


@pytest.mark.parametrize("turn", [1, -1])
def test_component_and_its_parameters_are_set_together(turn):
    """The component first, then what is in it, whatever comes first in the call."""
    params = dict(list(TOGETHER.items())[::turn])
    model = classifier().set_params(**params)
    assert model.solver == SGD(0.5)
    assert model.learning_rate == Warmup(Cosine(floor=0.1))


def test_get_params_lists_the_parameters_of_components():
    """Deep as with scikit-learn's own nested estimators; shallow without."""
    model = classifier(solver=Adam(beta_2=0.5), learning_rate=Warmup(Cosine()))
    deep, shallow = model.get_params(), model.get_params(deep=False)
    assert deep["solver__beta_2"] == 0.5
    assert deep["learning_rate__then"] == Cosine()
    assert deep["learning_rate__then__floor"] == 0.0
    assert not [key for key in shallow if "__" in key]


def test_clone_has_equal_parameters():
    """Components among them, before and after a fit."""
    model = classifier(solver=Adam(beta_2=0.5), block=Plain("layer"))
    assert clone(model).get_params() == model.get_params()
    assert clone(model.fit(X, Y)).get_params() == model.get_params()


GRIDS = [
    {"solver__beta_2": [0.9, 0.99]},
    {"solver": ["sgd"], "solver__momentum": [0.0, 0.9]},
    {"block__normalization": [None, "batch", "layer"]},
    {"block": ["residual", Plain("layer")]},
    {"activation": ["tanh", ["relu", "tanh"], [Tanh(), Tanh()]]},
    {"learning_rate": [Cosine(), Warmup("cosine", 0.3), "constant"]},
    {"dropout": [0.0, [0.2, 0.0]], "averaging": [None, "ema", SWA(0.5)]},
]


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: ", ".join(grid))
def test_grid_search_takes_components(grid):
    """Names, instances, lists, and the parameters of components."""
    search = GridSearchCV(classifier(max_iter=2), grid, cv=2, error_score="raise")
    search.fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_fit_leaves_parameters_alone():
    """A component is what it was."""
    model = classifier(solver="adam", block=Plain("batch"), dropout=[0.1, 0.2])
    before = model.get_params()
    assert model.fit(X, Y).get_params() == before


# ---- a loss of the user's own


def half_square(raw, y):
    """Return half the squared error of each row."""
    return 0.5 * ((raw - y) ** 2).sum(axis=1)


def residual(raw, y):
    """Return its gradient."""
    return raw - y


def test_pair_of_functions_equals_the_loss_they_compute():
    """Half the squared error, written by hand."""
    own = regressor(loss=(half_square, residual)).fit(X, TARGET)
    built_in = regressor(loss="squared_error").fit(X, TARGET)
    assert_allclose(own.theta_, built_in.theta_, rtol=1e-12)
    assert_allclose(own.loss_curve_, built_in.loss_curve_, rtol=1e-12)
    assert_allclose(own.predict(X), built_in.predict(X), rtol=1e-12)


@pytest.mark.parametrize("loss", [(half_square,), ("a", "b"), [half_square, None]])
def test_pair_that_is_none_is_refused(loss):
    """The message says what a pair is, and lists the names there are."""
    with pytest.raises(ValueError, match=r"pair of functions .*'squared_error'"):
        regressor(loss=loss).fit(X, TARGET)
