"""imbalanced-learn: samplers in front of a network, and bags of balanced samples."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler


@pytest.fixture
def rare(classifier_of_numbers):
    """The case with half of the rows of one class."""
    model, X, y = classifier_of_numbers
    often, seldom = (np.flatnonzero(y == label) for label in ("less", "more"))
    kept = np.sort(np.concatenate([often, seldom[::2]]))
    return model, X[kept], y[kept]


@pytest.mark.parametrize("name", ["RandomOverSampler", "RandomUnderSampler", "SMOTE"])
def test_pipeline_with_a_sampler(rare, name):
    """Scaled, resampled and fitted by hand; rows to be predicted are not resampled."""
    over_sampling = pytest.importorskip("imblearn.over_sampling")
    under_sampling = pytest.importorskip("imblearn.under_sampling")
    pipelines = pytest.importorskip("imblearn.pipeline")
    model, X, y = rare
    options = {"k_neighbors": 3} if name == "SMOTE" else {}
    module = under_sampling if "Under" in name else over_sampling
    sampler = getattr(module, name)(random_state=0, **options)

    pipeline = pipelines.make_pipeline(StandardScaler(), sampler, model).fit(X, y)

    scaler = StandardScaler().fit(X)
    X_drawn, y_drawn = clone(sampler).fit_resample(scaler.transform(X), y)
    assert (y_drawn == "less").sum() == (y_drawn == "more").sum()
    alone = clone(model).fit(X_drawn, y_drawn)
    expected = alone.predict_proba(scaler.transform(X))
    assert_array_equal(pipeline.predict_proba(X), expected)
    # and it matters: the rare class is found more often
    plain = clone(model).fit(scaler.transform(X), y).predict_proba(scaler.transform(X))
    assert expected[:, 1].mean() > plain[:, 1].mean()


def test_balanced_bagging(rare):
    """The mean of networks, each fitted on as many rows of one class as the other."""
    ensemble = pytest.importorskip("imblearn.ensemble")
    model, X, y = rare
    bag = ensemble.BalancedBaggingClassifier(model, n_estimators=3, random_state=0)
    bag.fit(X, y)

    said = []
    for member, drawn in zip(bag.estimators_, bag.estimators_samples_, strict=True):
        sampler, network = member.steps[0][1], member.steps[-1][1]
        codes = np.searchsorted(bag.classes_, y[drawn])
        X_drawn, y_drawn = clone(sampler).fit_resample(X[drawn], codes)
        assert np.ptp(np.bincount(y_drawn)) == 0
        alone = clone(network).fit(X_drawn, y_drawn)
        said.append(alone.predict_proba(X))
        assert_array_equal(said[-1], member.predict_proba(X))
    expected = np.mean(said, axis=0, dtype=float)
    assert_allclose(bag.predict_proba(X), expected, rtol=1e-14)
