"""The transformer for tables: quantiles, scaling, levels, containers, contract."""

import datetime
import pickle
import unittest
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, RobustScaler
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.estimator_checks import estimator_checks_generator

from sknet import TabularPreprocessor
from sknet.preprocessing.quantiles import (
    PROBABILITIES,
    quantiles_of_columns,
    quantiles_of_sparse_columns,
    unit_weight,
    weighted_quantiles,
)


def plain(**parameters):
    """A preprocessor whose flags are 0, 1 and -1, in float64."""
    return TabularPreprocessor(
        scale_flags=False, clip=None, dtype="float64"
    ).set_params(**parameters)


def column(*values):
    """One column of objects."""
    return np.array(values, dtype=object)[:, None]


def mixed_frame(rng, n_rows=60):
    """Numbers with and without holes, few levels, two levels, many levels."""
    number = rng.normal(size=n_rows).round(1)
    holes = np.where(rng.random(n_rows) < 0.2, np.nan, rng.normal(size=n_rows))
    color = np.array(["red", "green", "blue", None], dtype=object)
    return pd.DataFrame(
        {
            "age": number,
            "color": color[rng.integers(0, 4, n_rows)],
            "income": holes,
            "member": rng.random(n_rows) < 0.3,
            "city": [f"city {k}" for k in rng.integers(0, 15, n_rows)],
            "rooms": rng.integers(1, 6, n_rows),
        }
    )


# ----------------------------------------------------------------- weighted quantiles


def test_quantiles_of_repeated_rows_are_those_of_numpy_to_the_last_bit(rng):
    for n_rows in (1, 2, 3, 10, 57):
        x = rng.normal(size=n_rows).round(1)
        weight = rng.integers(1, 5, n_rows).astype(float)
        expected = np.quantile(np.repeat(x, weight.astype(int)), PROBABILITIES)
        assert_array_equal(weighted_quantiles(x, weight), expected)


def test_quantiles_without_weights_are_those_of_numpy_to_the_last_bit(rng):
    for n_rows in (1, 2, 3, 10, 57):
        x = rng.normal(size=n_rows)
        expected = np.quantile(x, PROBABILITIES)
        assert_array_equal(weighted_quantiles(x), expected)
        assert_array_equal(weighted_quantiles(x, np.ones(n_rows)), expected)


def test_weights_in_multiples_of_a_fraction_are_rows_repeated(rng):
    x, times = rng.normal(size=20), np.append(1, rng.integers(1, 6, 19))
    weight = times / 8
    expected = np.quantile(np.repeat(x, times), PROBABILITIES)
    assert_array_equal(weighted_quantiles(x, weight, unit_weight(weight)), expected)


def test_quantiles_are_monotone_and_do_not_depend_on_row_order(rng):
    x, weight = rng.normal(size=50), rng.uniform(0.1, 3, 50)
    found = weighted_quantiles(x, weight, unit_weight(weight))
    assert (np.diff(found) >= 0).all()
    order = rng.permutation(50)
    again = weighted_quantiles(x[order], weight[order], unit_weight(weight))
    assert_allclose(again, found, rtol=1e-12)


def test_merging_equal_values_changes_no_quantile(rng):
    x, weight = rng.integers(0, 4, 40).astype(float), rng.uniform(0.1, 3, 40)
    values = np.unique(x)
    sums = np.array([weight[x == value].sum() for value in values])
    unit = unit_weight(weight)
    found = weighted_quantiles(x, weight, unit)
    assert_allclose(weighted_quantiles(values, sums, unit), found, rtol=1e-10)


def test_quantiles_of_columns_leave_out_nan(rng):
    X = rng.normal(size=(30, 3))
    X[rng.random(X.shape) < 0.3] = np.nan
    X[:, 2] = np.nan
    found = quantiles_of_columns(X)
    assert_array_equal(found[:, :2], np.nanquantile(X[:, :2], PROBABILITIES, axis=0))
    assert np.isnan(found[:, 2]).all()


@pytest.mark.parametrize("density", [0.0, 0.1, 0.25, 0.3, 0.6, 0.9, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_quantiles_of_a_sparse_matrix_count_its_zeros(rng, density, weighted):
    X = rng.normal(size=(41, 12)) * (rng.random((41, 12)) < density)
    X[:, :6] = abs(X[:, :6])
    weight = rng.integers(1, 4, 41).astype(float) if weighted else None
    found = quantiles_of_sparse_columns(sparse.csr_matrix(X), weight)
    assert_array_equal(found, quantiles_of_columns(X, weight))


# ---------------------------------------------------------------------------- numbers


def test_scaling_is_that_of_robust_scaler_where_there_is_a_spread(rng):
    X = rng.normal(size=(80, 4)) * [1, 100, 1e-5, 1] + [0, 7, 0, 1e6]
    expected = RobustScaler().fit_transform(X)
    assert_allclose(plain().fit_transform(X), expected, rtol=1e-12, atol=1e-12)


def test_medians_stand_in_for_missing_numbers(rng):
    X = rng.normal(size=(80, 3))
    X[rng.random(X.shape) < 0.2] = np.nan
    filled = np.where(np.isnan(X), np.nanquantile(X, 0.5, axis=0), X)
    encoder = plain(missing_indicator=False, numeric=None).fit(X)
    assert_array_equal(encoder.transform(X), filled)
    assert_array_equal(encoder.median_, np.nanquantile(X, 0.5, axis=0))


def test_half_the_range_stands_in_for_a_quartile_range_of_zero():
    X = np.array([0.0] * 9 + [5.0])[:, None]
    assert_array_equal(plain().fit_transform(X), X * 2 / 5)


@pytest.mark.parametrize("value", [3.0, 1 / 3, -1e308, 0.0])
def test_constant_column_is_zero_whatever_comes_later(value):
    encoder = plain().fit(np.full((7, 1), value))
    later = np.array([[value], [0.0], [1e308], [-1e308]])
    assert_array_equal(encoder.transform(later), np.zeros((4, 1)))


def test_rounding_is_no_spread():
    X = 0.1 + np.arange(4)[:, None] * 1e-17
    X[0] = np.nextafter(0.1, 1)
    assert_array_equal(plain().fit_transform(X), np.zeros((4, 1)))


def test_column_without_a_number_is_zero_and_has_no_flag(rng):
    X = np.column_stack([rng.normal(size=9), np.full(9, np.nan)])
    encoder = TabularPreprocessor().fit(X)
    assert encoder.n_flags_ == 0
    assert_array_equal(encoder.transform(X)[:, 1], 0)
    assert_array_equal(encoder.transform([[1.0, 5.0]])[:, 1], 0)


def test_clip_is_the_formula_and_keeps_its_limits(rng):
    X = rng.normal(size=(50, 2))
    x = plain().fit_transform(X)
    for clip in (0.5, 3.0):
        encoder = plain(clip=clip).fit(X)
        assert_allclose(encoder.transform(X), x / np.sqrt(1 + (x / clip) ** 2))
        far = encoder.transform([[1e308, -1e308], [-1e30, 1e30]])
        assert_allclose(far, [[clip, -clip], [-clip, clip]])


def test_float32_never_overflows(rng):
    X = rng.normal(size=(30, 1)) * 1e-300
    encoder = TabularPreprocessor().fit(X)
    assert_allclose(encoder.transform([[1e300], [-1e300]]), [[3], [-3]])


def test_indicators_mark_what_was_missing_in_training():
    X = np.array([[1.0, 1.0], [np.nan, 2.0], [3.0, 3.0]])
    encoder = plain().fit(X)
    assert encoder.get_feature_names_out().tolist() == ["x0", "x1", "x0_missing"]
    assert_array_equal(encoder.transform(X)[:, 2], [0, 1, 0])
    # later holes elsewhere are filled, without a flag
    assert_array_equal(encoder.transform([[2.0, np.nan]]), [[0, 0, 0]])


def test_flags_are_scaled_like_numbers():
    X = np.array([[1.0]] * 9 + [[np.nan]])
    flag = TabularPreprocessor(dtype="float64").fit_transform(X)[:, 1]
    assert_allclose(flag, [0] * 9 + [2 / np.sqrt(1 + (2 / 3) ** 2)])  # 1.664


def test_flags_can_stay_as_they_are(rng):
    frame = mixed_frame(rng)
    encoder = TabularPreprocessor(scale_flags=False).fit(frame)
    found = encoder.transform(frame)[:, encoder.n_numeric_ :][:, : encoder.n_flags_]
    assert np.isin(found, [-1, 0, 1]).all()
    scaled = TabularPreprocessor().fit_transform(frame)
    numbers = scaled[:, : encoder.n_numeric_]
    assert_array_equal(encoder.transform(frame)[:, : encoder.n_numeric_], numbers)


def test_numeric_none_changes_no_number(rng):
    X = rng.normal(size=(20, 3)) * 100
    found = TabularPreprocessor(numeric=None, dtype="float64").fit_transform(X)
    assert_array_equal(found, X)


def test_plain_arrays_take_a_short_cut_to_the_same_numbers(rng):
    X = rng.normal(size=(40, 3))
    holes = X.copy()
    holes[0, 1] = np.nan
    for encoder in (TabularPreprocessor().fit(X), TabularPreprocessor().fit(holes)):
        long_way = encoder.transform(X.astype(object))
        assert_array_equal(encoder.transform(X), long_way)
        assert_array_equal(encoder.transform(X[:1]), long_way[:1])
        assert_array_equal(encoder.transform(np.asfortranarray(X)), long_way)


# ------------------------------------------------------------------------- categories


def test_flags_are_those_of_one_hot_encoder(rng):
    X = rng.choice(["a", "b", "c", "d"], size=(50, 2)).astype(object)
    expected = OneHotEncoder(sparse_output=False).fit_transform(X)
    assert_array_equal(plain().fit_transform(X), expected)


def test_rare_levels_are_merged_as_by_one_hot_encoder(rng):
    X = rng.choice(list("abcdef"), p=[0.4, 0.3, 0.2, 0.04, 0.03, 0.03], size=(90, 1))
    later = np.array([["a"], ["f"], ["never seen"]])
    for min_frequency in (7, 0.1):
        encoder = plain(min_frequency=min_frequency).fit(X)
        theirs = OneHotEncoder(
            sparse_output=False,
            min_frequency=min_frequency,
            handle_unknown="infrequent_if_exist",
        ).fit(X)
        assert_array_equal(encoder.transform(X), theirs.transform(X))
        assert_array_equal(encoder.transform(later), theirs.transform(later))
        rare = encoder.infrequent_categories_[0]
        assert rare == theirs.infrequent_categories_[0].tolist()


def test_codes_are_those_of_ordinal_encoder_from_one_on(rng):
    X = column(*rng.permutation([f"level {k:02}" for k in range(30)] * 3))
    encoder = plain(min_frequency=None).fit(X)
    assert_array_equal(encoder.transform(X), OrdinalEncoder().fit_transform(X) + 1)
    assert encoder.n_levels_ == [31]
    assert (encoder.n_numeric_, encoder.n_flags_) == (0, 0)
    with pytest.warns(UserWarning, match="no level that fit knows"):
        assert_array_equal(encoder.transform(column("never seen", None)), [[0], [0]])


def test_two_levels_share_one_flag():
    X = column("no", "yes", "no")
    encoder = plain().fit(X)
    assert_array_equal(encoder.transform(X), [[-1], [1], [-1]])
    with pytest.warns(UserWarning, match="no level that fit knows"):
        assert_array_equal(encoder.transform(column("never seen", None)), [[0], [0]])
    assert encoder.get_feature_names_out().tolist() == ["x0"]


def test_missing_is_a_level_if_training_had_it():
    X = column("a", "b", None, np.nan, "a")
    encoder = plain().fit(X)
    rows = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1], [1, 0, 0]]
    assert_array_equal(encoder.transform(X), rows)
    assert encoder.categories_ == [["a", "b", None]]
    names = ["x0_a", "x0_b", "x0_missing"]
    assert encoder.get_feature_names_out().tolist() == names


def test_eight_levels_and_a_missing_one_are_flags_nine_levels_a_code():
    eight = column(*"abcdefgh", None)
    assert plain(min_frequency=None).fit(eight).n_flags_ == 9
    nine = column(*"abcdefghi", None)
    encoder = plain(min_frequency=None).fit(nine)
    assert (encoder.n_flags_, encoder.n_levels_) == (0, [11])
    assert_array_equal(encoder.transform(nine)[:, 0], np.arange(1, 11))


def test_levels_of_one_or_two_rows_share_a_code():
    X = column(*(list("abcdefghij") * 3), "k", "k", "l")
    encoder = plain().fit(X)
    assert encoder.infrequent_categories_ == [["k", "l"]]
    assert encoder.n_levels_ == [12]  # unknown, ten letters, rare
    found = encoder.transform(column("a", "k", "l", "never seen", None))
    assert_array_equal(found[:, 0], [1, 11, 11, 11, 0])


def test_merging_comes_before_counting_levels():
    X = column(*(list("abc") * 5), *map(str, range(20)))
    encoder = plain().fit(X)
    assert encoder.categories_ == [["a", "b", "c"]]
    assert encoder.get_feature_names_out().tolist()[-1] == "x0_infrequent"
    assert encoder.n_flags_ == 4


def test_levels_compare_as_python_compares():
    named = {"categorical_features": [0]}
    encoder = plain(**named).fit(column(1, 1.0, True, "1", 2))
    assert encoder.categories_ == [[1, 2, "1"]]
    found = encoder.transform(column(1.0, "1", np.float32(2), np.int8(1)))
    assert_array_equal(found.argmax(axis=1), [0, 2, 1, 0])


def test_numbers_can_be_levels():
    X = np.array([[-1.5], [np.nan], [3e9], [0.0], [-1.5]])
    encoder = plain(categorical_features=[0]).fit(X)
    assert encoder.categories_ == [[-1.5, 0.0, 3e9, None]]
    assert_array_equal(encoder.transform(X).argmax(axis=1), [0, 3, 2, 1, 0])
    with pytest.warns(UserWarning, match="of type str, .* of type float"):
        text = encoder.transform(column("-1.5"))
    assert_array_equal(text, np.zeros((1, 4)))


def test_a_single_level_is_harmless():
    X = column("a", "a")
    assert_array_equal(TabularPreprocessor().fit_transform(X), [[0], [0]])
    X = column(None, None)
    encoder = TabularPreprocessor(categorical_features=[0])
    assert_array_equal(encoder.fit_transform(X), [[0], [0]])


def test_any_limit_of_one_hot_is_served():
    X = column("a", "b", "c")[[0, 1, 2] * 3]
    assert plain(max_one_hot=0).fit(X).n_levels_ == [4]
    assert plain(max_one_hot=0).fit(X[:2]).n_flags_ == 1
    assert plain(max_one_hot=3).fit(X).n_flags_ == 3


# -------------------------------------------------------------- which columns are what


def test_categories_are_found_by_type_and_by_looking_at_objects(rng):
    frame = mixed_frame(rng)
    expected = [False, True, False, True, True, False]
    assert plain().fit(frame).is_categorical_.tolist() == expected
    array = frame.to_numpy(dtype=object)
    assert plain().fit(array).is_categorical_.tolist() == expected
    truth = rng.random((9, 2)) < 0.5
    truth[:2] = [[0, 1], [1, 0]]
    assert plain().fit(truth).is_categorical_.all()
    assert_array_equal(plain().fit_transform(truth), truth * 2 - 1)


@pytest.mark.parametrize(
    "chosen",
    [[1, 3, 4], ["color", "city", "member"], [False, True, False, True, True, False]],
)
def test_categories_are_named_in_three_ways(rng, chosen):
    frame = mixed_frame(rng)
    found = plain(categorical_features=chosen).fit_transform(frame)
    assert_array_equal(found, plain().fit_transform(frame))


def test_no_categories_means_numbers_only():
    truth = np.array([[True, 0.5], [False, 1.5], [None, 2.5]], dtype=object)
    encoder = plain(categorical_features=None).fit(truth)
    assert encoder.n_numeric_ == 2
    for nothing in ([], np.array([False, False])):
        again = plain(categorical_features=nothing).fit(truth)
        assert_array_equal(again.transform(truth), encoder.transform(truth))


def test_list_of_lists_keeps_numbers_beside_text():
    X = [["a", 1.0], ["b", 2.0], ["a", 3.0]]
    assert plain().fit(X).is_categorical_.tolist() == [True, False]


# ------------------------------------------------------------------------- containers


def as_nullable(frame):
    """The frame in pandas' own types."""
    return frame.convert_dtypes()


def as_category(frame):
    """The frame with categories, in another order and with one that does not occur."""
    names = ["color", "city"]
    levels = {name: sorted(frame[name].dropna().unique())[::-1] for name in names}
    types = {n: pd.CategoricalDtype([*levels[n], "never"]) for n in names}
    return frame.astype(types)


def as_arrow_backed(frame):
    """The frame over Arrow's arrays."""
    pytest.importorskip("pyarrow")
    return frame.convert_dtypes(dtype_backend="pyarrow")


def as_polars(frame):
    """The frame of polars."""
    polars = pytest.importorskip("polars")
    return polars.DataFrame(
        {name: [None if v != v else v for v in frame[name]] for name in frame}
    )


def as_polars_categorical(frame):
    """The frame of polars with its two types of categories."""
    polars = pytest.importorskip("polars")
    cities = polars.Enum(["unused", *sorted(frame["city"].unique())])
    found = as_polars(frame)
    return found.with_columns(
        polars.col("color").cast(polars.Categorical), polars.col("city").cast(cities)
    )


def as_arrow(frame):
    """Arrow's table."""
    pyarrow = pytest.importorskip("pyarrow")
    return pyarrow.Table.from_pandas(frame)


def as_arrow_dictionary(frame):
    """Arrow's table with its type of categories."""
    pyarrow = pytest.importorskip("pyarrow")
    return pyarrow.Table.from_pandas(as_category(frame))


def as_objects(frame):
    """An array of objects."""
    return frame.to_numpy(dtype=object)


CONTAINERS = [
    *(as_nullable, as_category, as_arrow_backed, as_polars),
    *(as_polars_categorical, as_arrow, as_arrow_dictionary, as_objects),
]


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
def test_a_table_means_the_same_in_each_container(rng, container):
    frame = mixed_frame(rng)
    other = container(frame)
    encoder, again = plain().fit(frame), plain().fit(other)
    expected = encoder.transform(frame)
    assert_array_equal(again.transform(other), expected)
    assert_array_equal(encoder.transform(other), expected)
    assert_array_equal(again.transform(frame), expected)
    assert again.categories_ == encoder.categories_
    assert again.n_levels_ == encoder.n_levels_


def test_nullable_numbers_and_truth_values_with_holes():
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None, 3, 5], dtype="Int64"),
            "real": pd.array([0.5, 1.5, None, 2.0], dtype="Float64"),
            "truth": pd.array([True, None, False, True], dtype="boolean"),
        }
    )
    encoder = plain(numeric=None).fit(frame)
    names = ["whole", "real", "truth_False", "truth_True", "truth_missing"]
    names += ["whole_missing", "real_missing"]
    assert encoder.get_feature_names_out().tolist() == names
    assert_array_equal(
        encoder.transform(frame),
        [
            [1, 0.5, 0, 1, 0, 0, 0],
            [3, 1.5, 0, 0, 1, 1, 0],
            [3, 1.5, 1, 0, 0, 0, 1],
            [5, 2.0, 0, 1, 0, 0, 0],
        ],
    )


def test_decimals_are_numbers():
    X = column(Decimal("1.5"), None, Decimal("2.5"))
    assert_array_equal(plain(numeric=None).fit_transform(X)[:, 0], [1.5, 2, 2.5])


def test_intervals_of_pandas_are_levels():
    ages = pd.cut(pd.Series([1, 5, 9, 5]), [0, 3, 6, 10])
    found = plain().fit(ages.to_frame("age"))
    names = ["age_(0, 3]", "age_(3, 6]", "age_(6, 10]"]
    assert found.get_feature_names_out().tolist() == names


def test_a_category_of_numbers_can_become_a_number_again():
    frame = pd.DataFrame({"n": pd.Categorical([1, 2, None, 4])})
    found = plain(categorical_features=None, numeric=None).fit_transform(frame)
    assert_array_equal(found[:, 0], [1, 2, 2, 4])


def test_categories_may_arrive_in_another_type(rng):
    frame = mixed_frame(rng)
    encoder = plain().fit(as_category(frame))
    for other in (frame, as_nullable(frame), frame.astype({"member": int})):
        assert_array_equal(encoder.transform(other), encoder.transform(frame))


# ---------------------------------------------------------------------------- weights


def test_whole_weights_are_rows_repeated(rng):
    frame = mixed_frame(rng, 80)
    weight = rng.integers(0, 4, 80)
    weight[:3] = [0, 1, 2]
    frame.loc[0, ["age", "color", "city"]] = [1e9, "unseen", "unseen"]  # absent
    repeated = frame.loc[np.repeat(frame.index, weight)]
    for parameters in ({}, {"min_frequency": 4}, {"min_frequency": 0.2}):
        encoder = TabularPreprocessor(**parameters)
        encoder.fit(frame, sample_weight=weight)
        again = clone(encoder).fit(repeated)
        assert_array_equal(encoder.transform(frame), again.transform(frame))
        names = encoder.get_feature_names_out()
        assert_array_equal(names, again.get_feature_names_out())


def test_holes_in_rows_of_weight_zero_give_no_flag():
    X = np.array([[np.nan], [1.0], [2.0]])
    encoder = plain().fit(X, sample_weight=[0, 1, 1])
    assert encoder.n_flags_ == 0


def test_equal_weights_change_nothing(rng):
    frame = mixed_frame(rng)
    expected = TabularPreprocessor().fit(frame).transform(frame)
    for value in (1.0, 0.25, 1e-200):
        encoder = TabularPreprocessor().fit(frame, sample_weight=np.full(60, value))
        assert_array_equal(encoder.transform(frame), expected)


def test_rounded_sums_of_weights_are_not_too_rare():
    X = column(*(["a"] * 6 + ["b"] * 5 + ["c"] * 7 + ["d"]))
    weight = np.full(19, 0.1)  # six times this is less than 6 * 0.1
    weight[-1] = 5
    encoder = plain(min_frequency=6).fit(X, sample_weight=weight)
    assert encoder.infrequent_categories_ == [["b"]]


def test_row_order_changes_nothing(rng):
    frame = mixed_frame(rng)
    order = rng.permutation(60)
    weight = rng.integers(0, 3, 60)
    weight[:5] = 1
    encoder = TabularPreprocessor().fit(frame, sample_weight=weight)
    again = TabularPreprocessor().fit(frame.iloc[order], sample_weight=weight[order])
    assert_array_equal(encoder.transform(frame), again.transform(frame))
    assert_array_equal(
        encoder.transform(frame.iloc[order]), encoder.transform(frame)[order]
    )


# ----------------------------------------------------------------------------- sparse


@pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix", "csr_array", "coo_array"])
def test_sparse_stays_sparse_and_is_not_centred(rng, kind):
    X = rng.normal(size=(60, 5)) * (rng.random((60, 5)) < [0.02, 0.1, 0.4, 0.9, 0.0])
    found = plain().fit(getattr(sparse, kind)(X)).transform(getattr(sparse, kind)(X))
    assert found.format == "csr"
    dense = plain().fit(X)
    assert_allclose(found.toarray(), X * dense.scale_, rtol=1e-12)
    clipped = plain(clip=2.0).fit_transform(sparse.csr_matrix(X)).toarray()
    x = X * dense.scale_
    assert_allclose(clipped, x / np.sqrt(1 + (x / 2) ** 2))


def test_sparse_weights_are_rows_repeated(rng):
    X = sparse.csr_matrix(rng.normal(size=(40, 6)) * (rng.random((40, 6)) < 0.4))
    weight = rng.integers(0, 4, 40)
    weight[:2] = [0, 1]
    found = TabularPreprocessor().fit(X, sample_weight=weight)
    again = TabularPreprocessor().fit(X[np.repeat(np.arange(40), weight)])
    assert_array_equal(found.scale_, again.scale_)


def test_dense_rows_are_scaled_like_sparse_ones(rng):
    X = rng.uniform(size=(40, 6)) * (rng.random((40, 6)) < 0.8)
    encoder = TabularPreprocessor().fit(sparse.csr_matrix(X))
    expected = encoder.transform(sparse.csr_matrix(X)).toarray()
    assert_array_equal(encoder.transform(X), expected)


def test_sparse_input_is_left_alone(rng):
    X = sparse.csr_matrix(rng.normal(size=(20, 3)) * (rng.random((20, 3)) < 0.5))
    before = X.copy()
    TabularPreprocessor().fit(X).transform(X)
    assert (before != X).nnz == 0


# --------------------------------------------------------------------------- contract


CONFIGURED = [
    TabularPreprocessor(),
    TabularPreprocessor(categorical_features=[0], dtype="float64"),
    TabularPreprocessor(numeric=None),
    TabularPreprocessor(scale_flags=False, clip=None),
]


# What parametrize_with_checks does; it gives pytest a generator in scikit-learn before
# 1.9, which pytest 9 warns of.
@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pytest.param(estimator, check, id=f"{k}-{check.func.__name__}-{n}")
        for k, configured in enumerate(CONFIGURED)
        for n, (estimator, check) in enumerate(estimator_checks_generator(configured))
    ],
)
def test_scikit_learns_checks_pass(estimator, check):
    try:
        check(estimator)
    except unittest.SkipTest as skip:
        pytest.fail(f"the check was skipped: {skip}")


def test_transform_is_repeatable_and_leaves_the_table_alone(rng):
    frame = mixed_frame(rng)
    before = frame.copy()
    encoder = TabularPreprocessor().fit(frame)
    assert_array_equal(encoder.transform(frame), encoder.transform(frame))
    assert_array_equal(
        TabularPreprocessor().fit_transform(frame), encoder.transform(frame)
    )
    pd.testing.assert_frame_equal(frame, before)
    X = rng.normal(size=(9, 2))
    X[0, 0] = np.nan
    kept = X.copy()
    TabularPreprocessor().fit(X).transform(X)
    assert_array_equal(X, kept)


def test_pickle_and_clone(rng):
    frame = mixed_frame(rng)
    encoder = TabularPreprocessor(max_one_hot=3).fit(frame)
    again = pickle.loads(pickle.dumps(encoder))
    assert_array_equal(again.transform(frame), encoder.transform(frame))
    with pytest.raises(NotFittedError):
        clone(encoder).transform(frame)


def test_fitted_state_is_plain_data(rng):
    def check(value):
        if isinstance(value, dict):
            value = [*value, *value.values()]
        if isinstance(value, list):
            for entry in value:
                check(entry)
            return
        plain_types = (bool, int, float, str, np.ndarray, type(None))
        assert type(value) in plain_types, type(value)

    encoder = TabularPreprocessor().fit(mixed_frame(rng))
    for value in vars(encoder).values():
        check(value)


def test_failed_fit_leaves_everything_as_it_was(rng):
    X = rng.normal(size=(9, 2))
    encoder = TabularPreprocessor().fit(X)
    before = encoder.transform(X)
    with pytest.raises(ValueError, match="infinity"):
        encoder.fit(pd.DataFrame({"a": [1.0, np.inf]}))
    assert encoder.n_features_in_ == 2
    assert not hasattr(encoder, "feature_names_in_")
    assert_array_equal(encoder.transform(X), before)


def test_second_fit_forgets_the_first(rng):
    frame = mixed_frame(rng)
    X = rng.normal(size=(9, 2))
    encoder = TabularPreprocessor().fit(frame).fit(X)
    assert not hasattr(encoder, "feature_names_in_")
    assert_array_equal(encoder.transform(X), TabularPreprocessor().fit_transform(X))


def test_columns_are_numbers_then_flags_then_codes(rng):
    frame = mixed_frame(rng)
    encoder = plain(max_one_hot=4).fit(frame)
    names = encoder.get_feature_names_out().tolist()
    assert names == [
        *("age", "income", "rooms"),
        *("color_blue", "color_green", "color_red", "color_missing"),
        *("member", "income_missing", "city"),
    ]
    assert encoder.n_numeric_ == 3
    assert encoder.n_flags_ == 6
    codes = encoder.transform(frame)[:, 9:]
    assert_array_equal(codes, codes.astype(int))
    assert codes.min() >= 1
    assert codes.max() == encoder.n_levels_[0] - 1


def test_names_are_distinct():
    frame = pd.DataFrame(
        {
            "a_missing": [1.0, 2.0, 3.0],
            "a": [1.0, np.nan, 2.0],
            "b": ["missing", "x", None],
        }
    )
    names = TabularPreprocessor().fit(frame).get_feature_names_out().tolist()
    expected = ["a_missing", "a", "b_missing", "b_x", "b_missing_", "a_missing_"]
    assert names == expected


def test_names_of_features_can_be_handed_in(rng):
    encoder = TabularPreprocessor().fit(rng.normal(size=(9, 2)))
    assert encoder.get_feature_names_out(["p", "q"]).tolist() == ["p", "q"]
    frame = mixed_frame(rng)
    with pytest.raises(ValueError, match="input_features is not equal"):
        TabularPreprocessor().fit(frame).get_feature_names_out(list("abcdef"))


def test_set_output_gives_frames(rng):
    frame = mixed_frame(rng)
    encoder = TabularPreprocessor().fit(frame)
    expected = encoder.transform(frame)
    found = encoder.set_output(transform="pandas").transform(frame)
    assert list(found) == encoder.get_feature_names_out().tolist()
    assert_array_equal(found.to_numpy(), expected)
    assert_array_equal(found.index, frame.index)
    assert type(encoder.encode(frame)) is np.ndarray


def test_set_output_gives_polars_frames(rng):
    polars = pytest.importorskip("polars")
    frame = as_polars(mixed_frame(rng))
    encoder = TabularPreprocessor().set_output(transform="polars").fit(frame)
    found = encoder.transform(frame)
    assert isinstance(found, polars.DataFrame)
    assert found.columns == encoder.get_feature_names_out().tolist()


def test_it_works_in_a_pipeline_with_weights(rng):
    X, weight = rng.normal(size=(20, 2)), rng.integers(1, 4, 20)
    pipeline = make_pipeline(TabularPreprocessor())
    found = pipeline.fit_transform(X, tabularpreprocessor__sample_weight=weight)
    expected = TabularPreprocessor().fit(X, sample_weight=weight).transform(X)
    assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_type_of_the_result_is_as_asked_for(rng, dtype):
    frame = mixed_frame(rng)
    encoder = TabularPreprocessor(dtype=dtype)
    assert encoder.fit_transform(frame).dtype == dtype
    X = rng.normal(size=(9, 2))
    for numbers in (X, X.astype("f4"), X.astype(int), X.astype("f2"), X.tolist()):
        assert encoder.fit(numbers).transform(numbers).dtype == dtype
    assert encoder.fit_transform(sparse.csr_matrix(X)).dtype == dtype


# -------------------------------------------------------------------------- bad input

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
        "Column 'day' of X .* must be made numbers first",
    ),
    "durations": (
        pd.DataFrame({"stay": pd.to_timedelta([1, 2], unit="D")}),
        TypeError,
        "Column 'stay' of X .* must be made numbers first",
    ),
    "dates in an array": (
        np.array([["2024-01-01"]], dtype="M8[D]"),
        TypeError,
        "must be made numbers first",
    ),
    "dates in objects": (column(DAY, None), TypeError, "must be made numbers first"),
    "dates in a list": (
        [[np.datetime64(DAY)], [np.datetime64(DAY)]],
        TypeError,
        "must be made numbers first",
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


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_number_too_large_to_scale_ends_where_numbers_are_clipped(rng, container):
    X = rng.normal(size=(40, 2)) * 1e-9
    encoder = TabularPreprocessor().fit(container(X))
    X[3, 1] = 1e305
    found = encoder.transform(container(X))
    found = found.toarray() if sparse.issparse(found) else found
    assert np.isfinite(found).all()
    assert found[3, 1] == found.max()


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


def test_spread_too_small_to_divide_by_is_none():
    """Twice one over it lies beyond all numbers; without a warning of NumPy."""
    column = np.zeros((6, 1))
    column[1] = 1.1e-308
    assert np.isfinite(TabularPreprocessor().fit_transform(column)).all()
