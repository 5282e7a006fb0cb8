"""Converted tables: raw columns in, what the tabular estimators predict out."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from served import columns_of, data_types, serve, skl2onnx
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import sknet
from sknet import TabularMLPClassifier, TabularMLPRegressor, TabularPreprocessor
from sknet.losses import Quantile


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 120
CLOSE = {np.float32: 1e-5, np.float64: 1e-6}
SMALL = {"hidden_layer_sizes": (8,), "n_estimators": 2, "max_iter": 3}
SMALL |= {"random_state": 0}
each_dtype = pytest.mark.parametrize("dtype", CLOSE)


def made_up_table(seed=0):
    """Numbers, gaps, text of few and of many levels, whole numbers, truth values."""
    rng = np.random.default_rng(seed)
    table = np.empty((N, 6), dtype=object)
    table[:, 0] = np.float32(rng.lognormal(3.0, 2.0, N)).astype(float)
    table[:, 1] = np.float32(rng.normal(size=N)).astype(float)
    table[:, 2] = rng.choice(["red", "green", "blue"], N)
    table[:, 3] = [f"city {c}" for c in rng.integers(0, 12, N)]
    table[:, 4] = rng.choice([10, 20, 30, 40], N)
    table[:, 5] = rng.random(N) < 0.5
    table[rng.random(N) < 0.2, 1] = None
    table[rng.random(N) < 0.1, 2] = None
    return table


TABLE = made_up_table()
VALUE = np.log(TABLE[:, 0].astype(float)) + (TABLE[:, 2] == "red")
LABELS = {
    "binary": np.where(np.median(VALUE) < VALUE, "high", "low"),
    "multiclass": np.digitize(VALUE, [2.5, 4.0]),
    "multilabel": np.c_[VALUE > 3.0, TABLE[:, 5].astype(bool)].astype(int),
}
NAMED = {"categorical_features": [2, 3, 4, 5]}


def later_table():
    """Rows with all that training did not show."""
    table = made_up_table(1)
    table[0] = [1e6, None, "violet", "nowhere", 99, True]
    table[1] = [-1e6, 0.0, None, None, 10, False]
    table[2] = [0.0, None, "Red", "", 0, False]
    return table


LATER = later_table()


def types_of(dtype):
    """One input a column: numbers, text, whole numbers and truth values."""
    return [dtype, dtype, object, object, np.int64, np.bool_]


@pytest.fixture(autouse=True, scope="module")
def registered():
    """Every test of this file wants it."""
    sknet.onnx.register()


def as_served(table):
    """A table as text inputs have it: nothing, too, is a missing value."""
    table = table.copy()
    for j in (2, 3):
        table[table[:, j] == "", j] = None
    return table


def column_of(values):
    """A table of one column of objects."""
    return np.array(values, dtype=object)[:, None]


# ---------------------------------------------------------------------- preprocessing


@each_dtype
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"max_one_hot": 0},
        {"max_one_hot": 100},
        {"max_one_hot": 2, "min_frequency": 0.2},
        {"min_frequency": None, "missing_indicator": False},
        {"scale_flags": False},
        {"clip": None, "dtype": "float64"},
        {"numeric": None},
    ],
    ids=str,
)
def test_encoding(options, dtype):
    encoder = TabularPreprocessor(**NAMED, **options).fit(TABLE)
    served = serve(encoder, columns_of(LATER, types_of(dtype)))
    expected = encoder.transform(as_served(LATER))
    assert list(served) == ["variable"]
    assert served["variable"].dtype == dtype
    found = served["variable"]
    assert_array_equal(found, found.astype(expected.dtype))  # rounded as in Python
    eps = max(np.finfo(expected.dtype).eps, np.finfo(dtype).eps)
    assert_allclose(found, expected, rtol=2 * eps, atol=1e-300)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, ""], ids=repr)
@pytest.mark.parametrize("seen", [True, False])
def test_missing_text(missing, seen):
    words = np.array([["a"], ["b"], [None if seen else "c"]] * 5, dtype=object)
    encoder = TabularPreprocessor(scale_flags=False).fit(words)
    rows = np.array([[missing], ["a"]], dtype=object)
    expected = encoder.transform(np.array([[None], ["a"]], dtype=object))
    assert_array_equal(serve(encoder, {"word": rows})["variable"], expected)


def test_level_that_reads_like_a_missing_value():
    words = np.array([["None"], [""], ["ß"], [None]] * 5, dtype=object)
    encoder = TabularPreprocessor(scale_flags=False).fit(words)
    rows = np.array([["None"], [""], ["ß"], [np.nan]], dtype=object)
    expected = encoder.transform(rows)
    assert_array_equal(serve(encoder, {"word": rows})["variable"], expected)


@each_dtype
@pytest.mark.parametrize("levels", [(1, 2, 3), (0.5, 1.5, -2.0), (True, False)])
@pytest.mark.parametrize("max_one_hot", [0, 8])
def test_levels_that_are_numbers(levels, max_one_hot, dtype):
    x = np.array([*levels] * 5, dtype=float)[:, None]
    x[-1] = np.nan
    encoder = TabularPreprocessor([0], max_one_hot=max_one_hot, min_frequency=None)
    encoder.fit(x)
    rows = np.array([[*levels, 7.0, 1.25, np.nan]], dtype=dtype).T
    assert_allclose(serve(encoder, rows)["variable"], encoder.transform(rows))


def test_merged_levels_of_another_type_may_be_left_out():
    """They count as unknown ones, which is what they are without."""
    mixed = column_of(["a", "b"] * 10 + [1])
    encoder = TabularPreprocessor(min_frequency=3).fit(mixed)
    rows = column_of(["a", "c", "b"])
    assert_allclose(serve(encoder, {"x": rows})["variable"], encoder.transform(rows))


@each_dtype
def test_columns_in_one_input(dtype):
    x = np.random.default_rng(0).normal(size=(40, 3))
    x[::5, 1], x[:, 2] = np.nan, np.arange(40) % 4
    encoder = TabularPreprocessor([2], max_one_hot=2).fit(x)
    x = x.astype(dtype)
    expected = encoder.transform(x)
    whole = serve(encoder, x)["variable"]
    assert_allclose(whole, expected, rtol=1e-6)
    halves = serve(encoder, {"first": x[:, :2], "last": x[:, 2:]})["variable"]
    assert_array_equal(halves, whole)


def test_table_of_one_kind_only():
    for table, types in (
        (TABLE[:, 2:4], [object] * 2),
        (TABLE[:, :2], [np.float64] * 2),
    ):
        encoder = TabularPreprocessor(max_one_hot=0).fit(table)
        served = serve(encoder, columns_of(table, types))["variable"]
        assert_allclose(served, encoder.transform(table), rtol=1e-6)


def test_large_numbers_keep_their_digits():
    x = 1e8 + np.arange(40.0)[:, None]
    encoder = TabularPreprocessor(dtype="float64").fit(x)
    assert_allclose(serve(encoder, x)["variable"], encoder.transform(x), rtol=1e-12)


def test_preprocessor_of_a_sparse_matrix():
    x = sparse.random(40, 4, 0.3, "csr", random_state=0)
    encoder = TabularPreprocessor().fit(x)
    served = serve(encoder, x.toarray())["variable"]
    assert_allclose(served, encoder.transform(x).toarray(), rtol=1e-6)


@each_dtype
def test_preprocessor_in_a_pipeline(dtype):
    model = make_pipeline(TabularPreprocessor(**NAMED), LogisticRegression())
    model.fit(TABLE, LABELS["binary"])
    columns = columns_of(LATER, types_of(dtype))
    served = serve(model, columns, {id(model): {"zipmap": False}})
    assert_array_equal(served["label"], model.predict(as_served(LATER)))
    expected = model.predict_proba(as_served(LATER))
    assert_allclose(served["probabilities"], expected, rtol=0, atol=CLOSE[dtype])


# ------------------------------------------------------------------------- networks


@each_dtype
@pytest.mark.parametrize("kind", list(LABELS))
def test_classifier(kind, dtype):
    estimator = TabularMLPClassifier(**NAMED, **SMALL, max_one_hot=3)
    estimator.fit(TABLE, LABELS[kind])
    assert estimator.temperature_ != 1.0
    served = serve(estimator, columns_of(LATER, types_of(dtype)), {"zipmap": False})
    later = as_served(LATER)
    assert list(served) == ["label", "probabilities"]
    assert_array_equal(served["label"], estimator.predict(later))
    expected = estimator.predict_proba(later)
    assert_allclose(served["probabilities"], expected, rtol=0, atol=CLOSE[dtype])


@each_dtype
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"numeric_embedding": None, "max_one_hot": 0},
        {"n_estimators": 1, "max_one_hot": 2, "embedding_size": 3},
        {"n_estimators": 4, "block": "tabular_resnet"},
        {"clip_predictions": False, "blend_activation": False},
        {"loss": "gaussian"},
        {"loss": "poisson"},
        {"loss": Quantile((0.1, 0.5, 0.9))},
    ],
    ids=str,
)
@pytest.mark.parametrize("n_targets", [1, 2])
def test_regressor(options, n_targets, dtype):
    y = 50.0 + 10.0 * VALUE
    y = y if n_targets == 1 else np.c_[y, TABLE[:, 4].astype(float)]
    estimator = TabularMLPRegressor(**NAMED, **SMALL).set_params(**options)
    estimator.fit(TABLE, y)
    served = serve(estimator, columns_of(LATER, types_of(dtype)))["variable"]
    expected = estimator.predict(as_served(LATER))
    expected = expected[:, None] if expected.ndim == 1 else expected
    assert_allclose(served, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_quantiles_beside_the_mean(n_targets):
    y = VALUE if n_targets == 1 else np.c_[VALUE, -VALUE]
    levels = (0.1, 0.5, 0.9)
    estimator = TabularMLPRegressor(**NAMED, **SMALL, quantiles=levels).fit(TABLE, y)
    columns = columns_of(LATER, types_of(np.float64))
    options = {"return_quantiles": True, "return_std": True}
    served = serve(estimator, columns, options)
    assert list(served) == ["variable", "std", "quantiles"]
    later = as_served(LATER)
    mean, std = estimator.predict(later, return_std=True)
    found = [served[name] for name in served]
    expected = [mean.reshape(N, -1), std.reshape(N, -1)]
    expected.append(estimator.predict(later, quantiles=levels))
    for one, other in zip(found, expected, strict=True):
        assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_quantiles_that_were_not_learned():
    estimator = TabularMLPRegressor(**NAMED, **SMALL).fit(TABLE, VALUE)
    columns = columns_of(LATER, types_of(np.float64))
    with pytest.raises(ValueError, match="not trained for quantiles along with a mean"):
        serve(estimator, columns, {"return_quantiles": True})


def test_dataframe_tells_the_types():
    frame = pd.DataFrame(TABLE, columns=["price", "age", "color", "city", "no", "new"])
    frame = frame.astype({"price": float, "age": float, "no": "int64", "new": bool})
    estimator = TabularMLPClassifier(categorical_features=["color", "city", "no"])
    estimator.set_params(**SMALL).fit(frame, LABELS["binary"])
    columns = {name: frame[[name]].to_numpy() for name in frame}
    served = serve(estimator, columns, {"zipmap": False}, X=frame)
    assert_array_equal(served["label"], estimator.predict(frame))


def test_oldest_opset():
    estimator = TabularMLPRegressor(**NAMED, **SMALL, max_one_hot=3)
    estimator.fit(TABLE, VALUE)
    columns = columns_of(LATER, types_of(np.float64))
    served = serve(estimator, columns, target_opset=13)["variable"].ravel()
    assert_allclose(served, estimator.predict(as_served(LATER)), rtol=1e-5)


def test_calibrated_table_of_numbers():
    x = TABLE[:, :2].astype(float)
    model = CalibratedClassifierCV(TabularMLPClassifier(**SMALL), cv=2)
    model.fit(x, LABELS["binary"])
    served = serve(model, x, {id(model): {"zipmap": False}})
    assert_array_equal(served["label"], model.predict(x))
    assert_allclose(served["probabilities"], model.predict_proba(x), atol=1e-5)


# ----------------------------------------------------------------------- is refused

IDS = [2**60, 2**60 + 3, 2**60 + 6]


@pytest.mark.parametrize(
    ("levels", "kind", "message"),
    [
        ([1, 2, "x"], str, r"'x' is text, .* of type int, e\.g\. 1, .* to text"),
        ([1, 2, "x"], np.int64, r"whole numbers .* type str, e\.g\. 'x', .* to text"),
        ([1, 2, "x"], np.float64, r"numbers .* of type str, e\.g\. 'x', .* to text"),
        ([1, 2, 3], str, "'x' is text, .* of type int, .* Int64TensorType"),
        ([0.5, 2.0], str, "'x' is text, .* of type float, .* DoubleTensorType"),
        ([True, False], str, "'x' is text, .* of type bool, .* Int64TensorType"),
        (["a", "b"], np.int64, "is whole numbers.* type str, .* StringTensorType"),
        (["a", "b"], np.bool_, "is whole numbers.* type str, .* StringTensorType"),
        (["a", "b"], np.float64, "is numbers of .* type str, .* StringTensorType"),
        (["1", "2"], np.float32, "is numbers of .* type str, .* StringTensorType"),
        ([0.5, 2.0], np.int64, "is whole numbers.* type float.* DoubleTensorType"),
        ([0.1, 2.0], np.float32, "type float32, .* DoubleTensorType"),
        ([2**24, 2**24 + 1], np.float32, "type float32, .* Int64TensorType"),
        (IDS, np.float64, "type float64, .* type int, .* Int64TensorType"),
        ([2**63, 2**63 + 3], np.int64, "No type holds numbers this large"),
        (
            [1, 2, 3],
            np.bool_,
            r"type bool.*, .* type int, e\.g\. 2, .* Int64TensorType",
        ),
        ([-1, 2], np.uint8, r"type uint8, .* e\.g\. -1, .* Int64TensorType"),
        ([1, 2**31], np.int32, "type int32, .* 2147483648, .* Int64TensorType"),
    ],
    ids=str,
)
@pytest.mark.parametrize("max_one_hot", [0, 8])
def test_levels_that_the_input_cannot_hold(levels, kind, message, max_one_hot):
    encoder = TabularPreprocessor([0], max_one_hot=max_one_hot, min_frequency=None)
    encoder.fit(column_of(levels * 3))
    rows = np.zeros((2, 1), kind).astype(object if kind is str else kind)
    with pytest.raises(ValueError, match=message):
        serve(encoder, {"x": rows})


@pytest.mark.parametrize("model", [TabularMLPClassifier, TabularMLPRegressor])
def test_levels_of_a_network_that_the_input_cannot_hold(model):
    frame = pd.DataFrame(
        {"n": np.arange(30.0), "code": pd.Categorical([1, 2, "x"] * 10)}
    )
    model = model(**SMALL).fit(frame, np.arange(30) % 2)
    columns = {"n": frame[["n"]].to_numpy(), "code": frame[["code"]].to_numpy(object)}
    with pytest.raises(
        ValueError, match="column 1 of the table has levels of type int"
    ):
        serve(model, columns)


def test_large_whole_numbers_are_looked_up_exactly():
    encoder = TabularPreprocessor([0], scale_flags=False).fit(column_of(IDS))
    rows = np.array(IDS)[:, None]
    assert_array_equal(serve(encoder, {"x": rows})["variable"], np.eye(3))


def test_text_where_numbers_were():
    encoder = TabularPreprocessor(**NAMED).fit(TABLE)
    columns = columns_of(TABLE.astype(str), [object] * 6)
    with pytest.raises(ValueError, match=r"'c0' is text, but column 0 .* numbers"):
        serve(encoder, columns)


def test_text_and_numbers_in_one_step_of_a_column_transformer():
    """skl2onnx makes one input of text out of them; two steps do."""
    frame = pd.DataFrame({"n": np.arange(20.0), "s": ["u", "v"] * 10})
    columns = {"n": frame[["n"]].to_numpy(), "s": frame[["s"]].to_numpy(object)}
    together = [("both", TabularPreprocessor(), ["n", "s"])]
    with pytest.raises(ValueError, match="text and numbers to separate steps"):
        serve(ColumnTransformer(together).fit(frame), columns)
    apart = [(name, TabularPreprocessor(), [name]) for name in "ns"]
    encoder = ColumnTransformer(apart).fit(frame)
    (served,) = serve(encoder, columns).values()
    assert_allclose(served, encoder.transform(frame), rtol=1e-6)


@pytest.mark.parametrize("first", ["b", "a_b"], ids=["all named", "one renamed"])
def test_columns_in_another_order(first):
    """Names with spaces come as skl2onnx makes them; the others tell the order."""
    frame = pd.DataFrame({"a": np.arange(20.0), "b": np.arange(20.0) % 3})
    frame.columns = ["a", "b"] if first == "b" else ["a", "a b"]
    encoder = TabularPreprocessor().fit(frame)
    columns = {first: frame.to_numpy()[:, 1:], "a": frame.to_numpy()[:, :1]}
    with pytest.raises(ValueError, match="declare the inputs in that order"):
        serve(encoder, columns)


def test_columns_of_unknown_number():
    encoder = TabularPreprocessor(**NAMED).fit(TABLE)
    types = [
        ("a", data_types.FloatTensorType([None, None])),
        ("b", data_types.FloatTensorType([None, 1])),
    ]
    with pytest.raises(ValueError, match="declare its number of columns"):
        skl2onnx.to_onnx(encoder, initial_types=types)
