"""Checkpoints that are not taken up: of other trainings, foreign, damaged, in use."""

import os
import pickle
import warnings

import numpy as np
import pytest
from dying import DIGIT, FEW, Killed, X, assert_same_fit, locks
from scipy import sparse
from sklearn.metrics import log_loss, make_scorer

from sknet import (
    Checkpoint,
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPRegressor,
)
from sknet._archive import DamagedArchiveError, read_archive, write_archive
from sknet._filelock import FileLock


pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Training stopped at max_time",
)


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
    with pytest.raises(ValueError, match="not a checkpoint of sknet, or it is damaged"):
        model.fit(X, DIGIT)
    assert path.read_bytes() == before
    assert not trap.exists()


def test_file_of_another_format_is_refused(half_trained):
    """As a later version may write it."""
    model, path = half_trained
    tree = read_archive(path)
    tree["run"]["format"] = "sknet checkpoint 99"
    write_archive(path, tree)
    with pytest.raises(ValueError, match="not a checkpoint of this version of sknet"):
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


# ------------------------------------------------------------------- the parameter


def test_lbfgs_refuses_a_checkpoint(tmp_path):
    """SciPy keeps its memory of the curvature to itself."""
    model = SimpleMLPRegressor(**FEW, solver="lbfgs", checkpoint=tmp_path / "run.npz")
    with pytest.raises(ValueError, match=r"checkpoint=.* is not supported with"):
        model.fit(X, DIGIT)


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        (3, "The 'checkpoint' parameter of SimpleMLPClassifier must be"),
        (Checkpoint("run.npz", epochs=0), "epochs must be a whole number"),
        (Checkpoint("run.npz", minutes=0.0), "minutes must be a number"),
        ("", "path must be the path of a file or a folder, got ''"),
        (Checkpoint(None), "path must be the path of a file or a folder, got None"),
        (Checkpoint(b"run.npz"), "path must be the path of a file or a folder, got b'"),
    ],
)
def test_bad_checkpoint_is_refused(checkpoint, message):
    """In fit, as every parameter."""
    with pytest.raises(ValueError, match=message):
        SimpleMLPClassifier(**FEW, checkpoint=checkpoint).fit(X, DIGIT)
