"""fairlearn moves thresholds of a fitted network until groups are treated alike."""

import numpy as np
import pytest
from sklearn.base import clone


def shares(chosen, group):
    """Share of chosen rows in each group."""
    return np.array([np.mean(chosen[group == one]) for one in np.unique(group)])


def test_threshold_optimizer(classifier):
    """Selection rates of the groups become equal; the network stays as it is."""
    processing = pytest.importorskip("fairlearn.postprocessing")
    model, X, y = classifier
    codes = (y == "more").astype(int)
    first = X["first"].to_numpy() if hasattr(X, "columns") else X[:, 0]
    group = np.where(first > 0.2, "old", "new")
    network = clone(model).fit(X, codes)
    before = network.theta_.copy()

    fair = processing.ThresholdOptimizer(
        estimator=network, constraints="demographic_parity", prefit=True
    )
    fair.fit(X, codes, sensitive_features=group)
    draws = [
        fair.predict(X, sensitive_features=group, random_state=seed)
        for seed in range(100)  # between two thresholds it draws
    ]
    assert np.ptp(shares(network.predict(X), group)) > 0.15
    assert np.ptp(shares(np.mean(draws, axis=0), group)) < 0.03
    assert (network.theta_ == before).all()
    # within a group larger probabilities are not chosen less often
    probability, often = network.predict_proba(X)[:, 1], np.mean(draws, axis=0)
    for one in np.unique(group):
        order = np.argsort(probability[group == one])
        assert (np.diff(often[group == one][order]) > -0.25).all()
