"""scikit-learn's drawings of our models show what the models say."""

from inspect import signature

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibrationDisplay, calibration_curve
from sklearn.inspection import (
    DecisionBoundaryDisplay,
    PartialDependenceDisplay,
    partial_dependence,
)
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    PrecisionRecallDisplay,
    PredictionErrorDisplay,
    RocCurveDisplay,
    confusion_matrix,
    precision_recall_curve,
    roc_curve,
)
from sklearn.model_selection import (
    KFold,
    LearningCurveDisplay,
    ValidationCurveDisplay,
    cross_val_score,
)
from sklearn.utils import _safe_indexing as rows


pytestmark = pytest.mark.usefixtures("_drawings_are_closed")


def test_curves_of_a_classifier(classifier):
    """By its probability of the second class."""
    model, X, y = classifier
    probability = model.fit(X, y).predict_proba(X)[:, 1]
    positive = y == model.classes_[1]

    roc = RocCurveDisplay.from_estimator(model, X, y)
    false_positives, true_positives, _ = roc_curve(positive, probability)
    assert_array_equal(roc.fpr, false_positives)
    assert_array_equal(roc.tpr, true_positives)

    precision_recall = PrecisionRecallDisplay.from_estimator(model, X, y)
    precision, recall, _ = precision_recall_curve(positive, probability)
    assert_array_equal(precision_recall.precision, precision)
    assert_array_equal(precision_recall.recall, recall)

    calibration = CalibrationDisplay.from_estimator(model, X, y, n_bins=4)
    shares, means = calibration_curve(positive, probability, n_bins=4)
    assert_array_equal(calibration.prob_true, shares)
    assert_array_equal(calibration.prob_pred, means)


def test_confusion_matrix(classifier):
    model, X, y = classifier
    display = ConfusionMatrixDisplay.from_estimator(model.fit(X, y), X, y)
    assert_array_equal(display.confusion_matrix, confusion_matrix(y, model.predict(X)))
    assert list(display.display_labels) == ["less", "more"]


def test_prediction_errors(regressor):
    model, X, y = regressor
    display = PredictionErrorDisplay.from_estimator(
        model.fit(X, y), X, y, subsample=None
    )
    assert_array_equal(display.y_pred, model.predict(X))


@pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
def test_decision_boundary(classifier_of_numbers, method):
    """The surface is the model's response on the points of the grid."""
    model, X, y = classifier_of_numbers
    model.fit(X[:, :2], y)
    display = DecisionBoundaryDisplay.from_estimator(
        model, X[:, :2], grid_resolution=7, response_method=method
    )
    grid = np.column_stack([display.xx0.ravel(), display.xx1.ravel()])
    response = getattr(model, method)(grid)
    response = response[:, 1] if method == "predict_proba" else response
    assert_array_equal(display.response, response.reshape(7, 7))


def test_partial_dependence(case):
    """The mean prediction when all rows have the same value in a column."""
    model, X, y = case
    model.fit(X, y)
    options = {"response_method": case.method} if is_classifier(model) else {}
    display = PartialDependenceDisplay.from_estimator(
        model, X, [0], grid_resolution=5, **options
    )
    (result,) = display.pd_results
    (grid,) = result["grid_values"]
    assert len(grid) == 5
    means = []
    for value in grid:
        changed = X.copy()
        if hasattr(changed, "iloc"):
            changed["first"] = value
        else:
            changed[:, 0] = value
        said = getattr(model, case.method)(changed)
        said = said[:, 1] if is_classifier(model) else said
        means.append(np.mean(said, dtype=float))
    assert_allclose(result["average"][0], means, rtol=1e-6)  # float32 inside, and
    assert np.ptp(means) > 0.01  # not flat


def test_partial_dependence_of_text(case_of_table):
    """Each level in turn in all rows, if ``categorical_features`` names the column."""
    model, X, y = case_of_table
    model.fit(X, y)
    options = {"response_method": case_of_table.method} if is_classifier(model) else {}
    with pytest.raises(
        (TypeError, ValueError)
    ):  # it would lay a grid between the words
        PartialDependenceDisplay.from_estimator(model, X, ["color"], **options)
    display = PartialDependenceDisplay.from_estimator(
        model, X, ["color"], categorical_features=["color"], **options
    )
    (result,) = display.pd_results
    (levels,) = result["grid_values"]
    assert list(levels) == ["blue", "green", "red"]
    means = []
    for level in levels:
        said = getattr(model, case_of_table.method)(X.assign(color=level))
        said = said[:, 1] if is_classifier(model) else said
        means.append(np.mean(said, dtype=float))
    assert_allclose(result["average"][0], means, rtol=1e-6)  # float32 inside, and
    assert np.ptp(means) > 0.01  # not flat


def test_partial_dependence_beside_gaps(case_of_table):
    """At the points that one names: scikit-learn's own would be missing."""
    if "custom_values" not in signature(partial_dependence).parameters:
        pytest.skip("scikit-learn 1.7 has custom_values")
    model, X, y = case_of_table
    model.fit(X, y)
    options = {"response_method": case_of_table.method} if is_classifier(model) else {}
    assert X["second"].isna().mean() > 0.05
    result = partial_dependence(model, X, ["second"], grid_resolution=5, **options)
    assert np.isnan(result["grid_values"][0]).all()

    points = np.nanquantile(X["second"], [0.05, 0.5, 0.95])
    result = partial_dependence(
        model, X, ["second"], custom_values={"second": points}, **options
    )
    means = []
    for point in points:
        said = getattr(model, case_of_table.method)(X.assign(second=point))
        said = said[:, 1] if is_classifier(model) else said
        means.append(np.mean(said, dtype=float))
    assert_allclose(result["average"][0], means, rtol=1e-6)


def test_learning_curve(case):
    model, X, y = case
    folds = KFold(3)
    display = LearningCurveDisplay.from_estimator(
        model, X, y, train_sizes=[30, 80], cv=folds
    )
    for k, (train, test) in enumerate(folds.split(X)):
        for j, size in enumerate([30, 80]):
            part = train[:size]
            alone = clone(model).fit(rows(X, part), y[part])
            score = alone.score(rows(X, test), y[test])
            assert display.test_scores[j, k] == score


def test_validation_curve(case):
    model, X, y = case
    epochs, folds = [1, 6], KFold(3)
    display = ValidationCurveDisplay.from_estimator(
        model, X, y, param_name="max_iter", param_range=epochs, cv=folds
    )
    for j, n_epochs in enumerate(epochs):
        alone = clone(model).set_params(max_iter=n_epochs)
        expected = cross_val_score(alone, X, y, cv=folds)
        assert_array_equal(display.test_scores[j], expected)
