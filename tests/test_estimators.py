"""What the estimators offer beyond scikit-learn's, one property at a time."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import softmax
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_blobs,
    make_gaussian_quantiles,
)
from sklearn.metrics import f1_score, log_loss, make_scorer
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info, threadpool_limits

from sknet import (
    LockstepGridSearchCV,
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
)


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DIGITS, DIGIT = load_digits(return_X_y=True)
DIGITS, DIGIT = DIGITS[:400] / 16.0, DIGIT[:400]
CANCER, MALIGNANT = load_breast_cancer(return_X_y=True)
CANCER = StandardScaler().fit_transform(CANCER)
SMALL = {"hidden_layer_sizes": (12,), "max_iter": 12, "random_state": 0}


# --- class weights


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
        ({"yes": 1.0, "No": 2.0}, r"labels \['No'\].*leaves out \['no'\]"),
        ({1: 1.0, 0: 2.0}, r"labels \[1, 0\].*leaves out \['no', 'yes'\].*type"),
        ({"maybe": 2.0}, r"labels \['maybe'\].*leaves out \['no', 'yes'\]"),
        ({"yes": 1.0, "no": 1.0, "maybe": -1.0}, "must hold finite numbers >= 0"),
        ({"yes": 1.0, "no": "two"}, "class_weight=.* must hold finite numbers >= 0"),
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


# --- decision function


def test_decision_function_is_the_log_odds():
    """Binary: flat, and the logit of the probability."""
    model = SimpleMLPClassifier(**SMALL).fit(CANCER, MALIGNANT)
    raw, probability = model.decision_function(CANCER), model.predict_proba(CANCER)
    assert raw.shape == (len(CANCER),)
    assert_allclose(raw, np.log(probability[:, 1] / probability[:, 0]), rtol=1e-9)


SOFTMAX_LOSSES = ["log_loss", "focal", "squared_error"]


@pytest.mark.parametrize("n_estimators", [1, 2])
@pytest.mark.parametrize("loss", SOFTMAX_LOSSES)
@pytest.mark.parametrize("kind", [SimpleMLPClassifier, TabularMLPClassifier])
def test_decision_function_of_classes_is_the_log_probability(kind, loss, n_estimators):
    """A column a class: softmax and largest column are those of the prediction."""
    model = kind((8,), loss=loss, n_estimators=n_estimators, max_iter=3, random_state=0)
    model.fit(DIGITS, DIGIT)
    scores, probability = model.decision_function(DIGITS), model.predict_proba(DIGITS)
    assert_allclose(scores, model.predict_log_proba(DIGITS), rtol=1e-6)
    assert_allclose(softmax(scores, axis=1), probability, rtol=1e-5)
    assert_array_equal(scores.argmax(axis=1), probability.argmax(axis=1))


def test_decision_function_of_classes_has_no_number_of_its_own_in_a_row():
    """The raw outputs do: adding to all of a row changes no prediction."""
    model = SimpleMLPClassifier(**SMALL).fit(DIGITS, DIGIT)
    before = model.decision_function(DIGITS)
    model.intercepts_[-1][:] += 1000.0
    assert_allclose(model.decision_function(DIGITS), before, rtol=1e-9, atol=1e-9)


def test_decision_function_tells_classes_apart_where_probabilities_vanish():
    """Ranks and finite numbers remain where probabilities are the least number."""
    model = SimpleMLPClassifier((), max_iter=1).fit(DIGITS, DIGIT)
    model.coefs_ = [np.zeros((64, 10))]
    for raw in (1e3 * np.arange(10.0), 1e307 * np.arange(-9.0, 11.0, 2.0)):
        model.intercepts_ = [raw]
        scores = model.decision_function(DIGITS[:1])[0]
        assert np.isfinite(scores).all()
        assert_array_equal(np.argsort(scores, kind="stable"), np.arange(10))


@pytest.mark.parametrize(
    "params",
    [
        {"loss": "hinge"},
        {"loss": "perceptron"},
        {"loss": "squared_error", "output_activation": "identity"},
        {"loss": "squared_error", "output_activation": "logistic"},
    ],
    ids=str,
)
def test_decision_function_without_a_softmax_is_the_raw_output(params):
    """Of several classes, too, each column has a meaning of its own."""
    model = SimpleMLPClassifier((), **params, max_iter=3, random_state=0)
    model.fit(DIGITS, DIGIT)
    raw = DIGITS @ model.coefs_[0] + model.intercepts_[0]
    assert_allclose(model.decision_function(DIGITS), raw, rtol=1e-9, atol=1e-12)


def tables_of_several_classes():
    """Pairs of features and classes: tables that come with scikit-learn."""
    yield from (load(return_X_y=True) for load in (load_digits, load_iris, load_wine))
    made = {"n_samples": 600, "random_state": 0}
    yield make_blobs(**made, n_features=20, centers=6, cluster_std=8.0)
    yield make_gaussian_quantiles(**made, n_features=4, n_classes=4)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration_by_scores_is_no_worse_than_by_probabilities(method):
    """On average over tables; by raw outputs the log loss is larger by a third."""
    sums = {SimpleMLPClassifier: 0.0, MLPClassifier: 0.0}
    for X, y in tables_of_several_classes():
        X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
        for kind in sums:
            network = kind((20,), solver="lbfgs", max_iter=15, random_state=0)
            network = make_pipeline(StandardScaler(), network)
            calibrated = CalibratedClassifierCV(network, method=method, cv=3).fit(X, y)
            sums[kind] += log_loss(y_test, calibrated.predict_proba(X_test))
    assert sums[SimpleMLPClassifier] < 1.05 * sums[MLPClassifier]


# --- type of the computation


@pytest.mark.parametrize("source", [np.float64, np.float32, np.uint8, np.int64])
def test_dtype_float32_computes_in_float32_from_any_type(source):
    """What another type holds exactly trains to the same bits as float32 input."""
    pixels = (DIGITS * 16).astype(source)
    model = SimpleMLPClassifier(dtype="float32", **SMALL).fit(pixels, DIGIT)
    expected = SimpleMLPClassifier(**SMALL).fit(pixels.astype(np.float32), DIGIT)
    assert model.theta_.dtype == np.float32
    assert_array_equal(model.theta_, expected.theta_)
    # Predictions are in the type of the rows.
    rounded = expected.predict_proba(pixels.astype(np.float32))
    assert_allclose(model.predict_proba(pixels), rounded, rtol=1e-5)


def test_dtype_auto_follows_the_features():
    """float32 for float32, float64 for everything else."""
    for source, expected in ((np.float32, np.float32), (np.uint8, np.float64)):
        X = (DIGITS * 16).astype(source)
        assert SimpleMLPClassifier(**SMALL).fit(X, DIGIT).theta_.dtype == expected


def test_dtype_float64_lifts_float32():
    """float64 may be asked for; predictions have the type of the rows all the same."""
    X = DIGITS.astype(np.float32)
    model = SimpleMLPRegressor(dtype="float64", **SMALL).fit(X, DIGIT)
    assert model.theta_.dtype == np.float64
    assert model.predict(X).dtype == np.float32
    assert model.predict(X.astype(float)).dtype == np.float64


def test_integer_features_are_trained_on_as_their_float_values():
    """Integers are converted batch by batch, with the same result."""
    pixels = (DIGITS * 16).astype(np.uint8)
    repeated = np.repeat(pixels, 200, axis=0)  # more than is converted at once
    labels = np.repeat(DIGIT, 200)
    params = SMALL | {"max_iter": 1, "batch_size": 5000}
    model = SimpleMLPClassifier(**params).fit(repeated, labels)
    expected = SimpleMLPClassifier(**params).fit(repeated.astype(float), labels)
    assert_array_equal(model.theta_, expected.theta_)


# --- a validation set, and what it is scored by

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


# --- time, threads, words


def test_n_threads_limits_blas_during_fit_only():
    """The limit holds inside of fit and is undone behind it."""
    seen = []

    def spy(estimator, X, y):
        del estimator, X, y
        seen.append(
            {m["num_threads"] for m in threadpool_info() if m["user_api"] == "blas"}
        )
        return 0.0

    params = SMALL | {"early_stopping": True, "max_iter": 2, "scoring": spy}
    with threadpool_limits(2, user_api="blas"):
        before = threadpool_info()
        SimpleMLPClassifier(n_threads=1, **params).fit(CANCER, MALIGNANT)
        assert threadpool_info() == before
    assert {m["num_threads"] for m in before if m["user_api"] == "blas"} == {2}
    assert set.union(*seen) == {1}


def test_small_networks_take_one_thread_by_default():
    """More threads only cost time there, whatever BLAS is set to."""
    seen = set()

    def spy(estimator, X, y):
        del estimator, X, y
        blas = [m for m in threadpool_info() if m["user_api"] == "blas"]
        seen.update(m["num_threads"] for m in blas)
        return 0.0

    params = SMALL | {"early_stopping": True, "max_iter": 2, "scoring": spy}
    with threadpool_limits(2, user_api="blas"):
        SimpleMLPClassifier(**params).fit(CANCER, MALIGNANT)
    assert seen == {1}


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_verbose_tells_of_every_epoch(solver, capsys):
    """scikit-learn's words, for L-BFGS too."""
    params = SMALL | {"max_iter": 3}
    SimpleMLPClassifier(solver=solver, verbose=True, **params).fit(CANCER, MALIGNANT)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        f"Iteration {i}" for i in (1, 2, 3)
    ]


def test_verbose_tells_of_scores_and_the_stop(capsys):
    """The validation score of every epoch, and why it stopped."""
    params = SMALL | {"max_iter": 200, "tol": 0.5, "n_iter_no_change": 2}
    SimpleMLPClassifier(early_stopping=True, verbose=1, **params).fit(CANCER, MALIGNANT)
    out = capsys.readouterr().out
    assert "Validation score: " in out
    assert out.endswith(
        "Validation score did not improve more than tol=0.500000 for 2 consecutive "
        "epochs. Stopping.\n"
    )


# --- at home in scikit-learn


def test_pipeline_and_grid_search():
    """Parameters are searched inside of a pipeline, with any of the names."""
    mlp = SimpleMLPClassifier(**SMALL, learning_rate_init=0.01)
    pipeline = make_pipeline(StandardScaler(), mlp)
    grid = {
        "simplemlpclassifier__alpha": [1e-4, 1.0],
        "simplemlpclassifier__class_weight": [None, "balanced"],
    }
    search = GridSearchCV(pipeline, grid, cv=3).fit(CANCER, MALIGNANT)
    assert search.best_score_ > 0.9  # a smoke test
    assert len(search.cv_results_["params"]) == 4


def test_clone_has_the_parameters_and_no_fitted_state():
    """clone gives an unfitted estimator that fits alike."""
    model = SimpleMLPClassifier(**SMALL).fit(CANCER, MALIGNANT)
    copy = clone(model)
    assert not hasattr(copy, "theta_")
    assert not hasattr(copy, "coefs_")
    assert_array_equal(copy.fit(CANCER, MALIGNANT).theta_, model.theta_)


def test_no_hidden_layers_is_a_linear_model():
    """An empty hidden_layer_sizes is allowed: outputs are affine."""
    model = SimpleMLPRegressor(hidden_layer_sizes=(), max_iter=5).fit(DIGITS, DIGIT)
    assert model.n_layers_ == 2
    expected = DIGITS @ model.coefs_[0][:, 0] + model.intercepts_[0]
    assert_allclose(model.predict(DIGITS), expected)


def test_item_assignment_of_coefficients_changes_the_model():
    """coefs_[i] = array writes through; another shape is refused."""
    model = SimpleMLPRegressor(hidden_layer_sizes=(), max_iter=5).fit(DIGITS, DIGIT)
    model.coefs_[0] = np.zeros((64, 1))
    model.intercepts_ = [np.array([2.5])]
    assert_array_equal(model.predict(DIGITS), 2.5)
    for shape in [(3, 1), (1, 64), (64,)]:
        with pytest.raises(ValueError, match=r"shape \(64, 1\) belongs here"):
            model.coefs_[0] = np.zeros(shape)


def test_transposed_coefficients_are_refused_and_change_nothing():
    """They have as many numbers, and would be read in another order."""
    model = SimpleMLPClassifier(**SMALL).fit(CANCER, MALIGNANT)
    before = model.theta_.copy()
    with pytest.raises(ValueError, match="belongs here"):
        model.coefs_ = [model.coefs_[0] + 1.0, *(w.T for w in model.coefs_[1:])]
    with pytest.raises(ValueError, match="belongs here"):
        model.intercepts_ = [b[:, None] for b in model.intercepts_]
    assert_array_equal(model.theta_, before)


def test_coefficients_may_change_places():
    """What is assigned may be views of what is overwritten."""
    model = SimpleMLPClassifier((5, 5, 5), max_iter=2).fit(CANCER, MALIGNANT)
    first, second, third, last = (weights.copy() for weights in model.coefs_)
    views = model.coefs_
    model.coefs_ = [views[0], views[2], views[1], views[3]]
    for found, expected in zip(model.coefs_, [first, third, second, last], strict=True):
        assert_array_equal(found, expected)


def test_wide_sparse_rows_are_never_made_dense():
    """200,000 columns, a handful filled: fits in the memory of the weights."""
    rng = np.random.default_rng(0)
    X = sparse.random(300, 200_000, density=2e-5, format="csr", random_state=0)
    y = rng.integers(2, size=300)
    model = SimpleMLPClassifier((4,), max_iter=2, batch_size=50, random_state=0)
    assert model.fit(X, y).predict_proba(X).shape == (300, 2)


class OwnDefault(SimpleMLPRegressor):
    """A user's class whose default may not be."""

    def __init__(self, hidden_layer_sizes=(3,), alpha=-1.0):
        super().__init__(hidden_layer_sizes=hidden_layer_sizes, alpha=alpha)


def test_default_that_may_not_be_is_refused(regression_problem):
    """Defaults are looked at once for a class, not in every call."""
    with pytest.raises(ValueError, match=r"'alpha' parameter of OwnDefault .* -1\.0"):
        OwnDefault().fit(*regression_problem)
    OwnDefault(alpha=1.0).fit(*regression_problem)
