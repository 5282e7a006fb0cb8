"""A solver is an object: each that is registered, and one that this file adds."""

import pickle
import re
import warnings
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

import sknet
from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.fields import real
from sknet.solvers import (
    LBFGS,
    SOLVERS,
    FullBatchSolver,
    MinimizationResult,
    StoppingCriteria,
)
from sknet.testing import check_gradient


@SOLVERS.register("steepest_descent")
@dataclass(frozen=True, repr=False)
class SteepestDescent(FullBatchSolver):
    """Steps along the negative gradient, halved until the function falls enough.

    Parameters
    ----------
    armijo : float in (0, 1), default=0.1
        Share of the slope that a step must gain.
    """

    armijo: float = real(0.1, "(0, 1)")

    def minimize(self, function, start, after_iteration, criteria):
        """Minimise by backtracking (Armijo, 1966)."""
        x, step, n_fun = start, 1.0, 1
        value, gradient = function(x)
        for n_iter in range(criteria.max_iter):
            if np.abs(gradient).max() <= criteria.tol:
                return MinimizationResult(x, n_iter, True)
            slope = self.armijo * (gradient @ gradient)
            while n_fun < criteria.max_fun:
                trial = x - step * gradient
                (trial_value, trial_gradient), n_fun = function(trial), n_fun + 1
                if trial_value <= value - step * slope:  # False if it is NaN
                    break
                step /= 2.0
            else:
                message = "the limit of function evaluations is reached"
                return MinimizationResult(x, n_iter, False, message)
            x, value, gradient, step = trial, trial_value, trial_gradient, 2.0 * step
            after_iteration(x)
        return MinimizationResult(
            x, criteria.max_iter, False, "the gradient is not small"
        )


X, Y = load_iris(return_X_y=True)
X_VALUES, Y_VALUES = make_regression(60, 3, noise=1.0, random_state=0)
ESTIMATORS = [
    SimpleMLPClassifier((5,), max_iter=20, random_state=0),
    SimpleMLPClassifier((5,), max_iter=20, n_estimators=2, random_state=0),
    SimpleMLPRegressor(hidden_layer_sizes=(5,), max_iter=20, random_state=0),
    # what needs steps is off
    TabularMLPClassifier(
        (5,), learning_rate="constant", dropout=0.0, max_iter=20, n_estimators=2
    ),
    TabularMLPRegressor(
        (5,), learning_rate="constant", dropout=0.0, max_iter=20, n_estimators=1
    ),
]
# Those of the package, and the one above: what is asserted here holds for a new one.
NAMES = list(SOLVERS)
# Another value of each of their parameters.
OTHERS = {
    ("lbfgs", "max_fun"): 5,
    ("lbfgs", "tol"): 0.1,
    ("steepest_descent", "armijo"): 0.9,
}
API_PAGE = Path(__file__).parents[1] / "docs" / "api.rst"
each_solver = pytest.mark.parametrize("solver", NAMES)
quiet = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",  # few iterations, on purpose
    "ignore:early_stopping=True has no effect",  # the default of the tabular pair
)


def data_of(estimator):
    """Return data for an estimator."""
    return (X, Y) if "Classifier" in type(estimator).__name__ else (X_VALUES, Y_VALUES)


@quiet
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
@pytest.mark.parametrize("solver", [*NAMES, SteepestDescent(armijo=0.3)])
def test_a_solver_fits_every_estimator(estimator, solver):
    """More iterations give a smaller loss: no line search goes up."""
    few = (
        clone(estimator).set_params(solver=solver, max_iter=2).fit(*data_of(estimator))
    )
    many = clone(estimator).set_params(solver=solver).fit(*data_of(estimator))
    assert many.n_iter_ <= 20
    assert many.loss_ < few.loss_
    assert not hasattr(many, "partial_fit")


@quiet
@each_solver
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_a_solver_survives_clone_and_pickle(estimator, solver):
    """The clone fits the same bits; the stored one predicts them."""
    model = clone(estimator).set_params(solver=solver, random_state=0)
    model.fit(*data_of(estimator))
    again = clone(model).fit(*data_of(estimator))
    np.testing.assert_array_equal(again.theta_, model.theta_)
    stored = pickle.loads(pickle.dumps(model))
    rows = data_of(estimator)[0]
    np.testing.assert_array_equal(stored.predict(rows), model.predict(rows))


@quiet
def test_solvers_are_searched_over():
    """By name, beside an optimizer."""
    grid = {"solver": [*NAMES, "adam"]}
    search = GridSearchCV(ESTIMATORS[0], grid, cv=2).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@quiet
@each_solver
def test_parameters_of_a_solver_are_searched_over(solver):
    """Each field of its class, as ``solver__field``."""
    for field in fields(SOLVERS[solver]):
        grid = {f"solver__{field.name}": [field.default, OTHERS[solver, field.name]]}
        model = clone(ESTIMATORS[0]).set_params(solver=solver)
        search = GridSearchCV(model, grid, cv=2).fit(X, Y)
        ((name, best),) = search.best_params_.items()
        found = getattr(search.best_estimator_.solver, field.name)
        assert found == best, name


@each_solver
def test_a_solver_passes_the_gradient_check(solver):
    """The check looks at what would be minimised, whatever minimises it."""
    check_gradient(clone(ESTIMATORS[0]).set_params(solver=solver))


@quiet
@each_solver
def test_warm_start_goes_on_from_the_weights(solver):
    """Twice 10 iterations come as far as 20: the loss falls from where it was."""
    model = clone(ESTIMATORS[0]).set_params(solver=solver, warm_start=True, max_iter=10)
    first = model.fit(X, Y).loss_
    assert model.fit(X, Y).loss_ < first
    assert model.n_epochs_ == 20


@each_solver
@pytest.mark.parametrize("limit", [{"max_iter": 2}, {"max_fun": 3}], ids=repr)
def test_a_solver_stops_at_its_limits(solver, limit):
    """And the warning names the solver and the limits."""
    model = clone(ESTIMATORS[0]).set_params(solver=solver, tol=0.0, **limit)
    with pytest.warns(ConvergenceWarning, match=f"^{solver} failed.*Increase max_iter"):
        model.fit(X, Y)
    assert model.n_iter_ <= 3


@each_solver
def test_class_of_a_solver_is_on_the_api_page(solver):
    """Those of the package; users write their own."""
    cls = SOLVERS[solver]
    if cls.__module__.startswith("sknet."):
        assert re.search(rf"^   {cls.__name__}$", API_PAGE.read_text("utf-8"), re.M)
        assert cls.__name__ in sknet.solvers.__all__


def test_the_message_of_a_solver_reaches_the_user():
    model = clone(ESTIMATORS[0]).set_params(solver="steepest_descent")
    with pytest.warns(ConvergenceWarning, match="the gradient is not small"):
        model.fit(X, Y)


def test_an_added_solver_steps_back_from_what_is_not_a_number():
    """The guide's example: NaN is no decrease, and the step is halved."""

    def function(x):
        value = 0.5 * float(x @ x) if abs(x[0]) < 1.0 else np.nan
        return value, 8.0 * x

    found = SteepestDescent().minimize(
        function, np.array([0.9]), lambda x: None, StoppingCriteria(1e-8, 100, 1000)
    )
    assert found.converged
    assert abs(found.x[0]) <= 1e-8


@pytest.mark.parametrize(
    "params",
    [
        {"learning_rate": "cosine"},
        {"checkpoint": "somewhere"},
        {"clip_norm": 1.0},
        {"averaging": "ema"},
        {"dropout": 0.1},
    ],
    ids=repr,
)
@each_solver
def test_what_needs_steps_is_refused_by_name(solver, params):
    (name,) = params
    model = clone(ESTIMATORS[0]).set_params(solver=solver, **params)
    with pytest.raises(
        ValueError, match=f"{name}=.* not supported with solver='{solver}'"
    ):
        model.fit(X, Y)


def test_an_instance_is_its_name():
    """``LBFGS()`` is "lbfgs"."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # few iterations
        named = clone(ESTIMATORS[0]).set_params(solver="lbfgs").fit(X, Y)
        given = clone(ESTIMATORS[0]).set_params(solver=LBFGS()).fit(X, Y)
    np.testing.assert_array_equal(given.theta_, named.theta_)


def test_solver_shows_what_differs_from_its_defaults():
    assert repr(LBFGS()) == "LBFGS()"
    assert repr(LBFGS(max_fun=500, tol=1e-4)) == "LBFGS(max_fun=500, tol=0.0001)"
    assert repr(SteepestDescent(armijo=0.3)) == "SteepestDescent(armijo=0.3)"


def test_bad_parameters_of_a_solver_are_named():
    model = clone(ESTIMATORS[0]).set_params(solver=SteepestDescent(armijo=2.0))
    with pytest.raises(ValueError, match=r"armijo must be .*\(0, 1\), got 2"):
        model.fit(X, Y)
