"""A component of one's own: registering it is the only act needed.

A throw-away component of every family goes through everything that the estimators'
options go through, while it is registered and not a moment longer.
"""

import pickle
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import own_components
import pytest
from numpy.testing import assert_array_equal
from own_components import (
    Gain,
    Gained,
    Halfway,
    Line,
    ScaledError,
    SignDescent,
    Signs,
    Softsign,
    SquaredMargin,
)
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet._component import Registry
from sknet.activations import ACTIVATIONS, LeakyReLU, Tanh
from sknet.averages import AVERAGES
from sknet.initializers import INITIALIZERS
from sknet.losses import CLASS_LOSSES, VALUE_LOSSES, LogLoss
from sknet.network.blocks import BLOCKS
from sknet.optimizers import OPTIMIZERS
from sknet.schedules import SCHEDULES
from sknet.testing import (
    check_activation,
    check_gradient,
    check_initializer,
    check_layer,
    check_loss,
    check_optimizer,
    check_schedule,
    temporarily_registered,
)


pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning"
)


class Family(NamedTuple):
    """A family of components, and the throw-away one of it."""

    registry: Registry
    cls: type
    parameter: str
    estimator: Any
    check: Any = None


CLASSIFIER = SimpleMLPClassifier(
    (4,), "tanh", max_iter=3, random_state=0, learning_rate_init=0.01
)
REGRESSOR = SimpleMLPRegressor(
    hidden_layer_sizes=(4,), activation="tanh", max_iter=3, random_state=0
)
FAMILIES = {
    "activation": Family(
        ACTIVATIONS, Softsign, "activation", CLASSIFIER, check_activation
    ),
    "loss-of-classes": Family(
        CLASS_LOSSES, SquaredMargin, "loss", CLASSIFIER, check_loss
    ),
    "loss-of-values": Family(VALUE_LOSSES, ScaledError, "loss", REGRESSOR, check_loss),
    "optimizer": Family(OPTIMIZERS, SignDescent, "solver", CLASSIFIER, check_optimizer),
    "schedule": Family(SCHEDULES, Line, "learning_rate", CLASSIFIER, check_schedule),
    "initializer": Family(
        INITIALIZERS, Signs, "initializer", REGRESSOR, check_initializer
    ),
    "block": Family(BLOCKS, Gained, "block", CLASSIFIER),
    "averaging": Family(AVERAGES, Halfway, "averaging", REGRESSOR),
}
NAME = "throw_away"


@pytest.fixture(params=FAMILIES)
def family(request):
    """A family, in which the throw-away component is registered."""
    family = FAMILIES[request.param]
    with temporarily_registered(family.registry, NAME, family.cls):
        yield family


@pytest.fixture
def problem(family, request):
    """Rows for the family's estimator."""
    kind = "multiclass" if family.estimator is CLASSIFIER else "regression"
    return request.getfixturevalue(f"{kind}_problem")


def with_component(family, component):
    """The family's estimator with a component."""
    return clone(family.estimator).set_params(**{family.parameter: component})


def test_component_is_an_option_by_name_and_by_instance(family, problem):
    """Both mean the same, and something else than the default."""
    X, y = problem
    named = with_component(family, NAME).fit(X, y)
    made = with_component(family, family.cls()).fit(X, y)
    assert_array_equal(named.theta_, made.theta_)
    assert_array_equal(named.predict(X), made.predict(X))
    plain = clone(family.estimator).fit(X, y)
    assert not np.array_equal(named.theta_, plain.theta_)


def test_parameter_of_the_component_is_reached(family, problem):
    """``parameter__size`` counts, in a fit and in a grid."""
    X, y = problem
    key = f"{family.parameter}__size"
    estimator = with_component(family, NAME)
    other = clone(estimator).set_params(**{key: 0.25})
    assert other.get_params()[key] == 0.25
    fitted = clone(estimator).fit(X, y).theta_
    assert not np.array_equal(other.fit(X, y).theta_, fitted)
    search = GridSearchCV(estimator, {key: [0.25, 0.75]}, cv=2).fit(X, y)
    assert search.best_estimator_.get_params()[key] == search.best_params_[key]
    assert getattr(estimator, family.parameter) == NAME


def test_clone_keeps_the_component(family):
    """As an instance and as a name."""
    for component in (NAME, family.cls(size=0.25)):
        copy = clone(with_component(family, component))
        assert getattr(copy, family.parameter) == component


def test_pickled_estimator_predicts_the_same(family, problem):
    """And goes on training as if it had stayed."""
    X, y = problem
    estimator = with_component(family, family.cls(size=0.25)).fit(X, y)
    again = pickle.loads(pickle.dumps(estimator))
    assert_array_equal(again.predict(X), estimator.predict(X))
    assert_array_equal(
        again.partial_fit(X, y).theta_, estimator.partial_fit(X, y).theta_
    )


def test_wrong_name_lists_the_component(family, problem):
    """The message names what there is, the new one included."""
    wrong = with_component(family, "no_such_name")
    with pytest.raises(ValueError, match=NAME):
        wrong.fit(*problem)


def test_value_out_of_its_domain_is_refused(family, problem):
    """The message names field, domain and value."""
    wrong = with_component(family, family.cls(size=-1.0))
    with pytest.raises(ValueError, match=r"size must be a number in .* got -1.0"):
        wrong.fit(*problem)


def test_component_passes_the_check_of_its_family(family):
    """What is asked of ours."""
    if family.check is not None:
        family.check(family.cls())


def test_estimator_with_the_component_passes_the_gradient_check(family):
    """Whatever it is, backpropagation is right."""
    assert check_gradient(with_component(family, NAME)).passed


def test_layer_passes_the_check():
    """The layer inside the block stands in no registry."""
    check_layer(Gain())
    check_gradient(Gain())


def test_forgotten_name_is_told(multiclass_problem):
    """A component that is not registered cannot be stored, and the message says so."""
    with pytest.raises(ValueError, match="Softsign is not registered"):
        clone(CLASSIFIER).set_params(activation=Softsign()).fit(*multiclass_problem)


def test_name_is_taken_once(family):
    """A fitted network would find another part under it, as in a cell run twice."""
    with pytest.raises(ValueError, match=f"{NAME}' is already registered.*another"):
        family.registry.register(NAME)(family.cls)
    assert family.registry[NAME] is family.cls


@dataclass(frozen=True, repr=False)
class Doubled(LeakyReLU):
    """Has the name of the class that it inherits from, and another slope."""

    trained: ClassVar[list[bool]] = []

    def forward(self, z, out, scratch):
        self.trained.append(True)
        super().forward(z, out, scratch)
        out *= 2.0


@dataclass(frozen=True, repr=False)
class Halved(LogLoss):
    """Has the name of the class that it inherits from, and another link."""

    def link(self, raw):
        return 0.5 * super().link(raw)


@pytest.mark.parametrize(
    "params",
    [
        {"activation": Doubled()},
        {"activation": ["relu", Doubled()]},
        {"loss": Halved()},
    ],
    ids=str,
)
def test_inherited_name_is_no_name(params, multiclass_problem):
    """It would be trained with, and the other class would predict."""
    network = clone(CLASSIFIER).set_params(hidden_layer_sizes=(4, 4), **params)
    with pytest.raises(ValueError, match="is not registered"):
        network.fit(*multiclass_problem)
    assert not Doubled.trained, "the message comes before the training"


@dataclass(frozen=True, repr=False)
class Fieldless(Tanh):
    """Has no state that could be handed over."""


PREDICT = """
import pickle, sys
networks, X = pickle.load(sys.stdin.buffer)
pickle.dump([network.predict(X) for network in networks], sys.stdout.buffer)
"""


def test_classes_of_a_notebook_predict_in_another_process(multiclass_problem):
    """They come by value, as joblib sends them to its workers: nobody enters them."""
    cloudpickle = pytest.importorskip("cloudpickle")
    X, y = multiclass_problem
    networks, modules = [], (own_components, sys.modules[__name__])
    with ExitStack() as stack:
        for family in FAMILIES.values():
            stack.enter_context(
                temporarily_registered(family.registry, NAME, family.cls)
            )
            networks.append(with_component(family, family.cls()).fit(X, y))
        stack.enter_context(temporarily_registered(ACTIVATIONS, "none", Fieldless))
        networks.append(clone(CLASSIFIER).set_params(activation=Fieldless()).fit(X, y))
        for module in modules:
            cloudpickle.register_pickle_by_value(module)
            stack.callback(cloudpickle.unregister_pickle_by_value, module)
        data = cloudpickle.dumps((networks, X))
        expected = [network.predict(X) for network in networks]

    command = [sys.executable, "-W", "error", "-c", PREDICT]
    done = subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True)

    for found, known in zip(pickle.loads(done.stdout), expected, strict=True):
        assert_array_equal(found, known)
