"""pandas frames of sparse columns: right, fast, and sparse at the end."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier

from sknet import (
    SimpleMLPClassifier,
    TabularMLPClassifier,
    TabularMLPRegressor,
    TabularPreprocessor,
)


def sparse_columns(rng, n_rows=40):
    """A frame of all kinds of sparse columns without gaps, zeros not stored."""
    count = rng.poisson(0.5, n_rows)
    real = rng.normal(size=n_rows) * (rng.random(n_rows) < 0.3)
    flag = rng.random(n_rows) < 0.2
    return pd.DataFrame(
        {
            "count": pd.arrays.SparseArray(count),
            "real": pd.arrays.SparseArray(real, fill_value=0.0),
            "single": pd.arrays.SparseArray(real.astype("f4"), fill_value=0.0),
            "byte": pd.arrays.SparseArray(count.astype("u1")),
            "flag": pd.arrays.SparseArray(flag, fill_value=False),
        }
    )


def dense(frame):
    """The same frame, filled."""
    return pd.DataFrame({name: np.asarray(frame[name].array) for name in frame})


def as_matrix(frame):
    """The same numbers as a CSR matrix."""
    return sparse.csr_matrix(dense(frame).to_numpy(dtype=float))


def test_frame_of_sparse_columns_is_the_matrix_of_its_numbers(rng):
    frame = sparse_columns(rng)
    encoder = TabularPreprocessor().fit(frame)
    expected = TabularPreprocessor().fit(as_matrix(frame))
    found = encoder.transform(frame)
    assert found.format == "csr"
    assert_array_equal(found.toarray(), expected.transform(as_matrix(frame)).toarray())
    assert_array_equal(encoder.scale_, expected.scale_)
    assert encoder.get_feature_names_out().tolist() == list(frame)
    with pytest.raises(ValueError, match="feature names should match"):
        encoder.transform(frame[frame.columns[::-1]])


def test_dense_rows_follow_a_fit_on_sparse_columns_and_sparse_ones_a_dense_fit(rng):
    frame = sparse_columns(rng)
    encoder = TabularPreprocessor().fit(frame)
    expected = encoder.transform(frame).toarray()
    assert_array_equal(encoder.transform(dense(frame)), expected)
    encoder = TabularPreprocessor().fit(dense(frame))
    assert_array_equal(encoder.transform(frame), encoder.transform(dense(frame)))


@pytest.mark.parametrize("fill", [0, 1, 2])
def test_columns_that_are_not_mostly_zero_are_those_of_a_dense_frame(rng, fill):
    count = rng.choice([fill, 1, 2, 3], 60) + 2000
    frame = pd.DataFrame({"a": pd.arrays.SparseArray(count, fill_value=fill)})
    assert frame.dtypes.iloc[0].fill_value == fill
    found = TabularPreprocessor().fit_transform(frame)
    assert_array_equal(found, TabularPreprocessor().fit_transform(dense(frame)))
    assert found.std() > 0.1


@pytest.mark.parametrize("fill", [0, 1])
def test_mostly_zero_columns_are_those_of_a_matrix(rng, fill):
    """Whatever is left out, and with a full column among them."""
    counts = rng.choice([0, 0, 0, 0, 1, 3], (60, 8))
    counts[:, 0] += 1
    columns = [pd.arrays.SparseArray(count, fill_value=fill) for count in counts.T]
    frame = pd.DataFrame(dict(zip("abcdefgh", columns, strict=True)))
    found = TabularPreprocessor().fit_transform(frame)
    X = sparse.csr_matrix(counts.astype(float))
    assert_array_equal(
        found.toarray(), TabularPreprocessor().fit_transform(X).toarray()
    )


def test_sparse_frame_becomes_a_frame_if_one_is_asked_for(rng):
    frame = sparse_columns(rng)
    encoder = TabularPreprocessor().fit(frame)
    expected = encoder.transform(frame).toarray()
    found = encoder.set_output(transform="pandas").transform(frame)
    assert isinstance(found, pd.DataFrame)
    assert_array_equal(found.to_numpy(), expected)


def test_partial_fit_goes_on_with_dense_rows_after_sparse_ones(rng):
    frame = sparse_columns(rng)
    y = np.arange(len(frame)) % 2
    model = TabularMLPClassifier(hidden_layer_sizes=(4,), random_state=0)
    model.partial_fit(frame, y, classes=[0, 1]).partial_fit(dense(frame), y)
    assert np.isfinite(model.predict_proba(dense(frame))).all()


def test_gaps_of_sparse_columns_are_those_of_dense_ones(rng):
    values = np.where(rng.random(60) < 0.7, np.nan, rng.normal(size=60))
    zeros = np.where(rng.random(60) < 0.5, 0.0, values)
    for column in (
        pd.arrays.SparseArray(values),  # what is missing is not stored
        pd.arrays.SparseArray(zeros, fill_value=0.0),  # it is
    ):
        frame = sparse_columns(rng, 60).assign(gaps=column)
        encoder = TabularPreprocessor().fit(frame)
        again = TabularPreprocessor().fit(dense(frame))
        assert "gaps_missing" in encoder.get_feature_names_out()
        assert_array_equal(encoder.transform(frame), again.transform(dense(frame)))


def test_gaps_that_come_later_are_what_they_are_in_a_dense_frame(rng):
    frame = sparse_columns(rng)
    encoder = TabularPreprocessor().fit(frame)
    later = frame.assign(real=pd.arrays.SparseArray([np.nan] * 40))
    assert_array_equal(encoder.transform(later), encoder.transform(dense(later)))


def test_sparse_columns_beside_others_are_read_like_dense_ones(rng):
    frame = sparse_columns(rng).assign(
        city=rng.choice(["a", "b", "c"], 40), age=rng.normal(size=40)
    )
    encoder = TabularPreprocessor().fit(frame)
    thin = ("count", "real", "single", "byte", "flag")
    other = frame.assign(**{name: np.asarray(frame[name].array) for name in thin})
    again = TabularPreprocessor().fit(other)
    assert encoder.is_categorical_.tolist() == [False] * 4 + [True, True, False]
    assert_array_equal(encoder.transform(frame), again.transform(other))
    assert_array_equal(encoder.transform(other), again.transform(frame))


def test_named_categories_of_sparse_columns_stay_categories(rng):
    frame = sparse_columns(rng)
    encoder = TabularPreprocessor(categorical_features=["count"]).fit(frame)
    again = TabularPreprocessor(categorical_features=["count"]).fit(dense(frame))
    assert encoder.is_categorical_.tolist() == [True, False, False, False, False]
    found = encoder.transform(frame)
    assert_array_equal(found, encoder.transform(dense(frame)))
    assert encoder.categories_ == again.categories_
    nothing = TabularPreprocessor(categorical_features=[]).fit(frame)
    assert sparse.issparse(nothing.transform(frame))


def test_infinity_of_a_sparse_column_is_refused_by_name(rng):
    frame = sparse_columns(rng)
    values = np.zeros(40)
    values[3] = np.inf
    for fill in (0.0, np.nan):
        far = frame.assign(far=pd.arrays.SparseArray(values, fill_value=fill))
        with pytest.raises(ValueError, match=r"infinity .* column 'far'"):
            TabularPreprocessor().fit(far)


def test_sparse_text_and_dates_are_not_taken_for_numbers(rng):
    text = pd.arrays.SparseArray(np.array(["a", "b"] * 20, dtype=object))
    frame = sparse_columns(rng).assign(text=text)
    assert TabularPreprocessor().fit(frame).is_categorical_[-1]
    days = pd.to_datetime(["2024-01-01", "2024-01-02"] * 20)
    frame = sparse_columns(rng).assign(day=pd.arrays.SparseArray(days))
    with pytest.raises(TypeError, match=r"day.* numbers first"):
        TabularPreprocessor().fit(frame)


@pytest.mark.parametrize("estimator", [TabularMLPClassifier, TabularMLPRegressor])
def test_network_of_a_sparse_frame_is_the_network_of_its_matrix(rng, estimator):
    frame, y = sparse_columns(rng, 80), rng.integers(0, 2, 80)
    network = estimator((5,), n_estimators=2, max_iter=3, n_jobs=1, random_state=0)
    X = as_matrix(frame)
    expected = network.fit(X, y).predict(X)
    found = network.fit(frame, y)
    assert_array_equal(found.predict(frame), expected)
    assert_array_equal(found.predictor().predict(frame), expected)
    assert_array_equal(pickle.loads(pickle.dumps(found)).predict(frame), expected)
    network.set_params(early_stopping=True)
    network.fit(frame, y, X_val=frame[:20], y_val=y[:20])
    assert np.isfinite(cross_val_score(network, frame, y, cv=2)).all()


def test_simple_network_takes_a_sparse_frame_as_scikit_learn_does(rng):
    frame = pd.get_dummies(pd.Series(rng.choice(list("abcd"), 60)), sparse=True)
    frame = frame.astype(pd.SparseDtype(float, 0.0))  # of bool, theirs fails
    y = rng.integers(0, 2, 60)
    few = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
    with pytest.warns(ConvergenceWarning):
        ours, theirs = (
            kind(**few).fit(frame, y).predict_proba(frame)
            for kind in (SimpleMLPClassifier, MLPClassifier)
        )
    np.testing.assert_allclose(ours, theirs, atol=1e-8)


def test_sparse_frame_needs_the_memory_of_what_it_stores(rng):
    part = rng.integers(0, 400, 2000).astype(str)
    frame = pd.get_dummies(pd.DataFrame({"part": part}), sparse=True)
    mixed = frame.assign(age=rng.normal(size=2000))
    filled = mixed.shape[0] * mixed.shape[1] * 8
    for table, most in ((frame, filled / 5), (mixed, 4 * filled)):
        encoder = TabularPreprocessor(categorical_features=None).fit(table)
        tracemalloc.start()
        encoder.transform(table)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < most
