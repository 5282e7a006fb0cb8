"""Lockstep: searches that train all their candidates on all folds together."""

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
