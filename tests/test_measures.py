"""Measures of the house: numbers that show when a joint begins to lean."""

import re
import tomllib
from pathlib import Path

import pytest
from rules import LONGEST_FILE

import sknet
from sknet._sklearn import CallbackSupportMixin


ROOT = Path(__file__).parents[1]
SOURCES = {path: path.read_text() for path in (ROOT / "sknet").rglob("*.py")}
ESTIMATORS = [
    sknet.SimpleMLPClassifier,
    sknet.SimpleMLPRegressor,
    sknet.TabularMLPClassifier,
    sknet.TabularMLPRegressor,
]


def test_estimators_have_a_type():
    """``estimator: Any`` stood in 89 signatures, and nothing checked the calls."""
    untyped = [
        p.name
        for p, text in SOURCES.items()
        for _ in re.findall(r"estimator: Any", text)
    ]
    assert len(untyped) < 15, untyped


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_a_method_is_found_in_few_classes(estimator_class):
    own = [c for c in estimator_class.__mro__ if c.__module__.startswith("sknet")]
    # Stands in for a class of scikit-learn, where that does not have it yet.
    own = [c for c in own if c is not CallbackSupportMixin]
    assert len(own) <= 4, own


def test_mypy_looks_at_every_package():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    assert settings["packages"] == ["sknet"]
    assert settings["strict"]
    ignored = [o for o in settings["overrides"] if o.get("ignore_errors")]
    assert not ignored
    left_out = {key for key in settings if key.startswith("exclude")}
    assert not left_out


def test_the_table_of_floors_stands_once():
    """In CONTRIBUTING.md; ``tests/rules.py`` has the modules."""
    pages = [*(ROOT / "docs").rglob("*.rst"), *ROOT.glob("*.md")]
    row = re.compile(r"^\| *\d+ *\| .*`objective`", re.MULTILINE)
    assert [p.name for p in pages if row.search(p.read_text())] == ["CONTRIBUTING.md"]


def test_a_file_of_tests_can_be_read_in_one_sitting():
    """The six longest had 447 to 735 lines; a topic has a file of its own."""
    folder = ROOT / "tests"
    files = {p.relative_to(folder): p.read_text() for p in folder.rglob("*.py")}
    lengths = {str(p): len(text.splitlines()) for p, text in files.items()}
    assert "test_measures.py" in lengths
    assert not {p: n for p, n in lengths.items() if n > LONGEST_FILE}
