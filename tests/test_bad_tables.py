"""Tables and parameters that the transformer refuses, with what to do."""

import datetime

import numpy as np
import pandas as pd
import pytest
from mixed_tables import column, mixed_frame
from scipy import sparse
from sklearn.utils._param_validation import InvalidParameterError

from sknet import TabularPreprocessor


DAY = datetime.date(2024, 1, 1)
BAD_TABLES = {
    "one dimension": (np.ones(4), ValueError, "Expected 2D array, got 1D"),
    "one dimension of text": (["a", "b"], ValueError, "Expected 2D array, got 1D"),
    "three dimensions": (np.ones((2, 2, 2)), ValueError, "dim 3"),
    "no row": (np.ones((0, 2)), ValueError, "0 sample"),
    "no row in a frame": (pd.DataFrame({"a": []}), ValueError, "0 sample"),
    "no column in a frame": (pd.DataFrame(index=[1, 2]), ValueError, "0 feature"),
    "infinity": (np.array([[1.0], [np.inf]]), ValueError, "Input X contains infinity"),
    "infinity in objects": (
        column(1.0, -np.inf),
        ValueError,
        "Input X contains infinity",
    ),
    "infinity in a frame": (
        pd.DataFrame({"age": [1.0, np.inf]}),
        ValueError,
        "infinity .* column 'age'",
    ),
    "complex": (np.ones((2, 1)) * 1j, ValueError, "Complex data not supported"),
    "complex in objects": (column(1j, 2), ValueError, "Complex data not supported"),
    "dates": (
        pd.DataFrame({"day": pd.to_datetime(["2024-01-01", "2024-01-02"])}),
        TypeError,
        "Column 'day' of X .* convert dates and durations to numbers first",
    ),
    "durations": (
        pd.DataFrame({"stay": pd.to_timedelta([1, 2], unit="D")}),
        TypeError,
        "Column 'stay' of X .* convert dates and durations to numbers first",
    ),
    "dates in an array": (
        np.array([["2024-01-01"]], dtype="M8[D]"),
        TypeError,
        "convert dates and durations to numbers first",
    ),
    "dates in objects": (
        column(DAY, None),
        TypeError,
        "convert dates and durations to numbers first",
    ),
    "dates in a list": (
        [[np.datetime64(DAY)], [np.datetime64(DAY)]],
        TypeError,
        "convert dates and durations to numbers first",
    ),
    "lists": (
        pd.DataFrame({"tags": [["a"], ["b"]]}),
        TypeError,
        "Column 'tags' of X holds values of type list",
    ),
    "dicts": (column({"a": 1}, 2), TypeError, "argument must be a string or a real"),
    "bytes": (column(b"a", b"b"), TypeError, "values of type bytes"),
    "two columns of a name": (
        pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]),
        ValueError,
        "several columns of the same name",
    ),
    "masked array": (np.ma.ones((2, 2)), ValueError, "masked array"),
    "sparse with NaN": (
        sparse.csr_matrix([[np.nan, 1.0]]),
        ValueError,
        "sparse and contains NaN.*SimpleImputer",
    ),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_table_is_refused_with_a_message(case):
    X, error, message = BAD_TABLES[case]
    with pytest.raises(error, match=message):
        TabularPreprocessor().fit(X)


def test_text_that_is_no_category_is_refused_with_what_to_do():
    X = np.array([["a", 1.0], ["b", 2.0]], dtype=object)
    for chosen in (None, [1]):
        with pytest.raises(ValueError, match=r"Column 0 of X .* categorical_features"):
            TabularPreprocessor(categorical_features=chosen).fit(X)


def test_number_that_arrives_as_text_is_refused(rng):
    frame = mixed_frame(rng)
    encoder = TabularPreprocessor().fit(frame)
    for kind in (object, "category", "string"):
        text = frame.astype({"age": str}).astype({"age": kind})
        with pytest.raises(ValueError, match=r"Column 'age' of X .*pandas\.to_num"):
            encoder.transform(text)


def test_lazy_frame_is_refused():
    polars = pytest.importorskip("polars")
    with pytest.raises(TypeError, match="collect"):
        TabularPreprocessor().fit(polars.LazyFrame({"a": [1.0]}))


def test_dates_of_polars_and_arrow_are_refused():
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    columns = {"day": [DAY, DAY]}
    backed = pd.DataFrame(
        {"day": pd.array([DAY], dtype=pd.ArrowDtype(pyarrow.date32()))}
    )
    for X in (polars.DataFrame(columns), pyarrow.table(columns), backed):
        with pytest.raises(TypeError, match=r"'day' of X .* numbers first"):
            TabularPreprocessor().fit(X)


def test_nested_columns_of_polars_and_arrow_are_refused():
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    for columns in ({"x": [[1, 2], [3]]}, {"x": [{"a": 1}, {"a": 2}]}):
        for X in (polars.DataFrame(columns), pyarrow.table(columns)):
            with pytest.raises(TypeError, match="argument must be a string or a real"):
                TabularPreprocessor().fit(X)


def test_other_columns_than_in_fit_are_refused(rng):
    frame = mixed_frame(rng)
    encoder = TabularPreprocessor().fit(frame)
    with pytest.raises(ValueError, match="feature names should match"):
        encoder.transform(frame[frame.columns[::-1]])
    with pytest.raises(ValueError, match="feature names should match"):
        encoder.transform(frame.drop(columns="age"))
    numbers = TabularPreprocessor().fit(rng.normal(size=(9, 2)))
    with pytest.raises(ValueError, match="expecting 2 features"):
        numbers.transform(rng.normal(size=(9, 3)))
    with pytest.warns(UserWarning, match="valid feature names"):
        encoder.transform(frame.to_numpy(dtype=object))
    ages = TabularPreprocessor().fit(frame[["age"]])
    with pytest.warns(UserWarning, match="valid feature names"):
        ages.transform(frame[["age"]].to_numpy())


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ([0, 6], r"in \[0, n_features - 1\]"),
        ([-1], r"in \[0, n_features - 1\]"),
        ([True, False], "boolean mask must have shape"),
        (["nothing"], "'nothing' which is not a valid feature name"),
        ([1.5], "array-like of bool, int or str, got: float"),
        ([0, "age"], "array-like of bool, int or str, got: int, str"),
        (np.array([0, "age"], dtype=object), "bool, int or str, got: int, str"),
    ],
)
def test_categorical_features_that_are_not_there_are_refused(rng, chosen, message):
    with pytest.raises(ValueError, match=message):
        TabularPreprocessor(categorical_features=chosen).fit(mixed_frame(rng))


def test_names_of_categories_need_names_of_features(rng):
    with pytest.raises(ValueError, match="without feature names"):
        TabularPreprocessor(categorical_features=["a"]).fit(rng.normal(size=(9, 2)))


def test_sparse_and_categories_are_refused(rng):
    X = sparse.csr_matrix(rng.normal(size=(9, 2)))
    with pytest.raises(TypeError, match="toarray"):
        TabularPreprocessor(categorical_features=[0]).fit(X)
    encoder = TabularPreprocessor().fit(X.toarray())
    with pytest.raises(ValueError, match=r"fitted on a dense table.*toarray"):
        encoder.transform(X)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        *(([0, 0, 0], "non-zero"), ([1, -1, 1], "[Nn]egative"), ([1, 1], "shape")),
        (np.ma.masked_array([1.0, 1.0, 1.0], [1, 0, 0]), "sample_weight is a masked"),
    ],
)
def test_bad_weights_are_refused(weight, message):
    with pytest.raises(ValueError, match=message):
        TabularPreprocessor().fit(np.ones((3, 1)), sample_weight=weight)


@pytest.mark.parametrize(
    "parameters",
    [
        *({"max_one_hot": -1}, {"max_one_hot": 2.5}, {"min_frequency": 0}),
        *({"min_frequency": 1.0}, {"min_frequency": "rare"}, {"numeric": "quantum"}),
        *({"clip": 0}, {"clip": "yes"}, {"dtype": "float16"}, {"scale_flags": 2}),
        *({"missing_indicator": "x"}, {"categorical_features": "guess"}),
    ],
)
def test_bad_parameters_are_refused(parameters):
    with pytest.raises(InvalidParameterError, match=next(iter(parameters))):
        TabularPreprocessor(**parameters).fit(np.ones((3, 1)))
