"""Small networks that make a known number of steps, and data for them."""

import numpy as np

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


rng = np.random.default_rng(0)
X = rng.normal(size=(90, 4))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
TARGET = np.sin(X[:, 0]) + X[:, 1]
FOREVER = {"n_iter_no_change": np.inf, "tol": 0.0}
STANDING_STILL = {"learning_rate_init": 1e-300, "max_iter": 1}


def classifier(**params):
    """Return an unfitted classifier that makes four epochs of three batches."""
    base = {"hidden_layer_sizes": (6, 4), "batch_size": 32, "max_iter": 4}
    return SimpleMLPClassifier(**(base | {"random_state": 0} | FOREVER | params))


def regressor(**params):
    """Return an unfitted regressor whose epochs are single steps."""
    base = {"hidden_layer_sizes": (5,), "batch_size": 90, "max_iter": 8}
    return SimpleMLPRegressor(**(base | {"random_state": 0} | FOREVER | params))


def start_of(make, **params):
    """Return the parameters a training starts from."""
    return make(**(params | STANDING_STILL)).fit(X, Y).theta_
