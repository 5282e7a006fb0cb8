"""scikit-learn's own checks of an estimator: no failure, none expected, none skipped.

scikit-learn's ``MLPClassifier`` and ``MLPRegressor`` fail several of these checks with
``early_stopping=True``, with ``batch_size=4``, with ``solver="lbfgs"`` and without
hidden layer.
"""

import os
import unittest

import pytest
from sklearn.base import is_classifier
from sklearn.utils import estimator_checks

from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.network.blocks import Plain


# The checks compare results; that some of their data sets are too small for a
# validation split, or need more iterations, is what they are warned of.
pytestmark = pytest.mark.filterwarnings("ignore", "error::RuntimeWarning")

# Left out: dtype="float32".  The checks on sample weights compare to 1e-7, and single
# precision has a resolution of 1.2e-7.
CONFIGURATIONS = [
    {},
    {"early_stopping": True},
    {"batch_size": 4},
    {"solver": "lbfgs"},
    {"solver": "sgd"},
    # A linear model needs more of each step: the default learning rate is meant for
    # 100 hidden units.
    {"hidden_layer_sizes": (), "learning_rate_init": 0.05, "max_iter": 1000},
    # One of most families at once. Left out: dropout, whose noise is of a row, so that
    # a row of weight two is not the same as two rows, as a check on weights wants.
    {"block": "residual", "solver": "adamw", "clip_norm": 1.0},
    {"block": Plain(normalization="layer"), "activation": "blend", "averaging": "ema"},
    {"block": "highway", "activation": "mish", "learning_rate": "one_cycle"},
]
ESTIMATORS = [
    estimator(**configuration)
    for configuration in CONFIGURATIONS
    for estimator in (SimpleMLPClassifier, SimpleMLPRegressor)
]
ESTIMATORS += [
    SimpleMLPClassifier(loss="hinge"),
    SimpleMLPClassifier(loss="squared_error", activation="maxout"),
    SimpleMLPRegressor("quantile"),
    SimpleMLPRegressor("gaussian"),
    TabularMLPClassifier(),
    TabularMLPClassifier((16,), calibrate=False, loss="hinge", stop_together=True),
    TabularMLPRegressor(),
    TabularMLPRegressor((16,), quantiles=(0.1, 0.9), numeric_embedding=None),
    TabularMLPRegressor((16,), loss="huber", early_stopping=False),
]

# Checks that scikit-learn runs on its own estimators only.
EXTRA_CHECKS = [
    "check_class_weight_classifiers",
    "check_dataframe_column_names_consistency",
    "check_inplace_ensure_writeable",
    "check_param_validation",
    "check_regressor_multioutput",
]


def id_of(estimator, check):
    """Name of a check with its options, after the estimator; without line breaks."""
    options = ",".join(f"{key}={value}" for key, value in check.keywords.items())
    return f"{' '.join(str(estimator).split())}-{check.func.__name__}({options})"


# What parametrize_with_checks does; it gives pytest a generator in scikit-learn before
# 1.9, which pytest 9 warns of.
CHECKS = [
    pytest.param(estimator, check, id=id_of(estimator, check))
    for configured in ESTIMATORS
    for estimator, check in estimator_checks.estimator_checks_generator(configured)
]


def run(check, estimator):
    """Run a check; one that skips itself has not been passed.

    But one of probabilities has nothing to check where there are none.
    """
    try:
        check()
    except unittest.SkipTest as skip:
        about_probabilities = "does not have a predict_proba method" in str(skip)
        if not about_probabilities or hasattr(estimator, "predict_proba"):
            pytest.fail(f"the check was skipped: {skip}")


def suits(check_name, estimator):
    """Whether a check is meant for this kind of estimator."""
    other_kind = "regressor" if is_classifier(estimator) else "classifier"
    return other_kind not in check_name


def test_array_api_checks_are_switched_on():
    """SCIPY_ARRAY_API=1 is set; without it check_array_api_input is skipped."""
    assert os.environ.get("SCIPY_ARRAY_API") == "1"


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_estimator_passes_check(estimator, check):
    """Both estimators pass each check of scikit-learn in each configuration."""
    run(lambda: check(estimator), estimator)


@pytest.mark.parametrize(
    ("check_name", "estimator"),
    [
        pytest.param(name, estimator, id=f"{name}-{' '.join(str(estimator).split())}")
        for name in EXTRA_CHECKS
        for estimator in ESTIMATORS
        if suits(name, estimator)
    ],
)
def test_estimator_passes_private_check(check_name, estimator):
    """Both estimators pass the checks that scikit-learn keeps for its own."""
    check = getattr(estimator_checks, check_name, None)
    if check is None:
        pytest.skip(f"this version of scikit-learn has no {check_name}")

    run(lambda: check(type(estimator).__name__, estimator), estimator)
