"""The transformer for tables: containers, weights, sparse rows, and its contract."""

import pickle
import unittest
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from mixed_tables import column, mixed_frame, plain
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

from sknet import TabularPreprocessor


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
