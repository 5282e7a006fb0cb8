"""Labels of dataframes come back as what they are, of a column or of a frame of one."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning

from sknet import (
    LockstepGridSearchCV,
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 2))
CODES = np.arange(40) % 2
WORDS = np.where(CODES, "yes", "no")
SIMPLE = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}
TABULAR = {**SIMPLE, "n_estimators": 1}
CLASSIFIERS = SimpleMLPClassifier(**SIMPLE), TabularMLPClassifier(**TABULAR)
REGRESSORS = SimpleMLPRegressor(**SIMPLE), TabularMLPRegressor(**TABULAR)


def of_pandas(values, dtype):
    """A column and a frame of a type of pandas."""
    series = pd.Series(values, dtype=dtype)
    return series, series.to_frame("y")


def of_arrow_backed(values, name):
    """The same over Arrow's arrays."""
    pyarrow = pytest.importorskip("pyarrow")
    return of_pandas(values, pd.ArrowDtype(getattr(pyarrow, name)()))


def of_polars(values, name):
    """A column and a frame of polars."""
    polars = pytest.importorskip("polars")
    series = polars.Series("y", values.tolist(), dtype=getattr(polars, name))
    return series, series.to_frame()


def of_arrow(values, name):
    """A column and a table of Arrow."""
    pyarrow = pytest.importorskip("pyarrow")
    column = pyarrow.chunked_array([pyarrow.array(values.tolist())])
    if name:
        column = column.dictionary_encode()
    return column, pyarrow.table({"y": column})


LABELS = {
    "Int64": (of_pandas, "Int64", CODES),
    "UInt8": (of_pandas, "UInt8", CODES),
    "Float64": (of_pandas, "Float64", CODES),
    "boolean": (of_pandas, "boolean", CODES == 1),
    "string": (of_pandas, "string", WORDS),
    "object": (of_pandas, object, WORDS),
    "category": (of_pandas, "category", WORDS),
    "category of integers": (of_pandas, "category", CODES),
    "int64[pyarrow]": (of_arrow_backed, "int64", CODES),
    "bool[pyarrow]": (of_arrow_backed, "bool_", CODES == 1),
    "string[pyarrow]": (of_arrow_backed, "string", WORDS),
    "polars Int64": (of_polars, "Int64", CODES),
    "polars Boolean": (of_polars, "Boolean", CODES == 1),
    "polars String": (of_polars, "String", WORDS),
    "polars Categorical": (of_polars, "Categorical", WORDS),
    "Arrow int64": (of_arrow, "", CODES),
    "Arrow bool": (of_arrow, "", CODES == 1),
    "Arrow string": (of_arrow, "", WORDS),
    "Arrow dictionary": (of_arrow, "dictionary", WORDS),
}


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda m: type(m).__name__)
def test_classes_of_a_frame_of_one_column_are_those_of_the_column(model, kind):
    make, dtype, values = LABELS[kind]
    column, frame = make(values, dtype)
    expected = clone(model).fit(X, column)
    assert expected.classes_.tolist() == np.unique(values).tolist()
    assert {type(c) for c in expected.classes_.tolist()} == (
        {float} if dtype == "Float64" else {type(values.tolist()[0])}
    )
    with pytest.warns(DataConversionWarning, match="column-vector"):
        found = clone(model).fit(X, frame)
    assert_array_equal(found.classes_, expected.classes_)
    assert found.classes_.dtype == expected.classes_.dtype
    assert_array_equal(found.predict(X), expected.predict(X))


@pytest.mark.parametrize("kind", ["Int64", "boolean", "int64[pyarrow]", "polars Int64"])
@pytest.mark.parametrize("model", REGRESSORS, ids=lambda m: type(m).__name__)
def test_values_of_a_frame_of_one_column_are_those_of_the_column(model, kind):
    make, dtype, values = LABELS[kind]
    expected = clone(model).fit(X, values.astype(float)).predict(X)
    column, frame = make(values, dtype)
    assert_array_equal(clone(model).fit(X, column).predict(X), expected)
    with pytest.warns(DataConversionWarning, match="column-vector"):
        assert_array_equal(clone(model).fit(X, frame).predict(X), expected)


@pytest.mark.parametrize("kind", ["Int64", "boolean", "string"])
@pytest.mark.filterwarnings("ignore:A column-vector")  # as of any frame as y
def test_frames_of_labels_are_taken_wherever_columns_are(kind):
    """Validation sets, a stream of batches, a search over folds, and scores."""
    make, dtype, values = LABELS[kind]
    column, frame = make(values, dtype)
    for model in map(clone, CLASSIFIERS):
        expected = model.fit(X, column, X_val=X, y_val=column).predict(X)
        model.fit(X, frame, X_val=X, y_val=frame)
        assert_array_equal(model.predict(X), expected)
        assert model.score(X, frame) == model.score(X, column)
        model.partial_fit(X, frame)
    grid = {"learning_rate_init": [0.01, 0.1]}
    searches = [
        LockstepGridSearchCV(CLASSIFIERS[0], grid, cv=2).fit(X, y)
        for y in (column, frame)
    ]
    scores = [search.cv_results_["mean_test_score"] for search in searches]
    assert_array_equal(*scores)


@pytest.mark.parametrize("kind", ["Int64", "boolean", "string"])
def test_a_frame_of_labels_some_of_which_are_missing_is_refused(kind):
    make, dtype, values = LABELS[kind]
    _, frame = make(values, dtype)
    frame.iloc[3, 0] = None
    for model in CLASSIFIERS:
        with pytest.raises(ValueError, match="labels must not be missing"):
            clone(model).fit(X, frame)
