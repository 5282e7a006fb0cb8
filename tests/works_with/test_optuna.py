"""optuna asks for parameters, and stops trials that fall behind between epochs."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split


EPOCHS = 6
# The first table of partial_fit has a constant column, and says so.
pytestmark = pytest.mark.filterwarnings("ignore:The first table of partial_fit")

RATES = [0.02, 0.01, 1e-6, 1e-7]  # two that learn, and two that cannot


class Studied(NamedTuple):
    """A study that is through, and what it was made of."""

    study: Any
    networks: dict  # by number of the trial
    learn: Any  # one more epoch of a network
    judge: Any  # its score


@pytest.fixture
def studied(case):
    """Ask, train by ``partial_fit``, tell: as the guide does, on four given rates."""
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    X_train, X_val, y_train, y_val = train_test_split(case.X, case.y, random_state=0)
    classifies = case.method == "predict_proba"
    classes = {"classes": np.unique(case.y)} if classifies else {}
    case.model.set_params(batch_size=20)
    scorer = get_scorer("neg_log_loss" if classifies else "r2")

    def learn(network):
        network.partial_fit(X_train, y_train, **classes)

    def judge(network):
        return scorer(network, X_val, y_val)

    pruner = optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=1)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    networks = {}
    for rate in RATES:
        study.enqueue_trial({"rate": rate})
        trial = study.ask()
        network = clone(case.model)
        network.set_params(learning_rate_init=trial.suggest_float("rate", 1e-7, 0.1))
        networks[trial.number] = network
        for epoch in range(EPOCHS):
            learn(network)
            trial.report(judge(network), epoch)
            if trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, judge(network))
    return Studied(study, networks, learn, judge)


def test_trials_that_cannot_learn_are_stopped(studied):
    """Before their last epoch; the others are trained to the end."""
    states = [trial.state.name for trial in studied.study.trials]
    lengths = [len(trial.intermediate_values) for trial in studied.study.trials]
    assert states == ["COMPLETE", "COMPLETE", "PRUNED", "PRUNED"]
    assert lengths[:2] == [EPOCHS, EPOCHS]
    assert max(lengths[2:]) < EPOCHS
    assert studied.study.best_params["rate"] in RATES[:2]


def test_trials_are_plain_training(studied, case):
    """As many epochs in a row, without scores in between, give the same network."""
    for trial in studied.study.trials:
        network = clone(case.model).set_params(learning_rate_init=trial.params["rate"])
        for _ in trial.intermediate_values:
            studied.learn(network)
        in_trial = studied.networks[trial.number]
        said, expected = (
            getattr(each, case.method)(case.X) for each in (in_trial, network)
        )
        assert_array_equal(said, expected)
        assert trial.value == studied.judge(network)
