"""Saving: files run no code, lose nothing, and want no class trusted but ours."""

import importlib
import math
import pickle
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import saved.write as writer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from stored import (
    CLASSIFIER,
    EARLY,
    LABELS,
    REGRESSOR,
    SAVED,
    SEARCH_TYPES,
    SMALL,
    TABLE,
    VALUES,
    X,
    fitted,
    outputs,
    through,
)

import sknet
from sknet.activations import ACTIVATIONS, LeakyReLU, Tanh
from sknet.averages import AVERAGES
from sknet.initializers import INITIALIZERS
from sknet.losses import CLASS_LOSSES, VALUE_LOSSES
from sknet.network.blocks import BLOCKS, Plain
from sknet.network.input_embedding import NUMERIC_EMBEDDINGS
from sknet.network.learning_rules import LEARNING_RULES
from sknet.optimizers import OPTIMIZERS
from sknet.schedules import SCHEDULES
from sknet.solvers import SOLVERS
from sknet.testing import temporarily_registered


pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:lbfgs failed to converge"),
]
COUNTS = np.exp(VALUES / 2)
INDICATOR = (X > 0).astype(int)
OBJECTS = LABELS.astype(object)


def of_family(registry, parameter, cls, y, rows=X, **more):
    """A case for each name of a registry, and for each instance."""
    for name, component in registry.items():
        if name != "custom":  # holds functions of the user's, not ours to trust
            for form, value in (("name", name), ("instance", component())):
                yield (
                    f"{parameter}={name}, {form}",
                    cls,
                    {parameter: value} | more,
                    (
                        rows,
                        y,
                    ),
                )


NEVER_WRITTEN = sknet.Checkpoint("never.npz", minutes=math.inf)
NUMBERS = {"categorical_features": None, "numeric_embedding": None}
OPTIONS = [
    ("lbfgs", CLASSIFIER, {"solver": "lbfgs", "batch_size": "auto"}, (X, LABELS)),
    ("several labels", CLASSIFIER, {}, (X, INDICATOR)),
    ("object labels", CLASSIFIER, {}, (X, OBJECTS)),
    ("float32", CLASSIFIER, {"dtype": "float32"}, (X, LABELS)),
    ("class weights", CLASSIFIER, {"class_weight": {"low": 2.0}}, (X, LABELS)),
    ("dropout", CLASSIFIER, {"dropout": 0.2}, (X, LABELS)),
    ("norm", CLASSIFIER, {"block": Plain(normalization="batch")}, (X, LABELS)),
    ("ensemble", CLASSIFIER, {"n_estimators": 2, "bootstrap": True}, (X, LABELS)),
    ("backbone", CLASSIFIER, {"n_estimators": 2, "shared_backbone": True}, (X, LABELS)),
    ("list", CLASSIFIER, {"activation": ["relu", Tanh()]}, (X, LABELS)),
    (
        "clip",
        CLASSIFIER,
        {"clip_norm": 1.0, "learning_rate_multipliers": {"bias": 2.0}},
        (X, OBJECTS),
    ),
    ("checkpoint", CLASSIFIER, {"checkpoint": NEVER_WRITTEN}, (X, LABELS)),
    ("stream", CLASSIFIER, {"random_state": np.random.RandomState(3)}, (X, LABELS)),
    ("linear", REGRESSOR, {"hidden_layer_sizes": (), "use_bias": False}, (X, VALUES)),
    ("outputs", REGRESSOR, {"shuffle": False}, (X, np.stack([VALUES, COUNTS], 1))),
    ("lbfgs, values", REGRESSOR, {"solver": "lbfgs"}, (X, VALUES)),
    ("table", sknet.TabularMLPClassifier, writer.CATEGORIES, (TABLE, LABELS)),
    ("numbers", sknet.TabularMLPClassifier, NUMBERS, (X, LABELS)),
    ("names", sknet.TabularMLPRegressor, {"quantiles": (0.1, 0.9)}, (TABLE, VALUES)),
]
OPTIONS += [
    ("early", CLASSIFIER, EARLY, (X, LABELS)),
    ("scoring", REGRESSOR, EARLY | {"scoring": "neg_max_error"}, (X, VALUES)),
    (
        "each early",
        REGRESSOR,
        EARLY | {"n_estimators": 2, "joint_early_stopping": False},
        (X, VALUES),
    ),
]
CASES = [
    *of_family(ACTIVATIONS, "activation", CLASSIFIER, LABELS),
    *of_family(CLASS_LOSSES, "loss", CLASSIFIER, LABELS),
    *of_family(VALUE_LOSSES, "loss", REGRESSOR, COUNTS),
    *of_family(OPTIMIZERS, "solver", CLASSIFIER, LABELS),
    *of_family(SCHEDULES, "learning_rate", CLASSIFIER, LABELS),
    *of_family(AVERAGES, "averaging", CLASSIFIER, LABELS),
    *of_family(BLOCKS, "block", CLASSIFIER, LABELS),
    *of_family(INITIALIZERS, "initializer", CLASSIFIER, LABELS),
    *of_family(LEARNING_RULES, "learning_rule", CLASSIFIER, LABELS),
    *of_family(
        NUMERIC_EMBEDDINGS,
        "numeric_embedding",
        sknet.TabularMLPRegressor,
        VALUES,
        TABLE,
        **writer.CATEGORIES,
    ),
    *OPTIONS,
]
IDS = [case[0] for case in CASES]


def go_on(model, data):
    """Train some more."""
    if hasattr(model, "partial_fit"):
        model.partial_fit(*data)
    return model.set_params(max_iter=3).fit(*data)


# ------------------------------------------------------------- formats lose nothing


@pytest.mark.parametrize(("name", "cls", "params", "data"), CASES, ids=IDS)
def test_skops_loads_with_our_classes_alone_and_loses_nothing(name, cls, params, data):
    """Predictions have the same bits, and so has the training that goes on."""
    del name
    skops = pytest.importorskip("skops.io")
    model = fitted(cls, params, data)
    file = skops.dumps(model)
    assert set(skops.get_untrusted_types(data=file)) <= set(sknet.SKOPS_TRUSTED)
    again = skops.loads(file, trusted=sknet.SKOPS_TRUSTED)
    np.testing.assert_array_equal(outputs(again, data[0]), outputs(model, data[0]))
    for parameter, value in model.get_params().items():
        same = again.get_params()[parameter] == value
        assert same or isinstance(value, np.random.RandomState), parameter
    go_on(model, data)
    go_on(again, data)
    np.testing.assert_array_equal(again.theta_, model.theta_)
    np.testing.assert_array_equal(outputs(again, data[0]), outputs(model, data[0]))


@pytest.mark.parametrize(
    ("name", "cls", "params", "data"), OPTIONS, ids=IDS[-len(OPTIONS) :]
)
@pytest.mark.parametrize("form", ["pickle", "joblib", "copy"])
def test_pickles_and_copies_lose_nothing(form, name, cls, params, data):
    del name
    model = fitted(cls, params, data)
    again = through(model, form)
    assert vars(again).keys() == vars(model).keys()
    go_on(model, data)
    go_on(again, data)
    np.testing.assert_array_equal(again.theta_, model.theta_)


def odd_values(value, path="state"):
    """What a safe loader would not know: all but arrays, numbers, text, containers."""
    if isinstance(value, np.ndarray):
        if value.dtype == object and not all(isinstance(v, str) for v in value.flat):
            yield f"{path} is an array of objects"
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                yield f"{path} has the key {key!r}, which is no text"
            yield from odd_values(item, f"{path}[{key!r}]")
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from odd_values(item, f"{path}[{i}]")
    elif type(value) not in (type(None), bool, int, float, str):
        yield f"{path} is a {type(value).__name__}"


@pytest.mark.parametrize(("name", "cls", "params", "data"), CASES, ids=IDS)
def test_fitted_state_is_plain(name, cls, params, data):
    """Arrays, numbers, text, lists, tuples, dicts and None, whatever the options."""
    del name
    model = fitted(cls, params, data)
    state = model.__getstate__()
    for parameter in model.get_params(deep=False):
        del state[parameter]
    if "preprocessor_" in state:
        encoder = state.pop("preprocessor_")
        state["encoder"] = encoder.__getstate__()
        assert type(encoder) is sknet.TabularPreprocessor
    assert not list(odd_values(state))


def test_odd_values_are_seen():
    """The walker above is not blind."""
    odd = {"a": [np.float64(1)], "b": {1: 2}, "c": np.array([None]), "d": ({1},)}
    assert len(list(odd_values(odd))) == 4


@pytest.mark.parametrize("form", ["skops", "pickle"])
def test_levels_of_any_type_survive(form):
    """True, 1 and "1" are different levels, and text for a key in some formats."""
    table = np.array(
        [[True, 1], [False, "1"], [True, "True"], [False, 2.5]] * 5, object
    )
    encoder = sknet.TabularPreprocessor([0, 1], max_one_hot=9).fit(table)
    again = through(encoder, form)
    np.testing.assert_array_equal(again.transform(table), encoder.transform(table))
    assert again.categories_ == encoder.categories_
    assert np.ptp(again.transform(table), axis=0).min() > 0


# ------------------------------------------------------------------ other containers


def test_pipeline_and_searches_load_with_our_classes_and_sklearns():
    """scikit-learn's own classes that skops asks about are those of searches."""
    skops = pytest.importorskip("skops.io")
    net = CLASSIFIER(**SMALL)
    grid = {"simplemlpclassifier__alpha": [1e-4, 0.1]}
    pipeline = make_pipeline(StandardScaler(), net)
    data = skops.dumps(pipeline.fit(X, LABELS))
    again = skops.loads(data, trusted=sknet.SKOPS_TRUSTED)
    np.testing.assert_array_equal(again.predict_proba(X), pipeline.predict_proba(X))
    searches = [
        GridSearchCV(pipeline, grid, cv=2),
        sknet.LockstepGridSearchCV(pipeline, grid, cv=2),
        sknet.LockstepRandomizedSearchCV(pipeline, grid, n_iter=2, cv=2),
        sknet.LockstepHalvingSearchCV(net, {"alpha": [1e-4, 0.1]}, cv=2),
        sknet.LockstepHalvingRandomSearchCV(
            net, {"alpha": [1e-4, 0.1]}, n_candidates=2, cv=2, random_state=0
        ),
    ]
    for search in searches:
        search.fit(X, LABELS)
    values = sknet.LockstepGridSearchCV(REGRESSOR(**SMALL), {"alpha": [0.1]}, cv=2)
    searches.append(values.fit(X, VALUES))
    for search in searches:
        data = skops.dumps(search)
        others = set(skops.get_untrusted_types(data=data)) - set(sknet.SKOPS_TRUSTED)
        assert others <= SEARCH_TYPES
        again = skops.loads(data, trusted=[*sknet.SKOPS_TRUSTED, *others])
        np.testing.assert_array_equal(outputs(again, X), outputs(search, X))
        scores = search.cv_results_["mean_test_score"]
        np.testing.assert_array_equal(again.cv_results_["mean_test_score"], scores)


def test_docs_name_the_types_of_searches():
    page = SAVED.parents[1] / "docs" / "user_guide" / "saving.rst"
    text = page.read_text(encoding="utf-8")
    assert all(name in text for name in SEARCH_TYPES)


def test_mlflow_saves_in_its_default_format(tmp_path, monkeypatch):
    """Its scikit-learn flavour writes skops files, and wants to be told the classes."""
    flavour = pytest.importorskip("mlflow.sklearn")
    pytest.importorskip("skops")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "runs").as_uri())
    model = make_pipeline(StandardScaler(), CLASSIFIER(**SMALL, solver="adam"))
    model.fit(X, LABELS)
    folder = tmp_path / "model"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own
        flavour.save_model(
            model,
            folder,
            serialization_format="skops",
            skops_trusted_types=sknet.SKOPS_TRUSTED,
            pip_requirements=[],  # else it asks pip what is installed
        )
        again = flavour.load_model(str(folder))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


# ----------------------------------------------------------------------- SKOPS_TRUSTED


def test_trusted_list_names_the_classes_where_they_are():
    """Each path is that of a class of ours, as files hold it."""
    for path in sknet.SKOPS_TRUSTED:
        module, _, name = path.rpartition(".")
        cls = getattr(importlib.import_module(module), name)
        assert f"{cls.__module__}.{cls.__qualname__}" == path
        assert path.startswith("sknet.")


def test_every_public_class_and_component_is_trusted():
    classes = {value for value in vars(sknet).values() if isinstance(value, type)}
    registries = (ACTIVATIONS, AVERAGES, BLOCKS, CLASS_LOSSES, INITIALIZERS)
    registries += (
        LEARNING_RULES,
        NUMERIC_EMBEDDINGS,
        OPTIMIZERS,
        SCHEDULES,
        SOLVERS,
        VALUE_LOSSES,
    )
    for registry in registries:
        own = (c for c in registry.values() if c.__module__.startswith("sknet."))
        classes |= set(own)  # other files of tests may have registered theirs
    paths = {f"{cls.__module__}.{cls.__qualname__}" for cls in classes}
    assert paths == set(sknet.SKOPS_TRUSTED)


@dataclass(frozen=True, repr=False)
class Own(LeakyReLU):
    """An activation of the user's."""


def test_path_is_saved_as_text():
    """No loader has to trust a class for it, and a pickle may go to another system."""
    skops = pytest.importorskip("skops.io")
    model = fitted(sknet.SimpleMLPRegressor, {}, (X, VALUES))
    model.set_params(checkpoint=Path("never.npz"))
    again = skops.loads(skops.dumps(model), trusted=sknet.SKOPS_TRUSTED)
    assert again.checkpoint == pickle.loads(pickle.dumps(model)).checkpoint
    assert again.checkpoint == "never.npz"


def test_class_of_the_user_is_never_trusted():
    """Whoever registers a component has to trust it by name, and is told so."""
    skops = pytest.importorskip("skops.io")
    with temporarily_registered(ACTIVATIONS, "own", Own):
        again = importlib.reload(importlib.import_module("sknet.persistence"))
        assert again.SKOPS_TRUSTED == sknet.SKOPS_TRUSTED
        model = fitted(CLASSIFIER, {"activation": Own()}, (X, LABELS))
        data = skops.dumps(model)
    assert f"{__name__}.Own" in skops.get_untrusted_types(data=data)
    with pytest.raises(skops.exceptions.UntrustedTypesFoundException, match="Own"):
        skops.loads(data, trusted=sknet.SKOPS_TRUSTED)


def test_functions_of_the_user_are_never_trusted():
    skops = pytest.importorskip("skops.io")
    model = fitted(REGRESSOR, {"loss": (half_square, error)}, (X, VALUES))
    with pytest.raises(skops.exceptions.UntrustedTypesFoundException, match="error"):
        skops.loads(skops.dumps(model), trusted=sknet.SKOPS_TRUSTED)


def half_square(raw, y):
    """Half the squared error."""
    return 0.5 * ((raw - y) ** 2).sum(axis=1)


def error(raw, y):
    """Its gradient."""
    return raw - y
