"""Which scores of several classes are the best to calibrate?

`CalibratedClassifierCV` prefers `decision_function` to `predict_proba`. One network is
fitted for each table and seed, and its outputs are presented in several forms:
probabilities (as by `MLPClassifier`, which has the same network), raw outputs, log p,
log p with a floor (the one that scikit-learn's temperature scaling applies to
probabilities, and a higher one), and the logit of each p. Each form is calibrated on
rows held out for this, and scored by the log loss on other rows. `--data` adds the
tables with several classes in a folder in the format of `tabular.py`.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import sklearn
from rivals import silent_fit
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import (
    load_digits,
    load_iris,
    load_wine,
    make_blobs,
    make_classification,
    make_gaussian_quantiles,
)
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from timing import conditions, table

from sknet import SimpleMLPClassifier


ROWS = 4000  # sampled from larger tables
METHODS = ["sigmoid", "isotonic"]
if tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 8):
    METHODS.append("temperature")


def logit(raw: np.ndarray) -> np.ndarray:
    """Return log p - log(1 - p) of each class: its margin over all other classes."""
    others = np.repeat(raw[:, None], raw.shape[1], axis=1)
    np.einsum("ijj->ij", others)[...] = -np.inf
    return raw - logsumexp(others, axis=2)


def log_p(raw: np.ndarray) -> np.ndarray:
    """Return log p of each class."""
    return raw - logsumexp(raw, axis=1, keepdims=True)


FACES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "raw outputs": lambda raw: raw,
    "log p": log_p,
    "log(p + 1e-12)": lambda raw: np.log(np.exp(log_p(raw)) + 1e-12),
    "log max(p, 1e-9)": lambda raw: np.maximum(log_p(raw), np.log(1e-9)),
    "logit p": logit,
}


class Probabilities(ClassifierMixin, BaseEstimator):
    """Exposes the probabilities of a fitted network, as `MLPClassifier` does."""

    def __init__(self, network: SimpleMLPClassifier) -> None:
        self.network = network
        self.classes_ = network.classes_

    def fit(self, X: np.ndarray, y: np.ndarray) -> "Probabilities":
        """Return self, since the network has already been fitted."""
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the classes."""
        return self.network.predict(X)

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the probabilities."""
        return self.network.predict_proba(X)


class Scores(Probabilities):
    """Exposes scores of a fitted network, which calibration prefers."""

    def __init__(self, network: SimpleMLPClassifier, face: str) -> None:
        super().__init__(network)
        self.face = face

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Return the scores."""
        return FACES[self.face](self.network._raw(*self.network._inputs(X))[0])


def sets(folder: Path | None) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Iterate over names, features and classes."""
    for load in (load_digits, load_iris, load_wine):
        yield load.__name__[5:], *load(return_X_y=True)
    made = {"n_samples": ROWS, "n_features": 20, "random_state": 0}
    yield "blobs", *make_blobs(**made, centers=6, cluster_std=8.0)
    yield "rings", *make_gaussian_quantiles(**made | {"n_features": 4}, n_classes=4)
    shares = [0.37, 0.48, 0.06, 0.01, 0.02, 0.03, 0.03]  # as in covertype
    unequal = {"n_classes": 7, "weights": shares, "n_informative": 10, "flip_y": 0.05}
    yield "unequal", *make_classification(**made, **unequal)
    if folder is not None:
        yield from tables(folder)


def tables(folder: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Iterate over the tables with several classes in a folder."""
    from tabular_data import load_table, table_names  # needs pandas

    text = make_column_selector(dtype_include="category")
    part = (OneHotEncoder(sparse_output=False), text)
    encode = make_column_transformer(part, remainder="passthrough")
    for name in table_names(folder):
        X, y, task = load_table(folder, name)
        if task == "classification" and y.nunique() > 2:
            few = np.random.default_rng(0).permutation(len(y))[:ROWS]
            yield name, encode.fit_transform(X.iloc[few]), y.iloc[few].to_numpy()


def losses(X: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """Return the log loss of each method for each form, the probabilities first."""
    split = {"test_size": 0.3, "random_state": seed}
    X, X_test, y, y_test = train_test_split(X, y, stratify=y, **split)
    X, X_held, y, y_held = train_test_split(X, y, stratify=y, **split)
    scale = StandardScaler().fit(X)
    X, X_held, X_test = (scale.transform(part) for part in (X, X_held, X_test))
    network = SimpleMLPClassifier(random_state=seed)
    silent_fit(network, X, y)
    faces = [Probabilities(network), *(Scores(network, name) for name in FACES)]
    found = np.empty((len(METHODS), len(faces)))
    for i, method in enumerate(METHODS):
        for j, face in enumerate(faces):
            calibrated = CalibratedClassifierCV(FrozenEstimator(face), method=method)
            probability = calibrated.fit(X_held, y_held).predict_proba(X_test)
            found[i, j] = log_loss(y_test, probability, labels=network.classes_)
    return found


def ratios(found: np.ndarray) -> np.ndarray:
    """Return the geometric mean over tables of losses relative to probabilities.

    Parameters
    ----------
    found : ndarray of shape (n_tables, n_seeds, n_faces)
        Log losses, the probabilities first.
    """
    each = found.mean(axis=1)
    return np.exp(np.log(each / each[:, :1]).mean(axis=0))


def standard_errors(found: np.ndarray) -> np.ndarray:
    """Return the standard errors of the ratios over seeds, by the jackknife."""
    n_seeds = found.shape[1]
    without = [ratios(np.delete(found, seed, axis=1)) for seed in range(n_seeds)]
    return np.sqrt(n_seeds - 1) * np.std(without, axis=0)


def main() -> None:
    """Measure all tables, and print the log losses of each method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="a folder of tables")
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    said = f"log loss after calibration, mean of {given.seeds} splits"
    print(
        conditions(
            said,
            "ratio: geometric mean, to that of the probabilities; +-: standard error",
        )
    )
    names, found = [], []
    for name, X, y in sets(given.data):
        names.append(f"{name}, {len(y)} rows, {len(np.unique(y))} classes")
        found.append([losses(X, y, seed) for seed in range(given.seeds)])
    head = ["probabilities", *FACES]
    for method, losses_of in zip(METHODS, np.moveaxis(found, 2, 0), strict=True):
        each = losses_of.mean(axis=1)
        lines = dict(zip(names, each, strict=True)) | {"mean": each.mean(axis=0)}
        lines |= {"ratio": ratios(losses_of), "+-": standard_errors(losses_of)}
        rows = [[name, *(f"{x:.4f}" for x in line)] for name, line in lines.items()]
        print(table([method, *head], rows), end="\n\n")


if __name__ == "__main__":
    main()
