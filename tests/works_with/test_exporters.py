"""Other exporters: what ``to_sklearn()`` returns, as C, PMML and torch.

emlearn is among the libraries of ``make test-works-with``. The others, whose tests are
marked ``exporters``, want an older scikit-learn, or an older onnx and torch: ``make
test-exporters`` gives them an environment of their own.
"""

import re
import shutil
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.losses import Brier
from sknet.network.blocks import Plain


PAGE = Path(__file__).parents[2] / "docs" / "user_guide" / "exporters.rst"
BLOCK = re.compile(r"\.\. code-block:: python\n\n((?: {4}.*\n|\n)+)")
needs_compiler = pytest.mark.skipif(
    shutil.which("cc") is None, reason="emlearn runs its C code after compiling it"
)

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(60, 4)), columns=[*"abcd"])
ROWS = X.to_numpy(copy=True)  # torch warns of an array that may not be written to
SUM = X["a"] + X["b"].abs()
CLASSES = np.digitize(SUM, [0.5, 1.5])
TARGETS = np.stack([SUM, X["c"]], axis=1)

# Networks that scikit-learn has in another form only, and its own activations.
PARAMS = {"hidden_layer_sizes": (8, 5), "max_iter": 20, "random_state": 0}
PARAMS |= {"learning_rate_init": 0.02}
KINDS = [
    *({"activation": name} for name in ("relu", "tanh", "logistic", "identity")),
    {"use_bias": False, "dropout": 0.1},
    {"block": Plain(normalization="batch"), "initializer": "ntk"},
]
each_kind = pytest.mark.parametrize("params", KINDS, ids=str)


def converted(network):
    """What ``to_sklearn()`` returns; it tells what training would miss."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "MLP.* does not support")
        return network.to_sklearn()


def classifier(y, **params):
    """A network of classes, fitted."""
    return SimpleMLPClassifier(**PARAMS | params).fit(X, y)


def regressor(y, **params):
    """A network of values, fitted."""
    return SimpleMLPRegressor(**PARAMS | params).fit(X, y)


def counts():
    """A network behind an exponential, which scikit-learn knows from 1.7 on."""
    mlp = pytest.importorskip("sklearn.neural_network").MLPRegressor
    if "loss" not in mlp().get_params():
        pytest.skip("scikit-learn has the Poisson loss from 1.7 on")
    return regressor(np.exp(SUM), loss="poisson")


# --------------------------------------------------------------------- emlearn: C


@pytest.fixture
def emlearn(monkeypatch, tmp_path):
    """emlearn, where it may write what it compiles."""
    monkeypatch.chdir(tmp_path)
    return pytest.importorskip("emlearn")


@needs_compiler
@each_kind
@pytest.mark.parametrize("n_classes", [2, 3])
def test_emlearn_classifies_alike(emlearn, params, n_classes):
    """It computes in float32, prints six digits, and numbers the classes."""
    y = np.array(["less", "more", "most"])[np.minimum(CLASSES, n_classes - 1)]
    network = classifier(y, loss="focal", **params)
    model = emlearn.convert(converted(network), method="loadable")
    expected = network.predict_proba(X)
    assert_allclose(model.predict_proba(ROWS), expected, rtol=0, atol=1e-5)
    assert_array_equal(network.classes_[model.predict(ROWS)], network.predict(X))


@needs_compiler
@each_kind
def test_emlearn_predicts_alike(emlearn, params):
    network = regressor(SUM, loss="huber", **params)
    model = emlearn.convert(
        converted(network), method="loadable", return_type="regressor"
    )
    values = model.predict(ROWS)
    assert_allclose(values, network.predict(X), rtol=1e-5, atol=1e-5)


def test_emlearn_refuses_the_exponential(emlearn):
    with pytest.raises(ValueError, match="Unsupported activation 'exp'"):
        emlearn.convert(converted(counts()), method="loadable", return_type="regressor")


# -------------------------------------------------------------- sklearn2pmml: PMML


def served_as_pmml(model, targets, path):
    """What a Java engine gives for the rows, as a frame."""
    sklearn2pmml = pytest.importorskip("sklearn2pmml")
    engine = pytest.importorskip("jpmml_evaluator")
    pipeline = sklearn2pmml.make_pmml_pipeline(
        model, active_fields=[*X], target_fields=targets
    )
    sklearn2pmml.sklearn2pmml(pipeline, str(path))
    return engine.make_evaluator(str(path)).verify().evaluateAll(X)


@pytest.mark.exporters
@each_kind
def test_pmml_classifies_alike(params, tmp_path):
    """In float64, a pipeline with what scales the columns too, and the labels."""
    y = np.array(["less", "more", "most"])[CLASSES]
    model = make_pipeline(
        StandardScaler(), SimpleMLPClassifier(**PARAMS | params, loss=Brier())
    ).fit(X, y)
    plain = make_pipeline(model[0], converted(model[1]))
    served = served_as_pmml(plain, ["y"], tmp_path / "network.pmml")
    assert_array_equal(served["y"], model.predict(X))
    probability = served[[f"probability({label})" for label in model.classes_]]
    assert_allclose(probability, model.predict_proba(X), rtol=0, atol=1e-12)


@pytest.mark.exporters
@pytest.mark.parametrize("y", [SUM.to_numpy(), TARGETS], ids=["one", "two"])
def test_pmml_predicts_alike(y, tmp_path):
    network = regressor(y, loss="huber")
    names = [f"y{j}" for j in range(network.n_outputs_)]
    served = served_as_pmml(converted(network), names, tmp_path / "network.pmml")
    values = served.to_numpy().reshape(y.shape)
    assert_allclose(values, network.predict(X), rtol=1e-12, atol=1e-12)


@pytest.mark.exporters
def test_pmml_lacks_the_exponential(tmp_path):
    """As the page says: if it is there one day, the page may say so."""
    network = counts()
    served = served_as_pmml(converted(network), ["y"], tmp_path / "network.pmml")
    assert_allclose(served["y"], np.log(network.predict(X)), rtol=0, atol=1e-12)


# -------------------------------------------------------------- Hummingbird: torch


@pytest.fixture
def as_torch():
    """The function that converts to torch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of onnx, which is as old as it wants it
        hummingbird = pytest.importorskip("hummingbird.ml")
    return lambda model: hummingbird.convert(model, "torch", ROWS)


@pytest.mark.exporters
@each_kind
@pytest.mark.parametrize("n_classes", [2, 3])
def test_hummingbird_classifies_alike(as_torch, params, n_classes):
    """It computes in float32."""
    network = classifier(np.minimum(CLASSES, n_classes - 1), loss="focal", **params)
    model = as_torch(converted(network))
    expected = network.predict_proba(X)
    assert_allclose(model.predict_proba(ROWS), expected, rtol=0, atol=1e-5)
    assert_array_equal(model.predict(ROWS), network.predict(X))


@pytest.mark.exporters
@pytest.mark.parametrize("y", [SUM.to_numpy(), TARGETS], ids=["one", "two"])
def test_hummingbird_predicts_alike(as_torch, y):
    network = regressor(y, loss="huber")
    values = as_torch(converted(network)).predict(ROWS)
    assert_allclose(values, network.predict(X), rtol=1e-5, atol=1e-5)


@pytest.mark.exporters
def test_hummingbird_lacks_the_exponential(as_torch):
    """As the page says: if it is there one day, the page may say so."""
    network = counts()
    values = as_torch(converted(network)).predict(ROWS)
    assert_allclose(values, np.log(network.predict(X)), rtol=0, atol=1e-5)


# ------------------------------------------------------------------------ the page


def code_blocks():
    """The blocks of Python of the page; all but that of emlearn are marked."""
    for block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        code = textwrap.dedent(block)
        (name,) = re.findall("import (emlearn)|from (sklearn2pmml|hummingbird)", code)
        name = "".join(name)
        marks = needs_compiler if name == "emlearn" else pytest.mark.exporters
        yield pytest.param(name, code, marks=marks, id=name)


@pytest.mark.filterwarnings("ignore")  # of the libraries, when they are imported
@pytest.mark.parametrize(("name", "code"), list(code_blocks()))
def test_code_of_the_page_runs(name, code, monkeypatch, tmp_path):
    """After the lines that the guide begins with."""
    monkeypatch.chdir(tmp_path)
    pytest.importorskip(name)
    (first,) = BLOCK.findall(PAGE.with_name("index.rst").read_text(encoding="utf-8"))
    names = {}
    exec(textwrap.dedent(first), names)
    exec(code, names)
