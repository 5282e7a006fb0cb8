"""scikit-learn's estimators around ours: each equals what its page says, done by hand.

The simple estimators get numbers, the tabular ones a table with text and gaps where the
tool around them lets it through.
"""

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    KFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    learning_curve,
)
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils import _safe_indexing as rows

from sknet import SimpleMLPClassifier


# ---------------------------------------------------------- on top of one fitted model


def test_calibration_of_a_frozen_model(classifier):
    """Isotonic regression on the decision function; the model stays as it was."""
    model, X, y = classifier
    fit, rest = np.arange(70), np.arange(70, len(y))
    model.fit(rows(X, fit), y[fit])
    before = model.predict_proba(X)

    calibrated = CalibratedClassifierCV(FrozenEstimator(model), method="isotonic")
    given = calibrated.fit(rows(X, rest), y[rest]).predict_proba(X)

    curve = IsotonicRegression(out_of_bounds="clip", y_min=0, y_max=1)
    # fold by fold, as it does: by rows together with others the bits may differ
    frozen = FrozenEstimator(model)
    raw = cross_val_predict(
        frozen, rows(X, rest), y[rest], cv=5, method="decision_function"
    )
    curve.fit(raw, y[rest] == model.classes_[1])
    assert_array_equal(given[:, 1], curve.predict(model.decision_function(X)))
    assert_array_equal(model.predict_proba(X), before)
    assert_array_equal(calibrated.classes_, model.classes_)


def test_fixed_threshold(classifier):
    model, X, y = classifier
    probability = model.fit(X, y).predict_proba(X)[:, 1]
    fixed = FixedThresholdClassifier(FrozenEstimator(model), threshold=0.4).fit(X, y)
    expected = model.classes_[(probability >= 0.4).astype(int)]
    assert_array_equal(fixed.predict(X), expected)
    assert (expected != model.predict(X)).any()


def test_tuned_threshold(classifier):
    """No other threshold on the probability has a better score."""
    model, X, y = classifier
    model.fit(X, y)
    tuned = TunedThresholdClassifierCV(
        model, scoring="balanced_accuracy", cv="prefit", refit=False
    ).fit(X, y)

    probability = model.predict_proba(X)[:, 1]

    def score(threshold):
        return balanced_accuracy_score(
            y, model.classes_[1 * (probability >= threshold)]
        )

    assert_array_equal(
        tuned.predict(X), model.classes_[1 * (probability >= tuned.best_threshold_)]
    )
    span = np.linspace(probability.min(), probability.max(), 100)
    assert_allclose(tuned.best_score_, max(map(score, span)))
    assert tuned.best_score_ == score(tuned.best_threshold_) > 0.5


def test_permutation_importance(regressor):
    """A constant column has none, a telling one some; threads change nothing."""
    model, X, y = regressor
    model.set_params(max_iter=30).fit(X, y)
    found = permutation_importance(model, X, y, n_repeats=3, random_state=0)
    assert_array_equal(found.importances[3], np.zeros(3))  # the constant
    assert found.importances_mean[0] > 0.1
    with parallel_config("threading", n_jobs=2):
        parallel = permutation_importance(model, X, y, n_repeats=3, random_state=0)
    assert_array_equal(parallel.importances, found.importances)


# ------------------------------------------------------------------------- of several


def test_voting(case):
    """The weighted mean of what the parts say."""
    model, X, y = case
    voting = VotingClassifier if is_classifier(model) else VotingRegressor
    other = clone(model).set_params(random_state=1)
    parts = [("one", model), ("two", other)]
    options = {"voting": "soft"} if is_classifier(model) else {}
    together = voting(parts, weights=[1, 3], **options).fit(X, y)
    one, two = (clone(part).fit(X, case.codes) for _, part in parts)
    expected = np.average(
        [getattr(part, case.method)(X) for part in (one, two)], axis=0, weights=[1, 3]
    )
    assert_array_equal(getattr(together, case.method)(X), expected)


def test_stacking(case):
    """A linear model on predictions for rows that were held out."""
    model, X, y = case
    stacking = StackingClassifier if is_classifier(model) else StackingRegressor
    judge = LogisticRegression() if is_classifier(model) else LinearRegression()
    folds = KFold(3)

    stack = stacking([("net", model)], judge, cv=folds).fit(X, y)

    seen = cross_val_predict(model, X, case.codes, cv=folds, method=case.method)
    now = getattr(clone(model).fit(X, case.codes), case.method)(X)
    if is_classifier(model):  # the first column says the same as the second
        seen, now = seen[:, 1:], now[:, 1:]
    judge.fit(seen.reshape(len(y), 1), case.codes)
    assert_array_equal(
        getattr(stack, case.method)(X),
        getattr(judge, case.method)(now.reshape(len(y), 1)),
    )


def test_bagging(case):
    """The mean of networks, each of which is one fitted on the rows it drew."""
    model, X, y = case
    bagging = BaggingClassifier if is_classifier(model) else BaggingRegressor
    bag = bagging(model, n_estimators=3, random_state=0).fit(X, y)

    objects = np.asarray(X)  # which is what the bag makes of a table
    said = []
    for member, drawn in zip(bag.estimators_, bag.estimators_samples_, strict=True):
        said.append(getattr(member, case.method)(objects))
        counts = np.bincount(drawn, minlength=len(y))
        rows_drawn = clone(member).fit(objects[drawn], case.codes[drawn])
        rows_counted = clone(member).fit(objects, case.codes, sample_weight=counts)
        # by scikit-learn's version
        ways = [
            getattr(alone, case.method)(objects) for alone in (rows_drawn, rows_counted)
        ]
        assert any(np.array_equal(way, said[-1]) for way in ways)
    assert_allclose(
        getattr(bag, case.method)(X), np.mean(said, axis=0, dtype=float), rtol=1e-14
    )
    assert (said[0] != said[1]).any()


def test_boosting(classifier_of_numbers):
    """SAMME: rows that were wrong count more in the next fit."""
    model, X, y = classifier_of_numbers
    model.set_params(max_iter=3)  # leaves some rows wrong
    boosted = AdaBoostClassifier(model, n_estimators=2, random_state=0).fit(X, y)

    weight = np.full(len(y), 1 / len(y))
    for k, member in enumerate(boosted.estimators_):
        alone = clone(member).fit(X, y, sample_weight=weight)
        # the sum of the weights may differ by a bit from scikit-learn's
        assert_allclose(alone.predict_proba(X), member.predict_proba(X), rtol=1e-12)
        equal = clone(member).fit(X, y, sample_weight=np.full(len(y), 1 / len(y)))
        same = (equal.predict_proba(X) == alone.predict_proba(X)).all()
        assert same == (k == 0)  # only the first weights are equal ones
        wrong = alone.predict(X) != y
        error = np.average(wrong, weights=weight)
        assert 0 < error < 0.5
        assert_allclose(boosted.estimator_errors_[k], error)
        strength = np.log((1 - error) / error)
        assert_allclose(boosted.estimator_weights_[k], strength)
        weight = weight * np.exp(strength * wrong)
        weight /= weight.sum()


# -------------------------------------------------------------------- around the target


def test_one_model_for_each_output(case):
    model, X, y = case
    several = MultiOutputClassifier if is_classifier(model) else MultiOutputRegressor
    second = np.roll(y, 1)
    both = several(model).fit(X, np.column_stack([y, second]))
    alone = [clone(model).fit(X, target).predict(X) for target in (y, second)]
    assert_array_equal(both.predict(X), np.column_stack(alone))


def test_transformed_target(regressor):
    model, X, y = regressor
    y = np.exp(y)
    inside = TransformedTargetRegressor(model, func=np.log, inverse_func=np.exp)
    inside.fit(X, y)
    outside = clone(model).fit(X, np.log(y))
    assert_array_equal(inside.predict(X), np.exp(outside.predict(X)))


def test_self_training(classifier_of_numbers):
    """Rows of which the model is sure get its label, and it is fitted again."""
    model, X, y = classifier_of_numbers
    partly = (y == "more").astype(int)
    partly[40:] = -1
    trained = SelfTrainingClassifier(model, threshold=0.6, max_iter=3).fit(X, partly)

    known = partly.copy()
    for _ in range(3):
        labeled = known != -1
        alone = clone(model).fit(X[labeled], known[labeled])
        probability = alone.predict_proba(X)
        sure = ~labeled & (probability.max(axis=1) > 0.6)
        known[sure] = probability.argmax(axis=1)[sure]
    alone = clone(model).fit(X[known != -1], known[known != -1])
    assert (known[40:] != -1).any()
    assert_array_equal(trained.transduction_, known)
    assert_array_equal(trained.predict_proba(X), alone.predict_proba(X))


# ---------------------------------------------------------- rows, columns in portions


# The first table of partial_fit has a constant column, and says so.
@pytest.mark.filterwarnings("ignore:The first table of partial_fit")
def test_incremental_learning_curve(case):
    """Scores after each portion, of one model that goes on by ``partial_fit``."""
    model, X, y = case
    folds, sizes = KFold(3), [20, 50, 80]
    _, train_scores, test_scores = learning_curve(
        *(model, X, y),
        train_sizes=sizes,
        cv=folds,
        exploit_incremental_learning=True,
    )
    options = {"classes": np.unique(y)} if is_classifier(model) else {}
    for k, (train, test) in enumerate(folds.split(X)):
        alone = clone(model)
        for j, (start, stop) in enumerate(zip([0, *sizes], sizes, strict=False)):
            portion = train[start:stop]
            alone.partial_fit(rows(X, portion), y[portion], **options)
            seen = train[:stop]
            assert train_scores[j, k] == alone.score(rows(X, seen), y[seen])
            assert test_scores[j, k] == alone.score(rows(X, test), y[test])


def first_layer(network):
    """Sum of the absolute weights from each input."""
    return np.abs(network.coefs_[0]).sum(axis=1)


def data_of_two_columns():
    """Labels that columns 2 and 5 of six decide."""
    X = np.random.default_rng(0).standard_normal((150, 6))
    return X, X[:, 2] - X[:, 5] > 0


def small_network():
    """Network whose penalty makes idle weights small."""
    return SimpleMLPClassifier((8,), solver="lbfgs", alpha=3.0, random_state=0)


def test_feature_elimination_with_a_getter():
    """The least important column goes, one after the other."""
    X, y = data_of_two_columns()
    chosen = RFE(small_network(), n_features_to_select=2, importance_getter=first_layer)
    chosen.fit(X, y)

    left, expected = list(range(6)), np.ones(6, int)
    while len(left) > 2:
        importance = first_layer(small_network().fit(X[:, left], y))
        expected[left.pop(importance.argmin())] = len(left) - 1
    assert_array_equal(chosen.ranking_, expected)
    assert left == [2, 5]


def test_feature_selection_with_a_getter():
    X, y = data_of_two_columns()
    chosen = SelectFromModel(small_network(), importance_getter=first_layer).fit(X, y)
    importance = first_layer(small_network().fit(X, y))
    assert_array_equal(chosen.get_support(), importance >= importance.mean())
    assert_array_equal(np.flatnonzero(chosen.get_support()), [2, 5])


def test_networks_claim_no_coefficients_of_columns():
    """Without a getter the tools say so, rather than rank by something."""
    X, y = data_of_two_columns()
    with pytest.raises(ValueError, match="importance_getter"):
        RFE(small_network()).fit(X, y)
