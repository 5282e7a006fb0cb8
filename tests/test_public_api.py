"""The public face: a change of it must be visible in this file's diff."""

import inspect
import re
from pathlib import Path

import pytest
from sklearn.experimental import enable_halving_search_cv  # noqa: F401, it enables
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor

import sknet
from sknet import (
    AggregatedConv,
    Augment,
    Checkpoint,
    Conv,
    LockstepGridSearchCV,
    LockstepHalvingRandomSearchCV,
    LockstepHalvingSearchCV,
    LockstepRandomizedSearchCV,
    ResidualConv,
    SimpleCNNClassifier,
    SimpleCNNRegressor,
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
    TabularPreprocessor,
)


DOCS = Path(__file__).parents[1] / "docs"
API_PAGE = DOCS / "api.rst"

PUBLIC_NAMES = [
    *("SKOPS_TRUSTED", "AggregatedConv", "Augment", "Checkpoint", "Conv"),
    *("LockstepGridSearchCV", "LockstepHalvingRandomSearchCV"),
    *("LockstepHalvingSearchCV", "LockstepRandomizedSearchCV", "ResidualConv"),
    *("SimpleCNNClassifier", "SimpleCNNRegressor", "SimpleMLPClassifier"),
    *("SimpleMLPRegressor", "TabularMLPClassifier", "TabularMLPRegressor"),
    "TabularPreprocessor",
]

# From here on sklearn's parameters, in its order, with its defaults ...
SKLEARN_PARAMETERS = {
    "hidden_layer_sizes": (100,),
    "activation": "relu",
    "solver": "adam",
    "alpha": 0.0001,
    "batch_size": "auto",
    "learning_rate": "constant",
    "learning_rate_init": 0.001,
    "power_t": 0.5,
    "max_iter": 200,
    "shuffle": True,
    "random_state": None,
    "tol": 0.0001,
    "verbose": False,
    "warm_start": False,
    "momentum": 0.9,
    "nesterovs_momentum": True,
    "early_stopping": False,
    "validation_fraction": 0.1,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "epsilon": 1e-08,
    "n_iter_no_change": 10,
    "max_fun": 15000,
}
# ... and here ours, off by default.
OWN_PARAMETERS = {
    "output_activation": None,
    "block": "plain",
    "dropout": 0.0,
    "use_bias": True,
    "initializer": "glorot_uniform",
    "learning_rule": "gradient",
    "learning_rate_multipliers": None,
    "clip_norm": None,
    "averaging": None,
    "scoring": None,
    "dtype": "auto",
    "max_time": None,
    "n_threads": None,
    "n_estimators": 1,
    "bootstrap": False,
    "shared_backbone": False,
    "joint_early_stopping": True,
    "n_jobs": None,
    "checkpoint": None,
    "engine": "auto",
    "deterministic": False,
}
CONSTRUCTORS = {
    SimpleMLPClassifier: {
        **SKLEARN_PARAMETERS,
        "class_weight": None,
        "loss": "log_loss",
        **OWN_PARAMETERS,
    },
    SimpleMLPRegressor: {
        "loss": "squared_error",
        **SKLEARN_PARAMETERS,
        **OWN_PARAMETERS,
    },
}
# What images need besides: all else is as in the Simple pair.
CONVOLUTIONS = {
    "conv_layers": (Conv(32, pool=2), Conv(64, pool=2)),
    "image_shape": None,
    "augment": None,
}
OF_IMAGES = {
    SimpleCNNClassifier: CONSTRUCTORS[SimpleMLPClassifier] | CONVOLUTIONS,
    SimpleCNNRegressor: CONSTRUCTORS[SimpleMLPRegressor] | CONVOLUTIONS,
}
for constructor_of_images in OF_IMAGES.values():
    del constructor_of_images["learning_rule"]  # which is of dense layers
# The recipe for tables: other defaults, and parameters that the others do not have.
RECIPE = {
    "hidden_layer_sizes": (128, 128, 128),
    "activation": "mish",
    "blend_activation": True,
    "categorical_features": "from_dtype",
    "max_one_hot": 8,
    "embedding_size": 8,
    "numeric_embedding": "periodic",
    "solver": "adamw",
    "alpha": 0.0,
    "learning_rate": "flat_cosine",
    "max_iter": 32,
    "early_stopping": True,
    "dropout": 0.1,
    "initializer": "data_driven",
    "learning_rate_multipliers": "auto",
    "scoring": "loss",
    "n_estimators": 4,
    "joint_early_stopping": False,
    "n_jobs": -1,
}
# What an instance of a component says instead, and what tables have no use for.
NOT_OF_TABLES = {
    "beta_1",
    "beta_2",
    "bootstrap",
    "epsilon",
    "learning_rule",
    "max_fun",
    "momentum",
    "nesterovs_momentum",
    "power_t",
    "shared_backbone",
    "shuffle",
    "tol",
}


def without_those(parameters):
    """Parameters of the Simple pair that the Tabular pair has, too."""
    return {name: d for name, d in parameters.items() if name not in NOT_OF_TABLES}


OF_TABLES = {
    TabularMLPClassifier: {
        **without_those(CONSTRUCTORS[SimpleMLPClassifier]),
        **RECIPE,
        "learning_rate_init": 0.04,
        "n_iter_no_change": 3,
        "calibrate": True,
    },
    TabularMLPRegressor: {
        **without_those(CONSTRUCTORS[SimpleMLPRegressor]),
        **RECIPE,
        "learning_rate_init": 0.1,
        "clip_predictions": True,
        "quantiles": None,
    },
}
OTHERS = {
    Augment: "(shift=2, flip=False, rotation=0.0, cutout=0)",
    Conv: (
        "(filters=1, kernel_size=3, stride=1, padding='same', pool=None, "
        "pool_kind='max', normalization=None, activation=None, dropout=0.0, "
        "pool_stride=None, dilation=1, groups=1)"
    ),
    ResidualConv: (
        "(filters=1, kernel_size=3, stride=1, shortcut='projection', "
        "preactivation=False, bottleneck=None, normalization='batch', "
        "activation=None, pool=None, pool_kind='average', dropout=0.0)"
    ),
    AggregatedConv: (
        "(filters=1, kernel_size=3, stride=1, cardinality=8, branch_width=4, "
        "shortcut='projection', normalization='batch', activation=None, pool=None, "
        "pool_kind='average', dropout=0.0)"
    ),
    Checkpoint: "(path, epochs=None, minutes=1.0)",
    TabularPreprocessor: (
        "(categorical_features='from_dtype', *, max_one_hot=8, min_frequency='auto', "
        "numeric='robust', clip=3.0, missing_indicator=True, scale_flags=True, "
        "dtype='float32')"
    ),
}
SEARCHES = {
    LockstepGridSearchCV: GridSearchCV,
    LockstepRandomizedSearchCV: RandomizedSearchCV,
    LockstepHalvingSearchCV: HalvingGridSearchCV,
    LockstepHalvingRandomSearchCV: HalvingRandomSearchCV,
}
# Those that may be given by position, in order.
POSITIONAL = {
    SimpleMLPClassifier: ["hidden_layer_sizes", "activation"],
    SimpleMLPRegressor: ["loss", "hidden_layer_sizes", "activation"],
}
METHODS = {
    SimpleMLPClassifier: {
        "compact": "(self)",
        "decision_function": "(self, X)",
        "fit": (
            "(self, X, y, sample_weight=None, "
            "*, X_val=None, y_val=None, sample_weight_val=None)"
        ),
        "from_sklearn": "(mlp)",
        "partial_fit": "(self, X, y, *, classes=None, sample_weight=None)",
        "predict": "(self, X)",
        "predict_log_proba": "(self, X)",
        "predict_members": "(self, X)",
        "predict_proba": "(self, X)",
        "predict_proba_members": "(self, X)",
        "predictor": "(self)",
        "program": "(self, X)",
        "score": "(self, X, y, sample_weight=None)",
        "to_sklearn": "(self)",
    },
    SimpleMLPRegressor: {
        "compact": "(self)",
        "fit": (
            "(self, X, y, sample_weight=None, "
            "*, X_val=None, y_val=None, sample_weight_val=None)"
        ),
        "from_sklearn": "(mlp)",
        "partial_fit": "(self, X, y, *, sample_weight=None)",
        "predict": "(self, X, return_std=False, *, quantiles=None)",
        "predict_members": "(self, X)",
        "predictor": "(self)",
        "program": "(self, X)",
        "score": "(self, X, y, sample_weight=None)",
        "to_sklearn": "(self)",
    },
}
# Methods that scikit-learn's base classes give, signatures and all.
INHERITED = {
    "set_callbacks",  # from scikit-learn 1.9 on
    "get_metadata_routing",
    "get_params",
    "set_fit_request",
    "set_params",
    "set_partial_fit_request",
    "set_predict_request",
    "set_score_request",
}

SISTERS = {SimpleMLPClassifier: MLPClassifier, SimpleMLPRegressor: MLPRegressor}
ESTIMATORS = list(SISTERS)


def constructor(estimator_class):
    """Parameters of the constructor, ``self`` apart."""
    parameters = inspect.signature(estimator_class).parameters
    return {name: parameter.default for name, parameter in parameters.items()}


def positional(estimator_class):
    """Names of the constructor's parameters that may be given by position."""
    parameters = inspect.signature(estimator_class).parameters.values()
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


def bare_signature(method):
    """Signature as text, without annotations."""
    signature = inspect.signature(method)
    empty = inspect.Parameter.empty
    bare = [p.replace(annotation=empty) for p in signature.parameters.values()]
    return str(inspect.Signature(bare))


def public_methods(estimator_class):
    """Names of the methods without underscore, as ``partial_fit`` on an instance."""
    names = (name for name in dir(estimator_class) if not name.startswith("_"))
    return {name for name in names if callable(getattr(estimator_class(), name, None))}


def test_all_is_as_stored():
    assert sknet.__all__ == PUBLIC_NAMES  # ruff sorts it


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_public_name_exists(name):
    assert hasattr(sknet, name)


def test_version_is_a_release_number():
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|rc\d+)?", sknet.__version__)


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_public_name_is_on_the_api_page(name):
    assert re.search(rf"\b{name}\b", API_PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_constructor_is_as_stored(estimator_class):
    stored = CONSTRUCTORS[estimator_class]
    assert list(constructor(estimator_class).items()) == list(stored.items())
    assert positional(estimator_class) == POSITIONAL[estimator_class]


@pytest.mark.parametrize("estimator_class", OF_TABLES)
def test_constructor_for_tables_is_as_stored(estimator_class):
    assert constructor(estimator_class) == OF_TABLES[estimator_class]
    assert positional(estimator_class) == ["hidden_layer_sizes", "activation"]


@pytest.mark.parametrize("estimator_class", OF_IMAGES)
def test_constructor_for_images_is_as_stored(estimator_class):
    assert constructor(estimator_class) == OF_IMAGES[estimator_class]
    assert positional(estimator_class) == ["hidden_layer_sizes", "activation"]


@pytest.mark.parametrize(
    ("estimator_class", "simple"), [*zip(OF_IMAGES, METHODS, strict=True)]
)
def test_methods_for_images_are_those_of_the_simple_pair(estimator_class, simple):
    assert public_methods(estimator_class) == public_methods(simple)
    for name, signature in METHODS[simple].items():
        assert bare_signature(getattr(estimator_class, name)) == signature, name


@pytest.mark.parametrize("other", OTHERS)
def test_other_constructor_is_as_stored(other):
    assert bare_signature(other) == OTHERS[other]


@pytest.mark.parametrize("search", SEARCHES)
def test_search_has_the_arguments_of_sklearns(search):
    """In its order, with its defaults; halving is on epochs."""
    theirs = constructor(SEARCHES[search])
    if "resource" in theirs:
        theirs["resource"] = "max_iter"
    assert list(constructor(search).items()) == list(theirs.items())


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_constructor_starts_with_that_of_sklearn(estimator_class):
    counterpart = SISTERS[estimator_class]
    ours = constructor(estimator_class)
    if "loss" not in constructor(counterpart):  # the regressor of scikit-learn < 1.7
        ours.pop("loss", None)

    theirs = constructor(counterpart)
    assert list(ours.items())[: len(theirs)] == list(theirs.items())
    ours_positional = [n for n in positional(estimator_class) if n in ours]
    assert ours_positional == positional(counterpart)


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_methods_are_as_stored(estimator_class):
    stored = METHODS[estimator_class]
    found = public_methods(estimator_class) - INHERITED
    assert found == set(stored)
    for name, signature in stored.items():
        assert bare_signature(getattr(estimator_class, name)) == signature, name


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_methods_are_those_of_sklearn_and_more(estimator_class):
    theirs = public_methods(SISTERS[estimator_class])
    assert theirs <= public_methods(estimator_class)


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_what_was_added_is_on_the_page_of_differences(estimator_class):
    """Parameters and methods; a request for metadata goes with its method."""
    counterpart = SISTERS[estimator_class]
    added = set(constructor(estimator_class)) - set(constructor(counterpart))
    added |= public_methods(estimator_class) - public_methods(counterpart)
    page = (DOCS / "differences.rst").read_text(encoding="utf-8")

    missing = {name for name in added if f"``{name}``" not in page}
    assert {name for name in missing if not name.endswith("_request")} == set()
