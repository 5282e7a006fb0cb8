"""What a user can set, call or read is documented: one form, the same words."""

import ast
import inspect
import re
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

import sknet


PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"

CLASSES = [
    getattr(sknet, name)
    for name in sknet.__all__
    if inspect.isclass(getattr(sknet, name))
]
ESTIMATORS = [sknet.SimpleMLPClassifier, sknet.SimpleMLPRegressor]
# Between them, these fits set each attribute that a fit can set.
FITS = [
    {"early_stopping": True},
    {"solver": "sgd"},
    {"solver": "lbfgs"},
    {"n_estimators": 2},
]


def own_methods(cls):
    """Public methods written in sknet; scikit-learn documents its own."""
    for name in dir(cls):
        member = None if name.startswith("_") else getattr(cls, name, None)
        function = inspect.unwrap(member)
        if inspect.isfunction(function) and function.__module__.startswith("sknet."):
            yield name


OBJECTS = [cls.__name__ for cls in CLASSES]
OBJECTS += [f"{cls.__name__}.{name}" for cls in CLASSES for name in own_methods(cls)]


def entries(docstring, section):
    """Entries (name: (type, words)) of a section, each name of "a, b : float" apart."""
    return {
        name: (entry.type, " ".join(" ".join(entry.desc).split()))
        for entry in NumpyDocString(docstring)[section]
        for name in entry.name.split(", ")
    }


def value_of(words):
    """A documented default: a literal, or a tuple of convolutional layers."""
    calls = re.fullmatch(r"\(((?:Conv\(.*?\)(?:, )?)+)\)", words)
    if calls is None:
        return ast.literal_eval(words)
    found = re.findall(r"Conv\((\d+), pool=(\d+)\)", calls[1])
    return tuple(sknet.Conv(int(filters), pool=int(pool)) for filters, pool in found)


def documented(cls, section):
    """Entries of a section of the class docstring."""
    return entries(inspect.getdoc(cls), section)


def fitted_attributes(estimator):
    """Public attributes that ``fit`` has set, properties among them."""
    names = (name for name in dir(estimator) if re.fullmatch(r"[a-zA-Z]\w*_", name))
    return {name for name in names if hasattr(estimator, name)}


def unlike(ours, theirs):
    """Names of the entries that two classes share but describe in other words."""
    return [name for name in ours if name in theirs and ours[name] != theirs[name]]


@pytest.fixture(scope="module", params=ESTIMATORS)
def attributes(request):
    """One estimator class, and its fitted attributes over all kinds of fit."""
    X = pd.DataFrame(
        np.random.default_rng(0).standard_normal((200, 3)), columns=[*"abc"]
    )
    y = np.arange(200) % 2
    options = {"max_iter": 300, "tol": 1.0, "n_iter_no_change": 2, "random_state": 0}
    fitted = [request.param(**options, **fit).fit(X, y) for fit in FITS]
    return request.param, set().union(*map(fitted_attributes, fitted))


@pytest.mark.parametrize("cls", CLASSES)
def test_each_parameter_is_documented_in_order(cls):
    assert list(documented(cls, "Parameters")) == list(
        inspect.signature(cls).parameters
    )


@pytest.mark.parametrize("cls", CLASSES)
def test_each_default_is_the_documented_one(cls):
    stored = inspect.signature(cls).parameters
    for name, (kind, _) in documented(cls, "Parameters").items():
        words, default = kind.partition("default=")[2], stored[name].default
        if words == "np.nan":
            assert np.isnan(default), name
        elif words or default is not inspect.Parameter.empty:
            assert value_of(words) == default, name


def test_each_fitted_attribute_is_documented(attributes):
    cls, found = attributes
    assert not found - set(documented(cls, "Attributes"))


def test_each_documented_attribute_exists(attributes):
    cls, found = attributes
    assert not set(documented(cls, "Attributes")) - found


def test_classifier_and_regressor_share_their_words():
    classifier, regressor = (documented(cls, "Parameters") for cls in ESTIMATORS)
    # each has a family of losses of its own
    assert unlike(classifier, regressor) == ["loss"]


def test_other_words_are_seen():
    form = "Summary.\n\nParameters\n----------\na : float\n    {}\nb : int\n    Size."
    first, second = (entries(form.format(t), "Parameters") for t in ("Rate.", "Speed."))
    assert unlike(first, second) == ["a"]


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("section", ["See Also", "Notes", "Examples"])
def test_class_docstring_has_the_section(cls, section):
    assert NumpyDocString(inspect.getdoc(cls))[section]


@pytest.mark.parametrize("name", OBJECTS)
def test_docstring_keeps_numpydoc_form(name):
    settings = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["tool"]
    ignored = settings["numpydoc_validation"]["checks"]
    errors = validate(f"sknet.{name}")["errors"]
    assert not [error for error in errors if error[0] not in ignored]
