"""Small data, settings of a short fit, and the solvers to go through."""

import numpy as np

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


SOLVERS = ["sgd", "adam", "lbfgs"]
ESTIMATORS = [SimpleMLPClassifier, SimpleMLPRegressor]
RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 4))
LABELS = (X[:, 0] > 0).astype(int)
TARGET = X @ [1.0, 2.0, 0.0, -1.0]
FEW = {"hidden_layer_sizes": (5,), "max_iter": 5, "random_state": 0}

VARIANTS = {
    "sgd": {"solver": "sgd", "batch_size": 16},
    "adam": {"solver": "adam", "batch_size": 16},
    "lbfgs": {"solver": "lbfgs"},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.2},
}


def target_for(estimator):
    return LABELS if issubclass(estimator, SimpleMLPClassifier) else TARGET


def fitted(estimator=SimpleMLPClassifier, **params):
    return estimator(**(FEW | params)).fit(X, target_for(estimator))
