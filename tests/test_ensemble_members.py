"""The networks of an ensemble, each as a fitted estimator."""

import pickle
from copy import deepcopy
from itertools import product

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sknet import (
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.inspection import input_gradients
from sknet.losses import Gaussian


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(150, 4)).round(1)
Y = np.array(["no", "so", "yes"])[np.arange(150) % 3]
VALUES = X @ [1.0, 2.0, 3.0, 4.0] + 100.0
CLASSIFIERS = [SimpleMLPClassifier, TabularMLPClassifier]
REGRESSORS = [SimpleMLPRegressor, TabularMLPRegressor]
KINDS = CLASSIFIERS + REGRESSORS
TABULAR = [TabularMLPClassifier, TabularMLPRegressor]
NO_CLIP = {"clip_predictions": False}  # of each network
ENSEMBLES = {
    "several": {},
    "bootstrap": {"bootstrap": True},
    "a shared backbone": {"shared_backbone": True},
    "L-BFGS": {"solver": "lbfgs", "learning_rate": "constant", "dropout": 0.0},
    "early stopping": {"early_stopping": True, "joint_early_stopping": False},
    "early stopping together": {"early_stopping": True, "joint_early_stopping": True},
    "in float32": {"dtype": "float32"},
}
OF_SIMPLE = ("bootstrap", "a shared backbone")
SHARED_BACKBONE = SimpleMLPRegressor, "a shared backbone"


def cases(names=tuple(ENSEMBLES)):
    """Estimators, and names of the ensembles that each makes."""
    pairs = [(kind, name) for name in names for kind in KINDS]
    return [(k, name) for k, name in pairs if name not in OF_SIMPLE or k not in TABULAR]


def ensemble(kind, **params):
    """Three networks that have seen a little."""
    params = {"max_iter": 3, "random_state": 0, "n_estimators": 3} | params
    params["hidden_layer_sizes"] = (6,)
    if params.get("solver") == "lbfgs" and kind in TABULAR:  # which takes no rates
        params |= {"learning_rate_multipliers": None, "early_stopping": False}
    return kind(**params).fit(X, Y if kind in CLASSIFIERS else VALUES)


def assert_members(model, rows):
    """The i-th estimator predicts what the i-th network does, to the last bit."""
    members = model.estimators_
    each = np.stack([member.predict(rows) for member in members])
    assert_array_equal(each, model.predict_members(rows))
    if hasattr(model, "predict_proba"):
        each = np.stack([member.predict_proba(rows) for member in members])
        assert_array_equal(each, model.predict_proba_members(rows))
    for member, own in zip(members, model.predict_members(rows), strict=True):
        assert_array_equal(member.predict_members(rows), own[None])


@pytest.mark.parametrize(("kind", "params"), cases())
def test_each_predicts_as_its_network(kind, params):
    model = ensemble(kind, **ENSEMBLES[params])
    assert len(model.estimators_) == 3
    assert_members(model, X)
    assert_members(model, X[:1])


@pytest.mark.parametrize(("kind", "params"), cases(["several", "a shared backbone"]))
def test_predictor_of_each_has_its_bits(kind, params):
    for member in ensemble(kind, **ENSEMBLES[params]).estimators_:
        assert_array_equal(member.predictor().predict(X), member.predict(X))


@pytest.mark.parametrize(("kind", "params"), cases())
def test_each_is_a_single_fitted_estimator(kind, params):
    """Of the same class, with no ensemble in it."""
    model = ensemble(kind, **ENSEMBLES[params])
    for member in model.estimators_:
        assert type(member) is kind
        check_is_fitted(member)
        assert member.n_estimators == 1
        assert member.n_features_in_ == 4
        assert not hasattr(member, "estimators_")
        assert not hasattr(member, "member_seeds_")
        if kind in CLASSIFIERS:
            assert_array_equal(member.classes_, model.classes_)


@pytest.mark.parametrize("kind", KINDS)
def test_single_network_has_none(kind):
    model = ensemble(kind, n_estimators=1)
    assert not hasattr(model, "estimators_")
    with pytest.raises(AttributeError, match=r"single network.* n_estimators"):
        _ = model.estimators_


@pytest.mark.parametrize("kind", KINDS)
def test_each_fitted_anew_is_the_network(kind):
    """Its ``random_state`` is the seed of the network."""
    model = ensemble(kind, early_stopping=False)
    for k, member in enumerate(model.estimators_):
        assert member.random_state == model.member_seeds_[k]
        again = clone(member).fit(X, Y if kind in CLASSIFIERS else VALUES)
        assert_array_equal(again.theta_[0], model.theta_[k])
        assert again.loss_curve_ == member.loss_curve_
        assert again.loss_ == member.loss_


@pytest.mark.parametrize("kind", KINDS)
def test_each_tells_of_its_own_training(kind):
    """Epochs and scores are those of the network alone, not of the longest."""
    apart = {"max_iter": 12, "n_iter_no_change": 2, "early_stopping": True}
    model = ensemble(kind, joint_early_stopping=False, **apart)
    for member in model.estimators_:
        again = clone(member).fit(X, Y if kind in CLASSIFIERS else VALUES)
        assert again.n_iter_ == member.n_iter_ == len(member.loss_curve_)
        assert again.n_epochs_ == member.n_epochs_
        assert again.validation_scores_ == member.validation_scores_
        assert again.validation_loss_curve_ == member.validation_loss_curve_
        assert again.best_validation_score_ == member.best_validation_score_
        assert again.best_loss_ == member.best_loss_


@pytest.mark.parametrize(("kind", "params"), cases(["several", "a shared backbone"]))
def test_they_are_views(kind, params):
    """What is written into one is the ensemble's."""
    model = ensemble(kind, **ENSEMBLES[params])
    before = model.predict_members(X)
    for member in model.estimators_:
        assert np.shares_memory(member.theta_, model.theta_)
    model.estimators_[1].theta_[...] = 0.0
    assert_members(model, X)
    same = (model.predict_members(X) == before).all(axis=1).tolist()
    assert same == ([True, False, True] if params == "several" else [False] * 3)


def test_plain_networks_have_layers_and_equals_in_scikit_learn():
    model = ensemble(SimpleMLPClassifier)
    for k, member in enumerate(model.estimators_):
        assert [W.shape for W in member.coefs_] == [(4, 6), (6, 3)]
        assert np.shares_memory(member.coefs_[0], model.theta_[k])
        probability = member.to_sklearn().predict_proba(X)
        assert_allclose(probability, member.predict_proba(X), rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_nowhere_stored(kind):
    """Neither looked at nor saved: no pickle is larger, no state has them."""
    model = ensemble(kind)
    before, size = set(vars(model)), len(pickle.dumps(model))
    assert len(model.estimators_) == 3
    assert set(vars(model)) == before
    assert len(pickle.dumps(model)) == size


@pytest.mark.parametrize(("kind", "params"), cases(["several", "a shared backbone"]))
def test_each_can_be_saved_alone(kind, params):
    model = ensemble(kind, **ENSEMBLES[params])
    for member in model.estimators_:
        for copy in (pickle.loads(pickle.dumps(member)), deepcopy(member)):
            assert_array_equal(copy.predict(X), member.predict(X))
            assert not np.shares_memory(copy.theta_, model.theta_)


@pytest.mark.parametrize("params", ["several", "a shared backbone"])
def test_each_does_not_go_on(params):
    """The ensemble has what a training goes on with."""
    member = ensemble(SimpleMLPRegressor, **ENSEMBLES[params]).estimators_[0]
    with pytest.raises(ValueError, match=r"cannot be resumed.* one of the estimators_"):
        member.partial_fit(X, VALUES)
    member.fit(X, VALUES)  # which begins anew, with a network of its own
    assert not hasattr(member, "estimators_")


def test_compact_ensembles_have_them():
    model = ensemble(TabularMLPClassifier).compact()
    assert_members(model, X)


@pytest.mark.parametrize(
    ("kind", "params"), [*product(REGRESSORS, ["several"]), SHARED_BACKBONE]
)
def test_their_spread_is_that_of_the_ensemble(kind, params):
    """As those compute it who know nothing but ``estimators_``."""
    clips = NO_CLIP if kind in TABULAR else {}
    model = ensemble(kind, **ENSEMBLES[params], **clips)
    each = np.array([member.predict(X) for member in model.estimators_])
    assert_allclose(each.std(axis=0), model.predict(X, return_std=True)[1], rtol=1e-9)


@pytest.mark.parametrize("params", ["several", "a shared backbone"])
def test_own_spread_is_that_of_the_network(params):
    gaussian = ensemble(SimpleMLPRegressor, loss=Gaussian(), **ENSEMBLES[params])
    within = [m.predict(X, return_std=True)[1] ** 2 for m in gaussian.estimators_]
    between = gaussian.predict_members(X).var(axis=0)
    total = gaussian.predict(X, return_std=True)[1]
    assert_allclose(np.sqrt(np.mean(within, axis=0) + between), total, rtol=1e-9)


def test_quantiles_are_those_of_the_network():
    levels = (0.1, 0.9)
    model = ensemble(TabularMLPRegressor, quantiles=levels, **NO_CLIP)
    each = [member.predict(X, quantiles=levels) for member in model.estimators_]
    mean = model.predict(X, quantiles=levels)
    assert_allclose(np.mean(each, axis=0), mean, rtol=1e-6)


@pytest.mark.parametrize("params", ["several", "a shared backbone"])
def test_gradients_of_all_are_the_mean_of_those_of_each(params):
    model = ensemble(SimpleMLPRegressor, **ENSEMBLES[params])
    each = [input_gradients(member, X) for member in model.estimators_]
    assert not np.allclose(each[0], each[1])
    assert_allclose(np.mean(each, axis=0), input_gradients(model, X), rtol=1e-9)


def test_not_fitted_is_told_by_the_usual_error():
    with pytest.raises(NotFittedError):
        SimpleMLPRegressor(n_estimators=3).predict(X)


def test_names_of_columns_are_checked():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(X, columns=list("abcd"))
    model = SimpleMLPRegressor(n_estimators=2, max_iter=2).fit(table, VALUES)
    member = model.estimators_[0]
    assert_array_equal(member.feature_names_in_, list("abcd"))
    with pytest.raises(ValueError, match="feature names"):
        member.predict(table[list("dcba")])


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_those_of_a_subclass(kind):
    class Own(kind):
        pass

    with sklearn.config_context(skip_parameter_validation=True):
        model = Own(n_estimators=2, max_iter=1, random_state=0)
        model.fit(X, Y if kind in CLASSIFIERS else VALUES)
    assert [type(member) for member in model.estimators_] == [Own, Own]
