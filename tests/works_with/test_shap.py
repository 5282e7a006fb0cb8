"""shap explains our predictions by asking for them: what it says adds up to them."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from numpy.testing import assert_allclose


@pytest.fixture
def shap(monkeypatch):
    """shap with its loops as they stand: compiling them takes longer than all else."""
    numba = pytest.importorskip("numba")
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    return pytest.importorskip("shap")


def test_contributions_add_up_to_the_prediction(case_of_numbers, shap):
    model, X, y = case_of_numbers
    model.fit(X, y)
    says = getattr(model, case_of_numbers.method)
    explainer = shap.explainers.Permutation(says, X[:20], seed=0)
    explained = explainer(X[:6])

    total = explained.base_values + explained.values.sum(axis=1)
    assert_allclose(total, says(X[:6]), rtol=1e-6, atol=1e-6)
    start = says(X[:20]).mean(axis=0)  # what it says on average
    assert_allclose(explained.base_values - start, 0.0, atol=1e-6)
    assert_allclose(explained.values[:, 3], 0.0, atol=1e-12)  # the constant column
    assert np.ptp(explained.values[:, 0]) > 0.01


def worth(says, frame, background, columns):
    """Mean prediction for each row of a frame, once some columns are known."""
    means = []
    for i in range(len(frame)):
        mixed = background.copy()
        for name in columns:
            mixed[name] = frame[name].iloc[i]
        means.append(says(mixed).mean(axis=0, dtype=float))
    return np.array(means)


def shapley_value(says, frame, background, column):
    """What a column adds on average over all sets of the others: the definition."""
    others = [name for name in frame if name != column]
    value = 0.0
    for size in range(len(others) + 1):
        for known in combinations(others, size):
            with_it = worth(says, frame, background, (*known, column))
            gain = with_it - worth(says, frame, background, known)
            value = value + gain / (comb(len(others), size) * frame.shape[1])
    return value


def test_raw_table_is_explained_exactly(case_of_table, shap):
    """Text and gaps as they are: Shapley values, and they add up."""
    model, X, y = case_of_table
    model.fit(X, y)
    says = getattr(model, case_of_table.method)
    background, few = X[:12], X[20:23]
    assert few["second"].isna().any()
    explainer = shap.KernelExplainer(says, background)
    values = explainer.shap_values(few, silent=True)

    total = explainer.expected_value + values.sum(axis=1)
    assert_allclose(total, says(few), rtol=1e-6, atol=1e-6)
    for j, name in enumerate(X):
        expected = shapley_value(says, few, background, name)
        assert_allclose(values[:, j], expected, atol=1e-6, err_msg=name)
    assert np.abs(values[:, list(X).index("color")]).max() > 0.01
