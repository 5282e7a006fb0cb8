"""Yellowbrick draws the scores of a model, once it is told which."""

import pytest
from numpy.testing import assert_array_equal
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import learning_curve
from sklearn.pipeline import make_pipeline


SIZES = [0.5, 1.0]


pytestmark = pytest.mark.usefixtures("_drawings_are_closed")


def drawn_scores(model, X, y, **options):
    """Scores of Yellowbrick's learning curve."""
    curves = pytest.importorskip("yellowbrick.model_selection")
    curve = curves.LearningCurve(model, train_sizes=SIZES, cv=3, **options)
    return curve.fit(X, y).test_scores_


def test_pipeline_keeps_the_scoring(classifier):
    model, X, y = classifier
    pipeline = make_pipeline(model)
    drawn = drawn_scores(pipeline, X, y, scoring="neg_log_loss")
    options = {"train_sizes": SIZES, "cv": 3, "scoring": "neg_log_loss"}
    assert_array_equal(drawn, learning_curve(pipeline, X, y, **options)[2])
    assert (drawn < 0).all()


def test_model_alone_decides_on_the_scoring(classifier):
    """Its ``scoring`` is for early stopping; Yellowbrick takes it for its own.

    And ``random_state`` and all else that both have.
    """
    model, X, y = classifier
    model.set_params(scoring="neg_log_loss", early_stopping=True)
    model.set_params(validation_fraction=0.3, n_jobs=1)
    drawn = drawn_scores(model, X, y, scoring="accuracy")
    options = {"train_sizes": SIZES, "cv": 3, "scoring": "neg_log_loss"}
    shared = {"shuffle", "random_state", "n_jobs"} & set(model.get_params())
    options |= {name: getattr(model, name) for name in shared}
    assert_array_equal(drawn, learning_curve(model, X, y, **options)[2])
    assert (drawn < 0).all()


def test_areas_of_a_classifier(classifier):
    """``force_model``: Yellowbrick knows no classifier of today's scikit-learn."""
    drawings = pytest.importorskip("yellowbrick.classifier")
    model, X, codes = classifier.model, classifier.X, classifier.codes
    with pytest.raises(Exception, match="not a classifier"):
        drawings.ROCAUC(model)
    drawing = drawings.ROCAUC(model, force_model=True).fit(X, codes)
    drawing.score(X, codes)
    area = roc_auc_score(codes, model.predict_proba(X)[:, 1])
    assert drawing.roc_auc[1] == pytest.approx(area, abs=1e-12)
    assert area > 0.6


def test_errors_of_a_regressor(regressor):
    """The score that it writes beside the points, in a pipeline by its name."""
    drawings = pytest.importorskip("yellowbrick.regressor")
    model, X, y = regressor
    pipeline = make_pipeline(model.set_params(max_iter=40))
    drawing = drawings.PredictionError(pipeline, force_model=True).fit(X, y)
    assert drawing.score(X, y) == model.score(X, y) > 0.3
    drawing.finalize()
    legend = [entry.get_text() for entry in drawing.ax.get_legend().get_texts()]
    assert legend[0] == f"$R^2$ $ = {model.score(X, y):.3f}$"
