"""Measures of the house: numbers that show when a joint begins to lean."""

import gc
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from rules import LONGEST_FILE

import sknet
from sknet._sklearn import CallbackSupportMixin
from sknet.network.layers import Dense


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


N_FEATURES = 7  # as many columns as nothing else has


def holders_of(rows):
    """Classes whose objects have an attribute that holds rows of features."""
    for thing in gc.get_objects():
        ours = str(type(thing).__module__).startswith("sknet")
        if not (ours or isinstance(thing, SimpleNamespace)):
            continue
        slots = (getattr(c, "__slots__", ()) for c in type(thing).__mro__)
        names = [*getattr(thing, "__dict__", {}), *(n for s in slots for n in s)]
        for name in names:
            held = getattr(thing, name, None)
            if isinstance(held, np.ndarray) and held.shape[-1:] == (N_FEATURES,):
                first = held.reshape(-1, N_FEATURES)[0]
                if (rows.astype(held.dtype) == first).all(axis=1).any():
                    yield type(thing).__qualname__


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", ["auto", 8])
def test_features_are_in_few_hands(dtype, batch_size, monkeypatch):
    """From ``fit`` to the first product: there were nine holders once."""
    X = np.random.default_rng(0).normal(size=(500, N_FEATURES))
    model = sknet.SimpleMLPRegressor(
        hidden_layer_sizes=(5,), max_iter=1, dtype=dtype, engine="numpy"
    )
    product, found = Dense.forward, []

    def forward(self, p, x, cache, training):
        out = product(self, p, x, cache, training)
        if not found:
            found.append(set(holders_of(X)))
        return out

    monkeypatch.setattr(Dense, "forward", forward)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.set_params(batch_size=batch_size).fit(X, X[:, 0])
    request, kept, batch = {"FitRequest"}, {"Dataset", "_Source"}, {"Batch"}
    assert found[0] == request | kept | batch | {"SimpleNamespace"}
