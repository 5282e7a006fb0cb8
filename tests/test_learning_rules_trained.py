"""Learning rules in ensembles, searches, files, and other forms of a network."""

import pickle

import numpy as np
import pytest
from dying import Killed
from numpy.testing import assert_allclose, assert_array_equal
from ruled import LABELS, OTHER_RULES, TARGETS, X, engines, feedback
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknet import (
    Checkpoint,
    LockstepGridSearchCV,
    SimpleMLPClassifier,
    SimpleMLPRegressor,
)
from sknet.initializers import Uniform
from sknet.inspection import input_gradients
from sknet.network.learning_rules import FeedbackAlignment


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# --------------------------------------------------- members, searches, continuation


def small(rule, **params):
    """A network that draws noise, shuffles and has biases."""
    return SimpleMLPClassifier(
        (6, 5),
        learning_rule=rule,
        **{"max_iter": 4, "random_state": 3, "dropout": 0.1, "batch_size": 16} | params,
    )


@pytest.mark.parametrize("engine", engines())
@pytest.mark.parametrize("rule", OTHER_RULES)
def test_members_together_are_members_alone(rule, engine):
    """Feedback matrices too, which differ between members."""
    together = small(rule, n_estimators=3, engine=engine).fit(X, LABELS)
    for k, seed in enumerate(together.member_seeds_):
        alone = small(rule, random_state=seed, engine=engine).fit(X, LABELS)
        assert_array_equal(together.theta_[k], alone.theta_[0])
    if rule == "feedback_alignment":
        assert not np.array_equal(feedback(together, 0)[0], feedback(together, 1)[0])


@pytest.mark.parametrize("rule", OTHER_RULES)
def test_lockstep_search_is_the_search(rule):
    """Rules side by side in one grid, and the refit, as scikit-learn finds them."""
    grid = {"learning_rule": ["gradient", rule], "learning_rate_init": [0.01, 0.1]}
    ours, theirs = (
        search(small("gradient"), grid, cv=2).fit(X, LABELS)
        for search in (LockstepGridSearchCV, GridSearchCV)
    )
    assert_array_equal(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"]
    )
    assert_array_equal(ours.best_estimator_.theta_, theirs.best_estimator_.theta_)


@pytest.mark.parametrize("rule", OTHER_RULES)
@pytest.mark.parametrize(
    "more",
    [{}, {"averaging": "ema"}, {"early_stopping": True, "validation_fraction": 0.2}],
)
def test_saved_network_goes_on_as_if_it_had_not_been(rule, more):
    """partial_fit and warm start, before and after a pickle: the same bits."""
    network = small(rule, warm_start=True, **more).fit(X, LABELS)
    before = feedback(network)
    again = pickle.loads(pickle.dumps(network))
    assert_array_equal(again.predict_proba(X), network.predict_proba(X))
    for one in (network, again):
        one.fit(X, LABELS)
        if not more.get("early_stopping"):
            one.partial_fit(X, LABELS)
    assert_array_equal(again.theta_, network.theta_)
    assert len(before) == (2 if rule == "feedback_alignment" else 0)
    for ours, first in zip(feedback(network), before, strict=True):
        assert_array_equal(ours, first)


@pytest.mark.parametrize("rule", OTHER_RULES)
def test_killed_fit_resumes_from_its_checkpoint(rule, tmp_path, dies, lives):
    """The weights, and the feedback matrices behind them: as if never killed."""
    model = small(rule, max_iter=6, n_estimators=2)
    whole = clone(model).fit(X, LABELS)
    model.set_params(checkpoint=Checkpoint(tmp_path / "run.npz", epochs=1))
    dies(4)
    with pytest.raises(Killed):
        model.fit(X, LABELS)
    lives()
    assert_array_equal(model.fit(X, LABELS).theta_, whole.theta_)


@pytest.mark.parametrize("rule", OTHER_RULES)
@pytest.mark.parametrize("turned", [False, True])
def test_training_does_not_resume_by_another_rule(rule, turned):
    """A feedback matrix would be missing, or left over."""
    first, then = ("gradient", rule) if turned else (rule, "gradient")
    network = small(first).fit(X, LABELS).set_params(learning_rule=then)
    with pytest.raises(ValueError, match=r"cannot resume.*learning_rule is"):
        network.partial_fit(X, LABELS)
    assert network.set_params(warm_start=False).fit(X, LABELS).score(X, LABELS) > 0


def test_feedback_is_drawn_after_the_weights():
    """So the weights start where those of the gradient start, and B is not trained."""
    rules = ("gradient", FeedbackAlignment(Uniform(0.1)))
    fits = [
        SimpleMLPRegressor(
            hidden_layer_sizes=(6, 5),
            learning_rule=r,
            random_state=1,
            max_iter=1,
            learning_rate_init=1e-300,
        ).fit(X, TARGETS)
        for r in rules
    ]
    n_columns = fits[0].theta_.shape[1]
    assert_array_equal(fits[1].theta_[:, :n_columns], fits[0].theta_)
    of_hidden, of_output = feedback(fits[1])
    assert (of_hidden.shape, of_output.shape) == ((5, 6), (3, 5))
    assert np.abs(of_hidden).max() <= 0.1


# ---------------------------------------------------------- predictions are unchanged


@pytest.mark.parametrize("rule", OTHER_RULES)
def test_prediction_and_input_gradients_are_those_of_the_weights(rule):
    """A network of the other rule with the same weights says the same."""
    network = SimpleMLPClassifier(
        (6, 5), "tanh", learning_rule=rule, max_iter=3, random_state=0
    ).fit(X, LABELS)
    plain = clone(network).set_params(learning_rule="gradient").fit(X, LABELS)
    plain.coefs_, plain.intercepts_ = network.coefs_, network.intercepts_
    assert_array_equal(network.predict_proba(X), plain.predict_proba(X))
    assert_array_equal(input_gradients(network, X), input_gradients(plain, X))


@pytest.mark.parametrize("rule", OTHER_RULES)
def test_scikit_learn_predicts_the_same(rule):
    network = SimpleMLPClassifier(
        (6, 5), "tanh", learning_rule=rule, max_iter=3, random_state=0
    ).fit(X, LABELS)
    with pytest.warns(UserWarning, match="does not support learning_rule"):
        mlp = network.to_sklearn()
    assert_allclose(mlp.predict_proba(X), network.predict_proba(X), rtol=1e-12)
