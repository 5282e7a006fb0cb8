"""What happens where scikit-learn's own tests expect something else.

The counterparts of what ``test_sklearn_suite.py`` lists.
"""

import copy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from short_fits import ESTIMATORS, FEW, VARIANTS, X, fitted, target_for

from sknet import SimpleMLPClassifier


# Most fits here are short; of ConvergenceWarnings only those on divergence matter.
pytestmark = pytest.mark.filterwarnings(
    "error",
    "ignore:Stochastic Optimizer. Maximum:sklearn.exceptions.ConvergenceWarning",
    "ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning",
    "ignore:Column .* so large that a network learns nothing:UserWarning",
)


# what test_sklearn_suite.py lists as deviations


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_invscaling_acts_for_each_stochastic_solver(solver):
    """After n rows the rate is learning_rate_init / (n + 1) ** power_t."""
    model = fitted(solver=solver, learning_rate="invscaling", power_t=0.25)

    assert model.t_ == 5 * 60
    assert_allclose(model.learning_rate_, 0.001 / (5 * 60 + 1) ** 0.25)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_adaptive_rate_acts_for_each_stochastic_solver(solver):
    """Each time the loss stalls the rate is divided by 5, until it is below 1e-6."""
    model = fitted(
        solver=solver,
        learning_rate="adaptive",
        tol=10.0,
        n_iter_no_change=2,
        max_iter=99,
    )

    assert model.n_iter_ < 99
    assert model.learning_rate_ <= 1e-6
    assert_allclose(np.log(0.001 / model.learning_rate_) / np.log(5), 5, atol=1e-9)


def test_one_step_of_descent_equals_the_worked_example():
    """One step from hand-set weights gives the numbers worked out by hand."""
    x = np.array([[0.6, 0.8, 0.7]])
    model = SimpleMLPClassifier(
        2, "logistic", solver="sgd", learning_rate_init=0.1, alpha=0.1, momentum=0.0
    )
    model.partial_fit(x, [0], classes=[0, 1])
    model.coefs_ = [
        np.array([[0.1, 0.2], [0.3, 0.1], [0.5, 0]]),
        np.array([[0.1], [0.2]]),
    ]
    model.intercepts_ = [np.array([0.1, 0.1]), np.array([1.0])]

    model.partial_fit(x, [0])

    # hidden units 0.6792 and 0.5746, output 0.7654: the error of the output is 0.7654,
    # of the hidden units 0.01667 and 0.0374; weights also shrink by 0.1 * 0.1 of theirs
    first = [[0.098, 0.195756], [0.2956664, 0.096008], [0.4939998, -0.002244]]
    assert_allclose(model.coefs_[0], first, atol=5e-4)
    assert_allclose(model.coefs_[1], [[0.04706], [0.154089]], atol=5e-4)
    assert_allclose(model.intercepts_[0], [0.098333, 0.09626], atol=5e-4)
    assert_allclose(model.intercepts_[1], [0.9235], atol=5e-4)
    assert_allclose(model.predict_proba(x)[0, 1], 0.739, atol=5e-4)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_step_follows_the_gradient_of_the_loss(activation, n_classes):
    """A step of plain descent, over its rate, is the derivative of the loss."""
    y = np.arange(60) % n_classes
    start = SimpleMLPClassifier(
        (5,),
        activation,
        solver="sgd",
        momentum=0.0,
        learning_rate_init=1e-3,
        random_state=0,
    ).partial_fit(X, y, classes=range(n_classes))

    def after_a_step_from(theta):
        model = copy.deepcopy(start)
        model.theta_ = theta
        return model.partial_fit(X, y)

    theta = start.theta_.copy()
    direction = np.random.RandomState(0).normal(size=theta.shape)
    gradient = (theta - after_a_step_from(theta).theta_) / 1e-3
    ahead, behind = (after_a_step_from(theta + h * direction) for h in (1e-6, -1e-6))

    slope = (ahead.loss_ - behind.loss_) / 2e-6
    assert_allclose(np.sum(gradient * direction), slope, rtol=1e-5)


def test_class_of_one_row_is_named_and_training_goes_on():
    """A class that cannot be split is named in a warning; all rows are trained on."""
    y = np.array(["rare"] + ["frequent"] * 59)
    model = SimpleMLPClassifier(**FEW | VARIANTS["early stopping"])

    with pytest.warns(UserWarning, match="rare"):
        model.fit(X, y)

    plain = SimpleMLPClassifier(**FEW).fit(X, y)
    assert_array_equal(model.theta_, plain.theta_)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("n_rows", [2, 10, 40])
def test_too_few_rows_for_a_split_are_all_trained_on(estimator, n_rows):
    """Of few rows no validation set is split off: a warning, and a plain fit."""
    y = np.arange(n_rows) % 2
    model = estimator(**FEW, early_stopping=True)

    with pytest.warns(UserWarning, match="validation"):
        model.fit(X[:n_rows], y)

    plain = estimator(**FEW).fit(X[:n_rows], y)
    assert_array_equal(model.theta_, plain.theta_)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_partial_fit_goes_on_after_early_stopping(estimator):
    """partial_fit trains on all rows it is given, whatever early_stopping says."""
    model = fitted(estimator, **VARIANTS["early stopping"])
    before = model.theta_.copy()

    model.partial_fit(X, target_for(estimator))

    assert model.t_ == 5 * 48 + 60
    assert not np.array_equal(model.theta_, before)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_column_names_are_kept_with_early_stopping(estimator):
    """The scores on validation rows cause no warning about names of columns."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c", "d"])
    params = FEW | VARIANTS["early stopping"]

    model = estimator(**params).fit(frame, target_for(estimator))

    assert_array_equal(model.feature_names_in_, ["a", "b", "c", "d"])
    assert len(model.validation_scores_) == 5
