"""What the textbook tests share: networks with given weights, and one step of them."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning


# Gradient descent as the tutorials do it: no momentum, no penalty, rows as they come,
# never stopped by a plateau.
PLAIN_DESCENT = {
    "solver": "sgd",
    "momentum": 0.0,
    "nesterovs_momentum": False,
    "alpha": 0.0,
    "shuffle": False,
    "tol": 0.0,
    "n_iter_no_change": np.inf,
    "random_state": 0,
}


@pytest.fixture(autouse=True)
def _all_epochs_are_meant():
    """A tutorial says how many epochs; that they are all used is no news."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


@pytest.fixture
def plain_descent():
    """Parameters of plain gradient descent."""
    return dict(PLAIN_DESCENT)


@pytest.fixture
def with_weights():
    """Return an estimator fitted in form only, with the given weights put in."""

    def put(estimator, X, y, weights, biases=None):
        estimator.fit(X, y)
        estimator.coefs_ = weights
        if biases is not None:
            estimator.intercepts_ = biases
        return estimator

    return put


@pytest.fixture
def gradients(plain_descent):
    """Return the gradients that one step of rate 1 has subtracted, layer by layer."""

    def of(estimator, X, y, weights, biases=None):
        """Half the squared error is minimised, so they are half of the tutorials'."""
        start = (
            list(weights) if biases is None else list(zip(weights, biases, strict=True))
        )
        estimator = estimator.set_params(
            **plain_descent, initializer=start, learning_rate_init=1.0, max_iter=1
        )
        estimator.fit(X, y)
        steps = [
            np.asarray(w, dtype=float) - c
            for w, c in zip(weights, estimator.coefs_, strict=True)
        ]
        if biases is None:
            return steps, []
        return steps, [
            np.asarray(b, dtype=float) - c
            for b, c in zip(biases, estimator.intercepts_, strict=True)
        ]

    return of
