"""The estimators for tables: encoding, scaling, calibration and the recipe together."""

import json
import pickle

import numpy as np
import pytest
import sklearn
from by_layer import weights_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import softmax
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.utils.fixes import parse_version

from sknet import (
    LockstepGridSearchCV,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
    TabularPreprocessor,
)
from sknet.activations import ReLU
from sknet.config.presets import TABULAR_CLASSIFIER
from sknet.losses import Quantile
from sknet.network.layers import Periodic
from sknet.optimizers import AdamW
from sknet.problem.value_target import target_scale
from sknet.solvers.calibration import (
    CalibratedScore,
    HeldOut,
    best_temperature,
)
from sknet.training.learning_rates import LearningRate, LearningRates
from sknet.training.monitor import History, Monitor, StoppingRule
from sknet.training.state import TrainState


NAMES_OF_POLARS = parse_version("1.9")
RNG = np.random.default_rng(0)
N = 240
SMALL = {"hidden_layer_sizes": (16, 16), "n_estimators": 2, "max_iter": 8}
SMALL |= {"random_state": 0}


def made_up_table(n_rows=N, seed=0):
    """Numbers with gaps, a flag, a category of three levels, and one of many."""
    rng = np.random.default_rng(seed)
    color = rng.choice(["red", "green", "blue"], n_rows)
    city = rng.integers(0, 20, n_rows)
    size, age = rng.lognormal(3.0, 2.0, n_rows), rng.normal(size=n_rows)
    value = np.log(size) + (color == "red") + city % 3 + 0.1 * rng.normal(size=n_rows)
    table = np.empty((n_rows, 5), dtype=object)
    table[:, 0], table[:, 1], table[:, 2] = size, age, color
    table[:, 3], table[:, 4] = [f"city {c}" for c in city], rng.random(n_rows) < 0.5
    table[rng.random(n_rows) < 0.2, 1] = None
    table[rng.random(n_rows) < 0.1, 2] = None
    return table, value


TABLE, VALUE = made_up_table()
LABEL = np.where(np.median(VALUE) < VALUE, "high", "low")
X_IRIS, Y_IRIS = load_iris(return_X_y=True)
BOTH = [
    pytest.param(TabularMLPClassifier, LABEL, id="classifier"),
    pytest.param(TabularMLPRegressor, VALUE, id="regressor"),
]


def outputs(model, X):
    """What a model says of rows, in numbers."""
    classifies = isinstance(model, TabularMLPClassifier)
    return model.predict_proba(X) if classifies else model.predict(X)


# ----------------------------------------------------------------------- tables come in


@pytest.mark.parametrize(("estimator", "y"), BOTH)
def test_raw_table_is_learned(estimator, y):
    """A smoke test of all parts together."""
    parts = train_test_split(TABLE, y, random_state=0)
    X_train, X_test, y_train, y_test = parts
    model = estimator((32, 32), n_estimators=4, max_iter=60, random_state=0)
    assert model.fit(X_train, y_train).score(X_test, y_test) > 0.8


@pytest.mark.parametrize(("estimator", "y"), BOTH)
def test_frames_are_the_table_they_hold(estimator, y):
    """pandas and polars, with types of their own, give the same numbers."""
    model = estimator(**SMALL).fit(TABLE, y)
    expected = outputs(model, TABLE)
    names = ["size", "age", "color", "city", "flag"]
    for library in ("pandas", "polars"):
        frames = pytest.importorskip(library)
        columns = {name: TABLE[:, j].tolist() for j, name in enumerate(names)}
        frame = frames.DataFrame(columns)
        in_frame = clone(model).fit(frame, y)
        # scikit-learn before 1.9 reads no names of polars
        if library == "pandas" or parse_version(sklearn.__version__) >= NAMES_OF_POLARS:
            assert_array_equal(in_frame.feature_names_in_, names)
        assert_array_equal(outputs(in_frame, frame), expected)


@pytest.mark.parametrize(("estimator", "y"), BOTH)
def test_inside_is_the_public_preprocessor_in_front(estimator, y):
    """The network sees what ``TabularPreprocessor`` makes."""
    model = estimator(**SMALL).fit(TABLE, y)
    encoder = TabularPreprocessor().fit(TABLE)
    columns = encoder.transform(TABLE)
    assert_array_equal(model.preprocessor_.transform(TABLE), columns)
    input_embedding = json.loads(model._architecture)["input_embedding"]
    assert input_embedding["n_numeric"] == encoder.n_numeric_ == 2
    assert input_embedding["n_levels"] == encoder.n_levels_
    assert encoder.n_levels_ == [21]


@pytest.mark.parametrize(("estimator", "y"), BOTH)
def test_levels_and_gaps_that_training_did_not_show(estimator, y):
    model = estimator(**SMALL).fit(TABLE, y)
    strange = TABLE[:4].copy()
    strange[0], strange[1, 2], strange[2, 3] = None, "mauve", "nowhere"
    assert np.isfinite(outputs(model, strange)).all()
    assert_array_equal(outputs(model, strange)[3], outputs(model, TABLE[:4])[3])


def test_output_settings_of_transformers_change_nothing():
    """``set_config(transform_output="pandas")`` is meant for others."""
    pytest.importorskip("pandas")
    model = TabularMLPRegressor(**SMALL).fit(TABLE, VALUE)
    with config_context(transform_output="pandas"):
        again = clone(model).fit(TABLE, VALUE)
        assert_array_equal(again.predict(TABLE), model.predict(TABLE))


def test_named_categories_may_be_numbers():
    X = RNG.integers(0, 15, size=(N, 2)).astype(float)
    model = TabularMLPRegressor(**SMALL, categorical_features=[1]).fit(X, X[:, 1] % 2)
    assert model.preprocessor_.n_numeric_ == 1
    assert model.preprocessor_.n_levels_ == [16]


@pytest.mark.parametrize(("estimator", "y"), BOTH)
def test_sparse_columns_stay_sparse(estimator, y):
    """No embedding, no factors: 20,000 columns are never made dense."""
    X = sparse.random(N, 20_000, 0.001, format="csr", random_state=0)
    model = estimator(**SMALL).fit(X, y)
    assert weights_of(model)[0].shape[-2:] == (20_000, 16)
    assert np.isfinite(outputs(model, X)).all()


def test_dates_are_refused_with_the_fix():
    X = np.array([["2020-01-01"], ["2021-01-01"]], dtype="datetime64[D]")
    with pytest.raises(TypeError, match="made numbers first"):
        TabularMLPRegressor().fit(X, [0.0, 1.0])


@pytest.mark.parametrize(("estimator", "y"), BOTH)
def test_model_is_the_same_after_pickle_and_clone(estimator, y):
    model = estimator(**SMALL).fit(TABLE, y)
    kept = pickle.loads(pickle.dumps(model))
    again = clone(model).fit(TABLE, y)
    for other in (kept, again):
        assert_array_equal(outputs(other, TABLE), outputs(model, TABLE))


# ---------------------------------------------------------------------------- weights


@pytest.mark.parametrize(("estimator", "y"), BOTH)
def test_rows_of_weight_zero_change_nothing_that_is_measured(estimator, y):
    """Medians, levels, scale of the target: absurd rows of weight zero are none."""
    absurd = TABLE[:30].copy()
    absurd[:, 0], absurd[:, 2] = 1e9, "infra-red"
    X, weight = np.vstack([TABLE, absurd]), np.r_[np.ones(N), np.zeros(30)]
    far = y[:30] if y.dtype.kind == "U" else y[:30] + 1e6
    weighted = estimator(**SMALL).fit(X, np.r_[y, far], sample_weight=weight)
    plain = estimator(**SMALL).fit(TABLE, y)
    encoded = (model.preprocessor_.transform(TABLE) for model in (weighted, plain))
    assert_array_equal(*encoded)
    if estimator is TabularMLPRegressor:
        assert_allclose(weighted.target_mean_, plain.target_mean_, rtol=1e-12)
        assert_allclose(weighted.target_deviation_, plain.target_deviation_, rtol=1e-12)
        assert_allclose(weighted.target_range_, plain.target_range_)


def test_class_weight_is_a_weight_of_rows():
    """Also in the preprocessing and the calibration, which are weighted by it."""
    factors = {"high": 5.0, "low": 0.5}
    by_class = TabularMLPClassifier(**SMALL, class_weight=factors).fit(TABLE, LABEL)
    weight = np.array([factors[label] for label in LABEL])
    by_row = TabularMLPClassifier(**SMALL).fit(TABLE, LABEL, sample_weight=weight)
    assert_array_equal(by_class.theta_, by_row.theta_)
    assert by_class.temperature_ == by_row.temperature_
    assert_array_equal(by_class.preprocessor_.center_, by_row.preprocessor_.center_)
    plain = TabularMLPClassifier(**SMALL).fit(TABLE, LABEL)
    assert plain.temperature_ != by_class.temperature_
    assert (plain.preprocessor_.center_ != by_class.preprocessor_.center_).any()


# ------------------------------------------------------------------------- validation


@pytest.mark.parametrize("together", [False, True])
def test_validation_set_is_taken_as_it_is(together):
    """Judged by it alone, whatever its order; no rows of it are trained on."""
    X_val, y_val = made_up_table(60, seed=1)
    model = TabularMLPRegressor(**SMALL, joint_early_stopping=together)
    model.fit(TABLE, VALUE, X_val=X_val, y_val=y_val)
    turned = clone(model).fit(TABLE, VALUE, X_val=X_val[::-1], y_val=y_val[::-1])
    assert_array_equal(turned.theta_, model.theta_)
    expected = model.target_deviation_[0] ** 2 * -2.0 * model.best_validation_score_
    error = np.mean((model.predict(X_val) - y_val) ** 2)
    if together:  # the score is that of the mean prediction
        assert_allclose(error, expected / 2.0 * 2.0, rtol=1e-5)


def test_rows_are_held_out_for_each_network():
    """All rows are learned from, since each network holds out others."""
    params = SMALL | {"n_estimators": 6, "warm_start": True}
    model = TabularMLPClassifier(**params).fit(TABLE, LABEL)
    rows = np.asarray(model._training["validation_rows"])
    assert rows.shape == (6, int(0.1 * N))
    assert len(np.unique(rows)) > 0.35 * N


@pytest.mark.parametrize("n_rows", [49, 50, 90, 91])
def test_handful_of_rows_is_trained_on_whole(n_rows):
    """Nothing is held out of it; less than 50 rows are treated with more care."""
    model = TabularMLPRegressor(**SMALL, dropout=0.5)
    model.fit(TABLE[:n_rows], VALUE[:n_rows])
    assert (model.validation_scores_ is not None) == (n_rows == 91)
    assert model.theta_.dtype == (np.float64 if n_rows == 49 else np.float32)
    assert json.loads(model._architecture)["dropout"] == [0.5]


@pytest.mark.parametrize(
    ("n_rows", "size"),
    [(49, 49), (50, 25), (800, 62), (5000, 125), (20_000, 254), (10**5, 511)],
)
def test_batches_grow_with_the_table(n_rows, size):
    """And all have about as many rows: none is left with a few."""
    assert TABULAR_CLASSIFIER.batch_rule.rows(n_rows) == size
    assert (n_rows - 1) % size >= size - 1 - n_rows // size
    assert TABULAR_CLASSIFIER.batch_rule.rows(10**6) == 1024


def test_later_of_equal_epochs_is_kept():
    """And the first one, where scikit-learn's rule is asked for."""
    for later in (False, True):
        monitor = Monitor(
            [StoppingRule(0.0, 10, True, later)], LearningRates([LearningRate(0.1)])
        )
        progress, scores = History(), (0.5, 0.7, 0.7, 0.6)
        best = [
            monitor.improved(progress, np.array([1.0]), np.array([score]))[0]
            for score in scores
        ]
        assert best == [True, True, later, False]


def test_patience_grows_with_the_best_epoch():
    """Ten epochs and twice as many as it took to the best one."""
    monitor = Monitor(
        [StoppingRule(0.0, 10, True, True, 2.0)], LearningRates([LearningRate(0.1)])
    )
    progress, state = History(), TrainState(np.zeros((1, 1)), [], [])
    for epoch in range(1, 100):
        state.n_epochs[:] = epoch
        score = np.array([float(min(epoch, 7))]) - 1e-3 * (epoch > 7)
        monitor.improved(progress, np.array([1.0]), score)
        if monitor.stops(progress, state, print).any():
            break
    assert epoch == 7 + 10 + 2 * 7 + 1


# ------------------------------------------------------------------------ calibration


def grid_of_losses(raw, y, weight):
    """Log losses at many temperatures, by scikit-learn."""
    temperatures = np.exp(np.linspace(-2.0, 2.0, 401))
    losses = [
        log_loss(y, softmax(raw / t, axis=1), sample_weight=weight)
        for t in temperatures
    ]
    return temperatures, np.array(losses)


@pytest.mark.parametrize("weighted", [False, True])
def test_best_temperature_is_that_of_a_search(weighted):
    """Of three classes; the prior is too weak to be seen."""
    y = RNG.integers(0, 3, size=4000)
    raw = 3.0 * np.eye(3)[y] + 2.5 * RNG.normal(size=(4000, 3))
    weight = RNG.uniform(0.1, 2.0, size=4000) if weighted else np.ones(4000)
    temperatures, losses = grid_of_losses(raw, y, weight)
    held_out = HeldOut(raw[None], np.eye(3, dtype=bool)[y], weight)
    found = best_temperature([held_out], exclusive=True)
    assert_allclose(found.temperature, temperatures[losses.argmin()], rtol=0.03)
    assert_allclose(found.loss, losses.min(), rtol=1e-4)
    score = CalibratedScore(held_out.y, weight if weighted else None, True)
    assert_allclose(score(None, raw), -losses.min(), rtol=1e-4)


@pytest.mark.parametrize("exclusive", [False, True])
def test_mean_of_networks_has_the_temperature_of_its_members(exclusive):
    """One network twice is one network."""
    y = RNG.random((500, 3)) < 0.4
    if exclusive:
        y = np.eye(3, dtype=bool)[RNG.integers(0, 3, size=500)]
    raw, weight = 4.0 * (y - 0.5) + 3.0 * RNG.normal(size=y.shape), np.ones(500)
    one = best_temperature([HeldOut(raw[None], y, weight)], exclusive)
    two = best_temperature([HeldOut(np.stack([raw, raw]), y, weight)], exclusive)
    assert_allclose(two.temperature, one.temperature, rtol=0.01)
    assert_allclose(two.loss, one.loss, rtol=1e-4)


def test_flawless_validation_set_leaves_the_temperature_finite():
    """Nothing would keep it from zero but the prior."""
    y = np.arange(20)[:, None] % 2 == 0
    raw = np.where(y, 2.0, -2.0)
    found = best_temperature([HeldOut(raw[None], y, np.ones(20))], False)
    assert 0.3 < found.temperature < 1.0


def test_probabilities_are_those_of_scaled_outputs():
    """predict_proba is the mean over the networks, each divided by the temperature."""
    params = SMALL | {"n_estimators": 3}
    model = TabularMLPClassifier(**params).fit(X_IRIS, Y_IRIS)
    assert model.temperature_ != 1.0
    members = model.predict_proba_members(X_IRIS)
    assert_allclose(model.predict_proba(X_IRIS), members.mean(axis=0), rtol=1e-6)
    before = clone(model).set_params(calibrate=False, scoring="loss")
    calibrated = members[0]
    model.temperature_, scale = 1.0, model.temperature_
    plain = model.predict_proba_members(X_IRIS)[0]
    powers = plain.astype(float) ** (1.0 / scale)
    expected = powers / powers.sum(axis=1, keepdims=True)
    assert_allclose(calibrated, expected, rtol=1e-4, atol=1e-6)
    assert before.fit(X_IRIS, Y_IRIS).temperature_ == 1.0


def test_temperature_is_that_of_held_out_rows_made_milder():
    """One for all networks, each on its own rows; nearer to 1 the more there are."""
    params = SMALL | {"n_estimators": 3, "warm_start": True}
    model = TabularMLPClassifier(**params).fit(X_IRIS, Y_IRIS)
    rows, found = np.asarray(model._training["validation_rows"]), model.temperature_
    model.temperature_ = 1.0
    raw, y = model._outputs(X_IRIS)[1], np.eye(3, dtype=bool)[Y_IRIS]
    each = [
        HeldOut(raw[k : k + 1, rows[k]], y[rows[k]], np.ones(rows.shape[1]))
        for k in range(3)
    ]
    whole = best_temperature(each, exclusive=True).temperature
    assert abs(np.log(whole)) > 0.05
    assert_allclose(np.log(found), np.log(whole) * 3.0 ** (-2 / 3), rtol=1e-3)


def test_calibration_helps_on_new_rows():
    """In the mean over ten data sets, with an epoch chosen by something else."""
    gains = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(1300, 6))
        y = (X[:, 0] + rng.normal(size=1300) > 0).astype(int)
        params = {"max_iter": 20, "random_state": seed, "scoring": "accuracy"}
        model = TabularMLPClassifier((32, 32), **params, n_estimators=1)
        model.fit(X[:300], y[:300])
        with_it = log_loss(y[300:], model.predict_proba(X[300:]))
        model.temperature_ = 1.0
        gains.append(log_loss(y[300:], model.predict_proba(X[300:])) - with_it)
    assert np.mean(gains) > 0.0


def test_margins_have_no_temperature():
    model = TabularMLPClassifier(**SMALL, loss="hinge").fit(TABLE, LABEL)
    assert model.temperature_ == 1.0


# ----------------------------------------------------------------------------- target


def test_target_scale_is_a_change_of_units():
    """Kilometres or millimetres: the same network, the same prediction in units."""
    model = TabularMLPRegressor(**SMALL).fit(TABLE, VALUE)
    far = clone(model).fit(TABLE, 1e6 * VALUE - 4e6)
    assert_allclose(far.predict(TABLE), 1e6 * model.predict(TABLE) - 4e6, rtol=1e-3)
    assert_allclose(far.target_deviation_, 1e6 * model.target_deviation_)


@pytest.mark.parametrize("weighted", [False, True])
def test_target_scale_counts_rows_by_weight(weighted):
    y = RNG.normal(3.0, 5.0, size=(50, 2))
    weight = RNG.integers(0, 3, size=50) if weighted else np.ones(50, dtype=int)
    rows = np.repeat(y, weight, axis=0)
    scale = target_scale(y, weight.astype(float) if weighted else None, True)
    assert_allclose(scale.mean, rows.mean(axis=0))
    assert_allclose(scale.deviation, rows.std(axis=0))
    span = np.ptp(rows, axis=0)
    assert_allclose(scale.least, rows.min(axis=0) - 0.05 * span)
    assert_allclose(scale.largest, rows.max(axis=0) + 0.05 * span)
    assert_allclose(scale.backward(scale.forward(y[weight > 0])), y[weight > 0])


def test_predictions_end_near_the_training_range():
    X = np.linspace(-1.0, 1.0, 200)[:, None]
    model = TabularMLPRegressor((32,), n_estimators=1, max_iter=60, random_state=0)
    free = clone(model).set_params(clip_predictions=False)
    y, far = X[:, 0], np.array([[-50.0], [50.0]])
    assert_allclose(model.fit(X, y).target_range_, [[-1.1], [1.1]])
    assert np.abs(model.predict(far)).max() <= 1.1
    assert np.isinf(free.fit(X, y).target_range_).all()


def test_constant_target_is_predicted():
    model = TabularMLPRegressor(**SMALL).fit(TABLE, np.full(N, 7.0))
    assert_allclose(model.predict(TABLE), 7.0, atol=1e-6)


def test_losses_with_a_domain_take_the_target_as_it_is():
    model = TabularMLPRegressor(**SMALL, loss="poisson").fit(TABLE, np.exp(VALUE / 3))
    assert model.target_mean_ is None
    assert (model.predict(TABLE) > 0.0).all()


def test_deviations_are_in_units_of_the_target():
    """Of a loss that gives one, and the spread of the networks."""
    params = SMALL | {"loss": "gaussian", "clip_predictions": False}
    model = TabularMLPRegressor(**params).fit(TABLE, VALUE)
    far = clone(model).fit(TABLE, 1000.0 * VALUE)
    _, std = model.predict(TABLE, return_std=True)
    _, far_std = far.predict(TABLE, return_std=True)
    assert_allclose(far_std, 1000.0 * std, rtol=1e-2)


def test_several_targets_have_a_scale_each():
    X, y = load_diabetes(return_X_y=True)
    both = np.column_stack([y, -1e4 * X[:, 2]])
    params = SMALL | {"max_iter": 30, "hidden_layer_sizes": (32, 32)}
    model = TabularMLPRegressor(**params).fit(X, both)
    assert model.predict(X).shape == both.shape
    assert model.score(X, both) > 0.6


# -------------------------------------------------------------------------- quantiles


def test_quantiles_beside_the_mean():
    """They hold their shares of new rows, do not cross, and leave the mean in place."""
    rng, levels = np.random.default_rng(0), (0.1, 0.5, 0.9)
    x = rng.uniform(-2.0, 2.0, size=(6000, 1))
    y = x[:, 0] + (0.2 + np.abs(x[:, 0])) * rng.normal(size=6000)
    params = {"n_estimators": 4, "max_iter": 20, "random_state": 0}
    model = TabularMLPRegressor((32, 32), quantiles=levels, **params)
    found = model.fit(x[:4000], y[:4000]).predict(x[4000:], quantiles=levels)
    assert found.shape == (2000, 3)
    assert (np.diff(found, axis=1) >= 0.0).all()
    shares = (y[4000:, None] <= found).mean(axis=0)
    assert_allclose(shares, levels, atol=0.05)
    assert model.predict(x).shape == (6000,)
    assert_array_equal(model.predict(x[4000:], quantiles=0.9), found[:, 2])
    assert_array_equal(model.predict(x[4000:], quantiles=[0.9, 0.1]), found[:, [2, 0]])
    wide = np.ptp(model.predict([[2.0]], quantiles=(0.1, 0.9)))
    assert wide > 2.0 * np.ptp(model.predict([[0.0]], quantiles=(0.1, 0.9)))


def test_quantiles_of_several_targets():
    y = np.column_stack([VALUE, -VALUE])
    model = TabularMLPRegressor(**SMALL, quantiles=(0.25, 0.75)).fit(TABLE, y)
    assert model.predict(TABLE).shape == (N, 2)
    assert model.predict(TABLE, quantiles=(0.25, 0.75)).shape == (N, 2, 2)


def test_quantiles_that_were_not_trained_are_refused():
    model = TabularMLPRegressor(**SMALL, quantiles=(0.1, 0.9)).fit(TABLE, VALUE)
    with pytest.raises(ValueError, match=r"not trained for the levels \[0.5\]"):
        model.predict(TABLE, quantiles=(0.1, 0.5))
    with pytest.raises(ValueError, match="do not go together"):
        model.predict(TABLE, return_std=True, quantiles=0.1)
    plain = TabularMLPRegressor(**SMALL).fit(TABLE, VALUE)
    with pytest.raises(
        ValueError, match=r"MeanQuantiles\(\(0.5,\)\).*quantiles=\(0.5,\)"
    ):
        plain.predict(TABLE, quantiles=0.5)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"quantiles": (0.9, 0.1)}, "increasing order"),
        ({"quantiles": (0.5,), "loss": "huber"}, "requires loss=.squared_error."),
        ({"quantiles": (0.5,), "loss": Quantile()}, "requires loss=.squared_error."),
    ],
)
def test_bad_quantiles_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        TabularMLPRegressor(**params).fit(TABLE, VALUE)


# -------------------------------------------------------------------------- going on


@pytest.mark.parametrize(("estimator", "y"), BOTH)
def test_partial_fit_keeps_the_first_encoding(estimator, y):
    """And the first scale of the target; the learning rate stays."""
    model = estimator(**SMALL)
    more = {"classes": np.unique(y)} if y.dtype.kind == "U" else {}
    model.partial_fit(TABLE[:100], y[:100], **more)
    first, rate = model.preprocessor_, model.learning_rate_
    scale = vars(model).get("target_mean_")
    for start in (100, 150, 200):
        part = slice(start, start + 50)
        model.partial_fit(TABLE[part], y[part])
    assert model.preprocessor_ is first
    assert model.learning_rate_ == rate == model.learning_rate_init
    assert model.n_epochs_ == 4
    if scale is not None:
        assert_array_equal(model.target_mean_, scale)


def test_partial_fit_learns_in_epochs_without_an_end():
    model = TabularMLPRegressor((32, 32), n_estimators=2, random_state=0)
    for _ in range(40):
        model.partial_fit(TABLE, VALUE)
    assert model.score(TABLE, VALUE) > 0.9


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_warm_start_goes_on_with_encoding_and_scale():
    params = SMALL | {"learning_rate": "constant", "n_iter_no_change": np.inf}
    once = TabularMLPRegressor(**params | {"max_iter": 6}).fit(TABLE, VALUE)
    twice = TabularMLPRegressor(**params | {"max_iter": 3}, warm_start=True)
    twice.fit(TABLE, VALUE).fit(TABLE, VALUE)
    assert_array_equal(twice.predict(TABLE), once.predict(TABLE))


# ---------------------------------------------------------------- with everything else


@pytest.mark.parametrize(("estimator", "y"), BOTH)
def test_search_in_lockstep_is_the_search(estimator, y):
    """Folds are encoded and scaled each for itself."""
    model = estimator(**SMALL)
    grid = {"learning_rate_init": [0.01, 0.05], "solver__weight_decay": [0.0, 0.1]}
    ours = LockstepGridSearchCV(model, grid, cv=3).fit(TABLE, y)
    theirs = GridSearchCV(model, grid, cv=3).fit(TABLE, y)
    for key in ("mean_test_score", "rank_test_score"):
        assert_array_equal(ours.cv_results_[key], theirs.cv_results_[key])
    assert_array_equal(ours.best_estimator_.theta_, theirs.best_estimator_.theta_)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_networks_of_an_ensemble_are_single_ones(n_jobs):
    """Bit for bit, with all parts of the recipe."""
    model = TabularMLPClassifier(**SMALL, n_jobs=n_jobs).fit(TABLE, LABEL)
    for k, seed in enumerate(model.member_seeds_.tolist()):
        params = SMALL | {"n_estimators": 1, "random_state": seed}
        single = TabularMLPClassifier(**params).fit(TABLE, LABEL)
        assert_array_equal(single.theta_[0], model.theta_[k])


def test_parts_have_parameters_of_their_own():
    """A name becomes the instance that it stands for."""
    model = TabularMLPRegressor()
    model.set_params(numeric_embedding__waves=5, solver__epsilon=1e-6)
    assert model.numeric_embedding == Periodic(waves=5)
    assert model.solver == AdamW(0.9, 0.95, 1e-6, 0.02)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_plain_parts_make_the_simple_network():
    """With all that is added off, it is a SimpleMLP on encoded columns."""
    off = {"numeric_embedding": None, "learning_rate_multipliers": {"scale": 0.0}}
    off |= {"blend_activation": False, "clip_predictions": False, "dtype": "float64"}
    shared = {"solver": "adam", "alpha": 0.01, "early_stopping": False, "max_iter": 5}
    shared |= {"learning_rate": "constant", "learning_rate_init": 0.01}
    shared |= {"initializer": "he_normal", "batch_size": 32}
    shared |= {"random_state": 0, "hidden_layer_sizes": (8,), "n_iter_no_change": 10}
    X, y = X_IRIS[:, :3], X_IRIS[:, 3]
    model = TabularMLPRegressor(
        **off, **shared, activation=ReLU(), n_estimators=1, dropout=0.0
    ).fit(X, y)
    columns = model.preprocessor_.transform(X)
    scaled = (y - y.mean()) / y.std()
    simple = SimpleMLPRegressor(**shared, tol=0.0, dtype="float64").fit(columns, scaled)
    expected = y.mean() + y.std() * simple.predict(columns)
    assert_allclose(model.predict(X), expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"numeric_embedding": "waves"}, "'numeric_embedding' parameter"),
        ({"embedding_size": 0}, "'embedding_size' parameter"),
        ({"max_one_hot": -1}, "'max_one_hot' parameter"),
        ({"solver": AdamW(weight_decay=-0.1)}, "weight_decay must be"),
        ({"learning_rate_multipliers": "all"}, "'learning_rate_multipliers' parameter"),
        ({"categorical_features": "all"}, "'categorical_features' parameter"),
        ({"categorical_features": [9]}, "categorical_features"),
    ],
)
def test_bad_parameters_are_named(params, message):
    with pytest.raises(ValueError, match=message):
        TabularMLPRegressor(**params).fit(TABLE, VALUE)


def test_array_without_names_is_warned_of_once():
    """By the estimator, which knows the names, and not by its preprocessor, too."""
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"a": np.arange(60.0), "b": np.arange(60.0) % 7})
    model = TabularMLPRegressor((4,), max_iter=2, n_estimators=1, random_state=0)
    model.fit(table, table["a"])
    with pytest.warns(UserWarning, match="TabularMLPRegressor was fitted") as caught:
        model.predict(table.to_numpy())
    assert len(caught) == 1
