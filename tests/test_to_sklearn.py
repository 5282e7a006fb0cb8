"""Conversion: scikit-learn's own class and ours are one network in two forms."""

import pickle
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.activations import LeakyReLU
from sknet.initializers import NTK
from sknet.losses import (
    CLASS_LOSSES,
    Brier,
    Focal,
    Gaussian,
    Hinge,
    Huber,
    LogLoss,
    Quantile,
    SquaredError,
)
from sknet.model.state import model_of
from sknet.network.blocks import Plain
from sknet.optimizers import SGD, Adam
from sknet.schedules import Adaptive, InvScaling
from sknet.testing import temporarily_registered


pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:lbfgs failed to converge"),
]

KNOWS_POISSON = tuple(map(int, version("scikit-learn").split(".")[:2])) >= (1, 7)
SISTERS = {SimpleMLPClassifier: MLPClassifier, SimpleMLPRegressor: MLPRegressor}

RNG = np.random.default_rng(0)
X = RNG.standard_normal((80, 4))
BANDS = np.digitize(X[:, 1], [-0.5, 0.5])
VALUES = X @ [1.0, 2.0, 3.0, 4.0]
TARGETS = {
    "binary": (SimpleMLPClassifier, (X[:, 0] > 0).astype(int)),
    "strings": (SimpleMLPClassifier, np.array(["low", "mid", "top"])[BANDS]),
    "objects": (SimpleMLPClassifier, np.array(["no", "yes"], object)[BANDS // 2]),
    "multiclass": (SimpleMLPClassifier, BANDS + 3),
    "multilabel": (SimpleMLPClassifier, (X[:, :3] > 0).astype(int)),
    "values": (SimpleMLPRegressor, VALUES),
    "multioutput": (SimpleMLPRegressor, np.stack([VALUES, -X[:, 0]], axis=1)),
}
SOLVERS = ("adam", "sgd", "lbfgs")
# Steps large enough to see what they are made of.
PARAMS = {"learning_rate_init": 0.05, "max_iter": 5, "random_state": 0}


def make(cls, **params):
    """A small network of either kind."""
    return cls(**{"hidden_layer_sizes": (7, 5), **PARAMS, **params})


def outputs(model, rows=X):
    """All numbers that a model predicts."""
    if hasattr(model, "predict_proba"):
        return model.predict_proba(rows)
    return model.predict(rows)


def assert_same_model(first, second, tolerance=1e-12):
    """Two models predict the same, in one form or the other."""
    a, b = outputs(first), outputs(second)
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    ours, theirs = first.predict(X), second.predict(X)
    if ours.dtype.kind == "f":
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
    else:
        np.testing.assert_array_equal(ours, theirs)


def attributes(model):
    """Names of fitted attributes, and what further training needs."""
    params = set(model.get_params())
    return {name for name in vars(model) if name not in params}


# ------------------------------------------------------------------------ equality


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("target", TARGETS)
def test_what_goes_to_sklearn_predicts_the_same(target, solver):
    cls, y = TARGETS[target]
    ours = make(cls, solver=solver).fit(X, y)
    mlp = ours.to_sklearn()
    assert type(mlp) is SISTERS[cls]
    assert_same_model(ours, mlp)
    stored = pickle.dumps(mlp)
    assert b"sknet" not in stored  # it is used where there is none
    assert_same_model(ours, pickle.loads(stored))
    np.testing.assert_allclose(mlp.score(X, y), ours.score(X, y), rtol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("target", TARGETS)
def test_what_comes_from_sklearn_predicts_the_same(target, solver):
    cls, y = TARGETS[target]
    mlp = make(SISTERS[cls], solver=solver).fit(X, y)
    ours = cls.from_sklearn(mlp)
    assert_same_model(ours, mlp)
    assert ours.get_params() == ours.get_params() | mlp.get_params()


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("target", TARGETS)
def test_there_and_back_is_the_same_network_bit_for_bit(target, solver):
    cls, y = TARGETS[target]
    ours = make(cls, solver=solver).fit(X, y)
    again = cls.from_sklearn(ours.to_sklearn())
    np.testing.assert_array_equal(again.theta_, ours.theta_)
    np.testing.assert_array_equal(outputs(again), outputs(ours))
    for name in ("loss_", "n_iter_", "n_epochs_", "t_", "out_activation_"):
        assert getattr(again, name) == getattr(ours, name), name


@pytest.mark.parametrize(
    ("solver", "early_stopping"),
    [("adam", False), ("adam", True), ("sgd", False), ("lbfgs", False)],
)
def test_converted_model_has_every_attribute_of_a_fitted_one(solver, early_stopping):
    """What scikit-learn's methods touch is there: what ``fit`` leaves, no less."""
    cls, y = TARGETS["binary"]
    params = {"solver": solver, "early_stopping": early_stopping}
    X_long, y_long = np.tile(X, (2, 1)), np.tile(y, 2)
    ours = make(cls, **params).fit(X_long, y_long)
    mlp = make(MLPClassifier, **params).fit(X_long, y_long)
    offsets = {"_coef_indptr", "_intercept_indptr"}  # L-BFGS writes them first of all
    assert attributes(mlp) - attributes(ours.to_sklearn()) <= offsets
    assert attributes(cls.from_sklearn(mlp)) == attributes(ours)


def test_curves_and_names_go_along():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=[*"abcd"])
    ours = make(SimpleMLPRegressor, max_iter=4).fit(table, VALUES)
    mlp = ours.to_sklearn()
    assert mlp.loss_curve_ == ours.loss_curve_
    assert mlp.feature_names_in_.tolist() == [*"abcd"]
    np.testing.assert_allclose(mlp.predict(table), ours.predict(table), rtol=1e-12)
    again = SimpleMLPRegressor.from_sklearn(mlp)
    assert again.loss_curve_ == ours.loss_curve_
    assert again.feature_names_in_.tolist() == [*"abcd"]


@pytest.mark.parametrize("cls", SISTERS)
def test_nothing_is_shared(cls):
    """Training one of the two leaves the other alone."""
    y = TARGETS["binary" if cls is SimpleMLPClassifier else "values"][1]
    ours = make(cls, random_state=np.random.RandomState(0)).fit(X, y)
    before = outputs(ours)
    mlp = ours.to_sklearn()
    back = cls.from_sklearn(mlp)
    assert len({id(m.random_state) for m in (ours, mlp, back)}) == 3
    mlp.partial_fit(X, y)  # in place
    np.testing.assert_array_equal(outputs(ours), before)
    np.testing.assert_array_equal(outputs(back), before)
    assert [len(m.loss_curve_) for m in (ours, mlp, back)] == [5, 6, 5]


@pytest.mark.parametrize("sizes", [(), 6, [3, 4, 5]])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_every_shape_and_activation_converts(activation, sizes):
    params = {"activation": activation, "hidden_layer_sizes": sizes}
    ours = make(SimpleMLPClassifier, **params).fit(X, BANDS)
    assert_same_model(ours, ours.to_sklearn())
    assert_same_model(ours, SimpleMLPClassifier.from_sklearn(ours.to_sklearn()))


def test_single_precision_stays_single():
    """Both compute in float32 on float32 features, to its last digits."""
    rows = X.astype(np.float32)
    ours = make(SimpleMLPClassifier).fit(rows, BANDS)
    mlp = ours.to_sklearn()
    assert {array.dtype for array in (*mlp.coefs_, *mlp.intercepts_)} == {rows.dtype}
    np.testing.assert_allclose(outputs(mlp, rows), outputs(ours, rows), rtol=1e-5)
    again = SimpleMLPClassifier.from_sklearn(mlp)
    assert again.theta_.dtype == np.float32
    np.testing.assert_array_equal(outputs(again, rows), outputs(ours, rows))


def test_sparse_features_are_predicted_for():
    rows = sparse.csr_matrix(np.where(X > 0.5, X, 0.0))
    ours = make(SimpleMLPClassifier).fit(rows, BANDS)
    np.testing.assert_allclose(
        outputs(ours.to_sklearn(), rows), outputs(ours, rows), rtol=1e-12
    )


@pytest.mark.skipif(not KNOWS_POISSON, reason="scikit-learn has it from 1.7 on")
def test_poisson_goes_both_ways():
    counts = RNG.poisson(np.exp(X[:, 0] / 2)).astype(float)
    ours = make(SimpleMLPRegressor, loss="poisson").fit(X, counts)
    mlp = ours.to_sklearn()
    assert mlp.loss == "poisson"
    assert_same_model(ours, mlp)
    assert_same_model(SimpleMLPRegressor.from_sklearn(mlp), mlp)


# -------------------------------------------------- other losses, the same predictions


CLASS_TARGETS = [n for n, (cls, _) in TARGETS.items() if cls is SimpleMLPClassifier]


@dataclass(frozen=True, repr=False)
class Sharper(Focal):
    """A loss of one's own, with the output activation of scikit-learn."""

    gamma: float = 5.0


@pytest.mark.parametrize(
    "loss",
    [Focal(gamma=0.7), "focal", "squared_error", Brier(targets=(0.1, 0.9)), Sharper()],
)
@pytest.mark.parametrize("target", CLASS_TARGETS)
def test_loss_of_the_same_probabilities_converts(target, loss):
    """What happens in training is none of the prediction's business; it is told."""
    _, y = TARGETS[target]
    with temporarily_registered(CLASS_LOSSES, "sharper", Sharper):
        ours = make(SimpleMLPClassifier, loss=loss).fit(X, y)
        with pytest.warns(UserWarning, match="MLPClassifier does not know loss="):
            mlp = ours.to_sklearn()
        assert_same_model(ours, mlp)
        assert mlp.out_activation_ == ours.out_activation_
        mlp.partial_fit(X, y)


def test_targets_of_several_classes_may_lie_anywhere():
    """The largest probability wins, wherever their middle is."""
    ours = make(SimpleMLPClassifier, loss=Brier(targets=(0.1, 0.5))).fit(X, BANDS)
    with pytest.warns(UserWarning, match="does not know loss=Brier"):
        assert_same_model(ours, ours.to_sklearn())


def _distance(raw, y):
    return ((raw - y) ** 4).sum(axis=1)


def _slope(raw, y):
    return 4.0 * (raw - y) ** 3


@pytest.mark.parametrize(
    "loss",
    [
        *("huber", Huber(delta=0.1), "absolute_error", "log_cosh", "quantile"),
        *(Quantile(0.9), (_distance, _slope)),
    ],
)
@pytest.mark.parametrize("target", ["values", "multioutput"])
def test_loss_of_the_same_values_converts(target, loss):
    _, y = TARGETS[target]
    ours = make(SimpleMLPRegressor, loss=loss).fit(X, y / 10.0)
    with pytest.warns(UserWarning, match="MLPRegressor does not know loss="):
        mlp = ours.to_sklearn()
    assert getattr(mlp, "loss", "squared_error") == "squared_error"
    assert_same_model(ours, mlp)
    mlp.partial_fit(X, y)


@pytest.mark.skipif(not KNOWS_POISSON, reason="scikit-learn has it from 1.7 on")
@pytest.mark.parametrize("loss", ["gamma", SquaredError("exp"), Huber(0.5, "exp")])
def test_loss_behind_an_exponential_converts_as_poisson(loss):
    ours = make(SimpleMLPRegressor, loss=loss).fit(X, np.exp(X[:, :2]))
    with pytest.warns(UserWarning, match="MLPRegressor does not know loss="):
        mlp = ours.to_sklearn()
    assert (mlp.loss, mlp.out_activation_) == ("poisson", "exp")
    assert_same_model(ours, mlp)
    mlp.partial_fit(X, np.exp(X[:, :2]))


def test_warning_names_the_fitted_loss_not_the_parameter_of_now():
    ours = make(SimpleMLPClassifier, loss="focal").fit(X, BANDS)
    ours.set_params(loss="log_loss")
    with pytest.warns(UserWarning, match=r"does not know loss=Focal\(\)\."):
        ours.to_sklearn()


# ----------------------------------------------------- other weights, the same network


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("target", TARGETS)
def test_network_without_biases_gets_zeros(target, solver):
    cls, y = TARGETS[target]
    ours = make(cls, solver=solver, use_bias=False).fit(X, y)
    with pytest.warns(UserWarning, match="does not know use_bias=False"):
        mlp = ours.to_sklearn()
    assert [bias.tolist() for bias in mlp.intercepts_[:-1]] == [[0.0] * 7, [0.0] * 5]
    assert_same_model(ours, mlp)
    assert_same_model(ours, cls.from_sklearn(mlp))
    if solver != "lbfgs":
        mlp.partial_fit(X, y)
        assert mlp.intercepts_[0].any()  # it goes on with biases, as was told


def test_moments_of_weights_without_biases_go_along():
    """The weights take the step that ours would take, the biases a first one."""
    params = {"use_bias": False, "solver": "sgd", "alpha": 0.0}
    ours = make(SimpleMLPRegressor, **params).fit(X, VALUES)
    with pytest.warns(UserWarning, match="use_bias"):
        mlp = ours.to_sklearn()
    mlp.partial_fit(X, VALUES)
    ours.partial_fit(X, VALUES)
    weights = model_of(ours).network.layout.named(ours.theta_, "weight")
    for first, second in zip(mlp.coefs_, weights, strict=True):
        np.testing.assert_allclose(first, second[0], rtol=1e-9)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("params", "words"),
    [
        (
            {"block": Plain(normalization="batch")},
            r"block=Plain\(normalization='batch'",
        ),
        ({"initializer": NTK()}, r"initializer=NTK\(\)"),
        (
            {"block": Plain(normalization="batch"), "use_bias": False, "dropout": 0.2}
            | {"initializer": NTK(), "averaging": "ema"},
            "dropout=0.2, averaging='ema', use_bias=False, .*initializer=NTK",
        ),
    ],
)
def test_fixed_factors_are_folded_into_the_weights(params, words, target):
    """At prediction both are maps of single columns; training begins anew."""
    cls, y = TARGETS[target]
    ours = make(cls, **params).fit(X, y)
    with pytest.warns(UserWarning, match=f"does not know {words}"):
        mlp = ours.to_sklearn()
    assert_same_model(ours, mlp)
    assert mlp.n_layers_ == 4
    assert_same_model(ours, cls.from_sklearn(mlp))
    mlp.partial_fit(X, y)


def test_folded_weights_keep_the_type_of_the_network():
    rows = X.astype(np.float32)
    params = {"block": Plain(normalization="batch"), "initializer": NTK()}
    ours = make(SimpleMLPClassifier, **params).fit(rows, BANDS)
    with pytest.warns(UserWarning, match="block="):
        mlp = ours.to_sklearn()
    assert {array.dtype for array in (*mlp.coefs_, *mlp.intercepts_)} == {rows.dtype}
    np.testing.assert_allclose(outputs(mlp, rows), outputs(ours, rows), atol=1e-5)


def test_activation_does_not_matter_without_hidden_layers():
    params = {"hidden_layer_sizes": (), "activation": "elu"}
    ours = make(SimpleMLPClassifier, **params).fit(X, BANDS)
    mlp = ours.to_sklearn()
    assert mlp.activation == "identity"
    assert_same_model(ours, mlp)
    clone(mlp).fit(X, BANDS)


# --------------------------------------------------------------------- going on


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("target", ["binary", "strings", "multilabel", "multioutput"])
def test_training_goes_on_alike_in_both_forms(target, solver):
    """The optimizer's memory is handed over, in both directions.

    All rows are one batch, so that their order does not matter.
    """
    cls, y = TARGETS[target]
    ours = make(cls, solver=solver).fit(X, y)
    mlp = ours.to_sklearn()
    back = cls.from_sklearn(mlp)
    for _ in range(3):
        for model in (ours, mlp, back):
            model.partial_fit(X, y)
    assert_same_model(ours, mlp, 1e-9)
    assert_same_model(ours, back, 1e-9)
    assert mlp.t_ == ours.t_ == back.t_
    np.testing.assert_allclose(mlp.loss_curve_, ours.loss_curve_, rtol=1e-9)


@pytest.mark.parametrize("schedule", ["adaptive", "invscaling"])
def test_learning_rate_goes_on_alike_in_both_forms(schedule):
    """What plateaus and epochs have made of the learning rate is handed over."""
    params = {"solver": "sgd", "learning_rate": schedule, "momentum": 0.5}
    params |= {"tol": 0.5, "n_iter_no_change": 1, "max_iter": 12}
    mlp = make(MLPRegressor, **params).fit(X, VALUES / VALUES.std())
    ours = SimpleMLPRegressor.from_sklearn(mlp)
    assert ours.learning_rate_ < 0.05
    there = ours.to_sklearn()
    for model in (mlp, ours, there):
        model.partial_fit(X, VALUES / VALUES.std())
    assert_same_model(ours, mlp, 1e-9)
    assert_same_model(there, mlp, 1e-9)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("n_rows", [80, 160])
def test_warm_start_goes_on_in_both_forms(early_stopping, n_rows):
    """Also where 80 rows were too few for ours to hold some out."""
    rows, y = np.tile(X, (2, 1))[:n_rows], np.tile(BANDS, 2)[:n_rows]
    params = {"warm_start": True, "early_stopping": early_stopping}
    ours = make(SimpleMLPClassifier, **params)
    if early_stopping and n_rows == 80:
        with pytest.warns(UserWarning, match="finds no validation set"):
            ours.fit(rows, y)
    else:
        ours.fit(rows, y)
    mlp = ours.to_sklearn().fit(rows, y)
    assert len(mlp.loss_curve_) == 10
    again = SimpleMLPClassifier.from_sklearn(mlp)
    if early_stopping and n_rows == 80:
        with pytest.warns(UserWarning, match="finds no validation set"):
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
        for model in (mlp, ours):
            model.partial_fit(X, VALUES).partial_fit(X, VALUES)
        assert_same_model(ours, mlp, 1e-9)


@pytest.mark.parametrize(("first", "then"), [("adam", "sgd"), ("sgd", "adam")])
def test_memory_of_another_optimizer_is_left_behind(first, then):
    """Who changes the solver after the fit begins with a new optimizer in both."""
    y = VALUES / VALUES.std()
    mlp = make(MLPRegressor, solver=first).fit(X, y)
    mlp.set_params(solver=then, warm_start=True)
    ours = SimpleMLPRegressor.from_sklearn(mlp)
    assert_same_model(ours, mlp)
    assert_same_model(ours.fit(X, y), mlp.fit(X, y), 1e-9)


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
    with pytest.warns(UserWarning, match=f"MLPClassifier does not know {words}"):
        mlp = ours.to_sklearn()
    assert_same_model(ours, mlp)
    mlp.partial_fit(X, BANDS + 3)


# ------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"activation": "elu"}, r"activation=ELU\(\)"),
        ({"activation": ["relu", "tanh"]}, "several activations"),
        ({"block": "residual"}, r"block=Residual\(\)"),
        ({"block": Plain(normalization="layer")}, "normalization='layer'"),
        ({"n_estimators": 2}, r"ensemble of 2 networks \(take one of est"),
        ({"n_estimators": 3, "share_trunk": True}, "an ensemble of 3 networks"),
        ({"activation": LeakyReLU(0.1)}, r"LeakyReLU\(slope=0.1\).*take one of"),
        ({"loss": "hinge"}, r"loss=Hinge\(\) gives no prob.* \(take loss='log_loss'"),
        ({"loss": "perceptron"}, "no probabilities"),
        ({"loss": (_distance, _slope)}, "no probabilities"),
        ({"loss": Brier(output_activation="identity")}, "no probabilities"),
        (
            {"loss": Brier(output_activation="logistic")},
            "output activation 'logistic' .*take 'softmax'",
        ),
    ],
)
def test_network_without_an_equal_is_refused_with_the_reason(params, reason):
    ours = make(SimpleMLPClassifier, **params).fit(X, BANDS)
    with pytest.raises(ValueError, match=f"has no equal MLPClassifier: .*{reason}"):
        ours.to_sklearn()


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (SquaredError("softplus"), "output_activation='softplus'"),
        (SquaredError("logistic"), "output_activation='logistic'"),
        (Huber(output_activation="tanh"), "output_activation='tanh'"),
        (Gaussian(), r"loss=Gaussian\(\) has 2 raw outputs for 1 of the target"),
        (Quantile((0.1, 0.5, 0.9)), r"levels=.* has 3 raw outputs"),
    ],
)
def test_loss_without_an_equal_is_refused_with_the_reason(loss, reason):
    ours = make(SimpleMLPRegressor, loss=loss).fit(X, VALUES)
    with pytest.raises(ValueError, match=f"has no equal MLPRegressor: .*{reason}"):
        ours.to_sklearn()


@pytest.mark.skipif(KNOWS_POISSON, reason="scikit-learn has it from 1.7 on")
@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_exponential_is_refused_before_sklearn_knew_it(loss):
    ours = make(SimpleMLPRegressor, loss=loss).fit(X, np.abs(VALUES))
    with pytest.raises(ValueError, match=r"from 1\.7 on"):
        ours.to_sklearn()


def test_all_reasons_are_named():
    params = {"activation": "elu", "loss": Hinge(), "n_estimators": 2}
    ours = make(SimpleMLPClassifier, **params).fit(X, BANDS)
    with pytest.raises(ValueError, match="ensemble") as error:
        ours.to_sklearn()
    assert "ELU" in str(error.value)
    assert "Hinge" in str(error.value)
    assert "ONNX" in str(error.value)  # what to do


@pytest.mark.parametrize("target", ["binary", "multilabel"])
def test_another_middle_of_yes_and_no_is_refused(target):
    """scikit-learn's class says yes above 0.5."""
    ours = make(SimpleMLPClassifier, loss=Brier(targets=(0.1, 0.5)))
    ours.fit(X, TARGETS[target][1])
    with pytest.raises(ValueError, match=r"says yes above 0\.3 \(take targets"):
        ours.to_sklearn()


def test_single_class_is_refused_in_both_directions():
    y = np.zeros(80, dtype=int)
    with pytest.raises(ValueError, match="a single class"):
        make(SimpleMLPClassifier).fit(X, y).to_sklearn()
    with pytest.raises(ValueError, match="a single class"):
        SimpleMLPClassifier.from_sklearn(make(MLPClassifier).fit(X, y))


@pytest.mark.parametrize(
    ("cls", "y"), [(TabularMLPClassifier, BANDS), (TabularMLPRegressor, VALUES)]
)
def test_tables_are_refused_in_both_directions(cls, y):
    ours = cls(8, max_iter=1, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="encodes tables"):
        ours.to_sklearn()
    mlp = make(cls._sister).fit(X, y)
    with pytest.raises(ValueError, match=r"Use SimpleMLP\w+\.from_sklearn"):
        cls.from_sklearn(mlp)


@pytest.mark.parametrize("cls", SISTERS)
def test_other_objects_are_refused(cls):
    other = make(SISTERS[cls])
    with pytest.raises(NotFittedError):
        cls.from_sklearn(other)
    with pytest.raises(TypeError, match=f"takes a fitted {SISTERS[cls].__name__}"):
        cls.from_sklearn(cls())
    with pytest.raises(NotFittedError):
        cls().to_sklearn()


def test_network_that_was_changed_by_hand_is_refused():
    """A known trick: another output activation after the fit."""
    mlp = make(MLPRegressor).fit(X, VALUES)
    mlp.out_activation_ = "logistic"
    with pytest.raises(ValueError, match="changed by hand"):
        SimpleMLPRegressor.from_sklearn(mlp)
