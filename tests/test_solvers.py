"""A solver is an object: one that this file adds works wherever the others do."""

import pickle
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.fields import real
from sknet.solvers import LBFGS, SOLVERS, FullBatchSolver, MinimizationResult
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
        x, step = start, 1.0
        value, gradient = function(x)
        for n_iter in range(criteria.max_iter):
            if np.abs(gradient).max() <= criteria.tol:
                return MinimizationResult(x, n_iter, True)
            slope = self.armijo * (gradient @ gradient)
            while (found := function(x - step * gradient))[0] > value - step * slope:
                step /= 2.0
            x, (value, gradient), step = x - step * gradient, found, 2.0 * step
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
quiet = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",  # few iterations, on purpose
    "ignore:early_stopping=True has no effect",  # the default of the tabular pair
)


def data_of(estimator):
    """Return data for an estimator."""
    return (X, Y) if "Classifier" in type(estimator).__name__ else (X_VALUES, Y_VALUES)


@quiet
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
@pytest.mark.parametrize("solver", ["steepest_descent", SteepestDescent(armijo=0.3)])
def test_an_added_solver_fits_every_estimator(estimator, solver):
    """More iterations give a smaller loss: the line search never goes up."""
    few = (
        clone(estimator).set_params(solver=solver, max_iter=2).fit(*data_of(estimator))
    )
    many = clone(estimator).set_params(solver=solver).fit(*data_of(estimator))
    assert many.n_iter_ <= 20
    assert many.loss_ < few.loss_
    assert not hasattr(many, "partial_fit")


@quiet
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_an_added_solver_survives_clone_and_pickle(estimator):
    """The clone fits the same bits; the stored one predicts them."""
    model = clone(estimator).set_params(solver="steepest_descent", random_state=0)
    model.fit(*data_of(estimator))
    again = clone(model).fit(*data_of(estimator))
    np.testing.assert_array_equal(again.theta_, model.theta_)
    stored = pickle.loads(pickle.dumps(model))
    rows = data_of(estimator)[0]
    np.testing.assert_array_equal(stored.predict(rows), model.predict(rows))


@quiet
def test_an_added_solver_is_searched_over():
    """By name and by its parameter, beside the others."""
    grid = {"solver": ["lbfgs", "adam", "steepest_descent"]}
    search = GridSearchCV(ESTIMATORS[0], grid, cv=2).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    inner = {"solver__armijo": [0.1, 0.9]}
    model = clone(ESTIMATORS[0]).set_params(solver="steepest_descent")
    search = GridSearchCV(model, inner, cv=2).fit(X, Y)
    assert search.best_estimator_.solver.armijo == search.best_params_["solver__armijo"]


def test_an_added_solver_passes_the_gradient_check():
    """The check looks at what would be minimised, whatever minimises it."""
    check_gradient(clone(ESTIMATORS[0]).set_params(solver="steepest_descent"))


@quiet
def test_warm_start_goes_on_from_the_weights():
    """Twice 10 iterations come as far as 20: the loss falls from where it was."""
    model = clone(ESTIMATORS[0]).set_params(
        solver="steepest_descent", warm_start=True, max_iter=10
    )
    first = model.fit(X, Y).loss_
    assert model.fit(X, Y).loss_ < first
    assert model.n_epochs_ == 20


def test_the_message_of_a_solver_reaches_the_user():
    model = clone(ESTIMATORS[0]).set_params(solver="steepest_descent")
    with pytest.warns(ConvergenceWarning, match="the gradient is not small"):
        model.fit(X, Y)


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
@pytest.mark.parametrize("solver", ["lbfgs", "steepest_descent"])
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
