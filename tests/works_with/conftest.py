"""What the tests beside other libraries share: small models, and rows they learn."""

import warnings
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning

from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)


class Case(NamedTuple):
    """A model that was not fitted, and what it may be fitted on."""

    model: Any
    X: Any
    y: np.ndarray

    @property
    def method(self):
        """Name of the method that says most."""
        return "predict_proba" if is_classifier(self.model) else "predict"

    @property
    def codes(self):
        """Target as the tools hand it on: classes by number."""
        return (self.y == "more").astype(int) if is_classifier(self.model) else self.y


SIMPLE = {"hidden_layer_sizes": (8,), "max_iter": 12, "random_state": 0}
SIMPLE |= {"learning_rate_init": 0.02}
TABULAR = {"hidden_layer_sizes": (8,), "n_estimators": 2, "max_iter": 4}
TABULAR |= {"random_state": 0}
N = 120


def made_up_numbers():
    """Rows of three numbers and a constant, and a value that two of them decide."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N, 4))
    X[:, 3] = 1.0
    return X, X[:, 0] + np.abs(X[:, 1]) + 0.3 * rng.standard_normal(N)


def made_up_frame():
    """The same rows as a table with a text column, gaps, and a constant column."""
    X, value = made_up_numbers()
    frame = pd.DataFrame(X, columns=["first", "second", "noise", "constant"])
    frame["color"] = np.where(X[:, 0] > 0, "blue", "green")
    frame.loc[value > 1.5, "color"] = "red"
    frame.loc[::7, "second"] = np.nan
    return frame, value


def labels(value):
    """Two classes, by name."""
    return np.where(value > np.median(value), "more", "less")


CLASSIFIERS = SimpleMLPClassifier(**SIMPLE), TabularMLPClassifier(**TABULAR)
REGRESSORS = SimpleMLPRegressor(**SIMPLE), TabularMLPRegressor(**TABULAR)


def class_name(model):
    """Readable test names."""
    return type(model).__name__


def with_data(model, raw):
    """A new model, and a raw table or numbers."""
    X, value = made_up_frame() if raw else made_up_numbers()
    return Case(clone(model), X, labels(value) if is_classifier(model) else value)


@pytest.fixture(params=[*CLASSIFIERS, *REGRESSORS], ids=class_name)
def case(request):
    """Simple model and numbers; tabular model and a table as it is."""
    return with_data(request.param, raw="Tabular" in class_name(request.param))


@pytest.fixture(params=CLASSIFIERS, ids=class_name)
def classifier(request):
    """Simple classifier and numbers; tabular classifier and a table as it is."""
    return with_data(request.param, raw="Tabular" in class_name(request.param))


@pytest.fixture(params=REGRESSORS, ids=class_name)
def regressor(request):
    """Simple regressor and numbers; tabular regressor and a table as it is."""
    return with_data(request.param, raw="Tabular" in class_name(request.param))


@pytest.fixture(params=CLASSIFIERS, ids=class_name)
def classifier_of_numbers(request):
    """Both classifiers, and numbers, for tools that take nothing else."""
    return with_data(request.param, raw=False)


@pytest.fixture(params=[CLASSIFIERS[1], REGRESSORS[1]], ids=class_name)
def case_of_table(request):
    """Both tabular models, and a table with text and gaps."""
    return with_data(request.param, raw=True)


@pytest.fixture
def numbers():
    """Rows of numbers and a value, for tests that make their models themselves."""
    return made_up_numbers()


@pytest.fixture(params=[*CLASSIFIERS, *REGRESSORS], ids=class_name)
def case_of_numbers(request):
    """All four, and numbers."""
    return with_data(request.param, raw=False)


@pytest.fixture
def _drawings_are_closed():
    """None is shown, none is left open."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    yield
    pyplot.close("all")


@pytest.fixture(autouse=True)
def _few_epochs_are_meant():
    """That a model of these tests is not trained to the end is no news."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
