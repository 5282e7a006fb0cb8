"""Training on images: together or alone, in one go or in parts, always the same."""

import numpy as np
import pytest
from dying import Killed, dies, lives  # noqa: F401  (fixtures)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.utils import check_random_state
from some_images import (
    CONVOLUTIONS,
    DIGIT,
    IMAGES,
    KINDS,
    ROWS,
    SHARES,
    few,
    output,
)

from sknet import Checkpoint, Conv, SimpleCNNClassifier, SimpleCNNRegressor
from sknet.engine import library
from sknet.testing import check_gradient


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

HEAVY = np.arange(200) % 3
SPLIT = {"early_stopping": True, "validation_fraction": 0.2}
each_kind = pytest.mark.parametrize("kind", KINDS)
each_network = pytest.mark.parametrize("convolutions", CONVOLUTIONS)
each_type = pytest.mark.parametrize("X", [IMAGES, SHARES], ids=["bytes", "shares"])


@each_network
@each_type
def test_members_for_images_are_those_that_train_alone(convolutions, X):
    """Bit for bit: each with its own seed, drawn as ensembles draw them."""
    params = {"conv_layers": CONVOLUTIONS[convolutions], "max_iter": 2}
    trio = few(n_estimators=3, **params).fit(X, DIGIT)
    seeds = seeds_of_members(3)
    for member, seed in zip(trio.estimators_, seeds, strict=True):
        alone = few(**params | {"random_state": seed}).fit(X, DIGIT)
        assert_array_equal(member.theta_, alone.theta_)
        assert_array_equal(member.predict_proba(X), alone.predict_proba(X))


def seeds_of_members(n):
    """Seeds of the members, as the first estimator's members show them."""
    stream = check_random_state(0)
    return [int(stream.randint(np.iinfo(np.int32).max)) for _ in range(n)]


@each_network
def test_images_are_learned_alike_by_both_engines(convolutions):
    """NumPy and compiled code, to rounding."""
    if library.load() is None:
        pytest.skip("the compiled library is not installed")
    layers = CONVOLUTIONS[convolutions]
    found = [
        few(conv_layers=layers, engine=engine).fit(IMAGES, DIGIT)
        for engine in ("numpy", "compiled")
    ]
    assert_allclose(found[0].theta_, found[1].theta_, atol=1e-9)
    proba = [model.predict_proba(IMAGES) for model in found]
    assert_allclose(proba[0], proba[1], atol=1e-9)


@each_kind
@each_type
@pytest.mark.parametrize("params", [{}, SPLIT, {"n_estimators": 2}])
def test_epochs_on_images_may_be_made_in_parts(kind, X, params):
    """3 epochs and 2 more are 5, bit for bit."""
    whole = few(kind, **params | {"max_iter": 5}).fit(X, DIGIT)
    parts = few(kind, **params | {"max_iter": 3, "warm_start": True}).fit(X, DIGIT)
    parts.set_params(max_iter=2).fit(X, DIGIT)
    assert_array_equal(parts.theta_, whole.theta_)
    assert parts.loss_curve_ == whole.loss_curve_


@each_kind
@each_type
def test_calls_of_partial_fit_on_images_are_epochs(kind, X):
    whole = few(kind).fit(X, DIGIT)
    parts = few(kind)
    classes = {"classes": np.arange(10)} if kind is SimpleCNNClassifier else {}
    for _ in range(4):
        parts.partial_fit(X, DIGIT, **classes)
    assert_array_equal(parts.theta_, whole.theta_)


@pytest.mark.parametrize("fits", ["partial_fit", "warm_start"])
def test_type_of_pixels_may_change_between_fits(fits):
    """Bytes, shares, rows and images in turn, to rounding as if they were all bytes."""
    turns = [IMAGES, SHARES, ROWS, SHARES.reshape(-1, 8, 8), IMAGES]
    found = []
    for data in (turns, [IMAGES] * 5):
        model = few(max_iter=1, warm_start=True)
        for X in data:
            if fits == "partial_fit":
                model.partial_fit(X, DIGIT, classes=np.arange(10))
            else:
                model.fit(X, DIGIT)
        found.append(model)
    assert_allclose(found[0].theta_, found[1].theta_, atol=1e-9)
    for X in (IMAGES, SHARES):
        proba = [model.predict_proba(X) for model in found]
        assert_allclose(proba[0], proba[1], atol=1e-9)


@each_kind
@each_type
@pytest.mark.parametrize("params", [{}, SPLIT, {"n_estimators": 2}])
def test_killed_training_on_images_goes_on(kind, X, params, tmp_path, dies, lives):  # noqa: F811
    """From the file to the same bits."""
    whole = few(kind, **params).fit(X, DIGIT)
    model = few(kind, **params, checkpoint=Checkpoint(tmp_path / "run.npz", epochs=1))
    dies(3)
    with pytest.raises(Killed):
        model.fit(X, DIGIT)
    lives()
    model.fit(X, DIGIT)
    assert_array_equal(model.theta_, whole.theta_)
    assert model.loss_curve_ == whole.loss_curve_


@each_kind
@each_type
def test_weights_of_few_images_are_repetitions(kind, X):
    """Rows of weight zero, one and two, in a single batch."""
    chosen = slice(0, 21)
    X, y, weight = X[chosen], DIGIT[chosen] % 2, HEAVY[chosen]
    weighted = few(kind).fit(X, y, sample_weight=weight)
    repeated = few(kind).fit(X.repeat(weight, axis=0), y.repeat(weight))
    assert_allclose(weighted.theta_, repeated.theta_, atol=1e-7)


def test_class_weights_of_images_are_sample_weights():
    weight = {digit: 1.0 + digit for digit in range(10)}
    by_class = few(class_weight=weight).fit(IMAGES, DIGIT)
    by_row = few().fit(IMAGES, DIGIT, sample_weight=1.0 + DIGIT)
    assert_array_equal(by_class.theta_, by_row.theta_)


@pytest.mark.parametrize("scoring", [None, "loss", "neg_log_loss"])
@each_type
def test_early_stopping_on_images_keeps_the_best_epoch(scoring, X):
    params = SPLIT | {"scoring": scoring, "max_iter": 8, "learning_rate_init": 0.03}
    model = few(**params).fit(X, DIGIT)
    scores = model.validation_scores_
    assert len(scores) == model.n_iter_
    assert model.best_validation_score_ == max(scores)
    best = few(**params | {"max_iter": 1 + int(np.argmax(scores))}).fit(X, DIGIT)
    assert_array_equal(model.theta_, best.theta_)


def test_scorer_of_early_stopping_gets_rows_of_pixels():
    seen = []

    def scorer(estimator, X, y):
        seen.append((X.shape, X.dtype))
        return float((estimator.predict(X) == y).mean())

    model = few(**SPLIT, scoring=scorer).fit(IMAGES, DIGIT)
    assert set(seen) == {((40, 64), np.dtype(np.uint8))}
    own = few(**SPLIT).fit(IMAGES, DIGIT)
    assert model.validation_scores_ == own.validation_scores_


@each_network
def test_gradient_of_images_is_right(convolutions):
    layers = CONVOLUTIONS[convolutions]
    model = few(conv_layers=layers, activation="softplus", hidden_layer_sizes=(2,))
    check_gradient(model, SHARES[:6].reshape(-1, 8, 8), DIGIT[:6] % 3)


@each_kind
def test_gradient_of_bytes_and_members_is_right(kind):
    model = few(kind, activation="tanh", hidden_layer_sizes=(2,))
    y, weight = DIGIT[:12] % 3, 1.0 + HEAVY[:12]
    check_gradient(model, IMAGES[:12], y, sample_weight=weight, n_members=2)
    check_gradient(model.fit(IMAGES, DIGIT % 3), IMAGES[:12], y)


@pytest.mark.parametrize(
    "params",
    [
        {"solver": "lbfgs", "max_iter": 5},
        {"solver": "sgd", "learning_rate": "adaptive"},
        {"n_estimators": 2, "bootstrap": True},
        {"n_estimators": 2, "shared_backbone": True},
        {"averaging": "ema", "learning_rate": "one_cycle", "clip_norm": 1.0},
        {"block": "residual", "hidden_layer_sizes": (8, 8), "dropout": 0.2},
        {"initializer": "data_driven", "activation": "mish"},
        {"dtype": "float32", "deterministic": True},
        {"learning_rate_multipliers": {"bias": 2.0}, "hidden_layer_sizes": ()},
    ],
    ids=lambda params: "-".join(f"{k}={v}" for k, v in params.items()),
)
@each_kind
def test_option_is_the_same_for_bytes_and_shares(kind, params):
    """Each option of the Simple pair trains convolutional networks."""
    of_bytes = few(kind, **params).fit(IMAGES, DIGIT)
    again = clone(of_bytes).fit(IMAGES, DIGIT)
    assert_array_equal(of_bytes.theta_, again.theta_)
    of_shares = clone(of_bytes).fit(SHARES, DIGIT)
    assert_allclose(
        output(of_bytes, IMAGES), output(of_shares, SHARES), rtol=1e-4, atol=1e-4
    )


def test_several_targets_and_labels_of_images():
    targets = np.stack([DIGIT, -DIGIT], axis=1).astype(float)
    found = few(SimpleCNNRegressor).fit(IMAGES, targets).predict(IMAGES)
    assert found.shape == targets.shape
    labels = np.stack([DIGIT > 4, DIGIT % 2 == 0], axis=1).astype(int)
    found = few().fit(IMAGES, labels).predict(IMAGES)
    assert found.shape == labels.shape
    assert set(np.unique(found)) <= {0, 1}


def test_digits_are_learned():
    """Of 133 images, in 40 epochs of one batch each."""
    model = SimpleCNNClassifier(
        (32,), conv_layers=(Conv(8, pool=2),), max_iter=40, random_state=0
    ).set_params(learning_rate_init=0.02)
    assert cross_val_score(model, SHARES, DIGIT, cv=3).mean() > 0.85


@each_kind
def test_callbacks_are_told_of_each_epoch_on_images(kind):
    """With a model that predicts for bytes and shares; callbacks change no bit."""
    pytest.importorskip("sklearn.callback", reason="came with scikit-learn 1.9")
    listener = Epochs()
    model = few(kind).set_callbacks(listener).fit(IMAGES, DIGIT)
    assert_array_equal(model.theta_, few(kind).fit(IMAGES, DIGIT).theta_)
    assert len(listener.outputs) == 4
    assert_array_equal(listener.outputs[-1][0], output(model, IMAGES))
    assert_array_equal(listener.outputs[-1][1], output(model, SHARES))


class Epochs:
    """A callback that predicts after each epoch."""

    def __init__(self):
        self.outputs = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        if context.task_name == "epoch":
            now = fitted_estimator() if callable(fitted_estimator) else fitted_estimator
            self.outputs.append((output(now, IMAGES), output(now, SHARES)))
        return False
