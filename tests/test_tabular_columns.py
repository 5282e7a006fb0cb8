"""What numbers and categories of a table become."""

import numpy as np
import pytest
from mixed_tables import column, mixed_frame, plain
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, RobustScaler

from sknet import TabularPreprocessor


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
    with pytest.warns(UserWarning, match="no level that is known from fit"):
        assert_array_equal(encoder.transform(column("never seen", None)), [[0], [0]])


def test_two_levels_share_one_flag():
    X = column("no", "yes", "no")
    encoder = plain().fit(X)
    assert_array_equal(encoder.transform(X), [[-1], [1], [-1]])
    with pytest.warns(UserWarning, match="no level that is known from fit"):
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


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_number_too_large_to_scale_ends_where_numbers_are_clipped(rng, container):
    X = rng.normal(size=(40, 2)) * 1e-9
    encoder = TabularPreprocessor().fit(container(X))
    X[3, 1] = 1e305
    found = encoder.transform(container(X))
    found = found.toarray() if sparse.issparse(found) else found
    assert np.isfinite(found).all()
    assert found[3, 1] == found.max()


def test_spread_too_small_to_divide_by_is_none():
    """Twice one over it lies beyond all numbers; without a warning of NumPy."""
    column = np.zeros((6, 1))
    column[1] = 1.1e-308
    assert np.isfinite(TabularPreprocessor().fit_transform(column)).all()
