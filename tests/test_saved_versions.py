"""Files say which version wrote them, and those of earlier versions load."""

import copy
import json
import pickle
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


FOLDERS = sorted(
    path for path in SAVED.iterdir() if path.is_dir() and path.name[0] != "_"
)
FILES = [
    f for folder in FOLDERS for f in sorted(folder.glob("*.*")) if f.suffix != ".json"
]


def load(path):
    """The model of a file."""
    if path.suffix == ".pickle":
        return pickle.loads(path.read_bytes())
    skops = pytest.importorskip("skops.io")
    return skops.load(path, trusted=[*sknet.SKOPS_TRUSTED, *SEARCH_TYPES])


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_file_of_an_earlier_version_loads_and_predicts_what_it_did(path):
    """Of this very version no file warns; of others each does, and says which."""
    model, messages = told_of_versions(lambda: load(path))
    told = [m for m in messages if "sknet" in m.original_sklearn_version]
    theirs = {m.estimator_name for m in messages if m not in told}
    assert theirs <= {"Pipeline", "StandardScaler"}  # by scikit-learn, of its own
    assert bool(told) == (path.parent.name != sknet.__version__)

    stored = json.loads((path.parent / "expected.json").read_text(encoding="utf-8"))
    found = writer.numbers(path.stem, model)
    single = "ensemble" in path.stem or path.stem.startswith("tabular")
    tolerance = 1e-4 if single else 1e-9  # float32, whose sums differ by BLAS
    np.testing.assert_allclose(found, stored[path.stem], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path.stem in ("classifier", "ensemble")],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_training_of_a_file_of_an_earlier_version_goes_on(path):
    """With the parameters that came later at their defaults."""
    model, _ = told_of_versions(lambda: load(path))
    parameters = type(model)().get_params(deep=False)
    assert parameters.keys() == model.get_params(deep=False).keys()
    before = model.n_epochs_
    model.partial_fit(writer.X, writer.BANDS)
    assert model.n_epochs_ == before + 1
    assert len(model.loss_curve_) == model.n_epochs_
