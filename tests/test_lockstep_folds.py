"""Folds of a lockstep search are row numbers, and held only while they are in work."""

import warnings

import numpy as np
import pandas as pd
import pytest
from interrupting import interrupting_loss
from memory import MB, peak_of
from scipy import sparse
from searches import assert_same_table
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401, it enables
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, ShuffleSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sknet import (
    LockstepGridSearchCV,
    LockstepHalvingSearchCV,
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.lockstep import rounds


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, SPECIES = load_iris(return_X_y=True)
LENGTH = X[:, 0] / 5.0
OPTIONS = {"hidden_layer_sizes": (5,), "max_iter": 4, "random_state": 0}
NET = SimpleMLPClassifier(**OPTIONS, batch_size=20)
TABLES = {"n_estimators": 2, "n_jobs": 1}
FEW = {"alpha": [1e-4, 1.0]}


def table(search, X, y, **fit):
    """Return what a search finds, or the error that it ends with."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # test_lockstep_failures compares them
        try:
            return search.fit(X, y, **fit).cv_results_
        except Exception as error:
            return type(error), str(error).splitlines()[-1:]


def assert_same(estimator, grid, X=X, y=SPECIES, *, fit=None, **options):
    """Assert that both searches find the same, bit for bit."""
    options = {"cv": 3, "refit": False, "return_train_score": True} | options
    ours, theirs = (
        table(search(estimator, grid, **options), X, y, **fit or {})
        for search in (LockstepGridSearchCV, GridSearchCV)
    )
    if isinstance(theirs, tuple):
        assert ours == theirs
    else:
        assert_same_table(ours, theirs)
    return theirs


# ----------------------------------------------------------------- shared, bit by bit


def mapped(values, tmp_path):
    """Return a memory map of an array."""
    values.tofile(tmp_path / "X")
    return np.memmap(tmp_path / "X", dtype=values.dtype, mode="r", shape=values.shape)


CONTAINERS = {
    "float32": lambda X, _: X.astype(np.float32),
    "integers": lambda X, _: (10 * X).astype(np.int16),
    "columns": lambda X, _: np.asfortranarray(X),
    "big-endian": lambda X, _: X.astype(">f8"),
    "half": lambda X, _: X.astype(np.float16),
    "map": mapped,
    "list": lambda X, _: X.tolist(),
    "objects": lambda X, _: X.astype(object),
    "frame": lambda X, _: pd.DataFrame(X, columns=[*"abcd"]),
    "frame of many types": lambda X, _: pd.DataFrame(
        {"a": X[:, 0], "b": X[:, 1].astype(np.float32), "c": (9 * X[:, 2]).astype(int)}
    ),
    "csr": lambda X, _: sparse.csr_matrix(np.where(X > 2.0, X, 0.0)),
    "csc": lambda X, _: sparse.csc_matrix(np.where(X > 2.0, X, 0.0)),
    "csr32": lambda X, _: sparse.csr_array(np.where(X > 2.0, X, 0).astype(np.float32)),
}


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("name", CONTAINERS)
def test_folds_of_any_container_are_what_they_are_alone(name, shuffle, tmp_path):
    """Whether it is read as it lies, or made an array first."""
    net = clone(NET).set_params(shuffle=shuffle)
    assert_same(net, FEW, CONTAINERS[name](X, tmp_path))


@pytest.mark.parametrize(
    "params",
    [
        {"early_stopping": True, "validation_fraction": 0.2},
        {"early_stopping": True, "scoring": "neg_log_loss"},
        {"early_stopping": True, "n_estimators": 3},
        {"n_estimators": 3, "bootstrap": True},
        {"block": "plain", "block__normalization": "batch", "dropout": 0.3},
        {"initializer": "lsuv"},
        {"class_weight": "balanced", "dtype": "float32"},
        {"shuffle": False, "batch_size": 7},
    ],
    ids=lambda params: "-".join(params),
)
def test_all_that_reads_rows_reads_those_of_its_fold(params):
    """Splits, scorers, weights, statistics and initial parameters."""
    weight = 0.5 + np.arange(len(X)) % 3
    options = {"fit": {"sample_weight": weight}}
    options |= {"cv": ShuffleSplit(3, test_size=0.4, random_state=0)}
    assert_same(clone(NET).set_params(**params), FEW, **options)


def test_rows_are_given_in_any_form():
    """A mask, numbers from the end, twice the same; of more rows, or of less."""
    rows = np.arange(len(X))
    splits = [
        (rows % 3 > 0, rows % 3 == 0),
        (-1 - rows[:100], rows[100:]),
        ([*range(0, 150, 2)] * 2, [*range(1, 150, 2)]),
        (rows[rows % 5 > 0], rows[::5]),
    ]
    assert_same(NET, FEW, cv=splits)
    assert_same(NET, FEW, cv=[([0, 1, 1000], [2])])
    assert_same(NET, FEW, cv=[(np.array([], dtype=int), rows)])


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e25])
def test_what_is_wrong_with_a_row_concerns_the_folds_that_have_it(bad):
    """A fold that leaves it out is trained; and maybe scored on it."""
    odd = X.copy()
    odd[3, 2] = bad
    rows = np.arange(len(X))
    splits = [(rows[50:], rows[:50:2]), (rows[:100], rows[100:]), (rows[9:], rows[:9])]
    expected = assert_same(NET, FEW, X=odd, cv=splits)
    assert np.isnan(expected["split1_test_score"]).all() == (bad != 1e25)
    assert np.isfinite(expected["split2_train_score"]).all()
    words = odd.astype(object)
    words[3, 2] = "three"
    assert_same(NET, FEW, X=words, cv=splits)


# ------------------------------------------------------------- those in work, in turn


def scaled(net=NET, scaler=None):
    """Return a pipeline."""
    return Pipeline([("scale", scaler or StandardScaler()), ("net", net)])


SEVERAL = {"net__alpha": [1e-4, 1.0], "scale__with_std": [True, False]}


@pytest.fixture
def turns(monkeypatch):
    """Let each fold, with each setting, be in work alone; return how many were."""
    sizes = []
    train = rounds.Rounds._train

    def noted(self, trainings):
        sizes.append(len(trainings))
        train(self, trainings)

    monkeypatch.setattr(rounds.Rounds, "_train", noted)
    monkeypatch.setattr(rounds, "HELD_BYTES", 1)
    return sizes


def test_fold_by_fold_a_pipeline_is_what_it_is_alone(turns):
    """Two candidates share each scaler on each fold."""
    assert_same(scaled(), SEVERAL)
    assert turns == [2] * 6


@pytest.mark.parametrize("kind", [TabularMLPClassifier, TabularMLPRegressor])
@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, sparse.csr_matrix])
def test_fold_by_fold_a_table_is_what_it_is_alone(kind, container, turns):
    """Each fold has a preprocessor of its own."""
    y = SPECIES if kind is TabularMLPClassifier else LENGTH
    assert_same(kind(**OPTIONS, **TABLES), FEW, container(X), y)
    assert turns == [2] * 3


def test_what_shares_a_table_is_trained_at_once(turns):
    """There is nothing to hold for it."""
    assert_same(NET, FEW)
    assert turns == [6]


def test_enough_folds_are_in_work_to_keep_every_job_busy(turns):
    """One candidate, which four jobs train on four folds at a time."""
    options = {"cv": 6, "n_jobs": 4, "refit": False}
    LockstepGridSearchCV(scaled(), {}, **options).fit(X, SPECIES)
    assert turns == [4, 2]


def test_failing_folds_fail_alone(turns):
    """Those of one setting of two."""

    def broken(X):
        raise ArithmeticError(f"no {X.shape[1]} columns")

    grid = {"scale": [StandardScaler(), FunctionTransformer(broken)], **FEW}
    grid["net__alpha"] = grid.pop("alpha")
    assert_same(scaled(), grid)
    assert len(turns) == 4  # what has failed holds nothing


@pytest.mark.parametrize(
    ("estimator", "grid", "resource"),
    [
        (scaled(), SEVERAL, "net__max_iter"),
        (TabularMLPRegressor(**OPTIONS, **TABLES), FEW, "max_iter"),
        (
            TabularMLPRegressor(**OPTIONS, **TABLES, learning_rate="constant"),
            FEW,
            "max_iter",
        ),
    ],
    ids=["pipeline", "table", "table without a plan"],
)
def test_halving_fold_by_fold_equals_scikit_learn(estimator, grid, resource, turns):
    """From rung to rung no rows are kept."""
    options = {"cv": 3, "factor": 2, "resource": resource, "max_resources": 4}
    options |= {"refit": False, "min_resources": 1}
    y = SPECIES if isinstance(estimator, Pipeline) else LENGTH
    ours, theirs = (
        table(search(estimator, grid, **options), X, y)
        for search in (LockstepHalvingSearchCV, HalvingGridSearchCV)
    )
    assert_same_table(ours, theirs)
    assert len(turns) > 3


class Noise(StandardScaler):
    """Adds other numbers in every fit, as what has no seed does."""

    stream = np.random.default_rng(0)

    def fit_transform(self, X, y=None):
        """Draw."""
        return super().fit_transform(X, y) + Noise.stream.normal(0.0, 0.1, X.shape)


def test_network_goes_on_only_with_the_data_that_it_knows():
    """Else its rung trains it anew, as it would be trained alone."""
    steps = []

    def gradient(raw, y):
        steps.append(1)
        return 2.0 * (raw - y)

    def value(raw, y):
        return ((raw - y) ** 2).sum(axis=1)

    net = SimpleMLPRegressor(loss=(value, gradient), batch_size=100, **OPTIONS)
    options = {"cv": 3, "factor": 2, "resource": "net__max_iter", "max_resources": 4}
    options |= {"refit": False, "min_resources": 2}
    for scaler, second in ((StandardScaler(), 2), (Noise(), 4)):
        steps.clear()
        search = LockstepHalvingSearchCV(scaled(net, scaler), {"net__alpha": [0, 1]})
        search.set_params(**options).fit(X, LENGTH)
        assert len(steps) == 3 * (2 * 2 + second)


# The scores of who was interrupted are NaN, as is meant.
@pytest.mark.filterwarnings("ignore:One or more of the:UserWarning")
def test_interrupt_between_folds_keeps_the_candidates_that_are_through(turns):
    """The second setting is interrupted in its first fold, after 3 x 4 steps."""
    net = SimpleMLPRegressor(loss=interrupting_loss(14), batch_size=100, **OPTIONS)
    search = LockstepGridSearchCV(scaled(net), {"scale__with_std": [True, False]}, cv=3)
    with pytest.warns(UserWarning, match="Search interrupted: 1 of 2 candidates"):
        search.fit(X, LENGTH)
    assert turns == [1] * 4
    scores = search.cv_results_["mean_test_score"]
    np.testing.assert_array_equal(np.isnan(scores), [False, True])


def interrupted_scaler(n_calls):
    """Return a function that is interrupted, once, after so many calls."""
    left = [n_calls]

    def scale(X):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return X / 10.0

    return scale


# The scores of who was interrupted are NaN, as is meant.
@pytest.mark.filterwarnings("ignore:One or more of the:UserWarning")
def test_interrupt_of_preprocessing_keeps_what_is_through(turns):
    """It comes where the first fold of the second candidate is prepared."""
    steps = [
        FunctionTransformer(np.negative),
        FunctionTransformer(interrupted_scaler(1)),
    ]
    net = SimpleMLPRegressor(**OPTIONS)
    search = LockstepGridSearchCV(scaled(net), {"scale": steps}, cv=3)
    with pytest.warns(UserWarning, match="Search interrupted: 1 of 2 candidates"):
        search.fit(X, LENGTH)
    assert turns == [1] * 3
    assert search.best_index_ == 0


# ----------------------------------------------------------------------------- memory

ROWS, COLUMNS = 1000, 125  # 1 MB, of which each fold has four fifths
LARGE = np.random.default_rng(0).normal(size=(ROWS, COLUMNS))
CLASSES = (LARGE[:, 0] > 0).astype(int)
SPLIT = {"early_stopping": True, "validation_fraction": 0.05}
SMALL = {"hidden_layer_sizes": (2,), "max_iter": 1, "random_state": 0}


def peak_of_search(estimator, X, n_folds, grid=None, **fit):
    """Return the peak of a search over two candidates on folds of 0.8 MB."""
    folds = ShuffleSplit(n_folds, test_size=0.2, random_state=0)
    grid = grid or {"alpha": [1e-4, 1.0]}
    search = LockstepGridSearchCV(estimator, grid, cv=folds, refit=False)
    return peak_of(lambda: search.fit(X, CLASSES, **fit))


@pytest.mark.parametrize(
    ("container", "params"),
    [
        (np.asarray, {}),
        (pd.DataFrame, {}),
        (np.asarray, SPLIT | {"scoring": "neg_log_loss"}),
        (np.asarray, {"shuffle": False}),
        (lambda X: sparse.csr_array(np.where(X > -1.0, X, 0.0)), {}),
    ],
    ids=["array", "frame", "early stopping", "in order", "sparse"],
)
def test_folds_share_the_rows(container, params):
    """48 folds would take 38 MB; the buffers of a block take up to 5."""
    net = SimpleMLPClassifier(**SMALL | params, batch_size=50)
    weight = np.ones(ROWS)
    assert peak_of_search(net, container(LARGE), 48, sample_weight=weight) < 15 * MB


@pytest.mark.parametrize("fraction", [0.5, 0.9])
def test_validation_rows_take_turns_in_the_memory_of_a_batch(fraction):
    """Those of all networks of a block together would take 40 MB and more."""
    net = SimpleMLPClassifier(**SMALL | SPLIT, batch_size=50)
    net.set_params(validation_fraction=fraction)
    assert peak_of_search(net, LARGE, 48) < 15 * MB


@pytest.mark.parametrize(
    ("estimator", "grid", "most"),
    [
        (
            scaled(SimpleMLPClassifier(**SMALL, batch_size=50)),
            {"net__alpha": [0, 1]},
            10 * MB,
        ),
        (
            TabularMLPClassifier(
                **SMALL, n_estimators=1, n_jobs=1, batch_size=50, early_stopping=False
            ),
            None,
            29 * MB,  # of which a single fit takes 19
        ),
    ],
    ids=["pipeline", "table"],
)
def test_no_more_folds_are_held_than_are_in_work(estimator, grid, most):
    """Of 36 folds as few as of 12, where all were held 19 MB more."""
    few, many = (peak_of_search(estimator, LARGE, n, grid) for n in (12, 36))
    assert many < min(few + 5 * MB, most)


@pytest.mark.parametrize("container", [np.asfortranarray, pd.DataFrame])
def test_a_validation_set_is_read_once(container):
    """Read for each of the 48 networks, it would take 43 MB.

    It is shorter than the table, or scikit-learn would cut it into folds, too.
    """
    net = SimpleMLPClassifier(**SMALL, early_stopping=True, batch_size=50)
    given = {"X_val": container(LARGE[:900]), "y_val": CLASSES[:900]}
    assert peak_of_search(net, LARGE, 24, **given) < 20 * MB
