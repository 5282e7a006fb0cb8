"""What an ensemble predicts: the mean of its networks, and how far they differ."""

import numpy as np
import pytest
from irises import LENGTH, NET, SPECIES, X, alone
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.losses import Gaussian, Quantile
from sknet.network.network import Network
from sknet.training import inference


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_classifier_predicts_by_the_mean_probability():
    """All ways to predict tell the same."""
    model = SimpleMLPClassifier(**NET, n_estimators=5).fit(X, SPECIES)
    members = model.predict_proba_members(X)
    assert members.shape == (5, 150, 3)
    mean = members.mean(axis=0)
    assert_allclose(model.predict_proba(X), mean, rtol=1e-14)
    assert_array_equal(model.predict(X), mean.argmax(axis=1))
    assert_allclose(model.predict_log_proba(X), np.log(mean), rtol=1e-10, atol=1e-14)
    raw = model.decision_function(X)
    assert_array_equal(raw.argmax(axis=1), model.predict(X))
    assert_allclose(np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True), mean)
    assert model.predict_members(X).shape == (5, 150)
    assert model.score(X, SPECIES) == np.mean(model.predict(X) == SPECIES)


@pytest.mark.parametrize("several", [False, True], ids=["binary", "multilabel"])
def test_mean_of_yes_and_no(several):
    """Two classes, and several labels at once."""
    y = np.stack([SPECIES == 1, SPECIES == 2], axis=1).astype(int)
    model = SimpleMLPClassifier(**NET, n_estimators=4).fit(X, y if several else y[:, 0])
    mean = model.predict_proba_members(X).mean(axis=0)
    assert_allclose(model.predict_proba(X), mean, rtol=1e-14)
    raw = model.decision_function(X)
    assert_allclose(1.0 / (1.0 + np.exp(-raw)), mean if several else mean[:, 1])
    assert_array_equal(raw > 0.0, model.predict(X) == 1)


def test_margins_are_averaged_where_there_are_no_probabilities():
    """The hinge loss."""
    model = SimpleMLPClassifier(**NET, loss="hinge", n_estimators=3).fit(X, SPECIES)
    assert_array_equal(model.decision_function(X).argmax(axis=1), model.predict(X))


def test_regressor_predicts_the_mean_and_the_spread():
    """Mean and standard deviation of the networks' predictions."""
    model = SimpleMLPRegressor(**NET, n_estimators=5).fit(X, LENGTH)
    members = model.predict_members(X)
    mean, std = model.predict(X, return_std=True)
    assert_array_equal(mean, model.predict(X))
    assert_allclose(mean, members.mean(axis=0), rtol=1e-13)
    assert_allclose(std, members.std(axis=0), rtol=1e-12)


def test_spread_of_gaussian_networks_adds_what_each_says():
    """Of a mixture: the mean of the variances plus the variance of the means."""
    model = SimpleMLPRegressor(**NET, loss=Gaussian(), n_estimators=3).fit(X, LENGTH)
    pairs = [alone(model, k).fit(X, LENGTH).predict(X, True) for k in range(3)]
    means, stds = (np.array(part) for part in zip(*pairs, strict=True))
    mean, std = model.predict(X, return_std=True)
    assert_allclose(mean, means.mean(axis=0), rtol=1e-13)
    assert_allclose(std, np.sqrt((stds**2).mean(0) + means.var(0)), rtol=1e-12)


def test_mean_quantiles_stay_in_order():
    """The networks' quantiles are averaged level by level."""
    loss = Quantile(levels=(0.1, 0.5, 0.9))
    model = SimpleMLPRegressor(**NET, loss=loss, n_estimators=3).fit(X, LENGTH)
    assert_allclose(model.predict(X), model.predict_members(X).mean(axis=0))
    assert (np.diff(model.predict(X), axis=1) >= 0.0).all()


def test_poisson_network_averages_rates_not_logarithms():
    """The mean of the predictions is what is predicted."""
    counts = np.random.default_rng(0).poisson(LENGTH)
    model = SimpleMLPRegressor(**NET, loss="poisson", n_estimators=3).fit(X, counts)
    assert_allclose(model.predict(X), model.predict_members(X).mean(axis=0))


def test_spread_of_a_single_network_is_refused():
    """There is none to tell."""
    model = SimpleMLPRegressor(**NET).fit(X, LENGTH)
    with pytest.raises(ValueError, match="n_estimators"):
        model.predict(X, return_std=True)
    assert_array_equal(model.predict_members(X)[0], model.predict(X))


def test_networks_differ_most_far_from_the_data():
    """What an ensemble is for: it knows where it knows nothing."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1.0, 1.0, size=(200, 1))
    params = {"hidden_layer_sizes": (30,), "learning_rate_init": 0.01, "max_iter": 60}
    model = SimpleMLPRegressor(**params, n_estimators=8, random_state=0)
    model.fit(x, np.sin(3.0 * x.ravel()))
    _, std = model.predict([[0.0], [4.0]], return_std=True)
    assert std[1] > 5.0 * std[0]


def test_prediction_takes_the_memory_of_one_network(monkeypatch):
    """Many rows go through one network after the other; the numbers stay."""
    model = SimpleMLPRegressor(**NET, n_estimators=3, engine="numpy").fit(X, LENGTH)
    together = model.predict_members(X)
    shapes = []
    forward = Network.forward

    def seen(self, views, x, cache, training=None):
        shapes.append(x.shape)
        return forward(self, views, x, cache, training)

    monkeypatch.setattr(inference, "CHUNK_ROWS", 300)
    monkeypatch.setattr(Network, "forward", seen)
    assert_array_equal(model.predict_members(X), together)
    assert shapes == [(1, 150, 4)] * 3


def test_ensemble_beats_its_networks():
    """Smoke test: on the diabetes data the mean has less error than the average."""
    X, y = load_diabetes(return_X_y=True)
    model = SimpleMLPRegressor(
        n_estimators=8, bootstrap=True, max_iter=300, random_state=0
    )
    model.set_params(learning_rate_init=0.03).fit(X[::2], y[::2])
    error = np.square(model.predict(X[1::2]) - y[1::2]).mean()
    errors = np.square(model.predict_members(X[1::2]) - y[1::2]).mean(axis=1)
    assert error < errors.mean()


def test_mean_of_the_largest_numbers_is_finite():
    """Their sum is not."""
    model = SimpleMLPRegressor(n_estimators=3, max_iter=1, random_state=0)
    model.set_params(hidden_layer_sizes=(), dtype="float64")
    with pytest.warns(ConvergenceWarning):
        model.fit(np.eye(2), [0.0, 1.0])
    for network in model.estimators_:
        network.coefs_[0][...] = 0.0
        network.intercepts_[0][...] = 1.5e308
    assert_array_equal(model.predict(np.eye(2)), 1.5e308)
