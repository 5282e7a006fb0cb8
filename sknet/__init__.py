"""Multi-layer perceptrons for scikit-learn users, in NumPy.

``SimpleMLPClassifier`` and ``SimpleMLPRegressor`` are drop-ins for scikit-learn's
``MLPClassifier`` and ``MLPRegressor``: same names, defaults and numbers, less time.
"""

from sknet.estimators.classifier import SimpleMLPClassifier
from sknet.estimators.regressor import SimpleMLPRegressor
from sknet.lockstep import (
    LockstepGridSearchCV,
    LockstepHalvingRandomSearchCV,
    LockstepHalvingSearchCV,
    LockstepRandomizedSearchCV,
)


__version__ = "0.1.0"

__all__ = [
    "LockstepGridSearchCV",
    "LockstepHalvingRandomSearchCV",
    "LockstepHalvingSearchCV",
    "LockstepRandomizedSearchCV",
    "SimpleMLPClassifier",
    "SimpleMLPRegressor",
]
