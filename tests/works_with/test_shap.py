"""shap explains our predictions by asking for them: what it says adds up to them."""

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
