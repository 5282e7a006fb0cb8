"""Compact models are as large as their parameters, and refuse to go on."""

import pickle

import numpy as np
import pytest
import saved.write as writer
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from stored import (
    CLASSIFIER,
    EARLY,
    LABELS,
    REGRESSOR,
    TABLE,
    VALUES,
    X,
    fitted,
    outputs,
    through,
)

import sknet
from sknet.optimizers import OPTIMIZERS


pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:lbfgs failed to converge"),
]


def wide(cls, **params):
    """An estimator of about 100,000 parameters."""
    sizes = {"hidden_layer_sizes": (300, 300), "max_iter": 2, "random_state": 0}
    return cls(**{**sizes, **params})


WIDE = [wide(CLASSIFIER, solver=name) for name in (*OPTIMIZERS, "lbfgs")]
WIDE += [
    wide(CLASSIFIER, warm_start=True, **EARLY),
    wide(CLASSIFIER, averaging="ema", dtype="float32"),
    wide(REGRESSOR, n_estimators=3),
    wide(REGRESSOR, n_estimators=8, shared_backbone=True, warm_start=True),
    wide(sknet.TabularMLPClassifier, n_estimators=2, **writer.CATEGORIES),
    wide(sknet.TabularMLPRegressor, n_estimators=2, **writer.CATEGORIES),
]


@pytest.mark.parametrize("model", WIDE, ids=repr)
def test_compact_model_is_as_large_as_its_parameters(model):
    """And predicts the same, bit for bit."""
    rows = TABLE if isinstance(model, TABULAR) else X
    model = clone(model).fit(rows, LABELS if "Class" in repr(model) else VALUES)
    before = outputs(model, rows)
    assert model.theta_.size > 90_000
    assert model.compact() is model
    assert len(pickle.dumps(model)) <= 1.1 * model.theta_.nbytes
    np.testing.assert_array_equal(outputs(model, rows), before)
    np.testing.assert_array_equal(outputs(through(model, "pickle"), rows), before)


TABULAR = sknet.TabularMLPClassifier, sknet.TabularMLPRegressor
COMPACT = {
    "classifier": (CLASSIFIER, X, LABELS),
    "regressor": (REGRESSOR, X, VALUES),
    "tabular classifier": (TABULAR[0], TABLE, LABELS),
    "tabular regressor": (TABULAR[1], TABLE, VALUES),
}


@pytest.mark.parametrize("params", [{}, {"n_estimators": 2}])
@pytest.mark.parametrize("kind", COMPACT)
def test_compact_model_refuses_to_go_on(kind, params):
    """Never a start from scratch that nobody sees; the model stays what it is."""
    cls, rows, y = COMPACT[kind]
    tabular = writer.CATEGORIES if rows is TABLE else {}
    model = fitted(cls, {**params, **tabular}, (rows, y)).compact()
    before = outputs(model, rows)
    for more in (model.partial_fit, model.fit):
        with pytest.raises(
            ValueError, match=r"cannot be resumed .*compact\(\) has dropped"
        ):
            more(rows, y)
        np.testing.assert_array_equal(outputs(model, rows), before)
    # Without warm_start a fit has always begun anew; then all is there again.
    model.set_params(warm_start=False).fit(rows, y).partial_fit(rows, y)


def test_compact_lbfgs_model_refuses_to_go_on():
    params = {"solver": "lbfgs", "warm_start": True}
    model = fitted(REGRESSOR, params, (X, VALUES)).compact()
    with pytest.raises(ValueError, match=r"compact\(\) has dropped"):
        model.fit(X, VALUES)


def test_compact_twice_and_unfitted():
    model = fitted(CLASSIFIER, {}, (X, LABELS))
    assert model.compact().compact() is model
    with pytest.raises(NotFittedError):
        CLASSIFIER().compact()
    clone(model).fit(X, LABELS)
