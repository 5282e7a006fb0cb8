"""Levels of categories: told apart exactly, the same from every container."""

import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from sknet import TabularMLPClassifier, TabularMLPRegressor, TabularPreprocessor


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# --------------------------------------------------------------- exact whole numbers

# As float64 these are one or two levels.
IDS = [2**60 + 3 * k for k in range(6)]
LARGE = [2**63 + 3 * k for k in range(6)]


def frame_of(values, dtype):
    """A frame of pandas' own types, or of NumPy's."""
    return pd.DataFrame({"id": pd.Series(pd.array(values, dtype=dtype))})


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
    return pyarrow.RecordBatch.from_arrays([array], ["id"])


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
