"""Weighted quantiles, which scale the numbers of tables."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sknet.preprocessing.quantiles import (
    PROBABILITIES,
    quantiles_of_columns,
    quantiles_of_sparse_columns,
    unit_weight,
    weighted_quantiles,
)


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
