"""Clipping of gradients and decay of weights in the steps of a training."""

import numpy as np
import pytest
from counted_steps import STANDING_STILL, X, Y, classifier, start_of
from numpy.testing import assert_allclose, assert_array_equal

from sknet._operations import clip_by_norm
from sknet.optimizers import SGD, Adam, AdamW


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_clipping_bounds_the_first_step():
    """Its norm is the rate times ``clip_norm``; its direction stays."""
    params = {"solver": SGD(momentum=0.0), "hidden_layer_sizes": (5,)}
    params |= {"batch_size": 90, "max_iter": 1, "learning_rate_init": 0.5}
    start = start_of(classifier, **params)
    free = classifier(**params).fit(X, Y).theta_ - start
    clipped = classifier(clip_norm=1e-2, **params).fit(X, Y).theta_ - start
    assert_allclose(np.linalg.norm(clipped), 0.5 * 1e-2, rtol=1e-12)
    cosine = (free * clipped).sum() / np.linalg.norm(free) / np.linalg.norm(clipped)
    assert_allclose(cosine, 1.0, rtol=1e-12)


def test_short_gradients_are_not_clipped():
    """A large bound changes nothing, bit for bit."""
    clipped = classifier(clip_norm=1e6).fit(X, Y)
    assert_array_equal(clipped.theta_, classifier().fit(X, Y).theta_)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_clipping_takes_gradients_whose_squares_overflow():
    """That is what it is there for; the other members are clipped as before."""
    grad = np.full((2, 4), 1e25, dtype=np.float32)
    grad[1] = 3.0
    alone = grad[1:].copy()
    clip_by_norm(grad, 1.0)
    clip_by_norm(alone, 1.0)
    assert_allclose(grad, 0.5, rtol=1e-6)
    assert_array_equal(grad[1:], alone)
    assert grad.dtype == np.float32


def decay_of(n_rows):
    """Return the start, and what weight decay changed in one step on some rows."""
    params = {"alpha": 0.0, "batch_size": n_rows, "max_iter": 1}
    params |= {"learning_rate_init": 0.1, "shuffle": False}
    decayed = classifier(solver=AdamW(weight_decay=0.3), **params)
    plain = classifier(solver=Adam(), **params)
    decayed.fit(X[:n_rows], Y[:n_rows])
    plain.fit(X[:n_rows], Y[:n_rows])
    return decayed, plain


@pytest.mark.parametrize("n_rows", [10, 90])
def test_weight_decay_shrinks_weights_by_its_formula(n_rows):
    """W (1 - rate decay) before Adam's step; biases are free; any batch size."""
    decayed, plain = decay_of(n_rows)
    start = classifier(alpha=0.0, **STANDING_STILL).fit(X, Y)
    for W, without, first in zip(
        decayed.coefs_, plain.coefs_, start.coefs_, strict=True
    ):
        assert_allclose(W, without - 0.1 * 0.3 * first, rtol=1e-12, atol=1e-15)
    for b, without in zip(decayed.intercepts_, plain.intercepts_, strict=True):
        assert_array_equal(b, without)
