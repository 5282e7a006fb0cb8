"""Configurations of the estimators that scikit-learn's checks are run on, by name.

Those of ``CORE`` are checked in the suite, the others in ``make test-slow``.
"""

from sknet import (
    Conv,
    ResidualConv,
    SimpleCNNClassifier,
    SimpleCNNRegressor,
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.losses import CLASS_LOSSES, VALUE_LOSSES
from sknet.network.blocks import BLOCKS, Plain
from sknet.optimizers import OPTIMIZERS


BATCH_NORMALIZATION = Plain(normalization="batch")

COMMON = {
    "defaults": {},
    **{f"solver={solver}": {"solver": solver} for solver in OPTIMIZERS},
    "lbfgs": {"solver": "lbfgs"},
    "early stopping": {"early_stopping": True},
    "small batches": {"batch_size": 4},
    # A linear model needs more of each step: the default learning rate is meant for
    # 100 hidden units.
    "linear": {
        "hidden_layer_sizes": (),
        "learning_rate_init": 0.05,
        "max_iter": 1000,
        "dropout": 0.0,
    },
    "dropout": {"dropout": 0.2},
    "dropout, early stopping": {"dropout": 0.2, "early_stopping": True},
    "batch normalization": {"block": BATCH_NORMALIZATION},
    **{f"block={block}": {"block": block} for block in BLOCKS},
    "float32": {"dtype": "float32"},
    "ensemble of 3": {"n_estimators": 3},
    "warm start": {"warm_start": True},
    "residual, adamw, clipped": {
        "block": "residual",
        "solver": "adamw",
        "clip_norm": 1.0,
    },
    "layer normalization, blend, ema": {
        "block": Plain(normalization="layer"),
        "activation": "blend",
        "averaging": "ema",
    },
    "highway, mish, one cycle": {
        "block": "highway",
        "activation": "mish",
        "learning_rate": "one_cycle",
    },
    "maxout": {"activation": "maxout"},
}
OF_SIMPLE = COMMON | {
    "bootstrap": {"n_estimators": 3, "bootstrap": True},
    "shared backbone of 3": {"n_estimators": 3, "shared_backbone": True},
}
LOSSES_OF_CLASSIFIERS = {
    f"loss={loss}": {"loss": loss} for loss in CLASS_LOSSES if loss != "custom"
}
OF_REGRESSORS = {
    f"loss={loss}": {"loss": loss} for loss in VALUE_LOSSES if loss != "custom"
}
OF_TABLES = {
    "preset": {},
    # A check on class weights trains 1000 epochs on 50 rows, and wants that not all
    # are learned by heart: shorter steps, larger batches, a penalty. L-BFGS takes no
    # plan of the learning rate and no noise, which are there by default.
    "solver=lion": {"solver": "lion", "learning_rate_init": 0.002},
    "solver=rmsprop": {"solver": "rmsprop", "learning_rate_init": 0.004},
    "block=preactivation": {"block": "preactivation", "learning_rate_init": 0.002},
    "small batches": {"batch_size": 16},
    "highway, mish, one cycle": {
        "block": "highway",
        "activation": "mish",
        "learning_rate": "one_cycle",
        "learning_rate_init": 0.004,
    },
    "linear": {"hidden_layer_sizes": (), "dropout": 0.0},
    "lbfgs": {
        "solver": "lbfgs",
        "alpha": 1.0,
        "max_iter": 20,
        "dtype": "float64",
        "learning_rate": "constant",
        "dropout": 0.0,
    },
    "plain inputs": {"numeric_embedding": None, "blend_activation": False},
    "stopped together": {"joint_early_stopping": True},
    "early stopping off": {"early_stopping": False},
    "default initializer of the others": {"initializer": "glorot_uniform"},
}
# Images of the checks are a row of 1 to 30 pixels, or a square of a few.
OF_IMAGES = {
    "defaults": {"conv_layers": (Conv(32, pool=2), Conv(64, pool=2))},
    "early stopping": {"early_stopping": True},
    "ensemble of 3": {"n_estimators": 3},
    "residual convolutions": {
        "conv_layers": (Conv(4), ResidualConv(4), ResidualConv(8, preactivation=True))
    },
    "float32": {"dtype": "float32"},
}

# One check wants half of the variance explained.
LONG_ENOUGH = {
    "loss=poisson": {"loss": "poisson", "max_iter": 300},
    "loss=gamma": {"loss": "gamma", "solver": "lbfgs", "max_iter": 200},
}

BY_ESTIMATOR = {
    SimpleMLPClassifier: OF_SIMPLE
    | LOSSES_OF_CLASSIFIERS
    | {"class weights": {"class_weight": "balanced"}},
    SimpleMLPRegressor: OF_SIMPLE | OF_REGRESSORS | LONG_ENOUGH,
    SimpleCNNClassifier: OF_SIMPLE | OF_IMAGES,
    SimpleCNNRegressor: OF_SIMPLE | OF_IMAGES,
    TabularMLPClassifier: COMMON
    | OF_TABLES
    | LOSSES_OF_CLASSIFIERS
    | {
        "not calibrated": {"calibrate": False},
        "class weights in a table": {"class_weight": "balanced"},
    },
    TabularMLPRegressor: COMMON
    | OF_TABLES
    | OF_REGRESSORS
    | {
        "quantiles": {"quantiles": (0.1, 0.9)},
        # Standardised targets have mean zero, and so has the first gradient of the
        # output's bias, up to rounding, whose sign Lion would follow.
        "solver=lion": {
            "solver": "lion",
            "learning_rate_init": 0.01,
            "initializer": "glorot_uniform",
        },
    },
}


# Smaller networks and fewer, longer steps than by default, which passes as well but
# takes longer: in one configuration, "defaults" or "preset", all is as users have it.
_QUICK = {"hidden_layer_sizes": (16,), "learning_rate_init": 0.02, "max_iter": 60}
_QUICK_IMAGES = _QUICK | {"conv_layers": (Conv(4, pool=2),)}
_QUICK_TABLES = {"hidden_layer_sizes": (16,), "n_estimators": 2, "n_jobs": 1}


def configured(estimator, name):
    """An estimator in one of its configurations."""
    if estimator in (SimpleMLPClassifier, SimpleMLPRegressor):
        quick = {} if name == "defaults" else _QUICK
    elif estimator in (SimpleCNNClassifier, SimpleCNNRegressor):
        quick = _QUICK_IMAGES
    else:
        quick = {} if name == "preset" else _QUICK_TABLES
    return estimator(**quick | BY_ESTIMATOR[estimator][name])
