"""What the tests of the learning rules share."""

import numpy as np
from sklearn.base import clone

from sknet.engine.machine import machine
from sknet.network.learning_rules import LEARNING_RULES


RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 5))
TARGETS = RNG.uniform(0.01, 0.99, size=(90, 3))
LABELS = np.resize([0, 1, 2], 90)
OTHER_RULES = [n for n, cls in LEARNING_RULES.items() if not cls.is_gradient]


def at_start(network, *data):
    """The network, fitted by a step that does not move it."""
    still = {"max_iter": 1, "learning_rate_init": 1e-300}
    return clone(network).set_params(**still).fit(*data)


def feedback(fitted, member=0):
    """The feedback matrices of a network, from the first hidden layer up."""
    network = fitted._model.network
    found = network.layout.named(fitted.theta_, "feedback")
    return [matrix[member] for matrix in found]


def engines():
    """Both engines, or NumPy alone where the library is not installed."""
    return ["numpy", "compiled"] if machine() is not None else ["numpy"]
