"""Small images of digits, and convolutional networks that are quick to train."""

import numpy as np
from sklearn.datasets import load_digits

from sknet import (
    AggregatedConv,
    Conv,
    ResidualConv,
    SimpleCNNClassifier,
    SimpleCNNRegressor,
)


ROWS, DIGIT = load_digits(return_X_y=True)
ROWS, DIGIT = (ROWS[:200] * 15.0).astype(np.uint8), DIGIT[:200]
IMAGES = ROWS.reshape(-1, 8, 8)
SHARES = ROWS / 255.0  # what the network makes of bytes

KINDS = [SimpleCNNClassifier, SimpleCNNRegressor]
FEW = {
    "hidden_layer_sizes": (8,),
    "conv_layers": (Conv(4, pool=2),),
    "max_iter": 4,
    "random_state": 0,
}
# Each part of convolutional layers that computes in another way.
CONVOLUTIONS = {
    "plain": (Conv(4, pool=2), Conv(6, 5, pool=2)),
    "strided": (Conv(4, (3, 2), stride=2), Conv(4, padding="valid")),
    "dilated, in groups": (Conv(4), Conv(4, dilation=2, groups=2)),
    "average": (Conv(4, pool=3, pool_kind="average", pool_stride=2),),
    "stochastic": (Conv(4, pool=2, pool_kind="stochastic"),),
    "global": (Conv(4, pool=2), Conv(4, pool="global", pool_kind="average")),
    "normalised": (Conv(4, normalization="batch", dropout=0.2),),
    "layer norm": (Conv(4, normalization="layer", activation="tanh"),),
    "residual": (Conv(4), ResidualConv(4), ResidualConv(6, stride=2, dropout=0.2)),
    "preactivated": (
        Conv(4),
        ResidualConv(4, preactivation=True),
        ResidualConv(8, preactivation=True, stride=2, bottleneck=2),
    ),
    "padded": (Conv(4), ResidualConv(6, shortcut="zero_pad", stride=2, pool=2)),
    "aggregated": (AggregatedConv(6, cardinality=2, branch_width=2, pool="global"),),
    "none": (),
}


def few(kind=SimpleCNNClassifier, **params):
    """An estimator of few parameters and few epochs."""
    return kind(**FEW | params)


def output(model, X):
    """Probabilities, or values."""
    return getattr(model, "predict_proba", model.predict)(X)
