"""What the Tabular pair has no parameter for: an instance of a component says it."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknet import (
    LockstepGridSearchCV,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.optimizers import SGD, Adam, AdamW, RMSprop
from sknet.schedules import InvScaling
from sknet.solvers import LBFGS


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 120
NUMBERS = np.random.default_rng(0).normal(size=(N, 2)).round(2)
TABLE = np.empty((N, 3), dtype=object)
TABLE[:, :2] = NUMBERS
TABLE[:, 2] = np.where(NUMBERS[:, 0] > 0.3, "u", "v")
TABLE[::11, 1] = None
VALUE = 3.0 * NUMBERS[:, 0] + NUMBERS[:, 1] ** 2
LABEL = np.where(VALUE > 0.5, "yes", "no")
SMALL = {"hidden_layer_sizes": (6,), "n_estimators": 2, "max_iter": 6}
SMALL |= {"dtype": "float64", "random_state": 0}
BOTH = [(TabularMLPClassifier, LABEL), (TabularMLPRegressor, VALUE)]
both = pytest.mark.parametrize(("estimator", "y"), BOTH)
# What goes with L-BFGS.
ALL_ROWS = {
    "learning_rate": "constant",
    "dropout": 0.0,
    "learning_rate_multipliers": None,
}
ALL_ROWS |= {"early_stopping": False}
REMOVED = {
    "beta_1": 0.9,
    "beta_2": 0.95,
    "bootstrap": False,
    "epsilon": 1e-8,
    "max_fun": 15000,
    "momentum": 0.9,
    "nesterovs_momentum": True,
    "power_t": 0.5,
    "shared_backbone": False,
    "shuffle": True,
    "tol": 0.0,
    "weight_decay": 0.02,
}


# ------------------------------------------------------------------ what is not there


@both
@pytest.mark.parametrize("name", REMOVED)
def test_parameter_is_not_there(estimator, y, name):
    """Python says so, and ``set_params`` in scikit-learn's words."""
    del y
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
        estimator(**{name: REMOVED[name]})
    with pytest.raises(ValueError, match=f"Invalid parameter '{name}'"):
        estimator().set_params(**{name: REMOVED[name]})
    assert name not in estimator().get_params()


@both
def test_number_of_parameters(estimator, y):
    del y
    assert len(inspect.signature(estimator).parameters) == 40


# --------------------------------------------------- the defaults are what they were

# What the two predicted for the first rows when these were parameters: probabilities
# of "yes", and values. Their digits hang on the processor, though not many of them.
BEFORE = {
    "by default": (
        {},
        [0.9438653546112072, 0.9998198694434426, 0.05885246394104705],
        [1.3866635100811662, 2.2864748623423123, -1.206266872492273],
    ),
    "sgd, invscaling": (
        {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.01},
        [0.49814615970525244, 0.506732894117113, 0.4948408600635132],
        [0.5736314930588806, 0.7840333494009564, 0.46874370001381493],
    ),
    "lbfgs": (
        {"solver": "lbfgs", **ALL_ROWS},
        [0.7354790335407447, 0.9989992934444132, 0.04473851125432137],
        [0.942081880982566, 2.4105153565501882, -1.6010742932697493],
    ),
    "until no improvement": (
        {"max_iter": 60, "n_iter_no_change": 1},
        [0.857272977514626, 0.9998338774955153, 0.028005457639952033],
        [1.8939671412064019, 2.0104404771469024, -1.1615754368475264],
    ),
}


@pytest.mark.parametrize(
    ("params", "probability", "values"), BEFORE.values(), ids=BEFORE
)
def test_predictions_are_those_of_before(params, probability, values):
    classifier = TabularMLPClassifier(**SMALL | params).fit(TABLE, LABEL)
    found = classifier.predict_proba(TABLE[:3])[:, 1]
    assert_allclose(found, probability, rtol=1e-6)
    regressor = TabularMLPRegressor(**SMALL | params).fit(TABLE, VALUE)
    assert_allclose(regressor.predict(TABLE[:3]), values, rtol=1e-6)


@both
@pytest.mark.parametrize(
    ("named", "given"),
    [
        ({}, {"solver": AdamW(0.9, 0.95, 1e-8, 0.02)}),
        ({"solver": "adam"}, {"solver": Adam()}),
        ({"solver": "sgd"}, {"solver": SGD(0.9, nesterov=True)}),
        ({"solver": "rmsprop"}, {"solver": RMSprop()}),
        ({"learning_rate": "invscaling"}, {"learning_rate": InvScaling(0.5)}),
        (
            {"solver": "lbfgs", **ALL_ROWS},
            {"solver": LBFGS(max_fun=15000, tol=0.0), **ALL_ROWS},
        ),
    ],
    ids=["adamw", "adam", "sgd", "rmsprop", "invscaling", "lbfgs"],
)
def test_name_stands_for_an_instance(estimator, y, named, given):
    """Bit for bit."""
    one, two = (estimator(**SMALL | p).fit(TABLE, y) for p in (named, given))
    assert_array_equal(one.theta_, two.theta_)


# ------------------------------------------------------------- an instance says it


@both
def test_instance_is_cloned_and_acts(estimator, y):
    model = estimator(**SMALL, solver=AdamW(beta_2=0.9))
    again = clone(model)
    assert again.solver == AdamW(beta_2=0.9)
    theta = model.fit(TABLE, y).theta_
    assert_array_equal(again.fit(TABLE, y).theta_, theta)
    assert not np.array_equal(estimator(**SMALL).fit(TABLE, y).theta_, theta)


@both
def test_instance_is_searched_over(estimator, y):
    """As a whole and by its parameters; in lockstep, too."""
    model = estimator(**SMALL)
    whole = {"solver": [AdamW(beta_2=beta) for beta in (0.9, 0.99)]}
    inside = {"solver__beta_2": [0.9, 0.99]}
    given = estimator(**SMALL, solver=AdamW())
    scores = [
        search(net, grid, cv=2).fit(TABLE, y).cv_results_["mean_test_score"]
        for search in (GridSearchCV, LockstepGridSearchCV)
        for net, grid in ((model, whole), (given, inside))
    ]
    for others in scores[1:]:
        assert_array_equal(others, scores[0])


@both
def test_parameter_of_a_name_keeps_the_others(estimator, y):
    """Those of "adamw" are not the class's own."""
    del y
    model = estimator().set_params(solver__beta_2=0.9)
    assert model.solver == AdamW(0.9, 0.9, 1e-8, 0.02)
    model = estimator(learning_rate="invscaling").set_params(learning_rate__power_t=0.3)
    assert model.learning_rate == InvScaling(0.3)


# --------------------------------------------------------------------------- L-BFGS


@both
def test_lbfgs_has_limits_of_its_own(estimator, y):
    """A loose tolerance ends it at once, and so do few evaluations."""
    params = SMALL | ALL_ROWS | {"max_iter": 50}
    ends = {
        name: estimator(**params, solver=solver).fit(TABLE, y).n_iter_
        for name, solver in {
            "loose": LBFGS(tol=10.0),
            "short": LBFGS(max_fun=3),
            "default": LBFGS(),
        }.items()
    }
    assert ends["loose"] == 0
    assert ends["short"] < ends["default"]


def test_limits_of_lbfgs_go_before_the_estimators():
    """The Simple pair has both, and to scikit-learn they go as parameters."""
    X, y = NUMBERS, VALUE
    params = {"hidden_layer_sizes": (4,), "max_iter": 50, "random_state": 0}
    given = SimpleMLPRegressor(**params, solver=LBFGS(max_fun=9, tol=0.1), tol=1e-9)
    named = SimpleMLPRegressor(**params, solver="lbfgs", max_fun=9, tol=0.1)
    assert_array_equal(given.fit(X, y).theta_, named.fit(X, y).theta_)
    mlp = given.to_sklearn()
    assert (mlp.solver, mlp.max_fun, mlp.tol) == ("lbfgs", 9, 0.1)


@pytest.mark.parametrize(
    ("solver", "message"),
    [
        (LBFGS(max_fun=0), r"max_fun must be a whole number in \[1, inf\), or None"),
        (LBFGS(tol=-1.0), r"tol must be a number in \[0, inf\), or None"),
    ],
)
def test_bad_limits_of_lbfgs_are_named(solver, message):
    with pytest.raises(ValueError, match=message):
        TabularMLPRegressor(**SMALL, solver=solver).fit(TABLE, VALUE)
