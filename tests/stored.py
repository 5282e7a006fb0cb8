"""Small fitted estimators, written to files and read back."""

import copy
import io
import pickle
from pathlib import Path

import joblib
import pytest
import saved.write as writer

import sknet


SAVED = Path(__file__).parent / "saved"
X = writer.X[:60]
LABELS = writer.BANDS[:60]
VALUES = writer.VALUES[:60]
TABLE = writer.TABLE[:60]
CLASSIFIER, REGRESSOR = sknet.SimpleMLPClassifier, sknet.SimpleMLPRegressor
SMALL = {"hidden_layer_sizes": (4, 4), "max_iter": 2, "random_state": 0}
GOES_ON = {**SMALL, "warm_start": True, "batch_size": 25}
EARLY = {"early_stopping": True, "validation_fraction": 0.2, "max_iter": 4}


def fitted(cls, params, data):
    """A fitted estimator that has seen few epochs."""
    params = {**GOES_ON, **params}
    if params.get("solver") == "lbfgs":
        params["batch_size"] = "auto"
    return cls(**params).fit(*data)


def outputs(model, rows):
    """What a model predicts: probabilities, or values."""
    if hasattr(model, "predict_proba"):
        return model.predict_proba(rows)
    return model.predict(rows)


def written(model, form):
    """A file of a model, as bytes."""
    if form == "skops":
        return pytest.importorskip("skops.io").dumps(model)
    if form == "pickle":
        return pickle.dumps(model)
    file = io.BytesIO()
    joblib.dump(model, file)
    return file.getvalue()


def read(data, form):
    """The model of a file; of skops with no class trusted but ours."""
    if form == "skops":
        skops = pytest.importorskip("skops.io")
        trusted = [*sknet.SKOPS_TRUSTED, *SEARCH_TYPES]
        return skops.loads(data, trusted=trusted)
    return pickle.loads(data) if form == "pickle" else joblib.load(io.BytesIO(data))


def through(model, form):
    """The model as a file brings it back, or as a copy."""
    if form == "copy":
        return copy.deepcopy(model)
    return read(written(model, form), form)


# What skops asks about in searches, by the versions of scikit-learn and NumPy.
SEARCH_TYPES = {
    "numpy.ma.core.MaskedArray",
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.utils._metadata_requests.MetadataRequest",
    "sklearn.utils._metadata_requests.MethodMetadataRequest",
}
