"""Checkpoints: a training outlives its process, and never goes on from anything else.

That a killed process loses nothing is tested on processes in ``test_killed.py``; here
the training dies of an exception, which leaves the same file.
"""

import os
import pathlib
import pickle
import stat
import sys
import tracemalloc
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss, make_scorer
from sklearn.model_selection import GridSearchCV

from sknet import (
    Checkpoint,
    LockstepGridSearchCV,
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet._archive import DamagedArchiveError, read_archive, write_archive
from sknet._filelock import FileLock
from sknet.solvers import minibatch
from sknet.training import checkpoint as checkpoints


pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Training stopped at max_time",
)

X, DIGIT = load_digits(return_X_y=True)
X, DIGIT = X[:220] / 16.0, DIGIT[:220]
FEW = {"hidden_layer_sizes": (6,), "max_iter": 12, "random_state": 3, "tol": 0.0}
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
    "trio, each its rows": TRIO | SPLIT | {"stop_together": False, "tol": 0.01},
    "trio, together": TRIO | SPLIT,
    "trio, two threads": TRIO | {"hidden_layer_sizes": (120, 120), "n_jobs": 2},
    "shared trunk": TRIO | {"share_trunk": True},
}


class Killed(Exception):
    """What the training dies of."""


@pytest.fixture
def dies(monkeypatch):
    """Give a function after which the n-th writing of a checkpoint does not happen."""

    def die_at(n):
        written = iter(range(1, n))

        def write(path, tree):
            if next(written, None) is None:
                raise Killed
            write_archive(path, tree)

        monkeypatch.setattr(checkpoints, "write_archive", write)

    return die_at


@pytest.fixture
def lives(monkeypatch):
    """Give a function after which checkpoints are written again."""
    return lambda: monkeypatch.setattr(checkpoints, "write_archive", write_archive)


def assert_same_fit(first, second):
    """Assert the same bits in all that is fitted."""
    assert_array_equal(first.theta_, second.theta_)
    for name in ("loss_curve_", "validation_scores_", "n_iter_", "t_", "n_epochs_"):
        assert getattr(first, name) == getattr(second, name), name
    assert_array_equal(first.predict(X), second.predict(X))


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
    "trio": FEW | SPLIT | TRIO | {"stop_together": False, "n_iter_no_change": 3},
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


# -------------------------------------------------------- what is not taken up


@pytest.fixture
def half_trained(tmp_path, dies, lives):
    """An estimator whose training has died, and its file."""
    path = tmp_path / "run.npz"
    model = SimpleMLPClassifier(**FEW, checkpoint=Checkpoint(path, epochs=1))
    dies(5)
    with pytest.raises(Killed):
        model.fit(X, DIGIT)
    lives()
    return model, path


def other_rows(model):
    model.fit(X + 1e-9, DIGIT)


def other_labels(model):
    model.fit(X, DIGIT[::-1])


def renamed_labels(model):
    model.fit(X, DIGIT + 1)


def weighted(model):
    model.fit(X, DIGIT, sample_weight=np.arange(len(X)) % 3)


def sparse_rows(model):
    model.fit(sparse.csr_matrix(X), DIGIT)


def validated(model):
    model.fit(X, DIGIT, X_val=X, y_val=DIGIT)


def float32(model):
    model.fit(X.astype("float32"), DIGIT)


def other_rate(model):
    model.set_params(learning_rate_init=0.5).fit(X, DIGIT)


def other_solver(model):
    model.set_params(solver="sgd").fit(X, DIGIT)


def start_given(model):
    start = [np.ones((64, 6)), np.ones((6, 10))]
    model.set_params(initializer=start).fit(X, DIGIT)


def other_scorer(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it scores nothing here
        model.set_params(scoring=make_scorer(log_loss)).fit(X, DIGIT)


def other_kind(model):
    SimpleMLPRegressor(**FEW, checkpoint=model.checkpoint).fit(X, DIGIT)


@pytest.mark.parametrize(
    ("deed", "difference"),
    [
        (other_rows, "X is not the same"),
        (other_labels, "y is not the same"),
        (renamed_labels, "names of the classes"),
        (weighted, "sample_weight is not the same"),
        (sparse_rows, "X is not the same"),
        (float32, "X is not the same"),
        (validated, "X_val is not the same"),
        (other_rate, "learning_rate_init was 0.001, is 0.5"),
        (other_solver, "solver was 'adam', is 'sgd'"),
        (start_given, "initializer was 'glorot_uniform', is .array"),
        (other_scorer, "scoring was None, is .*make_scorer.log_loss"),
        (other_kind, "estimator was SimpleMLPClassifier, is SimpleMLPRegressor"),
    ],
)
def test_checkpoint_of_another_training_is_refused(half_trained, deed, difference):
    """The message says what differs; file and estimator stay as they are."""
    model, path = half_trained
    before, whole = path.read_bytes(), SimpleMLPClassifier(**FEW).fit(X, DIGIT)
    with pytest.raises(ValueError, match=rf"another training: .*{difference}"):
        deed(model)
    assert not hasattr(model, "theta_")
    assert path.read_bytes() == before
    model.set_params(**FEW, solver="adam", learning_rate_init=1e-3)
    model.set_params(initializer="glorot_uniform", scoring=None)
    assert_same_fit(model.fit(X, DIGIT), whole)


def test_what_changes_no_bit_may_change(half_trained):
    """Threads, the time limit and talking are no part of a training."""
    model, _ = half_trained
    model.set_params(n_jobs=2, n_threads=1, max_time=1e6).fit(X, DIGIT)
    assert_same_fit(model, SimpleMLPClassifier(**FEW).fit(X, DIGIT))


class Bomb:
    """A pickle that does something when it is loaded."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("kind", ["text", "nothing", "pickle", "npz", "objects"])
def test_foreign_file_is_refused_and_runs_nothing(kind, tmp_path):
    """What is no checkpoint is neither read nor overwritten."""
    path, trap = tmp_path / "run.npz", tmp_path / "trap"
    if kind == "npz":
        np.savez(path, a=np.ones(3))
    elif kind == "objects":
        np.savez(path, tree=np.array([Bomb(trap)], dtype=object))
    else:
        content = {"text": b"hello", "nothing": b"", "pickle": pickle.dumps(Bomb(trap))}
        path.write_bytes(content[kind])
    before = path.read_bytes()
    model = SimpleMLPClassifier(**FEW, checkpoint=path)
    with pytest.raises(ValueError, match="no checkpoint of sknet, or it is damaged"):
        model.fit(X, DIGIT)
    assert path.read_bytes() == before
    assert not trap.exists()


def test_file_of_another_format_is_refused(half_trained):
    """As a later version may write it."""
    model, path = half_trained
    tree = read_archive(path)
    tree["run"]["format"] = "sknet checkpoint 99"
    write_archive(path, tree)
    with pytest.raises(ValueError, match="no checkpoint of this version of sknet"):
        model.fit(X, DIGIT)


def test_damaged_file_is_refused_or_harmless(half_trained):
    """A flipped bit anywhere, and an end that is missing: no wrong resume."""
    model, path = half_trained
    whole, sound = SimpleMLPClassifier(**FEW).fit(X, DIGIT), path.read_bytes()
    rng, refused = np.random.default_rng(0), 0
    places = rng.integers(len(sound), size=150)
    for place in places.tolist():
        damaged = bytearray(sound)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            read_archive(path)
        except DamagedArchiveError:
            refused += 1
            continue
        assert_same_fit(model.fit(X, DIGIT), whole)  # a date, or the like
    assert refused > 130
    for length in rng.integers(len(sound), size=20).tolist():
        path.write_bytes(sound[:length])
        with pytest.raises(ValueError, match="damaged"):
            model.fit(X, DIGIT)


def test_compressed_file_is_refused_before_it_is_read(tmp_path):
    """A few kilobytes of zeros would fill the memory."""
    path = tmp_path / "run.npz"
    np.savez_compressed(path, tree=np.zeros(10**7, dtype=np.uint8))
    tracemalloc.start()
    try:
        with pytest.raises(DamagedArchiveError, match="it is compressed"):
            read_archive(path)
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


def test_shape_that_was_changed_is_seen(half_trained):
    """An array that seems shorter would be read without coming to its checksum."""
    _, path = half_trained
    sound = path.read_bytes()
    assert b"(1, 460)" in sound  # weights and biases of 64-6-10
    path.write_bytes(sound.replace(b"(1, 460)", b"(1, 260)", 1))
    with pytest.raises(DamagedArchiveError, match="checksum"):
        read_archive(path)


def test_target_of_other_units_is_another_one(tmp_path, dies, lives):
    """A table's network sees the same numbers of it; but scores are in its units."""
    model = TabularMLPRegressor((6,), max_iter=6, random_state=0)
    model.set_params(checkpoint=Checkpoint(tmp_path / "run.npz", epochs=1))
    model.set_params(scoring="neg_mean_absolute_error")
    dies(4)
    with pytest.raises(Killed):
        model.fit(X, DIGIT)
    lives()
    with pytest.raises(ValueError, match="y is not the same"):
        model.fit(X, 2 * DIGIT)


# ------------------------------------------------------------- what the disk refuses


def test_missing_folder_is_told_of_before_the_first_epoch(tmp_path):
    """Not after a night of training."""
    model = SimpleMLPClassifier(**FEW, checkpoint=tmp_path / "no" / "run.npz")
    with pytest.raises(FileNotFoundError, match=r"checkpoint=.*cannot be written"):
        model.fit(X, DIGIT)
    assert not hasattr(model, "theta_")


def test_folder_that_is_not_there_is_no_file(tmp_path):
    """What ends in a slash is meant to be a folder, in which fits do not meet."""
    model = SimpleMLPClassifier(**FEW, checkpoint=f"{tmp_path}/runs/")
    with pytest.raises(FileNotFoundError, match="is a folder; make it first"):
        model.fit(X, DIGIT)
    os.mkdir(tmp_path / "runs")
    model.fit(X, DIGIT)


def test_disk_that_is_full_later_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    """The half-written file goes; the one before stays, and training goes on from it.

    A disk that is really full, and a folder that may really not be written to, are in
    ``test_killed.py``.
    """
    path = tmp_path / "run.npz"
    whole = SimpleMLPClassifier(**FEW).fit(X, DIGIT)
    synced, real = iter(range(9)), os.fsync

    def fsync(handle):
        if not stat.S_ISDIR(os.fstat(handle).st_mode) and next(synced, None) is None:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    model = SimpleMLPClassifier(**FEW, checkpoint=Checkpoint(path, epochs=1))
    with pytest.raises(OSError, match=r"cannot be written \(No space left on device\)"):
        model.fit(X, DIGIT)
    assert os.listdir(tmp_path) == ["run.npz"]
    assert read_archive(path)["members"][0]["n_done"] == 8
    monkeypatch.setattr(os, "fsync", real)
    assert_same_fit(model.fit(X, DIGIT), whole)


def test_link_leads_to_the_file(tmp_path, half_trained):
    """A link to another disk stays one, and the file is there."""
    model, path = half_trained
    place, link = tmp_path / "scratch.npz", tmp_path / "link.npz"
    link.symlink_to(place)
    model.set_params(checkpoint__path=str(link), max_time=1e-9).fit(X, DIGIT)
    assert link.is_symlink()
    assert read_archive(place)["members"][0]["n_done"] == 1
    assert path.exists()


# ------------------------------------------------------------ the end of a training


def fails(*_):
    raise MemoryError


def test_error_while_the_model_is_made_leaves_the_file(tmp_path, monkeypatch):
    """A night of training is not lost with it."""
    model = SimpleMLPClassifier(**FEW, checkpoint=Checkpoint(tmp_path, epochs=1))
    monkeypatch.setattr(minibatch, "conclude", fails)
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


def test_file_that_cannot_be_removed_is_warned_of(tmp_path, monkeypatch):
    """The model is there, and stays."""

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(checkpoints, "remove_archive", refuse)
    model = SimpleMLPClassifier(**FEW, checkpoint=tmp_path / "run.npz")
    with pytest.warns(UserWarning, match=r"run.npz is needed no more, but it cannot"):
        model.fit(X, DIGIT)
    assert_same_fit(model, SimpleMLPClassifier(**FEW).fit(X, DIGIT))


# ------------------------------------------------------------------ fits side by side

locks = pytest.mark.skipif(sys.platform == "win32", reason="nobody is kept out there")


@locks
def test_file_of_a_fit_that_is_running_is_refused(half_trained):
    """Neither of the two loses what the other one writes."""
    model, path = half_trained
    before, lock = path.read_bytes(), FileLock(path)
    assert lock.acquire()
    with pytest.raises(ValueError, match=r"run.npz is the checkpoint of another fit"):
        model.fit(X, DIGIT)
    assert path.read_bytes() == before
    lock.release()
    assert_same_fit(model.fit(X, DIGIT), SimpleMLPClassifier(**FEW).fit(X, DIGIT))


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


# ------------------------------------------------------------------- the parameter


def test_lbfgs_refuses_a_checkpoint(tmp_path):
    """SciPy keeps its memory of the curvature to itself."""
    model = SimpleMLPRegressor(**FEW, solver="lbfgs", checkpoint=tmp_path / "run.npz")
    with pytest.raises(ValueError, match=r"checkpoint=.* does not go with solver="):
        model.fit(X, DIGIT)


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        (3, "The 'checkpoint' parameter of SimpleMLPClassifier must be"),
        (Checkpoint("run.npz", epochs=0), "epochs must be a whole number"),
        (Checkpoint("run.npz", minutes=0.0), "minutes must be a number"),
        ("", "path must be that of a file or a folder, got ''"),
        (Checkpoint(None), "path must be that of a file or a folder, got None"),
        (Checkpoint(b"run.npz"), "path must be that of a file or a folder, got b'"),
    ],
)
def test_bad_checkpoint_is_refused(checkpoint, message):
    """In fit, as every parameter."""
    with pytest.raises(ValueError, match=message):
        SimpleMLPClassifier(**FEW, checkpoint=checkpoint).fit(X, DIGIT)


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


def test_archive_gives_back_what_it_was_given(tmp_path, rng):
    """Plain data of every kind, bit for bit."""
    tree = {
        "a": [1, 2.5, None, True, "x", 10**30, (1, (2,))],
        "b": {"c": rng.normal(size=(3, 0)), "d": rng.integers(9, size=4)},
        "e": np.float32([[np.nan, np.inf]]),
    }
    write_archive(tmp_path / "x.npz", tree)
    again = read_archive(tmp_path / "x.npz")
    np.testing.assert_equal(again, tree)
    assert type(again["a"][6]) is tuple
    assert again["e"].dtype == np.float32


def test_archive_refuses_objects(tmp_path):
    """They would need pickle."""
    with pytest.raises(TypeError, match="no plain data"):
        write_archive(tmp_path / "x.npz", np.array([object()]))
    assert os.listdir(tmp_path) == []
