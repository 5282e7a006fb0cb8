"""Class weights: those of their rows, for labels that are there or may come."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from real_data import CANCER, MALIGNANT, SMALL
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from sknet import LockstepGridSearchCV, SimpleMLPClassifier, TabularMLPClassifier


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_class_weight_equals_sample_weight(solver):
    """A class's weight is the weight of its samples."""
    weights = {0: 0.5, 1: 4.0}
    by_class = SimpleMLPClassifier(solver=solver, class_weight=weights, **SMALL)
    by_sample = SimpleMLPClassifier(solver=solver, **SMALL)
    by_class.fit(CANCER, MALIGNANT)
    by_sample.fit(CANCER, MALIGNANT, sample_weight=np.where(MALIGNANT, 4.0, 0.5))
    assert_array_equal(by_class.theta_, by_sample.theta_)


def test_balanced_classes_have_equal_sums_of_weights():
    """'balanced' is scikit-learn's formula, with sample weights counted in."""
    weight = np.random.default_rng(0).uniform(0.5, 2.0, len(MALIGNANT))
    sums = np.bincount(MALIGNANT, weights=weight)
    balanced = SimpleMLPClassifier(class_weight="balanced", **SMALL)
    balanced.fit(CANCER, MALIGNANT, sample_weight=weight)
    factors = dict(enumerate(sums.sum() / (2 * sums)))
    explicit = SimpleMLPClassifier(class_weight=factors, **SMALL)
    explicit.fit(CANCER, MALIGNANT, sample_weight=weight)
    assert_allclose(balanced.theta_, explicit.theta_, rtol=1e-10, atol=1e-12)


def test_class_weight_takes_string_labels_and_leaves_the_rest_alone():
    """Labels left out of the dict have weight one."""
    labels = np.array(["no", "yes"])[MALIGNANT]
    one = SimpleMLPClassifier(class_weight={"yes": 3.0}, **SMALL).fit(CANCER, labels)
    both = SimpleMLPClassifier(class_weight={"yes": 3.0, "no": 1.0}, **SMALL)
    assert_array_equal(one.theta_, both.fit(CANCER, labels).theta_)


both_classifiers = pytest.mark.parametrize(
    "estimator", [SimpleMLPClassifier, TabularMLPClassifier]
)


@both_classifiers
@pytest.mark.parametrize("sparing", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "names",
    [[0, 1, 2], ["a", "b", "c"], [False, True, "no"], [1.0, 2.0, 3.0]],
    ids=["int", "str", "bool", "float"],
)
def test_class_weight_of_a_label_to_spare_changes_nothing(estimator, sparing, names):
    """As in scikit-learn, if each class that is there has a weight."""
    y = np.array(names[:2])[MALIGNANT]
    exact = {names[0]: 0.5, names[1]: 4.0}
    asked = np.array(names[2])[()]  # NumPy's own type of a label will do
    weights = {**{np.array(name)[()]: w for name, w in exact.items()}, asked: 1e40}
    fits = []
    for class_weight in (exact, weights):
        model = estimator(class_weight=class_weight, **SMALL)
        if sparing == "fit":
            fits.append(model.fit(CANCER, y))
        else:
            fits.append(model.partial_fit(CANCER, y, classes=names[:2]))
    assert_array_equal(fits[0].theta_, fits[1].theta_)
    assert_array_equal(fits[0].predict_proba(CANCER), fits[1].predict_proba(CANCER))


@both_classifiers
def test_class_weight_of_a_grade_that_came_late_is_taken_over_time(estimator):
    """The first folds lack the label; alone and in lockstep."""
    grade = MALIGNANT.copy()
    grade[400::6] = 2
    model = estimator(class_weight={0: 1.0, 1: 4.0, 2: 9.0}, **SMALL)
    grid = {"alpha": [1e-4, 1e-2]}
    params = {"cv": TimeSeriesSplit(3), "refit": False}
    found = [
        search(model, grid, **params).fit(CANCER, grade).cv_results_["mean_test_score"]
        for search in (GridSearchCV, LockstepGridSearchCV)
    ]
    assert np.isfinite(found).all()
    assert_array_equal(found[0], found[1])


@both_classifiers
@pytest.mark.parametrize(
    ("class_weight", "said"),
    [
        ({"yes": 1.0, "No": 2.0}, r"labels \['No'\].*no weight for \['no'\]"),
        ({1: 1.0, 0: 2.0}, r"labels \[1, 0\].*no weight for \['no', 'yes'\].*type"),
        ({"maybe": 2.0}, r"labels \['maybe'\].*no weight for \['no', 'yes'\]"),
        ({"yes": 1.0, "no": 1.0, "maybe": -1.0}, "must hold finite numbers >= 0"),
        ({"yes": 1.0, "no": "two"}, "class_weight must hold finite numbers >= 0"),
    ],
    ids=["mistyped", "another type", "absent only", "negative to spare", "text"],
)
def test_class_weight_that_may_be_mistyped_is_refused(estimator, class_weight, said):
    """A class without a weight beside a label that is none, as in scikit-learn."""
    labels = np.array(["no", "yes"])[MALIGNANT]
    with pytest.raises(ValueError, match=said):
        estimator(class_weight=class_weight, **SMALL).fit(CANCER, labels)


def test_class_weight_moves_the_decision():
    """A heavy class is predicted more often."""
    heavy = SimpleMLPClassifier(class_weight={0: 50.0}, **SMALL).fit(CANCER, MALIGNANT)
    plain = SimpleMLPClassifier(**SMALL).fit(CANCER, MALIGNANT)
    assert heavy.predict(CANCER).sum() < plain.predict(CANCER).sum()
