"""The programs of a network as text."""

import numpy as np
import pytest

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.engine.machine import machine


pytestmark = [
    pytest.mark.skipif(machine() is None, reason="The engine is not compiled."),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

X = np.random.default_rng(0).normal(size=(40, 3))
FEW = {"max_iter": 2, "tol": 10.0, "n_iter_no_change": 1, "random_state": 0}


def programs(**params):
    """Return the programs of a fitted network."""
    return SimpleMLPRegressor(**{**FEW, **params}).fit(X, X[:, 0]).program(X)


def test_both_programs_are_shown():
    found = programs(hidden_layer_sizes=(5,))
    text = found.explain()
    assert str(found) == text
    assert "training, a batch of 40 rows, float64: value and gradient" in text
    assert "prediction, 256 rows, float64" in text
    assert "matmul         40x5 <- 40x3, 3x5" in text


def test_few_rows_are_of_all_classes():
    """The network is the fitted one, however few rows are given."""
    model = SimpleMLPClassifier((4,), **FEW).fit(X, np.arange(40) % 7)
    for n_rows in (2, 5, 40):
        assert f"matmul         {n_rows}x7 <- " in model.program(X[:n_rows]).explain()


LARGE = "training: no program: The network is so large that it would not be faster."


@pytest.mark.parametrize(
    ("params", "lines"),
    [
        (
            {"engine": "numpy"},
            [
                "training: no program: engine='numpy'.",
                "prediction: no program: engine='numpy'.",
            ],
        ),
        (
            {"solver": "lbfgs", "tol": 1.0},
            ["training: no program: Only that of a solver that makes steps is shown."],
        ),
        (
            {"hidden_layer_sizes": (1500, 1500), "max_iter": 1},
            [LARGE],
        ),
    ],
    ids=["numpy", "lbfgs", "large"],
)
def test_reasons(params, lines):
    text = programs(**params).explain().splitlines()
    assert [line for line in text if "no program" in line] == lines


def test_other_features_are_refused():
    network = SimpleMLPRegressor(hidden_layer_sizes=(5,), **FEW).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="X has 2 features"):
        network.program(X[:, :2])
