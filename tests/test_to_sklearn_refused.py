"""Networks that have no equal in scikit-learn are refused with the reason."""

import numpy as np
import pytest
from both_forms import (
    BANDS,
    KNOWS_POISSON,
    SISTERS,
    TARGETS,
    VALUES,
    X,
    distance,
    make,
    slope,
)
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.activations import LeakyReLU
from sknet.losses import Brier, Gaussian, Hinge, Huber, Quantile, SquaredError
from sknet.network.blocks import Plain


pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:lbfgs failed to converge"),
]


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"activation": "elu"}, r"activation=ELU\(\)"),
        ({"activation": ["relu", "tanh"]}, "several activations"),
        ({"block": "residual"}, r"block=Residual\(\)"),
        ({"block": Plain(normalization="layer")}, "normalization='layer'"),
        ({"n_estimators": 2}, r"ensemble of 2 networks \(use one of est"),
        ({"n_estimators": 3, "shared_backbone": True}, "an ensemble of 3 networks"),
        ({"activation": LeakyReLU(0.1)}, r"LeakyReLU\(slope=0.1\).*use one of"),
        ({"loss": "hinge"}, r"loss=Hinge\(\) gives no prob.* \(use loss='log_loss'"),
        ({"loss": "perceptron"}, "no probabilities"),
        ({"loss": (distance, slope)}, "no probabilities"),
        ({"loss": Brier(output_activation="identity")}, "no probabilities"),
        (
            {"loss": Brier(output_activation="logistic")},
            "output activation 'logistic' .*use 'softmax'",
        ),
    ],
)
def test_network_without_an_equal_is_refused_with_the_reason(params, reason):
    ours = make(SimpleMLPClassifier, **params).fit(X, BANDS)
    with pytest.raises(
        ValueError, match=f"cannot be converted to MLPClassifier: .*{reason}"
    ):
        ours.to_sklearn()


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (SquaredError("softplus"), "output_activation='softplus'"),
        (SquaredError("logistic"), "output_activation='logistic'"),
        (Huber(output_activation="tanh"), "output_activation='tanh'"),
        (Gaussian(), r"loss=Gaussian\(\) has 2 raw outputs for 1 target columns"),
        (Quantile((0.1, 0.5, 0.9)), r"levels=.* has 3 raw outputs"),
    ],
)
def test_loss_without_an_equal_is_refused_with_the_reason(loss, reason):
    ours = make(SimpleMLPRegressor, loss=loss).fit(X, VALUES)
    with pytest.raises(
        ValueError, match=f"cannot be converted to MLPRegressor: .*{reason}"
    ):
        ours.to_sklearn()


@pytest.mark.skipif(KNOWS_POISSON, reason="scikit-learn has it from 1.7 on")
@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_exponential_is_refused_before_sklearn_knew_it(loss):
    ours = make(SimpleMLPRegressor, loss=loss).fit(X, np.abs(VALUES))
    with pytest.raises(ValueError, match=r"requires scikit-learn 1\.7"):
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
    with pytest.raises(ValueError, match=r"threshold 0\.3 \(use targets"):
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
    mlp = make(cls._counterpart).fit(X, y)
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
