"""Files record the version that wrote them, and those of earlier versions load."""

import copy
import json
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
import saved.write as writer
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning
from stored import (
    CLASSIFIER,
    LABELS,
    SAVED,
    SEARCH_TYPES,
    SMALL,
    TABLE,
    VALUES,
    X,
    fitted,
    read,
    through,
    written,
)

import sknet
from sknet import _version


pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:lbfgs failed to converge"),
]


STAMPED = {
    "classifier": lambda: fitted(CLASSIFIER, {}, (X, LABELS)),
    "tabular": lambda: fitted(
        sknet.TabularMLPRegressor, writer.CATEGORIES, (TABLE, VALUES)
    ),
    "preprocessor": lambda: sknet.TabularPreprocessor(**writer.CATEGORIES).fit(TABLE),
    "search": lambda: sknet.LockstepGridSearchCV(
        CLASSIFIER(**SMALL), {"alpha": [0.1]}, cv=2
    ).fit(X, LABELS),
}


@pytest.mark.parametrize("form", ["pickle", "joblib", "skops", "copy"])
@pytest.mark.parametrize("kind", STAMPED)
def test_same_version_is_not_told_anything(kind, form):
    """All formats are silent (warnings are errors here), and the stamp is not kept."""
    model = STAMPED[kind]()
    assert model.__getstate__()["_sknet_version"] == sknet.__version__
    assert vars(through(model, form)).keys() == vars(model).keys()
    assert vars(copy.copy(model)).keys() == vars(model).keys()
    clone(model)


def told_of_versions(action):
    """The result of an action, and the warnings about versions that came with it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error")
        warnings.simplefilter("always", InconsistentVersionWarning)
        result = action()
    return result, [warning.message for warning in caught]


@pytest.mark.parametrize("form", ["pickle", "joblib", "skops"])
@pytest.mark.parametrize("kind", STAMPED)
def test_another_version_is_told(kind, form, monkeypatch):
    model = STAMPED[kind]()
    with monkeypatch.context() as future:
        future.setattr(_version, "__version__", "9.9.9")
        data = written(model, form)
    again, told = told_of_versions(lambda: read(data, form))
    assert {(m.estimator_name, m.original_sklearn_version) for m in told} >= {
        (type(model).__name__, "sknet 9.9.9")
    }
    assert f"when using version sknet {sknet.__version__}" in str(told[0])
    assert vars(again).keys() == vars(model).keys()


def test_predictor_says_its_version_too(monkeypatch):
    """An old one does not serve unseen."""
    predictor = fitted(CLASSIFIER, {}, (X, LABELS)).predictor()
    again, told = told_of_versions(lambda: copy.copy(through(predictor, "pickle")))
    assert not told
    assert vars(again).keys() == vars(predictor).keys()
    with monkeypatch.context() as future:
        future.setattr(_version, "__version__", "9.9.9")
        data = pickle.dumps(predictor)
    again, told = told_of_versions(lambda: pickle.loads(data))
    assert [m.original_sklearn_version for m in told] == ["sknet 9.9.9"]
    np.testing.assert_array_equal(again.predict(X), predictor.predict(X))


RELEASES = sorted(path.name for path in SAVED.iterdir() if path.name[0].isdigit())
NAMES = ("classifier", "regressor", "ensemble", "tabular_classifier", "preprocessor")
NAMES += ("tabular_regressor", "pipeline", "search")
MODELS = [(v, n) for v in (sknet.__version__, *RELEASES) for n in NAMES]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of files by version: those of the releases, and of this version now.

    The latter are written by another process, as a release writes them.
    """
    found = {name: SAVED / name for name in RELEASES}
    if sknet.__version__ not in found:
        found[sknet.__version__] = tmp_path_factory.mktemp("saved") / "now"
        program = [sys.executable, writer.__file__, found[sknet.__version__]]
        subprocess.run(program, check=True)
    return found


def load(path):
    """The model of a file."""
    if path.suffix == ".pickle":
        return pickle.loads(path.read_bytes())
    skops = pytest.importorskip("skops.io")
    return skops.load(path, trusted=[*sknet.SKOPS_TRUSTED, *SEARCH_TYPES])


def forms(folder, name):
    """The files of a model: a pickle and, where it is installed, that of skops."""
    return sorted(folder.glob(f"{name}.[ps]*"))


@pytest.mark.parametrize(("version", "name"), MODELS)
def test_file_of_a_version_loads_and_predicts_what_it_did(version, name, folders):
    """No file of this very version warns; each of another version does, and says so."""
    folder = folders[version]
    stored = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    assert forms(folder, name)
    for path in forms(folder, name):
        model, messages = told_of_versions(lambda path=path: load(path))
        told = [m for m in messages if "sknet" in m.original_sklearn_version]
        theirs = {m.estimator_name for m in messages if m not in told}
        assert theirs <= {"Pipeline", "StandardScaler"}  # by scikit-learn, of its own
        assert bool(told) == (version != sknet.__version__)
        found = writer.numbers(name, model)
        single = "ensemble" in name or name.startswith("tabular")
        tolerance = 1e-4 if single else 1e-9  # float32, whose sums differ by BLAS
        np.testing.assert_allclose(found, stored[name], tolerance, tolerance)


@pytest.mark.parametrize(
    ("version", "name"), [m for m in MODELS if m[1] in ("classifier", "ensemble")]
)
def test_training_of_a_file_of_a_version_goes_on(version, name, folders):
    """With the parameters that came later at their defaults."""
    for path in forms(folders[version], name):
        model, _ = told_of_versions(lambda path=path: load(path))
        parameters = type(model)().get_params(deep=False)
        assert parameters.keys() == model.get_params(deep=False).keys()
        before = model.n_epochs_
        model.partial_fit(writer.X, writer.BANDS)
        assert model.n_epochs_ == before + 1
        assert len(model.loss_curve_) == model.n_epochs_


def test_parameters_that_came_later_get_their_defaults():
    """As in a file of a version that did not have them."""
    model = fitted(CLASSIFIER, {}, (X, LABELS))
    state = model.__getstate__()
    del state["clip_norm"], state["_sknet_version"]
    again = object.__new__(CLASSIFIER)
    _, told = told_of_versions(lambda: again.__setstate__(state))
    assert again.clip_norm is None
    assert [m.original_sklearn_version for m in told] == ["sknet unknown"]
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
