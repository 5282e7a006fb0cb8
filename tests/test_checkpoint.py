"""Checkpoints: a training outlives its process, and ends with the same bits.

That a killed process loses nothing is tested on processes in ``test_killed.py``; here
the training dies of an exception, which leaves the same file.
"""

import os
import pathlib
import pickle

import numpy as np
import pytest
from dying import DIGIT, FEW, Killed, X, assert_same_fit, locks
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknet import (
    Checkpoint,
    LockstepGridSearchCV,
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet._archive import read_archive, write_archive
from sknet._filelock import FileLock
from sknet.solvers import minibatch
from sknet.training import checkpoint as checkpoints


pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Training stopped at max_time",
)
SPLIT = {"early_stopping": True, "validation_fraction": 0.2, "n_iter_no_change": 4}
TRIO = {"n_estimators": 3}
VARIANTS = {
    "adam": {},
    "sgd, adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.5,
        "n_iter_no_change": 1,
        "tol": 0.05,
    },
    "one cycle, averaged": {"learning_rate": "one_cycle", "averaging": "swa"},
    "early stopping, dropout": SPLIT | {"dropout": 0.2},
    "batch norm, float32": {"block": "residual", "dtype": "float32"},
    "in order": {"shuffle": False, "batch_size": 50},
    "trio, bootstrap": TRIO | {"bootstrap": True},
    "trio, each its rows": TRIO | SPLIT | {"joint_early_stopping": False, "tol": 0.01},
    "trio, together": TRIO | SPLIT,
    "trio, two threads": TRIO | {"hidden_layer_sizes": (120, 120), "n_jobs": 2},
    "errors by weights": TRIO | SPLIT | {"learning_rule": "error_by_weights"},
    "feedback": TRIO | {"learning_rule": "feedback_alignment", "averaging": "ema"},
    "shared backbone": TRIO | {"shared_backbone": True},
}


@pytest.mark.parametrize("death", [2, 3, 5])
@pytest.mark.parametrize("variant", VARIANTS)
def test_killed_training_ends_as_if_nothing_had_happened(
    variant, death, tmp_path, dies, lives
):
    """The weights, the curves, the counters, and a training that goes on later."""
    model = SimpleMLPClassifier(**FEW | VARIANTS[variant])
    whole = clone(model).fit(X, DIGIT)
    model.set_params(checkpoint=Checkpoint(tmp_path / "run.npz", epochs=1))

    dies(death)
    with pytest.raises(Killed):
        model.fit(X, DIGIT)
    assert os.listdir(tmp_path) == ["run.npz"]
    assert not hasattr(model, "theta_")
    lives()
    again = clone(model).fit(X, DIGIT)

    assert_same_fit(again, whole)
    assert os.listdir(tmp_path) == []
    assert_array_equal(
        again.set_params(max_iter=2, warm_start=True).fit(X, DIGIT).theta_,
        whole.set_params(max_iter=2, warm_start=True).fit(X, DIGIT).theta_,
    )


@pytest.mark.parametrize("estimator", [TabularMLPClassifier, TabularMLPRegressor])
def test_killed_training_on_a_table_goes_on(estimator, tmp_path, dies, lives):
    """Encoding, validation rows, calibration and all."""
    y = DIGIT % 3
    whole = estimator((8,), max_iter=6, random_state=0).fit(X, y)
    model = estimator((8,), max_iter=6, random_state=0)
    model.set_params(checkpoint=Checkpoint(tmp_path / "run.npz", epochs=1))
    dies(4)
    with pytest.raises(Killed):
        model.fit(X, y)
    lives()
    model.fit(X, y)
    assert_same_fit(model, whole)
    assert getattr(model, "temperature_", None) == getattr(whole, "temperature_", None)


@pytest.mark.parametrize(
    "variant", ["trio, bootstrap", "trio, each its rows", "trio, together"]
)
def test_training_without_a_seed_goes_on_with_its_own_streams(
    variant, tmp_path, dies, lives
):
    """With random_state=None another process draws other numbers, but not these."""
    params = FEW | VARIANTS[variant] | {"random_state": None}
    np.random.seed(1)  # noqa: NPY002  (what None stands for in scikit-learn)
    whole = SimpleMLPRegressor(**params).fit(X, DIGIT)
    model = SimpleMLPRegressor(**params)
    model.set_params(checkpoint=Checkpoint(tmp_path / "run.npz", epochs=1))
    dies(4)
    np.random.seed(1)  # noqa: NPY002  (as above)
    with pytest.raises(Killed):
        model.fit(X, DIGIT)
    lives()
    np.random.seed(2)  # noqa: NPY002  (as above)
    model.fit(X, DIGIT)
    assert_same_fit(model, whole)
    assert_array_equal(model.member_seeds_, whole.member_seeds_)


@pytest.mark.parametrize(
    "variant", ["adam", "early stopping, dropout", "trio, together"]
)
def test_stream_of_the_user_is_left_as_by_an_undisturbed_fit(
    variant, tmp_path, dies, lives
):
    """What is drawn from it after the fit is the same, too."""
    params = FEW | VARIANTS[variant]
    undisturbed = np.random.RandomState(5)
    whole = SimpleMLPClassifier(**params | {"random_state": undisturbed}).fit(X, DIGIT)
    model = SimpleMLPClassifier(**params)
    model.set_params(checkpoint=Checkpoint(tmp_path / "run.npz", epochs=1))
    dies(4)
    with pytest.raises(Killed):
        model.set_params(random_state=np.random.RandomState(5)).fit(X, DIGIT)
    lives()
    stream = np.random.RandomState(5)
    assert_same_fit(model.set_params(random_state=stream).fit(X, DIGIT), whole)
    assert stream.randint(10**9) == undisturbed.randint(10**9)


def test_warm_start_goes_on_from_its_fitted_network(tmp_path, dies, lives):
    """The second fit of a warm start is taken up, and not taken for the first one."""
    params = FEW | {"warm_start": True}
    whole = SimpleMLPRegressor(**params).fit(X, DIGIT)
    begun = pickle.dumps(whole)
    whole.fit(X, DIGIT)
    model = pickle.loads(begun)
    model.set_params(checkpoint=Checkpoint(tmp_path / "run.npz", epochs=1))
    dies(4)
    with pytest.raises(Killed):
        model.fit(X, DIGIT)
    lives()
    fresh = clone(model)
    with pytest.raises(ValueError, match="fitted network that it starts from"):
        fresh.fit(X, DIGIT)
    model = pickle.loads(begun).set_params(checkpoint=model.checkpoint)
    assert_same_fit(model.fit(X, DIGIT), whole)


def test_path_alone_is_saved_at_the_start_and_every_minute(tmp_path, monkeypatch):
    """The clock is looked at between epochs."""
    now, seen = [0.0], []
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(
        checkpoints, "write_archive", lambda path, tree: seen.append(now[0])
    )

    def tick(*_):
        now[0] += 25.0
        return 0.0

    model = SimpleMLPClassifier(**FEW | SPLIT | {"n_iter_no_change": np.inf})
    model.set_params(scoring=tick, checkpoint=str(tmp_path / "run.npz"), max_iter=8)
    model.fit(X, DIGIT)
    assert seen == [0.0, 75.0, 150.0]


def test_max_time_leaves_the_file_and_the_next_fit_goes_on(tmp_path):
    """An hour a night: what is left is trained later, with the same bits."""
    path = tmp_path / "run.npz"
    params = FEW | {"hidden_layer_sizes": (20,), "max_iter": 40}
    whole = SimpleMLPClassifier(**params).fit(X, DIGIT)
    model = SimpleMLPClassifier(**params, checkpoint=Checkpoint(path, epochs=1))
    fits = 0
    while path.exists() or not fits:
        fits += 1
        model.set_params(max_time=1e-3 * fits).fit(X, DIGIT)
    assert fits > 1
    assert_same_fit(model, whole)


LINE = {"hidden_layer_sizes": (), "solver": "sgd", "learning_rate_init": 1e20}
STEPS = {
    "one": FEW,
    "trio": FEW | SPLIT | TRIO | {"joint_early_stopping": False, "n_iter_no_change": 3},
    "diverges": FEW | LINE | {"n_iter_no_change": 99},
}


@pytest.mark.parametrize("name", STEPS)
def test_max_time_saves_what_it_has_come_to(name, tmp_path):
    """Also where the clock has not asked for it: an epoch a call, and then the end."""
    whole = SimpleMLPRegressor(**STEPS[name]).fit(X, DIGIT)
    model = SimpleMLPRegressor(**STEPS[name], checkpoint=tmp_path / "run.npz")
    model.set_params(max_time=1e-9)
    for _ in range(whole.n_iter_):
        assert not hasattr(model, "theta_") or os.listdir(tmp_path) == ["run.npz"]
        model.fit(X, DIGIT)
    assert_same_fit(model, whole)
    assert os.listdir(tmp_path) == []


def test_interrupt_leaves_the_file(tmp_path, monkeypatch):
    """Ctrl-C gives the model as it is; another fit goes on from the last checkpoint."""
    path = tmp_path / "run.npz"
    whole = SimpleMLPClassifier(**FEW).fit(X, DIGIT)
    written = []

    def write(file, tree):
        write_archive(file, tree)
        written.append(file)
        if len(written) == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints, "write_archive", write)
    model = SimpleMLPClassifier(**FEW, checkpoint=Checkpoint(path, epochs=1))
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, DIGIT)
    assert model.n_iter_ == 4
    assert path.exists()
    assert_same_fit(model.fit(X, DIGIT), whole)
    assert not path.exists()


@pytest.mark.parametrize("kind", [GridSearchCV, LockstepGridSearchCV])
def test_search_has_a_file_for_each_fit_in_a_folder(kind, tmp_path, dies, lives):
    """A search that was killed goes on with the fit that it died in.

    Lockstep leaves such networks to scikit-learn: no file is forgotten.
    """
    network = SimpleMLPClassifier(**FEW)
    grid = {"alpha": [1e-4, 1.0], "hidden_layer_sizes": [(4,), (5,)]}
    whole = GridSearchCV(network, grid, cv=2).fit(X, DIGIT)
    saving = SimpleMLPClassifier(**FEW, checkpoint=Checkpoint(tmp_path, epochs=1))
    search = kind(saving, grid, cv=2, error_score="raise")
    dies(13 * 3 + 5)  # in the fourth fit
    with pytest.raises(Killed):
        search.fit(X, DIGIT)
    (left,) = os.listdir(tmp_path)
    assert left.startswith("SimpleMLPClassifier-")
    lives()
    search.fit(X, DIGIT)
    assert os.listdir(tmp_path) == []
    for name in ("mean_test_score", "std_test_score"):
        assert_array_equal(search.cv_results_[name], whole.cv_results_[name])
    assert_array_equal(search.best_estimator_.theta_, whole.best_estimator_.theta_)


# ------------------------------------------------------------ the end of a training


def fails(*_):
    raise MemoryError


def test_error_while_the_model_is_made_leaves_the_file(tmp_path, monkeypatch):
    """A night of training is not lost with it."""
    model = SimpleMLPClassifier(**FEW, checkpoint=Checkpoint(tmp_path, epochs=1))
    monkeypatch.setattr(minibatch, "finalize", fails)
    with pytest.raises(MemoryError):
        model.fit(X, DIGIT)
    monkeypatch.undo()
    (left,) = tmp_path.iterdir()
    assert read_archive(left)["members"][0]["n_done"] == FEW["max_iter"] - 1
    assert_same_fit(model.fit(X, DIGIT), SimpleMLPClassifier(**FEW).fit(X, DIGIT))
    assert os.listdir(tmp_path) == []


def test_training_without_a_finite_epoch_leaves_no_file(tmp_path):
    """It would end in the same way again, and keep the next one from beginning."""
    model = SimpleMLPRegressor(**FEW, checkpoint=Checkpoint(tmp_path / "run.npz"))
    with pytest.raises(ValueError, match="diverged in its first epoch"):
        model.fit(X, DIGIT * 1e200)
    model.fit(X, DIGIT)


@locks
def test_equal_fits_at_once_have_files_of_their_own_in_a_folder(tmp_path, dies, lives):
    """As two networks of a vote; later each goes on from one of the files."""
    whole = SimpleMLPClassifier(**FEW).fit(X, DIGIT)
    model = SimpleMLPClassifier(**FEW, checkpoint=Checkpoint(tmp_path, epochs=1))
    for n_files in (1, 2):
        held = [FileLock(path) for path in tmp_path.iterdir()]
        assert all(lock.acquire() for lock in held)
        dies(5)
        with pytest.raises(Killed):
            model.fit(X, DIGIT)
        lives()
        for lock in held:
            lock.release()
        assert len(os.listdir(tmp_path)) == n_files
    for n_files in (1, 0):
        assert_same_fit(model.fit(X, DIGIT), whole)
        assert len(os.listdir(tmp_path)) == n_files


@pytest.mark.parametrize("path", ["run.npz", pathlib.Path("run.npz")])
def test_checkpoint_is_reached_by_nested_parameters(path):
    """As those of every component; a path becomes a checkpoint with defaults."""
    model = SimpleMLPRegressor(**FEW, checkpoint=path)
    model.set_params(checkpoint__epochs=3)
    assert model.checkpoint == Checkpoint("run.npz", epochs=3)
    assert model.get_params()["checkpoint__epochs"] == 3
    assert Checkpoint(pathlib.Path("a", "b")).path == os.path.join("a", "b")


def test_partial_fit_writes_no_checkpoint(tmp_path):
    """It returns after each epoch anyway."""
    model = SimpleMLPRegressor(**FEW, checkpoint=Checkpoint(tmp_path, epochs=1))
    model.partial_fit(X, DIGIT).partial_fit(X, DIGIT)
    assert os.listdir(tmp_path) == []
