"""The gradient check of whole estimators: what agrees passes, what is wrong is told."""

import re
from dataclasses import dataclass, replace

import numpy as np
import pytest
from broken import Hyperbola, WrongDerivative
from every_component import components
from scipy.sparse import csr_matrix

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.activations import ACTIVATIONS, Activation, Tanh
from sknet.initializers import Constant
from sknet.losses import LogLoss
from sknet.network import layers
from sknet.network.blocks import BLOCKS
from sknet.testing import (
    ArrayCheck,
    GradientReport,
    Worst,
    check_activation,
    check_gradient,
    temporarily_registered,
)
from sknet.testing.slopes import Surface, slopes_along


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("activation", ["tanh", "logistic", "identity"])
@pytest.mark.parametrize(
    "cls", [SimpleMLPClassifier, SimpleMLPRegressor], ids=["classes", "values"]
)
def test_textbook_network_agrees_to_seven_digits(cls, activation, n_members):
    """Smooth activations, with the penalty: 1e-7 relative, and none left out."""
    estimator = cls(hidden_layer_sizes=(5, 4), activation=activation, alpha=0.5)
    report = check_gradient(estimator, rtol=1e-7, n_members=n_members)
    assert report.passed
    assert report.n_left_out == 0
    n_parameters = sum(np.prod(array.shape) for array in report.arrays[:-1])
    assert report.n_checked == n_members * (n_parameters + 3)


@pytest.mark.parametrize("block", components(BLOCKS), ids=repr)
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_every_block_passes(block, dropout):
    """Batch normalisation as in training, and the same noise in each evaluation."""
    estimator = SimpleMLPClassifier((6, 5), "tanh", block=block, dropout=dropout)
    assert check_gradient(estimator).passed


def test_large_network_is_sampled():
    """Of many parameters some are compared, but of each array at least eight."""
    report = check_gradient(SimpleMLPRegressor(hidden_layer_sizes=(60, 60)))
    counts = [array.n_checked for array in report.arrays[:-1]]
    assert sum(counts) < 300
    assert min(counts[:-1]) >= 8


@pytest.mark.parametrize("random_state", range(3))
def test_rectifiers_pass_nearly_without_gaps(random_state):
    """Steps that straddle a kink are made smaller, rather than called wrong."""
    estimator = SimpleMLPClassifier((20, 20), "relu")
    report = check_gradient(estimator, random_state=random_state)
    assert report.n_left_out <= 2


def test_fitted_estimator_is_checked_where_it_stands(multiclass_problem):
    """At its parameters, in float64, without a change of it."""
    X, y = (array[:40] for array in multiclass_problem)
    fitted = SimpleMLPClassifier((4,), "tanh", solver="lbfgs", tol=0.1, random_state=0)
    fitted.fit(X.astype(np.float32), y)
    theta, before = fitted.theta_.copy(), set(vars(fitted))
    reports = [check_gradient(fitted, X, y, random_state=s) for s in (0, 1)]
    assert reports[0].arrays[0].error == reports[1].arrays[0].error
    np.testing.assert_array_equal(fitted.theta_, theta)
    assert set(vars(fitted)) == before


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "multioutput"])
def test_data_are_made_up_for_a_fitted_estimator(kind, request):
    """Without X and y, rows like those of the fit are drawn."""
    X, y = request.getfixturevalue(f"{kind}_problem")
    cls = SimpleMLPRegressor if kind == "multioutput" else SimpleMLPClassifier
    estimator = cls(hidden_layer_sizes=(3,), activation="tanh", alpha=0.1)
    estimator.set_params(solver="lbfgs", tol=1.0).fit(X, y)
    assert check_gradient(estimator).passed


def test_weights_count(regression_problem):
    """Sample weights enter the objective, and so its gradient."""
    X, y = (array[:10] for array in regression_problem)
    estimator = SimpleMLPRegressor(hidden_layer_sizes=(3,), activation="tanh")
    weight = np.linspace(0.0, 2.0, 10)
    weighted = check_gradient(estimator, X, y, sample_weight=weight)
    plain = check_gradient(estimator, X, y)
    assert weighted.worst.analytic != plain.worst.analytic


def test_sparse_rows_give_the_same_report():
    """A sparse X stays sparse up to the first dense layer; the slopes are the same."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(10, 3)), rng.normal(size=10)
    estimator = SimpleMLPRegressor(hidden_layer_sizes=(3,), activation="tanh")
    dense, rare = (check_gradient(estimator, x, y) for x in (X, csr_matrix(X)))
    assert [a.n_checked for a in dense.arrays] == [a.n_checked for a in rare.arrays]


class BrokenDense(layers.Dense):
    """A dense layer that gets one weight of the gradient wrong."""

    def backward(self, p, grad, dy, cache):
        dx = super().backward(p, grad, dy, cache)
        if grad.weight.shape[1:] == (4, 4):
            grad.weight[:, 3, 1] *= 1.01
        return dx


@dataclass(frozen=True, repr=False)
class BrokenBlock(BLOCKS["plain"]):
    """The classic hidden layer of a broken dense layer."""

    def hidden(self, shape, width, style):
        return (BrokenDense(width), style.activate())


@pytest.mark.parametrize(("n_members", "which"), [(1, ""), (2, r" of member \d")])
def test_report_names_the_broken_parameter(n_members, which):
    """Path and indices of the worst slope, both numbers, and a table of all arrays."""
    estimator = SimpleMLPClassifier((4, 4), "tanh", block="broken")
    with (
        temporarily_registered(BLOCKS, "broken", BrokenBlock),
        pytest.raises(AssertionError) as caught,
    ):
        check_gradient(estimator, n_members=n_members)
    text = str(caught.value)
    assert re.search(rf"FAILED: the gradient at 2.weight\[3, 1\]{which} is", text)
    assert re.search(rf"worst: 2.weight\[3, 1\]{which}: gradient", text)
    assert "BrokenDense" in text
    assert all(name in text for name in ("0.weight", "0.bias", "4.bias"))


@dataclass(frozen=True, repr=False)
class Step(Activation):
    """A step whose gradient is that of the identity."""

    surrogate = True

    def forward(self, z, out, scratch):
        np.greater(z, 0.0, out=out)

    def backward(self, z, a, da, scratch):
        pass


def test_surrogate_gradient_is_said_plainly():
    """Differences of a step are zero: only what stands behind it is compared."""
    with temporarily_registered(ACTIVATIONS, "step", Step):
        report = check_gradient(SimpleMLPClassifier((4, 4), "step"))
        check_activation(ACTIVATIONS.make("step"))
    assert report.surrogate
    assert report.passed
    assert "surrogate gradient" in str(report)
    assert [array.n_checked for array in report.arrays] == [0, 0, 0, 0, 12, 3, 3]


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (GradientReport("it", 1e-6, (), None), "nothing to compare"),
        (
            GradientReport("it", 1e-6, (ArrayCheck("w", "", (9,), 0.0, 5, 4),), None),
            "4 of 9 differences straddle a kink",
        ),
        (
            GradientReport(
                "it",
                1e-6,
                (ArrayCheck("w", "", (9,), np.inf, 9, 0),),
                Worst("w[0]", np.nan, 1.0, np.inf),
            ),
            "the gradient at w[0] is",
        ),
    ],
    ids=["empty", "kinks", "nan"],
)
def test_report_that_shows_too_little_fails(report, words):
    """Nothing compared, too much left out, or a NaN: none of them passes."""
    assert not report.passed
    assert words in str(report)


@pytest.mark.parametrize(
    ("value", "slope", "right", "left_out"),
    [
        (np.abs, 0.5, False, True),
        (np.abs, 1.0, False, True),
        (np.abs, 2.0, False, False),
        (lambda z: np.abs(z - 1.5e-3), -1.0, True, False),
        (lambda z: np.abs(z - 1.5e-3), 1.0, False, False),
        (lambda z: z * np.abs(z), 1e-4, False, False),
        (lambda z: np.exp(3.0 * z), 3.0, True, False),
        (lambda z: np.exp(3.0 * z), 3.0001, False, False),
        (lambda z: np.sin(200.0 * z), 200.0, True, False),
        (lambda z: 0.0 * z, 1e-9, False, False),
        (np.cos, np.nan, False, False),
    ],
    ids=[
        *("kink", "kink-edge", "kink-wrong", "near-kink", "near-kink-wrong"),
        *("bend-wrong", "smooth", "smooth-wrong", "sharp", "flat-wrong", "nan"),
    ],
)
def test_only_kinks_are_left_out(value, slope, right, left_out):
    """At zero, a slope is right, wrong, or between two that differ."""
    surface = Surface(
        lambda vectors: value(vectors)[:, 0], np.zeros((1, 1)), np.array([[slope]])
    )
    found = slopes_along(surface, np.ones(1), 1e-6)
    assert (found.error[0] <= 1e-6) == right
    assert found.left_out[0] == left_out
    strict = replace(surface, may_kink=False)
    assert not slopes_along(strict, np.ones(1), 1e-6).left_out[0]


def test_components_get_the_check_of_their_family():
    """An activation, a layer or a loss is handed on."""
    assert check_gradient(Tanh()) is None
    assert check_gradient(layers.Dense(2)) is None
    assert check_gradient(LogLoss()) is None
    with pytest.raises(AssertionError, match="WrongDerivative"):
        check_gradient(WrongDerivative())


def test_other_objects_are_refused():
    """The message says what is taken."""
    with pytest.raises(TypeError, match="takes an estimator of sknet"):
        check_gradient(Constant(0.0))


def test_half_of_the_data_is_refused():
    """X without y says nothing."""
    with pytest.raises(ValueError, match="X and y must be given together"):
        check_gradient(SimpleMLPRegressor(), np.zeros((3, 2)))


def test_data_of_another_network_are_refused(regression_problem):
    """A fitted network takes data like those it was fitted to."""
    X, y = regression_problem
    fitted = SimpleMLPRegressor(hidden_layer_sizes=(2,), solver="lbfgs", tol=1.0)
    fitted.fit(X, y)
    with pytest.raises(ValueError, match="The fitted network has 15 parameters"):
        check_gradient(fitted, X[:, :2], y)


def fail_while_registered(name):
    """Register an activation, look at it, and raise."""
    with temporarily_registered(ACTIVATIONS, name, Hyperbola):
        assert ACTIVATIONS.make(name).name == name
        raise RuntimeError("inside")


def test_temporary_registration_ends_after_an_error():
    """Nothing of it is left behind."""
    names = set(ACTIVATIONS)
    with pytest.raises(RuntimeError, match="inside"):
        fail_while_registered("parabola")
    assert set(ACTIVATIONS) == names
    assert Hyperbola.name == ""
