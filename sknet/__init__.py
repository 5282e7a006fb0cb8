"""Multi-layer perceptrons for scikit-learn users, on NumPy alone.

``SimpleMLPClassifier`` and ``SimpleMLPRegressor`` are drop-in replacements for
scikit-learn's ``MLPClassifier`` and ``MLPRegressor``, with the same names, defaults and
results in less time. ``TabularMLPClassifier`` and ``TabularMLPRegressor`` take raw
tables.
"""

from sknet import inspection as inspection
from sknet import onnx as onnx
from sknet._version import __version__ as __version__
from sknet.estimators.classifier import SimpleMLPClassifier
from sknet.estimators.cnn_classifier import SimpleCNNClassifier
from sknet.estimators.cnn_regressor import SimpleCNNRegressor
from sknet.estimators.regressor import SimpleMLPRegressor
from sknet.estimators.tabular_classifier import TabularMLPClassifier
from sknet.estimators.tabular_regressor import TabularMLPRegressor
from sknet.lockstep import (
    LockstepGridSearchCV,
    LockstepHalvingRandomSearchCV,
    LockstepHalvingSearchCV,
    LockstepRandomizedSearchCV,
)
from sknet.network.convolution import AggregatedConv, Conv, ResidualConv
from sknet.network.layers import Augment
from sknet.persistence import SKOPS_TRUSTED
from sknet.preprocessing import TabularPreprocessor
from sknet.training.checkpoint import Checkpoint


__all__ = [
    "SKOPS_TRUSTED",
    "AggregatedConv",
    "Augment",
    "Checkpoint",
    "Conv",
    "LockstepGridSearchCV",
    "LockstepHalvingRandomSearchCV",
    "LockstepHalvingSearchCV",
    "LockstepRandomizedSearchCV",
    "ResidualConv",
    "SimpleCNNClassifier",
    "SimpleCNNRegressor",
    "SimpleMLPClassifier",
    "SimpleMLPRegressor",
    "TabularMLPClassifier",
    "TabularMLPRegressor",
    "TabularPreprocessor",
]
