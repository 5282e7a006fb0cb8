"""Initial weights that are given: where a training starts."""

import numpy as np
import pytest
from counted_steps import STANDING_STILL, X, Y, classifier
from numpy.testing import assert_array_equal


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)


def test_given_weights_are_where_training_starts():
    """Biases that are not given are zero."""
    weights = [rng.normal(size=shape) for shape in ((4, 6), (6, 4), (4, 1))]
    model = classifier(initializer=weights, **STANDING_STILL).fit(X, Y)
    for coefs, weight in zip(model.coefs_, weights, strict=True):
        assert_array_equal(coefs, weight)
    assert max(np.abs(b).max() for b in model.intercepts_) <= 1e-299


def test_given_pairs_are_where_training_starts():
    """Weights and biases, here those of another network."""
    other = classifier().fit(X, Y)
    pairs = list(zip(other.coefs_, other.intercepts_, strict=True))
    model = classifier(initializer=pairs, **STANDING_STILL).fit(X, Y)
    assert_array_equal(model.theta_, other.theta_)


def test_given_weights_leave_the_order_of_the_rows_alone():
    """The stream is drawn from all the same: given its own start, a fit is the same."""
    start = classifier(**STANDING_STILL).fit(X, Y)
    pairs = tuple(zip(start.coefs_, start.intercepts_, strict=True))
    again = classifier(initializer=pairs).fit(X, Y)
    assert_array_equal(again.theta_, classifier().fit(X, Y).theta_)


def shaped(*shapes):
    """Return arrays of zeros."""
    return [np.zeros(shape) for shape in shapes]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (shaped((4, 6)), r"holds 1 arrays, but the network has 3 .*\(4, 6\), \(6, 4\)"),
        (
            shaped((4, 6), (4, 6), (4, 1)),
            r"initializer\[1\] must have .* \(6, 4\), got",
        ),
        (
            [*shaped((4, 6), (6, 4)), (np.zeros((4, 1)), np.zeros(2))],
            r"\[2\]\[1\] must",
        ),
        ([*shaped((4, 6), (6, 4)), np.full((4, 1), np.nan)], r"\[2\] must hold finite"),
    ],
)
def test_given_weights_of_another_shape_are_refused(given, words):
    """Which array, the shape it must have, and the one it has."""
    with pytest.raises(ValueError, match=words):
        classifier(initializer=given).fit(X, Y)
