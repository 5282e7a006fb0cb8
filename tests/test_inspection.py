"""Looking into fitted networks: gradients with respect to the features."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import NotFittedError

from sknet import SimpleMLPClassifier, SimpleMLPRegressor, TabularMLPRegressor
from sknet.inspection import input_gradients, integrated_gradients
from sknet.network.blocks import BLOCKS, Plain


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def classes():
    """Three classes of four features."""
    return make_classification(
        200, 4, n_informative=4, n_redundant=0, n_classes=3, random_state=0
    )


def fitted(block, X, y):
    """A classifier with dropout, on smooth activations."""
    network = SimpleMLPClassifier(
        (8, 8),
        activation="tanh",
        block=block,
        dropout=0.3,
        tol=1.0,
        n_iter_no_change=3,
        random_state=0,
    )
    return network.fit(X, y)


@pytest.mark.parametrize("block", [*BLOCKS, Plain("batch"), Plain("layer")], ids=str)
def test_input_gradients_equal_differences_of_the_decision(block, classes):
    """As prediction is: no dropout, running statistics, one class against another."""
    X, y = classes
    network, rows, step = fitted(block, X, y), X[:5], 1e-6
    first = input_gradients(network, rows, output=0)

    for output in range(1, 3):
        gradients = input_gradients(network, rows, output=output) - first
        for d in range(4):
            ahead, back = rows.copy(), rows.copy()
            ahead[:, d] += step
            back[:, d] -= step
            difference = network.decision_function(ahead)[:, [0, output]]
            difference = difference - network.decision_function(back)[:, [0, output]]
            slope = np.diff(difference, axis=1)[:, 0] / (2 * step)
            assert_allclose(gradients[:, d], slope, atol=1e-7)


def test_input_gradients_of_all_outputs_are_their_sum(classes):
    """Without an output the gradients of all are added."""
    X, y = classes
    network = fitted("plain", X, y)

    total = sum(input_gradients(network, X, output=c) for c in range(3))

    assert_allclose(input_gradients(network, X), total, atol=1e-12)


def test_input_gradients_leave_the_estimator_alone(classes):
    """Parameters, running statistics among them, stay what they were."""
    X, y = classes
    network = fitted("residual", X, y)
    before = network.theta_.copy()

    input_gradients(network, X)

    np.testing.assert_array_equal(network.theta_, before)


def test_input_gradients_keep_float32():
    """The type is that of the parameters."""
    X, y = make_regression(100, 3, random_state=0)
    network = SimpleMLPRegressor(dtype="float32", tol=1e9, n_iter_no_change=1)
    assert input_gradients(network.fit(X, y), X).dtype == np.float32


@pytest.mark.parametrize("output", [-1, 3])
def test_output_that_is_not_there_is_refused(output, classes):
    """The message says which outputs there are."""
    X, y = classes
    network = fitted("plain", X, y)
    with pytest.raises(ValueError, match=f"from 0 to 2, got {output}"):
        input_gradients(network, X, output=output)


def test_bad_calls_are_refused(classes):
    """Unfitted, sparse, another width, a baseline of another width, no steps."""
    X, y = classes
    with pytest.raises(NotFittedError):
        input_gradients(SimpleMLPClassifier(), X)
    network = fitted("plain", X, y)
    with pytest.raises(ValueError, match="toarray"):
        input_gradients(network, sparse.csr_array(X))
    with pytest.raises(ValueError, match="expecting 4 features"):
        input_gradients(network, X[:, :3])
    with pytest.raises(ValueError, match="baseline must have shape"):
        integrated_gradients(network, X, baseline=[0.0])
    with pytest.raises(ValueError, match="n_steps must be an integer >= 1"):
        integrated_gradients(network, X, n_steps=0)


@pytest.mark.parametrize("function", [input_gradients, integrated_gradients])
def test_tables_are_refused(function):
    """What is encoded has no gradient by what it was."""
    X = np.random.default_rng(0).normal(size=(60, 2))
    model = TabularMLPRegressor((4,), n_estimators=1, max_iter=2).fit(X, X[:, 0])
    with pytest.raises(TypeError, match="permutation_importance"):
        function(model, X)
