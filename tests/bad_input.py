"""The words of the tables of bad input: who, what is done, what must happen.

A row of a table says for which estimators it holds, what the user does, and what must
happen: the input is ``refused`` (exception and message), the user is ``warned``, or it
``works``.  Unless said otherwise, "works" means: no warning but that of too few
iterations, and finite predictions.

Rows 1 to 84 are the catalogue of what scikit-learn's ``MLPClassifier`` and
``MLPRegressor`` do with bad input; rows above 100 belong to what only sknet has.
"""

import functools
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from bad_rows import X
from sklearn.base import is_classifier
from sklearn.utils._param_validation import InvalidParameterError

from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)


# What a table's test ignores: three epochs do not converge.
QUIET = pytest.mark.filterwarnings(
    "error", "ignore::sklearn.exceptions.ConvergenceWarning"
)

LABELS = (X[:, 0] > 0).astype(int)
TARGET = X @ [1.0, 2.0, 0.0, -1.0]
SPLIT = {"early_stopping": True, "validation_fraction": 0.2}


# Who.


@dataclass(frozen=True, eq=False)
class Who:
    """An estimator with a target that suits it."""

    name: str
    estimator: Any
    y: Any
    is_classifier: bool
    params: tuple[tuple[str, Any], ...] = ()

    def make(self):
        """A fresh estimator that is trained in no time."""
        few = {"hidden_layer_sizes": (3,), "max_iter": 3, "random_state": 0}
        return self.estimator(**few, **dict(self.params))


_THREE = (("n_estimators", 3), ("n_jobs", 1))
CLASSIFIER = [Who("classifier", SimpleMLPClassifier, LABELS, True)]
REGRESSOR = [Who("regressor", SimpleMLPRegressor, TARGET, False)]
SIMPLE = CLASSIFIER + REGRESSOR
TABLE_CLASSIFIER = [Who("table classifier", TabularMLPClassifier, LABELS, True, _THREE)]
TABLE_REGRESSOR = [Who("table regressor", TabularMLPRegressor, TARGET, False, _THREE)]
TABLES = TABLE_CLASSIFIER + TABLE_REGRESSOR
# A table's estimators are ensembles anyway.
CLASSIFIERS = [
    *CLASSIFIER,
    Who("three classifiers", SimpleMLPClassifier, LABELS, True, _THREE),
    *TABLE_CLASSIFIER,
]
REGRESSORS = [
    *REGRESSOR,
    Who("three regressors", SimpleMLPRegressor, TARGET, False, _THREE),
    *TABLE_REGRESSOR,
]
ALL = CLASSIFIERS + REGRESSORS
# Who takes finite numbers only; tables may hold text, categories and missing values.
NUMERIC = [who for who in ALL if who not in TABLES]


# What must happen.  Each of these returns a function that is given the deed.


def refused(exception, message):
    """The deed raises ``exception`` with a message that matches."""

    def check(deed):
        with pytest.raises(exception, match=message):
            deed()

    return check


def warned_and_refused(warning, exception, message):
    """The deed warns before it raises ``exception`` with a message that matches."""

    def check(deed):
        with pytest.warns(UserWarning, match=warning):
            refused(exception, message)(deed)

    return check


def is_finite(result):
    return np.isfinite(result).all()


def works(property_=is_finite):
    """The deed raises nothing, warns of nothing, and its result has the property."""

    def check(deed):
        assert property_(deed())

    return check


def warned(category, message, property_=is_finite):
    """The deed warns, goes on, and its result has the property."""

    def check(deed):
        with pytest.warns(category, match=message):
            result = deed()
        assert property_(result)

    return check


def warned_of_each(*messages):
    """The deed warns of several things, goes on, and its result is finite."""

    def check(deed):
        with ExitStack() as stack:
            for message in messages:
                stack.enter_context(pytest.warns(UserWarning, match=message))
            result = deed()
        assert is_finite(result)

    return check


# What the user does.  A deed is given a fresh estimator and a target that suits it.


def fit_to(make_x):
    """Fit on ``make_x()`` and predict the same rows."""

    def deed(model, y):
        x = make_x()
        return model.fit(x, y).predict(x)

    return deed


def only_fit_to(make_x):
    """Fit on ``make_x()`` and predict good rows."""
    return lambda model, y: model.fit(make_x(), y).predict(X)


def predict_for(make_x, fit_x=lambda: X):
    """Fit on good rows and predict for ``make_x()``."""
    return lambda model, y: model.fit(fit_x(), y).predict(make_x())


def with_y(make_y, **params):
    """Fit with ``make_y()`` as the target."""
    return lambda model, _: model.set_params(**params).fit(X, make_y()).predict(X)


def with_weight(make_weight, **params):
    """Fit with ``make_weight()`` as sample weights."""
    return lambda model, y: (
        model.set_params(**params).fit(X, y, sample_weight=make_weight()).predict(X)
    )


def with_params(**params):
    """Fit and predict good data with these parameters."""
    return lambda model, y: model.set_params(**params).fit(X, y).predict(X)


def fit_with(**arguments):
    """Fit good data with early stopping and these arguments of ``fit``."""
    return lambda model, y: (
        model.set_params(early_stopping=True).fit(X, y, **arguments).predict(X)
    )


def twice(first, second):
    """Do two things with the same model; the second is what the row is about."""

    def deed(model, y):
        first(model, y)
        return second(model, y)

    return deed


def partial(x=X, y=None, **arguments):
    """One call of ``partial_fit``, the classes given to classifiers."""

    def deed(model, good_y):
        classes = {"classes": [0, 1]} if is_classifier(model) else {}
        target = good_y[: len(x)] if y is None else y
        return model.partial_fit(x, target, **(classes | arguments)).predict(x)

    return deed


def partial_with(**params):
    """Change parameters, then call ``partial_fit``."""
    return lambda model, y: partial()(model.set_params(**params), y)


def reason_of(deed):
    """What the cause of the error says, which stands above it in the traceback."""

    def of_error(model, y):
        try:
            deed(model, y)
        except AttributeError as error:
            return str(error.__cause__)
        return ""

    return of_error


def with_dtypes(first, then):
    """Fit a batch of each dtype; whether the weights kept the first one."""

    def deed(model, y):
        twice(partial(X.astype(first)), partial(X.astype(then)))(model, y)
        return model.theta_.dtype == first and np.isfinite(model.theta_).all()

    return deed


def fit_two(**params):
    """Fit the first two rows, one of each class."""
    return lambda model, _: model.set_params(**params).fit(X[:2], [0, 1]).predict(X)


def with_absurd_rate(model, y):
    """Fit a linear network with steps of 1e10; how many epochs it took."""
    params = {"solver": "sgd", "activation": "identity", "max_iter": 200}
    return model.set_params(**params, learning_rate_init=1e10).fit(X, y).n_iter_


def rows(number, name, who, deed, *expectation):
    """The table's rows of one entry: one for each estimator it holds for."""
    return [
        pytest.param(
            functools.partial(lambda one: deed(one.make(), one.y), one),
            *expectation,
            id=f"{number:02d}-{name}-{one.name.replace(' ', '-')}",
        )
        for one in who
    ]


def bad_param(name, *values, number=79, who=ALL):
    """Values that the parameter check refuses with scikit-learn's wording."""
    message = rf"The '{name}' parameter of \w+ must be .* Got .* instead"
    return [
        row
        for value in values
        for row in rows(
            number,
            f"{name}={value!r}",
            who,
            with_params(**{name: value}),
            refused(InvalidParameterError, message),
        )
    ]


def numbers_of(*tables):
    """For each number of the catalogue the estimators that a row is there for."""
    found = {}
    for row in (row for table in tables for row in table):
        (who,) = row.values[0].args
        found.setdefault(int(row.id.partition("-")[0]), []).append(who)
    return found


BAD_LABELS = (ValueError, TypeError)
NOT_RAW = "(?!.*'<' not supported)"
NAN = r"Input X contains NaN"
INFINITY = "Input X contains infinity or a value too large for dtype"
NO_SAMPLE = r"Found array with 0 sample\(s\) \(shape=\(0, 4\)\) while a minimum of 1"
TEXT = r"could not convert string to float(.|\n)*OneHotEncoder"
EXTREME = r"Column \d holds -?\d.*e\+\d+, which is so large that a network learns"
TOO_LARGE = "Solver produced non-finite parameter weights"
OTHER_NAMES = "The feature names should match those that were passed during fit"
WITHOUT_SPLIT = "validation"
WIDTH = r"X has 3 features, but \w+ is expecting 4 features"
HIDDEN_SIZES = r"(?s)(?=.*hidden_layer_sizes)(?=.*\b3\b)(?=.*\b5\b)"


def same_type_as(labels):
    """The predictions are the user's labels, of the user's kind."""
    kind = np.asarray(labels).dtype.kind
    return lambda predicted: (
        set(predicted) <= set(labels) and np.asarray(predicted).dtype.kind == kind
    )


def is_sure_of_one_class(probabilities):
    return probabilities.shape == (60, 1) and (probabilities == 1).all()


def zero_batch_weight():
    """Without shuffling, the first batch of 10 weighs nothing."""
    return np.r_[np.zeros(10), np.ones(50)]
