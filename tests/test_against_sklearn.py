"""Same seed, same numbers: scikit-learn's own classes are the oracle.

float64: coefficients, intercepts, loss curves, iteration counts and predictions equal
scikit-learn's to 1e-8 relative, after 20 epochs or up to 50 iterations of L-BFGS.

Two things bound what can be compared. Sums in another order differ in the last digit,
and L-BFGS on a network that has not converged doubles such a difference every other
iteration: hence a gradient tolerance that lets it converge. And where a line search
probes certain and wrong probabilities, scikit-learn sees a clipped loss.
"""

from itertools import product

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # scikit-learn's own arithmetic, in the runs that it is the oracle of
    pytest.mark.filterwarnings("ignore::RuntimeWarning:sklearn"),
]

WEIGHTS_AND_POISSON = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 7)
needs_1_7 = pytest.mark.skipif(
    not WEIGHTS_AND_POISSON,
    reason="scikit-learn's MLP takes weights and the Poisson loss from 1.7 on",
)

ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
SOLVERS = {
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05, "momentum": 0.0},
    "momentum": {
        "solver": "sgd",
        "learning_rate_init": 0.02,
        "nesterovs_momentum": False,
    },
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.02},
    "adam": {"solver": "adam", "learning_rate_init": 0.005},
    "lbfgs": {"solver": "lbfgs", "max_iter": 50, "tol": 1e-2},
}


def _tasks():
    """Return X, y and whether it is a classification, by name."""
    digits, digit = load_digits(return_X_y=True)
    digits, digit = digits[:300] / 16.0, digit[:300]
    cancer, malignant = load_breast_cancer(return_X_y=True)
    cancer = StandardScaler().fit_transform(cancer)[:250]
    labels = malignant[:250]
    iris = StandardScaler().fit_transform(load_iris().data)
    rng = np.random.RandomState(0)
    several = (iris[:, :3] + rng.normal(size=(150, 3)) > 0.0).astype(int)
    values = iris @ [0.3, -0.2, 0.5, 0.1] + rng.normal(size=150) / 10
    return {
        "binary": (cancer, labels, True),
        "multiclass": (digits, digit, True),
        "multilabel": (iris, several, True),
        "regression": (iris, values, False),
        "regression_2d": (iris, np.column_stack([values, np.sin(iris[:, 0])]), False),
        "poisson": (iris, rng.poisson(np.exp(values)).astype(float), False),
    }


TASKS = _tasks()
_PAIRS = {
    True: (SimpleMLPClassifier, MLPClassifier),
    False: (SimpleMLPRegressor, MLPRegressor),
}


def fitted_pair(task, dtype=np.float64, container=np.asarray, weighted=False, **params):
    """Fit both libraries alike; return ours, theirs and the features."""
    X, y, is_classification = TASKS[task]
    X = container(X.astype(dtype))
    params = {"hidden_layer_sizes": (12, 7), "max_iter": 20, "random_state": 3} | params
    if task == "poisson":
        params["loss"] = "poisson"
        params["max_iter"] = min(params["max_iter"], 20)
    fit = {}
    if weighted:
        fit["sample_weight"] = np.random.RandomState(1).uniform(0.2, 3.0, len(y))
    ours, theirs = (cls(**params).fit(X, y, **fit) for cls in _PAIRS[is_classification])
    return ours, theirs, X


def assert_same(ours, theirs, X, rtol=1e-8):
    """Assert that two fitted networks are the same, to ``rtol`` of each scale."""
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.t_ == theirs.t_
    assert ours.n_layers_ == theirs.n_layers_
    assert ours.n_outputs_ == theirs.n_outputs_
    assert ours.out_activation_ == theirs.out_activation_
    for mine, other in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        assert mine.shape == other.shape
        assert_allclose(mine, other, rtol=rtol, atol=rtol * np.abs(other).max())
    assert_allclose(ours.loss_, theirs.loss_, rtol=rtol)
    for name in (
        "loss_curve_",
        "best_loss_",
        "validation_scores_",
        "best_validation_score_",
    ):
        if hasattr(theirs, name):
            expected = getattr(theirs, name)
            if expected is None:
                assert getattr(ours, name) is None
            else:
                assert_allclose(getattr(ours, name), expected, rtol=rtol)
    assert_same_predictions(ours, theirs, X, rtol)


def assert_same_predictions(ours, theirs, X, rtol):
    """Assert equal predictions: probabilities too, of a classifier."""
    if hasattr(theirs, "classes_"):
        np.testing.assert_array_equal(ours.classes_, theirs.classes_)
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
        assert_allclose(
            ours.predict_proba(X), theirs.predict_proba(X), rtol=rtol, atol=rtol
        )
    else:
        expected = theirs.predict(X)
        assert_allclose(
            ours.predict(X), expected, rtol=rtol, atol=rtol * np.abs(expected).max()
        )


@pytest.mark.parametrize(
    ("task", "solver", "activation"),
    [
        pytest.param(
            *case, marks=needs_1_7 if case[0] == "poisson" else (), id="-".join(case)
        )
        for case in product(TASKS, SOLVERS, ACTIVATIONS)
        # The squared error of several outputs differs on purpose, see below.
        if case[:2] != ("regression_2d", "lbfgs")
    ],
)
def test_solver_and_activation(task, solver, activation):
    """Every solver on every task with every activation."""
    assert_same(*fitted_pair(task, activation=activation, **SOLVERS[solver]))


@needs_1_7
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("task", [t for t in TASKS if t != "regression_2d"])
def test_sample_weight(task, solver):
    """Sample weights count in the loss, the gradient and the penalty."""
    assert_same(*fitted_pair(task, weighted=True, batch_size=40, **SOLVERS[solver]))


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_matrix])
@pytest.mark.parametrize("solver", ["nesterov", "adam", "lbfgs"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
def test_sparse(task, solver, container):
    """Sparse features."""
    assert_same(*fitted_pair(task, container=container, **SOLVERS[solver]))


@pytest.mark.parametrize("solver", ["nesterov", "adam"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
@pytest.mark.parametrize(
    "weighted", [False, pytest.param(True, marks=needs_1_7)], ids=["plain", "weighted"]
)
def test_early_stopping(task, solver, weighted):
    """The split, the scores, the stop and the best weights."""
    ours, theirs, X = fitted_pair(
        task,
        weighted=weighted,
        early_stopping=True,
        validation_fraction=0.2,
        max_iter=60,
        n_iter_no_change=4,
        **SOLVERS[solver],
    )
    assert_same(ours, theirs, X)


@pytest.mark.parametrize(
    "params",
    [
        {"learning_rate": "invscaling", "power_t": 0.3},
        {"learning_rate": "adaptive", "learning_rate_init": 0.3, "max_iter": 120},
        {"learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 2},
        {"batch_size": 1},
        {"batch_size": 37},
        {"batch_size": 37, "shuffle": False},
        {"shuffle": False},
        {"alpha": 0.0},
        {"alpha": 3.0, "batch_size": 50},
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": 5},
        {"hidden_layer_sizes": np.array([5, 4, 3])},
        {"tol": 0.05, "max_iter": 200, "n_iter_no_change": 3},
        {"n_iter_no_change": np.inf, "max_iter": 30},
        {"random_state": 11},
        {"momentum": 1.0, "learning_rate_init": 0.001},
    ],
    ids=str,
)
@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_parameter(task, params):
    """Parameters of stochastic gradient descent, one at a time."""
    assert_same(*fitted_pair(task, **({"solver": "sgd"} | params)))


@pytest.mark.parametrize(
    "params",
    [
        {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
        {"beta_1": 0.0, "beta_2": 0.0},
        {"early_stopping": True, "shuffle": False},
        {"max_iter": 200, "tol": 0.01},
    ],
    ids=str,
)
def test_parameter_of_adam(params):
    """Parameters of Adam, one at a time."""
    assert_same(*fitted_pair("multiclass", **params))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_random_state_instance_and_global_stream(task):
    """A RandomState is advanced as by scikit-learn; None takes NumPy's own."""
    ours, theirs, X = fitted_pair(task, random_state=np.random.RandomState(5))
    X, y, is_classification = TASKS[task]
    mine, other = np.random.RandomState(8), np.random.RandomState(8)
    kinds = zip(_PAIRS[is_classification], (mine, other), strict=True)
    ours, theirs = (
        cls(max_iter=3, random_state=stream).fit(X, y) for cls, stream in kinds
    )
    assert_same(ours, theirs, X)
    assert mine.uniform() == other.uniform()
    pair = []
    for cls in _PAIRS[is_classification]:
        np.random.seed(4)  # noqa: NPY002  (it is this stream that is tested)
        pair.append(cls(max_iter=3).fit(X, y))
    assert_same(*pair, X)


def test_first_partial_fit():
    """The first call of partial_fit; from the second on ours draws a new order."""
    X, y, _ = TASKS["multiclass"]
    ours, theirs = (
        cls(hidden_layer_sizes=(9,), random_state=0).partial_fit(
            X, y, classes=range(10)
        )
        for cls in _PAIRS[True]
    )
    assert_same(ours, theirs, X)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression", "multilabel"])
def test_float32_stays_and_is_close(task, solver):
    """float32 in gives float32 out, within 1e-3 of scikit-learn's."""
    # scikit-learn evaluates L-BFGS in float32, ours in float64 rounded at the end:
    # fewer iterations, before that rounding has grown.
    params = SOLVERS[solver] | ({"max_iter": 15} if solver == "lbfgs" else {})
    ours, theirs, X = fitted_pair(task, dtype=np.float32, **params)
    assert {a.dtype for a in ours.coefs_ + ours.intercepts_} == {np.dtype("float32")}
    assert_allclose(ours.loss_, theirs.loss_, rtol=1e-3, atol=1e-3)
    if "classes_" in vars(theirs):
        assert ours.predict_proba(X).dtype == np.float32
        assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-3)
    else:
        assert ours.predict(X).dtype == np.float32
        assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-3, atol=1e-3)
    for mine, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        assert_allclose(mine, other, atol=1e-3 * np.abs(other).max())


def test_lbfgs_of_several_outputs_descends_one_function():
    """scikit-learn pairs the mean over outputs with the gradient of the sum.

    Ours minimises the sum, as sgd and adam do, and shows the mean: with one output
    twice it finds what it finds for one output alone.
    """
    X, y, _ = TASKS["regression"]
    params = {"solver": "lbfgs", "hidden_layer_sizes": (), "tol": 1e-9}
    single = SimpleMLPRegressor(alpha=1.0, **params).fit(X, y)
    double = SimpleMLPRegressor(alpha=1.0, **params).fit(X, np.column_stack([y, y]))
    # SciPy stops at a relative change of the value of 2e-9.
    assert_allclose(double.predict(X)[:, 0], single.predict(X), atol=2e-4)
    mean_error = ((double.predict(X) - y[:, None]) ** 2).mean() / 2
    penalty = sum((w**2).sum() for w in double.coefs_) / 2 / len(X)
    assert_allclose(double.loss_, mean_error + penalty, rtol=1e-9)


def test_exact_loss_goes_on_where_the_clipped_one_stands_still():
    """Features as they are make predictions certain and wrong: steps are the same.

    Only the loss that decides when training stops is not.
    """
    X, y = load_wine(return_X_y=True)
    params = {"hidden_layer_sizes": (20,), "random_state": 0}
    ours, theirs = (cls(max_iter=100, **params).fit(X, y) for cls in _PAIRS[True])
    assert theirs.n_iter_ < ours.n_iter_
    assert np.ptp(theirs.loss_curve_) < theirs.tol
    assert (np.diff(ours.loss_curve_[: theirs.n_iter_]) < -1.0).all()

    ours = SimpleMLPClassifier(max_iter=theirs.n_iter_, **params).fit(X, y)
    for mine, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        assert_allclose(mine, other, rtol=1e-8, atol=1e-8 * np.abs(other).max())
    assert ours.loss_ > 2 * theirs.loss_


def test_fits_end_with_the_same_warning():
    """A fit that has not converged says so, as scikit-learn's does."""
    X, y, _ = TASKS["binary"]
    for cls in _PAIRS[True]:
        with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
            cls(max_iter=2).fit(X, y)
