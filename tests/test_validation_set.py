"""A validation set, split off or handed in, and what it is scored by."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from real_data import CANCER, DIGIT, DIGITS, MALIGNANT, SMALL
from sklearn.metrics import f1_score, log_loss, make_scorer

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


TRAIN, VAL = slice(0, 300), slice(300, 400)


def test_own_validation_set_is_scored_every_epoch():
    """Without early stopping the curves are recorded, and change nothing."""
    model = SimpleMLPClassifier(**SMALL)
    model.fit(DIGITS[TRAIN], DIGIT[TRAIN], X_val=DIGITS[VAL], y_val=DIGIT[VAL])
    plain = SimpleMLPClassifier(**SMALL).fit(DIGITS[TRAIN], DIGIT[TRAIN])
    assert_array_equal(model.theta_, plain.theta_)
    assert len(model.validation_scores_) == len(model.loss_curve_) == 12
    assert model.validation_scores_[-1] == model.score(DIGITS[VAL], DIGIT[VAL])
    expected = log_loss(DIGIT[VAL], model.predict_proba(DIGITS[VAL]))
    assert model.validation_loss_curve_[-1] == pytest.approx(expected, rel=1e-9)


def test_early_stopping_on_an_own_validation_set_keeps_its_best_epoch():
    """No rows are split off, and the published weights are those of the best score."""
    params = SMALL | {"max_iter": 60, "learning_rate_init": 0.02}
    model = SimpleMLPClassifier(early_stopping=True, n_iter_no_change=3, **params)
    model.fit(DIGITS[TRAIN], DIGIT[TRAIN], X_val=DIGITS[VAL], y_val=DIGIT[VAL])
    best = max(model.validation_scores_)
    assert model.best_validation_score_ == best
    assert model.score(DIGITS[VAL], DIGIT[VAL]) == best
    assert model.t_ == 300 * model.n_iter_


def test_validation_weights_count():
    """Rows of weight zero are as if absent."""
    weight = np.r_[np.ones(50), np.zeros(50)]
    fits = []
    for rows, weights in ((VAL, weight), (slice(300, 350), None)):
        model = SimpleMLPClassifier(**SMALL)
        model.fit(
            DIGITS[TRAIN],
            DIGIT[TRAIN],
            X_val=DIGITS[rows],
            y_val=DIGIT[rows],
            sample_weight_val=weights,
        )
        fits.append(model)
    assert_allclose(fits[0].validation_scores_, fits[1].validation_scores_)
    assert_allclose(fits[0].validation_loss_curve_, fits[1].validation_loss_curve_)


def test_scoring_by_loss_keeps_the_epoch_of_the_least_validation_loss():
    """scoring='loss' watches the negative validation loss."""
    params = SMALL | {"max_iter": 80, "learning_rate_init": 0.05}
    model = SimpleMLPClassifier(early_stopping=True, scoring="loss", **params)
    model.fit(DIGITS, DIGIT)
    assert_allclose(model.validation_scores_, -np.array(model.validation_loss_curve_))
    assert model.best_validation_score_ == -min(model.validation_loss_curve_)


@pytest.mark.parametrize(
    "scoring",
    [
        "neg_log_loss",
        make_scorer(f1_score, average="macro"),
        lambda est, X, y: est.score(X, y),
    ],
    ids=["name", "scorer", "callable"],
)
def test_scoring_takes_names_scorers_and_callables(scoring):
    """Any scorer of scikit-learn's protocol decides which epoch is best."""
    params = SMALL | {"early_stopping": True}
    model = SimpleMLPClassifier(scoring=scoring, **params).fit(DIGITS, DIGIT)
    assert len(model.validation_scores_) == model.n_iter_
    assert model.best_validation_score_ == max(model.validation_scores_)


def test_scoring_by_accuracy_is_the_default():
    """The fast default and the scorer agree."""
    params = SMALL | {"early_stopping": True}
    plain = SimpleMLPClassifier(**params).fit(DIGITS, DIGIT)
    named = SimpleMLPClassifier(scoring="accuracy", **params).fit(DIGITS, DIGIT)
    assert_allclose(plain.validation_scores_, named.validation_scores_)
    assert_array_equal(plain.theta_, named.theta_)


def test_scoring_of_a_regression_follows_r2_by_default():
    """R2 as the regressor's score method gives it."""
    params = SMALL | {"early_stopping": True}
    plain = SimpleMLPRegressor(**params).fit(DIGITS, DIGIT)
    named = SimpleMLPRegressor(scoring="r2", **params).fit(DIGITS, DIGIT)
    assert_allclose(plain.validation_scores_, named.validation_scores_)


def test_scoring_without_validation_set_is_said_to_have_no_effect():
    """Nothing is ignored in silence."""
    with pytest.warns(UserWarning, match="scoring='f1' has no effect"):
        SimpleMLPClassifier(scoring="f1", **SMALL).fit(CANCER, MALIGNANT)


@pytest.mark.parametrize(
    ("params", "fit"),
    [({"early_stopping": True}, {}), ({}, {"X_val": CANCER, "y_val": MALIGNANT})],
    ids=["early_stopping", "X_val"],
)
def test_lbfgs_says_that_it_has_no_epochs(params, fit):
    """A validation set has no effect on L-BFGS."""
    model = SimpleMLPClassifier(solver="lbfgs", **(SMALL | params))
    with pytest.warns(UserWarning, match="has no effect with solver='lbfgs'"):
        model.fit(CANCER, MALIGNANT, **fit)


def test_split_whose_validation_rows_weigh_nothing_is_not_made():
    """A score over rows of weight zero means nothing: a warning, and no split."""
    weight = np.zeros(len(CANCER))
    weight[:3] = 1.0
    model = SimpleMLPClassifier(early_stopping=True, **SMALL)
    with pytest.warns(UserWarning, match="have weight zero"):
        model.fit(CANCER, MALIGNANT, sample_weight=weight)
    assert model.validation_scores_ is None
    assert np.isfinite(model.theta_).all()


def test_score_of_other_weights_is_not_compared_with():
    """Curves recorded without early stopping say nothing of the published weights."""
    val = {"X_val": DIGITS[VAL], "y_val": DIGIT[VAL]}
    params = SMALL | {"learning_rate_init": 0.02, "max_iter": 30, "warm_start": True}
    model = SimpleMLPClassifier(**params).fit(DIGITS[TRAIN], DIGIT[TRAIN], **val)
    model.set_params(early_stopping=True, max_iter=3)
    model.fit(DIGITS[TRAIN], DIGIT[TRAIN], **val)
    assert model.best_validation_score_ == max(model.validation_scores_[-3:])
    assert model.score(DIGITS[VAL], DIGIT[VAL]) == model.best_validation_score_
