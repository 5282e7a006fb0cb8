"""The files of checkpoints: folders, links, disks that are full, and their format."""

import os
import stat
import tracemalloc

import numpy as np
import pytest
from dying import DIGIT, FEW, X, assert_same_fit

from sknet import Checkpoint, SimpleMLPClassifier
from sknet._archive import DamagedArchiveError, read_archive, write_archive
from sknet.training import checkpoint as checkpoints


pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Training stopped at max_time",
)


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
    with pytest.raises(FileNotFoundError, match="is a folder; create it first"):
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


def test_file_that_cannot_be_removed_is_warned_of(tmp_path, monkeypatch):
    """The model is there, and stays."""

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(checkpoints, "remove_archive", refuse)
    model = SimpleMLPClassifier(**FEW, checkpoint=tmp_path / "run.npz")
    with pytest.warns(UserWarning, match=r"run.npz is no longer needed, but it cannot"):
        model.fit(X, DIGIT)
    assert_same_fit(model, SimpleMLPClassifier(**FEW).fit(X, DIGIT))


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
    with pytest.raises(TypeError, match="not plain data"):
        write_archive(tmp_path / "x.npz", np.array([object()]))
    assert os.listdir(tmp_path) == []
