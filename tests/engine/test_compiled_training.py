"""Compiled training: the same numbers as NumPy's, for everything that can be set."""

import os
import signal
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression

from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.activations import ACTIVATIONS
from sknet.averages import AVERAGES
from sknet.engine.machine import Machine, machine
from sknet.losses import CLASS_LOSSES, VALUE_LOSSES
from sknet.network.blocks import BLOCKS, Plain
from sknet.optimizers import OPTIMIZERS
from sknet.schedules import SCHEDULES
from sknet.solvers.executor import Executor
from sknet.training import compiled as compiled_module


pytestmark = [
    pytest.mark.skipif(machine() is None, reason="The engine is not compiled."),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

X, LABELS = make_classification(
    n_samples=90, n_features=6, n_informative=4, n_classes=3, random_state=0
)
_, VALUES = make_regression(n_samples=90, n_features=6, random_state=0)
VALUES = np.abs(VALUES / VALUES.std()) + 0.1  # some losses need positive values
WEIGHT = np.random.default_rng(0).uniform(0.5, 2.0, len(X))
SHORT = {"max_iter": 4, "batch_size": 32, "random_state": 0, "hidden_layer_sizes": (8,)}


def both(estimator, y, X=X, **fit):
    """Fit with both engines; return both fitted estimators."""
    fitted = []
    for engine in ("numpy", "compiled"):
        copy = clone(estimator).set_params(engine=engine)
        fitted.append(copy.fit(X, y, **fit))
    assert fitted[1].engine_ == "compiled"
    return fitted


def assert_same_training(numpy, compiled, tolerance=1e-10):
    """Assert that parameters and losses agree up to rounding."""
    scale = np.abs(numpy.theta_).max()
    np.testing.assert_allclose(
        compiled.theta_ / scale, numpy.theta_ / scale, atol=tolerance
    )
    np.testing.assert_allclose(compiled.loss_curve_, numpy.loss_curve_, rtol=1e-9)
    for name in ("n_iter_", "t_", "n_epochs_", "n_no_improvement_"):
        assert getattr(compiled, name) == getattr(numpy, name), name


SETTINGS = {
    "plain": {},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "deep": {"hidden_layer_sizes": (8, 6, 4)},
    "one unit": {"hidden_layer_sizes": (1,)},
    "one batch": {"batch_size": 90},
    "batches of one": {"batch_size": 1},
    "no ragged batch": {"batch_size": 30},
    "no shuffle": {"shuffle": False},
    "no penalty": {"alpha": 0.0},
    "no bias": {"use_bias": False},
    "dropout": {"dropout": 0.3, "hidden_layer_sizes": (8, 8)},
    "dropout by layer": {"dropout": (0.0, 0.4), "hidden_layer_sizes": (8, 8)},
    "batch normalization": {"block": Plain(normalization="batch")},
    "layer normalization": {"block": Plain(normalization="layer")},
    "clipping": {"clip_norm": 0.05},
    "rate factors": {"learning_rate_multipliers": {"bias": 0.1}},
    "weights of one layer": {"learning_rate_multipliers": {"weight": 3.0}},
    "ntk": {"initializer": "ntk"},
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("weighted", [False, True])
def test_settings(setting, weighted):
    given = {**SHORT, **SETTINGS[setting]}
    weight = WEIGHT if weighted else None
    for estimator, y in (
        (SimpleMLPClassifier(**given), LABELS),
        (SimpleMLPClassifier(**given), LABELS > 0),
        (SimpleMLPRegressor(**given), VALUES),
    ):
        assert_same_training(*both(estimator, y, sample_weight=weight))


@pytest.mark.parametrize("name", sorted(ACTIVATIONS.names))
def test_activations(name):
    given = {**SHORT, "activation": name, "hidden_layer_sizes": (8, 4)}
    assert_same_training(*both(SimpleMLPClassifier(**given), LABELS))


@pytest.mark.parametrize("name", sorted(CLASS_LOSSES.names))
@pytest.mark.parametrize("binary", [False, True])
def test_losses_of_classes(name, binary):
    if name == "custom":
        pytest.skip("Any function may be a custom loss: it is never recorded.")
    y = LABELS > 0 if binary else LABELS
    assert_same_training(*both(SimpleMLPClassifier(loss=name, **SHORT), y))


@pytest.mark.parametrize("name", sorted(VALUE_LOSSES.names))
def test_losses_of_values(name):
    if name == "custom":
        pytest.skip("Any function may be a custom loss: it is never recorded.")
    assert_same_training(*both(SimpleMLPRegressor(loss=name, **SHORT), VALUES))


@pytest.mark.parametrize("name", sorted(OPTIMIZERS.names))
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_optimizers(name, decay):
    solver = OPTIMIZERS.make(name)
    solver = type(solver)(weight_decay=decay)
    assert_same_training(*both(SimpleMLPClassifier(solver=solver, **SHORT), LABELS))


@pytest.mark.parametrize("name", sorted(SCHEDULES.names))
def test_schedules(name):
    given = {**SHORT, "learning_rate": name, "solver": "sgd", "max_iter": 12}
    assert_same_training(*both(SimpleMLPRegressor(**given), VALUES))


@pytest.mark.parametrize("name", sorted(AVERAGES.names))
def test_averages(name):
    given = {**SHORT, "averaging": name, "max_iter": 12}
    numpy, compiled = both(SimpleMLPRegressor(**given), VALUES)
    assert_same_training(numpy, compiled)


@pytest.mark.parametrize("name", sorted(BLOCKS.names))
def test_blocks(name):
    given = {**SHORT, "block": name, "hidden_layer_sizes": (8, 8, 8)}
    assert_same_training(*both(SimpleMLPClassifier(**given), LABELS))


def test_early_stopping():
    given = {
        **SHORT,
        "early_stopping": True,
        "validation_fraction": 0.2,
        "max_iter": 30,
        "n_iter_no_change": 3,
    }
    numpy, compiled = both(SimpleMLPClassifier(**given), LABELS)
    assert_same_training(numpy, compiled)
    assert compiled.validation_scores_ == numpy.validation_scores_


def test_convergence():
    given = {**SHORT, "max_iter": 500, "tol": 1e-2, "n_iter_no_change": 5}
    numpy, compiled = both(SimpleMLPRegressor(**given), VALUES)
    assert_same_training(numpy, compiled, 1e-6)
    assert 5 < compiled.n_iter_ < 500


def test_float32():
    given = {**SHORT, "hidden_layer_sizes": (16, 16)}
    numpy, compiled = both(SimpleMLPClassifier(**given), LABELS, X.astype(np.float32))
    assert compiled.theta_.dtype == np.float32
    np.testing.assert_allclose(compiled.theta_, numpy.theta_, atol=1e-4)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32", "bool"])
def test_types_of_features(dtype):
    features = (10.0 * np.abs(X)).astype(dtype)
    assert_same_training(
        *both(SimpleMLPRegressor(dtype="float64", **SHORT), VALUES, features)
    )


@pytest.mark.parametrize("shared", [False, True])
def test_ensembles(shared):
    given = {**SHORT, "n_estimators": 3, "shared_backbone": shared}
    assert_same_training(*both(SimpleMLPClassifier(**given), LABELS))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_members_are_the_same_alone(n_jobs):
    given = {
        **SHORT,
        "dropout": 0.2,
        "hidden_layer_sizes": (8, 8),
        "engine": "compiled",
    }
    together = SimpleMLPClassifier(n_estimators=4, n_jobs=n_jobs, **given).fit(
        X, LABELS
    )
    for k, seed in enumerate(together.member_seeds_):
        alone = SimpleMLPClassifier(**{**given, "random_state": seed}).fit(X, LABELS)
        np.testing.assert_array_equal(alone.theta_[0], together.theta_[k])
        assert alone.loss_curve_ == together.member_loss_curves_[k]


@pytest.mark.parametrize("n_threads", [2, 3])
def test_threads_change_no_bit(n_threads):
    given = {
        **SHORT,
        "hidden_layer_sizes": (64, 96),
        "dropout": 0.1,
        "engine": "compiled",
    }
    one = SimpleMLPClassifier(n_threads=1, **given).fit(X, LABELS)
    several = SimpleMLPClassifier(n_threads=n_threads, **given).fit(X, LABELS)
    np.testing.assert_array_equal(one.theta_, several.theta_)


@pytest.mark.parametrize("more", [{}, {"dropout": 0.2}, {"averaging": "ema"}])
def test_training_in_two_parts_is_the_same(more):
    given = {**SHORT, "engine": "compiled", "tol": 0.0, **more}
    whole = SimpleMLPRegressor(**{**given, "max_iter": 9}).fit(X, VALUES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = SimpleMLPRegressor(**given, warm_start=True).fit(X, VALUES)
        parts.set_params(max_iter=5).fit(X, VALUES)
    np.testing.assert_array_equal(whole.theta_, parts.theta_)
    assert whole.loss_curve_ == parts.loss_curve_


def test_partial_fit():
    fitted = []
    for engine in ("numpy", "compiled"):
        estimator = SimpleMLPClassifier(engine=engine, **{**SHORT, "batch_size": 18})
        for start in range(0, 90, 18):
            rows = slice(start, start + 18)
            estimator.partial_fit(X[rows], LABELS[rows], classes=[0, 1, 2])
        fitted.append(estimator)
    assert_same_training(*fitted)


@pytest.mark.parametrize("is_classifier", [True, False])
def test_tables(is_classifier):
    numbers = X.copy()
    numbers[::7, 0] = np.nan
    table = np.column_stack([numbers, LABELS % 2]).astype(object)
    table[:, -1] = np.where(LABELS == 1, "a", "b")
    given = {"max_iter": 4, "random_state": 0, "n_estimators": 2}
    kind = TabularMLPClassifier if is_classifier else TabularMLPRegressor
    y = LABELS if is_classifier else VALUES
    numpy, compiled = both(kind(**given), y, table)
    assert compiled.loss_curve_ == pytest.approx(numpy.loss_curve_, rel=1e-3)


DIVERGING = {**SHORT, "learning_rate_init": 1e3, "solver": "sgd", "max_iter": 50}


def test_divergence_goes_back_to_the_best_epoch():
    given = {**DIVERGING, "activation": "identity"}
    numpy, compiled = both(SimpleMLPRegressor(**given), VALUES)
    assert np.isnan(compiled.loss_curve_[-1])
    assert compiled.n_iter_ == numpy.n_iter_ < 50
    np.testing.assert_allclose(compiled.theta_, numpy.theta_)


@pytest.mark.parametrize("setting", ["dropout", "batches of one"])
def test_calls_that_return_after_every_step_change_no_bit(setting, monkeypatch):
    given = {**SHORT, **SETTINGS[setting], "engine": "compiled"}
    whole = SimpleMLPClassifier(**given).fit(X, LABELS)
    monkeypatch.setattr(compiled_module, "_LOOK_WORK", 1)
    monkeypatch.setattr(compiled_module, "_CALL_SECONDS", 0.0)
    steps = SimpleMLPClassifier(**given).fit(X, LABELS)
    np.testing.assert_array_equal(steps.theta_, whole.theta_)
    assert steps.loss_curve_ == whole.loss_curve_


def test_an_epoch_that_diverges_is_counted(monkeypatch):
    """After 64 of 90 batches, where the call returns to Python, too."""
    monkeypatch.setattr(compiled_module, "_LOOK_WORK", 1)
    monkeypatch.setattr(compiled_module, "_CALL_SECONDS", 0.0)
    run, counts = compiled_module.CompiledTraining.run, []

    def noted(self, *args):
        made = run(self, *args)
        counts.append(made.n_done.tolist())
        return made

    monkeypatch.setattr(compiled_module.CompiledTraining, "run", noted)
    given = {**DIVERGING, "activation": "identity", "batch_size": 1}
    with pytest.raises(ValueError, match="non-finite"):
        SimpleMLPRegressor(**given, engine="compiled").fit(X, VALUES)
    assert counts == [[1]]


def interrupt_calls(monkeypatch, after):
    """Let each call of the machine return soon, and interrupt one of them."""
    calls, train = [], Machine.train

    def interrupted(self, job):
        calls.append(job)
        if len(calls) > after:
            raise KeyboardInterrupt
        return train(self, job)

    monkeypatch.setattr(Machine, "train", interrupted)


def halt_after_calls(monkeypatch, after):
    """Let an interrupt of another thread be seen after some calls."""
    calls = []

    def is_halted(self):
        calls.append(self)
        return len(calls) > after

    monkeypatch.setattr(Executor, "is_halted", is_halted)


@pytest.mark.parametrize("interrupt", [interrupt_calls, halt_after_calls])
def test_an_interrupt_keeps_the_epochs_before_it(interrupt, monkeypatch):
    """It comes in the third epoch of a call: after 12 batches, five in an epoch."""
    given = {**SHORT, "batch_size": 18, "max_iter": 30, "engine": "compiled"}
    whole = SimpleMLPClassifier(**given).fit(X, LABELS)
    monkeypatch.setattr(compiled_module, "_LOOK_WORK", 1)
    monkeypatch.setattr(compiled_module, "_CALL_SECONDS", 0.0)
    interrupt(monkeypatch, after=12)
    with pytest.warns(UserWarning, match="interrupted"):
        part = SimpleMLPClassifier(**given).fit(X, LABELS)
    assert part.n_iter_ in (2, 3)
    assert part.loss_curve_ == whole.loss_curve_[: part.n_iter_]


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("place", ["_count", "run"])
def test_an_interrupt_tears_nothing(place, watched, monkeypatch):
    """It comes before or after the counters are updated."""
    given = {**SHORT, "batch_size": 18, "max_iter": 9}
    given |= {"early_stopping": watched, "validation_fraction": 0.2}
    function, calls = getattr(compiled_module.CompiledTraining, place), []

    def interrupted(self, *args, **options):
        result = function(self, *args, **options)
        calls.append(place)
        if len(calls) == (3 if watched else 1):
            os.kill(os.getpid(), signal.SIGINT)
        return result

    monkeypatch.setattr(compiled_module.CompiledTraining, place, interrupted)
    with pytest.warns(UserWarning, match="interrupted"):
        part = SimpleMLPClassifier(**given, engine="compiled").fit(X, LABELS)
    monkeypatch.undo()
    assert part.n_iter_ == len(part.loss_curve_) == (3 if watched else 9)
    given = {**given, "max_iter": part.n_iter_, "n_iter_no_change": 100}
    whole = SimpleMLPClassifier(**given, engine="compiled").fit(X, LABELS)
    assert part._training["t"] == whole._training["t"]


def test_divergence_in_the_first_epoch():
    given = {**DIVERGING, "activation": "identity", "engine": "compiled"}
    with pytest.raises(ValueError, match="non-finite"):
        SimpleMLPRegressor(**given).fit(1e12 * X, 1e12 * VALUES)


def test_rows_of_weight_zero():
    weight = np.where(np.arange(len(X)) < 40, 0.0, WEIGHT)
    given = {**SHORT, "shuffle": False, "batch_size": 10}
    assert_same_training(
        *both(SimpleMLPRegressor(**given), VALUES, sample_weight=weight)
    )


def test_what_is_not_compiled_says_so():
    custom = SimpleMLPRegressor(
        (lambda raw, y: ((raw - y) ** 2).sum(axis=1), lambda raw, y: 2 * (raw - y)),
        **SHORT,
    )
    assert "numpy: " in custom.fit(X, VALUES).engine_
    with pytest.raises(ValueError, match="engine='compiled' is not possible here"):
        custom.set_params(engine="compiled").fit(X, VALUES)


def test_sparse_features():
    assert_same_training(
        *both(
            SimpleMLPClassifier(**SHORT),
            LABELS,
            sparse.csr_matrix(np.where(X > 0, X, 0.0)),
        )
    )
