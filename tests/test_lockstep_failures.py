"""A fit of a lockstep search that fails is one fit: the others do not notice."""

from dataclasses import dataclass

import joblib
import numpy as np
import pytest
from scipy.stats import uniform
from searches import assert_same_table, outcome
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401, it enables
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from sknet import (
    LockstepGridSearchCV,
    LockstepHalvingRandomSearchCV,
    LockstepHalvingSearchCV,
    LockstepRandomizedSearchCV,
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPRegressor,
)
from sknet.activations import ReLU
from sknet.estimators.multi_fit import Request, fit_many
from sknet.initializers import GlorotUniform
from sknet.optimizers import Adam
from sknet.schedules import Schedule
from sknet.solvers import executor


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, SPECIES = load_iris(return_X_y=True)
LENGTH = X[:, 0] / 5.0
OPTIONS = {"hidden_layer_sizes": (5,), "max_iter": 4, "random_state": 0}
SIMPLE = SimpleMLPRegressor(**OPTIONS, batch_size=20)
# One job: how a thread passes on an error differs from call to call.
TABULAR = TabularMLPRegressor(**OPTIONS, n_estimators=2, n_jobs=1)
FEW = {"alpha": [1e-4, 1.0]}


class Metric:
    """A scorer of the user's own, which may have a bug."""

    def __init__(self, broken=False):
        self.broken = broken

    def __call__(self, estimator, X, y):
        if self.broken:
            raise KeyError("column 'margin'")
        return estimator.score(X, y)

    def __repr__(self):
        return f"Metric({self.broken})"


def value(raw, y):
    return ((raw - y) ** 2).sum(axis=1)


def gradient(raw, y):
    return 2.0 * (raw - y)


def broken(*_):
    raise FloatingPointError("a loss of one's own fails")


def misshapen(raw, _):
    return raw[:, 0, None]


@dataclass(frozen=True, repr=False)
class BrokenAhead(ReLU):
    """Raises forwards."""

    def forward(self, z, out, scratch):
        raise ArithmeticError("no way ahead")


@dataclass(frozen=True, repr=False)
class BrokenBack(ReLU):
    """Raises backwards."""

    def backward(self, z, a, da, scratch):
        raise ArithmeticError("no way back")


@dataclass(frozen=True, repr=False)
class BrokenStep(Adam):
    """Raises in a step."""

    def step(self, grad, slots, t, rate, scratch):
        raise OverflowError("a step too far")


@dataclass(frozen=True, repr=False)
class BrokenDraw(GlorotUniform):
    """Raises at set-up."""

    def draw(self, *args, **kwargs):
        raise LookupError("no numbers left")


@dataclass(frozen=True, repr=False)
class BrokenLate(Schedule):
    """Raises in the third epoch."""

    is_planned = False

    def factor(self, clock):
        if clock.n_epochs >= 2:
            raise TimeoutError("late")
        return 1.0


SQUARES = (value, gradient)
# By kind: the parameter, a value that does, and one that fails.
KINDS = {
    "scorer": ("scoring", Metric(), Metric(broken=True)),
    "value": ("loss", SQUARES, (broken, gradient)),
    "gradient": ("loss", SQUARES, (value, broken)),
    "shape": ("loss", SQUARES, (misshapen, gradient)),
    "ahead": ("activation", "tanh", BrokenAhead()),
    "back": ("activation", "tanh", BrokenBack()),
    "step": ("solver", "adam", BrokenStep()),
    "set-up": ("initializer", "he_normal", BrokenDraw()),
    "late": ("learning_rate", "constant", BrokenLate()),
    "diverges": ("learning_rate_init", 0.1, 1e300),
}


def grid_of(kind, **more):
    """Return a grid of candidates of which one in two fails."""
    name, does, fails = KINDS[kind]
    more |= {"early_stopping": [True]} if name == "scoring" else {}
    return {name: [does, fails], **more}


def assert_same_outcome(estimator, grid, X=X, y=LENGTH, **options):
    """Assert that both searches fail, warn and score in the same way."""
    options = {"cv": 3} | options
    theirs = outcome(GridSearchCV(estimator, grid, **options), X, y)
    ours = outcome(LockstepGridSearchCV(estimator, grid, **options), X, y)
    assert ours[0] is theirs[0]
    assert ours[1] == theirs[1]
    if theirs[2] is not None:
        assert_same_table(ours[2], theirs[2])
    return theirs[0]


@pytest.mark.parametrize("error_score", [np.nan, -7.0, "raise"], ids=str)
@pytest.mark.parametrize("network", [SIMPLE, TABULAR], ids=["simple", "tabular"])
@pytest.mark.parametrize("kind", KINDS)
def test_failing_candidate_ends_as_in_scikit_learn(kind, network, error_score):
    """Its score, the warning with its number and its error, and the others' scores."""
    assert_same_outcome(network, grid_of(kind), error_score=error_score)


@pytest.mark.parametrize("kind", KINDS)
def test_candidates_that_all_fail_end_as_in_scikit_learn(kind):
    """With a ValueError that lists the errors."""
    name, _, fails = KINDS[kind]
    assert assert_same_outcome(SIMPLE, grid_of(kind) | {name: [fails]}) is ValueError


@pytest.mark.parametrize("early_stopping", [False, True])
def test_fold_that_is_refused_ends_as_in_scikit_learn(early_stopping):
    """A missing value stands in the training part of two folds of three."""
    missing = X.copy()
    missing[3, 2] = np.nan
    net = clone(SIMPLE).set_params(early_stopping=early_stopping)
    assert_same_outcome(net, FEW, X=missing)


def test_class_that_only_some_folds_lack_ends_as_in_scikit_learn():
    """Early stopping by a scorer that needs all classes."""
    rare = (SPECIES > 0).astype(int)
    rare[::30] = 2
    net = SimpleMLPClassifier(**OPTIONS, early_stopping=True, scoring="neg_log_loss")
    assert_same_outcome(net, {"random_state": [*range(6)]}, y=rare)


def test_step_before_the_network_that_fails_ends_as_in_scikit_learn():
    """In fit, or where the left-out fold is transformed."""

    def short(X):
        return X if len(X) > 60 else X[:, :0]

    grid = {"before__func": [np.negative, np.linalg.inv, short], "network__alpha": [1]}
    before = FunctionTransformer()
    assert_same_outcome(Pipeline([("before", before), ("network", SIMPLE)]), grid)


@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [
        (LockstepRandomizedSearchCV, RandomizedSearchCV, {"n_iter": 6}),
        (LockstepHalvingSearchCV, HalvingGridSearchCV, {"factor": 2}),
        (
            LockstepHalvingRandomSearchCV,
            HalvingRandomSearchCV,
            {"factor": 2, "n_candidates": 6},
        ),
    ],
)
@pytest.mark.parametrize("kind", ["scorer", "gradient", "late"])
# The scores of who failed are NaN, as is meant.
@pytest.mark.filterwarnings("ignore:One or more of the:UserWarning")
def test_other_searches_score_the_rest(kind, ours, theirs, options):
    """A candidate may fail in the first rung, or in the second."""
    grid = grid_of(kind, alpha=[1e-4, 1.0, 3.0])
    if theirs is not HalvingGridSearchCV:
        grid["alpha"] = uniform(0.0, 1.0)
    if "factor" in options:
        options = options | {"resource": "max_iter", "max_resources": 4}
        options |= {"min_resources": 1}
    tables = []
    for search in (ours, theirs):
        options = options | {"cv": 3, "refit": False, "random_state": 0}
        _, said, table = outcome(search(SIMPLE, grid, **options), X, LENGTH)
        tables.append((table, [text for _, text in said]))
    (table, said), (expected, sayings) = tables
    assert_same_table(table, expected)
    assert np.isnan(expected["mean_test_score"]).any()
    assert said == sayings


# ------------------------------------------------------------- what the others keep


def networks(n_bad):
    """Return networks of which some have a scorer that fails."""
    nets = []
    for k in range(9):
        state = np.random.RandomState(k) if k % 2 else k
        nets.append(SimpleMLPRegressor(**OPTIONS | {"random_state": state}))
        nets[-1].set_params(early_stopping=True, n_estimators=1 + k % 2)
        nets[-1].set_params(scoring=Metric(broken=k % 3 == 0 and k < 3 * n_bad))
    return nets


def assert_others_as_alone(n_bad, n_jobs=None):
    """Assert that each of the others is what it is alone, to the last bit."""
    together, singles = networks(n_bad), networks(n_bad)
    outcomes = fit_many([Request(net, X, LENGTH) for net in together], n_jobs)
    for net, single, result in zip(together, singles, outcomes, strict=True):
        assert result.finished
        if net.scoring.broken:
            assert isinstance(result.error, KeyError)
            assert "theta_" not in vars(net)
        else:
            assert result.error is None
            np.testing.assert_array_equal(net.theta_, single.fit(X, LENGTH).theta_)
            assert net.loss_curve_ == single.loss_curve_
            if isinstance(net.random_state, np.random.RandomState):
                drawn = net.random_state.random_sample()
                assert drawn == single.random_state.random_sample()


@pytest.mark.parametrize("n_bad", [1, 3])
def test_others_of_a_block_that_failed_are_what_they_are_alone(n_bad):
    """Their random streams go back to where they began."""
    assert_others_as_alone(n_bad)


def test_failure_in_a_thread_is_one_fits(monkeypatch):
    """Threads train blocks at the same time."""
    monkeypatch.setattr(executor, "WORTH_A_THREAD", 0)
    assert_others_as_alone(2, n_jobs=2)


def test_failure_in_a_process_is_one_fits():
    """Not every error can be sent from one process to another."""
    with joblib.parallel_config("loky", n_jobs=2):
        assert_others_as_alone(1, n_jobs=2)


class Counting:
    """A scorer that counts its calls, and fails at one of them."""

    def __init__(self, last=None):
        self.n_calls, self.last = 0, last

    def __call__(self, estimator, X, y):
        self.n_calls += 1
        if self.n_calls == self.last:
            raise KeyError("worn out")
        return 0.0


def test_who_was_through_is_not_trained_again():
    """The error of one comes when the other has left their block."""
    through, fails = Counting(), Counting(last=4)
    nets = [
        clone(SIMPLE).set_params(early_stopping=True, scoring=scorer, max_iter=n)
        for scorer, n in ((through, 2), (fails, 9))
    ]
    outcomes = fit_many([Request(net, X, LENGTH) for net in nets])
    assert [result.error is None for result in outcomes] == [True, False]
    assert through.n_calls == nets[0].n_iter_ == 2


def test_interrupt_still_ends_a_search_in_which_a_fit_failed():
    """It is no error of a candidate."""

    def interrupting(*_):
        raise KeyboardInterrupt

    grid = {"loss": [(broken, gradient), (value, interrupting)]}
    with pytest.raises(KeyboardInterrupt):
        LockstepGridSearchCV(SIMPLE, grid, cv=3).fit(X, LENGTH)


class Failing:
    """A callback of scikit-learn's kind that fails in the second epoch."""

    def __init__(self):
        self.n_epochs = 0

    def setup(self, estimator, context):
        """Come before fit."""

    def teardown(self, estimator, context):
        """Come after fit."""

    def on_fit_task_begin(self, estimator, context):
        """Come before a task."""

    def on_fit_task_end(self, estimator, context):
        """Come after a task."""
        self.n_epochs += context.task_name == "epoch"
        if self.n_epochs == 2 and estimator.alpha == 1.0:
            raise ArithmeticError("a callback fails")


def test_callback_that_fails_ends_its_fit_as_in_scikit_learn():
    """Networks with callbacks run apart."""
    pytest.importorskip("sklearn.callback")
    net = clone(SIMPLE)
    net.set_callbacks(Failing())
    assert_same_outcome(net, FEW, refit=False)
