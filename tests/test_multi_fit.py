"""Many estimators in one pass: rows of one array, each as if it was alone."""

import re
import threading
import warnings

import numpy as np
import pytest
from interrupting import interrupting_loss
from joblib import parallel_config
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.estimators.multi_fit import Request, fit_many, reason_not_batchable
from sknet.estimators.preparation import prepare_problem
from sknet.losses import LogLoss, Quantile
from sknet.network.blocks import Plain
from sknet.optimizers import Lion, RMSprop
from sknet.problem.input_cache import InputCache
from sknet.schedules import Cosine
from sknet.solvers import executor
from sknet.solvers.minibatch import prepare_members
from sknet.solvers.problem import FitRequest
from sknet.training.reporting import ProgressLine


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, SPECIES = load_iris(return_X_y=True)
NET = SimpleMLPClassifier((6,), batch_size=32, max_iter=8, random_state=0)


def members_of(models, X=X, y=SPECIES):
    """Return the members of estimators, as they are grouped before a training."""
    cache = InputCache()
    members = []
    for model in models:
        config = model._config()
        problem = prepare_problem(model, config, FitRequest(X, y), cache)
        members += prepare_members(problem)
    return members


def assert_as_alone(models, X=X, y=SPECIES, n_jobs=None, **fit):
    """Fit estimators together; compare each with its own ``fit``, bit for bit."""
    singles = [clone(model).fit(X, y, **fit) for model in models]
    requests = [Request(model, X, y, dict(fit)) for model in models]
    outcomes = fit_many(requests, n_jobs)
    assert all(o.error is None and o.finished for o in outcomes)
    for single, model in zip(singles, models, strict=True):
        assert_same_fit(single, model)


def assert_same_fit(single, model):
    """All that is fitted is the same, what a later fit goes on with included."""
    ours, theirs = vars(model), vars(single)
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        if name.endswith("_") and name != "classes_":
            assert_array_equal(ours[name], value, err_msg=name)
    for ours_, theirs_ in zip(
        model._training["slots"], single._training["slots"], strict=True
    ):
        assert_array_equal(ours_, theirs_)
    assert_array_equal(
        model._training["streams"][0][1], single._training["streams"][0][1]
    )
    assert model._training["noise"] == single._training["noise"]


ROWS = {
    "learning rate": [{"learning_rate_init": rate} for rate in (0.1, 0.01, 1e-4)],
    "alpha": [{"alpha": alpha} for alpha in (0.0, 0.1, 3.0)],
    "betas": [{"beta_1": b, "beta_2": 0.99 + b / 99} for b in (0.5, 0.9, 0.0)],
    "momentum": [
        {"solver": "sgd", "momentum": m, "learning_rate_init": 0.1 / (1 + m)}
        for m in (0.3, 0.9, 0.99)
    ],
    "decay": [{"solver": "adamw", "solver__weight_decay": w} for w in (0.1, 1.0)],
    "rmsprop": [{"solver": RMSprop(rho=r, momentum=r)} for r in (0.7, 0.95)],
    "lion": [{"solver": Lion(beta_1=b, weight_decay=b)} for b in (0.7, 0.95)],
    "dropout": [{"dropout": rate} for rate in (0.1, 0.5, 0.25)],
    "label smoothing": [{"loss": LogLoss(label_smoothing=s)} for s in (0.0, 0.1, 0.3)],
    "class weight": [
        {"class_weight": weight} for weight in ("balanced", {0: 2.0}, {1: 0.0, 2: 3.0})
    ],
    "seed": [{"random_state": seed} for seed in (1, 2, 3)],
    "max_iter": [{"max_iter": n} for n in (1, 5, 9, 2)],
    "patience": [
        {"n_iter_no_change": n, "tol": tol, "max_iter": 40}
        for n, tol in ((1, 0.1), (3, 0.1), (2, 0.3))
    ],
    "schedule": [
        {"learning_rate": s, "max_iter": n}
        for s, n in (("cosine", 5), ("step", 7), ("invscaling", 8), (Cosine(), 9))
    ],
    "adaptive": [
        {"solver": "sgd", "learning_rate": "adaptive", "tol": t, "n_iter_no_change": 1}
        for t in (0.05, 0.5)
    ],
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("what", ROWS)
def test_candidates_are_rows_of_one_array(what, dtype):
    """What the guide calls rows forms one stack, and changes no bit."""
    models = [
        clone(NET).set_params(dtype=dtype).set_params(**params) for params in ROWS[what]
    ]
    assert (
        len(executor.group_compatible(members_of([clone(model) for model in models])))
        == 1
    )
    assert_as_alone(models)


@pytest.mark.parametrize(
    "params",
    [
        {"dropout": 0.3, "block": Plain(normalization="batch")},
        {"averaging": "swa", "clip_norm": 0.1},
        {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 30},
        {"early_stopping": True, "scoring": "neg_log_loss"},
        {"shuffle": False},
        {"n_estimators": 3, "bootstrap": True},
        {"n_estimators": 3, "early_stopping": True},
        {"n_estimators": 3, "shared_backbone": True, "dropout": 0.1},
    ],
    ids=lambda params: "-".join(params),
)
def test_everything_else_stays_what_it_is(params):
    """Members with all kinds of options next to each other."""
    base = clone(NET).set_params(**params)
    grid = [(alpha, rate) for alpha in (0.0, 0.1) for rate in (0.03, 0.001)]
    assert_as_alone(
        [
            clone(base).set_params(alpha=alpha, learning_rate_init=rate)
            for alpha, rate in grid
        ]
    )


@pytest.mark.parametrize("n_jobs", [1, 2, 3])
def test_blocks_and_threads_change_no_bit(n_jobs, monkeypatch):
    """However a stack is cut, and whoever trains it."""
    monkeypatch.setattr(executor, "WORTH_A_THREAD", 0)
    monkeypatch.setattr(executor, "BLOCK_BYTES", 2**14)
    params = [{"alpha": a, "hidden_layer_sizes": (h,)} for a in (0, 1) for h in (3, 5)]
    models = [
        clone(NET).set_params(**p, random_state=k) for p in params for k in (0, 1, 2)
    ]
    blocks = [
        b
        for s in executor.group_compatible(members_of(models))
        for b in executor.partition(s, n_jobs)
    ]
    assert len(blocks) > n_jobs
    assert_as_alone([clone(model) for model in models], n_jobs=n_jobs)


def test_workers_of_another_backend_change_no_bit():
    """Blocks travel to processes and back."""
    models = [clone(NET).set_params(alpha=alpha) for alpha in (0.0, 0.1, 1.0)]
    with parallel_config(backend="loky"):
        assert_as_alone(models, n_jobs=2)


@pytest.mark.parametrize(
    "table",
    [sparse.csr_matrix(X), X.astype(np.float32), X.tolist()],
    ids=["sparse", "float32", "list"],
)
def test_data_of_any_kind_are_read_once(table):
    """Each candidate gets the same array of them."""
    models = [clone(NET).set_params(alpha=alpha) for alpha in (0.0, 0.1)]
    members = members_of([clone(model) for model in models], table)
    assert members[0].data.x is members[1].data.x
    assert members[0].data.y is members[1].data.y
    assert_as_alone(models, table)


def test_members_of_different_data_share_a_stack():
    """Folds: as many rows, other values; sorted so that neighbours share."""
    tables = [X[:100], X[50:], StandardScaler().fit_transform(X[:100])]
    targets = [SPECIES[:100] % 2, SPECIES[50:] % 2, SPECIES[:100] % 2]
    models = [[clone(NET).set_params(alpha=a) for a in (0, 1)] for _ in tables]
    requests = [
        Request(model, table, target)
        for i in (0, 1)
        for model, table, target in zip(
            [m[i] for m in models], tables, targets, strict=True
        )
    ]
    fit_many(requests)
    for request in requests:
        single = clone(request.estimator).fit(request.X, request.y)
        assert_same_fit(single, request.estimator)


@pytest.mark.parametrize("weighted", [False, True])
def test_validation_sets_that_are_handed_in(weighted):
    """Scores and losses of each candidate are its own."""
    models = [
        clone(NET).set_params(learning_rate_init=rate, early_stopping=True)
        for rate in (0.1, 0.001)
    ]
    fit = {"X_val": X[::3], "y_val": SPECIES[::3]}
    if weighted:
        fit |= {"sample_weight": 0.5 + SPECIES, "sample_weight_val": SPECIES[::3] + 1.0}
    assert_as_alone(models, **fit)


def test_regression_and_classification_in_one_call():
    """Whatever has no shape in common is trained apart, in the same call."""
    models = [clone(NET), SimpleMLPRegressor(max_iter=3, random_state=0)]
    outcomes = fit_many([Request(model, X, SPECIES) for model in models])
    assert [o.error for o in outcomes] == [None, None]
    for model in models:
        assert_same_fit(clone(model).fit(X, SPECIES), model)


def test_component_that_cannot_be_a_key_is_trained_apart():
    """A list of levels has no hash."""
    loss = Quantile(levels=[0.1, 0.5, 0.9])
    models = [SimpleMLPRegressor(loss, max_iter=3, random_state=k) for k in (0, 1)]
    fit_many([Request(model, X, SPECIES) for model in models])
    for model in models:
        assert_array_equal(clone(model).fit(X, SPECIES).theta_, model.theta_)


# --------------------------------------------------------------------------- failures


def test_failure_of_one_leaves_the_others_alone():
    """Bad parameters, bad data, divergence: each error is its own."""
    models = [
        clone(NET),
        clone(NET).set_params(alpha=-1.0),
        clone(NET).set_params(solver="sgd", learning_rate_init=1e300, momentum=0.0),
        clone(NET).set_params(alpha=0.5),
    ]
    before = vars(models[1]).copy()
    outcomes = fit_many([Request(model, X, SPECIES) for model in models])
    for model, outcome in zip(models, outcomes, strict=True):
        if outcome.error is None:
            assert_same_fit(clone(model).fit(X, SPECIES), model)
        else:
            with pytest.raises(
                type(outcome.error), match=re.escape(str(outcome.error))
            ):
                clone(model).fit(X, SPECIES)
            assert "theta_" not in vars(model)
    assert [o.error is None for o in outcomes] == [True, False, False, True]
    assert vars(models[1]) == before


def test_every_candidate_warns_as_alone():
    """One warning of convergence each."""
    models = [clone(NET).set_params(alpha=alpha) for alpha in (0.0, 0.1)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit_many([Request(model, X, SPECIES) for model in models])
    assert [w.category for w in caught] == [ConvergenceWarning] * 2


def test_interrupt_keeps_who_is_finished():
    """The others are as they were, and say that they are not finished."""
    loss = interrupting_loss(40)
    models = [
        SimpleMLPRegressor(loss, max_iter=n, batch_size=150, random_state=0)
        for n in (2, 100, 3)
    ]
    outcomes = fit_many([Request(model, X, SPECIES) for model in models])
    assert [outcome.finished for outcome in outcomes] == [True, False, True]
    assert ["theta_" in vars(model) for model in models] == [True, False, True]


def test_interrupt_of_threads_ends_all_after_their_epoch(monkeypatch):
    """The signal reaches one thread; the others see that everything ends."""
    monkeypatch.setattr(executor, "WORTH_A_THREAD", 0)
    models = [clone(NET).set_params(max_iter=10**6, tol=0.0, n_iter_no_change=10**6)]
    models = [clone(models[0]).set_params(random_state=k) for k in range(4)]
    members = members_of(models)
    team, both_run = executor.Executor(n_jobs=2), threading.Barrier(3)

    class Watched(executor.Session):
        def run(self):
            both_run.wait(timeout=60)
            super().run()

    def interrupt():
        both_run.wait(timeout=60)
        team.halt.set()

    monkeypatch.setattr(executor, "Session", Watched)
    threading.Thread(target=interrupt).start()
    executor.train(members, team)
    assert [member.termination.reason for member in members] == ["interrupted"] * 4


# ------------------------------------------------------------------------- going on


@pytest.mark.parametrize(
    "params",
    [{}, {"early_stopping": True}, {"tol": 0.2, "n_iter_no_change": 1}],
    ids=["default", "early stopping", "converging"],
)
def test_going_on_until_more_epochs_is_one_training(params):
    """Those that have converged stay as they are."""
    models = [
        clone(NET).set_params(alpha=a, max_iter=3, **params) for a in (0.0, 0.1, 1.0)
    ]
    for n_epochs, resume in ((3, False), (7, True), (20, True), (20, True)):
        for model in models:
            model.max_iter = n_epochs
        requests = [
            Request(model, X, SPECIES, resume=resume, resumable=True)
            for model in models
        ]
        assert all(outcome.error is None for outcome in fit_many(requests))
    for model in models:
        single = clone(model).fit(X, SPECIES)
        assert_array_equal(single.theta_, model.theta_)
        assert single.loss_curve_ == model.loss_curve_
        assert single.n_iter_ == model.n_iter_


# ----------------------------------------------------------------------- what is told


def test_reason_why_an_estimator_is_fitted_apart():
    """In a few words, for the line that a search prints."""
    assert not reason_not_batchable(NET)
    assert reason_not_batchable(StandardScaler()) == "StandardScaler"
    assert (
        reason_not_batchable(clone(NET).set_params(solver="lbfgs")) == "solver='lbfgs'"
    )
    assert reason_not_batchable(clone(NET).set_params(max_time=1.0)) == "max_time"


def test_progress_line_tells_who_is_left(capsys):
    """Now and then: networks, epoch and the least loss."""
    line = ProgressLine(10, seconds=0.0)
    line.finished(4)
    line.epoch(7, [0.5, 0.25])
    said = capsys.readouterr().out
    assert said == "6 of 10 networks in training, epoch 7, least loss 0.250000\n"


def test_verbose_ensemble_tells_the_mean(capsys):
    """One line an epoch, not one a network."""
    model = clone(NET).set_params(n_estimators=3, max_iter=2, verbose=True)
    model.fit(X, SPECIES)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("(3 networks)")
    assert lines[1].startswith(f"Iteration 2, loss = {model.loss_:.8f}")
