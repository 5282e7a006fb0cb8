"""The tables of parameters: each is declared once, and the sources are up to date."""

import importlib.util
import inspect
from pathlib import Path

import numpy as np
import pytest
from sklearn.utils._param_validation import make_constraint

import sknet
from sknet.config.parameter import REQUIRED, ByClass, value_for
from sknet.config.table import (
    PARAMETERS,
    WITHOUT_RESULT,
    attributes_of,
    constraints_of,
    parameters_of,
)
from sknet.lockstep import parameters


ROOT = Path(__file__).parents[1]
CLASSES = [
    "SimpleMLPClassifier",
    "SimpleMLPRegressor",
    "TabularMLPClassifier",
    "TabularMLPRegressor",
]
SEARCHES = list(parameters.PARAMETERS)


@pytest.fixture(scope="module")
def writer():
    """The script that writes constructors and docstrings."""
    path = ROOT / ".ci" / "write_estimators.py"
    if not path.exists():
        pytest.skip("no scripts of developers in an installed package")
    spec = importlib.util.spec_from_file_location("write_estimators", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", CLASSES)
def test_constructor_has_the_parameters_in_order(name):
    """Names, defaults, and which ones go without their name."""
    signature = inspect.signature(getattr(sknet, name)).parameters
    table = parameters_of(name)
    assert list(signature) == [p.name for p in table]
    for p in table:
        assert signature[p.name].default == value_for(name, p.default)
        positional = signature[p.name].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        assert positional is p.positional


@pytest.mark.parametrize("name", CLASSES)
def test_default_is_allowed(name):
    constraints = constraints_of(name)
    for p in parameters_of(name):
        allowed = [make_constraint(c) for c in constraints[p.name]]
        default = value_for(name, p.default)
        assert any(c.is_satisfied_by(default) for c in allowed), p.name


@pytest.mark.parametrize("name", CLASSES)
def test_names_are_declared_once_for_each_class(name):
    names = [p.name for p in parameters_of(name)]
    names += [a.name for a in attributes_of(name)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", CLASSES)
def test_source_is_what_the_table_says(writer, name):
    """As ``make lint`` demands; a changed word, default or order is seen."""
    text = (ROOT / writer.FILES[name]).read_text(encoding="utf-8")
    assert writer.updated(name, text) == text
    for before, after in (
        ("        alpha=0.", "        alpha=1."),
        ("    alpha : float", "    alpha : number"),
        ("        self.verbose = verbose\n", ""),
        ("    loss_ : float", "    loss_ : int"),
    ):
        stale = text.replace(before, after)
        assert stale != text
        assert writer.updated(name, stale) == text


@pytest.mark.parametrize("name", SEARCHES)
def test_search_has_the_parameters_in_order(name):
    """Those of scikit-learn's class, whose constraints it inherits, and no others."""
    search = getattr(sknet, name)
    signature = inspect.signature(search).parameters
    table = parameters.PARAMETERS[name]
    assert list(signature) == [p.name for p in table]
    for p in table:
        default = signature[p.name].default
        if default is inspect.Parameter.empty:
            assert p.default is REQUIRED
        else:
            np.testing.assert_equal(default, p.default)
    assert {p.name for p in table} <= set(search._parameter_constraints)


@pytest.mark.parametrize("name", SEARCHES)
def test_source_of_a_search_is_what_its_table_says(writer, name):
    """A changed word, default or order is seen; other classes of the file stay."""
    text = (ROOT / writer.FILES[name]).read_text(encoding="utf-8")
    assert writer.updated(name, text) == text
    for before, after in (
        ("    n_jobs : int", "    n_jobs : number"),
        ("    best_score_ : float", "    best_score_ : int"),
        ("        factor=3,", "        factor=2,"),
        ("            verbose=verbose,\n", ""),
    ):
        stale = text.replace(before, after)
        if before.startswith("    n_jobs") or "Halving" in name:
            assert stale != text
        for each in (n for n in SEARCHES if writer.FILES[n] == writer.FILES[name]):
            stale = writer.updated(each, stale)
        assert stale == text


def test_classes_without_a_value_are_an_error():
    """A class of which the table does not speak, or twice, is not guessed at."""
    by_class = ByClass(Simple=1, Tabular=ByClass(Classifier=2, Regressor=3))
    assert value_for("SimpleMLPRegressor", by_class) == 1
    assert value_for("TabularMLPRegressor", by_class) == 3
    for name in ("OtherMLP", "TabularMLP", "SimpleTabularMLP"):
        with pytest.raises(ValueError, match="values to unpack"):
            value_for(name, by_class)


def test_parameters_without_effect_on_the_result():
    """Those that a checkpoint may be taken up with another value of."""
    assert {p.name for p in PARAMETERS} > WITHOUT_RESULT
    assert {"n_jobs", "verbose", "checkpoint"} <= WITHOUT_RESULT
    assert "alpha" not in WITHOUT_RESULT
