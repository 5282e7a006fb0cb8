"""Names of the classes that files of fitted objects may contain.

Safe formats such as skops store class names along with arrays and numbers, and create
objects only of classes that the user declares as trusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sknet._component import Registry
from sknet.activations import ACTIVATIONS
from sknet.averages import AVERAGES
from sknet.estimators.classifier import SimpleMLPClassifier
from sknet.estimators.cnn_classifier import SimpleCNNClassifier
from sknet.estimators.cnn_regressor import SimpleCNNRegressor
from sknet.estimators.regressor import SimpleMLPRegressor
from sknet.estimators.tabular_classifier import TabularMLPClassifier
from sknet.estimators.tabular_regressor import TabularMLPRegressor
from sknet.initializers import INITIALIZERS
from sknet.lockstep import (
    LockstepGridSearchCV,
    LockstepHalvingRandomSearchCV,
    LockstepHalvingSearchCV,
    LockstepRandomizedSearchCV,
)
from sknet.losses import CLASS_LOSSES, VALUE_LOSSES
from sknet.network.blocks import BLOCKS
from sknet.network.convolution import CONV_LAYERS
from sknet.network.image_layers import AUGMENTATIONS
from sknet.network.input_embedding import NUMERIC_EMBEDDINGS
from sknet.network.learning_rules import LEARNING_RULES
from sknet.optimizers import OPTIMIZERS
from sknet.preprocessing import TabularPreprocessor
from sknet.schedules import SCHEDULES
from sknet.solvers import SOLVERS
from sknet.training.checkpoint import Checkpoint


_OBJECTS = (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    SimpleCNNClassifier,
    SimpleCNNRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
    TabularPreprocessor,
    LockstepGridSearchCV,
    LockstepHalvingRandomSearchCV,
    LockstepHalvingSearchCV,
    LockstepRandomizedSearchCV,
    Checkpoint,
)
# Families of components whose instances may be parameters of an estimator.
_FAMILIES: tuple[Registry[Any], ...] = (
    ACTIVATIONS,
    AUGMENTATIONS,
    AVERAGES,
    BLOCKS,
    CLASS_LOSSES,
    CONV_LAYERS,
    INITIALIZERS,
    LEARNING_RULES,
    NUMERIC_EMBEDDINGS,
    OPTIMIZERS,
    SCHEDULES,
    SOLVERS,
    VALUE_LOSSES,
)


def _own_classes() -> Iterator[type]:
    """Iterate over the classes of sknet, without components that users registered."""
    yield from _OBJECTS
    for family in _FAMILIES:
        yield from (c for c in family.values() if c.__module__.startswith("sknet."))


#: Full names of the classes of sknet that a file of a fitted object may hold:
#: ``skops.io.load(file, trusted=sknet.SKOPS_TRUSTED)``.
SKOPS_TRUSTED: list[str] = sorted(
    {f"{cls.__module__}.{cls.__qualname__}" for cls in _own_classes()}
)
