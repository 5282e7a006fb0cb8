"""Conversion: scikit-learn's own class and ours are one network in two forms."""

import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from both_forms import (
    BANDS,
    KNOWS_POISSON,
    RNG,
    SISTERS,
    TARGETS,
    VALUES,
    X,
    assert_same_model,
    distance,
    make,
    outputs,
    slope,
)
from scipy import sparse
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.initializers import NTK
from sknet.losses import CLASS_LOSSES, Brier, Focal, Huber, Quantile, SquaredError
from sknet.network.blocks import Plain
from sknet.testing import temporarily_registered


pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:lbfgs failed to converge"),
]
SOLVERS = ("adam", "sgd", "lbfgs")


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
    """All that ``fit`` leaves, but the optimizer, which further training creates."""
    cls, y = TARGETS["binary"]
    params = {"solver": solver, "early_stopping": early_stopping}
    X_long, y_long = np.tile(X, (2, 1)), np.tile(y, 2)
    ours = make(cls, **params).fit(X_long, y_long)
    mlp = make(MLPClassifier, **params).fit(X_long, y_long)
    # L-BFGS writes the offsets first of all.
    created = {"_optimizer", "_coef_indptr", "_intercept_indptr"}
    assert attributes(mlp) - attributes(ours.to_sklearn()) <= created
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
        with pytest.warns(UserWarning, match="MLPClassifier does not support loss="):
            mlp = ours.to_sklearn()
        assert_same_model(ours, mlp)
        assert mlp.out_activation_ == ours.out_activation_
        mlp.partial_fit(X, y)


def test_targets_of_several_classes_may_lie_anywhere():
    """The largest probability wins, wherever their middle is."""
    ours = make(SimpleMLPClassifier, loss=Brier(targets=(0.1, 0.5))).fit(X, BANDS)
    with pytest.warns(UserWarning, match="does not support loss=Brier"):
        assert_same_model(ours, ours.to_sklearn())


@pytest.mark.parametrize(
    "loss",
    [
        *("huber", Huber(delta=0.1), "absolute_error", "log_cosh", "quantile"),
        *(Quantile(0.9), (distance, slope)),
    ],
)
@pytest.mark.parametrize("target", ["values", "multioutput"])
def test_loss_of_the_same_values_converts(target, loss):
    _, y = TARGETS[target]
    ours = make(SimpleMLPRegressor, loss=loss).fit(X, y / 10.0)
    with pytest.warns(UserWarning, match="MLPRegressor does not support loss="):
        mlp = ours.to_sklearn()
    assert getattr(mlp, "loss", "squared_error") == "squared_error"
    assert_same_model(ours, mlp)
    mlp.partial_fit(X, y)


@pytest.mark.skipif(not KNOWS_POISSON, reason="scikit-learn has it from 1.7 on")
@pytest.mark.parametrize("loss", ["gamma", SquaredError("exp"), Huber(0.5, "exp")])
def test_loss_behind_an_exponential_converts_as_poisson(loss):
    ours = make(SimpleMLPRegressor, loss=loss).fit(X, np.exp(X[:, :2]))
    with pytest.warns(UserWarning, match="MLPRegressor does not support loss="):
        mlp = ours.to_sklearn()
    assert (mlp.loss, mlp.out_activation_) == ("poisson", "exp")
    assert_same_model(ours, mlp)
    mlp.partial_fit(X, np.exp(X[:, :2]))


def test_warning_names_the_fitted_loss_not_the_parameter_of_now():
    ours = make(SimpleMLPClassifier, loss="focal").fit(X, BANDS)
    ours.set_params(loss="log_loss")
    with pytest.warns(UserWarning, match=r"does not support loss=Focal\(\)\."):
        ours.to_sklearn()


# ----------------------------------------------------- other weights, the same network


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("target", TARGETS)
def test_network_without_biases_gets_zeros(target, solver):
    cls, y = TARGETS[target]
    ours = make(cls, solver=solver, use_bias=False).fit(X, y)
    with pytest.warns(UserWarning, match="does not support use_bias=False"):
        mlp = ours.to_sklearn()
    assert [bias.tolist() for bias in mlp.intercepts_[:-1]] == [[0.0] * 7, [0.0] * 5]
    assert_same_model(ours, mlp)
    assert_same_model(ours, cls.from_sklearn(mlp))
    if solver != "lbfgs":
        mlp.partial_fit(X, y)
        assert mlp.intercepts_[0].any()  # it goes on with biases, as was told


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
    with pytest.warns(UserWarning, match=f"does not support {words}"):
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
