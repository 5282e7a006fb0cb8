"""Write fitted models as files, for tests of later versions: see README.md.

Run it with the oldest supported versions: ``python tests/saved/write.py FOLDER``.
"""

import json
import pickle
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sknet
from sknet.network.blocks import Residual
from sknet.network.layers import Periodic


# Waves rather than random numbers: the same in all versions.
STEPS = np.arange(160)[:, None]
X = np.sin(STEPS * [0.37, 0.73, 1.31] + [0.0, 1.0, 2.0])
VALUES = X @ [1.0, -2.0, 0.5]
BANDS = np.array(["low", "mid", "top"])[np.digitize(VALUES, [-0.8, 0.8])]
# Levels that a careless format takes for one another: 1, True and "1".
LEVELS = np.array(["1", "red", None, 2.5], dtype=object)[STEPS[:, 0] % 4]
TABLE = np.column_stack(
    [X.astype(object), LEVELS, STEPS[:, 0] % 3 == 0, STEPS[:, 0] % 11]
)
CATEGORIES = {"categorical_features": [3, 4, 5]}
SHORT = {"max_iter": 3, "random_state": 0}
SMALL = {"hidden_layer_sizes": (5,), **SHORT}


def models():
    """Fitted models by name: each kind of state that a file may hold."""
    simple = sknet.SimpleMLPClassifier(**SMALL, warm_start=True, early_stopping=True)
    lbfgs = sknet.SimpleMLPRegressor(**SMALL, solver="lbfgs")
    ensemble = sknet.SimpleMLPClassifier(
        (4, 4),
        **SHORT,
        n_estimators=3,
        block=Residual(normalization="batch"),
        dropout=0.1,
        averaging="ema",
        dtype="float32",
    )
    tabular = {**SMALL, **CATEGORIES, "n_estimators": 2, "embedding_size": 2}
    tabular["numeric_embedding"] = Periodic(waves=3)
    return {
        "classifier": simple.fit(X, BANDS),
        "regressor": lbfgs.fit(X, np.stack([VALUES, -VALUES], axis=1)),
        "ensemble": ensemble.partial_fit(X, BANDS, classes=np.unique(BANDS)),
        "tabular_classifier": sknet.TabularMLPClassifier(**tabular).fit(TABLE, BANDS),
        "tabular_regressor": sknet.TabularMLPRegressor(
            **tabular, quantiles=(0.1, 0.9)
        ).fit(TABLE, VALUES),
        "preprocessor": sknet.TabularPreprocessor(**CATEGORIES).fit(TABLE),
        "pipeline": make_pipeline(
            StandardScaler(), sknet.SimpleMLPClassifier(**SMALL)
        ).fit(X, BANDS),
        "search": sknet.LockstepGridSearchCV(
            sknet.SimpleMLPClassifier(**SMALL), {"alpha": [1e-4, 0.1]}, cv=2
        ).fit(X, BANDS),
    }


def numbers(name, model):
    """What a model makes of ten rows: numbers that must never change."""
    rows = TABLE if name.startswith(("tabular", "preprocessor")) else X
    for method in ("predict_proba", "predict", "transform"):
        if hasattr(model, method):
            return np.asarray(getattr(model, method)(rows[:10]), dtype=float)
    raise AttributeError(name)


def main(folder):
    """Write pickles, files of skops where it is installed, and what is expected."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few epochs
        fitted = models()
    expected = {name: numbers(name, model).tolist() for name, model in fitted.items()}
    (folder / "expected.json").write_text(json.dumps(expected) + "\n", encoding="utf-8")
    for name, model in fitted.items():
        (folder / f"{name}.pickle").write_bytes(pickle.dumps(model, protocol=4))
    try:
        from skops import io
    except ImportError:
        return
    for name, model in fitted.items():
        path = folder / f"{name}.skops"
        io.dump(model, path, compression=zipfile.ZIP_DEFLATED, compresslevel=9)


if __name__ == "__main__":
    main(*sys.argv[1:])
