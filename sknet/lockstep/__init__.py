"""Hyperparameter searches that train all candidates on all folds simultaneously."""

from sknet.lockstep.halving import (
    LockstepHalvingRandomSearchCV,
    LockstepHalvingSearchCV,
)
from sknet.lockstep.search import LockstepGridSearchCV, LockstepRandomizedSearchCV


__all__ = [
    "LockstepGridSearchCV",
    "LockstepHalvingRandomSearchCV",
    "LockstepHalvingSearchCV",
    "LockstepRandomizedSearchCV",
]
