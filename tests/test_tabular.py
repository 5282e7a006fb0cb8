"""The estimators for tables: encoding, weights, and the recipe together."""

import json
import pickle

import numpy as np
import pytest
import sklearn
from by_layer import weights_of
from made_up_table import BOTH, LABEL, SMALL, TABLE, VALUE, X_IRIS, N, outputs
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
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
from sknet.network.layers import Periodic
from sknet.optimizers import AdamW


NAMES_OF_POLARS = parse_version("1.9")
RNG = np.random.default_rng(0)


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
    with pytest.raises(TypeError, match="to numbers first"):
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
