"""Converted networks go on training alike, with the parameters that both have."""

from dataclasses import dataclass

import numpy as np
import pytest
from both_forms import BANDS, TARGETS, VALUES, X, assert_same_model, make
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.config.table import PARAMETERS
from sknet.losses import LogLoss
from sknet.network.blocks import Plain
from sknet.optimizers import SGD, Adam
from sknet.schedules import Adaptive, InvScaling


pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:lbfgs failed to converge"),
]


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("target", ["binary", "strings", "multilabel", "multioutput"])
def test_training_continues_alike_in_both_forms(target, solver):
    """From the weights, with a new optimizer, in both directions.

    All rows are one batch, so that their order does not matter.
    """
    cls, y = TARGETS[target]
    ours = make(cls, solver=solver).fit(X, y)
    mlp = ours.to_sklearn()
    back = cls.from_sklearn(mlp)
    before = list(mlp.loss_curve_)
    for _ in range(3):
        for model in (mlp, back):
            model.partial_fit(X, y)
    assert_same_model(back, mlp, 1e-9)
    assert mlp.t_ == back.t_ > ours.t_
    assert mlp.loss_curve_[: len(before)] == before == ours.loss_curve_
    np.testing.assert_allclose(mlp.loss_curve_, back.loss_curve_, rtol=1e-9)


@pytest.mark.parametrize(("schedule", "rate"), [("adaptive", 0.05), ("invscaling", 0)])
def test_learning_rate_after_conversion(schedule, rate):
    """Plateaus belong to the optimizer, which stays behind; the schedule continues."""
    params = {"solver": "sgd", "learning_rate": schedule, "momentum": 0.5}
    params |= {"tol": 0.5, "n_iter_no_change": 1, "max_iter": 12}
    mlp = make(MLPRegressor, **params).fit(X, VALUES / VALUES.std())
    ours = SimpleMLPRegressor.from_sklearn(mlp)
    rate = rate or 0.05 / (mlp.t_ + 1) ** 0.5
    assert ours.learning_rate_ == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("n_rows", [80, 160])
def test_warm_start_goes_on_in_both_forms(early_stopping, n_rows):
    """Also where 80 rows were too few for ours to hold some out."""
    rows, y = np.tile(X, (2, 1))[:n_rows], np.tile(BANDS, 2)[:n_rows]
    params = {"warm_start": True, "early_stopping": early_stopping}
    ours = make(SimpleMLPClassifier, **params)
    if early_stopping and n_rows == 80:
        with pytest.warns(UserWarning, match="cannot split off a validation set"):
            ours.fit(rows, y)
    else:
        ours.fit(rows, y)
    mlp = ours.to_sklearn().fit(rows, y)
    assert len(mlp.loss_curve_) == 10
    again = SimpleMLPClassifier.from_sklearn(mlp)
    if early_stopping and n_rows == 80:
        with pytest.warns(UserWarning, match="cannot split off a validation set"):
            again.fit(rows, y)
    else:
        again.fit(rows, y)
    assert again.n_epochs_ == len(again.loss_curve_) == 15


@pytest.mark.parametrize("schedule", ["adaptive", "invscaling"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_schedule_that_sklearn_ignores_does_not_come_along(solver, schedule):
    """There it is for "sgd" alone; here it would act, or be refused."""
    params = {"solver": solver, "learning_rate": schedule, "warm_start": True}
    mlp = make(MLPRegressor, **params).fit(X, VALUES)
    ours = SimpleMLPRegressor.from_sklearn(mlp)
    assert ours.learning_rate == "constant"
    ours.fit(X, VALUES)
    if solver == "adam":
        ours = SimpleMLPRegressor.from_sklearn(mlp)
        there = ours.to_sklearn()
        for model in (there, ours):
            model.partial_fit(X, VALUES).partial_fit(X, VALUES)
        assert_same_model(ours, there, 1e-9)


@pytest.mark.parametrize("then", ["adam", "sgd"])
def test_what_lbfgs_has_fitted_goes_on_with_another_solver(then):
    """Where scikit-learn's own class cannot: it misses the curves."""
    y = VALUES / VALUES.std()
    mlp = make(MLPRegressor, solver="lbfgs").fit(X, y)
    mlp.set_params(solver=then, warm_start=True, learning_rate_init=1e-3)
    ours = SimpleMLPRegressor.from_sklearn(mlp)
    assert_same_model(ours, mlp)
    assert len(ours.fit(X, y).loss_curve_) == 5
    assert ours.loss_ < mlp.loss_


def test_lbfgs_goes_on_from_the_weights_in_both_forms():
    params = {"solver": "lbfgs", "warm_start": True, "max_iter": 4}
    ours = make(SimpleMLPRegressor, **params).fit(X, VALUES)
    first = ours.loss_
    assert ours.to_sklearn().fit(X, VALUES).loss_ < first
    back = SimpleMLPRegressor.from_sklearn(ours.to_sklearn())
    assert back.fit(X, VALUES).loss_ < first


def test_compacted_model_converts_and_trains_there():
    ours = make(SimpleMLPClassifier).fit(X, BANDS).compact()
    mlp = ours.to_sklearn()
    assert_same_model(ours, mlp)
    assert len(mlp.partial_fit(X, BANDS).loss_curve_) == 6


# ---------------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"solver": Adam(beta_1=0.8, beta_2=0.99)}, {"solver": "adam", "beta_1": 0.8}),
        ({"solver": SGD(0.5, nesterov=False)}, {"solver": "sgd", "momentum": 0.5}),
        ({"solver": "sgd", "learning_rate": InvScaling(0.3)}, {"power_t": 0.3}),
        (
            {"solver": "sgd", "learning_rate": Adaptive()},
            {"learning_rate": "adaptive"},
        ),
        ({"activation": ["tanh", "tanh"]}, {"activation": "tanh"}),
        ({"block": Plain()}, {}),
        ({"alpha": 0.5, "batch_size": 20}, {"alpha": 0.5, "batch_size": 20}),
    ],
)
def test_instances_become_the_names_and_numbers_that_sklearn_has(params, expected):
    mlp = make(SimpleMLPClassifier, **params).fit(X, BANDS).to_sklearn()
    assert mlp.get_params() == mlp.get_params() | expected
    clone(mlp).fit(X, BANDS)


def test_conversion_describes_the_fitted_network_not_the_parameters_of_now():
    ours = make(SimpleMLPClassifier).fit(X, BANDS)
    ours.set_params(hidden_layer_sizes=(3,), activation="tanh")
    mlp = ours.to_sklearn()
    assert (mlp.hidden_layer_sizes, mlp.activation) == ((7, 5), "relu")
    assert_same_model(ours, mlp)


@dataclass(frozen=True, repr=False)
class OwnSGD(SGD):
    """May step in any other way."""


@dataclass(frozen=True, repr=False)
class OwnSchedule(InvScaling):
    """May take any other course."""


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"dropout": 0.1}, "dropout=0.1"),
        ({"solver": OwnSGD()}, r"solver=OwnSGD\(\)"),
        ({"solver": "sgd", "learning_rate": OwnSchedule()}, "learning_rate=OwnSch"),
        ({"solver": "rmsprop"}, "solver='rmsprop'"),
        ({"solver": Adam(weight_decay=0.1)}, r"solver=Adam\(weight_decay=0.1\)"),
        ({"learning_rate": "cosine"}, "learning_rate='cosine'"),
        ({"learning_rate": "invscaling"}, "learning_rate='invscaling'"),  # with adam
        ({"averaging": "ema"}, "averaging='ema'"),
        ({"class_weight": {3: 2.0}}, "class_weight="),
        ({"loss": LogLoss(label_smoothing=0.1)}, "loss=LogLoss"),
    ],
)
def test_what_only_training_would_miss_is_told(params, words):
    """The network is equal; scikit-learn's class has no place for the parameter."""
    ours = make(SimpleMLPClassifier, **params).fit(X, BANDS + 3)
    with pytest.warns(UserWarning, match=f"MLPClassifier does not support {words}"):
        mlp = ours.to_sklearn()
    assert_same_model(ours, mlp)
    mlp.partial_fit(X, BANDS + 3)


# Another value of each parameter that only training would miss.
MISSED = {
    "class_weight": "balanced",
    "dropout": 0.1,
    "learning_rate_multipliers": {"bias": 0.1},
    "learning_rule": "error_by_weights",
    "clip_norm": 1.0,
    "averaging": "ema",
    "scoring": "accuracy",
    "max_time": 100.0,
    "checkpoint": "unused.npz",
    "deterministic": True,
}


def test_each_parameter_that_sklearn_lacks_is_declared_kept_or_is_told():
    """A new parameter warns unless the table says that nothing is lost."""
    ours = SimpleMLPClassifier().get_params() | SimpleMLPRegressor().get_params()
    theirs = MLPClassifier().get_params() | MLPRegressor().get_params()
    own = {p.name for p in PARAMETERS if p.name in ours and not p.kept_by_conversion}
    assert own - set(theirs) == set(MISSED)


@pytest.mark.parametrize("name", MISSED)
def test_parameter_that_sklearn_lacks_is_told(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    early = {"early_stopping": True, "validation_fraction": 0.3}
    ours = make(SimpleMLPClassifier, **early, **{name: MISSED[name]}).fit(X, BANDS)
    with pytest.warns(UserWarning, match=f"MLPClassifier does not support {name}="):
        ours.to_sklearn()


def test_instance_of_the_same_loss_is_no_loss_of_anything():
    """The losses are compared, not the words for them."""
    ours = make(SimpleMLPClassifier, loss=LogLoss()).fit(X, BANDS)
    assert_same_model(ours, ours.to_sklearn())  # warnings are errors
