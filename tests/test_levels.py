"""Levels of categories: told apart exactly, the same from every container."""

import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from columns import IDS, frame_of
from numpy.testing import assert_array_equal
from sklearn.model_selection import KFold, cross_val_score

from sknet import TabularMLPClassifier, TabularMLPRegressor, TabularPreprocessor


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
LARGE = [2**63 + 3 * k for k in range(6)]


def arrow_type(name):
    """One of Arrow's types, by its name."""
    pyarrow = pytest.importorskip("pyarrow")
    if name.startswith("decimal"):
        return pyarrow.decimal128(38, 0)
    return getattr(pyarrow, name)()


def arrow_backed(values, name):
    """A frame of pandas over Arrow's arrays."""
    return frame_of(values, pd.ArrowDtype(arrow_type(name)))


def arrow_table(values, name):
    """A table of Arrow."""
    pyarrow = pytest.importorskip("pyarrow")
    return pyarrow.table({"id": pyarrow.array(values, arrow_type(name))})


def arrow_dictionary(values, name):
    """A table of Arrow's categorical type, in two chunks with levels of their own."""
    pyarrow = pytest.importorskip("pyarrow")
    halves = values[: len(values) // 2], values[len(values) // 2 :]
    arrays = [pyarrow.array(half, arrow_type(name)) for half in halves]
    chunks = [array.dictionary_encode() for array in arrays]
    return pyarrow.table({"id": pyarrow.chunked_array(chunks)})


def arrow_batch(values, name):
    """A record batch, whose columns have no chunks."""
    pyarrow = pytest.importorskip("pyarrow")
    array = pyarrow.array(values, arrow_type(name)).dictionary_encode()
    batch = pyarrow.RecordBatch.from_arrays([array], ["id"])
    if not hasattr(batch, "shape"):
        pytest.skip("batches of this pyarrow have no shape")
    return batch


def backed_dictionary(values, name):
    """A frame of pandas over Arrow's categorical type."""
    table = arrow_dictionary(values, name)
    return table.to_pandas(types_mapper=pd.ArrowDtype)


def polars_frame(values, name):
    """A frame of polars."""
    polars = pytest.importorskip("polars")
    if not hasattr(polars, name):
        pytest.skip(f"this polars has no {name}")
    dtype = polars.Decimal(38, 0) if name == "Decimal" else getattr(polars, name)
    return polars.DataFrame({"id": polars.Series(values, dtype=dtype)})


def objects_of(values, kind):
    """An array of Python's numbers."""
    made = [None if v is None else kind(v) for v in values]
    return np.array(made, dtype=object)[:, None]


EXACT = {
    "nullable": (frame_of, "Int64"),
    "backed by Arrow": (arrow_backed, "int64"),
    "Arrow": (arrow_table, "int64"),
    "Arrow dictionary": (arrow_dictionary, "int64"),
    "backed by Arrow's dictionary": (backed_dictionary, "int64"),
    "record batch of dictionaries": (arrow_batch, "int64"),
    "polars": (polars_frame, "Int64"),
    "polars of 128 bits": (polars_frame, "Int128"),
    "objects": (objects_of, int),
    "decimals": (objects_of, Decimal),
    "fractions": (objects_of, Fraction),
    "decimals of polars": (polars_frame, "Decimal"),
    "decimals of Arrow": (arrow_table, "decimal128"),
    "decimals backed by Arrow": (arrow_backed, "decimal128"),
    "rows": (lambda v, _: [[np.nan if x is None else x] for x in v], None),
    "category": (lambda v, _: frame_of(v, "Int64").astype("category"), None),
    "category of decimals": (
        lambda v, _: pd.DataFrame({"id": pd.Categorical(objects_of(v, Decimal)[:, 0])}),
        None,
    ),
}
UNSIGNED = {
    "nullable": (frame_of, "UInt64"),
    "backed by Arrow": (arrow_backed, "uint64"),
    "Arrow": (arrow_table, "uint64"),
    "Arrow dictionary": (arrow_dictionary, "uint64"),
    "polars": (polars_frame, "UInt64"),
    "polars of 128 bits": (polars_frame, "UInt128"),
    "category": (lambda v, _: frame_of(v, "UInt64").astype("category"), None),
    **{name: EXACT[name] for name in ("objects", "decimals", "rows")},
}
CASES = [
    *(pytest.param(*case, IDS, id=name) for name, case in EXACT.items()),
    *(pytest.param(*case, LARGE, id=f"large, {k}") for k, case in UNSIGNED.items()),
]


@pytest.mark.parametrize(("container", "dtype", "ids"), CASES)
@pytest.mark.parametrize("gap", [False, True], ids=["whole", "gap"])
# The table asked for is of another container than that of the fit.
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
def test_whole_numbers_beyond_floats_are_levels_of_their_own(
    container, dtype, ids, gap
):
    """Fitted on them, or on plain integers and asked for them."""
    table = container([*ids, *[None] * gap], dtype)
    plain = frame_of(ids, "uint64")
    encoder = TabularPreprocessor([0], scale_flags=False, dtype="float64").fit(table)
    assert encoder.categories_ == [[*ids, *[None] * gap]]
    assert_array_equal(encoder.transform(table), np.eye(len(ids) + gap))
    again = pickle.loads(pickle.dumps(encoder))
    assert_array_equal(again.transform(plain), np.eye(6, len(ids) + gap))
    on_plain = TabularPreprocessor([0], scale_flags=False, dtype="float64").fit(plain)
    assert_array_equal(on_plain.transform(table)[:6], np.eye(6))


def test_whole_numbers_beside_fractions_in_rows_are_exact():
    rows = [[number, 0.5] for number in IDS]
    encoder = TabularPreprocessor([0]).fit(rows)
    assert encoder.categories_ == [IDS]
    assert encoder.n_numeric_ == 1


def test_decimals_are_the_floats_they_are_written_like_or_have_all_their_digits():
    close = [Decimal("0.10000000000000000001"), Decimal("0.10000000000000000002")]
    encoder = TabularPreprocessor([0]).fit(
        objects_of([Decimal("0.1"), *close], Decimal)
    )
    assert encoder.categories_ == [[0.1, *map(str, close)]]
    assert_array_equal(
        encoder.transform(objects_of([close[0]], lambda v: Decimal(f"{v}00"))),
        encoder.transform(objects_of([close[0]], Decimal)),
    )
    assert_array_equal(
        encoder.transform(np.array([[0.1]])),
        encoder.transform(objects_of([Decimal("0.1")], Decimal)),
    )


@pytest.mark.parametrize(
    "container", ["nullable", "backed by Arrow", "Arrow", "polars"]
)
def test_gaps_in_numbers_are_gaps(container):
    make, dtype = EXACT[container]
    values = [1, None, 3, 5]
    encoder = TabularPreprocessor(numeric=None).fit(make(values, dtype))
    expected = TabularPreprocessor(numeric=None).fit_transform(
        [[1], [np.nan], [3], [5]]
    )
    assert encoder.n_numeric_ == 1
    assert_array_equal(encoder.transform(make(values, dtype)), expected)


@pytest.mark.parametrize("estimator", [TabularMLPClassifier, TabularMLPRegressor])
@pytest.mark.parametrize(
    "container", ["nullable", "polars", "Arrow", "backed by Arrow"]
)
def test_estimators_tell_large_ids_apart(estimator, container):
    """A saved network, and its predictor, too."""
    make, dtype = EXACT[container]
    code = np.arange(120) % 6
    ids, y = np.array(IDS)[code], (code % 2).astype(float)
    model = estimator((8,), categorical_features=["id"], max_iter=2, random_state=0)
    model.set_params(n_estimators=1).fit(frame_of(ids, "int64"), y)
    expected = model.predict(frame_of(IDS, "int64"))
    table = make([*IDS, None], dtype)
    assert_array_equal(model.predict(table)[:6], expected)
    assert_array_equal(model.predictor().predict(table)[:6], expected)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(table)[:6], expected)
    model.fit(make([*ids.tolist()[:-1], None], dtype), y)
    assert len(model.preprocessor_.categories_[0]) == 7


# --------------------------------------------------------------- Arrow's dictionaries


@pytest.mark.parametrize("container", [arrow_dictionary, backed_dictionary])
@pytest.mark.parametrize(
    "values", [[100, 200, None, 300] * 3, [0.5, 1.5, None, 2.5] * 3]
)
def test_arrows_dictionaries_are_categories_as_those_of_pandas(container, values):
    whole = isinstance(values[0], int)
    table = container(values, "int64" if whole else "float64")
    frame = pd.DataFrame({"id": pd.Categorical(values)})
    encoder, expected = (TabularPreprocessor().fit(X) for X in (table, frame))
    assert encoder.is_categorical_.all()
    assert encoder.categories_ == expected.categories_
    for X in (table, frame):
        assert_array_equal(encoder.transform(X), expected.transform(frame))


def test_missing_values_among_the_levels_of_a_dictionary_are_missing():
    pyarrow = pytest.importorskip("pyarrow")
    levels = pyarrow.array([None, "a", "b"])
    codes = pyarrow.array([0, 1, 2, None], pyarrow.uint8())
    column = pyarrow.DictionaryArray.from_arrays(codes, levels)
    encoder = TabularPreprocessor(scale_flags=False).fit(pyarrow.table({"id": column}))
    assert encoder.categories_ == [["a", "b", None]]
    found = encoder.transform(pyarrow.table({"id": column}))
    assert_array_equal(found, [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])


def test_a_dictionary_of_numbers_can_be_numbers():
    table = arrow_dictionary([1, 2, None, 4], "int64")
    found = TabularPreprocessor(None, numeric=None).fit_transform(table)
    assert_array_equal(found[:, 0], [1, 2, 2, 4])


# ------------------------------------------------------------------------ typed columns


def of_pandas(dtype):
    """Make a frame of a type of pandas from a list with None."""
    return lambda values: pd.DataFrame({"x": pd.Series(values, dtype=dtype)})


def of_arrow_backed(make_type):
    """Make a frame of pandas over an array of Arrow's."""

    def make(values):
        pyarrow = pytest.importorskip("pyarrow")
        dtype = pd.ArrowDtype(make_type(pyarrow))
        return pd.DataFrame({"x": pd.Series(pyarrow.array(values), dtype=dtype)})

    return make


def of_arrow(make_type):
    """Make a table of Arrow."""

    def make(values):
        pyarrow = pytest.importorskip("pyarrow")
        if not hasattr(pyarrow, "string_view"):
            pytest.skip("this pyarrow is too old for its newer types")
        return pyarrow.table({"x": pyarrow.array(values).cast(make_type(pyarrow))})

    return make


def of_polars(make_type):
    """Make a frame of polars."""

    def make(values):
        polars = pytest.importorskip("polars")
        return polars.DataFrame({"x": polars.Series(values, dtype=make_type(polars))})

    return make


TYPED = {
    "pandas string": of_pandas("string"),
    "pandas category": of_pandas(pd.CategoricalDtype(["a", "b"])),
    "Arrow-backed string": of_arrow_backed(lambda pa: pa.string()),
    "Arrow-backed large string": of_arrow_backed(lambda pa: pa.large_string()),
    "Arrow-backed dictionary": of_arrow_backed(
        lambda pa: pa.dictionary(pa.int32(), pa.string())
    ),
    "Arrow string": of_arrow(lambda pa: pa.string()),
    "Arrow large string": of_arrow(lambda pa: pa.large_string()),
    "Arrow string view": of_arrow(lambda pa: pa.string_view()),
    "Arrow dictionary": of_arrow(lambda pa: pa.dictionary(pa.int8(), pa.string())),
    "polars String": of_polars(lambda pl: pl.String),
    "polars Categorical": of_polars(lambda pl: pl.Categorical),
    "polars Enum": of_polars(lambda pl: pl.Enum(["a", "b"])),
}
if pd.__version__ >= "3":
    TYPED["pandas str"] = of_pandas("str")
TRUTH = {
    "pandas boolean": of_pandas("boolean"),
    "Arrow-backed bool": of_arrow_backed(lambda pa: pa.bool_()),
    "Arrow bool": of_arrow(lambda pa: pa.bool_()),
    "polars Boolean": of_polars(lambda pl: pl.Boolean),
}
ALL_TYPED = {
    **{name: (make, "a") for name, make in TYPED.items()},
    **{name: (make, True) for name, make in TRUTH.items()},
}


@pytest.mark.parametrize("name", ALL_TYPED)
def test_a_column_is_a_category_by_its_type_where_all_of_it_is_missing(name):
    container, level = ALL_TYPED[name]
    encoder = TabularPreprocessor().fit(container([None] * 4))
    assert encoder.is_categorical_.all()
    assert encoder.categories_ == [[None]]
    assert_array_equal(encoder.transform(container([level, None])), [[0], [0]])


# pyarrow 25 cannot take rows of string views, so that there are no folds of them.
@pytest.mark.parametrize("name", sorted(ALL_TYPED.keys() - {"Arrow string view"}))
@pytest.mark.parametrize("estimator", [TabularMLPClassifier, TabularMLPRegressor])
def test_folds_without_a_value_of_a_typed_column_are_scored(estimator, name):
    """All of its values are in the first fold: what is trained without it meets it."""
    container, level = ALL_TYPED[name]
    X, y = container([level] * 20 + [None] * 20), np.arange(40) % 2
    model = estimator((4,), max_iter=1, n_estimators=1, random_state=0)
    scores = cross_val_score(model, X, y, cv=KFold(2), error_score="raise")
    assert np.isfinite(scores).all()
    assert model.fit(container([None] * 40), y).predict(X).shape == (40,)


def test_columns_of_no_type_and_no_value_are_numbers():
    """Nothing says what they are."""
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    nothing = {"x": [None] * 4}
    frames = polars.DataFrame(nothing), pyarrow.table(nothing)
    for X in (*frames, np.full((4, 1), None), pd.DataFrame(nothing, dtype=object)):
        assert not TabularPreprocessor().fit(X).is_categorical_.any()


# ------------------------------------------------------------------------- NumPy's text


MISSING = {"nan": np.nan, "None": None, "NA": pd.NA, "an object": object()}
new_text = pytest.mark.skipif(
    not hasattr(np.dtypes if hasattr(np, "dtypes") else np, "StringDType"),
    reason="text of this kind is new in NumPy 2",
)


@new_text
@pytest.mark.parametrize("missing", MISSING)
def test_numpys_new_text_is_text_that_may_be_missing(missing):
    dtype = np.dtypes.StringDType(na_object=MISSING[missing])
    cells = [["a", "1"], [None, "2"], ["b", "3"], ["a", "1"]]
    X = np.array(
        [[MISSING[missing] if v is None else v for v in r] for r in cells], dtype
    )
    encoder = TabularPreprocessor().fit(X)
    expected = TabularPreprocessor().fit(cells)
    assert encoder.categories_ == expected.categories_ == [["a", "b", None], [*"123"]]
    for rows in (X, cells, np.array(cells, dtype=object)):
        assert_array_equal(encoder.transform(rows), expected.transform(cells))
    nothing = np.full((4, 1), MISSING[missing], dtype)
    assert TabularPreprocessor().fit(nothing).is_categorical_.all()


@new_text
@pytest.mark.parametrize("estimator", [TabularMLPClassifier, TabularMLPRegressor])
def test_networks_of_tables_take_numpys_new_text(estimator):
    words, y = np.array([["a", "u"], ["b", "v"], ["c", "v"]] * 20), np.arange(60) % 2
    model = estimator((4,), max_iter=2, n_estimators=1, random_state=0)
    expected = model.fit(words, y).predict(words)
    for dtype in (np.dtypes.StringDType(), np.dtypes.StringDType(na_object=np.nan)):
        X = words.astype(dtype)
        assert_array_equal(model.fit(X, y).predict(X), expected)
        assert_array_equal(model.predictor().predict(X), expected)
        assert np.isfinite(cross_val_score(model, X, y, cv=2)).all()


@new_text
def test_numpys_new_text_that_is_no_category_is_refused_with_what_to_do():
    X = np.array([["a"], ["b"]], np.dtypes.StringDType())
    with pytest.raises(ValueError, match=r"Column 0 of X .* categorical_features"):
        TabularPreprocessor(None).fit(X)
