"""Noise that rows share: where all rows are one small batch, dropout counts no rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet._numerics import Array
from sknet.network.layers import Training
from sknet.network.layers.dropout import Dropout
from sknet.network.layout import Declaration
from sknet.network.workspace import Workspace


RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 3))
VALUE = X @ [1.0, -2.0, 0.5] + 0.1 * RNG.normal(size=16)
LABEL = (VALUE > 0).astype(int)
TIMES = RNG.integers(0, 4, size=16)

PARAMS = {
    "hidden_layer_sizes": (8, 6),
    "dropout": (0.5, 0.3),
    "max_iter": 12,
    "random_state": 0,
}
ESTIMATORS = [
    (SimpleMLPClassifier, LABEL),
    (SimpleMLPRegressor, VALUE),
    (TabularMLPClassifier, LABEL),
    (TabularMLPRegressor, VALUE),
]

# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def outputs(model, X):
    """Probabilities, or values."""
    name = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    return getattr(model, name)(X)


def mask_of(n_rows, training, n_columns=5, n_members=2) -> Array:
    """The mask that a layer draws."""
    layer, declaration = Dropout(0.5), Declaration()
    layer.build(declaration, (n_columns,))
    workspace = Workspace(declaration, n_members, np.dtype(float), True)
    cache = workspace.cache(n_rows)
    x = np.ones((n_members, n_rows, n_columns))
    return layer.forward(None, x, cache, training).copy()


def streams():
    return [np.random.default_rng(seed) for seed in (1, 2)]


def test_rows_share_noise_if_the_training_says_so():
    """One mask for all rows of a member, the same for any number of rows."""
    few = mask_of(3, Training(streams(), 1.0, shares_noise=True))
    many = mask_of(30, Training(streams(), 1.0, shares_noise=True))

    assert_array_equal(many, np.repeat(few[:, :1], 30, axis=1))
    assert not np.array_equal(few[0], few[1])
    assert len(np.unique(mask_of(30, Training(streams(), 1.0))[0], axis=0)) > 1


def test_submodels_of_a_backbone_have_noise_of_their_own():
    """Rows are copies of a batch there; each copy has one mask."""
    training = Training(streams(), 1.0, shares_noise=True)
    training.spread(3, np.empty((2, 3, 4, 1)))
    masks = mask_of(12, training, 40).reshape(2, 3, 4, 40)

    assert_array_equal(masks, np.repeat(masks[:, :, :1], 4, axis=2))
    assert len(np.unique(masks[:, :, 0].reshape(6, 40), axis=0)) == 6

    training.join()
    assert training.n_copies == 1


@pytest.mark.parametrize(("estimator", "y"), ESTIMATORS)
@pytest.mark.parametrize("more", [{}, {"n_estimators": 3}], ids=["one", "three"])
def test_weights_are_repetitions_with_dropout(estimator, y, more):
    """A row of weight two is two rows, one of weight zero is none."""
    params = PARAMS | more
    weighted = estimator(**params).fit(X, y, sample_weight=TIMES)
    repeated = estimator(**params).fit(np.repeat(X, TIMES, 0), np.repeat(y, TIMES))

    assert_allclose(outputs(weighted, X), outputs(repeated, X), rtol=1e-9)


@pytest.mark.parametrize(("estimator", "y"), ESTIMATORS)
def test_dropout_drops_something_on_a_few_rows(estimator, y):
    """The parameter is not ignored there."""
    dropped = estimator(**PARAMS).fit(X, y)
    kept = estimator(**PARAMS | {"dropout": 0.0}).fit(X, y)

    assert not np.allclose(outputs(dropped, X), outputs(kept, X))


@pytest.mark.parametrize(("estimator", "y"), ESTIMATORS[:2])
def test_order_of_a_few_rows_does_not_matter(estimator, y):
    """Rows in reverse give the same network, to rounding."""
    forth = estimator(**PARAMS).fit(X, y)
    back = estimator(**PARAMS).fit(X[::-1], y[::-1])

    assert_allclose(outputs(forth, X), outputs(back, X), rtol=1e-9)


def test_training_that_goes_on_with_shared_noise_is_bit_exact():
    """5 + 7 epochs are 12."""
    whole = SimpleMLPRegressor(**PARAMS).fit(X, VALUE)
    parts = SimpleMLPRegressor(**PARAMS, warm_start=True)
    parts.set_params(max_iter=5).fit(X, VALUE).set_params(max_iter=7).fit(X, VALUE)

    assert_array_equal(parts.theta_, whole.theta_)


def test_members_with_shared_noise_are_each_alone():
    """Each network of an ensemble is what one with its seed is, bit for bit."""
    ensemble = SimpleMLPClassifier(**PARAMS, n_estimators=3).fit(X, LABEL)
    for theta, seed in zip(ensemble.theta_, ensemble.member_seeds_, strict=True):
        alone = SimpleMLPClassifier(**PARAMS | {"random_state": int(seed)})
        assert_array_equal(alone.fit(X, LABEL).theta_[0], theta)
    assert len(np.unique(ensemble.theta_, axis=0)) == 3


@pytest.mark.parametrize("case", ["partial_fit", "many rows", "small batches"])
def test_rows_have_noise_of_their_own_otherwise(case):
    """In calls of ``partial_fit``, with more rows, and in batches that are parts."""
    x, y = (
        (np.tile(X, (3, 1)), np.tile(VALUE, 3)) if case == "many rows" else (X, VALUE)
    )
    n_batches = 2 if case == "small batches" else 1

    def trained(times, weight):
        rows = np.repeat(np.arange(len(x)), times)
        model = SimpleMLPRegressor(**PARAMS | {"max_iter": 2}, shuffle=False)
        model.set_params(batch_size=len(rows) // n_batches)
        fit = model.partial_fit if case == "partial_fit" else model.fit
        return fit(x[rows], y[rows], sample_weight=weight).predict(X)

    weighted, repeated = trained(1, np.full(len(x), 2.0)), trained(2, None)
    assert not np.allclose(weighted, repeated, rtol=1e-6)


def test_case_of_noise_a_row_is_about_noise():
    """Without dropout, batches of repeated rows train what weights train."""
    x = np.repeat(X, 2, axis=0)
    params = PARAMS | {"dropout": 0.0, "max_iter": 2, "shuffle": False}
    repeated = SimpleMLPRegressor(**params, batch_size=16).fit(x, np.repeat(VALUE, 2))
    weighted = SimpleMLPRegressor(**params, batch_size=8)
    weighted.fit(X, VALUE, sample_weight=np.full(16, 2.0))

    assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-9)
