"""Centre and spread of columns of which one value has most of the rows."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingRegressor

from sknet import TabularMLPClassifier, TabularMLPRegressor, TabularPreprocessor


def plain():
    """The preprocessor without clips and flags, in float64."""
    return TabularPreprocessor(clip=None, dtype="float64", missing_indicator=False)


def spread_of_rows(x):
    """The formula of the spread, ends kept, for rows that count the same."""
    spread = np.subtract(*np.quantile(x, [0.75, 0.25]))
    values, counts = np.unique(x, return_counts=True)
    if 2 * counts.max() <= len(x) or len(values) == 1:
        return spread
    majority = values[counts.argmax()]
    others = x[x != majority]
    spread = max(spread, np.quantile(abs(others - majority), 0.5) / 2)
    if len(others) < 10:
        return spread
    return max(spread, 2 * np.subtract(*np.quantile(others, [0.75, 0.25])))


def frequent_ends(x):
    """The ends that may stand for "unknown"."""
    most = np.unique(x, return_counts=True)[1].max()
    others = len(x) - most if 2 * most > len(x) else len(x)
    return [e for e in (x.min(), x.max()) if (x == e).sum() >= max(2, others / 20)]


def center_and_spread_of_rows(x):
    """Centre and spread, far ends left out, as the documentation says."""
    spread = spread_of_rows(x)
    while len(np.unique(x)) > 2:
        rests = [x[x != end] for end in frequent_ends(x)]
        spreads = [spread_of_rows(rest) if len(rest) >= 10 else 0.0 for rest in rests]
        near = [s for s in spreads if 0 < 5 * s < spread]
        if not near:
            break
        spread, x = min(near), rests[spreads.index(min(near))]
    return np.quantile(x, 0.5), spread


def mostly(rng, value, share, others, n_rows=400):
    """A column that has ``value`` in a share of the rows."""
    return np.where(rng.random(n_rows) < share, value, others)


def columns_of_all_kinds(rng, n_rows=400):
    """Columns with majorities, unknowns and neither."""
    count = rng.integers(1, 11, n_rows).astype(float)
    normal = rng.normal(size=n_rows)
    zeros = mostly(rng, 0, 0.8, count)
    found = [
        *(zeros, mostly(rng, 0, 0.6, count), mostly(rng, 0, 0.73, abs(normal))),
        *(mostly(rng, 0, 0.98, count), mostly(rng, 1, 0.85, rng.random(n_rows))),
        *(mostly(rng, -999, 0.3, normal), mostly(rng, 999, 0.9, count)),
        *(mostly(rng, -999, 0.2, zeros), mostly(rng, 99999, 0.1, zeros)),
        *(mostly(rng, 3.4e38, 0.02, zeros), mostly(rng, 0, 0.8, 100 + normal)),
        *(mostly(rng, 0, 0.9, 5.0), mostly(rng, 0, 0.4, 5.0), normal, count),
        *(np.full(n_rows, 7.0), np.arange(n_rows) % 2 * 1.0, np.round(normal)),
    ]
    found[0][3] = found[1][5] = 99999
    return np.column_stack(found)


def test_centre_and_spread_are_those_of_the_formula(rng):
    X = columns_of_all_kinds(rng)
    encoder = plain().fit(X)
    expected = np.array([center_and_spread_of_rows(x) for x in X.T]).T
    varies = expected[1] > 0
    assert_allclose(encoder.scale_[varies], 1 / expected[1][varies])
    assert_allclose(encoder.center_[varies], expected[0][varies])
    assert_array_equal(encoder.scale_[~varies], 0)


def test_columns_without_a_majority_have_median_and_quartiles(rng):
    X = np.column_stack(
        [rng.normal(size=200), rng.integers(0, 6, 200), rng.lognormal(0, 3, 200)]
    )
    encoder = plain().fit(X)
    low, median, high = np.quantile(X, [0.25, 0.5, 0.75], axis=0)
    assert_allclose(encoder.scale_, 1 / (high - low), rtol=1e-15)
    assert_array_equal(encoder.center_, median)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.csc_array])
def test_weights_of_whole_numbers_are_rows_repeated(rng, container):
    X = columns_of_all_kinds(rng)
    weight = rng.integers(0, 3, len(X))
    again = plain().fit(container(np.repeat(X, weight, axis=0)))
    for times in (1.0, 0.125):
        found = plain().fit(container(X), sample_weight=weight * times)
        assert_allclose(found.scale_, again.scale_, rtol=1e-12)
        assert_allclose(found.center_, again.center_, rtol=1e-12)


def test_missing_numbers_and_other_types_change_no_spread(rng):
    X = columns_of_all_kinds(rng)
    expected = plain().fit(X)
    gaps = np.vstack([X, np.full((50, X.shape[1]), np.nan)])
    mixed = rng.permutation(len(gaps))
    frame = pd.DataFrame(gaps[mixed]).add_prefix("x")
    for table in (gaps[mixed], frame, frame.astype("Float64"), gaps.astype(object)):
        found = plain().fit(table)
        assert_array_equal(found.scale_, expected.scale_)
        assert_array_equal(found.center_, expected.center_)


def test_spread_of_mostly_zero_columns_is_the_same_in_a_sparse_matrix(rng):
    X = columns_of_all_kinds(rng)
    scale = plain().fit(X).scale_
    found = plain().fit(sparse.csr_matrix(X)).scale_
    near = (np.median(X, axis=0) == 0) & (plain().fit(X).center_ == 0)
    assert near.sum() >= 7
    assert_allclose(found[near], scale[near], rtol=1e-12)


def test_sparse_columns_far_from_zero_are_not_clipped_to_one_number(rng):
    year = rng.integers(1990, 2021, 300).astype(float)
    rare = mostly(rng, 0, 0.7, rng.normal(100, 1, 300), 300)
    X = sparse.csr_matrix(np.column_stack([year, rare]))
    found = TabularPreprocessor().fit_transform(X).toarray()
    assert len(np.unique(found[:, 0])) == len(np.unique(year))
    assert abs(found).max() < 2
    order = np.argsort(year)
    assert (np.diff(found[order, 0]) >= 0).all()


@pytest.mark.parametrize("unknown", [-1, 99, 999, -999, 99999, -3.4e38])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.2, 0.5])
def test_code_for_unknown_does_not_squeeze_the_values(rng, unknown, share):
    known = mostly(rng, 0, 0.8, rng.integers(1, 11, 2000), 2000)
    column = np.where(rng.random(2000) < share, unknown, known).astype(float)
    column[5] = unknown
    values = np.arange(11.0)[:, None]
    for container in (np.asarray, sparse.csr_matrix):
        encoder = TabularPreprocessor().fit(container(column[:, None]))
        found = encoder.transform(values)[:, 0]
        assert np.ptp(found) > 0.5
        assert np.diff(found).min() > 0.02


def test_values_that_are_known_in_few_rows_are_told_apart(rng):
    """Days since the last call, 999 for never: the majority lies far away."""
    days = mostly(rng, 999, 0.9, rng.integers(0, 28, 2000), 2000).astype(float)
    encoder = TabularPreprocessor().fit(days[:, None])
    found = encoder.transform([[0.0], [14.0], [27.0], [999.0]])[:, 0]
    assert np.diff(found).min() > 0.5


def test_two_values_have_half_their_distance_whoever_has_the_majority(rng):
    for share in (0.6, 0.8, 0.99):
        column = mostly(rng, 3.0, share, 8.0)[:, None]
        found = plain().fit_transform(column)
        assert_array_equal(np.unique(found) % 2, 0 if share > 0.75 else [0, 1])


def test_rounding_beside_a_majority_is_no_spread():
    third = 1 / 3 * np.ones(300)
    third[::2] = np.nextafter(third[::2], 1)
    encoder = plain().fit(third[:, None])
    assert_array_equal(encoder.scale_, 0)
    third[:20] = np.arange(20)
    encoder = plain().fit(third[:, None])
    assert 0.01 < encoder.scale_[0] < 10


def test_columns_of_other_columns_change_nothing(rng):
    X = columns_of_all_kinds(rng)
    whole = [plain().fit(kind(X)).scale_ for kind in (np.asarray, sparse.csr_matrix)]
    for j in range(X.shape[1]):
        for kind, scale in zip((np.asarray, sparse.csr_matrix), whole, strict=True):
            assert_array_equal(plain().fit(kind(X[:, [j]])).scale_, scale[j])


def table_with_unknown(rng, unknown, n_rows=1200):
    """Visits, mostly none, of which one is not known; and what depends on them."""
    visits = mostly(rng, 0, 0.8, rng.integers(1, 11, n_rows), n_rows).astype(float)
    age = rng.normal(size=n_rows)
    y = 2 * visits + 0.5 * age + rng.normal(0, 0.1, n_rows)
    visits[7] = unknown
    return np.column_stack([visits, age]), y


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_mostly_constant_column_with_a_large_value_is_learned(rng, container):
    X, y = table_with_unknown(rng, 99999)
    train, new = slice(0, 800), slice(800, None)
    few = {"n_estimators": 1, "max_iter": 16, "n_jobs": 1, "random_state": 0}
    boosting = HistGradientBoostingRegressor(max_iter=50).fit(X[train], y[train])
    table = container(X)
    network = TabularMLPRegressor(**few).fit(table[train], y[train])
    score = network.score(table[new], y[new])
    assert score > boosting.score(X[new], y[new]) - 0.02
    classes = (y > 5).astype(int)
    network = TabularMLPClassifier(**few).fit(table[train], classes[train])
    assert network.score(table[new], classes[new]) > 0.95
